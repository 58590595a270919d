//! The conversation, and what happens.

use crate::plain::{Json, Time};
use deputy_protocol::model;
use serde::{Deserialize, Serialize};

/// A line of the conversation or a notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
#[serde(from = "Line")]
pub struct ChatLine {
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
    /// Its headline, from `data`.
    #[serde(skip_serializing)]
    pub title: Option<String>,
    /// What it says, from `data`.
    #[serde(skip_serializing)]
    pub text: Option<String>,
    /// The action-needed item that it is about, from `data`.
    #[serde(skip_serializing)]
    pub need: Option<String>,
    /// The proposal that it is about, from `data`.
    #[serde(skip_serializing)]
    pub proposal: Option<String>,
    /// Details by kind.
    pub data: Json,
}

/// As the agent says it.
#[derive(Deserialize)]
struct Line {
    seq: i64,
    at: Time,
    automation: Option<String>,
    kind: String,
    author: String,
    data: Json,
}

impl From<Line> for ChatLine {
    fn from(line: Line) -> Self {
        Self {
            seq: line.seq,
            at: line.at,
            automation: line.automation,
            kind: line.kind,
            author: line.author,
            title: line.data.text("/title"),
            text: line.data.text("/text"),
            need: line.data.text("/need"),
            proposal: line.data.text("/proposal"),
            data: line.data,
        }
    }
}

/// Something that happened at the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct Event {
    /// Its place in the agent's one sequence.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// E.g. `run_started`, `run_ended`, `need_opened`, `chat`, `log`.
    pub kind: String,
    /// The automation it belongs to.
    pub automation: Option<String>,
    /// The run it belongs to.
    pub run: Option<String>,
    /// Details by kind.
    pub data: Json,
}

impl From<model::Event> for Event {
    fn from(event: model::Event) -> Self {
        Self {
            seq: event.seq,
            at: Time::from_ms(event.at.0),
            kind: event.kind,
            automation: event.automation,
            run: event.run,
            data: Json(event.data),
        }
    }
}
