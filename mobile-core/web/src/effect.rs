//! What JavaScript is to do.

use deputy_mobile_core::client::{Effect, LineState, Notice, Trouble, Why};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;

/// One effect.
#[wasm_bindgen]
pub struct WebEffect {
    kind: &'static str,
    attempt: f64,
    detail: Value,
    bytes: Vec<u8>,
}

#[wasm_bindgen]
impl WebEffect {
    /// `dial`, `send`, `close`, `hang_up`, `network_changed`, `keep` or `tell`.
    #[wasm_bindgen(getter)]
    pub fn kind(&self) -> String {
        self.kind.to_owned()
    }

    /// Which stream.
    #[wasm_bindgen(getter)]
    pub fn attempt(&self) -> f64 {
        self.attempt
    }

    /// JSON: the relay to `dial`; the name under which to `keep`; the notice to `tell`.
    #[wasm_bindgen(getter)]
    pub fn detail(&self) -> String {
        self.detail.to_string()
    }

    /// What to `send` or `keep`; what to say at once behind a `dial`.
    #[wasm_bindgen(getter)]
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

impl WebEffect {
    pub(crate) fn new(effect: Effect) -> Self {
        let of = |kind, attempt: u64| Self {
            kind,
            attempt: attempt as f64,
            detail: Value::Null,
            bytes: Vec::new(),
        };
        match effect {
            Effect::Dial {
                attempt,
                place,
                first,
            } => Self {
                detail: json!(place),
                bytes: first,
                ..of("dial", attempt)
            },
            Effect::Send { attempt, bytes } => Self {
                bytes,
                ..of("send", attempt)
            },
            Effect::Close { attempt } => of("close", attempt),
            Effect::HangUp { attempt } => of("hang_up", attempt),
            Effect::NetworkChanged => of("network_changed", 0),
            Effect::Keep(what, bytes) => Self {
                detail: json!(what.as_str()),
                bytes,
                ..of("keep", 0)
            },
            Effect::Tell(notice) => Self {
                detail: told(notice),
                ..of("tell", 0)
            },
        }
    }
}

/// A notice as JSON.
fn told(notice: Notice) -> Value {
    match notice {
        Notice::Line(state) => json!({"type": "line", "line": line(&state)}),
        Notice::Event(event) => json!({"type": "event", "event": event}),
        Notice::View(ask) => json!({"type": "view", "ask": ask}),
        Notice::Command(command) => json!({"type": "command", "command": command}),
        Notice::Forgotten(id) => json!({"type": "forgotten", "id": id}),
        Notice::NotKept(message) => json!({"type": "not_kept", "message": message}),
        Notice::Device(device) => json!({"type": "device", "device": *device}),
        Notice::Answer(token, Ok(answer)) => {
            json!({"type": "answer", "token": token, "answer": answer})
        }
        Notice::Answer(token, Err(trouble)) => {
            let hint = match &trouble {
                Trouble::Refused(error) => error.hint.clone(),
                Trouble::Unreachable | Trouble::Unreadable(_) => String::new(),
            };
            json!({"type": "answer", "token": token, "error": {"message": trouble.to_string(), "hint": hint}})
        }
    }
}

/// How it stands, as JSON.
pub(crate) fn line(state: &LineState) -> Value {
    match state {
        LineState::Resting => json!({"state": "resting"}),
        LineState::Connecting => json!({"state": "connecting"}),
        LineState::Open => json!({"state": "open"}),
        LineState::Away { until, why } => {
            let (because, message) = match why {
                Why::NoRelay(message) => ("no_relay", message),
                Why::Offline(message) => ("offline", message),
                Why::Broken(message) => ("broken", message),
            };
            json!({"state": "away", "until": until, "because": because, "message": message})
        }
        LineState::NotKnown => json!({"state": "not_known"}),
        LineState::OtherVersion => json!({"state": "other_version"}),
    }
}
