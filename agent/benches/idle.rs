//! What a large history costs: an agent with 1,000 automations and 1,000,000 journal rows, as a
//! process of its own. Prints its memory, its wake-ups while nothing is due, and how long the
//! lists and a run's timeline take over the local socket.
//!
//! `cargo bench -p deputy-agent --bench idle`. The history is written into the database by this
//! file, because a million steps take minutes to run; everything else is the real thing.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "support/mod.rs"]
mod support;

use deputy_protocol::control::{CONTROL_VERSION, Envelope, Request};
use rusqlite::{Connection, params};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::Bench;

const AUTOMATIONS: i64 = 1_000;
const RUNS: i64 = 100_000;
const STEPS: i64 = 10;
/// How long nothing is due is watched.
const WATCHED: Duration = Duration::from_secs(20);

fn main() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let bench = Bench::start_in(home);
    for n in 0..AUTOMATIONS {
        let name = format!("automation {n}");
        bench.install_with(
            &name,
            support::TEN_STEPS,
            json!({"notes.put": {}}),
            json!([{"cron": "0 8 1 1 *"}]),
        );
    }
    let home = bench.end();
    write_history(&home.path().join("deputy.db"));
    let agent = Agent::start(home.path());
    println!("{AUTOMATIONS} automations, {} journal rows", RUNS * STEPS);
    println!("memory after start          {:8.1} MB", agent.resident_mb());
    let asked = [
        ("automations", Request::Automations { archived: false }),
        (
            "runs",
            Request::Runs {
                automation: None,
                state: None,
                before: None,
                limit: 50,
            },
        ),
        (
            "runs of one automation",
            Request::Runs {
                automation: Some("a500".into()),
                state: None,
                before: None,
                limit: 50,
            },
        ),
        (
            "run show",
            Request::RunShow {
                run: format!("r{}", RUNS / 2),
            },
        ),
        (
            "inputs",
            Request::Inputs {
                automation: None,
                state: None,
                limit: 50,
            },
        ),
        (
            "outputs",
            Request::Outputs {
                automation: None,
                limit: 50,
            },
        ),
        ("needs", Request::Needs { all: false }),
        ("status", Request::Status),
    ];
    for (name, request) in asked {
        println!(
            "{name:27} {:8.2} ms median of 50",
            agent.median_ms(home.path(), &request)
        );
    }
    println!("memory after the lists      {:8.1} MB", agent.resident_mb());
    // Threads of the pool for blocking work end by themselves after ten seconds.
    std::thread::sleep(Duration::from_secs(12));
    let before = agent.switches();
    std::thread::sleep(WATCHED);
    println!(
        "wake-ups in {} s idle       {:8}",
        WATCHED.as_secs(),
        agent.switches().saturating_sub(before)
    );
    println!("memory after idling         {:8.1} MB", agent.resident_mb());
}

fn write_history(database: &Path) {
    let mut db = Connection::open(database).unwrap();
    let transaction = db.transaction().unwrap();
    for run in 1..=RUNS {
        let automation = run % AUTOMATIONS + 1;
        let at = 1_700_000_000_000 + run * 1_000;
        transaction
            .prepare_cached(
                "INSERT INTO inbox (id, source, source_id, target, target_id, dedupe, title, payload, state, due_at, available_at, run)
                 VALUES (?1,'cron','0','automation',?2,'tick:'||?3,'cron','null','done',?3,?3,?1)",
            )
            .unwrap()
            .execute(params![run, automation, at])
            .unwrap();
        transaction
            .prepare_cached(
                "INSERT INTO runs (id, automation, input, state, script_version, contract_version, state_version, attempt, seed,
                                   due_at, logical_start, started_at, ended_at, busy_us, steps, result)
                 VALUES (?1,?2,?1,'succeeded',1,1,0,1,zeroblob(32),?3,?3,?3,?3+9,9000,10,'null')",
            )
            .unwrap()
            .execute(params![run, automation, at])
            .unwrap();
        for seq in 1..=STEPS {
            let (key, name) = ((run << 20) | seq, format!("k{run}.{seq}"));
            transaction
                .prepare_cached(
                    "INSERT INTO steps (id, tool, effect_class, effect_key, args_digest, args, state, outcome, settled, logical_at,
                                        started_at, duration_us, attempt)
                     VALUES (?1,'notes.put','idempotent',?2,'0123456789abcdef','{\"name\":\"a note\",\"text\":\"its text\"}','done',
                             'null',?3,?4,?4,700,1)",
                )
                .unwrap()
                .execute(params![key, name, seq, at])
                .unwrap();
            transaction
                .prepare_cached(
                    "INSERT INTO ledger (automation, tool, effect_key, args_digest, run, seq, state, title, outcome, caused_by, at)
                     VALUES (?1,'notes.put',?2,'0123456789abcdef',?3,?4,'done','notes.put','null',?3,?5)",
                )
                .unwrap()
                .execute(params![automation, name, run, seq, at])
                .unwrap();
        }
    }
    transaction.commit().unwrap();
}

struct Agent(Child);

impl Agent {
    fn start(home: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_deputy"))
            .args(["up", "--json", "--no-open"])
            .env("DEPUTY_HOME", home)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("running"), "{line}");
        Self(child)
    }

    fn status(&self, key: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn resident_mb(&self) -> f64 {
        self.status("VmRSS:") as f64 / 1024.0
    }

    /// How often any of its threads gave up the processor, which is once a wake-up.
    fn switches(&self) -> u64 {
        std::fs::read_dir(format!("/proc/{}/task", self.0.id()))
            .unwrap()
            .map(|task| {
                let text = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
                let line = text
                    .lines()
                    .find(|line| line.starts_with("voluntary_ctxt"))
                    .unwrap();
                line.split_whitespace()
                    .nth(1)
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
            })
            .sum()
    }

    fn median_ms(&self, home: &Path, request: &Request) -> f64 {
        let mut socket = UnixStream::connect(home.join("agent.sock")).unwrap();
        let mut spans: Vec<f64> = (0..50)
            .map(|n| {
                let envelope = Envelope {
                    version: CONTROL_VERSION,
                    id: format!("idle-{n}"),
                    request: request.clone(),
                };
                let bytes = serde_json::to_vec(&envelope).unwrap();
                let began = Instant::now();
                socket
                    .write_all(&u32::try_from(bytes.len()).unwrap().to_le_bytes())
                    .unwrap();
                socket.write_all(&bytes).unwrap();
                let mut length = [0; 4];
                socket.read_exact(&mut length).unwrap();
                let mut answer = vec![0; u32::from_le_bytes(length) as usize];
                socket.read_exact(&mut answer).unwrap();
                assert!(
                    answer.starts_with(b"{\"ok\""),
                    "{}",
                    String::from_utf8_lossy(&answer)
                );
                began.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        spans.sort_by(f64::total_cmp);
        spans[25]
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
