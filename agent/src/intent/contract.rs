//! The contract's shape. Every struct refuses unknown keys.

use crate::tools::ResourceKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An intent contract, version 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The version of this format: 1.
    pub contract: u32,
    /// What the user wants, in a sentence.
    pub purpose: String,
    /// IANA time zone of the automation.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Values the script reads as `ctx.params`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// What starts a run.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Tool operation → resources it may touch. What is not listed is refused.
    #[serde(default)]
    pub capabilities: BTreeMap<String, Resources>,
    /// What must hold whatever the script does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invariants: Vec<Invariant>,
    /// Calls that wait for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires_approval: Vec<ApprovalRule>,
    /// What happens with ticks missed while the agent was down.
    #[serde(default)]
    pub on_missed: OnMissed,
    /// What happens when a run is due while another is under way.
    #[serde(default)]
    pub overlap: Overlap,
    /// How transient failures are retried.
    #[serde(default)]
    pub retries: Retries,
    /// What a good run shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// Limits of a run that differ from the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Defaults that the user did not state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// What it is not for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub non_goals: Vec<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Resource kind → what is allowed of it; `"*"` allows all.
pub type Resources = BTreeMap<ResourceKind, Vec<String>>;

/// What starts a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Trigger {
    /// A cron pattern in the contract's time zone.
    Cron(CronTrigger),
    /// A fixed interval.
    Every(EveryTrigger),
    /// Once, at a time.
    At(AtTrigger),
    /// An event sent by name.
    Event(EventTrigger),
    /// A local webhook.
    Webhook(WebhookTrigger),
    /// A change in a folder.
    File(FileTrigger),
    /// A new mail.
    Mail(MailTrigger),
    /// Only when the user says so.
    Manual(ManualTrigger),
}

/// `{"cron": "0 8 * * 1-5"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    /// Five fields, or six with seconds first.
    pub cron: String,
}

/// `{"every_ms": 600000}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EveryTrigger {
    /// Milliseconds between ticks, counted from the contract's acceptance.
    pub every_ms: u64,
}

/// `{"at": "2027-01-01T08:00:00Z"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtTrigger {
    /// RFC 3339 time.
    pub at: String,
}

/// `{"event": "topic"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTrigger {
    /// The event's topic.
    pub event: String,
}

/// `{"webhook": "name"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookTrigger {
    /// The webhook's name.
    pub webhook: String,
}

/// `{"file": "~/Inbox"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileTrigger {
    /// The watched folder.
    pub file: String,
}

/// `{"mail": {"connection": "mail", "folder": "INBOX"}}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailTrigger {
    /// Which mailbox.
    pub mail: MailSource,
}

/// A mailbox's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSource {
    /// The connection's name.
    pub connection: String,
    /// The folder.
    pub folder: String,
}

/// `{"manual": true}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualTrigger {
    /// Always true.
    pub manual: bool,
}

/// What must hold whatever the script does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Invariant {
    /// At most `max` of an effect per run, hour or day.
    Max(MaxInvariant),
    /// Never this operation.
    Never(NeverInvariant),
    /// Only between two times of day.
    OnlyBetween(OnlyBetweenInvariant),
    /// At most so much money per run, day or month.
    MaxCost(MaxCostInvariant),
}

/// `{"max": 10, "of": "mail.send", "per": "day"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxInvariant {
    /// How many.
    pub max: u64,
    /// Of which operation.
    pub of: String,
    /// Counted over what.
    pub per: Per,
}

/// `{"never": "files.trash"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeverInvariant {
    /// The operation, or `namespace.*`.
    pub never: String,
}

/// `{"only_between": ["07:00", "22:00"], "of": "mail.send"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlyBetweenInvariant {
    /// From (inclusive) and to (exclusive), `HH:MM` in the contract's zone; may cross midnight.
    pub only_between: (String, String),
    /// Of which operation.
    pub of: String,
}

/// `{"max_cost_micros": 50000, "per": "day"}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxCostInvariant {
    /// Micro-USD.
    pub max_cost_micros: u64,
    /// Counted over what.
    pub per: Per,
}

/// What an invariant is counted over. Hours, days and months are those of the contract's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One run.
    Run,
    /// A clock hour.
    Hour,
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
}

/// `{"of": "mail.send", "when": {"recipients_outside": ["@example.org"]}}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// The operation, or `namespace.*`.
    pub of: String,
    /// Only under this condition; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ApprovalCondition>,
}

/// When an approval rule applies. Any listed condition suffices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalCondition {
    /// A recipient that none of these allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients_outside: Vec<String>,
    /// A host that none of these allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts_outside: Vec<String>,
    /// A path that none of these allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders_outside: Vec<String>,
    /// More than so many of this operation in the run so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_than: Option<u64>,
}

/// What happens with ticks that were missed: `"latest"`, `"skip"`, `{"all": 10}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMissed {
    /// One run, for the latest missed tick.
    #[default]
    Latest,
    /// A run for each, for the latest so many.
    All(u32),
    /// None.
    Skip,
}

/// What happens when a run is due while another is under way: `"skip"`, `"queue"`, `{"parallel": 3}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// A tick that falls into a run is skipped, on record.
    #[default]
    Skip,
    /// It waits its turn.
    Queue,
    /// Up to so many at a time.
    Parallel(u32),
}

/// How transient failures are retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// How many further attempts.
    pub max: u32,
    /// Back-off before the first of them, in milliseconds; doubles each time.
    pub first_ms: u64,
    /// The most that the back-off grows to, in milliseconds.
    pub max_ms: u64,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max: 5,
            first_ms: 1_000,
            max_ms: 3_600_000,
        }
    }
}

/// Limits of a run that differ from the defaults of the execution semantics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Heap, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_bytes: Option<u64>,
    /// CPU per attempt, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Wall time without sleeps, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// Tool calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Bytes of one tool result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_bytes: Option<u64>,
    /// Bytes of all tool results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// Money for model calls, in micro-USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
}

impl Contract {
    /// Whether it says how much may be spent.
    pub fn caps_cost(&self) -> bool {
        let is_cap = |invariant: &Invariant| matches!(invariant, Invariant::MaxCost(_));
        self.invariants.iter().any(is_cap)
            || self
                .budget
                .is_some_and(|budget| budget.cost_micros.is_some())
    }
}
