//! What the agent stands on breaks: the disk is full or read-only, the database's log is torn, the
//! clock jumps, the data is a newer version's.

use crate::reckon::{quiet, reckon};
use crate::work::{self, Errand, KINDS, Kind, send};
use deputy_protocol::control::Request;
use deputy_tests::{Agent, AskError, Home, Launch, SmtpServer, wait_until};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something mounted for as long as it lives.
struct Mount(PathBuf);

impl Mount {
    fn new(words: &[&str], at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let status = Command::new("mount").args(words).arg(at).status().unwrap();
        assert!(
            status.success(),
            "these tests mount file systems: run them as root"
        );
        Self(at.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_work_with_a_clear_word_and_it_goes_on_when_there_is_room() {
    let server = SmtpServer::open();
    let dir = tempfile::tempdir().unwrap();
    let _disk = Mount::new(
        &["-t", "tmpfs", "-o", "size=12m", "none"],
        &dir.path().join("home"),
    );
    let home = Home::at(dir.path().join("home"));
    let agent = home.start();
    work::connect(&home, server.port);
    let automations: Vec<(Kind, String)> = KINDS
        .iter()
        .map(|kind| (*kind, kind.install(&home)))
        .collect();
    let mut errands = Vec::new();
    let mut refused = 0;
    let ballast = home.path().join("ballast");
    for n in 0..60 {
        if n == 20 {
            // While the first runs are under way.
            let mut file = std::fs::File::create(&ballast).unwrap();
            while file.write_all(&[0; 4096]).is_ok() {}
            while file.write_all(&[0]).is_ok() {}
        }
        if n == 40 {
            assert!(refused > 0, "the disk is full and nothing was refused");
            let down = home.cli(&["event", "send", &automations[0].1, "go"]);
            down.refused(1, "disk_full");
            std::fs::remove_file(&ballast).unwrap();
        }
        let (kind, automation) = &automations[n % automations.len()];
        let errand = Errand::new(*kind, automation, format!("full-{}-{n}", kind.name()));
        let sent = home.ask(Request::EventSend {
            automation: automation.clone(),
            topic: "go".to_owned(),
            payload: Some(serde_json::json!({"tag": errand.tag})),
            key: Some(errand.tag.clone()),
        });
        match sent {
            Ok(_) => errands.push(errand),
            Err(AskError::Refused(error)) => {
                assert_eq!(error.code, "disk_full", "{error}");
                refused += 1;
            }
            Err(AskError::Gone(error)) => panic!("the agent went away: {error}"),
        }
    }
    wait_until("the work to go on and come to rest", || {
        quiet(&home).filter(|q| *q)
    });
    agent.kill9();
    let figures = reckon(&home, &server, &errands, 0);
    println!("disk full: {refused} inputs refused, the others:\n{figures}");
}

/// Every file below a folder, with what is in it.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all: Vec<(PathBuf, Vec<u8>)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_read_only_directory_is_said_and_left_as_it_is() {
    let home = Home::new();
    home.start().terminate().done();
    let before = contents(home.path());
    let path = home.path().display().to_string();
    let view = home.path().with_extension("view");
    let _bound = Mount::new(&["--bind", &path], &view);
    let remount = Command::new("mount")
        .args(["-o", "remount,bind,ro"])
        .arg(&view)
        .status();
    assert!(remount.unwrap().success());
    let started = Agent::start(&Home::at(&view), &Launch::default());
    started
        .err()
        .expect("no agent on a read-only disk")
        .refused(1, "read_only");
    assert_eq!(contents(home.path()), before);
    home.start();
}

/// Nobody can write to a file, not even who has it open, for as long as this lives: what a disk
/// does that the kernel turned read-only after an error.
struct Frozen(Vec<PathBuf>);

impl Frozen {
    fn new(files: Vec<PathBuf>) -> Self {
        let frozen = Self(files);
        assert!(
            frozen.set("+i"),
            "these tests make files immutable: run them as root, with the temporary folder on ext4 or the like"
        );
        frozen
    }

    fn set(&self, flag: &str) -> bool {
        let status = Command::new("chattr").arg(flag).args(&self.0).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = self.set("-i");
    }
}

#[test]
fn a_disk_that_turns_read_only_stops_the_work_with_a_clear_word_and_it_goes_on_afterwards() {
    let server = SmtpServer::open();
    let home = Home::new();
    let agent = home.start();
    work::connect(&home, server.port);
    let automations: Vec<(Kind, String)> = KINDS
        .iter()
        .map(|kind| (*kind, kind.install(&home)))
        .collect();
    let database = ["deputy.db", "deputy.db-wal"].map(|name| home.path().join(name));
    let (mut errands, mut refused, mut frozen) = (Vec::new(), 0, None);
    for n in 0..60 {
        if n == 20 {
            // While the first runs are under way.
            frozen = Some(Frozen::new(database.to_vec()));
        }
        if n == 40 {
            assert!(
                refused > 0,
                "nothing can be written and nothing was refused"
            );
            let down = home.cli(&["event", "send", &automations[0].1, "go"]);
            down.refused(1, "read_only");
            // What is there can be read all the same.
            home.cli(&["runs"]).done();
            frozen = None;
        }
        let (kind, automation) = &automations[n % automations.len()];
        let errand = Errand::new(*kind, automation, format!("ro-{}-{n}", kind.name()));
        let sent = home.ask(Request::EventSend {
            automation: automation.clone(),
            topic: "go".to_owned(),
            payload: Some(serde_json::json!({"tag": errand.tag})),
            key: Some(errand.tag.clone()),
        });
        match sent {
            Ok(_) => errands.push(errand),
            Err(AskError::Refused(error)) => {
                assert!(frozen.is_some(), "{error}");
                assert_eq!(error.code, "read_only", "{error}");
                refused += 1;
            }
            Err(AskError::Gone(error)) => panic!("the agent went away: {error}"),
        }
    }
    wait_until("the work to go on and come to rest", || {
        quiet(&home).filter(|q| *q)
    });
    agent.kill9();
    let figures = reckon(&home, &server, &errands, 0);
    println!("read-only: {refused} inputs refused, the others:\n{figures}");
}

#[test]
fn data_of_a_newer_version_is_refused_and_left_as_it_is() {
    let home = Home::new();
    home.start().terminate().done();
    home.database()
        .execute_batch("PRAGMA user_version=999")
        .unwrap();
    let database = || std::fs::read(home.path().join("deputy.db")).unwrap();
    let before = database();
    let started = Agent::start(&home, &Launch::default());
    started
        .err()
        .expect("no agent on newer data")
        .refused(1, "newer_data");
    assert_eq!(database(), before);
}

/// The log's header and one of its frames, in bytes.
const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

/// A copy of a stopped agent's home with another log.
fn with_log(home: &Home, log: &[u8]) -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("home");
    std::fs::create_dir(&copy).unwrap();
    for (path, _) in contents(home.path()) {
        let name = path.file_name().unwrap().to_owned();
        // The index of the log is made anew.
        if name != "deputy.db-shm" {
            std::fs::copy(path, copy.join(name)).unwrap();
        }
    }
    std::fs::write(copy.join("deputy.db-wal"), log).unwrap();
    (dir, Home::at(copy))
}

/// How many effects a database says are done.
fn done(home: &Home) -> i64 {
    let count = "SELECT count(*) FROM ledger WHERE state='done'";
    home.database()
        .query_row(count, [], |row| row.get(0))
        .unwrap_or(0)
}

#[test]
fn a_log_torn_behind_the_last_sync_costs_nothing() {
    let server = SmtpServer::open();
    let home = Home::new();
    let agent = home.start();
    work::connect(&home, server.port);
    let automation = Kind::Once.install(&home);
    let errands: Vec<Errand> = (0..3)
        .map(|n| Errand::new(Kind::Once, &automation, format!("torn-{n}")))
        .collect();
    for errand in &errands {
        assert!(send(&home, errand));
    }
    wait_until("the work to come to rest", || quiet(&home).filter(|q| *q));
    agent.kill9();
    let log = std::fs::read(home.path().join("deputy.db-wal")).unwrap();
    assert_eq!((log.len() - HEADER) % FRAME, 0, "whole frames");
    let (_dir, whole) = with_log(&home, &log);
    assert_eq!(done(&whole), 6);
    // An effect's end is synced before anything else is made of it. So a disk may lose what came
    // after the last of them, and no more; that is where the log is cut.
    let frames = (log.len() - HEADER) / FRAME;
    let synced = (1..frames)
        .rev()
        .find(|n| done(&with_log(&home, &log[..HEADER + n * FRAME]).1) < 6)
        .unwrap()
        + 1;
    let unsynced = HEADER + synced * FRAME;
    assert!(
        unsynced < log.len(),
        "the last run's end is not synced by itself"
    );
    let mut torn: Vec<Vec<u8>> = Vec::new();
    for at in [
        unsynced,
        unsynced + 1,
        unsynced + 23,
        unsynced + 24,
        unsynced + 2000,
        log.len() - FRAME,
        log.len() - 1,
    ] {
        torn.push(log[..at].to_vec());
    }
    for at in [unsynced, unsynced + 8, unsynced + 100, log.len() - 1] {
        let mut flipped = log.clone();
        flipped[at] ^= 0x55;
        torn.push(flipped);
    }
    for length in [1, 23, FRAME, 3 * FRAME + 7] {
        let mut longer = log.clone();
        longer.extend(std::iter::repeat_n(0xA5, length));
        torn.push(longer);
    }
    println!(
        "the log has {frames} frames, {synced} of them until the last sync; torn in {} ways",
        torn.len()
    );
    for log in torn {
        let (_dir, copy) = with_log(&home, &log);
        // Counts each mail once, in a mailbox that all copies share.
        reckon(&copy, &server, &errands, 0);
    }
}

#[test]
fn a_clock_that_jumps_by_hours_neither_repeats_nor_forgets() {
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    assert!(
        Path::new(library).exists(),
        "the clock is moved by libfaketime: apt-get install faketime"
    );
    let server = SmtpServer::open();
    let home = Home::new();
    let agent = home.start();
    work::connect(&home, server.port);
    let automations: Vec<(Kind, String)> = KINDS
        .iter()
        .map(|kind| (*kind, kind.install(&home)))
        .collect();
    agent.kill9();
    let mut errands = Vec::new();
    for (n, offset) in ["+0", "+5h", "-7h", "+26h", "-1h"].into_iter().enumerate() {
        let launch = Launch::default()
            .env("LD_PRELOAD", library)
            .env("FAKETIME", offset)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", 1);
        let agent = home.start_with(&launch);
        let come_to_rest = n % 2 == 0;
        for (kind, automation) in &automations {
            // A sleep is until a time on the clock, however far the clock is put back.
            if *kind == Kind::Sleep && !come_to_rest {
                continue;
            }
            let errand = Errand::new(*kind, automation, format!("clock-{}-{n}", kind.name()));
            assert!(send(&home, &errand));
            errands.push(errand);
        }
        if come_to_rest {
            wait_until("the work to come to rest", || quiet(&home).filter(|q| *q));
        }
        // Else in the middle of it.
        agent.kill9();
    }
    println!("clock jumps:\n{}", reckon(&home, &server, &errands, 5));
}
