//! An agent in this process, driven through its control API.

#![allow(dead_code)]

use deputy_agent::clock::SystemClock;
use deputy_agent::sandbox::PoolConfig;
use deputy_agent::{Agent, AgentConfig};
use deputy_protocol::RunState;
use deputy_protocol::control::{CONTROL_VERSION, Envelope, Reply, Request, Response};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

/// Ten effects, one after the other.
pub(crate) const TEN_STEPS: &str = "export default async () => { for (let i = 0; i < 10; i++) await tools.notes.put({ name: `note ${i}`, text: `${i}` }); }";

/// A running agent.
pub(crate) struct Bench {
    pub(crate) home: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    agent: Option<Agent>,
    commands: AtomicU64,
}

impl Bench {
    /// A new agent on a new directory, on the disk that the build is on (`/tmp` may be memory).
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self::start_in(home)
    }

    /// An agent on a directory that is there.
    pub(crate) fn start_in(home: tempfile::TempDir) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let config = AgentConfig {
            unlock: Default::default(),
            home: home.path().to_owned(),
            pool: PoolConfig::new(env!("CARGO_BIN_EXE_deputy").into()),
            clock: Arc::new(SystemClock),
        };
        let agent = runtime.block_on(Agent::start(config)).unwrap();
        Self {
            home,
            runtime,
            agent: Some(agent),
            commands: AtomicU64::new(0),
        }
    }

    /// Stops the agent and hands its directory on.
    pub(crate) fn end(mut self) -> tempfile::TempDir {
        if let Some(agent) = self.agent.take() {
            self.runtime.block_on(agent.stop());
        }
        std::mem::replace(&mut self.home, tempfile::tempdir().unwrap())
    }

    fn envelope(&self, request: Request) -> Envelope {
        let id = format!("bench-{}", self.commands.fetch_add(1, Ordering::Relaxed));
        Envelope {
            version: CONTROL_VERSION,
            id,
            request,
        }
    }

    async fn ask_later(&self, request: Request) -> Response {
        let agent = self.agent.as_ref().unwrap();
        match agent.control.apply(self.envelope(request), "bench").await {
            Reply::Ok(response) => *response,
            Reply::Error(error) => panic!("{error:?}"),
        }
    }

    /// Applies a request.
    pub(crate) fn ask(&self, request: Request) -> Response {
        self.runtime.block_on(self.ask_later(request))
    }

    /// Installs a script that may use some operations without resources.
    pub(crate) fn install(&self, name: &str, script: &str, operations: &[&str]) -> String {
        let capabilities: serde_json::Map<String, Value> = operations
            .iter()
            .map(|operation| ((*operation).to_owned(), json!({})))
            .collect();
        self.install_with(
            name,
            script,
            Value::Object(capabilities),
            json!([{"event": "go"}]),
        )
    }

    /// Installs a script with capabilities and triggers.
    pub(crate) fn install_with(
        &self,
        name: &str,
        script: &str,
        capabilities: Value,
        triggers: Value,
    ) -> String {
        let bundle = json!({"bundle": 1, "name": name, "script": script, "contract": {
            "contract": 1, "purpose": name, "capabilities": capabilities, "triggers": triggers, "overlap": "queue",
        }});
        match self.ask(Request::Install {
            bundle,
            accept: true,
        }) {
            Response::Proposal(proposal) => proposal.automation,
            other => panic!("{other:?}"),
        }
    }

    /// Runs an automation to its end.
    pub(crate) fn run(&self, automation: &str) {
        let run = Request::AutomationRun {
            automation: automation.to_owned(),
            input: None,
            wait: true,
        };
        match self.ask(run) {
            Response::Run(run) if run.state == RunState::Succeeded => {}
            other => panic!("{other:?}"),
        }
    }

    /// Puts so many inputs for each automation at once and waits until all have run.
    pub(crate) fn run_all(&self, automations: &[String], each: usize) {
        self.runtime.block_on(async {
            let control = self.agent.as_ref().unwrap().control.clone();
            let mut puts = tokio::task::JoinSet::new();
            for _ in 0..each {
                for automation in automations {
                    let (control, envelope) = (control.clone(), self.envelope(event(automation)));
                    puts.spawn(async move {
                        assert!(matches!(
                            control.apply(envelope, "bench").await,
                            Reply::Ok(_)
                        ))
                    });
                }
            }
            puts.join_all().await;
            loop {
                match self.ask_later(Request::Status).await {
                    Response::Status(status)
                        if status.runs_active == 0 && status.inputs_pending == 0 =>
                    {
                        return;
                    }
                    Response::Status(_) => {
                        tokio::time::sleep(std::time::Duration::from_millis(5)).await
                    }
                    other => panic!("{other:?}"),
                }
            }
        });
    }

    /// Sends the event `go`.
    pub(crate) fn send(&self, automation: &str) {
        self.ask(event(automation));
    }

    /// Waits until an automation's latest run has ended.
    pub(crate) fn quiet(&self, automation: &str) {
        loop {
            let runs = Request::Runs {
                automation: Some(automation.to_owned()),
                state: None,
                before: None,
                limit: 1,
            };
            match self.ask(runs) {
                Response::Runs(runs) if runs.iter().all(|r| r.state == RunState::Succeeded) => {
                    return;
                }
                Response::Runs(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn event(automation: &str) -> Request {
    Request::EventSend {
        automation: automation.to_owned(),
        topic: "go".to_owned(),
        payload: None,
        key: None,
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(agent) = self.agent.take() {
            self.runtime.block_on(agent.stop());
        }
    }
}

/// A web server that tells when it is asked something.
pub(crate) struct Ear {
    pub(crate) address: SocketAddr,
    heard: Receiver<()>,
}

impl Ear {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, tell) = (stream.unwrap(), tell.clone());
                std::thread::spawn(move || {
                    let mut buffer = [0; 4_096];
                    // Requests here are small and come whole; each is answered, the connection kept.
                    while stream.read(&mut buffer).is_ok_and(|n| n > 0) {
                        let _ = tell.send(());
                        if stream
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                            .is_err()
                        {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    pub(crate) fn heard(&self) {
        self.heard.recv().unwrap();
    }
}
