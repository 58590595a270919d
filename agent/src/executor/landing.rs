//! What comes of a call: its end goes into the journal and to the script, or it waits for somebody.

use super::attempt::{Attempt, End};
use super::calls::{self, Ask, Landed, Reason};
use super::ending::Failure;
use super::intend;
use crate::sandbox::{LogLine, ScriptFailure};
use crate::store::steps;
use crate::store::{Durability, events, ledger};
use crate::tools::ToolError;
use deputy_protocol::{FailureClass, StepState};
use serde_json::{Value, json};

/// The longest line of a script's log that is kept, in characters.
const LOG_LINE: usize = 8_192;

impl Attempt {
    /// Takes in what a call came to.
    pub(super) fn on_landed(&mut self, landed: Landed) -> Result<(), End> {
        match landed {
            Landed::Ended {
                step,
                effect_key: None,
                outcome,
                reused,
                began,
            } => {
                self.record(step, outcome, reused, began);
                Ok(())
            }
            Landed::Ended {
                step,
                effect_key: Some(key),
                outcome,
                reused,
                began,
            } => {
                let end = self.end(outcome.clone(), reused, began);
                let (seq, logical_at) = (step.seq, end.logical_at);
                let automation = self.facts.run.automation;
                let committed = self.parts.store.submit(Durability::Synced, move |db| {
                    intend::record_end(db, automation, &step, &key, &end)
                });
                self.queue(seq, outcome, logical_at, Some(committed));
                Ok(())
            }
            Landed::Parked(ask) => {
                self.park(&ask);
                self.asks.push(ask);
                Ok(())
            }
            Landed::Held { seq, failure } => {
                let mut failure = failure;
                failure.connection = self.connections.get(&seq).cloned();
                Err(End::Failed(failure))
            }
            Landed::Lost(error) => Err(End::Lost(error)),
        }
    }

    /// Writes down that a step waits; the items for people are opened when the attempt has ended.
    fn park(&mut self, ask: &Ask) {
        let (step, automation) = (ask.step.clone(), self.facts.run.automation);
        let doubtful = matches!(ask.reason, Reason::InDoubt { .. });
        if !doubtful && self.parked_before.contains(&ask.seq) {
            // Its entry says so already, or says what a person answered meanwhile.
            return;
        }
        self.parts.store.write_behind(&self.lost, move |db| {
            if doubtful {
                let doubted = steps::doubt(db, step.run, step.seq)?;
                if let Some(key) = step.effect_key.as_ref().filter(|_| doubted) {
                    ledger::end(db, automation, &step.tool, key, StepState::InDoubt, None)?;
                }
                return Ok(());
            }
            let known: Option<String> = db
                .prepare_cached("SELECT state FROM steps WHERE id=?1")?
                .query_row([steps::key(step.run, step.seq)], |r| r.get(0))
                .ok();
            match known.as_deref() {
                Some("in_doubt") => Ok(()),
                _ => steps::begin(db, &step, StepState::Waiting, &Value::Null),
            }
        });
    }

    pub(super) fn log(&mut self, lines: Vec<LogLine>) {
        if lines.is_empty() {
            return;
        }
        let (at, automation, run) = (
            self.parts.clock.now(),
            self.facts.run.automation,
            self.facts.run.key,
        );
        let lines: Vec<Value> = lines
            .into_iter()
            .map(|line| {
                let message: String = line.message.chars().take(LOG_LINE).collect();
                let message = self.parts.redactor.text(&message);
                let fields = line.fields.map(|f| self.parts.redactor.json(&calls::parse(&f)));
                json!({"level": line.level, "message": message, "fields": fields, "attempt": self.facts.run.attempt})
            })
            .collect();
        self.parts.store.write_behind(&self.lost, move |db| {
            lines.iter().try_for_each(|line| {
                events::record(db, at, "log", Some(automation), Some(run), line)
            })
        });
    }

    /// The failure that an uncaught tool error is.
    pub(super) fn tool_failure(&self, seq: u32, error: ToolError) -> Failure {
        Failure {
            class: error.class,
            code: error.code.clone(),
            message: error.to_string(),
            stack: String::new(),
            seq: Some(seq),
            connection: self.connections.get(&seq).cloned(),
            retry_after_ms: error.retry_after_ms,
            tool: Some(error.tool),
            crash: false,
        }
    }

    /// Classifies what the worker reported. The evidence about tools is the host's own: a worker
    /// can name a call, but not say how it ended.
    pub(super) fn script_failure(&self, reported: ScriptFailure) -> Failure {
        let known = reported
            .call
            .map(|call| self.base.saturating_add(call))
            .and_then(|seq| self.errors.get(&seq).map(|error| (seq, error.clone())));
        let mut failure = match known {
            Some((seq, (error, _))) => self.tool_failure(seq, error),
            None => {
                let class = match reported.class {
                    FailureClass::Limit => FailureClass::Limit,
                    FailureClass::Permission => FailureClass::Permission,
                    _ => FailureClass::Logic,
                };
                Failure::new(class, &reported.code, reported.message.clone())
            }
        };
        failure.stack = self.parts.redactor.text(&reported.stack);
        failure.message = self.parts.redactor.text(&failure.message);
        failure
    }
}
