//! `notify`: a line in the user's chat.

use super::{CallInfo, LocalOperation, Operation, ToolError};
use crate::store::chats;
use deputy_protocol::{EffectClass, FailureClass};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// `notify.send`
pub(super) struct Send;

/// A notification.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendInput {
    /// One line.
    title: String,
    /// More, if there is more to say.
    #[serde(default)]
    body: String,
}

/// Where it stands.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SendOutput {
    /// Its number in the user's chats.
    chat_seq: i64,
}

impl Operation for Send {
    type Input = SendInput;
    type Output = SendOutput;
    const NAME: &'static str = "notify.send";
    const SUMMARY: &'static str = "Tells the user something, in the chat and on their devices.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];

    fn title(input: &Self::Input) -> String {
        input.title.clone()
    }
}

impl LocalOperation for Send {
    fn apply(input: SendInput, call: &CallInfo, db: &Connection) -> Result<SendOutput, ToolError> {
        let data = json!({"title": input.title, "text": input.body, "run": call.run});
        chats::append(
            db,
            Some(call.automation_key),
            "notification",
            chats::Author::Deputy,
            &data,
            call.now,
        )
        .map(|chat_seq| SendOutput { chat_seq })
        .map_err(|e| {
            ToolError::not_done(FailureClass::Transient, "store", Self::NAME, e.to_string())
        })
    }
}
