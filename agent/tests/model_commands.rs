//! `deputy model …`, typed at a running agent, with a provider that checks what it is asked.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use deputy_model_server::{Fault, ModelServer, Reply, Rules, Status};
use serde_json::Value;
use std::process::{Child, Command, Output, Stdio};

const DEPUTY: &str = env!("CARGO_BIN_EXE_deputy");
const KEY: &str = "sk-typed-secret-4711";

/// A running agent; killed when dropped.
struct Running {
    agent: Child,
    home: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

impl Running {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let agent = Command::new(DEPUTY)
            .args(["up", "--no-open"])
            .env("DEPUTY_HOME", home.path())
            .env("DEPUTY_LOG", "trace")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(home.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let running = Self { agent, home };
        while running.type_in(&["status"], None).await.status.code() == Some(3) {}
        running
    }

    /// Types a command, away from the runtime that the provider lives on.
    async fn type_in(&self, words: &[&str], input: Option<&str>) -> Output {
        let mut command = Command::new(DEPUTY);
        command
            .arg("--json")
            .args(words)
            .env("DEPUTY_HOME", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let input = input.map(str::to_owned);
        let typing = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            if let Some(input) = input {
                std::io::Write::write_all(&mut stdin, input.as_bytes()).unwrap();
            }
            drop(stdin);
            child.wait_with_output().unwrap()
        });
        typing.await.unwrap()
    }

    /// Types a command that works, and reads what it prints.
    async fn ok(&self, words: &[&str], input: Option<&str>) -> Value {
        let output = self.type_in(words, input).await;
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {text}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Types a command that fails, and reads why.
    async fn error(&self, words: &[&str], input: Option<&str>) -> Value {
        let output = self.type_in(words, input).await;
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        serde_json::from_slice::<Value>(&output.stderr).unwrap()["error"].take()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_set_listed_tried_and_removed() {
    let rules = Rules {
        key: Some(KEY.to_owned()),
        model: Some("m-1".to_owned()),
        ..Rules::default()
    };
    let echo = Reply {
        fault: Some(Fault::Status(Status {
            status: 401,
            retry_after: None,
            message: Some(format!("no right for {KEY}")),
        })),
        ..Reply::default()
    };
    let server = ModelServer::with_rules(rules, [Reply::text("ready"), echo])
        .await
        .unwrap();
    let deputy = Running::start().await;
    let url = server.url();
    let set = |model| {
        vec![
            "model",
            "set",
            "--provider",
            "anthropic",
            "--base-url",
            &url,
            "--model",
            model,
            "--key-stdin",
        ]
    };

    assert_eq!(deputy.ok(&["status"], None).await["model"], false);
    assert_eq!(
        deputy.error(&["model", "test"], None).await["code"],
        "model_not_configured"
    );
    assert_eq!(
        deputy.error(&["model", "remove"], None).await["code"],
        "model_not_configured"
    );
    let error = deputy
        .error(
            &["model", "set", "--provider", "acme", "--model", "m"],
            None,
        )
        .await;
    assert_eq!(error["code"], "model_invalid");
    assert!(error["hint"].as_str().unwrap().contains("anthropic"));
    assert_eq!(
        deputy.error(&set("m-1"), Some("\n")).await["code"],
        "model_invalid"
    );

    // A wrong key, a wrong name, and then all is well.
    deputy.ok(&set("m-1"), Some("wrong-key\n")).await;
    assert_eq!(
        deputy.error(&["model", "test"], None).await["code"],
        "model_auth"
    );
    deputy.ok(&set("m-2"), Some(KEY)).await;
    assert_eq!(
        deputy.error(&["model", "test"], None).await["code"],
        "model_unknown_model"
    );
    let info = deputy.ok(&set("m-1"), Some(&format!("{KEY}\n"))).await;
    assert_eq!(
        (&info["id"], &info["state"], &info["has_key"]),
        (&"default".into(), &"set".into(), &true.into())
    );
    let tested = deputy.ok(&["model", "test"], None).await;
    assert_eq!(tested["state"], "ok");
    assert!(tested["message"].as_str().unwrap().contains("“ready”"));
    assert_eq!(deputy.ok(&["model", "list"], None).await[0]["model"], "m-1");
    assert_eq!(deputy.ok(&["status"], None).await["model"], true);
    assert_eq!(
        deputy.ok(&["costs", "--by", "model"], None).await[0]["id"],
        "m-1"
    );

    // The provider repeats the key; nobody else does.
    let error = deputy.error(&["model", "test"], None).await;
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("no right for [secret]"),
        "{error}"
    );
    let listed = deputy.type_in(&["model", "list"], None).await;
    assert!(!String::from_utf8(listed.stdout).unwrap().contains(KEY));
    for file in std::fs::read_dir(deputy.home.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let found = bytes
            .windows(KEY.len())
            .any(|window| window == KEY.as_bytes());
        assert!(!found, "the key is in {}", path.display());
    }

    deputy.ok(&["model", "remove"], None).await;
    assert_eq!(deputy.ok(&["status"], None).await["model"], false);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_taken_only_when_they_are_prices() {
    let deputy = Running::start().await;
    let set = |value| ["config", "set", "models.prices", value];
    let output = deputy.type_in(&set("[{\"model\": \"m\"}]"), None).await;
    assert_eq!(output.status.code(), Some(2));
    let own = "[{\"model\": \"m\", \"input\": 1, \"output\": 2}]";
    let kept = deputy.ok(&set(own), None).await;
    assert_eq!(kept["models.prices"][0]["output"], 2);
}
