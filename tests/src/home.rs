//! A data directory, and what can be asked of the agent that runs on it.

use crate::ImapServer;
use crate::client::{self, AskError, Follow};
use crate::{Agent, Binary, Launch, wait_until};
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::{Need, Run};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a command came to.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// Its document on standard output; null when there is none.
    pub json: Value,
    /// The `error` object on standard error; null when there is none.
    pub error: Value,
    /// Standard error as it is.
    pub stderr: String,
}

impl Output {
    pub(crate) fn new(code: Option<i32>, stdout: String, stderr: String) -> Self {
        let last = stderr.lines().last().unwrap_or_default();
        let error = serde_json::from_str::<Value>(last).map_or(Value::Null, |e| e["error"].clone());
        Self {
            code,
            json: serde_json::from_str(&stdout).unwrap_or(Value::Null),
            error,
            stderr,
        }
    }

    /// The error's code, empty when there is none.
    pub fn error_code(&self) -> &str {
        self.error["code"].as_str().unwrap_or_default()
    }

    /// Fails the test unless the command did it all.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{} {}", self.stderr, self.json);
        self
    }

    /// Fails the test unless the command ended with this exit code and an error of this code that
    /// says what happened and what to do.
    #[track_caller]
    pub fn refused(self, exit: i32, code: &str) -> Self {
        assert_eq!(
            (self.code, self.error_code()),
            (Some(exit), code),
            "{} {}",
            self.stderr,
            self.json
        );
        let said = |part: &str| {
            self.error[part]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        };
        assert!(said("message") && said("hint"), "{}", self.error);
        self
    }

    /// A field of the document as text, empty when there is none.
    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }
}

/// A bundle with a contract's parts filled in: triggered by hand and by the event `go`.
pub fn bundle(name: &str, contract: Value, script: &str) -> Value {
    let mut whole = serde_json::json!({
        "contract": 1, "purpose": name, "timezone": "UTC",
        "triggers": [{"manual": true}, {"event": "go"}],
    });
    if let (Value::Object(whole), Value::Object(parts)) = (&mut whole, contract) {
        whole.extend(parts);
    }
    serde_json::json!({"bundle": 1, "name": name, "contract": whole, "script": script})
}

/// A data directory of its own; gone when dropped.
pub struct Home {
    path: PathBuf,
    // Removed with the home, where the home made it.
    _dir: Option<tempfile::TempDir>,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// A new, empty one.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            path: dir.path().join("home"),
            _dir: Some(dir),
        }
    }

    /// One at a place that the test keeps.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            _dir: None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts the agent that users get.
    #[track_caller]
    pub fn start(&self) -> Agent {
        self.start_with(&Launch::default())
    }

    /// Starts an agent, which must become ready.
    #[track_caller]
    pub fn start_with(&self, launch: &Launch) -> Agent {
        match Agent::start(self, launch) {
            Ok(agent) => agent,
            Err(output) => panic!("the agent did not start: {output:?}"),
        }
    }

    /// Runs `deputy WORDS --json`.
    pub fn cli(&self, words: &[&str]) -> Output {
        self.cli_with_input(words, "")
    }

    /// Runs `deputy WORDS --json` with something on its standard input.
    pub fn cli_with_input(&self, words: &[&str], input: &str) -> Output {
        let mut child = Command::new(Binary::Plain.path())
            .args(words)
            .arg("--json")
            .env("DEPUTY_HOME", &self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may have closed it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
        Output::new(
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Makes the connection `mail`, to a mail server on loopback; `also` is said, too, and `input` typed.
    pub fn connect_mail(&self, port: u16, also: &[&str], input: &str) -> Output {
        let port = port.to_string();
        let words = [
            "connect",
            "mail",
            "--smtp-host",
            "127.0.0.1",
            "--smtp-port",
            &port,
            "--tls",
            "none",
            "--from",
            "me@example.test",
        ];
        self.cli_with_input(&[&words, also].concat(), input)
    }

    /// Makes the connection `mail`, to a mail server and a mailbox on loopback that want this login.
    pub fn connect_mailbox(&self, smtp: u16, imap: &ImapServer, user: &str, typed: &str) -> Output {
        let port = imap.port.to_string();
        let also = [
            "--imap-host",
            "127.0.0.1",
            "--imap-port",
            &port,
            "--username",
            user,
            "--password-stdin",
            "--timeout-ms",
            "5000",
        ];
        self.connect_mail(smtp, &also, typed)
    }

    /// Asks the running agent directly.
    pub fn ask(&self, request: Request) -> Result<Response, AskError> {
        client::ask(&self.path, request)
    }

    /// Asks the agent under a command id of the test's own choice.
    pub fn ask_as(&self, id: &str, request: Request) -> Result<Response, AskError> {
        client::ask_as(&self.path, id, request)
    }

    /// The running agent's events after a sequence number.
    pub fn follow(&self, after: i64) -> std::io::Result<Follow> {
        Follow::new(&self.path, after)
    }

    /// Installs a bundle, accepted at once, and returns the automation's id.
    #[track_caller]
    pub fn install(&self, bundle: Value) -> String {
        let installed = self.ask(Request::Install {
            bundle,
            accept: true,
        });
        match installed {
            Ok(Response::Proposal(proposal)) => {
                assert_eq!(proposal.state, "accepted", "{proposal:?}");
                proposal.automation
            }
            other => panic!("the bundle was not installed: {other:?}"),
        }
    }

    /// Puts the bundle into a file, for `deputy install`.
    pub fn write_bundle(&self, bundle: &Value) -> PathBuf {
        let path = self.path.with_extension("bundle.json");
        std::fs::write(&path, bundle.to_string()).unwrap();
        path
    }

    /// The open action-needed items.
    #[track_caller]
    pub fn needs(&self) -> Vec<Need> {
        match self.ask(Request::Needs { all: false }) {
            Ok(Response::Needs(needs)) => needs,
            other => panic!("no needs: {other:?}"),
        }
    }

    /// All runs of an automation, or of all, newest first.
    #[track_caller]
    pub fn runs(&self, automation: Option<&str>) -> Vec<Run> {
        let request = Request::Runs {
            automation: automation.map(str::to_owned),
            state: None,
            before: None,
            limit: 1_000_000,
        };
        match self.ask(request) {
            Ok(Response::Runs(runs)) => runs,
            other => panic!("no runs: {other:?}"),
        }
    }

    /// Waits until an open item of this kind is there.
    #[track_caller]
    pub fn wait_for_need(&self, kind: &str) -> Need {
        wait_until(&format!("an item of kind {kind}"), || {
            self.needs()
                .into_iter()
                .find(|need| need.kind.as_str() == kind)
        })
    }

    /// The database of a stopped agent, to be looked at.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path.join("deputy.db")).unwrap()
    }
}
