//! A secret is nowhere but in the vault: not in logs, journal, errors, answers, exports, scripts or
//! backups, even when the server to which it belongs sends it back.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deputy_agent::clock::SystemClock;
use deputy_agent::connectors::Unlock;
use deputy_agent::sandbox::PoolConfig;
use deputy_agent::{Agent, AgentConfig};
use deputy_protocol::control::{CONTROL_VERSION, Envelope, Reply, Request};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const SECRET: &str = "correct/horse+battery=staple";

/// All that the agent's log says.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A mail server that refuses every login and says what it was sent.
async fn telltale() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (read, mut write) = socket.into_split();
                let mut lines = BufReader::new(read).lines();
                let mut answer = "220 here".to_owned();
                loop {
                    if write
                        .write_all(format!("{answer}\r\n").as_bytes())
                        .await
                        .is_err()
                    {
                        return;
                    }
                    let Ok(Some(line)) = lines.next_line().await else {
                        return;
                    };
                    answer = if line.starts_with("EHLO") {
                        "250-here\r\n250 AUTH PLAIN LOGIN".to_owned()
                    } else {
                        let sent = line.rsplit(' ').next().unwrap_or_default();
                        let plain = STANDARD.decode(sent).unwrap_or_default();
                        let plain = String::from_utf8_lossy(&plain).replace('\0', " ");
                        format!("535 5.7.8 refused: {line} is {plain}")
                    };
                }
            });
        }
    });
    port
}

struct Client {
    agent: Agent,
    requests: u32,
    /// Every answer so far.
    heard: String,
}

impl Client {
    async fn start(home: &Path) -> Self {
        let agent = Agent::start(AgentConfig {
            home: home.to_owned(),
            pool: PoolConfig::new(PathBuf::from(env!("CARGO_BIN_EXE_deputy"))),
            clock: Arc::new(SystemClock),
            unlock: Unlock::default(),
        })
        .await
        .unwrap();
        Self {
            agent,
            requests: 0,
            heard: String::new(),
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let request: Request = if params.is_null() {
            serde_json::from_value(json!({"method": method})).unwrap()
        } else {
            serde_json::from_value(json!({"method": method, "params": params})).unwrap()
        };
        let envelope = Envelope {
            version: CONTROL_VERSION,
            id: format!("{}-{method}-{}", std::process::id(), self.requests),
            request,
        };
        let reply: Reply = self.agent.control.apply(envelope, "test").await;
        let reply = serde_json::to_value(reply).unwrap();
        self.heard.push_str(&reply.to_string());
        self.heard.push('\n');
        reply
    }

    /// Everything that a client can look at.
    async fn look_at_all(&mut self, home: &Path) {
        for (method, params) in [
            ("run_show", json!({"run": "r1"})),
            (
                "runs",
                json!({"automation": null, "state": null, "limit": 50}),
            ),
            ("needs", json!({"all": true})),
            ("need_show", json!({"item": "n1"})),
            ("connections", Value::Null),
            ("connection_check", json!({"connection": "mail"})),
            ("automation_show", json!({"automation": "a1"})),
            (
                "chat",
                json!({"automation": null, "after": 0, "limit": 100}),
            ),
            ("outputs", json!({"automation": null, "limit": 100})),
            (
                "inputs",
                json!({"automation": null, "state": null, "limit": 100}),
            ),
            ("export", json!({"automation": "a1"})),
            ("export_all", json!({"format": "jsonl"})),
            ("export_all", json!({"format": "otlp"})),
            ("doctor", Value::Null),
            ("vault_show", Value::Null),
            (
                "backup",
                json!({"file": home.join(format!("copy-{}.db", self.requests))}),
            ),
        ] {
            let reply = self.ask(method, params).await;
            assert!(reply.get("ok").is_some(), "{method}: {reply}");
        }
    }
}

/// The forms in which the secret would travel, and pieces of them.
fn forms() -> Vec<String> {
    let mut forms = vec![SECRET.to_owned(), "horse+battery".to_owned()];
    for user in ["", "\0me\0", "\0m\0", "me@example.org"] {
        let encoded = STANDARD.encode(format!("{user}{SECRET}"));
        forms.push(encoded[encoded.len() - 24..encoded.len() - 4].to_owned());
    }
    forms.push(url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect());
    forms
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for form in forms() {
        let found = bytes.windows(form.len()).any(|w| w == form.as_bytes());
        assert!(!found, "{what} holds “{form}”");
    }
}

const SCRIPT: &str = r#"export default async function main(ctx) {
  console.log(Object.keys(ctx).join(), JSON.stringify(ctx), typeof tools);
  try {
    await tools.mail.send({ connection: "mail", to: ["you@example.org"], subject: "s", text: "t" });
  } catch (error) {
    ctx.log("error", error.message, { error: error.message });
    await tools.notes.put({ name: "leak", text: error.message });
    throw error;
  }
}"#;

#[tokio::test]
async fn a_secret_is_nowhere_but_in_the_vault() {
    let log = Log::default();
    let to = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(
            "deputy_agent=trace,lettre=trace",
        ))
        .with_writer(move || to.clone())
        .init();
    let home = tempfile::tempdir().unwrap();
    let port = telltale().await;
    let mut client = Client::start(home.path()).await;
    let config = json!({"smtp_host": "127.0.0.1", "smtp_port": port, "tls": "none",
        "from": "me@example.org", "username": "me"});
    let connected = client
        .ask(
            "connect",
            json!({"kind": "mail", "name": "mail", "config": config, "secret": SECRET}),
        )
        .await;
    assert!(connected.to_string().contains("[secret]"), "{connected}");
    let bundle = json!({"bundle": 1, "name": "Leak", "script": SCRIPT, "fixtures": [], "contract": {
        "contract": 1, "purpose": "Try to leak", "timezone": "UTC", "triggers": [{"manual": true}],
        "capabilities": {"mail.send": {"connections": ["mail"], "recipients": ["you@example.org"]}, "notes.put": {}}}});
    let proposal = client
        .ask("install", json!({"bundle": bundle, "accept": true}))
        .await;
    if proposal["ok"]["value"]["state"] != "active" {
        let text = proposal.to_string();
        let doubts: Vec<String> = text
            .split("\"id\":\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect();
        client
            .ask(
                "proposal_accept",
                json!({"proposal": "p1", "confirm": doubts}),
            )
            .await;
    }
    let run = client
        .ask(
            "automation_run",
            json!({"automation": "a1", "input": null, "wait": true}),
        )
        .await;
    assert!(run.to_string().contains("auth"), "{run}");
    client.look_at_all(home.path()).await;
    client.ask("vault_rotate", Value::Null).await;
    let Client { agent, heard, .. } = client;
    agent.stop().await;

    // A new start has learned nothing yet but what is in the vault.
    let mut client = Client::start(home.path()).await;
    client.look_at_all(home.path()).await;
    let again = client.heard;
    client.agent.stop().await;

    assert!(heard.contains("refused"), "the failure is told");
    assert_clean("an answer", heard.as_bytes());
    assert_clean("an answer after a start", again.as_bytes());
    assert_clean("the log", &log.0.lock().unwrap());
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}
