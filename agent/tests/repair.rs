//! Repairs over time, through a real agent on a simulated clock, real workers, a real web server and
//! a scripted provider: when attempts are made, and what another script finds done.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{World, time, try_ask};
use deputy_model_server::{ModelServer, Reply, Script};
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::{Input, Need, Run, RunDetail};
use deputy_protocol::{RunState, WaitingFor};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// A web server that counts what it is asked, by path, and answers with what it is told to. Below
/// `/silent` it closes without a word.
#[derive(Clone)]
struct Site {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    data: Arc<Mutex<String>>,
}

impl Site {
    fn open(data: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            data: Arc::new(Mutex::new(data.to_owned())),
        };
        let served = site.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, site) = (stream.unwrap(), served.clone());
                std::thread::spawn(move || {
                    let mut buffer = vec![0; 65_536];
                    let n = stream.read(&mut buffer).unwrap_or(0);
                    let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
                    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                    if path.is_empty() {
                        return;
                    }
                    site.asked.lock().unwrap().push(path.clone());
                    if !path.starts_with("/silent") {
                        let body = site.data.lock().unwrap().clone();
                        let length = body.len();
                        let _ = write!(
                            stream,
                            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                        );
                    }
                });
            }
        });
        site
    }

    fn times(&self, path: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|p| *p == path).count()
    }

    fn say(&self, data: &str) {
        data.clone_into(&mut self.data.lock().unwrap());
    }

    fn contract(&self) -> Value {
        let hosts = json!({"hosts": [self.address.to_string()]});
        json!({"capabilities": {"web.fetch": hosts, "web.request": hosts, "notify.send": {}}})
    }

    /// A script with `read` and `post` at hand.
    fn script(&self, body: &str) -> String {
        format!(
            "const at = \"http://{}\";\nconst read = async (path) => (await tools.web.fetch({{ url: at + path, as: \"json\" }})).json;\nconst post = (path) => tools.web.request({{ url: at + path, method: \"POST\", text: \"x\" }});\nexport default async function main(ctx) {{\n{body}\n}}\n",
            self.address
        )
    }
}

async fn with_model(world: &World, script: impl Into<Script>) -> ModelServer {
    let server = ModelServer::start(script).await.unwrap();
    world
        .ask(Request::ModelSet {
            provider: "anthropic".to_owned(),
            base_url: Some(server.url()),
            model: "scripted".to_owned(),
            key: Some("sk-scripted-key".to_owned()),
        })
        .await;
    server
}

fn fix(script: &str) -> Reply {
    Reply::call(
        "propose_fix",
        json!({"script": script, "reason": "the data has another shape"}),
    )
}

async fn start(world: &World, automation: &str) {
    let request = Request::AutomationRun {
        automation: automation.to_owned(),
        input: None,
        wait: false,
    };
    world.ask(request).await;
}

async fn detail(world: &World, run: &str) -> RunDetail {
    match world
        .ask(Request::RunShow {
            run: run.to_owned(),
        })
        .await
    {
        Response::RunDetail(detail) => *detail,
        other => panic!("{other:?}"),
    }
}

/// The latest run, once this holds of it.
async fn until(world: &World, automation: &str, what: &str, holds: impl Fn(&Run) -> bool) -> Run {
    world
        .until(what, async || {
            world.runs(automation).await.pop().filter(|run| holds(run))
        })
        .await
}

async fn ended(world: &World, automation: &str) -> Run {
    until(world, automation, "the run has ended", |run| {
        matches!(
            run.state,
            RunState::Succeeded | RunState::Failed | RunState::Cancelled
        )
    })
    .await
}

/// Resolves when so many events of a kind are on record of the latest run.
async fn events(world: &World, automation: &str, kind: &str, times: usize) {
    world
        .until(kind, async || {
            let run = world.runs(automation).await.pop()?;
            let detail = detail(world, &run.id).await;
            let found = detail.events.iter().filter(|e| e.kind == kind).count();
            (found >= times).then_some(())
        })
        .await;
}

async fn answer(world: &World, need: &Need, choice: &str) {
    let request = Request::NeedAnswer {
        item: need.id.clone(),
        choice: choice.to_owned(),
        note: None,
    };
    world.ask(request).await;
}

const OLD: &str = r#"{"items": [{"title": "a"}]}"#;
const NEW: &str = r#"{"items": [{"name": "a"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn attempts_wait_for_a_cool_down_that_doubles_and_end_with_one_item() {
    let world = World::at("2026-03-02T08:00:00Z").await;
    let site = Site::open(OLD);
    let script = site.script("const { items } = await read(\"/d\"); return items[0].title.trim();");
    let automation = world.install(site.contract(), &script).await;
    // Each attempt ends in words, after a reminder.
    let server = with_model(&world, Script::computed(|_| Reply::text("hm"))).await;
    site.say(NEW);
    start(&world, &automation).await;
    events(&world, &automation, "repair_failed", 1).await;
    assert_eq!(server.asked().len(), 2);
    let run = world.runs(&automation).await.pop().unwrap();
    assert_eq!(run.state, RunState::Waiting);
    assert_eq!(run.waiting_for, Some(WaitingFor::Retry));
    assert!(
        world.needs().await.is_empty(),
        "nobody is bothered meanwhile"
    );

    world.clock.set(time("2026-03-02T08:04:59Z"));
    world.idle().await;
    assert_eq!(
        server.asked().len(),
        2,
        "not before five minutes have passed"
    );
    world.clock.set(time("2026-03-02T08:05:00Z"));
    events(&world, &automation, "repair_failed", 2).await;
    assert_eq!(server.asked().len(), 4);
    world.clock.set(time("2026-03-02T08:14:59Z"));
    world.idle().await;
    assert_eq!(server.asked().len(), 4, "and then not before ten");
    world.clock.set(time("2026-03-02T08:15:00Z"));
    let run = ended(&world, &automation).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(server.asked().len(), 6);
    assert_eq!(world.needs().await.len(), 1);

    // The storm goes on; the budget does not.
    for n in 2..5 {
        start(&world, &automation).await;
        world
            .until("the next run has failed", async || {
                let runs = world.runs(&automation).await;
                let failed = runs.iter().filter(|r| r.state == RunState::Failed).count();
                (failed == n).then_some(())
            })
            .await;
    }
    assert_eq!(server.asked().len(), 6);
    assert_eq!(world.needs().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repaired_script_neither_sleeps_nor_emits_nor_posts_again() {
    let world = World::at("2026-03-02T08:00:00Z").await;
    let site = Site::open(OLD);
    let body = |title: &str| {
        site.script(&format!(
            "await post(\"/first\");\nawait ctx.emit({{ topic: \"thing\", id: \"1\" }});\nawait ctx.sleep(3_600_000);\nconst {{ items }} = await read(\"/d\");\nconst title = {title};\nawait post(\"/second\");\nreturn {{ title, at: new Date().toISOString() }};"
        )) + "export const on = { thing: async () => \"handled\" };\n"
    };
    let automation = world
        .install(site.contract(), &body("items[0].title.trim()"))
        .await;
    let fixed = body("(items[0].title ?? items[0].name).trim()");
    let server = with_model(&world, [fix(&fixed)]).await;
    site.say(NEW);
    start(&world, &automation).await;
    until(&world, &automation, "the run sleeps", |run| {
        run.waiting_for == Some(WaitingFor::Timer)
    })
    .await;
    world.clock.set(time("2026-03-02T09:00:00Z"));
    let first = world
        .until("the run that slept has succeeded", async || {
            let runs = world.runs(&automation).await;
            runs.into_iter()
                .next()
                .filter(|run| run.state == RunState::Succeeded)
        })
        .await;
    assert_eq!(first.script_version, 2);
    assert_eq!(site.times("/first"), 1);
    assert_eq!(site.times("/second"), 1);
    let inputs: Vec<Input> = world.inputs(Some(&automation), None).await;
    let emitted = inputs
        .iter()
        .filter(|i| i.topic.as_deref() == Some("thing"));
    assert_eq!(emitted.count(), 1);
    let result = first.result.unwrap();
    assert_eq!(result["title"], "a");
    assert!(
        result["at"]
            .as_str()
            .unwrap()
            .starts_with("2026-03-02T09:00"),
        "its time goes on where it was: {result}"
    );
    let detail = detail(&world, &first.id).await;
    let reused = detail.journal.iter().filter(|step| step.reused).count();
    assert!(
        reused >= 4,
        "what was done is recalled: {:?}",
        detail.journal
    );
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_stays_in_doubt_under_another_script() {
    let world = World::at("2026-03-02T08:00:00Z").await;
    let site = Site::open(OLD);
    // The post is never answered, so nobody knows; the run waits for a person, not for a repair.
    let script = site.script(
        "const { items } = await read(\"/d\");\nawait post(\"/silent\");\nreturn items[0].title.trim();",
    );
    let automation = world.install(site.contract(), &script).await;
    let fixed = site.script(
        "const { items } = await read(\"/d\");\nawait post(\"/silent\");\nreturn (items[0].title ?? items[0].name).trim();",
    );
    let server = with_model(&world, [fix(&fixed)]).await;
    site.say(NEW);
    start(&world, &automation).await;
    until(&world, &automation, "the run waits for a person", |run| {
        run.waiting_for == Some(WaitingFor::InDoubt)
    })
    .await;
    let need = world.needs().await.pop().unwrap();
    assert!(
        server.asked().is_empty(),
        "nothing is repaired while that is open"
    );
    answer(&world, &need, "happened").await;
    let run = ended(&world, &automation).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    assert_eq!(run.script_version, 2);
    assert_eq!(
        site.times("/silent"),
        1,
        "what a person said happened is not done again"
    );
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_fail_alike_wait_for_one_repair() {
    let world = World::at("2026-03-02T08:00:00Z").await;
    let site = Site::open(OLD);
    let mut contract = site.contract();
    contract["overlap"] = json!({"parallel": 4});
    let body = |title: &str| {
        site.script(&format!(
            "const {{ items }} = await read(\"/d\");\nawait post(\"/for/\" + ctx.run.id);\nreturn {title};"
        ))
    };
    let automation = world
        .install(contract, &body("items[0].title.trim()"))
        .await;
    let fixed = body("(items[0].title ?? items[0].name).trim()");
    // It proposes once all three wait for it.
    let (ready, wait) = std::sync::mpsc::channel::<()>();
    let mut replies = vec![fix(&fixed)];
    let script = Script::computed(move |_| {
        let _ = wait.recv_timeout(std::time::Duration::from_secs(60));
        replies.pop().expect("it is asked once")
    });
    let server = with_model(&world, script).await;
    site.say(NEW);
    for _ in 0..3 {
        start(&world, &automation).await;
    }
    world
        .until("all wait", async || {
            let runs = world.runs(&automation).await;
            let waiting = runs.iter().filter(|r| r.state == RunState::Waiting).count();
            (waiting == 3).then_some(())
        })
        .await;
    ready.send(()).unwrap();
    let runs = world
        .until("all have succeeded", async || {
            let runs = world.runs(&automation).await;
            let all = runs.iter().all(|run| run.state == RunState::Succeeded);
            (all && runs.len() == 3).then_some(runs)
        })
        .await;
    for run in runs {
        assert_eq!(run.script_version, 2);
        assert_eq!(site.times(&format!("/for/{}", run.id)), 1);
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_repair_are_numbers() {
    let world = World::at("2026-03-02T08:00:00Z").await;
    let set = |value: Value| Request::ConfigSet {
        key: "repair.attempts_per_day".to_owned(),
        value,
    };
    for wrong in [json!("many"), json!(-1), json!(1.5)] {
        let refused = try_ask(world.agent(), set(wrong)).await.unwrap_err();
        assert_eq!(refused.code, "usage");
    }
    try_ask(world.agent(), set(json!(2))).await.unwrap();
    try_ask(world.agent(), set(json!(null))).await.unwrap();
}
