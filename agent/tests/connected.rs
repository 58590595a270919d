//! Web services through a connection: what goes there, in whose name, and what does not come back.
#![allow(clippy::unwrap_used)]

mod common;

use common::World;
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::RunDetail;
use deputy_protocol::{NeedKind, RunState};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TOKEN: &str = "token-of-mine-0123456789";

/// A web service that knows one token, which it sends back, and keeps what was asked of it.
struct Service {
    port: u16,
    token: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// `leads_on`: where `/v1/moved` sends those who ask.
    async fn open(leads_on: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let token = Arc::new(Mutex::new(TOKEN.to_owned()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (known, kept) = (Arc::clone(&token), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (known, kept) = (Arc::clone(&known), Arc::clone(&kept));
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    let mut piece = [0; 4_096];
                    while !is_whole(&request) {
                        match socket.read(&mut piece).await {
                            Ok(0) | Err(_) => return,
                            Ok(n) => request.extend_from_slice(&piece[..n]),
                        }
                    }
                    let request = String::from_utf8(request).unwrap();
                    let known = known.lock().unwrap().clone();
                    let answer = answer(&request, &known, leads_on);
                    kept.lock().unwrap().push(request);
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { port, token, asked }
    }

    /// What was asked with a method, as `METHOD /path`.
    fn asked(&self, method: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let lines = asked
            .iter()
            .filter_map(|request| request.split_once(" HTTP"));
        lines
            .map(|(line, _)| line.to_owned())
            .filter(|line| line.starts_with(method))
            .collect()
    }

    async fn connect(&self, world: &World, secret: &str) -> String {
        let connect = Request::Connect {
            kind: "http".to_owned(),
            name: "shop".to_owned(),
            config: json!({"base_url": format!("http://127.0.0.1:{}/v1", self.port), "auth": {"kind": "bearer"}}),
            secret: Some(secret.to_owned()),
        };
        match world.ask(connect).await {
            Response::Connection(connection) => connection.state,
            other => panic!("{other:?}"),
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(request) else {
        return false;
    };
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.to_ascii_lowercase();
    let length = length.split_once("content-length: ");
    let length = length.map_or(0, |(_, rest)| {
        rest.lines().next().unwrap().parse::<usize>().unwrap()
    });
    body.len() >= length
}

fn answer(request: &str, token: &str, leads_on: u16) -> String {
    let says_who = request.contains(&format!("authorization: Bearer {token}\r\n"));
    let path = request.split(' ').nth(1).unwrap();
    let (status, more, body) = match path {
        _ if !says_who => ("401 Unauthorized", String::new(), json!({})),
        "/v1/moved" => (
            "302 Found",
            format!("Location: http://127.0.0.1:{leads_on}/v1/items\r\n"),
            json!({}),
        ),
        _ => (
            "200 OK",
            format!("X-Echo: {token}\r\n"),
            json!({"items": [1, 2], "you_are": token}),
        ),
    };
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn run(world: &World, contract: Value, script: &str) -> RunDetail {
    let automation = world.install(contract, script).await;
    world.send(&automation, "go", 1).await.unwrap();
    world.idle().await;
    let run = world.runs(&automation).await.remove(0);
    detail(world, &run.id).await
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

fn may(operations: &[&str]) -> Value {
    let through = json!({"connections": ["shop"]});
    let all = operations
        .iter()
        .map(|o| ((*o).to_owned(), through.clone()));
    json!({"triggers": [{"event": "go"}], "capabilities": Value::Object(all.collect())})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_read_and_told_in_the_users_name_and_the_script_never_sees_whose() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    let service = Service::open(0).await;
    assert_eq!(service.connect(&world, "another").await, "auth");
    assert_eq!(service.connect(&world, TOKEN).await, "ok");
    let done = run(
        &world,
        may(&["http.get", "http.request"]),
        r#"export default async () => {
            const all = await tools.http.get({ connection: "shop", path: "/items?all=true", as: "json" });
            const bytes = await tools.http.get({ connection: "shop", path: "items", as: "bytes", headers: { authorization: "Bearer other" } });
            await tools.http.request({ connection: "shop", method: "POST", path: "orders", json: { n: all.json.items.length }, idempotent: true });
            return [all.json, all.headers["x-echo"], bytes.status];
        };"#,
    )
    .await;
    assert_eq!(done.run.state, RunState::Succeeded, "{done:?}");
    let seen = json!([{"items": [1, 2], "you_are": "[secret]"}, "[secret]", 200]);
    assert_eq!(done.run.result, Some(seen));
    assert!(!format!("{done:?}").contains(TOKEN));
    assert_eq!(service.asked("POST"), ["POST /v1/orders"]);
    let asked = service.asked.lock().unwrap();
    let post = asked.iter().find(|r| r.starts_with("POST")).unwrap();
    assert!(post.ends_with("{\"n\":2}"), "{post}");
    assert!(post.contains("idempotency-key: "), "{post}");
    assert!(post.contains("content-type: application/json"), "{post}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_that_the_contract_does_not_allow_nor_of_another_place() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    let elsewhere = Service::open(0).await;
    let service = Service::open(elsewhere.port).await;
    service.connect(&world, TOKEN).await;
    let asked = service.asked("").len();
    // Reading may be allowed without changing.
    let refused = run(
        &world,
        may(&["http.get"]),
        r#"export default () => tools.http.request({ connection: "shop", method: "DELETE", path: "items/1" });"#,
    )
    .await;
    assert_eq!(refused.run.state, RunState::Waiting, "{refused:?}");
    assert_eq!(world.needs().await[0].kind, NeedKind::Permission);
    let refused = run(
        &world,
        may(&["http.get"]),
        r#"export default async () => { try { await tools.http.get({ connection: "shop", path: "%2e%2e/v2" }); } catch (e) { return e.message; } };"#,
    )
    .await;
    let said = refused.run.result.unwrap();
    assert!(
        said.as_str().unwrap().contains("does not lead below"),
        "{said}"
    );
    assert_eq!(service.asked("").len(), asked);
    let moved = run(
        &world,
        may(&["http.get"]),
        r#"export default () => tools.http.get({ connection: "shop", path: "moved" });"#,
    )
    .await;
    assert_ne!(moved.run.state, RunState::Succeeded, "{moved:?}");
    assert!(format!("{moved:?}").contains("leads on to"), "{moved:?}");
    assert_eq!(elsewhere.asked(""), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_asks_once_and_a_new_one_lets_the_run_go_on() {
    let world = World::at("2026-06-01T08:00:00Z").await;
    let service = Service::open(0).await;
    service.connect(&world, TOKEN).await;
    "token-of-the-new-year".clone_into(&mut service.token.lock().unwrap());
    let waits = run(
        &world,
        may(&["http.request"]),
        r#"export default () => tools.http.request({ connection: "shop", method: "POST", path: "orders", json: {} });"#,
    )
    .await;
    assert_eq!(waits.run.state, RunState::Waiting, "{waits:?}");
    let need = world.needs().await.remove(0);
    assert_eq!(need.kind, NeedKind::Auth);
    assert!(need.title.contains("shop"), "{}", need.title);
    assert_eq!(service.connect(&world, "token-of-the-new-year").await, "ok");
    let answer = Request::NeedAnswer {
        item: need.id,
        choice: "retry".to_owned(),
        note: None,
    };
    world.ask(answer).await;
    world.idle().await;
    let done = detail(&world, &waits.run.id).await;
    assert_eq!(done.run.state, RunState::Succeeded, "{done:?}");
    // Refused once, and done once.
    assert_eq!(service.asked("POST").len(), 2);
}
