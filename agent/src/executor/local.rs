//! Operations on the agent's own database: gate, intent, effect and end are one transaction.

use super::attempt::{Attempt, End, Pending};
use super::calls::{self, Prepared, RunFacts};
use super::dispatch::micros;
use super::intend::{self, Effect, Intended};
use crate::gate;
use crate::store::steps::{self, StepEnd, StepOutcome};
use crate::store::{Durability, StoreError};
use crate::tools::{CallInfo, Entry};
use deputy_protocol::Time;
use rusqlite::Connection;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// What became of an operation on the agent's own database.
pub(super) enum LocalEnd {
    /// Applied, with intent and end in the same transaction.
    Ended(StepOutcome),
    /// Ledger or gate stopped it before.
    Stopped(&'static Entry, Box<Intended>),
}

impl Attempt {
    pub(super) fn local(&mut self, entry: &'static Entry, call: Prepared) -> Result<(), End> {
        let began = Instant::now();
        let (settled, logical_at) = self.place();
        let facts = Arc::clone(&self.facts);
        let effect = calls::intention(&self.parts, &self.facts, &call);
        let (input, info) = (call.checked.input.clone(), call.info.clone());
        let durability = if call.step.class.is_effect() {
            Durability::Synced
        } else {
            Durability::Ordered
        };
        let lost = self.lost.clone();
        let applied = self.parts.store.submit(durability, move |db| {
            lost.check()?;
            let place = Place {
                settled,
                logical_at,
                began,
            };
            apply_local(db, entry, &facts, &effect, input, &info, &place)
        });
        self.pending.push_back(Pending::Applying {
            call: Box::new(call),
            began,
            logical_at,
            applied,
        });
        Ok(())
    }
}

/// Where an end stands in the journal, and how long it took to get there.
struct Place {
    settled: u32,
    logical_at: Time,
    began: Instant,
}

fn apply_local(
    db: &Connection,
    entry: &'static Entry,
    facts: &RunFacts,
    effect: &Effect,
    input: Value,
    info: &CallInfo,
    place: &Place,
) -> Result<LocalEnd, StoreError> {
    let apply = || calls::outcome(entry.apply_local(input, info, db), entry.name);
    let end = |outcome| StepEnd {
        outcome,
        settled: Some(place.settled),
        logical_at: place.logical_at,
        duration_us: micros(place.began),
        reused: false,
    };
    let step = &effect.step;
    if step.class.is_effect() {
        return Ok(
            match intend::apply(db, &facts.program, effect, apply, end)? {
                Ok(outcome) => LocalEnd::Ended(outcome),
                Err(stopped) => LocalEnd::Stopped(entry, Box::new(stopped)),
            },
        );
    }
    let look = intend::Look {
        operation: step.tool.clone(),
        resources: effect.resources.clone(),
        paid: None,
        run: step.run,
        run_started: effect.run_started,
        now: effect.now,
    };
    let verdict = intend::decide_read(db, &facts.program, &look)?;
    let stopped = match intend::with_grant(effect.grant, verdict) {
        gate::Verdict::Allowed => None,
        gate::Verdict::Refused(refusal) => Some(Intended::Refused(refusal)),
        gate::Verdict::NeedsApproval(needed) => Some(Intended::NeedsApproval(needed)),
    };
    if let Some(stopped) = stopped {
        return Ok(LocalEnd::Stopped(entry, Box::new(stopped)));
    }
    let end = end(apply());
    steps::record(db, step, &end)?;
    Ok(LocalEnd::Ended(end.outcome))
}
