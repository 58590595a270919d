//! The server and the program, asked over a plain socket.

#![allow(clippy::unwrap_used)]

use deputy_model_server::{ModelServer, Named, Reply};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// Each API's path, key header and a small request.
fn doors(stream: bool) -> Vec<(&'static str, &'static str, Value)> {
    let mut completions =
        json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hello"}]});
    if stream {
        completions["stream_options"] = json!({"include_usage": true});
    }
    let method = if stream {
        "/v1beta/models/m:streamGenerateContent?alt=sse"
    } else {
        "/v1beta/models/m:generateContent"
    };
    vec![
        (
            "/v1/messages",
            "anthropic-version: 2023-06-01\r\nx-api-key: k",
            json!({"model": "m", "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": "hello"}]}),
        ),
        (
            "/v1/chat/completions",
            "authorization: Bearer k",
            completions,
        ),
        (
            method,
            "x-goog-api-key: k",
            json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
        ),
    ]
}

/// Asks and reads to the end: status and body (chunks taken apart only as far as needed here).
fn ask(url: &str, path: &str, headers: &str, body: &Value) -> (u16, String) {
    let host = url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).unwrap();
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that breaks is an answer too.
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

async fn asked(url: String, door: (&'static str, &'static str, Value)) -> (u16, String) {
    tokio::task::spawn_blocking(move || ask(&url, door.0, door.1, &door.2))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_whole_answer_says_the_same_as_a_streamed_one() {
    let reply = Reply::call("t", json!({"a": 1}));
    for (whole, streamed) in doors(false).into_iter().zip(doors(true)) {
        let server = ModelServer::start([reply.clone(), reply.clone()])
            .await
            .unwrap();
        for door in [whole, streamed] {
            let path = door.0;
            let (status, body) = asked(server.url(), door).await;
            assert_eq!(status, 200, "{path}");
            assert!(body.contains("\"t\""), "{path}: {body}");
        }
        server.finish();
    }
}

#[tokio::test]
async fn a_broken_rule_fails_the_test() {
    for (path, _, body) in doors(false) {
        let server = ModelServer::start([Reply::text("hi")]).await.unwrap();
        let (status, _) = asked(server.url(), (path, "x-nothing: 1", body)).await;
        assert_eq!((status, server.violations().len()), (400, 1), "{path}");
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(server)));
        assert!(failed.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_reply_that_nobody_asked_for_fails_the_test() {
    let server = ModelServer::start([Reply::text("hi")]).await.unwrap();
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.finish()));
    assert!(failed.is_err());
}

#[tokio::test]
async fn a_cut_stream_has_no_end() {
    for (door, end) in doors(true)
        .into_iter()
        .zip(["message_stop", "[DONE]", "finishReason"])
    {
        let reply = Reply::text("a longer answer").fault(Named::Cut);
        let server = ModelServer::start([reply]).await.unwrap();
        let (status, body) = asked(server.url(), door).await;
        assert!(
            status == 200 && body.contains("data: {"),
            "it has a beginning: {body}"
        );
        assert!(!body.contains(end), "{body}");
        server.finish();
    }
}

#[test]
fn the_program_prints_its_address_and_plays_its_script() {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    write!(
        script,
        r#"[{{"expect": {{"last_contains": ["hello"]}}, "reply": {{"text": "from a file"}}}}]"#
    )
    .unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_deputy-model-server"))
        .arg(script.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    let (path, headers, body) = doors(false).remove(0);
    let answer = ask(url.trim(), path, headers, &body);
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(answer.1.contains("from a file"), "{answer:?}");
}
