//! Rehearsals: a script runs in the same sandbox, behind the same gate, and changes nothing. A dry
//! run reads for real and simulates effects; a replay answers from a run's journal alone.

use super::Parts;
use super::calls::{self};
use super::program::Program;
use crate::intent::Contract;
use crate::sandbox::{Answer, Call, LogLine, Start, WorkerEvent};
use crate::store::runs::RunRow;
use crate::store::steps::StepOutcome;
use deputy_protocol::model::Preview;
use deputy_protocol::{SourceKind, Time};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What a rehearsal starts from.
pub struct Rehearsal {
    /// The contract and the script.
    pub program: Arc<Program>,
    /// What the script gets as `ctx.input`.
    pub input: Value,
    /// The topic, for a handler by topic.
    pub topic: Option<String>,
    /// Where the input is said to come from.
    pub source: SourceKind,
    /// `ctx.state` by key.
    pub state: BTreeMap<String, Box<RawValue>>,
    /// Seeds it.
    pub seed: [u8; 32],
    /// Logical time of its start.
    pub now: Time,
    /// The run that it stands for.
    pub of: Option<Of>,
}

/// What a script sees of the run that a rehearsal stands for.
#[derive(Clone, Debug)]
pub struct Of {
    /// Its id.
    pub id: String,
    /// Its attempts.
    pub attempt: u32,
    /// When it was due.
    pub due_at: Time,
}

impl Of {
    /// A run on record.
    pub fn run(row: &RunRow) -> Self {
        Self {
            id: crate::store::Key::Run.id(row.key),
            attempt: row.attempt,
            due_at: row.due_at,
        }
    }
}

/// What a dry run is held to besides the contract of its script.
#[derive(Clone, Debug)]
pub struct Within {
    /// What it may read.
    pub open: Contract,
    /// What it may read once it has seen what is the user's alone: an address can carry that away.
    pub closed: Contract,
    /// Whether something has seen it before.
    pub private: bool,
}

/// What a dry run was.
#[derive(Clone, Debug, Default)]
pub struct DryRun {
    /// As people see it.
    pub preview: Preview,
    /// What the script wrote to its log.
    pub logs: Vec<String>,
    /// Its calls in order, with what they led to.
    pub steps: Vec<RecordedStep>,
    /// The items that it emitted.
    pub emitted: Vec<Value>,
    /// Whether it has seen what is the user's alone.
    pub private: bool,
}

/// A call and what it led to.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedStep {
    /// `namespace.operation`.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
    /// Its result, or `{"$error": …}`.
    pub outcome: Value,
}

/// How a rehearsal ended.
pub(super) enum Finale {
    Done(Value),
    Failed { code: String, message: String },
}

pub(super) fn failed(code: &str, message: impl Into<String>) -> Finale {
    Finale::Failed {
        code: code.to_owned(),
        message: message.into(),
    }
}

fn start(parts: &Parts, rehearsal: &Rehearsal) -> Start {
    let program = &rehearsal.program;
    let (id, attempt, due_at) = match &rehearsal.of {
        Some(of) => (of.id.as_str(), of.attempt, of.due_at),
        None => ("r0", 1, rehearsal.now),
    };
    let ctx = json!({
        "input": rehearsal.input,
        "trigger": {"kind": rehearsal.source.as_str(), "due_at": due_at, "topic": rehearsal.topic},
        "automation": {
            "id": crate::store::Key::Automation.id(program.automation),
            "name": program.name, "timezone": program.contract.timezone,
        },
        "run": {"id": id, "attempt": attempt},
        "params": program.contract.params,
    });
    Start {
        script: program.script.clone(),
        topic: rehearsal
            .topic
            .clone()
            .filter(|_| rehearsal.source == SourceKind::Emit),
        ctx: to_raw_value(&ctx).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        state: rehearsal.state.clone(),
        seed: rehearsal.seed,
        now: rehearsal.now,
        timezone: program.contract.timezone.clone(),
        limits: program.limits,
        tools: parts.registry.host_names(),
        denied: program.denied.clone(),
    }
}

/// Answers a rehearsal's calls.
pub(super) trait Stage {
    /// A call was made; calls come in the order in which the script makes them.
    fn made(&mut self, _call: &Call) {}

    /// Which of the open calls is answered next; there is at least one.
    fn pick(&self, _open: &VecDeque<Call>) -> usize {
        0
    }

    /// The end of a call, and the time that passes with it.
    async fn answer(&mut self, call: &Call) -> Result<(StepOutcome, Time), String>;

    /// What the script wrote to its log.
    fn log(&mut self, _lines: Vec<LogLine>) {}
}

pub(super) async fn perform(
    parts: &Parts,
    rehearsal: &Rehearsal,
    stage: &mut impl Stage,
) -> Finale {
    let mut session = match parts.pool.lend(start(parts, rehearsal)).await {
        Ok(session) => session,
        Err(error) => return failed("sandbox", error.to_string()),
    };
    let mut open: VecDeque<Call> = VecDeque::new();
    loop {
        let frame = match session.next().await {
            Ok(frame) => frame,
            Err(died) => return failed("sandbox", format!("the sandbox ended: {died}")),
        };
        stage.log(frame.logs);
        match frame.event {
            WorkerEvent::Calls { calls } => {
                calls.iter().for_each(|call| stage.made(call));
                open.extend(calls);
            }
            WorkerEvent::Done { result, calls, .. } => {
                calls.iter().for_each(|call| stage.made(call));
                for call in calls.into_iter().chain(open) {
                    if let Err(message) = stage.answer(&call).await {
                        return failed("refused", message);
                    }
                }
                return Finale::Done(serde_json::from_str(result.get()).unwrap_or(Value::Null));
            }
            WorkerEvent::Failed(failure) => {
                let stack = failure
                    .stack
                    .lines()
                    .next()
                    .map(|l| format!(" ({})", l.trim()))
                    .unwrap_or_default();
                return failed(
                    &failure.code,
                    parts.redactor.text(&format!("{}{stack}", failure.message)),
                );
            }
            WorkerEvent::Ready => return failed("sandbox", "the sandbox spoke out of turn"),
        }
        if open.is_empty() {
            return failed("deadlock", "the script waits for nothing");
        }
        let Some(call) = open.remove(stage.pick(&open)) else {
            return failed("deadlock", "the script waits for nothing");
        };
        let (outcome, now) = match stage.answer(&call).await {
            Ok(answered) => answered,
            Err(message) => return failed("refused", message),
        };
        let Ok(outcome) = calls::to_frame(&outcome) else {
            return failed("result", "a result cannot be read");
        };
        if let Err(died) = session
            .answer(Answer {
                id: call.id,
                now,
                outcome,
            })
            .await
        {
            return failed("sandbox", format!("the sandbox ended: {died}"));
        }
    }
}
