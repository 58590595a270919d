//! What must be true after all kills: first before anybody answers, then after the doubts are
//! settled by a look into the mailbox.

use crate::work::{self, Errand, Kind};
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::{Input, Need};
use deputy_protocol::{InputState, NeedKind, RunState};
use deputy_tests::{Home, Letter, SmtpServer, wait_until};
use std::collections::{BTreeMap, BTreeSet};

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    kills: u64,
    runs: u64,
    mails: u64,
    in_doubt: u64,
    in_doubt_but_done: u64,
    cut_off_too_often: u64,
    missing_but_asked: u64,
    duplicates: u64,
    lost: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.runs += other.runs;
        self.mails += other.mails;
        self.in_doubt += other.in_doubt;
        self.in_doubt_but_done += other.in_doubt_but_done;
        self.cut_off_too_often += other.cut_off_too_often;
        self.missing_but_asked += other.missing_but_asked;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "  {} kills, {} runs, {} mails in the mailbox at the end\n  \
             before answers: {} in doubt ({} of them had happened), {} runs cut off too often, {} mails not sent that somebody is asked about\n  \
             {} duplicates, {} lost",
            self.kills,
            self.runs,
            self.mails,
            self.in_doubt,
            self.in_doubt_but_done,
            self.cut_off_too_often,
            self.missing_but_asked,
            self.duplicates,
            self.lost
        )
    }
}

fn inputs(home: &Home, state: Option<&str>) -> Option<Vec<Input>> {
    let request = Request::Inputs {
        automation: None,
        state: state.map(str::to_owned),
        limit: 1_000_000,
    };
    match home.ask(request).ok()? {
        Response::Inputs(inputs) => Some(inputs),
        other => panic!("{other:?}"),
    }
}

/// Whether there is nothing left to do without a person; `None` when the agent is gone. One look at
/// the store: between two, a run may go from where the second looks to where the first did.
pub(crate) fn quiet(home: &Home) -> Option<bool> {
    home.ask(Request::Status).ok()?;
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(home.path().join("deputy.db"), flags).ok()?;
    db.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM inbox WHERE state='pending')
            AND NOT EXISTS (SELECT 1 FROM runs WHERE state IN ('queued','running')
                            OR state='waiting' AND waiting_for IN ('timer','retry'))",
        [],
        |row| row.get(0),
    )
    .ok()
}

/// Counts, settles what is in doubt, and counts again. The agent is not running before and after.
pub(crate) fn reckon(home: &Home, server: &SmtpServer, errands: &[Errand], kills: u64) -> Figures {
    let mut figures = Figures {
        kills,
        ..Figures::default()
    };
    check_database(home);
    let agent = home.start();
    wait_until("the work to come to rest", || quiet(home).filter(|q| *q));
    let letters = mine(server, errands);
    figures.duplicates += no_duplicates(&letters);
    let needs = home.needs();
    nothing_is_stuck(home, &needs);
    nothing_is_lost(home, errands, &letters, &needs, &mut figures);
    let mut open = needs;
    while !open.is_empty() {
        let sent = subjects(&mine(server, errands));
        for need in open {
            answer(home, &need, &sent);
        }
        wait_until("the work to come to rest", || quiet(home).filter(|q| *q));
        open = home.needs();
    }
    let letters = mine(server, errands);
    figures.duplicates += no_duplicates(&letters);
    figures.mails = letters.len() as u64;
    figures.runs = home.runs(None).len() as u64;
    all_is_done(home, errands, &letters);
    agent.kill9();
    check_database(home);
    figures
}

/// The letters of these errands; several agents share the server.
fn mine(server: &SmtpServer, errands: &[Errand]) -> Vec<Letter> {
    let intended: BTreeSet<String> = errands.iter().flat_map(Errand::mails).collect();
    let letters = server.letters();
    letters
        .into_iter()
        .filter(|l| intended.contains(&l.subject))
        .collect()
}

fn subjects(letters: &[Letter]) -> BTreeSet<String> {
    letters.iter().map(|l| l.subject.clone()).collect()
}

fn no_duplicates(letters: &[Letter]) -> u64 {
    let twice = |key: fn(&Letter) -> &String| -> Vec<(&String, u64)> {
        let mut counted = BTreeMap::new();
        for letter in letters {
            *counted.entry(key(letter)).or_insert(0u64) += 1;
        }
        counted.into_iter().filter(|(_, n)| *n > 1).collect()
    };
    let (by_id, by_subject) = (twice(|l| &l.message_id), twice(|l| &l.subject));
    assert!(
        by_id.is_empty() && by_subject.is_empty(),
        "sent twice: {by_id:?} {by_subject:?}"
    );
    for letter in letters {
        assert_eq!(letter.text, format!("about {}", letter.subject));
    }
    0
}

/// Every run is over, or waits for somebody who was asked.
fn nothing_is_stuck(home: &Home, needs: &[Need]) {
    let asked: BTreeSet<&str> = needs.iter().filter_map(|n| n.run.as_deref()).collect();
    for run in home.runs(None) {
        let settled = match run.state {
            RunState::Succeeded => true,
            RunState::Waiting => asked.contains(run.id.as_str()),
            RunState::Queued | RunState::Running | RunState::Failed | RunState::Cancelled => false,
        };
        assert!(settled, "{run:?}");
    }
    let claimed = inputs(home, Some("claimed")).unwrap();
    for input in claimed {
        assert!(
            input.run.is_some_and(|run| asked.contains(run.as_str())),
            "{}",
            input.id
        );
    }
}

/// What was intended and is not in the mailbox is a run's that waits for an answer.
fn nothing_is_lost(
    home: &Home,
    errands: &[Errand],
    letters: &[Letter],
    needs: &[Need],
    figures: &mut Figures,
) {
    let sent = subjects(letters);
    for need in needs {
        match need.kind {
            NeedKind::InDoubt => {
                figures.in_doubt += 1;
                figures.in_doubt_but_done += u64::from(happened(home, need, &sent));
            }
            NeedKind::Poison => figures.cut_off_too_often += 1,
            _ => panic!("nobody expected to be asked this: {need:?}"),
        }
    }
    let asked: BTreeSet<&str> = needs.iter().filter_map(|n| n.run.as_deref()).collect();
    let all = inputs(home, None).unwrap();
    let waiting: BTreeSet<(&str, u64)> = all
        .iter()
        .filter(|input| input.run.as_deref().is_some_and(|run| asked.contains(run)))
        .filter_map(|input| {
            Some((
                input.payload["tag"].as_str()?,
                input.payload["n"].as_u64().unwrap_or(0),
            ))
        })
        .collect();
    let known: BTreeSet<&str> = all
        .iter()
        .filter_map(|i| i.payload["tag"].as_str())
        .collect();
    for errand in errands {
        assert!(
            known.contains(errand.tag.as_str()),
            "the input {} is lost",
            errand.tag
        );
        for (n, mail) in (1..).zip(errand.mails()) {
            if sent.contains(&mail) {
                continue;
            }
            let part = if errand.kind == Kind::Emit { n } else { 0 };
            let explained = waiting.contains(&(errand.tag.as_str(), part))
                || waiting.contains(&(errand.tag.as_str(), 0));
            assert!(explained, "{mail} is lost: not sent, and nobody is asked");
            figures.missing_but_asked += 1;
        }
    }
}

/// Whether the effect that somebody is asked about is there to be seen.
fn happened(home: &Home, need: &Need, sent: &BTreeSet<String>) -> bool {
    let call = &need.detail["call"];
    let argument = |name: &str| call["args"][name].as_str().expect("the call's arguments");
    match call["tool"].as_str() {
        Some("mail.send") => sent.contains(argument("subject")),
        // Looked up by itself, unless another automation has written to the file since.
        Some("files.append") => {
            let line = argument("text").trim_end();
            work::lines(home).iter().any(|there| there == line)
        }
        _ => panic!("this cannot be in doubt: {need:?}"),
    }
}

fn answer(home: &Home, need: &Need, sent: &BTreeSet<String>) {
    let choice = match need.kind {
        NeedKind::InDoubt if happened(home, need, sent) => "happened",
        NeedKind::InDoubt => "redo",
        NeedKind::Poison => "retry",
        _ => panic!("nobody expected to be asked this: {need:?}"),
    };
    let request = Request::NeedAnswer {
        item: need.id.clone(),
        choice: choice.to_owned(),
        note: None,
    };
    home.ask(request).unwrap();
}

/// Everything intended happened exactly once.
fn all_is_done(home: &Home, errands: &[Errand], letters: &[Letter]) {
    assert_eq!(
        subjects(letters),
        errands.iter().flat_map(Errand::mails).collect()
    );
    let mut lines = work::lines(home);
    lines.sort();
    let mut intended: Vec<String> = errands.iter().flat_map(Errand::lines).collect();
    intended.sort();
    assert_eq!(lines, intended);
    for run in home.runs(None) {
        assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    }
    for input in inputs(home, None).unwrap() {
        assert_eq!(input.state, InputState::Done, "{input:?}");
    }
    let db = home.database();
    let noted: BTreeSet<String> = db
        .prepare("SELECT name FROM notes")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(noted, errands.iter().flat_map(Errand::notes).collect());
    let remembered: BTreeSet<String> = db
        .prepare(
            "SELECT j.key FROM state_versions s JOIN automations a ON a.id=s.automation AND a.state_version=s.version,
             json_each(s.state) j",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let slept = errands.iter().filter(|e| e.kind == Kind::Sleep);
    assert_eq!(remembered, slept.map(|e| e.tag.clone()).collect());
}

/// The file is sound, and ledger and journal tell the same story.
fn check_database(home: &Home) {
    let db = home.database();
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |r| r.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let stories = [
        (
            "a ledger row and its step",
            "SELECT l.id || ' ' || l.state || ' ' || coalesce(s.state, 'none') FROM ledger l
             LEFT JOIN steps s ON s.id=(l.run<<20)|l.seq
             WHERE s.id IS NULL OR s.tool<>l.tool OR s.effect_key IS NOT l.effect_key OR s.state<>l.state",
        ),
        (
            "an executed effect and its ledger row",
            "SELECT s.id || ' ' || s.state FROM steps s JOIN runs r ON r.id=s.id>>20
             WHERE s.effect_class IN ('idempotent','reconcilable','opaque') AND s.tool<>'ctx.emit' AND s.state='done'
               AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.automation=r.automation AND l.tool=s.tool
                               AND l.effect_key=s.effect_key AND l.state='done')",
        ),
        (
            "an emitted item and its inbox row",
            "SELECT s.id || '' FROM steps s JOIN runs r ON r.id=s.id>>20 WHERE s.tool='ctx.emit' AND s.state='done'
               AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.target_id=r.automation AND i.dedupe=s.effect_key)",
        ),
    ];
    for (what, sql) in stories {
        let odd: Vec<String> = db
            .prepare(sql)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(odd.is_empty(), "{what} differ: {odd:?}");
    }
}
