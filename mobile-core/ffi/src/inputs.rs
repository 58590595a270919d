//! What came in and what went out.

use crate::plain::{Json, Time, words};
use crate::runs::{Run, StepState};
use serde::{Deserialize, Serialize};

words! {
    /// The state of an input.
    InputState {
        /// Not yet claimed.
        Pending = "pending",
        /// A run is at work on it.
        Claimed = "claimed",
        /// Its run succeeded.
        Done = "done",
        /// Its run failed.
        Failed = "failed",
        /// Nothing is to be done with it.
        Skipped = "skipped",
    }
}

words! {
    /// Where an input came from.
    SourceKind {
        /// A cron tick.
        Cron = "cron",
        /// An interval's tick.
        Every = "every",
        /// A one-shot time.
        At = "at",
        /// An event sent by name.
        Event = "event",
        /// A local webhook.
        Webhook = "webhook",
        /// A change in a watched folder.
        File = "file",
        /// A mail.
        Mail = "mail",
        /// The user said so.
        Manual = "manual",
        /// Emitted by a run of the same automation.
        Emit = "emit",
    }
}

/// An inbox item: something that came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
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
    pub payload: Json,
    /// The run it led to, if any.
    pub run: Option<String>,
    /// What it came from: the input whose run emitted it.
    pub caused_by: Option<String>,
    /// Why it was skipped; absent otherwise.
    pub reason: Option<String>,
}

/// An input with what it led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
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

/// Something that went out, or was meant to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
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
    /// Where it stands.
    pub state: StepState,
    /// What it did, made by the host from the observed call.
    pub title: String,
    /// The input that caused it.
    pub caused_by: String,
    /// When it was intended.
    pub at: Time,
}
