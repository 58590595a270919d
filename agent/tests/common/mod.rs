//! A real agent on a simulated clock: store on disk, scripts in real sandbox workers. Time moves
//! only when a test moves it, and a test goes on when the agent has nothing left to do.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, unreachable_pub)]

use deputy_agent::clock::{Clock, SharedClock, SimClock};
use deputy_agent::sandbox::PoolConfig;
use deputy_agent::{Agent, AgentConfig};
use deputy_protocol::control::{CONTROL_VERSION, Envelope, Reply, Request, Response};
use deputy_protocol::model::{Input, Need, Run, Status};
use deputy_protocol::{ErrorBody, Time};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long anything may take before a test gives up, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A script that shows what it was run for.
pub const ECHO: &str = "export default async function main(ctx) { return {due: ctx.trigger.due_at, kind: ctx.trigger.kind, input: ctx.input}; }";

pub struct World {
    pub home: tempfile::TempDir,
    pub clock: SimClock,
    agent: Option<Agent>,
}

pub fn time(text: &str) -> Time {
    text.parse().unwrap()
}

pub async fn agent_at(home: &Path, clock: SharedClock) -> Agent {
    let config = AgentConfig {
        unlock: Default::default(),
        home: home.to_owned(),
        pool: PoolConfig::new(env!("CARGO_BIN_EXE_deputy").into()),
        clock,
    };
    Agent::start(config).await.unwrap()
}

pub async fn try_ask(agent: &Agent, request: Request) -> Result<Response, ErrorBody> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let envelope = Envelope {
        version: CONTROL_VERSION,
        id: format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        request,
    };
    match agent.control.apply(envelope, "test").await {
        Reply::Ok(response) => Ok(*response),
        Reply::Error(error) => Err(error),
    }
}

pub async fn install(agent: &Agent, contract: Value, script: &str) -> String {
    let mut whole = json!({"contract": 1, "purpose": "a test", "timezone": "UTC"});
    for (key, value) in contract.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let bundle =
        json!({"bundle": 1, "name": "test", "contract": whole, "script": script, "fixtures": []});
    let accept = true;
    match try_ask(agent, Request::Install { bundle, accept }).await {
        Ok(Response::Proposal(proposal)) if proposal.state == "accepted" => proposal.automation,
        other => panic!("not installed: {other:?}"),
    }
}

impl World {
    pub async fn at(start: &str) -> Self {
        Self::on(SimClock::new(time(start))).await
    }

    pub async fn on(clock: SimClock) -> Self {
        let home = tempfile::tempdir().unwrap();
        let agent = agent_at(home.path(), Arc::new(clock.clone())).await;
        Self {
            home,
            clock,
            agent: Some(agent),
        }
    }

    pub fn agent(&self) -> &Agent {
        self.agent.as_ref().unwrap()
    }

    pub async fn down(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.stop().await;
        }
    }

    pub async fn up(&mut self) {
        // The database is closed when its last reader lets go of it.
        self.agent = Some(agent_at(self.home.path(), Arc::new(self.clock.clone())).await);
    }

    pub async fn restart(&mut self) {
        self.down().await;
        self.up().await;
    }

    pub async fn ask(&self, request: Request) -> Response {
        try_ask(self.agent(), request).await.unwrap()
    }

    pub async fn install(&self, contract: Value, script: &str) -> String {
        install(self.agent(), contract, script).await
    }

    pub async fn status(&self) -> Status {
        match self.ask(Request::Status).await {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    /// All runs of an automation, oldest first.
    pub async fn runs(&self, automation: &str) -> Vec<Run> {
        let request = Request::Runs {
            automation: Some(automation.to_owned()),
            state: None,
            before: None,
            limit: 100_000,
        };
        match self.ask(request).await {
            Response::Runs(mut runs) => {
                runs.reverse();
                runs
            }
            other => panic!("{other:?}"),
        }
    }

    /// When its runs were due, in order.
    pub async fn due_times(&self, automation: &str) -> Vec<String> {
        self.runs(automation)
            .await
            .iter()
            .map(|run| format!("{:.0}", run.due_at.to_timestamp()))
            .collect()
    }

    pub async fn inputs(&self, automation: Option<&str>, state: Option<&str>) -> Vec<Input> {
        let request = Request::Inputs {
            automation: automation.map(str::to_owned),
            state: state.map(str::to_owned),
            limit: 100_000,
        };
        match self.ask(request).await {
            Response::Inputs(mut inputs) => {
                inputs.reverse();
                inputs
            }
            other => panic!("{other:?}"),
        }
    }

    pub async fn needs(&self) -> Vec<Need> {
        match self.ask(Request::Needs { all: false }).await {
            Response::Needs(needs) => needs,
            other => panic!("{other:?}"),
        }
    }

    pub async fn pause(&self, automation: &str) {
        let automation = automation.to_owned();
        self.ask(Request::AutomationPause { automation }).await;
    }

    pub async fn resume(&self, automation: &str) {
        let automation = automation.to_owned();
        self.ask(Request::AutomationResume { automation }).await;
    }

    pub async fn archive(&self, automation: &str) {
        let automation = automation.to_owned();
        self.ask(Request::AutomationArchive { automation }).await;
    }

    pub async fn send(&self, automation: &str, topic: &str, n: i64) -> Result<Response, ErrorBody> {
        let request = Request::EventSend {
            automation: automation.to_owned(),
            topic: topic.to_owned(),
            payload: Some(json!({"n": n})),
            key: Some(n.to_string()),
        };
        try_ask(self.agent(), request).await
    }

    /// Resolves when what is asked holds; looks again after every change.
    pub async fn until<T>(&self, what: &str, mut holds: impl AsyncFnMut() -> Option<T>) -> T {
        let mut changes = self.agent().changes();
        let wait = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = holds().await {
                    return found;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("it never came to be that {what}"))
    }

    /// Resolves when nothing is due, queued or under way.
    pub async fn idle(&self) {
        self.until("the agent is idle", async || {
            // In the order in which work goes on, so that none slips through between two looks.
            let (now, status) = (self.clock.now(), self.status().await);
            let due = status.next_due_at.is_some_and(|at| at <= now);
            if due || (status.runs_waiting > 0 && self.wakes_now(now).await) {
                return None;
            }
            let pending = !self.inputs(None, Some("pending")).await.is_empty();
            (!pending && self.status().await.runs_active == 0).then_some(())
        })
        .await;
    }

    async fn wakes_now(&self, now: Time) -> bool {
        let request = Request::Runs {
            automation: None,
            state: Some("waiting".to_owned()),
            before: None,
            limit: 1_000,
        };
        match self.ask(request).await {
            Response::Runs(runs) => runs
                .iter()
                .any(|run| run.waiting_until.is_some_and(|at| at <= now)),
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass as it does: from due time to due time, up to `end`.
    pub async fn live_until(&self, end: Time) {
        self.idle().await;
        while let Some(due) = self.status().await.next_due_at.filter(|due| *due <= end) {
            self.clock.set(due);
            self.idle().await;
        }
        self.clock.set(end);
        self.idle().await;
    }

    /// Sets the clock at once, as a sleep or a wrong clock does.
    pub async fn jump_to(&self, at: &str) {
        self.clock.set(time(at));
        self.idle().await;
    }
}
