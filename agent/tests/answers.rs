//! What people answer, and what becomes of effects that nobody knows about: through a real agent,
//! real workers and a web server that can be told to say nothing.
#![allow(clippy::unwrap_used)]

mod common;

use common::World;
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::{Need, Output, Run};
use deputy_protocol::{NeedKind, RunState, StepState, WaitingFor};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// A web server that counts what it is asked, by path. Below `/silent` it closes without a word.
#[derive(Clone)]
struct Site {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, seen) = (stream.unwrap(), Arc::clone(&seen));
                std::thread::spawn(move || {
                    let mut buffer = vec![0; 65_536];
                    let n = stream.read(&mut buffer).unwrap_or(0);
                    let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
                    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                    if path.is_empty() {
                        return;
                    }
                    seen.lock().unwrap().push(path.clone());
                    if !path.starts_with("/silent") {
                        let _ = stream.write_all(
                            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
                        );
                    }
                });
            }
        });
        Self { address, asked }
    }

    fn times(&self, path: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|p| *p == path)
            .count()
    }

    fn contract(&self, operations: &[&str]) -> Value {
        let hosts = json!({"hosts": [self.address.to_string()]});
        let capabilities: serde_json::Map<String, Value> = operations
            .iter()
            .map(|o| ((*o).to_owned(), hosts.clone()))
            .collect();
        json!({"capabilities": capabilities})
    }

    /// A script that is installed before it is run for real: the dry run simulates its effects.
    fn script(&self, body: &str) -> String {
        format!(
            "const at = \"http://{}\"; const post = (path, once) => tools.web.request({{url: at + path, method: \"POST\", text: \"x\", once}});\nexport default async function main(ctx) {{ {body} }}",
            self.address
        )
    }
}

async fn run(world: &World, automation: &str) -> Run {
    let run = Request::AutomationRun {
        automation: automation.to_owned(),
        input: None,
        wait: true,
    };
    match world.ask(run).await {
        Response::Run(run) => *run,
        other => panic!("{other:?}"),
    }
}

async fn run_now(world: &World, id: &str) -> Run {
    match world.ask(Request::RunShow { run: id.to_owned() }).await {
        Response::RunDetail(detail) => detail.run,
        other => panic!("{other:?}"),
    }
}

async fn answer(world: &World, need: &Need, choice: &str) {
    let request = Request::NeedAnswer {
        item: need.id.clone(),
        choice: choice.to_owned(),
        note: None,
    };
    world.ask(request).await;
}

async fn the_need(world: &World) -> Need {
    let mut needs = world.needs().await;
    assert_eq!(needs.len(), 1, "{needs:?}");
    needs.remove(0)
}

async fn outputs(world: &World) -> Vec<Output> {
    match world
        .ask(Request::Outputs {
            automation: None,
            limit: 100,
        })
        .await
    {
        Response::Outputs(outputs) => outputs,
        other => panic!("{other:?}"),
    }
}

async fn ended(world: &World, id: &str) -> Run {
    world
        .until("the run has ended or waits for a person", async || {
            let run = run_now(world, id).await;
            let asks = run.state == RunState::Waiting
                && !matches!(run.waiting_for, Some(WaitingFor::Retry | WaitingFor::Timer));
            (asks
                || matches!(
                    run.state,
                    RunState::Succeeded | RunState::Failed | RunState::Cancelled
                ))
            .then_some(run)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_does_not_open_what_another_clause_forbids() {
    let (world, site) = (World::at("2026-06-01T08:00:00Z").await, Site::open());
    let mut contract = site.contract(&["web.request"]);
    contract["requires_approval"] = json!([{"of": "web.request"}]);
    contract["invariants"] = json!([{"max": 1, "of": "web.request", "per": "day"}]);
    let automation = world
        .install(
            contract,
            &site.script("await Promise.all([post('/a'), post('/b')]);"),
        )
        .await;
    let first = run(&world, &automation).await;
    assert_eq!(first.waiting_for, Some(WaitingFor::Approval));
    for need in world.needs().await {
        answer(&world, &need, "approve").await;
    }
    world
        .until("the second is refused", async || {
            let run = run_now(&world, &first.id).await;
            (run.waiting_for == Some(WaitingFor::Permission)).then_some(())
        })
        .await;
    assert_eq!(
        site.times("/a") + site.times("/b"),
        1,
        "one a day, whatever was approved"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_allowed_once_reaches_the_host_that_the_contract_does_not_name() {
    let (world, site) = (World::at("2026-06-01T08:00:00Z").await, Site::open());
    let contract = json!({"capabilities": {"web.fetch": {"hosts": ["example.org"]}}});
    let script = site.script("return (await tools.web.fetch({url: at + '/page'})).text;");
    let bundle = json!({"bundle": 1, "name": "n", "script": script, "contract": {"contract": 1, "purpose": "p", "capabilities": contract["capabilities"]}});
    let Response::Proposal(proposal) = world
        .ask(Request::Install {
            bundle,
            accept: true,
        })
        .await
    else {
        panic!()
    };
    let first = run(&world, &proposal.automation).await;
    assert_eq!(
        (first.waiting_for, site.times("/page")),
        (Some(WaitingFor::Permission), 0)
    );
    answer(&world, &the_need(&world).await, "allow_once").await;
    let after = ended(&world, &first.id).await;
    assert_eq!(
        (after.state, after.result, site.times("/page")),
        (RunState::Succeeded, Some(json!("ok")), 1)
    );
    assert_eq!(
        run(&world, &proposal.automation).await.waiting_for,
        Some(WaitingFor::Permission),
        "once is once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_cannot_be_caught() {
    let (world, site) = (World::at("2026-06-01T08:00:00Z").await, Site::open());
    let mut contract = site.contract(&[]);
    contract["capabilities"] = json!({"notes.put": {}});
    let script =
        site.script("try { await tools.notes.get({name: 'x'}); } catch { return 'caught'; }");
    let automation = world.install(contract, &script).await;
    let first = run(&world, &automation).await;
    answer(&world, &the_need(&world).await, "refuse").await;
    let after = ended(&world, &first.id).await;
    assert_eq!((after.state, after.result), (RunState::Failed, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_beside_a_doubt_waits_until_the_doubt_is_settled() {
    let (world, site) = (World::at("2026-06-01T08:00:00Z").await, Site::open());
    let script = site.script("const sent = post('/silent/a'); await post('/b'); await tools.web.fetch({url: at + '/go'}); throw new Error('wrong');");
    let automation = world
        .install(site.contract(&["web.request", "web.fetch"]), &script)
        .await;
    let first = run(&world, &automation).await;
    assert_eq!(
        (first.state, first.waiting_for),
        (RunState::Waiting, Some(WaitingFor::InDoubt))
    );
    let need = the_need(&world).await;
    assert_eq!(need.kind, NeedKind::InDoubt);
    answer(&world, &need, "happened").await;
    let after = ended(&world, &first.id).await;
    assert_eq!(
        after.state,
        RunState::Failed,
        "the script's own error comes again, from the journal"
    );
    assert_eq!(
        (site.times("/silent/a"), site.times("/b"), site.times("/go")),
        // The dry run before the first run read it too.
        (1, 1, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_a_cancelled_run_left_open_is_asked_about_and_never_repeated() {
    let (world, site) = (World::at("2026-06-01T08:00:00Z").await, Site::open());
    let automation = world
        .install(
            site.contract(&["web.request"]),
            &site.script("await post('/silent/x', 'the-one');"),
        )
        .await;
    let first = run(&world, &automation).await;
    answer(&world, &the_need(&world).await, "stop").await;
    assert_eq!(run_now(&world, &first.id).await.state, RunState::Cancelled);
    let second = run(&world, &automation).await;
    assert_eq!(
        (second.state, second.waiting_for),
        (RunState::Waiting, Some(WaitingFor::InDoubt))
    );
    assert_eq!(site.times("/silent/x"), 1);
    answer(&world, &the_need(&world).await, "happened").await;
    assert_eq!(ended(&world, &second.id).await.state, RunState::Succeeded);
    assert_eq!(site.times("/silent/x"), 1);
    let states: Vec<StepState> = outputs(&world).await.iter().map(|o| o.state).collect();
    assert_eq!(states, [StepState::Done]);
}

#[tokio::test(flavor = "multi_thread")]
async fn redo_does_it_exactly_once_more() {
    let (world, site) = (World::at("2026-06-01T08:00:00Z").await, Site::open());
    let automation = world
        .install(
            site.contract(&["web.request"]),
            &site.script("await post('/silent/x', 'k');"),
        )
        .await;
    let first = run(&world, &automation).await;
    answer(&world, &the_need(&world).await, "redo").await;
    let after = ended(&world, &first.id).await;
    assert_eq!(
        after.waiting_for,
        Some(WaitingFor::InDoubt),
        "silent again, so in doubt again"
    );
    assert_eq!(site.times("/silent/x"), 2);
    answer(&world, &the_need(&world).await, "skip").await;
    assert_eq!(ended(&world, &first.id).await.state, RunState::Succeeded);
    assert_eq!(site.times("/silent/x"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_effect_provably_did_not_happen_is_free_for_other_arguments() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    // Nobody listens there: refused connections change nothing.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let site = Site::open();
    let mut contract = json!({"capabilities": {"web.request": {"hosts": [closed.to_string(), site.address.to_string()]}}});
    contract["retries"] = json!({"max": 0});
    let script = format!(
        "export default async (ctx) => {{ await tools.web.request({{url: ctx.input, method: 'POST', text: 'x', once: 'item'}}); }}; // {closed}"
    );
    let automation = world.install(contract, &script).await;
    let send = async |url: String| {
        let run = Request::AutomationRun {
            automation: automation.clone(),
            input: Some(json!(url)),
            wait: true,
        };
        match world.ask(run).await {
            Response::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        send(format!("http://{closed}/")).await.state,
        RunState::Failed
    );
    assert_eq!(
        send(format!("http://{}/y", site.address)).await.state,
        RunState::Succeeded
    );
    let conflict = send(format!("http://{}/z", site.address)).await.failure;
    assert!(conflict.is_some_and(|why| why.contains("before with other arguments")));
    assert_eq!((site.times("/y"), site.times("/z")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_does_not_wake_what_the_user_paused() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    let automation = world
        .install(
            json!({}),
            "export default () => { throw new Error('wrong'); }",
        )
        .await;
    let failed = run(&world, &automation).await;
    assert_eq!(failed.state, RunState::Failed);
    world.pause(&automation).await;
    answer(&world, &the_need(&world).await, "retry").await;
    let Response::Automation(detail) = world.ask(Request::AutomationShow { automation }).await
    else {
        panic!()
    };
    assert_eq!(detail.automation.state.as_str(), "paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_item_tries_again_all_runs_that_failed_the_same_way() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    let automation = world
        .install(
            json!({"triggers": [{"event": "go"}], "overlap": "queue"}),
            "export default () => { throw new Error('wrong'); }",
        )
        .await;
    for n in 0..3 {
        world.send(&automation, "go", n).await.unwrap();
    }
    world.idle().await;
    let need = the_need(&world).await;
    answer(&world, &need, "retry").await;
    world.idle().await;
    let attempts: Vec<u32> = world
        .runs(&automation)
        .await
        .iter()
        .map(|r| r.attempt)
        .collect();
    assert_eq!(attempts, [2, 2, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_one_of_two_runs_that_wait_for_the_same_never_leaves_the_other_unasked() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("inbox");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.display().to_string();
    let automation = world
        .install(
            json!({"capabilities": {"files.list": {"folders": [path]}}}),
            &format!(
                "export default async () => (await tools.files.list({{path: {path:?}}})).length;"
            ),
        )
        .await;
    std::fs::remove_dir(&folder).unwrap();
    let first = run(&world, &automation).await;
    let second = run(&world, &automation).await;
    for waiting in [&first, &second] {
        assert_eq!(
            waiting.waiting_for,
            Some(WaitingFor::Precondition),
            "{waiting:?}"
        );
    }
    let need = the_need(&world).await;
    assert_eq!(need.run.as_deref(), Some(first.id.as_str()));
    answer(&world, &need, "stop").await;
    assert_eq!(run_now(&world, &first.id).await.state, RunState::Cancelled);

    let again = the_need(&world).await;
    assert_eq!(
        (again.kind, again.run.as_deref()),
        (NeedKind::Precondition, Some(second.id.as_str()))
    );
    std::fs::create_dir(&folder).unwrap();
    answer(&world, &again, "check_again").await;
    assert_eq!(ended(&world, &second.id).await.state, RunState::Succeeded);
}

/// The store's answer to a write can be heard once. An attempt that asked for it again, while it
/// cleared up, broke off; and while nothing could be written, its run was left in nobody's hands
/// until the next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_step_cannot_be_written_waits_and_goes_on_where_it_was() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    let script = "export default async function main() {
        const put = (name) => tools.notes.put({name, text: name});
        await put('before');
        await Promise.all([put('one'), put('other')]);
        return 'all';
    }";
    let contract = json!({"capabilities": {"notes.put": {}}});
    let automation = world.install(contract, script).await;
    let db = rusqlite::Connection::open(world.home.path().join("deputy.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db.execute_batch(
        "CREATE TRIGGER refuse BEFORE INSERT ON steps WHEN new.seq=2
         BEGIN SELECT raise(ABORT, 'no room'); END",
    )
    .unwrap();
    let start = Request::AutomationRun {
        automation,
        input: None,
        wait: false,
    };
    let Response::Run(started) = world.ask(start).await else {
        panic!("no run")
    };
    let first = world
        .until("the run waits", async || {
            let run = run_now(&world, &started.id).await;
            (run.state == RunState::Waiting).then_some(run)
        })
        .await;
    assert_eq!(first.waiting_for, Some(WaitingFor::Retry), "{first:?}");
    assert_eq!(first.attempt, 1, "it did not break off: {first:?}");
    assert_eq!(world.needs().await.len(), 0);

    db.execute_batch("DROP TRIGGER refuse").unwrap();
    world.live_until(first.waiting_until.unwrap()).await;
    let run = run_now(&world, &first.id).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    assert_eq!((run.attempt, run.result), (2, Some(json!("all"))));
    let steps = match world.ask(Request::RunShow { run: first.id }).await {
        Response::RunDetail(detail) => detail.journal,
        other => panic!("{other:?}"),
    };
    assert!(
        steps.len() == 3 && steps.iter().all(|step| step.state == StepState::Done),
        "{steps:?}"
    );
}
