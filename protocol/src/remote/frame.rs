//! How questions, answers and events travel in a session: each message is one JSON object. Fields
//! and kinds that a side does not know are ignored.

use crate::error::ErrorBody;
use crate::model::Event;
use crate::pairing::RelayPlace;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// From the device to the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Up {
    /// A question or a command.
    Ask {
        /// Chosen by the device, at most 64 letters; a command is applied at most once for it.
        id: String,
        /// An [`Ask`](super::Ask), as JSON.
        what: Value,
    },
    /// The device wants to hear what happens from here on, and what it missed.
    Follow {
        /// The last event that it has seen; negative when it wants none of the past.
        after: i64,
    },
    /// Is there still somebody? Answered at once with [`Down::Pong`].
    Ping,
    /// Something of a newer version.
    #[serde(other)]
    Unknown,
}

/// From the agent to the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Down {
    /// The answer to a question or command.
    Answer {
        /// Its id.
        id: String,
        /// What was asked for, as the control protocol has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ok: Option<Value>,
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ErrorBody>,
    },
    /// There is.
    Pong,
    /// What follows are the events after this one.
    Following {
        /// What was asked for, or the last event so far.
        after: i64,
    },
    /// Something happened.
    Event {
        /// What, with its place in the order.
        event: Event,
    },
    /// The phrase of a pairing waits for the person's word at the agent.
    Compare {
        /// The phrase that the agent shows.
        phrase: String,
    },
    /// The device is paired.
    Paired {
        /// Its id.
        device: String,
        /// Where the agent is reached from now on.
        relays: Vec<RelayPlace>,
        /// What it may do.
        rights: super::Rights,
    },
    /// Where the agent is reached from now on; said at the beginning of each session.
    Relays {
        /// Best first.
        relays: Vec<RelayPlace>,
        /// The device's id, for one that did not hear that it is paired.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        /// What it may do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rights: Option<super::Rights>,
    },
    /// Something of a newer version.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_a_newer_side_says_is_not_an_error() {
        let up: Up = serde_json::from_value(json!({"type": "wave", "hand": "left"})).unwrap();
        assert_eq!(up, Up::Unknown);
        let down: Down =
            serde_json::from_value(json!({"type": "answer", "id": "1", "ok": 1, "more": 2}))
                .unwrap();
        assert!(matches!(down, Down::Answer { ok: Some(_), .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = serde_json::from_slice::<Up>(&bytes);
            let _ = serde_json::from_slice::<Down>(&bytes);
        }
    }
}
