//! A whole agent in a directory of its own, on a clock that jumps to whatever is waited for, and a
//! world outside (a server on loopback) that answers in random order and counts what was done to it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use deputy_agent::clock::{Clock, SimClock};
use deputy_agent::sandbox::PoolConfig;
use deputy_agent::{Agent, AgentConfig};
use deputy_protocol::control::{CONTROL_VERSION, Envelope, Reply, Request, Response};
use deputy_protocol::model::{Need, Run, RunDetail};
use deputy_protocol::{RunState, Time};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How often each method and path was asked for.
pub type Counts = HashMap<String, u32>;

/// The world outside.
#[derive(Clone)]
pub struct World {
    pub address: String,
    inner: Arc<Inner>,
}

struct Inner {
    counts: Mutex<Counts>,
    random: AtomicU64,
}

impl World {
    pub async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Self {
            address: listener.local_addr().unwrap().to_string(),
            inner: Arc::new(Inner {
                counts: Mutex::default(),
                random: AtomicU64::new(seed | 1),
            }),
        };
        let serving = world.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = serving.clone();
                // A client that goes away is none of the server's business.
                tokio::spawn(async move { world.serve(stream).await.ok() });
            }
        });
        world
    }

    /// What was asked since the last time, and a clean slate.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut self.inner.counts.lock().unwrap())
    }

    fn random(&self) -> u64 {
        let next = |x: u64| {
            x.wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407)
        };
        next(
            self.inner
                .random
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(next(x)))
                .unwrap(),
        ) >> 33
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut read = Vec::new();
        loop {
            let head = loop {
                if let Some(at) = read.windows(4).position(|w| w == b"\r\n\r\n") {
                    break at + 4;
                }
                if stream.read_buf(&mut read).await? == 0 {
                    return Ok(());
                }
            };
            let text = String::from_utf8_lossy(&read[..head]).into_owned();
            let length: usize = text
                .lines()
                .find_map(|l| {
                    l.to_ascii_lowercase()
                        .strip_prefix("content-length:")
                        .map(|v| v.trim().parse().unwrap())
                })
                .unwrap_or(0);
            while read.len() < head + length {
                if stream.read_buf(&mut read).await? == 0 {
                    return Ok(());
                }
            }
            read.drain(..head + length);
            let mut words = text.split_whitespace();
            let (method, path) = (
                words.next().unwrap_or("").to_owned(),
                words.next().unwrap_or("").to_owned(),
            );
            *self
                .inner
                .counts
                .lock()
                .unwrap()
                .entry(format!("{method} {path}"))
                .or_default() += 1;
            // Which of several comes first is the subject of the tests.
            tokio::time::sleep(Duration::from_micros(self.random() % 1_500)).await;
            let status = if path.starts_with("/missing") {
                "404 Not Found"
            } else {
                "200 OK"
            };
            let body = format!("{method} {path}");
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

/// A running agent.
pub struct House {
    agent: Agent,
    clock: SimClock,
    driver: tokio::task::JoinHandle<()>,
    requests: AtomicU64,
}

impl House {
    /// Starts an agent whose clock reads `now` and then jumps from deadline to deadline.
    pub async fn open(home: &Path, now: Time) -> Self {
        Self::with_worker(home, now, super::exe()).await
    }

    /// The same with another binary in place of the worker's.
    pub async fn with_worker(home: &Path, now: Time, exe: std::path::PathBuf) -> Self {
        let clock = SimClock::new(now);
        let agent = Agent::start(AgentConfig {
            unlock: Default::default(),
            home: home.to_owned(),
            pool: PoolConfig {
                max_workers: 4,
                ..PoolConfig::new(exe)
            },
            clock: Arc::new(clock.clone()),
        })
        .await
        .unwrap();
        let driving = clock.clone();
        let driver = tokio::spawn(async move {
            loop {
                let next = driving.wait_for_waiter().await;
                driving.set(next);
            }
        });
        Self {
            agent,
            clock,
            driver,
            requests: AtomicU64::new(0),
        }
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }

    pub async fn ask(&self, request: Request) -> Response {
        let n = self.requests.fetch_add(1, Ordering::Relaxed);
        let envelope = Envelope {
            version: CONTROL_VERSION,
            id: format!("{}-{n}", self.now().0),
            request,
        };
        match self.agent.control.apply(envelope, "test").await {
            Reply::Ok(response) => *response,
            Reply::Error(error) => panic!("{error:?}"),
        }
    }

    /// Installs an automation and returns its id.
    pub async fn install(&self, contract: Value, script: &str) -> String {
        let bundle = json!({"bundle": 1, "name": "test", "contract": contract, "script": script});
        match self
            .ask(Request::Install {
                bundle,
                accept: true,
            })
            .await
        {
            Response::Proposal(proposal) => {
                assert_eq!(proposal.state, "accepted", "{proposal:?}");
                proposal.automation
            }
            other => panic!("{other:?}"),
        }
    }

    /// Starts a run and waits until it has ended or waits for a person.
    pub async fn run(&self, automation: &str, input: Value) -> Run {
        let request = Request::AutomationRun {
            automation: automation.to_owned(),
            input: Some(input),
            wait: true,
        };
        match self.ask(request).await {
            Response::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    pub async fn show(&self, run: &str) -> RunDetail {
        match self
            .ask(Request::RunShow {
                run: run.to_owned(),
            })
            .await
        {
            Response::RunDetail(detail) => *detail,
            other => panic!("{other:?}"),
        }
    }

    /// All runs of an automation that were for its first input, oldest first.
    pub async fn runs(&self, automation: &str) -> Vec<Run> {
        let request = Request::Runs {
            automation: Some(automation.to_owned()),
            state: None,
            before: None,
            limit: 100,
        };
        match self.ask(request).await {
            Response::Runs(mut runs) => {
                runs.reverse();
                runs
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until nothing is left to do, answering what a person is asked.
    pub async fn settle(
        &self,
        automation: &str,
        mut answer: impl FnMut(&Need) -> &'static str,
    ) -> Vec<Run> {
        for _ in 0..5_000 {
            let Response::Needs(needs) = self.ask(Request::Needs { all: false }).await else {
                panic!("no needs")
            };
            for need in &needs {
                let choice = answer(need).to_owned();
                self.ask(Request::NeedAnswer {
                    item: need.id.clone(),
                    choice,
                    note: None,
                })
                .await;
            }
            let Response::Inputs(inputs) = self
                .ask(Request::Inputs {
                    automation: Some(automation.to_owned()),
                    state: None,
                    limit: 100,
                })
                .await
            else {
                panic!("no inputs")
            };
            let open = inputs.iter().any(|i| {
                matches!(
                    i.state,
                    deputy_protocol::InputState::Pending | deputy_protocol::InputState::Claimed
                )
            });
            // Asked for last: when no input is open, every run is there.
            let runs = self.runs(automation).await;
            let over = |run: &Run| {
                matches!(
                    run.state,
                    RunState::Succeeded | RunState::Failed | RunState::Cancelled
                )
            };
            if needs.is_empty() && !open && !runs.is_empty() && runs.iter().all(over) {
                return runs;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!(
            "the agent does not come to rest: {:?}",
            self.runs(automation).await
        );
    }

    pub async fn close(self) {
        self.driver.abort();
        self.agent.stop().await;
    }
}
