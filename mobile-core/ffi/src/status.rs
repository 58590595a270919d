//! The agent itself: what runs, what it cost, who is connected.

use crate::plain::{Json, Time, words};
use crate::pushes::PushState;
use deputy_protocol::remote;
use serde::{Deserialize, Serialize};

words! {
    /// What a device may do; none comes with another.
    Right {
        /// See what there is.
        View = "view",
        /// Start, pause and stop what was accepted before.
        Control = "control",
        /// Say what should happen, accept proposals, answer what needs a person.
        Approve = "approve",
    }
}

words! {
    /// How a connection is: true to the last real check or use.
    ConnectionState {
        /// It works.
        Ok = "ok",
        /// Nobody has tried.
        Unchecked = "unchecked",
        /// It fails.
        Failing = "failing",
        /// It must be authorised again.
        Auth = "auth",
        /// It was revoked.
        Revoked = "revoked",
    }
}

/// What runs right now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct Status {
    /// The agent's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// The data directory.
    pub home: String,
    /// When it started.
    pub started_at: Time,
    /// Where webhooks are taken; absent when that listener is off.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
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

/// A line of a cost table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct CostLine {
    /// The automation, run, tool, connection or model.
    pub id: String,
    /// Calls.
    pub calls: u64,
    /// Micro-USD.
    pub cost_micros: i64,
}

/// A connection to the outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct Connection {
    /// E.g. `c2`.
    pub id: String,
    /// Its kind, e.g. `mail`.
    pub kind: String,
    /// Its name, as contracts call it.
    pub name: String,
    /// How it is.
    pub state: ConnectionState,
    /// Its settings without secrets.
    pub config: Json,
    /// What the last check said.
    pub message: Option<String>,
    /// When it was last checked.
    pub checked_at: Option<Time>,
}

/// A device that may ask from afar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct Device {
    /// E.g. `d1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub rights: Vec<Right>,
    /// When it was paired.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// Whether it is here now.
    pub is_here: bool,
    /// How it is reached by pushes; nothing when it wants none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushState>,
}

/// What an act without a thing of its own did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct Done {
    /// The thing it was done to.
    pub id: String,
    /// What was done, a sentence.
    pub message: String,
}

/// The rights of this device.
pub(crate) fn rights(rights: remote::Rights) -> Vec<Right> {
    { Vec::<remote::Right>::from(rights).into_iter() }
        .map(|right| right.as_str().to_owned().into())
        .collect()
}
