//! Rehearsals: a script runs in the same sandbox, behind the same gate, and changes nothing. A dry
//! run reads for real and simulates effects; a replay answers from a run's journal alone.

use super::calls::{self, Prepared, RunFacts};
use super::keys::{Occurrences, effect_key};
use super::program::Program;
use super::{Parts, intend};
use crate::gate::{self, CallCost, GateCall, NoCounts, Verdict};
use crate::intent::{Contract, covers};
use crate::sandbox::{Answer, Call, LogLine, Start, WorkerEvent};
use crate::store::runs::RunRow;
use crate::store::steps::{NewStep, StepOutcome, StepRow};
use crate::tools::{CallInfo, Kind, ResourceKind, ToolError, canonical, split_once};
use deputy_protocol::model::{Preview, PreviewEffect};
use deputy_protocol::{EffectClass, FailureClass, RunState, SourceKind, Time};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
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

/// Runs a script with real reads and simulated effects.
pub async fn dry_run(parts: &Arc<Parts>, rehearsal: &Rehearsal) -> Preview {
    dry_run_within(parts, rehearsal, None).await.preview
}

/// Runs a script with real reads and simulated effects, held to more than its own contract.
pub async fn dry_run_within(
    parts: &Arc<Parts>,
    rehearsal: &Rehearsal,
    within: Option<&Within>,
) -> DryRun {
    let run = RunRow {
        key: 0,
        automation: rehearsal.program.automation,
        input: 0,
        state: RunState::Running,
        script_version: 0,
        contract_version: 0,
        state_version: 0,
        attempt: 1,
        retries: 0,
        crashes: 0,
        crashed_at_step: None,
        epoch: 0,
        seed: rehearsal.seed,
        due_at: rehearsal.now,
        logical_start: Some(rehearsal.now),
        resumptions: Vec::new(),
    };
    let facts = RunFacts {
        run,
        timezone: rehearsal.program.contract.timezone.clone(),
        program: Arc::clone(&rehearsal.program),
        logical_start: rehearsal.now,
    };
    let mut stage = DryStage {
        parts,
        facts,
        now: rehearsal.now,
        within,
        run: DryRun {
            private: within.is_some_and(|within| within.private),
            ..DryRun::default()
        },
    };
    let finale = perform(parts, rehearsal, &mut stage).await;
    let mut run = stage.run;
    let preview = &mut run.preview;
    match finale {
        Finale::Done(result) => {
            preview.state = "ok".to_owned();
            preview.result = parts.redactor.json(&result);
        }
        Finale::Failed { code, message } => {
            preview.state = "failed".to_owned();
            preview.error = Some(message);
            preview.error_code = Some(code);
        }
    }
    run
}

struct DryStage<'a> {
    parts: &'a Arc<Parts>,
    facts: RunFacts,
    now: Time,
    within: Option<&'a Within>,
    run: DryRun,
}

impl Stage for DryStage<'_> {
    async fn answer(&mut self, call: &Call) -> Result<(StepOutcome, Time), String> {
        let args = calls::parse(&call.args);
        let answered = self.answer_to(call, args.clone()).await?;
        self.run.steps.push(RecordedStep {
            tool: call.tool.clone(),
            args,
            outcome: recorded(&answered.0),
        });
        Ok(answered)
    }

    fn log(&mut self, lines: Vec<LogLine>) {
        let redactor = &self.parts.redactor;
        self.run
            .logs
            .extend(lines.into_iter().map(|line| redactor.text(&line.message)));
    }
}

/// An end as a fixture keeps it.
pub(super) fn recorded(outcome: &StepOutcome) -> Value {
    match outcome {
        StepOutcome::Ok(json) => calls::parse(json),
        StepOutcome::Err(error) => json!({"$error": error}),
    }
}

impl DryStage<'_> {
    async fn answer_to(&mut self, call: &Call, args: Value) -> Result<(StepOutcome, Time), String> {
        match call.tool.as_str() {
            "ctx.sleep" => {
                if let Some(until) = args["until"].as_str().and_then(|t| t.parse::<Time>().ok()) {
                    self.now = self.now.max(until);
                }
                return Ok((StepOutcome::Ok(intend::null()), self.now));
            }
            "ctx.emit" => {
                let title = format!(
                    "New input: {} {}",
                    args["topic"].as_str().unwrap_or(""),
                    args["id"]
                );
                self.effect(&call.tool, title, &args);
                self.run.emitted.push(args);
                return Ok((StepOutcome::Ok(intend::null()), self.now));
            }
            _ => {}
        }
        let Some(entry) = self.parts.registry.get(&call.tool) else {
            let error = ToolError::not_done(
                FailureClass::Logic,
                "unknown_tool",
                &call.tool,
                "there is no such tool",
            );
            return Ok((StepOutcome::Err(error), self.now));
        };
        let checked = split_once(args.clone()).and_then(|(args, _)| entry.check(args));
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => return Ok((StepOutcome::Err(error), self.now)),
        };
        // What a model is asked in a rehearsal is paid for like any other answer.
        let cost = match checked.paid.clone() {
            Some(paid) => (self.parts.store)
                .read(move |db| crate::models::at_most(db, &paid))
                .await
                .map_err(|e| e.to_string())?,
            None => CallCost::Free,
        };
        let question = GateCall {
            operation: &call.tool,
            class: checked.class,
            resources: &checked.resources,
            cost,
        };
        let permissions = self.parts.programs.permissions();
        let held_to = std::iter::once(&self.facts.program.contract).chain(self.held_to());
        for contract in held_to {
            match gate::decide(&permissions, contract, &question, &NoCounts, self.now) {
                Verdict::Refused(refusal) => return Err(self.refused(contract, &refusal)),
                Verdict::Allowed | Verdict::NeedsApproval(_) => {}
            }
        }
        let step = NewStep {
            run: 0,
            seq: call.id,
            tool: call.tool.clone(),
            class: checked.class,
            effect_key: checked.class.is_effect().then(|| "dry-run".to_owned()),
            digest: String::new(),
            args: String::new(),
            started_at: self.now,
            attempt: 1,
        };
        let mut info = calls::call_info(self.parts, &self.facts, &step, self.now);
        if let Some(contract) = self.held_to() {
            hold(&mut info, contract, &call.tool);
        }
        if checked.class.is_effect() {
            self.effect(&call.tool, checked.title.clone(), &args);
            let outcome = calls::outcome(Ok(entry.assumed(&checked.input, &info)), entry.name);
            return Ok((outcome, self.now));
        }
        let title = self.parts.redactor.text(&checked.title);
        self.run.preview.reads.push(title);
        self.run.private |= checked.class == EffectClass::Read && crate::planner::is_private(entry);
        if entry.kind == Kind::Local {
            let (input, info, name) = (checked.input, info, entry.name);
            let result = self
                .parts
                .store
                .read(move |db| Ok(entry.apply_local(input, &info, db)))
                .await
                .map_err(|e| e.to_string())?;
            return Ok((calls::outcome(result, name), self.now));
        }
        let prepared = Prepared {
            step,
            checked,
            info,
            grant: Default::default(),
            prepared: Value::Null,
        };
        let result = entry
            .run_outside(prepared.checked.input, &prepared.info, &self.parts.env)
            .await;
        Ok((calls::outcome(result, entry.name), self.now))
    }
}

/// Narrows what a tool looks at by itself (redirects, private addresses, links) to a second contract.
fn hold(info: &mut CallInfo, contract: &Contract, operation: &str) {
    let both = |kind: ResourceKind, own: &[String]| -> Vec<String> {
        let resources = contract.capabilities.get(operation);
        let held = resources.and_then(|resources| resources.get(&kind));
        let held = held.map_or(&[][..], Vec::as_slice);
        let within = |values: &[String], value: &str| values.iter().any(|v| covers(kind, v, value));
        let narrower = own.iter().filter(|value| within(held, value));
        narrower
            .chain(held.iter().filter(|value| within(own, value)))
            .cloned()
            .collect()
    };
    info.allowed_hosts = both(ResourceKind::Hosts, &info.allowed_hosts);
    info.granted_folders = both(ResourceKind::Folders, &info.granted_folders);
    // A private address is asked only where both name it.
    let named = contract
        .capabilities
        .get(operation)
        .and_then(|resources| resources.get(&ResourceKind::Hosts));
    info.literal_hosts
        .retain(|host| named.is_some_and(|named| named.contains(host)));
}

impl DryStage<'_> {
    /// The second contract that holds now.
    fn held_to(&self) -> Option<&Contract> {
        let within = self.within?;
        Some(if self.run.private {
            &within.closed
        } else {
            &within.open
        })
    }

    fn refused(&self, contract: &Contract, refusal: &gate::Refusal) -> String {
        let is_planning = self
            .within
            .is_some_and(|within| *contract == within.open || *contract == within.closed);
        if !is_planning || refusal.code == gate::GLOBALLY_DENIED {
            return refusal.message.clone();
        }
        let what = refusal.message.replace("the contract", "planning");
        let is_host = refusal
            .resource
            .as_ref()
            .is_some_and(|resource| resource.kind == ResourceKind::Hosts);
        if is_host && self.run.private {
            format!(
                "{what}: once something private was read, only what the user named may be asked; ask the user to name it if it is needed"
            )
        } else {
            format!("{what}: the user has not named it; ask if it is needed")
        }
    }

    fn effect(&mut self, tool: &str, title: String, args: &Value) {
        self.run.preview.effects.push(PreviewEffect {
            tool: tool.to_owned(),
            title: self.parts.redactor.text(&title),
            args: self.parts.redactor.json(args),
        });
    }
}

/// What a replay showed.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Each difference, in words.
    pub differences: Vec<String>,
    /// How many steps matched.
    pub steps: u32,
    /// What the script returned.
    pub result: Value,
}

/// Runs a script against a journal. Reads match by tool and arguments, effects by effect key;
/// nothing is executed, and what the journal does not have is a difference.
pub async fn replay(
    parts: &Arc<Parts>,
    rehearsal: &Rehearsal,
    journal: Vec<StepRow>,
    epoch: u32,
    recorded: Option<Value>,
) -> Replayed {
    let mut stage = ReplayStage {
        parts,
        by_call: HashMap::new(),
        by_key: HashMap::new(),
        rows: HashMap::new(),
        occurrences: Occurrences::default(),
        seed: rehearsal.seed,
        epoch,
        now: rehearsal.now,
        replayed: Replayed::default(),
    };
    for row in journal {
        match &row.effect_key {
            Some(key) if row.tool != "ctx.emit" => {
                stage.by_key.insert((row.tool.clone(), key.clone()), row);
            }
            _ => stage
                .by_call
                .entry((row.tool.clone(), row.digest.clone()))
                .or_default()
                .push_back(row),
        }
    }
    let finale = perform(parts, rehearsal, &mut stage).await;
    let mut replayed = stage.replayed;
    let emits = stage.by_call.into_values().flatten();
    for row in emits.filter(|row| row.class.is_effect() && row.outcome.is_some()) {
        replayed.differences.push(format!(
            "step {}: {} was done and is not done now",
            row.seq, row.tool
        ));
    }
    for ((tool, key), row) in stage.by_key {
        replayed.differences.push(format!(
            "step {}: {tool} ({key}) was done and is not done now",
            row.seq
        ));
    }
    match finale {
        Finale::Done(result) => {
            if let Some(before) = recorded
                && canonical::canonical_json(&before) != canonical::canonical_json(&result)
            {
                replayed
                    .differences
                    .push("the script returned something else".to_owned());
            }
            replayed.result = result;
        }
        Finale::Failed { message, .. } => replayed
            .differences
            .push(format!("the script failed: {message}")),
    }
    replayed
}

struct ReplayStage<'a> {
    parts: &'a Arc<Parts>,
    by_call: HashMap<(String, String), VecDeque<StepRow>>,
    by_key: HashMap<(String, String), StepRow>,
    /// The entries of open calls, by their numbers.
    rows: HashMap<u32, StepRow>,
    occurrences: Occurrences,
    seed: [u8; 32],
    epoch: u32,
    now: Time,
    replayed: Replayed,
}

impl Stage for ReplayStage<'_> {
    fn made(&mut self, call: &Call) {
        let args = calls::parse(&call.args);
        let digest = canonical::digest(&args);
        let occurrence = self.occurrences.next(&call.tool, &digest);
        if let Some(row) = self.row(call, args, &digest, occurrence) {
            self.rows.insert(call.id, row);
        }
    }

    /// Ends are seen in the order in which the run saw them.
    fn pick(&self, open: &VecDeque<Call>) -> usize {
        let place = |call: &Call| {
            let settled = self.rows.get(&call.id).and_then(|row| row.settled);
            (settled.unwrap_or(u32::MAX), call.id)
        };
        (0..open.len())
            .min_by_key(|i| place(&open[*i]))
            .unwrap_or(0)
    }

    async fn answer(&mut self, call: &Call) -> Result<(StepOutcome, Time), String> {
        let Some(row) = self.rows.remove(&call.id) else {
            let message = format!(
                "step {}: {} is not in the journal and was not executed",
                call.id, call.tool
            );
            self.replayed.differences.push(message.clone());
            return Err(message);
        };
        let Some(outcome) = row.outcome else {
            return Err(format!(
                "step {}: {} has no outcome in the journal",
                call.id, call.tool
            ));
        };
        self.replayed.steps += 1;
        self.now = self.now.max(row.logical_at.unwrap_or_default());
        Ok((outcome, self.now))
    }
}

impl ReplayStage<'_> {
    fn row(&mut self, call: &Call, args: Value, digest: &str, occurrence: u32) -> Option<StepRow> {
        let direct = (call.tool.clone(), digest.to_owned());
        if let Some(row) = self.by_call.get_mut(&direct).and_then(VecDeque::pop_front) {
            return Some(row);
        }
        let entry = self.parts.registry.get(&call.tool)?;
        let (args, once) = split_once(args).ok()?;
        let checked = entry.check(args).ok()?;
        if checked.class == EffectClass::Read || checked.class == EffectClass::Pure {
            return None;
        }
        let key = effect_key(
            once.as_deref(),
            self.epoch,
            &self.seed,
            &call.tool,
            digest,
            occurrence,
        );
        let row = self.by_key.remove(&(call.tool.clone(), key))?;
        if row.digest != digest {
            self.replayed.differences.push(format!(
                "step {}: {} has other arguments",
                row.seq, row.tool
            ));
        }
        Some(row)
    }
}
