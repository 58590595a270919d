//! Holding another script against what a run has on record, before it is let near the outside. In
//! the sandbox, from the journal alone: nothing is executed, nothing is even read.
//!
//! A good run must have exactly the effects that it had. A failed run must have all that it had, as
//! it had them; what it does beyond is what was missing.

use super::calls;
use super::keys::{Occurrences, effect_key};
use super::program::Program;
use super::recall::{Earlier, Recall, SLEEP};
use super::rehearse::{Finale, Of, Rehearsal, Stage, perform};
use super::{Parts, intend};
use crate::gate::{self, CallCost, GateCall, NoCounts, Verdict};
use crate::sandbox::Call;
use crate::store::runs::{Resumption, RunRow};
use crate::store::steps::{self, NewStep, StepOutcome, StepRow};
use crate::store::{Key, StoreError, automations, inbox, runs};
use crate::tools::{Checked, Entry, ToolError, canonical, split_once};
use deputy_protocol::model::PreviewEffect;
use deputy_protocol::{EffectClass, FailureClass, RunState, SourceKind, StepState, Time};
use rusqlite::Connection;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// A run as it is on record.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The run.
    pub run: RunRow,
    input: Value,
    topic: Option<String>,
    source: SourceKind,
    state: BTreeMap<String, Box<RawValue>>,
    journal: Vec<StepRow>,
    /// The arguments of its effects, redacted, by number.
    args: HashMap<u32, Value>,
}

/// Reads a run with everything that it started from. `None` when that is not kept any more.
pub fn recorded(db: &Connection, key: i64) -> Result<Option<Recorded>, StoreError> {
    let Some(run) = runs::row(db, key)? else {
        return Ok(None);
    };
    let Some(input) = inbox::get(db, run.input)? else {
        return Ok(None);
    };
    let Ok(state) = automations::state(db, run.automation, run.state_version) else {
        return Ok(None);
    };
    let journal = steps::journal(db, key)?;
    let mut args = HashMap::new();
    for row in journal.iter().filter(|row| row.effect_key.is_some()) {
        args.insert(row.seq, steps::args(db, key, row.seq)?.unwrap_or_default());
    }
    Ok(Some(Recorded {
        run,
        input: input.payload,
        topic: input.topic,
        source: input.source,
        state: serde_json::from_str(&state).map_err(|e| StoreError::corrupt("state", e))?,
        journal,
        args,
    }))
}

impl Recorded {
    /// What a script would start from that runs now instead.
    pub fn rehearsal(&self, program: Arc<Program>, now: Time) -> Rehearsal {
        Rehearsal {
            program,
            input: self.input.clone(),
            topic: None,
            source: self.source,
            state: self.state.clone(),
            seed: self.run.seed,
            now,
            of: Some(Of::run(&self.run)),
        }
    }

    /// Whether the journal is still there.
    pub fn is_whole(&self, steps: u32) -> bool {
        steps == 0 || !self.journal.is_empty()
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// Why the script must not take the place of the one that ran, if so.
    pub refused: Option<String>,
    /// How many calls the journal answered.
    pub steps: u32,
    /// What a failed run would do now that it had not done.
    pub missing: Vec<PreviewEffect>,
    /// What the examination could not see past: a read that no journal holds.
    pub beyond: Option<String>,
}

/// Runs a script against a run's record.
pub async fn examine(parts: &Arc<Parts>, program: &Arc<Program>, recorded: &Recorded) -> Examined {
    let permissions = parts.programs.permissions();
    let run = &recorded.run;
    let good = run.state == RunState::Succeeded;
    let rehearsal = Rehearsal {
        program: Arc::clone(program),
        input: recorded.input.clone(),
        topic: recorded.topic.clone(),
        source: recorded.source,
        state: recorded.state.clone(),
        seed: run.seed,
        now: run.logical_start.unwrap_or(run.due_at),
        of: Some(Of::run(run)),
    };
    let mut bench = Bench::new(parts, program, recorded, &permissions, good);
    let finale = perform(parts, &rehearsal, &mut bench).await;
    bench.judge(finale)
}

/// What becomes of a call.
enum Found {
    /// It is on record.
    Row(Box<StepRow>),
    /// It ends at once, as it would for real.
    Ended(StepOutcome),
    /// An effect that is not on record, with what it is assumed to return.
    Missing(PreviewEffect, StepOutcome),
    /// A read that is not on record.
    Beyond(String),
}

struct Bench<'a> {
    parts: &'a Parts,
    program: &'a Program,
    permissions: &'a gate::Permissions,
    recorded: &'a Recorded,
    good: bool,
    earlier: Earlier,
    /// Effects on record that were not called yet.
    left: BTreeMap<(String, String), StepRow>,
    /// Reads on record that were not made yet, by tool: what stands in for a read that is new.
    reads: HashMap<String, VecDeque<StepRow>>,
    occurrences: Occurrences,
    found: HashMap<u32, Found>,
    now: Time,
    seen: Examined,
}

impl<'a> Bench<'a> {
    fn new(
        parts: &'a Parts,
        program: &'a Program,
        recorded: &'a Recorded,
        permissions: &'a gate::Permissions,
        good: bool,
    ) -> Self {
        let run = &recorded.run;
        let mut rows = recorded.journal.clone();
        let mut resumptions = run.resumptions.clone();
        if good {
            // The last script that the run followed made every call that led to its end.
            rows.retain(|row| row.seq > run.base());
            resumptions.clear();
        } else {
            let after = rows.last().map_or(0, |row| row.seq);
            resumptions.push(Resumption {
                after,
                reads_until: after,
            });
        }
        let mut left = BTreeMap::new();
        let mut reads: HashMap<String, VecDeque<StepRow>> = HashMap::new();
        for row in &rows {
            match &row.effect_key {
                Some(key) if held(row.state) => {
                    left.insert((row.tool.clone(), key.clone()), row.clone());
                }
                None if row.tool != SLEEP && row.outcome.is_some() => {
                    let of_tool = reads.entry(row.tool.clone()).or_default();
                    of_tool.push_back(row.clone());
                }
                Some(_) | None => {}
            }
        }
        Self {
            parts,
            program,
            permissions,
            recorded,
            good,
            earlier: Earlier::new(rows, &resumptions),
            left,
            reads,
            occurrences: Occurrences::default(),
            found: HashMap::new(),
            now: run.logical_start.unwrap_or(run.due_at),
            seen: Examined::default(),
        }
    }

    fn judge(mut self, finale: Finale) -> Examined {
        let run = Key::Run.id(self.recorded.run.key);
        let what = if self.good {
            format!("{run}, which went well,")
        } else {
            format!("{run}, the run that failed,")
        };
        let left: Vec<String> = self.left.values().map(|row| self.describe(row)).collect();
        let verdict = match (self.seen.refused.take(), &self.seen.beyond, finale) {
            (Some(refused), _, _) => Some(refused),
            (None, Some(beyond), _) if !left.is_empty() => Some(format!(
                "{beyond} comes before effects that were done already ({}): it cannot be shown that they would not be repeated",
                left.join("; ")
            )),
            (None, Some(_), _) => None,
            (None, None, Finale::Failed { message, .. }) => {
                Some(format!("it would fail: {message}"))
            }
            (None, None, Finale::Done(_)) if !left.is_empty() => Some(format!(
                "these effects are on record and would not be done: {}",
                left.join("; ")
            )),
            (None, None, Finale::Done(_)) if self.good && !self.seen.missing.is_empty() => {
                let more: Vec<&str> = self.seen.missing.iter().map(|e| e.title.as_str()).collect();
                Some(format!(
                    "these effects are not on record and would be done: {}",
                    more.join("; ")
                ))
            }
            (None, None, Finale::Done(_)) => None,
        };
        self.seen.refused = verdict.map(|why| format!("against {what} {why}"));
        self.seen
    }

    fn describe(&self, row: &StepRow) -> String {
        let args = self.recorded.args.get(&row.seq);
        let text = args.map(Value::to_string).unwrap_or_default();
        let short: String = text.chars().take(160).collect();
        format!("step {} {} {short}", row.seq, row.tool)
    }

    fn step(&self, call: &Call, digest: &str, effect_key: Option<String>) -> NewStep {
        NewStep {
            run: self.recorded.run.key,
            seq: call.id,
            tool: call.tool.clone(),
            class: EffectClass::Read,
            effect_key,
            digest: digest.to_owned(),
            args: String::new(),
            started_at: self.now,
            attempt: 1,
        }
    }

    fn look(&mut self, call: &Call) -> Found {
        let args = calls::parse(&call.args);
        let digest = canonical::digest(&args);
        let alike = if call.tool == SLEEP { "" } else { &digest };
        let occurrence = self.occurrences.next(&call.tool, alike);
        match call.tool.as_str() {
            SLEEP => return self.sleep(call, &args, &digest, occurrence),
            "ctx.emit" => return self.emit(call, &args, &digest),
            _ => {}
        }
        let failed = |error| Found::Ended(StepOutcome::Err(error));
        let Some(entry) = self.parts.registry.get(&call.tool) else {
            return failed(ToolError::not_done(
                FailureClass::Logic,
                "unknown_tool",
                &call.tool,
                "there is no such tool",
            ));
        };
        let (checked, once) = match split_once(args.clone())
            .and_then(|(args, once)| Ok((entry.check(args)?, once)))
        {
            Ok(checked) => checked,
            Err(error) => return failed(error),
        };
        if checked.class.is_effect() {
            let run = &self.recorded.run;
            let key = effect_key(
                once.as_deref(),
                run.epoch,
                &run.seed,
                &call.tool,
                &digest,
                occurrence,
            );
            return self.effect(call, entry, &checked, &args, &digest, key);
        }
        match self
            .earlier
            .recall(&self.step(call, &digest, None), occurrence)
        {
            Recall::Ended(row) => {
                if let Some(of_tool) = self.reads.get_mut(&call.tool) {
                    of_tool.retain(|r| r.seq != row.seq);
                }
                Found::Row(row)
            }
            Recall::Open(_) | Recall::Nothing => self.new_read(call, &checked),
        }
    }

    /// A read that is not on record. In a good run its counterpart stands in for it, so that the
    /// script is seen to bring the old data to the same effects.
    fn new_read(&mut self, call: &Call, checked: &Checked) -> Found {
        if let Some(refused) = self.gate(call, checked) {
            return self.refuse(refused);
        }
        let counterpart = self
            .reads
            .get_mut(&call.tool)
            .filter(|_| self.good)
            .and_then(VecDeque::pop_front);
        match counterpart {
            Some(row) => Found::Row(Box::new(row)),
            None => Found::Beyond(format!("{} ({})", call.tool, checked.title)),
        }
    }

    fn effect(
        &mut self,
        call: &Call,
        entry: &'static Entry,
        checked: &Checked,
        args: &Value,
        digest: &str,
        key: String,
    ) -> Found {
        let place = (call.tool.clone(), key.clone());
        if let Some(row) = self.left.get(&place).filter(|row| row.digest != digest) {
            let refused = format!(
                "it would do {} with other arguments under the effect key of {}, which is on record",
                checked.title,
                self.describe(row)
            );
            return self.refuse(refused);
        }
        self.left.remove(&place);
        let step = self.step(call, digest, Some(key));
        match self.earlier.recall(&step, 0) {
            Recall::Ended(row) => return Found::Row(row),
            Recall::Open(mut row) if held(row.state) => {
                row.outcome = Some(self.assumed(entry, checked, &step));
                return Found::Row(row);
            }
            Recall::Open(_) | Recall::Nothing => {}
        }
        if let Some(refused) = self.gate(call, checked) {
            return self.refuse(refused);
        }
        if let Some(row) = self.same_but_for_the_key(&call.tool, args) {
            let refused = format!("it would repeat {}", self.describe(&row));
            return self.refuse(refused);
        }
        let outcome = self.assumed(entry, checked, &step);
        Found::Missing(self.shown(&call.tool, &checked.title, args), outcome)
    }

    fn assumed(&self, entry: &'static Entry, checked: &Checked, step: &NewStep) -> StepOutcome {
        let facts = calls::RunFacts {
            run: self.recorded.run.clone(),
            timezone: self.program.contract.timezone.clone(),
            program: Arc::new(Program::new(
                self.program.automation,
                &self.program.name,
                self.program.contract.clone(),
                String::new(),
            )),
            logical_start: self.now,
        };
        let info = calls::call_info(self.parts, &facts, step, self.now);
        calls::outcome(Ok(entry.assumed(&checked.input, &info)), entry.name)
    }

    /// An effect on record with the same arguments, whatever its `once`.
    fn same_but_for_the_key(&self, tool: &str, args: &Value) -> Option<StepRow> {
        let bare = |args: &Value| {
            let mut args = args.clone();
            if let Some(object) = args.as_object_mut() {
                object.remove("once");
            }
            canonical::canonical_json(&args)
        };
        let wanted = bare(&self.parts.redactor.json(args));
        let done = self.recorded.journal.iter().find(|row| {
            row.tool == tool
                && row.effect_key.is_some()
                && held(row.state)
                && self
                    .recorded
                    .args
                    .get(&row.seq)
                    .is_some_and(|a| bare(a) == wanted)
        });
        done.cloned()
    }

    fn gate(&self, call: &Call, checked: &Checked) -> Option<String> {
        let question = GateCall {
            operation: &call.tool,
            class: checked.class,
            resources: &checked.resources,
            cost: CallCost::Free,
        };
        let contract = &self.program.contract;
        match gate::decide(self.permissions, contract, &question, &NoCounts, self.now) {
            Verdict::Refused(refusal) => Some(format!(
                "it wants to do {}: {}",
                checked.title, refusal.message
            )),
            Verdict::Allowed | Verdict::NeedsApproval(_) => None,
        }
    }

    fn refuse(&mut self, why: String) -> Found {
        self.seen.refused.get_or_insert(why.clone());
        Found::Beyond(why)
    }

    fn shown(&self, tool: &str, title: &str, args: &Value) -> PreviewEffect {
        PreviewEffect {
            tool: tool.to_owned(),
            title: self.parts.redactor.text(title),
            args: self.parts.redactor.json(args),
        }
    }

    fn sleep(&mut self, call: &Call, args: &Value, digest: &str, occurrence: u32) -> Found {
        match self
            .earlier
            .recall(&self.step(call, digest, None), occurrence)
        {
            Recall::Ended(row) => Found::Row(row),
            Recall::Open(_) | Recall::Nothing => {
                if let Some(until) = args["until"].as_str().and_then(|t| t.parse::<Time>().ok()) {
                    self.now = self.now.max(until);
                }
                Found::Ended(StepOutcome::Ok(intend::null()))
            }
        }
    }

    fn emit(&mut self, call: &Call, args: &Value, digest: &str) -> Found {
        let word = |key: &str| args[key].as_str().unwrap_or_default().to_owned();
        let again = match self.recorded.run.epoch {
            0 => String::new(),
            epoch => format!("~again{epoch}"),
        };
        let key = format!("emit:{}:{}{again}", word("topic"), word("id"));
        let place = (call.tool.clone(), key.clone());
        if let Some(row) = self.left.remove(&place) {
            return Found::Row(Box::new(row));
        }
        match self.earlier.recall(&self.step(call, digest, Some(key)), 0) {
            Recall::Ended(row) => Found::Row(row),
            Recall::Open(_) | Recall::Nothing => {
                let title = format!("New input: {} {}", word("topic"), word("id"));
                let shown = self.shown(&call.tool, &title, args);
                Found::Missing(shown, StepOutcome::Ok(intend::null()))
            }
        }
    }
}

/// Whether an entry's effect is done, or may be.
fn held(state: StepState) -> bool {
    match state {
        StepState::Done | StepState::Skipped | StepState::Intent | StepState::InDoubt => true,
        StepState::Failed | StepState::Waiting => false,
    }
}

impl Stage for Bench<'_> {
    fn made(&mut self, call: &Call) {
        let found = self.look(call);
        self.found.insert(call.id, found);
    }

    /// Ends are seen in the order in which the run saw them; what cannot be answered comes last.
    fn pick(&self, open: &VecDeque<Call>) -> usize {
        let place = |call: &Call| match self.found.get(&call.id) {
            Some(Found::Row(row)) => (row.settled.unwrap_or(u32::MAX - 1), call.id),
            Some(Found::Ended(_) | Found::Missing(..)) => (u32::MAX - 1, call.id),
            Some(Found::Beyond(_)) | None => (u32::MAX, call.id),
        };
        (0..open.len())
            .min_by_key(|i| place(&open[*i]))
            .unwrap_or(0)
    }

    async fn answer(&mut self, call: &Call) -> Result<(StepOutcome, Time), String> {
        if let Some(refused) = &self.seen.refused {
            return Err(refused.clone());
        }
        match self.found.remove(&call.id) {
            Some(Found::Row(row)) => {
                self.seen.steps += 1;
                self.now = self.now.max(row.logical_at.unwrap_or_default());
                let outcome = row.outcome.unwrap_or(StepOutcome::Ok(intend::null()));
                Ok((outcome, self.now))
            }
            Some(Found::Ended(outcome)) => Ok((outcome, self.now)),
            Some(Found::Missing(effect, outcome)) => {
                self.seen.missing.push(effect);
                Ok((outcome, self.now))
            }
            Some(Found::Beyond(what)) => {
                self.seen.beyond = Some(what.clone());
                Err(what)
            }
            None => Err("a call that was not made".to_owned()),
        }
    }
}
