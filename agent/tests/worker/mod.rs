//! Runs scripts in the real worker, with the test as their host.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod house;

use deputy_agent::sandbox::{
    Answer, Call, Died, Limits, LogLine, Outcome, Pool, PoolConfig, SandboxError, ScriptFailure,
    Start, WorkerEvent,
};
use deputy_protocol::{FailureClass, Time};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The worker's binary.
pub fn exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_deputy"))
}

/// A pool of a few workers.
pub fn pool() -> Pool {
    Pool::new(PoolConfig {
        max_workers: 4,
        ..PoolConfig::new(exe())
    })
}

/// 2026-03-01T12:00:00Z.
pub const START: Time = Time(1_772_366_400_000);

/// What a script starts with in these tests: little time, the limits of a run otherwise.
pub fn start(script: &str) -> Start {
    Start {
        script: script.to_owned(),
        topic: None,
        ctx: to_raw_value(&json!({"input": {"n": 7}, "run": {"id": "r1", "attempt": 1}})).unwrap(),
        state: BTreeMap::new(),
        seed: [7; 32],
        now: START,
        timezone: "Europe/Berlin".to_owned(),
        limits: Limits {
            cpu_ms: 400,
            ..Limits::default()
        },
        tools: ["web.fetch", "notes.put", "mail.send", "files.read"]
            .map(str::to_owned)
            .to_vec(),
        denied: vec!["text.template".to_owned()],
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum Finale {
    Done(Value),
    Failed(ScriptFailure),
    Died(Died),
}

/// A run as its host saw it.
#[derive(Debug)]
pub struct Played {
    pub finale: Finale,
    pub calls: Vec<(u32, String, Value)>,
    pub state: BTreeMap<String, Box<RawValue>>,
    pub logs: Vec<LogLine>,
}

impl Played {
    /// The result of a run that had to succeed.
    pub fn result(self) -> Value {
        match self.finale {
            Finale::Done(result) => result,
            other => panic!("the run did not succeed: {other:?}"),
        }
    }

    /// The failure of a run that had to fail by its script.
    pub fn failure(self) -> ScriptFailure {
        match self.finale {
            Finale::Failed(failure) => failure,
            other => panic!("the script did not fail: {other:?}"),
        }
    }

    /// Class and code of the end, as the executor sees them.
    pub fn verdict(&self) -> (FailureClass, String) {
        match &self.finale {
            Finale::Done(result) => (FailureClass::Unknown, format!("succeeded with {result}")),
            Finale::Failed(failure) => (failure.class, failure.code.clone()),
            Finale::Died(Died::CpuLimit) => (FailureClass::Limit, "cpu".to_owned()),
            Finale::Died(Died::WallLimit) => (FailureClass::Limit, "wall".to_owned()),
            Finale::Died(_) => (FailureClass::Limit, "crash".to_owned()),
        }
    }
}

/// What the host answers when a test does not care: an object that says which call it answers.
pub fn echo(call: &Call) -> Outcome {
    let args: Value = serde_json::from_str(call.args.get()).unwrap_or(Value::Null);
    ok(&json!({"id": call.id, "tool": call.tool, "args": args}))
}

/// A result.
pub fn ok(value: &Value) -> Outcome {
    Outcome::Ok(to_raw_value(value).unwrap())
}

/// Runs a script, answering its calls in the order in which it makes them.
pub async fn play(pool: &Pool, start: Start, mut host: impl FnMut(&Call) -> Outcome) -> Played {
    let mut now = start.now;
    let mut played = Played {
        finale: Finale::Done(Value::Null),
        calls: Vec::new(),
        state: BTreeMap::new(),
        logs: Vec::new(),
    };
    let mut session = match pool.lend(start).await {
        Ok(session) => session,
        Err(SandboxError::NotReady(died)) => {
            played.finale = Finale::Died(died);
            return played;
        }
        Err(error) => panic!("{error}"),
    };
    let mut open = std::collections::VecDeque::new();
    loop {
        let frame = match session.next().await {
            Ok(frame) => frame,
            Err(died) => {
                played.finale = Finale::Died(died);
                return played;
            }
        };
        played.logs.extend(frame.logs);
        let mut note = |calls: &[Call]| {
            played.calls.extend(calls.iter().map(|call| {
                let args = serde_json::from_str(call.args.get()).unwrap_or(Value::Null);
                (call.id, call.tool.clone(), args)
            }));
        };
        match frame.event {
            WorkerEvent::Calls { calls } => {
                note(&calls);
                open.extend(calls);
            }
            WorkerEvent::Done {
                result,
                state,
                calls,
            } => {
                note(&calls);
                played.finale = Finale::Done(serde_json::from_str(result.get()).unwrap());
                played.state = state;
                return played;
            }
            WorkerEvent::Failed(failure) => {
                played.finale = Finale::Failed(failure);
                return played;
            }
            WorkerEvent::Ready => unreachable!("the session refuses this"),
        }
        let call: Call = open
            .pop_front()
            .expect("the worker says deadlock when nothing is open");
        now = now.plus_ms(1_000);
        let answer = Answer {
            id: call.id,
            now,
            outcome: host(&call),
        };
        if let Err(died) = session.answer(answer).await {
            played.finale = Finale::Died(died);
            return played;
        }
    }
}

/// Runs the body of a `main(ctx)` with answers that echo.
pub async fn body(pool: &Pool, body: &str) -> Played {
    let script = format!("export default async function main(ctx) {{\n{body}\n}}");
    play(pool, start(&script), echo).await
}
