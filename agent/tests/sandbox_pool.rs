//! The pool under load: many runs at once, workers that are recycled, killed or die, and nothing
//! left behind.
#![allow(clippy::unwrap_used)]

#[path = "worker/mod.rs"]
mod worker;

use deputy_agent::sandbox::{Died, Limits, Pool, PoolConfig};
use serde_json::json;
use std::time::Duration;
use worker::house::{House, World};
use worker::{Finale, echo, exe, play, start};

/// Processes whose parent is this one, with their states; zombies included.
fn children() -> Vec<(u32, char)> {
    let me = std::process::id();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?.chars().next()?;
            (fields.next()?.parse::<u32>().ok()? == me).then_some((pid, state))
        })
        .collect()
}

async fn until_no_children() {
    for _ in 0..2_000 {
        if children().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("left behind: {:?}", children());
}

// One test, because it counts this process's children.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_share_few_workers_and_leave_no_process_behind() {
    let pool = Pool::new(PoolConfig {
        max_workers: 4,
        runs_per_worker: 5,
        keep_idle: Duration::from_millis(200),
        ..PoolConfig::new(exe())
    });
    let mut runs = tokio::task::JoinSet::new();
    for n in 0..64u32 {
        let pool = pool.clone();
        runs.spawn(async move {
            // Every eighth is ended from outside or inside; the others must not notice.
            let script = match n % 8 {
                3 => "export default () => new Array(2 ** 32 - 1).join('');",
                5 => "export default () => { for (;;); }",
                _ => {
                    "export default async (ctx) => (await tools.web.fetch({ n: Math.random() })).id"
                }
            };
            let mut start = start(script);
            start.limits = Limits {
                cpu_ms: 100,
                ..Limits::default()
            };
            (n, play(&pool, start, echo).await.finale)
        });
    }
    let mut most = 0;
    let (mut done, mut ended) = (0, 0);
    while let Some(run) = runs.join_next().await {
        most = most.max(children().len());
        match run.unwrap() {
            (n, Finale::Done(result)) => {
                assert!(
                    n % 8 != 3 && n % 8 != 5 && result == json!(1),
                    "run {n}: {result}"
                );
                done += 1;
            }
            (n, Finale::Failed(failure)) => {
                assert!(n % 8 == 5 && failure.code == "cpu", "run {n}: {failure:?}");
                ended += 1;
            }
            (n, Finale::Died(died)) => {
                assert!(n % 8 == 3 && died == Died::CpuLimit, "run {n}: {died:?}");
                ended += 1;
            }
        }
    }
    assert_eq!((done, ended), (48, 16));
    // A killed worker may still be dying while its place is taken.
    assert!(most <= 8, "{most} processes for four workers");
    // What is idle ends by itself, and everything that ended was reaped.
    until_no_children().await;

    // A run that is dropped half-way takes its worker with it.
    let mut session = pool
        .lend(start("export default () => { for (;;); }"))
        .await
        .unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), session.next())
            .await
            .is_err()
    );
    for (pid, _) in children() {
        // Only root may look at a worker that is not dumpable.
        if let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) {
            assert!(environment.is_empty(), "a worker has no environment");
        }
    }
    drop(session);
    until_no_children().await;
    drop(pool);
    until_no_children().await;
    a_worker_that_dies_again_and_again_poisons_its_run_only().await;
    a_hostile_worker_gets_nothing_executed().await;
}

fn fake_worker(dir: &std::path::Path, body: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("fake-worker");
    // Frames are written to the socket at descriptor 0; one byte of length is enough for them.
    let script = format!(
        "#!/bin/sh\nsay() {{ printf \"\\\\$(printf %o ${{#1}})\\000\\000\\000%s\" \"$1\" >&0; }}\nsay '{{\"event\":\"ready\"}}'\n{body}\n"
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn contract() -> serde_json::Value {
    json!({"contract": 1, "purpose": "test", "timezone": "UTC", "triggers": [{"manual": true}], "capabilities": {}})
}

async fn a_worker_that_dies_again_and_again_poisons_its_run_only() {
    let home = tempfile::tempdir().unwrap();
    let worker = fake_worker(home.path(), "kill -SEGV $$");
    let house = House::with_worker(home.path(), worker::START, worker).await;
    let automation = house.install(contract(), "export default () => 1;").await;
    let run = house.run(&automation, json!({})).await;
    assert_eq!(run.state.as_str(), "waiting");
    assert_eq!(run.attempt, 3, "three times is enough");
    assert_eq!(run.failure_class.map(|c| c.as_str()), Some("limit"));
    let needs = house.show(&run.id).await.needs;
    assert_eq!(
        needs.iter().map(|n| n.kind.as_str()).collect::<Vec<_>>(),
        ["poison"]
    );
    house.close().await;
    until_no_children().await;
}

async fn a_hostile_worker_gets_nothing_executed() {
    let world = World::start(3).await;
    let home = tempfile::tempdir().unwrap();
    // It says that the script made calls; what it may do is the contract's word all the same.
    let call = format!(
        r#"{{"event":{{"calls":{{"calls":[{{"id":1,"tool":"web.request","args":{{"url":"http://{}/x","method":"POST"}}}}]}}}}}}"#,
        world.address
    );
    let worker = fake_worker(home.path(), &format!("say '{call}'\ncat >/dev/null"));
    let house = House::with_worker(home.path(), worker::START, worker).await;
    let automation = house.install(contract(), "export default () => 1;").await;
    let run = house.run(&automation, json!({})).await;
    assert_eq!(run.state.as_str(), "waiting");
    assert_eq!(run.waiting_for.map(|w| w.as_str()), Some("permission"));
    assert!(world.take().is_empty(), "nothing left the process");
    house.close().await;
    until_no_children().await;
}
