//! Local webhooks over a real socket: what is answered with 202 is on disk, and nothing else is
//! taken.
#![allow(clippy::unwrap_used)]

mod common;

use common::{ECHO, World};
use deputy_agent::web;
use deputy_protocol::SourceKind;
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::Webhook;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Hooked {
    world: World,
    address: SocketAddr,
    automation: String,
    hook: Webhook,
}

async fn hooked() -> Hooked {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let address = listen(&world).await;
    let automation = world
        .install(json!({"triggers": [{"webhook": "in"}]}), ECHO)
        .await;
    let hook = shown(&world, &automation).await;
    Hooked {
        world,
        address,
        automation,
        hook,
    }
}

async fn listen(world: &World) -> SocketAddr {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    web::start(world.agent().control.clone(), Some(any))
        .await
        .unwrap()
        .unwrap()
}

async fn shown(world: &World, automation: &str) -> Webhook {
    let automation = automation.to_owned();
    match world.ask(Request::AutomationShow { automation }).await {
        Response::Automation(mut detail) => detail.webhooks.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Sends raw bytes and reads the whole answer: its status, head and body.
async fn raw(address: SocketAddr, bytes: &[u8]) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has answered may close before it has read all.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).map_or(0, |s| s.parse().unwrap());
    (
        status,
        head.to_ascii_lowercase(),
        serde_json::from_str(body).unwrap_or(Value::Null),
    )
}

impl Hooked {
    fn path(&self) -> String {
        format!("/hooks/{}/in", self.automation)
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String, Value) {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !headers.iter().any(|(name, _)| *name == "Host") {
            text += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        raw(self.address, format!("{text}\r\n{body}").as_bytes()).await
    }

    async fn post(&self, headers: &[(&str, &str)], body: &str) -> (u16, String, Value) {
        let bearer = format!("Bearer {}", self.hook.token);
        let headers: Vec<_> = [("Authorization", bearer.as_str())]
            .iter()
            .chain(headers)
            .copied()
            .collect();
        self.call("POST", &self.path(), &headers, body).await
    }

    async fn taken(&self) -> usize {
        self.world.inputs(Some(&self.automation), None).await.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_leads_to_a_run_with_its_body() {
    let hooked = hooked().await;
    assert_eq!(
        hooked.hook.url.as_deref(),
        Some(format!("http://{}{}", hooked.address, hooked.path()).as_str())
    );
    let status = hooked.world.status().await;
    assert_eq!(status.listen, Some(format!("http://{}", hooked.address)));
    let (code, _, answer) = hooked.post(&[], r#"{"order": 7}"#).await;
    assert_eq!(code, 202);
    let (code, _, _) = hooked.post(&[], "plain words").await;
    assert_eq!(code, 202);
    let by_query = format!("{}?token={}", hooked.path(), hooked.hook.token);
    assert_eq!(hooked.call("POST", &by_query, &[], "").await.0, 202);
    hooked.world.idle().await;
    let inputs = hooked.world.inputs(Some(&hooked.automation), None).await;
    assert_eq!(answer["input"], json!(inputs[0].id));
    assert!(
        inputs
            .iter()
            .all(|input| input.source == SourceKind::Webhook)
    );
    let got: Vec<Value> = (hooked.world.runs(&hooked.automation).await.into_iter())
        .map(|run| run.result.unwrap()["input"].clone())
        .collect();
    assert_eq!(
        got,
        [
            json!({"order": 7}),
            json!({"text": "plain words"}),
            Value::Null
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_answered_is_never_lost_or_doubled() {
    let mut hooked = hooked().await;
    let key = [("Idempotency-Key", "k1")];
    let (_, _, first) = hooked.post(&key, "1").await;
    let (code, _, again) = hooked.post(&key, "1").await;
    assert_eq!((code, &again), (202, &first));
    hooked.world.restart().await;
    hooked.address = listen(&hooked.world).await;
    assert_eq!(hooked.post(&key, "1").await.2, first);
    assert_eq!(hooked.taken().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_ever_taken_without_the_token() {
    let hooked = hooked().await;
    let path = hooked.path();
    let wrong = format!("Bearer {}0", &hooked.hook.token[1..]);
    let nearly = format!("Bearer {}", &hooked.hook.token[..31]);
    for headers in [
        vec![],
        vec![("Authorization", wrong.as_str())],
        vec![("Authorization", nearly.as_str())],
        vec![("Authorization", "Bearer ")],
        vec![("Authorization", "Basic eA==")],
    ] {
        let (code, head, answer) = hooked.call("POST", &path, &headers, "{}").await;
        assert_eq!(code, 401, "{headers:?}");
        assert!(head.contains("www-authenticate: bearer"));
        assert!(!answer.to_string().contains(&hooked.hook.token));
    }
    let bearer = format!("Bearer {}", hooked.hook.token);
    let token = [("Authorization", bearer.as_str())];
    for path in [
        "/hooks/a99/in",
        "/hooks/nonsense/in",
        "/hooks/a1/out",
        "/hooks/a1",
        "/",
        "/hooks/a1/in/x",
    ] {
        assert_eq!(
            hooked.call("POST", path, &token, "{}").await.0,
            404,
            "{path}"
        );
    }
    assert_eq!(hooked.taken().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_a_browser_never_gets_through() {
    let hooked = hooked().await;
    // A name that was rebound to this machine.
    let (code, _, _) = hooked.post(&[("Host", "evil.example:80")], "{}").await;
    assert_eq!(code, 421);
    // The question of a browser before a call with a token is not answered with a permission.
    let origin = [
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "POST"),
    ];
    let (code, head, _) = hooked.call("OPTIONS", &hooked.path(), &origin, "").await;
    assert_eq!(code, 405);
    assert!(!head.contains("access-control"), "{head}");
    let (_, head, _) = hooked.post(&origin[..1], "{}").await;
    assert!(!head.contains("access-control"), "{head}");
    assert_eq!(hooked.taken().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_never_taken() {
    let hooked = hooked().await;
    let largest = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(hooked.post(&[], &largest).await.0, 202);
    assert_eq!(hooked.post(&[], &format!("{largest} ")).await.0, 413);
    let long = "k".repeat(256);
    assert_eq!(
        hooked.post(&[("Idempotency-Key", &long)], "{}").await.0,
        400
    );
    assert_eq!(hooked.taken().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_send_nothing_never_lock_the_others_out() {
    let hooked = hooked().await;
    let mut silent = Vec::new();
    // As many as there is room for, less one.
    for _ in 0..63 {
        let mut stream = TcpStream::connect(hooked.address).await.unwrap();
        stream.write_all(b"POST /hooks").await.unwrap();
        silent.push(stream);
    }
    let called = tokio::time::timeout(Duration::from_secs(5), hooked.post(&[], "{}")).await;
    assert_eq!(called.unwrap().0, 202);
    // And they are sent away in the end.
    let mut rest = Vec::new();
    let gone =
        tokio::time::timeout(Duration::from_secs(30), silent[0].read_to_end(&mut rest)).await;
    assert!(gone.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_answered_with_429_and_an_archived_hook_with_404() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let address = listen(&world).await;
    let contract = json!({"triggers": [{"webhook": "in"}, {"event": "go"}]});
    let automation = world.install(contract, ECHO).await;
    let hook = shown(&world, &automation).await;
    let hooked = Hooked {
        world,
        address,
        automation,
        hook,
    };
    let world = &hooked.world;
    world.pause(&hooked.automation).await;
    // A paused automation keeps what comes in.
    assert_eq!(hooked.post(&[], "{}").await.0, 202);
    for n in 1..2_000 {
        world.send(&hooked.automation, "go", n).await.unwrap();
    }
    let (code, head, answer) = hooked.post(&[], "{}").await;
    assert_eq!(
        (code, &answer["error"]["code"]),
        (429, &json!("queue_full"))
    );
    assert!(head.contains("retry-after: 60"), "{head}");
    world.archive(&hooked.automation).await;
    assert_eq!(hooked.post(&[], "{}").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_never_keeps_the_agent_from_listening() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let world = World::at("2026-06-01T07:30:00Z").await;
    let set = |value: Value| Request::ConfigSet {
        key: "listen".to_owned(),
        value,
    };
    world.ask(set(json!(address.to_string()))).await;
    let got = web::start(world.agent().control.clone(), None)
        .await
        .unwrap()
        .unwrap();
    assert!(got.ip().is_loopback() && got.port() != address.port());
    // What was asked for by name is taken or nothing.
    assert!(
        web::start(world.agent().control.clone(), Some(address))
            .await
            .is_err()
    );
    world.ask(set(json!("off"))).await;
    assert_eq!(
        web::start(world.agent().control.clone(), None)
            .await
            .unwrap(),
        None
    );
    let refused = common::try_ask(world.agent(), set(json!("here")))
        .await
        .unwrap_err();
    assert_eq!(refused.code, "usage");
}
