//! File triggers: a real folder, a real agent, simulated time for the settling.
#![allow(clippy::unwrap_used)]

mod common;

use common::{ECHO, World};
use deputy_agent::clock::{Clock, SimClock, SystemClock};
use deputy_agent::scheduler::SETTLE_MS;
use deputy_protocol::control::{Request, Response};
use deputy_protocol::{AutomationState, NeedKind, SourceKind, Time};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How long anything may take before a test gives up, in real time.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

struct Watched {
    world: World,
    root: tempfile::TempDir,
    automation: String,
}

impl Watched {
    /// A folder with an old file in it, and an automation that watches it from then on.
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("in");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("old.txt"), "was there before").unwrap();
        // Files have the machine's times. The simulated clock is set after the old file's.
        let world = World::on(SimClock::new(SystemClock.now().plus_ms(1))).await;
        let automation = world
            .install(json!({"triggers": [{"file": folder}]}), ECHO)
            .await;
        Self {
            world,
            root,
            automation,
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("in")
    }

    /// Lets time pass until something has settled, and once more.
    async fn time_passes(&self) {
        self.world.clock.wait_for_waiter().await;
        self.world.clock.advance(SETTLE_MS);
    }

    /// Names of the files that were reported, once there are so many.
    async fn reported(&self, n: usize) -> Vec<String> {
        let mut changes = self.world.agent().changes();
        let wait = async {
            loop {
                changes.mark_unchanged();
                let inputs = self.world.inputs(Some(&self.automation), None).await;
                if inputs.len() >= n {
                    return inputs;
                }
                tokio::select! {
                    () = self.time_passes() => {}
                    changed = changes.changed() => changed.unwrap(),
                }
            }
        };
        let inputs = tokio::time::timeout(PATIENCE, wait).await.unwrap();
        self.world.idle().await;
        let name = |payload: &Value| payload["name"].as_str().unwrap().to_owned();
        inputs.iter().map(|input| name(&input.payload)).collect()
    }

    async fn asked(&self) -> deputy_protocol::model::Need {
        let asked = async || self.world.needs().await.pop();
        self.world.until("somebody is asked", asked).await
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

async fn answer(world: &World, item: &str, choice: &str) {
    let request = Request::NeedAnswer {
        item: item.to_owned(),
        choice: choice.to_owned(),
        note: None,
    };
    world.ask(request).await;
}

async fn state(world: &World, automation: &str) -> AutomationState {
    let automation = automation.to_owned();
    match world.ask(Request::AutomationShow { automation }).await {
        Response::Automation(detail) => detail.automation.state,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_is_reported_once_and_what_was_there_before_never() {
    let watched = Watched::new().await;
    write(&watched.folder(), "a.txt", "twelve bytes");
    assert_eq!(watched.reported(1).await, ["a.txt"]);
    let input = watched.world.inputs(None, None).await.remove(0);
    assert_eq!(input.source, SourceKind::File);
    assert_eq!(input.payload["size"], json!(12));
    let path = watched.folder().join("a.txt");
    assert_eq!(input.payload["path"], json!(path));
    let modified: Time = serde_json::from_value(input.payload["modified"].clone()).unwrap();
    assert!(SystemClock.now().since(modified) < 60_000);
    // A new version of it is news, a file that was moved in is, too, whatever its own time says.
    write(&watched.folder(), "a.txt", "other");
    assert_eq!(watched.reported(2).await, ["a.txt", "a.txt"]);
    let aside = watched.root.path().join("moved.txt");
    std::fs::copy(watched.folder().join("old.txt"), &aside).unwrap();
    std::fs::File::open(&aside)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000))
        .unwrap();
    std::fs::rename(&aside, watched.folder().join("moved.txt")).unwrap();
    assert_eq!(watched.reported(3).await[2], "moved.txt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_written_is_never_reported_before_it_has_settled() {
    let watched = Watched::new().await;
    let clock = &watched.world.clock;
    // So that the clock has nobody else who waits.
    std::fs::remove_file(watched.folder().join("old.txt")).unwrap();
    let path = watched.folder().join("growing.txt");
    std::fs::write(&path, "1").unwrap();
    for n in 2..6u64 {
        clock.wait_for_waiter().await;
        clock.advance(SETTLE_MS / 2);
        std::fs::write(&path, "x".repeat(usize::try_from(n).unwrap())).unwrap();
        // The change has been seen when the file settles later than before.
        let later = clock.now().plus_ms(SETTLE_MS);
        let seen = async {
            while clock.next_deadline().is_none_or(|at| at < later) {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.unwrap();
        assert_eq!(watched.world.inputs(None, None).await.len(), 0);
    }
    assert_eq!(watched.reported(1).await[0], "growing.txt");
    let inputs = watched.world.inputs(None, None).await;
    assert_eq!((inputs.len(), &inputs[0].payload["size"]), (1, &json!(5)));
    // What a browser is still loading has another name until it is whole.
    write(&watched.folder(), "film.mp4.crdownload", "half");
    write(&watched.folder(), ".hidden", "not for us");
    std::fs::rename(
        watched.folder().join("film.mp4.crdownload"),
        watched.folder().join("film.mp4"),
    )
    .unwrap();
    assert_eq!(watched.reported(2).await[1], "film.mp4");
}

// openclaw/openclaw #42640 for files: everything again after a restart, or nothing of what came
// while it was down.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_never_reports_a_version_again_and_never_misses_what_came_meanwhile() {
    let mut watched = Watched::new().await;
    write(&watched.folder(), "a.txt", "1");
    write(&watched.folder(), "b.txt", "1");
    watched.reported(2).await;
    watched.world.down().await;
    write(&watched.folder(), "b.txt", "22");
    write(&watched.folder(), "c.txt", "1");
    watched.world.up().await;
    let mut reported = watched.reported(4).await;
    reported.sort();
    assert_eq!(reported, ["a.txt", "b.txt", "b.txt", "c.txt"]);
    watched.world.restart().await;
    write(&watched.folder(), "d.txt", "1");
    assert_eq!(watched.reported(5).await[4], "d.txt");
    assert_eq!(watched.world.inputs(None, None).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_automation_never_runs_for_a_file_and_sees_it_when_it_is_resumed() {
    let watched = Watched::new().await;
    watched.world.pause(&watched.automation).await;
    write(&watched.folder(), "meanwhile.txt", "1");
    // Another automation, accepted after that, shows what is seen meanwhile.
    watched.world.clock.set(SystemClock.now().plus_ms(1));
    let witness = Watched {
        automation: watched
            .world
            .install(json!({"triggers": [{"file": watched.folder()}]}), ECHO)
            .await,
        ..watched
    };
    write(&witness.folder(), "seen.txt", "1");
    assert_eq!(witness.reported(1).await, ["seen.txt"]);
    let paused = "a1";
    assert!(witness.world.inputs(Some(paused), None).await.is_empty());
    witness.world.archive(&witness.automation).await;
    witness.world.resume(paused).await;
    let resumed = Watched {
        automation: paused.to_owned(),
        ..witness
    };
    let mut reported = resumed.reported(2).await;
    reported.sort();
    assert_eq!(reported, ["meanwhile.txt", "seen.txt"]);
    write(&resumed.folder(), "after.txt", "1");
    assert_eq!(resumed.reported(3).await[2], "after.txt");
    assert_eq!(resumed.world.inputs(Some("a2"), None).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_missing_is_never_passed_over_in_silence() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("not yet");
    let world = World::on(SimClock::new(SystemClock.now())).await;
    let automation = world
        .install(json!({"triggers": [{"file": folder}]}), ECHO)
        .await;
    let watched = Watched {
        world,
        root,
        automation,
    };
    let (world, automation) = (&watched.world, watched.automation.as_str());
    let need = watched.asked().await;
    assert_eq!(need.kind, NeedKind::Precondition);
    assert!(need.title.contains("not yet"), "{}", need.title);
    assert_eq!(state(world, automation).await, AutomationState::Paused);
    // Looked at again while it is still missing, it asks again.
    answer(world, &need.id, "check_again").await;
    let again = watched.asked().await;
    assert_ne!(again.id, need.id);
    std::fs::create_dir(&folder).unwrap();
    write(&folder, "a.txt", "1");
    answer(world, &again.id, "check_again").await;
    assert_eq!(watched.reported(1).await, ["a.txt"]);
    // It goes missing later.
    std::fs::remove_dir_all(&folder).unwrap();
    let gone = watched.asked().await;
    assert_eq!(gone.kind, NeedKind::Precondition);
    assert_eq!(state(world, automation).await, AutomationState::Paused);
    std::fs::create_dir(&folder).unwrap();
    world.resume(automation).await;
    let settled = async || world.needs().await.is_empty().then_some(());
    world.until("the question is withdrawn", settled).await;
    write(&folder, "b.txt", "1");
    assert_eq!(watched.reported(2).await[1], "b.txt");
}
