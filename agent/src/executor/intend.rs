//! The transaction before an effect: ledger, gate and intent are one, so that two runs cannot both
//! be the tenth of ten, and no effect leaves the process before its intent is on disk.

use super::program::Program;
use crate::fault;
use crate::gate::{self, CallCost, GateCall, LedgerCounts, Permissions, Verdict, Window};
use crate::store::ledger::{self, LedgerRow, NewEffect};
use crate::store::steps::{self, Grant, NewStep, StepEnd, StepOutcome};
use crate::store::{StoreError, costs, needs, runs, settings};
use crate::tools::{Paid, Resource, ToolError};
use deputy_protocol::{EffectClass, FailureClass, StepState, Time};
use rusqlite::{Connection, params};
use serde_json::Value;
use serde_json::value::RawValue;

/// The setting that holds globally denied operations.
pub(crate) const DENIED_SETTING: &str = "permissions.denied";

/// An effect that wants to happen.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) step: NewStep,
    pub(super) automation: i64,
    pub(super) caused_by: i64,
    pub(super) effect_key: String,
    pub(super) title: String,
    pub(super) resources: Vec<Resource>,
    /// What a person allowed of this very call.
    pub(super) grant: Grant,
    pub(super) prepared: Value,
    pub(super) now: Time,
    pub(super) run_started: Time,
    /// The last entry of earlier scripts of the same run.
    pub(super) base: u32,
}

/// What the ledger and the gate say.
#[derive(Debug)]
pub(super) enum Intended {
    /// The intent is written: go.
    Go,
    /// The intent is written, but a run that has ended left it open whether this happened already:
    /// look it up first, with what that run had recorded.
    GoAfterLookUp(Value),
    /// A run that has ended left it open whether this happened already, and nobody can tell.
    InDoubt,
    /// Done before: this is its end, and nothing is executed.
    Reuse(StepOutcome),
    /// The key belongs to a call with other arguments.
    Conflict(ToolError),
    /// Not allowed.
    Refused(gate::Refusal),
    /// Only with a person's approval.
    NeedsApproval(gate::ApprovalNeeded),
    /// Another step holds the key and is in doubt or under way.
    Held(Box<LedgerRow>),
}

/// What ledger and gate make of an effect, before anything is written of it.
enum Examined {
    /// Nothing of this key is on record, and it may be done.
    Fresh,
    /// It may be done, but is on record: a row to be taken over, and what a run that has ended had
    /// recorded when it left the effect open.
    Known {
        row: Box<LedgerRow>,
        orphan: Option<Value>,
    },
    /// It is not to be done.
    Stopped(Box<Intended>),
}

/// Asks the ledger and the gate, and writes the intent when both agree.
pub(super) fn intend(
    db: &Connection,
    program: &Program,
    effect: &Effect,
) -> Result<Intended, StoreError> {
    fault::point("intend");
    match examine(db, program, effect)? {
        Examined::Stopped(stopped) => Ok(*stopped),
        Examined::Fresh => {
            ledger::add(db, &new_effect(effect))?;
            write_intent(db, effect)
        }
        Examined::Known { row, orphan } => take_up(db, effect, &row, orphan),
    }
}

fn write_intent(db: &Connection, effect: &Effect) -> Result<Intended, StoreError> {
    steps::begin(db, &effect.step, StepState::Intent, &effect.prepared)?;
    fault::point("intended");
    Ok(Intended::Go)
}

fn take_up(
    db: &Connection,
    effect: &Effect,
    row: &LedgerRow,
    orphan: Option<Value>,
) -> Result<Intended, StoreError> {
    ledger::take_over(db, row.key, &new_effect(effect))?;
    match orphan {
        Some(prepared) => adopt(db, effect, prepared),
        None => write_intent(db, effect),
    }
}

/// Applies an effect on the agent's own database and writes it down: intent, effect and end are one
/// transaction, so a new effect is written once, with its end. `Err` says why it is not to be done.
pub(super) fn apply(
    db: &Connection,
    program: &Program,
    effect: &Effect,
    apply: impl FnOnce() -> StepOutcome,
    end: impl FnOnce(StepOutcome) -> StepEnd,
) -> Result<Result<StepOutcome, Intended>, StoreError> {
    fault::point("intend");
    match examine(db, program, effect)? {
        Examined::Stopped(stopped) => return Ok(Err(*stopped)),
        Examined::Fresh => {}
        Examined::Known { row, orphan } => {
            let intended = take_up(db, effect, &row, orphan)?;
            if !matches!(intended, Intended::Go) {
                return Ok(Err(intended));
            }
            let end = end(apply());
            record_end(
                db,
                effect.automation,
                &effect.step,
                &effect.effect_key,
                &end,
            )?;
            return Ok(Ok(end.outcome));
        }
    }
    let end = end(apply());
    fault::point("outcome");
    let (state, json) = steps::encode(&end.outcome)?;
    ledger::add_ended(db, &new_effect(effect), state, &json)?;
    steps::record(db, &effect.step, &end)?;
    fault::point("outcome.written");
    Ok(Ok(end.outcome))
}

fn examine(db: &Connection, program: &Program, effect: &Effect) -> Result<Examined, StoreError> {
    let stop = |stopped| Ok(Examined::Stopped(Box::new(stopped)));
    let tool = effect.step.tool.as_str();
    let known = ledger::find(db, effect.automation, tool, &effect.effect_key)?;
    let mut orphan = None;
    if let Some(row) = &known {
        // What provably did not happen holds its key for nobody: other arguments are another try.
        if row.state != StepState::Failed && row.digest != effect.step.digest {
            return stop(Intended::Conflict(conflict(tool, &effect.effect_key)));
        }
        match row.state {
            StepState::Done | StepState::Skipped => return stop(reuse(db, effect, row)?),
            StepState::Intent | StepState::InDoubt | StepState::Waiting
                if (row.run, row.seq) != (effect.step.run, effect.step.seq) =>
            {
                let own = row.run == effect.step.run && row.seq <= effect.base;
                if !own && runs::is_live(db, row.run)? {
                    return stop(Intended::Held(Box::new(row.clone())));
                }
                if own {
                    // From here on this entry asks, not the one of the script before.
                    let asked = super::finish::in_doubt_key(row.run, row.seq);
                    needs::withdraw(db, None, Some(&asked), effect.now)?;
                }
                orphan = Some(steps::prepared(db, row.run, row.seq)?);
            }
            StepState::Intent | StepState::InDoubt | StepState::Waiting | StepState::Failed => {}
        }
    }
    match with_grant(effect.grant, decide(db, program, effect)?) {
        Verdict::Allowed => {}
        Verdict::Refused(refusal) => return stop(Intended::Refused(refusal)),
        Verdict::NeedsApproval(needed) => return stop(Intended::NeedsApproval(needed)),
    }
    Ok(match known {
        None => Examined::Fresh,
        Some(row) => Examined::Known {
            row: Box::new(row),
            orphan,
        },
    })
}

/// Takes over an effect that a run which has ended left open. Its own entry is written as if this
/// run had been interrupted in it, so that a crash from here on goes the same way.
fn adopt(db: &Connection, effect: &Effect, prepared: Value) -> Result<Intended, StoreError> {
    let step = &effect.step;
    steps::begin(db, step, StepState::Intent, &prepared)?;
    match step.class {
        EffectClass::Pure | EffectClass::Read | EffectClass::Idempotent => Ok(Intended::Go),
        EffectClass::Reconcilable => Ok(Intended::GoAfterLookUp(prepared)),
        EffectClass::Opaque => Ok(Intended::InDoubt),
    }
}

/// What a person's word makes of the gate's. An approval answers the contract's wish for one, an
/// allowance its refusal; neither opens what is denied for every automation.
pub(super) fn with_grant(grant: Grant, verdict: Verdict) -> Verdict {
    match (grant, verdict) {
        (Grant::Approved | Grant::AllowedOnce, Verdict::NeedsApproval(_)) => Verdict::Allowed,
        (Grant::AllowedOnce, Verdict::Refused(refusal))
            if refusal.code != gate::GLOBALLY_DENIED =>
        {
            Verdict::Allowed
        }
        (_, verdict) => verdict,
    }
}

fn new_effect(effect: &Effect) -> NewEffect {
    NewEffect {
        automation: effect.automation,
        tool: effect.step.tool.clone(),
        effect_key: effect.effect_key.clone(),
        digest: effect.step.digest.clone(),
        run: effect.step.run,
        seq: effect.step.seq,
        title: effect.title.clone(),
        caused_by: effect.caused_by,
        at: effect.now,
    }
}

fn conflict(tool: &str, key: &str) -> ToolError {
    ToolError::not_done(
        FailureClass::Logic,
        "effect_key_conflict",
        tool,
        format!(
            "the effect key “{key}” was used before with other arguments; nothing was done. \
             Use another key for another effect, or remember what was handled"
        ),
    )
}

fn reuse(db: &Connection, effect: &Effect, row: &LedgerRow) -> Result<Intended, StoreError> {
    let outcome = match (&row.outcome, row.state) {
        (Some(outcome), StepState::Done) => outcome.clone(),
        _ => StepOutcome::Ok(null()),
    };
    // The entry gets its place in the order together with its end, in `record_reuse`.
    steps::begin(db, &effect.step, StepState::Done, &Value::Null)?;
    Ok(Intended::Reuse(outcome))
}

/// The JSON `null`.
pub(super) fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// What the gate says of an effect, counting in the ledger where the contract asks for it.
fn decide(db: &Connection, program: &Program, effect: &Effect) -> Result<Verdict, StoreError> {
    let permissions = permissions(db)?;
    let counts = Counts {
        db,
        automation: effect.automation,
        run: effect.step.run,
        since: effect.run_started,
    };
    let call = GateCall {
        operation: &effect.step.tool,
        class: effect.step.class,
        resources: &effect.resources,
        cost: CallCost::Free,
    };
    Ok(gate::decide(
        &permissions,
        &program.contract,
        &call,
        &counts,
        effect.now,
    ))
}

/// The operations that no automation may use.
pub(super) fn permissions(db: &Connection) -> Result<Permissions, StoreError> {
    let denied = settings::get(db, DENIED_SETTING)?
        .and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default();
    Ok(Permissions {
        denied_operations: denied,
    })
}

/// A call that changes nothing, on its way to the gate.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) operation: String,
    pub(super) resources: Vec<Resource>,
    pub(super) paid: Option<Paid>,
    pub(super) run: i64,
    pub(super) run_started: Time,
    pub(super) now: Time,
}

/// What the gate says of a call that changes nothing.
pub(super) fn decide_read(
    db: &Connection,
    program: &Program,
    look: &Look,
) -> Result<Verdict, StoreError> {
    decide_at(db, program, look, CallCost::Free)
}

/// What the gate says of a call that is paid for. What it could cost is set aside in the same
/// transaction, so that two calls at once cannot both take what is left; its key in `costs`.
pub(super) fn decide_paid(
    db: &Connection,
    program: &Program,
    look: &Look,
) -> Result<(Verdict, Option<i64>), StoreError> {
    let cost = match &look.paid {
        Some(paid) => crate::models::at_most(db, paid)?,
        None => CallCost::Free,
    };
    let verdict = decide_at(db, program, look, cost)?;
    let reserved = match (&verdict, cost) {
        (Verdict::Allowed, CallCost::AtMost(micros)) if micros > 0 => Some(costs::reserve(
            db,
            program.automation,
            look.run,
            &look.operation,
            micros,
            look.now,
        )?),
        _ => None,
    };
    Ok((verdict, reserved))
}

fn decide_at(
    db: &Connection,
    program: &Program,
    look: &Look,
    cost: CallCost,
) -> Result<Verdict, StoreError> {
    let permissions = permissions(db)?;
    let counts = ReadCounts(Counts {
        db,
        automation: program.automation,
        run: look.run,
        since: look.run_started,
    });
    let call = GateCall {
        operation: &look.operation,
        class: EffectClass::Read,
        resources: &look.resources,
        cost,
    };
    Ok(gate::decide(
        &permissions,
        &program.contract,
        &call,
        &counts,
        look.now,
    ))
}

struct Counts<'a> {
    db: &'a Connection,
    automation: i64,
    run: i64,
    since: Time,
}

impl LedgerCounts for Counts<'_> {
    fn effects(&self, pattern: &str, window: Window) -> u64 {
        let effects = match window {
            Window::Run => ledger::count_in_run(self.db, self.run, pattern),
            Window::Between { from, to } => {
                ledger::count(self.db, self.automation, pattern, from, to)
            }
        };
        // A namespace names what only looks, too.
        let reads = if pattern.ends_with(".*") {
            in_journal(
                self,
                pattern,
                window,
                " AND s.effect_class='read' AND s.reused=0",
            )
        } else {
            Ok(0)
        };
        match (effects, reads) {
            (Ok(effects), Ok(reads)) => effects.saturating_add(reads),
            // A count that cannot be had must not open the gate.
            _ => u64::MAX,
        }
    }

    fn cost_micros(&self, window: Window) -> u64 {
        let (from, to, run) = match window {
            Window::Run => (self.since, Time(i64::MAX), Some(self.run)),
            Window::Between { from, to } => (from, to, None),
        };
        self.db
            .prepare_cached(
                "SELECT coalesce(sum(cost_micros),0) FROM costs
                 WHERE automation=?1 AND at>=?2 AND at<?3 AND (?4 IS NULL OR run=?4)",
            )
            .and_then(|mut q| {
                q.query_row(params![self.automation, from.0, to.0, run], |r| {
                    r.get::<_, i64>(0)
                })
            })
            .map_or(u64::MAX, |sum| u64::try_from(sum).unwrap_or(0))
    }
}

/// Reads are not in the ledger; they are counted in the journal.
struct ReadCounts<'a>(Counts<'a>);

impl LedgerCounts for ReadCounts<'_> {
    fn effects(&self, pattern: &str, window: Window) -> u64 {
        if pattern.ends_with(".*") {
            return self.0.effects(pattern, window);
        }
        in_journal(&self.0, pattern, window, " AND s.reused=0").unwrap_or(u64::MAX)
    }

    fn cost_micros(&self, window: Window) -> u64 {
        self.0.cost_micros(window)
    }
}

/// How many steps of the tools that a pattern names are in the journal.
fn in_journal(
    counts: &Counts<'_>,
    pattern: &str,
    window: Window,
    only: &str,
) -> Result<u64, StoreError> {
    let (tools, tool) = ledger::tool_condition(pattern);
    let n: i64 = match window {
        Window::Run => counts
            .db
            .prepare_cached(&format!(
                "SELECT count(*) FROM steps s WHERE s.id BETWEEN ?1 AND ?3 AND {tools}{only}"
            ))?
            .query_row(
                params![
                    steps::key(counts.run, 0),
                    tool,
                    steps::key(counts.run, steps::MAX_SEQ)
                ],
                |r| r.get(0),
            )?,
        Window::Between { from, to } => counts
            .db
            .prepare_cached(&format!(
                "SELECT count(*) FROM runs r JOIN steps s ON s.id BETWEEN r.id<<20 AND (r.id<<20)+1048575
                 WHERE r.automation=?1 AND {tools} AND s.started_at>=?3 AND s.started_at<?4{only}"
            ))?
            .query_row(params![counts.automation, tool, from.0, to.0], |r| r.get(0))?,
    };
    Ok(u64::try_from(n).unwrap_or(0))
}

/// Writes the end of an effect into journal and ledger.
pub(super) fn record_end(
    db: &Connection,
    automation: i64,
    step: &NewStep,
    effect_key: &str,
    end: &StepEnd,
) -> Result<(), StoreError> {
    fault::point("outcome");
    let (state, json) = steps::encode(&end.outcome)?;
    ledger::end(db, automation, &step.tool, effect_key, state, Some(&json))?;
    steps::end(db, step.run, step.seq, end)?;
    fault::point("outcome.written");
    Ok(())
}
