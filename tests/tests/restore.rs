//! A backup put back, after more has happened than is in it: nothing is done twice, nothing goes on
//! unasked, and what was there before can be had again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use deputy_protocol::RunState;
use deputy_tests::{Agent, Binary, Home, SmtpServer, bundle, wait_until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const SCRIPT: &str = "export default async ({input: {tag}}) => {
    const mail = (subject) => tools.mail.send({connection: 'mail', to: ['you@example.test'], subject, text: subject});
    await mail(`${tag}/1`);
    await tools.notes.put({name: tag, text: 'asked for'});
    await mail(`${tag}/2`);
};";

/// An automation that mails, asks before it takes a note, and mails again.
fn install(home: &Home, mail: &SmtpServer) -> String {
    home.connect_mail(mail.port, &[], "").done();
    let contract = json!({
        "capabilities": {
            "mail.send": {"connections": ["mail"], "recipients": ["you@example.test"]},
            "notes.put": {},
        },
        "requires_approval": [{"of": "notes.put"}],
    });
    home.install(bundle("careful", contract, SCRIPT))
}

fn send(home: &Home, automation: &str, tag: &str) {
    let payload = json!({"tag": tag}).to_string();
    let words = [
        "event",
        "send",
        automation,
        "go",
        "--id",
        tag,
        "--json-payload",
        &payload,
    ];
    home.cli(&words).done();
}

fn approve(home: &Home) {
    let need = home.wait_for_need("approval");
    home.cli(&["need", "answer", &need.id, "approve"]).done();
}

fn have_succeeded(home: &Home, count: usize) {
    wait_until("the runs' end", || {
        let runs = home.runs(None);
        let done = runs.iter().filter(|run| run.state == RunState::Succeeded);
        (done.count() == count).then_some(())
    });
}

fn subjects(mail: &SmtpServer) -> Vec<String> {
    let mut all: Vec<String> = mail.letters().into_iter().map(|l| l.subject).collect();
    all.sort();
    all
}

fn back_up(home: &Home, to: &Path) -> PathBuf {
    let file = to.join("backup.db");
    home.cli(&["backup", &file.display().to_string()]).done();
    file
}

fn restore(home: &Home, file: &Path) -> Value {
    let file = file.display().to_string();
    home.cli(&["restore", &file]).done().json
}

fn paused_because(home: &Home) -> String {
    let automations = home.cli(&["automations"]).done().json;
    automations[0]["paused_because"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn answer(home: &Home, choice: &str) {
    let need = home.wait_for_need("restored");
    home.cli(&["need", "answer", &need.id, choice]).done();
}

/// An agent whose first run asks for approval, and a backup of just that.
struct Asked {
    home: Home,
    mail: SmtpServer,
    automation: String,
    agent: Agent,
    file: PathBuf,
    _elsewhere: tempfile::TempDir,
}

impl Asked {
    fn new() -> Self {
        let (home, mail) = (Home::new(), SmtpServer::open());
        let elsewhere = tempfile::tempdir().unwrap();
        let agent = home.start();
        let automation = install(&home, &mail);
        send(&home, &automation, "a");
        home.wait_for_need("approval");
        let file = back_up(&home, elsewhere.path());
        Self {
            home,
            mail,
            automation,
            agent,
            file,
            _elsewhere: elsewhere,
        }
    }
}

fn page_host(home: &Home) -> String {
    let all = home.cli(&["config", "get", "page_host"]).done().json;
    all["page_host"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_was_done_since_the_backup_is_not_done_again() {
    let Asked {
        home,
        mail,
        automation,
        agent,
        file,
        _elsewhere,
    } = Asked::new();
    // All this happens after the copy was made.
    approve(&home);
    have_succeeded(&home, 1);
    send(&home, &automation, "b");
    approve(&home);
    have_succeeded(&home, 2);
    let before = subjects(&mail);
    assert_eq!(before, ["a/1", "a/2", "b/1", "b/2"]);
    agent.kill9();

    let said = restore(&home, &file);
    assert_eq!(said["carried_over"], json!(true), "{said}");
    let _agent = home.start();
    assert_eq!(paused_because(&home), "the data was restored from a copy");
    let need = home.wait_for_need("restored");
    assert_eq!(need.detail["carried_over"], json!(true));
    assert_eq!(need.choices[0].id, "resume");
    // In the copy the first run still asks; its answer alone moves nothing.
    approve(&home);
    answer(&home, "resume");
    have_succeeded(&home, 1);
    // What came in since is known, too.
    send(&home, &automation, "b");
    send(&home, &automation, "c");
    approve(&home);
    have_succeeded(&home, 2);
    let mut expected = before;
    expected.extend(["c/1".to_owned(), "c/2".to_owned()]);
    assert_eq!(subjects(&mail), expected);
}

#[test]
fn on_a_new_machine_nothing_goes_on_unasked_and_what_comes_in_is_not_lost() {
    let Asked {
        home: _home,
        mail,
        automation,
        agent,
        file,
        _elsewhere,
    } = Asked::new();
    agent.kill9();

    // Where there has never been anything.
    let there = Home::new();
    let said = restore(&there, &file);
    assert_eq!(said["carried_over"], json!(false), "{said}");
    let _agent = there.start();
    let need = there.wait_for_need("restored");
    assert_eq!(need.choices[0].id, "resume_new");
    send(&there, &automation, "b");
    assert_eq!(there.runs(None).len(), 1, "what has come in waits");
    answer(&there, "resume_new");
    approve(&there);
    have_succeeded(&there, 1);
    let runs = there.runs(None);
    let left = runs.iter().find(|run| run.state == RunState::Cancelled);
    assert!(left.is_some(), "{runs:?}");
    assert_eq!(subjects(&mail), ["a/1", "b/1", "b/2"]);
}

#[test]
fn a_run_that_was_started_by_hand_is_left_and_an_automation_can_be_resumed_by_itself() {
    let (home, elsewhere) = (Home::new(), tempfile::tempdir().unwrap());
    let agent = home.start();
    let script =
        "export default async (ctx) => { await tools.notes.put({name: 'n', text: 't'}); };";
    let contract =
        json!({"capabilities": {"notes.put": {}}, "requires_approval": [{"of": "notes.put"}]});
    let automation = home.install(bundle("by hand", contract, script));
    home.cli(&["automation", "run", &automation]);
    home.wait_for_need("approval");
    let file = back_up(&home, elsewhere.path());
    agent.kill9();
    restore(&home, &file);
    let _agent = home.start();
    home.wait_for_need("restored");
    assert_eq!(home.runs(None)[0].state, RunState::Cancelled);
    assert!(
        home.needs()
            .iter()
            .all(|need| need.kind.as_str() != "approval")
    );
    answer(&home, "dismiss");
    assert_eq!(paused_because(&home), "the data was restored from a copy");
    home.cli(&["automation", "resume", &automation]).done();
    assert_eq!(paused_because(&home), "");
}

#[test]
fn the_database_before_is_kept_whole_and_can_be_put_back() {
    let (home, elsewhere) = (Home::new(), tempfile::tempdir().unwrap());
    let agent = home.start();
    let file = back_up(&home, elsewhere.path());
    home.cli(&["config", "set", "page_host", "later.example"])
        .done();
    // What was written last is in the log alone.
    agent.kill9();
    restore(&home, &file);
    // A second one does not touch what the first has kept.
    restore(&home, &file);
    let kept = home.path().join("deputy.db.before-restore");
    assert!(home.path().join("deputy.db.before-restore-2").exists());
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let agent = home.start();
    assert_ne!(page_host(&home), "later.example");
    agent.kill9();
    restore(&home, &kept);
    let _agent = home.start();
    assert_eq!(page_host(&home), "later.example");
}

#[test]
fn what_is_no_backup_or_cannot_be_put_in_place_changes_nothing() {
    let (home, elsewhere) = (Home::new(), tempfile::tempdir().unwrap());
    let agent = home.start();
    let file = back_up(&home, elsewhere.path());
    let file = file.display().to_string();
    home.cli(&["restore", &file]).refused(1, "restore");
    agent.terminate();
    let present = std::fs::read(home.path().join("deputy.db")).unwrap();
    let other = elsewhere.path().join("other");
    for content in [
        b"".as_slice(),
        b"SQLite format 3\0 and then nothing",
        &present[..present.len() / 2],
    ] {
        std::fs::write(&other, content).unwrap();
        home.cli(&["restore", &other.display().to_string()])
            .refused(1, "restore");
    }
    home.cli(&["restore", "/nowhere/backup.db"])
        .refused(1, "restore");
    assert_eq!(
        std::fs::read(home.path().join("deputy.db")).unwrap(),
        present
    );
    let _agent = home.start();
    assert!(home.needs().is_empty());
}

#[test]
fn a_device_that_was_revoked_since_stays_out_and_a_broken_database_is_kept_as_it_is() {
    let (home, elsewhere) = (Home::new(), tempfile::tempdir().unwrap());
    let agent = home.start();
    let file = back_up(&home, elsewhere.path());
    agent.terminate();
    let device = |db: &rusqlite::Connection, revoked: Option<i64>| {
        db.execute(
            "INSERT INTO devices (name, public_key, rights, created_at, revoked_at, salt)
             VALUES ('phone', zeroblob(32), 'view', 1, ?1, zeroblob(32))",
            [revoked],
        )
        .unwrap();
    };
    device(&home.database(), Some(2));
    device(&rusqlite::Connection::open(&file).unwrap(), None);
    restore(&home, &file);
    let revoked: Option<i64> = home
        .database()
        .query_row(
            "SELECT revoked_at FROM devices WHERE public_key=zeroblob(32)",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(revoked, Some(2));

    std::fs::write(home.path().join("deputy.db"), "broken").unwrap();
    let said = restore(&home, &file);
    assert_eq!(said["carried_over"], json!(false));
    let kept = home.path().join("deputy.db.before-restore-2");
    assert_eq!(std::fs::read(kept).unwrap(), b"broken");
    let _agent = home.start();
    home.wait_for_need("restored");
}

#[test]
fn a_restore_that_is_cut_off_has_been_done_or_not_and_can_be_done_again() {
    let (home, elsewhere) = (Home::new(), tempfile::tempdir().unwrap());
    let agent = home.start();
    let file = back_up(&home, elsewhere.path());
    agent.terminate();
    let mut cut_off = 0;
    for point in 1.. {
        let agent = home.start();
        let set = ["config", "set", "page_host", "later.example"];
        home.cli(&set).done();
        agent.kill9();
        let ended = std::process::Command::new(Binary::Faults.path())
            .args(["restore", "--json"])
            .arg(&file)
            .env("DEPUTY_HOME", home.path())
            .env("DEPUTY_FAULT_KILL", point.to_string())
            .output()
            .unwrap();
        let agent = home.start();
        let is_done = page_host(&home).is_empty();
        if is_done {
            home.wait_for_need("restored");
        }
        agent.kill9();
        if ended.status.success() {
            assert!(is_done);
            break;
        }
        cut_off += 1;
        assert_eq!(is_done, point == 5, "{point}");
    }
    assert_eq!(cut_off, 5);
}
