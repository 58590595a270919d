//! Killed at every write point in turn, and at random on a bad line.

use crate::reckon::{Figures, quiet, reckon};
use crate::work::{self, Errand, KINDS, Kind, send};
use deputy_protocol::StepState;
use deputy_protocol::control::{Request, Response};
use deputy_tests::{Agent, Fault, Home, Launch, SmtpProxy, SmtpServer, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

#[test]
fn killed_at_every_write_point_it_does_nothing_twice_and_loses_nothing() {
    let server = SmtpServer::open();
    let began = Instant::now();
    let tables: Vec<(Figures, BTreeMap<String, u64>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = KINDS
            .iter()
            .map(|kind| {
                let server = &server;
                scope.spawn(move || at_every_point(*kind, server))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let mut killed_at = BTreeMap::<String, u64>::new();
    let mut figures = Figures::default();
    for (part, points) in tables {
        figures.add(&part);
        for (name, n) in points {
            *killed_at.entry(name).or_insert(0) += n;
        }
    }
    println!("killed at every point in turn, in {:.0?}:", began.elapsed());
    for (name, n) in &killed_at {
        println!("  {n:4} × {name}");
    }
    println!("{figures}");
    let known = points_in_source();
    // Those of pushes are passed where there are devices, in `tests/remote/push.rs`; those of a
    // restore, which is no agent, in `tests/restore.rs`.
    let elsewhere = |point: &str| point.starts_with("push.") || point.starts_with("restore.");
    let spared: Vec<&String> = known
        .iter()
        .filter(|p| !elsewhere(p) && !killed_at.contains_key(*p))
        .collect();
    assert!(spared.is_empty(), "never killed at {spared:?}");
}

/// One automation of a kind, killed at the first point, then at the second, and so on, until it
/// gets through; then, by their names, at those points that another came in front of each time.
fn at_every_point(kind: Kind, server: &SmtpServer) -> (Figures, BTreeMap<String, u64>) {
    let home = Home::new();
    let agent = home.start();
    work::connect(&home, server.port);
    let automation = kind.install(&home);
    agent.kill9();
    let mut sweep = Sweep {
        kind,
        home,
        automation,
        errands: Vec::new(),
        kills: 0,
        killed_at: BTreeMap::new(),
        passed: BTreeSet::new(),
    };
    // Writes that happen to share a transaction pass fewer points; so look twice.
    let mut in_a_row = 0;
    for n in 1.. {
        let is_killed = sweep.killed_at_point(&n.to_string());
        in_a_row = if is_killed { 0 } else { in_a_row + 1 };
        if in_a_row == 2 {
            break;
        }
    }
    for name in sweep.passed.clone() {
        if !sweep.killed_at.contains_key(&name) {
            sweep.killed_at_point(&name);
        }
    }
    let figures = reckon(&sweep.home, server, &sweep.errands, sweep.kills);
    (figures, sweep.killed_at)
}

struct Sweep {
    kind: Kind,
    home: Home,
    automation: String,
    errands: Vec<Errand>,
    kills: u64,
    /// How often at the point of a name.
    killed_at: BTreeMap<String, u64>,
    /// The names of all points passed.
    passed: BTreeSet<String>,
}

impl Sweep {
    /// One more errand, with a kill at `point`, a number or a name, and a second start that lets
    /// it come to rest. Whether it was killed.
    fn killed_at_point(&mut self, point: &str) -> bool {
        let key = format!("{}-{point}", self.kind.name());
        let errand = Errand::new(self.kind, &self.automation, key);
        let count = self.home.path().join("points");
        let _ = std::fs::remove_file(&count);
        let launch = Launch::with_faults()
            .env("DEPUTY_FAULT_KILL", point)
            .env("DEPUTY_FAULT_COUNT", count.display());
        let mut sent = false;
        let is_killed = match Agent::start(&self.home, &launch) {
            Err(output) => {
                assert_eq!(output.code, None, "{output:?}");
                true
            }
            Ok(mut agent) => {
                sent = send(&self.home, &errand);
                wait_until("the kill, or the end of the work", || {
                    if !agent.alive() {
                        return Some(true);
                    }
                    (sent && quiet(&self.home).unwrap_or(false)).then_some(false)
                })
            }
        };
        let points = std::fs::read_to_string(&count).unwrap();
        let points = || points.lines().filter_map(|line| line.split_once(' '));
        self.passed
            .extend(points().map(|(_, name)| name.to_owned()));
        if is_killed {
            // Others may have passed points before the kill took them, too.
            let at = points().find(|(number, name)| *number == point || *name == point);
            *self.killed_at.entry(at.unwrap().1.to_owned()).or_insert(0) += 1;
        }
        self.kills += u64::from(is_killed);
        let agent = self.home.start();
        // A second time where the first was not confirmed: it is the same errand.
        if !sent {
            assert!(send(&self.home, &errand));
        }
        wait_until("the work to come to rest", || {
            quiet(&self.home).filter(|q| *q)
        });
        agent.kill9();
        self.errands.push(errand);
        is_killed
    }
}

/// The points that the agent's source names.
fn points_in_source() -> Vec<String> {
    fn walk(dir: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let names = text.split("fault::point(\"").skip(1);
                found.extend(names.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    let mut found = Vec::new();
    walk(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/src"),
        &mut found,
    );
    assert!(!found.is_empty());
    found
}

#[test]
fn killed_at_random_on_a_bad_line_it_does_nothing_twice_and_loses_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seed = number("DEPUTY_SEED").unwrap_or_else(|| fastrand::u64(..));
    let kills = number("DEPUTY_KILLS").unwrap_or(200);
    println!("DEPUTY_SEED={seed} DEPUTY_KILLS={kills}");
    let server = SmtpServer::open();
    let began = Instant::now();
    let mut figures = Figures::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|n| {
                let server = &server;
                scope.spawn(move || at_random(n, seed.wrapping_add(n), kills / 2, server))
            })
            .collect();
        for thread in threads {
            figures.add(&thread.join().unwrap());
        }
    });
    println!(
        "killed at random with twenty automations each in two agents, in {:.0?}:\n{figures}",
        began.elapsed()
    );
}

fn at_random(part: u64, seed: u64, kills: u64, server: &SmtpServer) -> Figures {
    let mut random = fastrand::Rng::with_seed(seed);
    let proxy = SmtpProxy::new(server.port, 0, seed);
    let home = Home::new();
    let agent = home.start();
    work::connect(&home, proxy.port);
    let automations: Vec<(Kind, String)> = (0..20)
        .map(|n| KINDS[n % KINDS.len()])
        .map(|kind| (kind, kind.install(&home)))
        .collect();
    agent.kill9();
    proxy.set_percent(35);
    let mut errands = Vec::new();
    let mut unsent: Vec<Errand> = Vec::new();
    for kill in 0..kills {
        for _ in 0..random.usize(1..5) {
            let (kind, automation) = &automations[random.usize(..automations.len())];
            let tag = format!(
                "{}-{part}-{kill}-{}",
                kind.name(),
                errands.len() + unsent.len()
            );
            unsent.push(Errand::new(*kind, automation, tag));
        }
        let agent = home.start();
        if random.u8(..) > 30 {
            let (sent, still_unsent) = unsent.into_iter().partition(|errand| send(&home, errand));
            unsent = still_unsent;
            let sent: Vec<Errand> = sent;
            errands.extend(sent);
            // The instant is what is random here.
            std::thread::sleep(Duration::from_micros(random.u64(0..500_000)));
        }
        agent.kill9();
    }
    proxy.set_percent(0);
    let agent = home.start();
    for errand in unsent {
        assert!(send(&home, &errand));
        errands.push(errand);
    }
    wait_until("the work to come to rest", || quiet(&home).filter(|q| *q));
    wait_until("the line to be clear", || (proxy.open() == 0).then_some(()));
    agent.kill9();
    println!("what the line did to agent {part}: {:?}", proxy.met());
    reckon(&home, server, &errands, kills)
}

#[test]
fn a_doubt_that_nobody_was_asked_about_before_the_kill_is_asked_about_after_it() {
    let server = SmtpServer::open();
    let proxy = SmtpProxy::new(server.port, 0, 0);
    let home = Home::new();
    let agent = home.start();
    work::connect(&home, proxy.port);
    let kind = Kind::Plain;
    let errand = Errand::new(kind, &kind.install(&home), "t".to_owned());
    // The first mail goes through; of the two after it one is known to be in doubt while the other
    // is still waited for, so the attempt is not over.
    proxy.plan(&[Fault::None, Fault::ReplySwallowed, Fault::ReplyHeldBack]);
    assert!(send(&home, &errand));
    wait_until("a step in doubt in a run at work", || {
        match home.ask(Request::RunShow {
            run: "r1".to_owned(),
        }) {
            Ok(Response::RunDetail(detail)) => detail
                .journal
                .iter()
                .any(|step| step.state == StepState::InDoubt)
                .then_some(()),
            _ => None,
        }
    });
    assert!(home.needs().is_empty());
    agent.kill9();
    let agent = home.start();
    wait_until("the work to come to rest", || quiet(&home).filter(|q| *q));
    assert_eq!(home.needs().len(), 2);
    agent.kill9();
    reckon(&home, &server, &[errand], 1);
}
