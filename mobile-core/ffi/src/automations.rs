//! Automations and their contracts.

use crate::plain::{Json, Time, words};
use crate::runs::{Run, RunState};
use serde::{Deserialize, Serialize};

words! {
    /// What an automation is doing as a whole.
    AutomationState {
        /// Proposed, not yet accepted.
        Draft = "draft",
        /// Its triggers fire.
        Active = "active",
        /// Its triggers rest, by the user or because something is needed.
        Paused = "paused",
        /// Kept for its history; never runs again.
        Archived = "archived",
    }
}

words! {
    /// What a change does to what a contract allows.
    ContractEffect {
        /// More is allowed.
        Wider = "wider",
        /// Less is allowed.
        Narrower = "narrower",
        /// The same is allowed.
        Same = "same",
        /// Of several changes some are wider and some narrower.
        Both = "both",
    }
}

/// An automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
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
    /// What its runs cost so far, in micro-USD.
    pub cost_micros: i64,
    /// When it was created.
    pub created_at: Time,
}

/// An automation with its contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct AutomationDetail {
    /// The automation.
    #[serde(flatten)]
    pub automation: Automation,
    /// The active contract.
    pub contract: Json,
    /// The contract in plain words.
    pub plain_words: Vec<Clause>,
    /// The script, to read.
    pub script: String,
    /// Its latest runs, newest first.
    pub runs: Vec<Run>,
}

/// A clause of a contract in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
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

/// What a change of a contract means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct ContractDiff {
    /// All changes together.
    pub verdict: ContractEffect,
    /// Each change.
    pub changes: Vec<ContractChange>,
}

/// One change of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct ContractChange {
    /// Where, e.g. `capabilities.mail.send.recipients`.
    pub path: String,
    /// A sentence.
    pub text: String,
    /// What it does.
    pub effect: ContractEffect,
}

/// A version of a contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct ContractVersion {
    /// The automation.
    pub id: String,
    /// Which version.
    pub version: u32,
    /// When it was accepted.
    pub created_at: Time,
    /// The contract.
    pub contract: Json,
    /// In plain words.
    pub plain_words: Vec<Clause>,
}
