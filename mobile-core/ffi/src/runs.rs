//! Runs and their steps.

use crate::chat::Event;
use crate::needs::Need;
use crate::plain::{Json, Time, words};
use serde::{Deserialize, Serialize};

words! {
    /// Where a run stands.
    RunState {
        /// Created, no attempt begun.
        Queued = "queued",
        /// An attempt is under way.
        Running = "running",
        /// Parked; `waiting_for` says for what.
        Waiting = "waiting",
        /// Ended well.
        Succeeded = "succeeded",
        /// Ended badly.
        Failed = "failed",
        /// Ended by the user.
        Cancelled = "cancelled",
    }
}

words! {
    /// What a waiting run waits for.
    WaitingFor {
        /// A `ctx.sleep`.
        Timer = "timer",
        /// The next attempt: after a transient failure, or once its script is mended.
        Retry = "retry",
        /// A person approves an effect.
        Approval = "approval",
        /// A person widens what is allowed.
        Permission = "permission",
        /// A connection is authorised again.
        Auth = "auth",
        /// A person settles whether an effect happened.
        InDoubt = "in_doubt",
        /// The outside has again what the contract assumes.
        Precondition = "precondition",
        /// A person looks at it.
        Person = "person",
    }
}

words! {
    /// Why a run failed; decides what happens next.
    FailureClass {
        /// Try again later.
        Transient = "transient",
        /// A connection must be authorised again.
        Auth = "auth",
        /// The contract or a permission forbids the call.
        Permission = "permission",
        /// The contract wants a person's approval first.
        Approval = "approval",
        /// The outside lacks what the contract assumes.
        Precondition = "precondition",
        /// The script is wrong.
        Logic = "logic",
        /// A limit was exceeded.
        Limit = "limit",
        /// An effect may or may not have happened.
        InDoubt = "in_doubt",
        /// None of these can be shown.
        Unknown = "unknown",
    }
}

words! {
    /// How dangerous a tool's operation is to repeat.
    EffectClass {
        /// Computes only; not journaled.
        Pure = "pure",
        /// Looks at the outside.
        Read = "read",
        /// May be repeated with the same key.
        Idempotent = "idempotent",
        /// Can be looked up before it is repeated.
        Reconcilable = "reconcilable",
        /// Never repeated.
        Opaque = "opaque",
    }
}

words! {
    /// The state of a step in the journal.
    StepState {
        /// Its intent is on disk, its outcome is not.
        Intent = "intent",
        /// Its outcome is on disk.
        Done = "done",
        /// It failed; its error is on disk.
        Failed = "failed",
        /// It waits for a person or a time.
        Waiting = "waiting",
        /// It may or may not have happened; a person settles it.
        InDoubt = "in_doubt",
        /// A person said to go on without it.
        Skipped = "skipped",
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
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
    /// What it cost, in micro-USD.
    pub cost_micros: i64,
    /// What its script returned.
    pub result: Option<Json>,
}

/// A run with its whole timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
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
    pub args: Json,
    /// Its result or error, redacted; null while it lasts.
    pub outcome: Json,
    /// True when the ledger held this effect already and nothing was executed.
    pub reused: bool,
}
