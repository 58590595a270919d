//! One call's way: arguments → gate → journal → outside → journal. What it comes to is a
//! [`Landed`], handed back to the attempt, which alone decides in which order ends are seen.

use super::Parts;
use super::aside::Aside;
use super::ending::Failure;
use super::intend::{self, Effect, Intended};
use super::keys;
use super::program::Program;
use crate::fault;
use crate::gate::{ApprovalNeeded, Refusal, Verdict};
use crate::store::steps::{Grant, NewStep, StepOutcome, StepRow};
use crate::store::{Durability, Lost, StoreError, runs::RunRow};
use crate::tools::{
    CallInfo, Checked, EffectCertainty, Entry, Reconciled, ResourceKind, ToolError,
};
use deputy_protocol::{EffectClass, FailureClass, StepState, Time, WaitingFor};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;
use std::time::Instant;

/// What the parts of an attempt share about its run.
#[derive(Debug)]
pub(super) struct RunFacts {
    pub(super) run: RunRow,
    pub(super) timezone: String,
    pub(super) program: Arc<Program>,
    pub(super) logical_start: Time,
}

/// A call whose arguments were checked.
pub(super) struct Prepared {
    pub(super) step: NewStep,
    pub(super) checked: Checked,
    pub(super) info: CallInfo,
    pub(super) grant: Grant,
    /// Facts that an earlier attempt recorded before the effect.
    pub(super) prepared: Value,
}

/// How an effect is to be gone about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Through gate and ledger.
    Fresh,
    /// Its intent is on disk already: repeat it with its key.
    Repeat,
    /// Its intent is on disk already: look it up first.
    LookUp,
}

/// What a call came to.
pub(super) enum Landed {
    /// It has an end that the script is to see.
    Ended {
        step: NewStep,
        effect_key: Option<String>,
        outcome: StepOutcome,
        reused: bool,
        began: Instant,
    },
    /// It waits for a person; what must be asked is said.
    Parked(Ask),
    /// The attempt cannot go on, and the script is not to know.
    Held { seq: u32, failure: Failure },
    /// The store failed; nothing more is to be done by this attempt.
    Lost(StoreError),
}

/// What a person must be asked about a step.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) seq: u32,
    pub(super) waiting_for: WaitingFor,
    pub(super) step: NewStep,
    pub(super) title: String,
    pub(super) reason: Reason,
}

/// Why.
#[derive(Debug)]
pub(super) enum Reason {
    /// The gate refused.
    Refused(Refusal),
    /// The contract wants approval.
    Approval(ApprovalNeeded),
    /// Nobody knows whether it happened.
    InDoubt { assumed: Value, message: String },
    /// Another run's step with the same key is in doubt or under way.
    Behind { run: i64 },
}

/// What a call says besides its arguments, made once for a run's tool.
pub(super) fn call_info(parts: &Parts, facts: &RunFacts, step: &NewStep, now: Time) -> CallInfo {
    let program = &facts.program;
    let effect_key = step.effect_key.clone().unwrap_or_default();
    let hosts = program.granted(&step.tool, ResourceKind::Hosts);
    CallInfo {
        run_key: Some(facts.run.key).filter(|key| *key > 0),
        run: crate::store::Key::Run.id(facts.run.key),
        automation: crate::store::Key::Automation.id(facts.run.automation),
        automation_key: facts.run.automation,
        seq: step.seq,
        effect_id: keys::effect_id(
            &parts.installation,
            facts.run.automation,
            &step.tool,
            &effect_key,
        ),
        effect_key,
        now,
        timezone: facts.timezone.clone(),
        max_result_bytes: program.limits.result_bytes,
        literal_hosts: hosts.iter().filter(|h| is_literal(h)).cloned().collect(),
        allowed_hosts: hosts,
        granted_folders: program.granted(&step.tool, ResourceKind::Folders),
        prepared: Value::Null,
    }
}

fn is_literal(host: &str) -> bool {
    !host.contains('*')
}

/// An end as the journal keeps it.
pub(super) fn outcome(result: Result<Value, ToolError>, tool: &str) -> StepOutcome {
    match result.map(|value| to_raw_value(&value)) {
        Ok(Ok(json)) => StepOutcome::Ok(json),
        Ok(Err(e)) => StepOutcome::Err(ToolError::unknown(
            FailureClass::Unknown,
            "result_unreadable",
            tool,
            format!("the tool's result cannot be written down: {e}"),
        )),
        Err(error) => StepOutcome::Err(error),
    }
}

/// A call that changes nothing, already allowed.
pub(super) async fn read(parts: Arc<Parts>, entry: &'static Entry, call: Prepared) -> Landed {
    let began = Instant::now();
    let _lane = parts.lanes.enter(&call.checked.resources).await;
    let result = entry
        .run_outside(call.checked.input, &call.info, &parts.env)
        .await;
    Landed::Ended {
        outcome: outcome(result, entry.name),
        step: call.step,
        effect_key: None,
        reused: false,
        began,
    }
}

/// What the gate must be asked with a look into the journal, and what was set aside for the call.
pub(super) async fn counted_verdict(
    parts: &Parts,
    facts: &RunFacts,
    call: &Prepared,
) -> Result<(Verdict, Aside), StoreError> {
    let program = Arc::clone(&facts.program);
    let look = intend::Look {
        operation: call.step.tool.clone(),
        resources: call.checked.resources.clone(),
        paid: call.checked.paid.clone(),
        run: facts.run.key,
        run_started: facts.logical_start,
        now: parts.clock.now(),
    };
    let (verdict, reserved) = parts
        .store
        .write(Durability::Ordered, move |db| {
            intend::decide_paid(db, &program, &look)
        })
        .await?;
    Ok((verdict, Aside::new(parts.store.clone(), reserved)))
}

/// A call that could cost more than the contract allows: nothing was asked.
pub(super) fn beyond_cost(call: &Prepared, refusal: &Refusal) -> Landed {
    let error = ToolError::not_done(
        FailureClass::Limit,
        refusal.code,
        &call.step.tool,
        format!("{}; it was not asked", refusal.message),
    );
    ended(call.step.clone(), StepOutcome::Err(error), Instant::now())
}

/// An effect that leaves the process.
pub(super) async fn effect(
    parts: Arc<Parts>,
    facts: Arc<RunFacts>,
    entry: &'static Entry,
    mut call: Prepared,
    mode: Mode,
    lost: Lost,
) -> Landed {
    let began = Instant::now();
    // Before the intent: what waits for its lane has provably not happened.
    let _lane = parts.lanes.enter(&call.checked.resources).await;
    call.info.prepared = call.prepared.clone();
    match mode {
        Mode::Fresh => match intend_fresh(&parts, &facts, entry, &mut call, lost).await {
            Ok(Way::Go) => {}
            Ok(Way::LookUpFirst) => {
                if let Some(landed) = look_up(&parts, entry, &call, began).await {
                    return landed;
                }
            }
            Ok(Way::Stop(landed)) => return *landed,
            Err(error) => return Landed::Lost(error),
        },
        Mode::Repeat => {}
        Mode::LookUp => {
            if let Some(landed) = look_up(&parts, entry, &call, began).await {
                return landed;
            }
        }
    }
    fault::point("effect.before");
    let result = entry
        .run_outside(call.checked.input.clone(), &call.info, &parts.env)
        .await;
    fault::point("effect.after");
    match result {
        Err(error) if error.effect == EffectCertainty::Unknown => {
            unknown_end(&parts, entry, call, error, began).await
        }
        result => ended(call.step, outcome(result, entry.name), began),
    }
}

fn ended(step: NewStep, outcome: StepOutcome, began: Instant) -> Landed {
    Landed::Ended {
        effect_key: step.effect_key.clone(),
        step,
        outcome,
        reused: false,
        began,
    }
}

/// Where a call goes once ledger and gate were asked.
pub(super) enum Way {
    /// Its intent is on disk: do it.
    Go,
    /// Its intent is on disk: do it unless it is found to have happened.
    LookUpFirst,
    /// Not outside.
    Stop(Box<Landed>),
}

/// Writes the intent, unless an earlier entry of the journal was lost.
async fn intend_fresh(
    parts: &Parts,
    facts: &RunFacts,
    entry: &'static Entry,
    call: &mut Prepared,
    lost: Lost,
) -> Result<Way, StoreError> {
    let began = Instant::now();
    match entry
        .prepare(call.checked.input.clone(), &call.info, &parts.env)
        .await
    {
        Ok(prepared) => {
            call.prepared = prepared.clone();
            call.info.prepared = prepared;
        }
        Err(mut error) => {
            // Nothing was even intended yet.
            error.effect = EffectCertainty::NotDone;
            let failed = StepOutcome::Err(error);
            return Ok(Way::Stop(Box::new(Landed::Ended {
                step: call.step.clone(),
                effect_key: None,
                outcome: failed,
                reused: false,
                began,
            })));
        }
    }
    let effect = self::intention(parts, facts, call);
    let program = Arc::clone(&facts.program);
    let intended = parts
        .store
        .write(Durability::Synced, move |db| {
            lost.check()?;
            intend::intend(db, &program, &effect)
        })
        .await?;
    if let Intended::GoAfterLookUp(prepared) = &intended {
        call.info.prepared = prepared.clone();
    }
    Ok(way(intended, entry, call, began))
}

/// What is handed to the ledger and the gate about a call.
pub(super) fn intention(parts: &Parts, facts: &RunFacts, call: &Prepared) -> Effect {
    Effect {
        step: call.step.clone(),
        automation: facts.run.automation,
        caused_by: facts.run.input,
        effect_key: call.info.effect_key.clone(),
        title: call.checked.title.clone(),
        resources: call.checked.resources.clone(),
        grant: call.grant,
        prepared: call.prepared.clone(),
        now: parts.clock.now(),
        run_started: facts.logical_start,
        base: facts.run.base(),
    }
}

/// What ledger and gate said, as the call's way.
pub(super) fn way(
    intended: Intended,
    entry: &'static Entry,
    call: &Prepared,
    began: Instant,
) -> Way {
    let ended = |outcome, reused| Landed::Ended {
        step: call.step.clone(),
        effect_key: None,
        outcome,
        reused,
        began,
    };
    let landed = match intended {
        Intended::Go => return Way::Go,
        Intended::GoAfterLookUp(_) => return Way::LookUpFirst,
        Intended::Reuse(outcome) => ended(outcome, true),
        Intended::Conflict(error) => ended(StepOutcome::Err(error), false),
        Intended::Refused(refusal) => ask(call, WaitingFor::Permission, Reason::Refused(refusal)),
        Intended::NeedsApproval(needed) => {
            ask(call, WaitingFor::Approval, Reason::Approval(needed))
        }
        Intended::Held(row) => ask(call, WaitingFor::InDoubt, Reason::Behind { run: row.run }),
        Intended::InDoubt => in_doubt(
            entry,
            call,
            "An earlier run ended before it was known whether this was done.",
        ),
    };
    Way::Stop(Box::new(landed))
}

/// A call that waits for a person.
pub(super) fn ask(call: &Prepared, waiting_for: WaitingFor, reason: Reason) -> Landed {
    Landed::Parked(Ask {
        seq: call.step.seq,
        waiting_for,
        step: call.step.clone(),
        title: call.checked.title.clone(),
        reason,
    })
}

/// Looks an interrupted effect up. `None` when it is provably absent and may be done.
async fn look_up(
    parts: &Parts,
    entry: &'static Entry,
    call: &Prepared,
    began: Instant,
) -> Option<Landed> {
    match entry
        .reconcile(call.checked.input.clone(), &call.info, &parts.env)
        .await
    {
        Reconciled::Happened(value) => Some(ended(
            call.step.clone(),
            outcome(Ok(value), entry.name),
            began,
        )),
        Reconciled::Absent => None,
        Reconciled::Unknowable => Some(in_doubt(
            entry,
            call,
            "Deputy was interrupted between starting this and hearing that it was done, and it cannot be looked up.",
        )),
        Reconciled::TryLater(error) => Some(held(call.step.seq, &error)),
    }
}

fn in_doubt(entry: &'static Entry, call: &Prepared, message: &str) -> Landed {
    let assumed = entry.assumed(&call.checked.input, &call.info);
    ask(
        call,
        WaitingFor::InDoubt,
        Reason::InDoubt {
            assumed,
            message: message.to_owned(),
        },
    )
}

/// An interrupted effect that is never repeated.
pub(super) fn interrupted_opaque(entry: &'static Entry, call: &Prepared) -> Landed {
    in_doubt(
        entry,
        call,
        "Deputy was interrupted between starting this and hearing that it was done.",
    )
}

fn held(seq: u32, error: &ToolError) -> Landed {
    let mut failure = Failure::new(FailureClass::Transient, &error.code, error.to_string());
    failure.seq = Some(seq);
    failure.tool = Some(error.tool.clone());
    failure.retry_after_ms = error.retry_after_ms;
    Landed::Held { seq, failure }
}

/// An effect that failed in a way that leaves open whether it happened.
async fn unknown_end(
    parts: &Parts,
    entry: &'static Entry,
    call: Prepared,
    error: ToolError,
    began: Instant,
) -> Landed {
    match call.checked.class {
        EffectClass::Idempotent | EffectClass::Read | EffectClass::Pure => {
            held(call.step.seq, &error)
        }
        EffectClass::Reconcilable => {
            match entry
                .reconcile(call.checked.input.clone(), &call.info, &parts.env)
                .await
            {
                Reconciled::Happened(value) => {
                    ended(call.step, outcome(Ok(value), entry.name), began)
                }
                Reconciled::Absent => {
                    let certain = ToolError {
                        effect: EffectCertainty::NotDone,
                        ..error
                    };
                    ended(call.step, StepOutcome::Err(certain), began)
                }
                Reconciled::Unknowable => in_doubt(entry, &call, &error.to_string()),
                Reconciled::TryLater(later) => held(call.step.seq, &later),
            }
        }
        EffectClass::Opaque => in_doubt(entry, &call, &error.to_string()),
    }
}

/// What a `Parked` entry of the journal makes of a call: settled, or still waiting. It is asked
/// about again, as the attempt that found the doubt may have ended before it could ask; an item
/// that is open already stays the one it is.
pub(super) fn still_in_doubt(
    entry: &'static Entry,
    call: &Prepared,
    row: &StepRow,
) -> Option<Landed> {
    (row.state == StepState::InDoubt).then(|| {
        in_doubt(
            entry,
            call,
            "Deputy started this and could not find out whether it was done.",
        )
    })
}

/// JSON text as a value.
pub(super) fn parse(args: &RawValue) -> Value {
    serde_json::from_str(args.get()).unwrap_or(Value::Null)
}

/// Reads an end back as what the worker is sent.
pub(super) fn to_frame(outcome: &StepOutcome) -> Result<crate::sandbox::Outcome, StoreError> {
    Ok(match outcome {
        StepOutcome::Ok(json) => crate::sandbox::Outcome::Ok(json.clone()),
        StepOutcome::Err(error) => crate::sandbox::Outcome::Err(
            to_raw_value(error).map_err(|e| StoreError::corrupt("tool error", e))?,
        ),
    })
}

/// Bytes of an end.
pub(super) fn size(outcome: &StepOutcome) -> u64 {
    match outcome {
        StepOutcome::Ok(json) => json.get().len() as u64,
        StepOutcome::Err(error) => error.message.len() as u64,
    }
}
