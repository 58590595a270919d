//! The things a client sees. Field names are those of the database and of the command line's JSON;
//! ids are strings, times RFC 3339 UTC, durations `_ms`, money `_micros` (micro-USD).

use crate::push::PushState;
use crate::remote::Rights;
use crate::states::*;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What runs right now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The agent's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// The data directory.
    pub home: String,
    /// When it started.
    pub started_at: Time,
    /// Where webhooks are taken, e.g. `http://127.0.0.1:7434`; absent when that listener is off.
    pub listen: Option<String>,
    /// How many automations are in each state.
    pub automations: AutomationCounts,
    /// Inputs that no run has taken up yet.
    #[serde(default)]
    pub inputs_pending: u64,
    /// Runs that are queued or running now.
    pub runs_active: u64,
    /// Runs that wait.
    pub runs_waiting: u64,
    /// Open action-needed items.
    pub needs_open: u64,
    /// The next due time of any automation.
    pub next_due_at: Option<Time>,
    /// Whether a model is set up.
    pub model: bool,
}

/// How many automations are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationCounts {
    /// Proposed.
    pub draft: u64,
    /// Active.
    pub active: u64,
    /// Paused.
    pub paused: u64,
    /// Archived.
    pub archived: u64,
}

/// One finding of `doctor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, e.g. `database`, `schedule`, `sandbox`, `connection`.
    pub id: String,
    /// `ok`, `warning` or `problem`.
    pub level: String,
    /// What was found.
    pub message: String,
    /// What to do; empty when nothing is.
    pub hint: String,
}

/// An automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Automation {
    /// E.g. `a3`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its contract's purpose.
    pub purpose: String,
    /// Its state.
    pub state: AutomationState,
    /// Why it is paused; absent otherwise.
    pub paused_because: Option<String>,
    /// The active contract version.
    pub contract_version: u32,
    /// The active script version.
    pub script_version: u32,
    /// IANA zone.
    pub timezone: String,
    /// The next due time of its triggers.
    pub next_due_at: Option<Time>,
    /// Its latest run's id.
    pub last_run: Option<String>,
    /// The latest run's state.
    pub last_run_state: Option<RunState>,
    /// When the latest run started.
    pub last_run_at: Option<Time>,
    /// Open action-needed items.
    pub needs_open: u64,
    /// What its runs cost so far.
    pub cost_micros: i64,
    /// When it was created.
    pub created_at: Time,
}

/// An automation with its contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutomationDetail {
    /// The automation.
    #[serde(flatten)]
    pub automation: Automation,
    /// The active contract.
    pub contract: Value,
    /// The contract in plain words.
    pub plain_words: Vec<Clause>,
    /// The script, to read.
    pub script: String,
    /// Where its webhooks are called, by name, with their tokens. Empty in what a device is answered.
    pub webhooks: Vec<Webhook>,
    /// Its latest runs, newest first.
    pub runs: Vec<Run>,
}

/// A local webhook of an automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name in the contract.
    pub name: String,
    /// Where to POST to; absent while the listener is off.
    pub url: Option<String>,
    /// What to send as `Authorization: Bearer …`.
    pub token: String,
}

/// A clause of a contract in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// `purpose`, `trigger`, `capability`, `invariant`, `approval`, `policy`, `assumption`, …
    pub kind: String,
    /// A sentence.
    pub text: String,
    /// True when the host enforces it; false when it is only understood.
    pub enforced: bool,
    /// True when it allows everything of a kind.
    #[serde(default)]
    pub wide: bool,
}

/// What a delegation or an installation leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// E.g. `p5`; what `proposal accept` takes. For a question the task's, e.g. `t6`, which
    /// `proposal decline` takes.
    pub id: String,
    /// The automation it creates or changes.
    pub automation: String,
    /// The automation's name.
    pub name: String,
    /// `proposed`, `accepted`, `declined`, or `question` when something must be answered first.
    pub state: String,
    /// The contract; null for a question.
    pub contract: Value,
    /// The contract in plain words.
    pub plain_words: Vec<Clause>,
    /// What the dry run did.
    pub preview: Preview,
    /// What must be confirmed one by one, as `CODE` for `--confirm CODE`.
    pub doubts: Vec<Doubt>,
    /// What changes against the present contract; absent for a new automation.
    pub diff: Option<ContractDiff>,
    /// A question that must be answered before there is a proposal.
    pub question: Option<Question>,
}

/// Something in a contract that the user must confirm by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// What `--confirm` takes.
    pub id: String,
    /// What is doubtful and why.
    pub message: String,
}

/// A question to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub question: String,
    /// Possible answers, if they are few.
    pub choices: Vec<String>,
    /// The action-needed item that takes the answer.
    #[serde(default)]
    pub item: Option<String>,
}

/// What a dry run did: reads are real, effects simulated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// `ok`, `failed` or `none`.
    pub state: String,
    /// Effects that a run would have had.
    pub effects: Vec<PreviewEffect>,
    /// What was read.
    pub reads: Vec<String>,
    /// What the script returned.
    pub result: Value,
    /// Why it failed; absent when it did not.
    pub error: Option<String>,
    /// The failure's stable code, e.g. `syntax`.
    #[serde(default)]
    pub error_code: Option<String>,
}

/// A simulated effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewEffect {
    /// `namespace.operation`.
    pub tool: String,
    /// What it would do.
    pub title: String,
    /// Its arguments, redacted.
    pub args: Value,
}

/// What a change of a contract means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractDiff {
    /// `wider`, `narrower`, `same` or `both`.
    pub verdict: String,
    /// Each change.
    pub changes: Vec<ContractChange>,
}

/// One change of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractChange {
    /// Where, e.g. `capabilities.mail.send.recipients`.
    pub path: String,
    /// A sentence.
    pub text: String,
    /// `wider`, `narrower` or `same`.
    pub effect: String,
}

/// A version of a contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractVersion {
    /// The automation.
    pub id: String,
    /// Which version.
    pub version: u32,
    /// When it was accepted.
    pub created_at: Time,
    /// The contract.
    pub contract: Value,
    /// In plain words.
    pub plain_words: Vec<Clause>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// E.g. `r17`.
    pub id: String,
    /// Its automation.
    pub automation: String,
    /// Its state.
    pub state: RunState,
    /// What a waiting run waits for.
    pub waiting_for: Option<WaitingFor>,
    /// Until when it waits, if that is a time.
    pub waiting_until: Option<Time>,
    /// Why it failed or waits.
    pub failure_class: Option<FailureClass>,
    /// The failure's message.
    pub failure: Option<String>,
    /// The script version it runs.
    pub script_version: u32,
    /// The contract version it obeys.
    pub contract_version: u32,
    /// Its inbox item.
    pub input: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When it was due.
    pub due_at: Time,
    /// When its first attempt began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Time at work, without waiting; a fraction of milliseconds.
    pub duration_ms: f64,
    /// Tool calls in its journal.
    pub steps: u32,
    /// What it cost.
    pub cost_micros: i64,
    /// What its script returned.
    pub result: Option<Value>,
}

/// A run with its whole timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What happened to it, in order.
    pub events: Vec<Event>,
    /// Its steps.
    pub journal: Vec<Step>,
    /// Action-needed items of this run that are open.
    pub needs: Vec<Need>,
}

/// A step of a run's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number in the run, from 1.
    pub seq: u32,
    /// `namespace.operation`.
    pub tool: String,
    /// Its effect class.
    pub effect_class: EffectClass,
    /// Its effect key; absent for reads.
    pub effect_key: Option<String>,
    /// Its state.
    pub state: StepState,
    /// When it began.
    pub started_at: Time,
    /// How long it took; absent while it lasts.
    pub duration_ms: Option<f64>,
    /// The attempt that executed it.
    pub attempt: u32,
    /// Its arguments, redacted.
    pub args: Value,
    /// Its result or error, redacted; null while it lasts.
    pub outcome: Value,
    /// True when the ledger held this effect already and nothing was executed.
    pub reused: bool,
}

/// Something that happened; clients rebuild their view from these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the agent's one sequence.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// E.g. `run_started`, `need_opened`, `log`.
    pub kind: String,
    /// The automation it belongs to.
    pub automation: Option<String>,
    /// The run it belongs to.
    pub run: Option<String>,
    /// Details by kind.
    pub data: Value,
}

/// An inbox item: something that came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// E.g. `i42`.
    pub id: String,
    /// The automation it is for.
    pub automation: String,
    /// Where it came from.
    pub source: SourceKind,
    /// The topic of an event, webhook or emitted item.
    pub topic: Option<String>,
    /// A line for people.
    pub title: String,
    /// Its state.
    pub state: InputState,
    /// When it became due.
    pub due_at: Time,
    /// What the script gets as `ctx.input`, redacted.
    pub payload: Value,
    /// The run it led to, if any.
    pub run: Option<String>,
    /// What it came from: the input whose run emitted it.
    pub caused_by: Option<String>,
    /// Why it was skipped; absent otherwise.
    pub reason: Option<String>,
}

/// An input with what it led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputDetail {
    /// The input.
    #[serde(flatten)]
    pub input: Input,
    /// The runs for it.
    pub runs: Vec<Run>,
    /// What went out because of it.
    pub outputs: Vec<Output>,
    /// Inputs that its runs emitted.
    pub emitted: Vec<Input>,
}

/// A ledger row: something that went out, or was meant to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// E.g. `o9`.
    pub id: String,
    /// The automation.
    pub automation: String,
    /// The run that intended it.
    pub run: String,
    /// `namespace.operation`.
    pub tool: String,
    /// Its effect key.
    pub effect_key: String,
    /// `intent`, `done`, `failed`, `in_doubt` or `skipped`.
    pub state: StepState,
    /// What it did, made by the host from the observed call.
    pub title: String,
    /// The input that caused it.
    pub caused_by: String,
    /// When it was intended.
    pub at: Time,
}

/// An action-needed item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// E.g. `n4`.
    pub id: String,
    /// What kind of action.
    pub kind: NeedKind,
    /// A sentence.
    pub title: String,
    /// The automation, if it belongs to one.
    pub automation: Option<String>,
    /// The run that waits for it, if one does.
    pub run: Option<String>,
    /// `open`, `answered` or `withdrawn`.
    pub state: String,
    /// What can be answered.
    pub choices: Vec<Choice>,
    /// Exactly what was asked, or what was seen.
    pub detail: Value,
    /// The answer, once given.
    pub answer: Option<String>,
    /// Who answered: `device d1`, or `cli`.
    pub answered_by: Option<String>,
    /// When it was opened.
    pub created_at: Time,
}

/// A possible answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What `need answer` takes.
    pub id: String,
    /// What it means.
    pub label: String,
}

/// A connection to the outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionInfo {
    /// E.g. `c2`.
    pub id: String,
    /// Its kind, e.g. `mail`.
    pub kind: String,
    /// Its name, as contracts call it.
    pub name: String,
    /// `ok`, `unchecked`, `failing`, `auth` or `revoked`: true to the last real check or use.
    pub state: String,
    /// Its settings without secrets.
    pub config: Value,
    /// What the last check said.
    pub message: Option<String>,
    /// When it was last checked.
    pub checked_at: Option<Time>,
}

/// A line of the conversation or a notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatEvent {
    /// Its place in the sequence.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// The automation whose chat it is in; absent for the general one.
    pub automation: Option<String>,
    /// E.g. `user_message`, `reply`, `proposal`, `notification`, `need_opened`.
    pub kind: String,
    /// `user` or `deputy`.
    pub author: String,
    /// Details by kind; `title` and `text` for what can be read.
    pub data: Value,
}

/// A language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// `default` for the one that is set up, else the name that `model set` takes.
    pub id: String,
    /// `anthropic`, `openai`, `ollama` or `gemini`.
    pub provider: String,
    /// Where it answers.
    pub base_url: String,
    /// Its name there.
    pub model: String,
    /// Whether a key is kept for it.
    pub has_key: bool,
    /// `set`, `ok` when it has just answered, or `offered` when it could be set.
    pub state: String,
    /// What it said, or how to set it.
    pub message: Option<String>,
}

/// A line of a cost table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLine {
    /// The automation, run, tool, connection or model.
    pub id: String,
    /// Calls.
    pub calls: u64,
    /// Micro-USD.
    pub cost_micros: i64,
}

/// A tool's operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolInfo {
    /// `namespace.operation`.
    pub id: String,
    /// One sentence.
    pub summary: String,
    /// The effect class, or the classes it may have.
    pub effect_classes: Vec<EffectClass>,
    /// Its version.
    pub version: u32,
    /// JSON Schema of its input.
    pub input: Value,
    /// JSON Schema of its output.
    pub output: Value,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The run.
    pub id: String,
    /// True when the same steps led to the same end.
    pub same: bool,
    /// Each difference, in words.
    pub differences: Vec<String>,
    /// How many steps matched.
    pub steps: u32,
    /// What the script returned.
    pub result: Value,
}

/// What an act without a thing of its own did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The thing it was done to.
    pub id: String,
    /// What was done, a sentence.
    pub message: String,
}

/// A device that may ask from afar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// `d1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
    /// When it was paired.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// Whether it is here now.
    pub is_here: bool,
    /// How it is reached by pushes; absent when it wants none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushState>,
}

/// A person signing in at the provider of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignIn {
    /// Its id.
    pub id: String,
    /// The connection's name.
    pub connection: String,
    /// `waiting`, `signed_in`, `refused` or `expired`.
    pub state: String,
    /// The address to open in a browser.
    pub url: String,
    /// The code that is typed there, when the browser may be any device's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_code: Option<String>,
    /// Until when it waits.
    pub expires_at: Time,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A pairing under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pairing {
    /// Its id.
    pub id: String,
    /// `waiting`, `compare`, `paired`, `refused` or `expired`.
    pub state: String,
    /// The link, to be shown and typed or scanned.
    pub link: String,
    /// Until when it is good.
    pub expires_at: Time,
    /// The name of the device that came.
    pub device_name: Option<String>,
    /// The phrase to compare.
    pub phrase: Option<String>,
    /// The device that was paired.
    pub device: Option<String>,
}
