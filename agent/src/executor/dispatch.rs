//! Which way a call goes: answered by the journal, refused, parked, read, done in the agent's own
//! database (`local.rs`), asked of the run itself (`ctx_calls.rs`), or sent on its way to the outside.

use super::attempt::{Attempt, End, Pending, Recalled, nondeterminism};
use super::calls::{self, Landed, Mode, Prepared, Reason};
use super::ending::Failure;
use super::intend;
use super::keys::effect_key;
use super::matcher::{Delivery, Verdict};
use super::recall::{Recall, SLEEP};
use crate::gate;
use crate::sandbox::Call;
use crate::store::steps::{self, Grant, NewStep, StepEnd, StepOutcome, StepRow};
use crate::tools::{Entry, Kind, ToolError, canonical, split_once};
use deputy_protocol::{EffectClass, FailureClass, StepState, Time, WaitingFor};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

impl Attempt {
    pub(super) fn on_call(&mut self, call: Call) -> Result<(), End> {
        let limit = self.facts.program.limits.steps;
        if call.id > limit {
            let message = format!("the run made more than {limit} tool calls; it was stopped");
            return Err(End::Failed(Failure::new(
                FailureClass::Limit,
                "steps",
                message,
            )));
        }
        self.steps = self.steps.max(call.id);
        let args = calls::parse(&call.args);
        let digest = canonical::digest(&args);
        // Sleeps are alike whatever their ends: another script may count from another moment.
        let alike = if call.tool == SLEEP { "" } else { &digest };
        let occurrence = self.occurrences.next(&call.tool, alike);
        let seq = self.base + call.id;
        if seq > steps::MAX_SEQ {
            let message = "the run's journal is full; it was stopped";
            return Err(End::Failed(Failure::new(
                FailureClass::Limit,
                "steps",
                message,
            )));
        }
        match self.matcher.on_call(seq, &call.tool, &digest) {
            Verdict::Recorded => Ok(()),
            Verdict::Differs { expected, found } => Err(End::Failed(nondeterminism(format!(
                "step {seq} was {expected} and is now {found}; nothing was executed"
            )))),
            Verdict::Ready(outcome) => {
                let (settled, logical_at) = self.place();
                let run = self.facts.run.key;
                self.parts.store.write_behind(&self.lost, move |db| {
                    steps::settle(db, run, seq, settled, logical_at)
                });
                self.queue(seq, outcome, logical_at, None);
                Ok(())
            }
            Verdict::New => self.begin(&call, args, digest, occurrence, None),
            Verdict::Parked(row) => {
                self.parked_before.insert(seq);
                self.begin(&call, args, digest, occurrence, Some(row))
            }
            Verdict::Again(row) | Verdict::Interrupted(row) => {
                self.begin(&call, args, digest, occurrence, Some(row))
            }
        }
    }

    /// The next place in the order of ends, and logical time there.
    pub(super) fn place(&mut self) -> (u32, Time) {
        self.settled += 1;
        self.logical = self.logical.max(self.parts.clock.now());
        (self.settled, self.logical)
    }

    pub(super) fn queue(
        &mut self,
        seq: u32,
        outcome: StepOutcome,
        logical_at: Time,
        committed: Option<super::attempt::Committed>,
    ) {
        self.pending.push_back(Pending::Known {
            delivery: Delivery {
                seq,
                outcome,
                logical_at,
            },
            committed,
        });
    }

    fn begin(
        &mut self,
        call: &Call,
        args: Value,
        digest: String,
        occurrence: u32,
        row: Option<Box<StepRow>>,
    ) -> Result<(), End> {
        let mut step = NewStep {
            run: self.facts.run.key,
            seq: self.base + call.id,
            tool: call.tool.clone(),
            class: EffectClass::Read,
            effect_key: None,
            digest,
            args: self.parts.redactor.json(&args).to_string(),
            started_at: self.parts.clock.now(),
            attempt: self.facts.run.attempt,
        };
        match call.tool.as_str() {
            SLEEP => return self.sleep(step, &args, occurrence, row.as_deref()),
            "ctx.emit" => return self.emit(step, &args),
            _ => {}
        }
        let Some(entry) = self.parts.registry.get(&call.tool) else {
            return self.refuse(step, unknown_tool(&call.tool));
        };
        if let Some(name) = args.get("connection").and_then(Value::as_str) {
            self.connections.insert(step.seq, name.to_owned());
        }
        let (checked, once) =
            match split_once(args).and_then(|(args, once)| Ok((entry.check(args)?, once))) {
                Ok(checked) => checked,
                Err(error) => return self.refuse(step, error),
            };
        step.class = checked.class;
        if checked.class.is_effect() {
            let run = &self.facts.run;
            step.effect_key = Some(
                row.as_ref()
                    .and_then(|r| r.effect_key.clone())
                    .unwrap_or_else(|| {
                        effect_key(
                            once.as_deref(),
                            run.epoch,
                            &run.seed,
                            entry.name,
                            &step.digest,
                            occurrence,
                        )
                    }),
            );
        }
        let mut known = row.clone();
        if row.is_none() {
            match self.earlier.recall(&step, occurrence) {
                Recall::Ended(earlier) => {
                    self.recall(step, earlier);
                    return Ok(());
                }
                Recall::Open(earlier) => known = Some(earlier),
                Recall::Nothing => {}
            }
        }
        let mut info = calls::call_info(
            &self.parts,
            &self.facts,
            &step,
            self.logical.max(self.facts.logical_start),
        );
        if known
            .as_ref()
            .is_some_and(|r| r.grant == Grant::AllowedOnce)
        {
            info.allow(&checked.resources);
        }
        let prepared = Prepared {
            grant: known.as_ref().map_or(Grant::None, |r| r.grant),
            prepared: known.as_ref().map_or(Value::Null, |r| r.prepared.clone()),
            step,
            checked,
            info,
        };
        self.go(entry, prepared, row)
    }

    fn go(
        &mut self,
        entry: &'static Entry,
        call: Prepared,
        row: Option<Box<StepRow>>,
    ) -> Result<(), End> {
        if let Some(row) = &row
            && let Some(landed) = calls::still_in_doubt(entry, &call, row)
        {
            return self.on_landed(landed);
        }
        let interrupted = row
            .as_ref()
            .is_some_and(|r| r.state == StepState::Intent && !r.again);
        if interrupted && call.step.class.is_effect() && entry.kind == Kind::Outside {
            let mode = match call.step.class {
                EffectClass::Pure | EffectClass::Read | EffectClass::Idempotent => Mode::Repeat,
                EffectClass::Reconcilable => Mode::LookUp,
                EffectClass::Opaque => {
                    return self.on_landed(calls::interrupted_opaque(entry, &call));
                }
            };
            self.spawn_effect(entry, call, mode);
            return Ok(());
        }
        match entry.kind {
            Kind::Pure => self.refuse(call.step, unknown_tool(entry.name)),
            Kind::Local => self.local(entry, call),
            Kind::Outside if call.step.class.is_effect() => {
                if let Some(landed) = self.gated(&call) {
                    return self.on_landed(landed);
                }
                self.spawn_effect(entry, call, Mode::Fresh);
                Ok(())
            }
            Kind::Outside => self.read(entry, call),
        }
    }

    /// Whether the gate must look at what happened or was spent before.
    fn is_counted(&self, call: &Prepared) -> bool {
        let program = &self.facts.program;
        program.counts(&call.step.tool) || program.caps_cost && call.checked.paid.is_some()
    }

    /// The gate, where it need not count; `None` lets the call pass on.
    fn gated(&self, call: &Prepared) -> Option<Landed> {
        if self.is_counted(call) {
            return None;
        }
        let question = gate::GateCall {
            operation: &call.step.tool,
            class: call.step.class,
            resources: &call.checked.resources,
            cost: gate::CallCost::Free,
        };
        let permissions = self.parts.programs.permissions();
        let now = self.parts.clock.now();
        let verdict = gate::decide(
            &permissions,
            &self.facts.program.contract,
            &question,
            &gate::NoCounts,
            now,
        );
        stopped(intend::with_grant(call.grant, verdict), call)
    }

    fn spawn_effect(&mut self, entry: &'static Entry, call: Prepared, mode: Mode) {
        let (parts, facts) = (Arc::clone(&self.parts), Arc::clone(&self.facts));
        self.tasks.spawn(calls::effect(
            parts,
            facts,
            entry,
            call,
            mode,
            self.lost.clone(),
        ));
    }

    fn read(&mut self, entry: &'static Entry, call: Prepared) -> Result<(), End> {
        let parts = Arc::clone(&self.parts);
        if self.is_counted(&call) {
            let facts = Arc::clone(&self.facts);
            self.tasks.spawn(async move {
                match calls::counted_verdict(&parts, &facts, &call).await {
                    Ok((verdict, aside)) => {
                        match stopped(intend::with_grant(call.grant, verdict), &call) {
                            Some(landed) => landed,
                            None => aside.within(calls::read(parts, entry, call)).await,
                        }
                    }
                    Err(error) => Landed::Lost(error),
                }
            });
            return Ok(());
        }
        if let Some(landed) = self.gated(&call) {
            return self.on_landed(landed);
        }
        self.tasks.spawn(calls::read(parts, entry, call));
        Ok(())
    }

    /// A call that fails before anything is asked or done.
    pub(super) fn refuse(&mut self, step: NewStep, error: ToolError) -> Result<(), End> {
        self.record(step, StepOutcome::Err(error), false, Instant::now());
        Ok(())
    }

    /// Records an end that changed nothing outside: it rides on the next sync.
    pub(super) fn record(
        &mut self,
        step: NewStep,
        outcome: StepOutcome,
        reused: bool,
        began: Instant,
    ) {
        let end = self.end(outcome.clone(), reused, began);
        let (seq, logical_at) = (step.seq, end.logical_at);
        self.parts
            .store
            .write_behind(&self.lost, move |db| steps::record(db, &step, &end));
        self.queue(seq, outcome, logical_at, None);
    }

    /// How a step ended, at the next place in the order of ends.
    pub(super) fn end(&mut self, outcome: StepOutcome, reused: bool, began: Instant) -> StepEnd {
        let (settled, logical_at) = self.place();
        StepEnd {
            outcome,
            // What ends while the attempt is being ended is not seen by the script.
            settled: Some(settled).filter(|_| !self.ending),
            logical_at,
            duration_us: micros(began),
            reused,
        }
    }

    /// Keeps an end that an earlier script saw, until its turn.
    pub(super) fn recall(&mut self, step: NewStep, earlier: Box<StepRow>) {
        let Some(outcome) = earlier.outcome else {
            return;
        };
        let place = earlier.settled.unwrap_or(u32::MAX);
        let recalled = Recalled {
            step,
            outcome,
            logical_at: earlier.logical_at.unwrap_or_default(),
        };
        self.recalled.insert((place, recalled.step.seq), recalled);
    }

    /// The next end that an earlier script saw, in the order in which it saw them. The entry that
    /// says so rides on the next sync: what it holds is on disk already.
    pub(super) fn next_recalled(&mut self) -> Option<Delivery> {
        let (_, recalled) = self.recalled.pop_first()?;
        self.settled += 1;
        self.logical = self.logical.max(recalled.logical_at);
        let (seq, step, logical_at) = (recalled.step.seq, recalled.step, self.logical);
        let end = StepEnd {
            outcome: recalled.outcome.clone(),
            settled: Some(self.settled).filter(|_| !self.ending),
            logical_at,
            duration_us: 0,
            reused: true,
        };
        self.parts
            .store
            .write_behind(&self.lost, move |db| steps::record(db, &step, &end));
        Some(Delivery {
            seq,
            outcome: recalled.outcome,
            logical_at,
        })
    }
}

fn stopped(verdict: gate::Verdict, call: &Prepared) -> Option<Landed> {
    match verdict {
        gate::Verdict::Allowed => None,
        // Not for a person to wave through, call by call: what a run may cost is one of its limits.
        gate::Verdict::Refused(refusal)
            if matches!(refusal.code, gate::MAX_COST | gate::PRICE_UNKNOWN) =>
        {
            Some(calls::beyond_cost(call, &refusal))
        }
        gate::Verdict::Refused(refusal) => Some(calls::ask(
            call,
            WaitingFor::Permission,
            Reason::Refused(refusal),
        )),
        gate::Verdict::NeedsApproval(needed) => Some(calls::ask(
            call,
            WaitingFor::Approval,
            Reason::Approval(needed),
        )),
    }
}

fn unknown_tool(tool: &str) -> ToolError {
    ToolError::not_done(
        FailureClass::Logic,
        "unknown_tool",
        tool,
        "there is no such tool; `deputy tools` lists them",
    )
}

pub(super) fn micros(began: Instant) -> i64 {
    i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX)
}
