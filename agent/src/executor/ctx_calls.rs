//! What a script asks of its own run: to sleep, and to emit items for its automation's inbox.

use super::attempt::{Attempt, End};
use super::dispatch::micros;
use super::ending::Failure;
use super::intend;
use super::recall::Recall;
use crate::store::inbox::{self, Crowd, NewInput};
use crate::store::steps::{self, NewStep, StepEnd, StepOutcome, StepRow};
use crate::store::{Durability, Key, StoreError};
use crate::tools::ToolError;
use deputy_protocol::{EffectClass, FailureClass, SourceKind, StepState};
use serde_json::Value;
use std::time::Instant;

/// What emits what emits: so far a script may go that feeds itself.
pub(crate) const MOST_EMITTED: Crowd = Crowd {
    generation: 100,
    waiting: 10_000,
};

/// Why an automation may not emit one more, if it may not.
fn runs_away(crowd: Crowd) -> Option<String> {
    if crowd.generation >= MOST_EMITTED.generation {
        return Some(format!(
            "this is the {}th item in a chain of items of which each emitted the next; it was stopped before it went on for ever",
            MOST_EMITTED.generation
        ));
    }
    (crowd.waiting > MOST_EMITTED.waiting).then(|| {
        format!(
            "{} items wait already, and this run wanted to emit one more; it was stopped before they became more than can be done",
            MOST_EMITTED.waiting
        )
    })
}

impl Attempt {
    pub(super) fn sleep(
        &mut self,
        step: NewStep,
        args: &Value,
        occurrence: u32,
        row: Option<&StepRow>,
    ) -> Result<(), End> {
        let mut known = row.cloned();
        if row.is_none() {
            match self.earlier.recall(&step, occurrence) {
                Recall::Ended(earlier) => {
                    self.recall(step, earlier);
                    return Ok(());
                }
                Recall::Open(earlier) => known = Some(*earlier),
                Recall::Nothing => {}
            }
        }
        let until = known
            .and_then(|r| r.wake_at)
            .or_else(|| args["until"].as_str().and_then(|t| t.parse().ok()));
        let Some(until) = until else {
            return self.refuse(
                step,
                ToolError::invalid_input("ctx.sleep", "`until` is not a time"),
            );
        };
        if self.parts.clock.now() >= until {
            self.record(step, StepOutcome::Ok(intend::null()), false, Instant::now());
            return Ok(());
        }
        let parked = step.clone();
        self.parts.store.write_behind(&self.lost, move |db| {
            steps::begin(db, &parked, StepState::Waiting, &Value::Null)?;
            db.prepare_cached("UPDATE steps SET wake_at=?2 WHERE id=?1")?
                .execute((steps::key(parked.run, parked.seq), until.0))?;
            Ok(())
        });
        self.wake_at = Some(self.wake_at.map_or(until, |earlier| earlier.min(until)));
        Ok(())
    }

    /// `ctx.emit`: an inbox item of this automation, unique by topic and id.
    pub(super) fn emit(&mut self, step: NewStep, args: &Value) -> Result<(), End> {
        let (Some(topic), Some(id)) = (text(args, "topic"), text(args, "id")) else {
            let message = "`topic` and `id` must be strings that are not empty";
            return self.refuse(step, ToolError::invalid_input("ctx.emit", message));
        };
        let epoch = self.facts.run.epoch;
        let again = if epoch == 0 {
            String::new()
        } else {
            format!("~again{epoch}")
        };
        let input = NewInput {
            automation: self.facts.run.automation,
            source: SourceKind::Emit,
            source_id: Key::Run.id(self.facts.run.key),
            dedupe: format!("emit:{topic}:{id}{again}"),
            title: text(args, "title").unwrap_or_else(|| format!("{topic} {id}")),
            topic: Some(topic),
            payload: args.get("payload").cloned().unwrap_or(Value::Null),
            due_at: self.parts.clock.now(),
            caused_by: Some(self.facts.run.input),
        };
        let mut step = step;
        step.class = EffectClass::Idempotent;
        step.effect_key = Some(input.dedupe.clone());
        if let Recall::Ended(earlier) = self.earlier.recall(&step, 0) {
            self.recall(step, earlier);
            return Ok(());
        }
        self.crowd.waiting += 1;
        if let Some(message) = runs_away(self.crowd) {
            let code = "emits";
            return Err(End::Failed(Failure::new(
                FailureClass::Limit,
                code,
                message,
            )));
        }
        let (began, seq, lost) = (Instant::now(), step.seq, self.lost.clone());
        let outcome = StepOutcome::Ok(intend::null());
        let end = self.end(outcome.clone(), false, began);
        let (automation, logical_at) = (input.automation, end.logical_at);
        let arrivals = self.parts.arrivals.clone();
        let written = self.parts.store.submit(Durability::Synced, move |db| {
            lost.check()?;
            inbox::put(db, &input)?;
            steps::record(
                db,
                &step,
                &StepEnd {
                    duration_us: micros(began),
                    ..end
                },
            )
        });
        let (told, committed) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            let result = written.await.unwrap_or(Err(StoreError::Stopped));
            if result.is_ok() {
                arrivals.announce(automation);
            }
            // The attempt may have ended; the item is in the inbox all the same.
            let _ = told.send(result);
        });
        self.queue(seq, outcome, logical_at, Some(committed));
        Ok(())
    }
}

fn text(args: &Value, key: &str) -> Option<String> {
    args.get(key)
        .and_then(Value::as_str)
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_feeds_itself_is_stopped_by_its_length_or_its_breadth() {
        let crowd = |generation, waiting| Crowd {
            generation,
            waiting,
        };
        assert_eq!(runs_away(crowd(99, 10_000)), None);
        let says = |crowd, part| runs_away(crowd).is_some_and(|said| said.contains(part));
        assert!(says(crowd(100, 1), "100th item in a chain"));
        assert!(says(crowd(0, 10_001), "10000 items wait already"));
    }
}
