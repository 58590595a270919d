//! Every way to say no: refusals in words, and the codes with which streams and links end.

use serde::{Deserialize, Serialize};

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// No agent holds this route, or it did not answer.
    Offline,
    /// Another relay of the same name holds this route; see `to`.
    Elsewhere,
    /// Too many attempts; see `retry_ms`.
    RateLimited,
    /// The route, or the relay, has as many streams or links as it takes.
    Full,
    /// No version in common.
    Version,
    /// The access token is missing or wrong, or the proof does not fit.
    Unauthorised,
    /// The relay is about to stop.
    GoingAway,
    /// What arrived does not follow the protocol.
    Malformed,
    /// The other side was silent for too long.
    Timeout,
    /// This relay cannot do that.
    Unsupported,
    /// A code that this build does not know.
    #[serde(other)]
    Other,
}

/// A refusal: a code for programs, sentences for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// What happened and what it means.
    pub message: String,
    /// What to do next; empty when there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The number of the request that is refused; none when the link is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// When it may work again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
    /// With `version`: what the refusing side speaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<u32>,
    /// With `elsewhere`: where to dial instead, as `host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Refusal {
    /// A refusal with the usual words for `code`.
    pub fn new(code: RefusalCode) -> Self {
        let (message, hint) = words(code);
        Self {
            code,
            message: message.to_owned(),
            hint: hint.to_owned(),
            id: None,
            retry_ms: None,
            versions: Vec::new(),
            to: None,
        }
    }

    /// A refusal with a sentence of its own.
    pub fn because(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::new(code)
        }
    }

    /// The same, for request `id`.
    pub fn of(self, id: u64) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// The same, with the time after which it may work again.
    pub fn retry_after(self, wait: std::time::Duration) -> Self {
        Self {
            retry_ms: Some(wait.as_millis().try_into().unwrap_or(u64::MAX)),
            ..self
        }
    }
}

/// The usual sentence and hint for a code.
fn words(code: RefusalCode) -> (&'static str, &'static str) {
    match code {
        RefusalCode::Offline => (
            "The agent is not connected to this relay, so nothing was sent.",
            "Check that its computer is on and online, then try again.",
        ),
        RefusalCode::Elsewhere => (
            "The agent is connected to another relay of this name, so nothing was sent here.",
            "Dial it there.",
        ),
        RefusalCode::RateLimited => (
            "Too many attempts in a short time, so this one was not tried.",
            "Wait a little and try again.",
        ),
        RefusalCode::Full => (
            "The relay has no room for another connection here, so nothing was sent.",
            "Close other connections, or try again later.",
        ),
        RefusalCode::Version => (
            "The two sides speak no common version, so nothing was sent.",
            "Update the older side.",
        ),
        RefusalCode::Unauthorised => (
            "This relay does not let you in, so nothing was sent.",
            "Check the relay's access token in the settings.",
        ),
        RefusalCode::GoingAway => (
            "The relay is about to restart. Nothing is lost.",
            "Connect again in a moment.",
        ),
        RefusalCode::Malformed => (
            "The relay did not understand what arrived, so it did nothing.",
            "Update Deputy. If it happens again, please report it.",
        ),
        RefusalCode::Timeout => (
            "The other side said nothing for too long, so the relay stopped waiting.",
            "Try again.",
        ),
        RefusalCode::Unsupported => (
            "This relay cannot do that, so it did nothing.",
            "Use another relay, or ask who runs this one.",
        ),
        RefusalCode::Other => ("The relay refused.", ""),
    }
}

/// With what code a stream or a link ends: the application error code of QUIC and WebTransport;
/// over WebSocket 4000 more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum CloseCode {
    /// All was said.
    Done = 0,
    /// What arrived does not follow the protocol.
    Malformed = 1,
    /// A step took too long.
    Timeout = 2,
    /// Nothing moved for too long.
    Idle = 3,
    /// The route was revoked.
    Revoked = 4,
    /// The relay stops.
    GoingAway = 5,
    /// It was refused in words before.
    Refused = 6,
    /// The other end of a joined stream is gone.
    Gone = 7,
    /// A newer link took over.
    Displaced = 8,
}

impl CloseCode {
    /// The code as a number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code of a number; `None` for one that this build does not know.
    pub fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Done,
            1 => Self::Malformed,
            2 => Self::Timeout,
            3 => Self::Idle,
            4 => Self::Revoked,
            5 => Self::GoingAway,
            6 => Self::Refused,
            7 => Self::Gone,
            8 => Self::Displaced,
            _ => return None,
        })
    }

    /// What it means, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Done => "The connection was closed.",
            Self::Malformed => "The relay did not understand what arrived.",
            Self::Timeout => "A step took too long.",
            Self::Idle => "Nothing moved for too long.",
            Self::Revoked => "This device's access was revoked.",
            Self::GoingAway => "The relay restarts.",
            Self::Refused => "The relay refused.",
            Self::Gone => "The other end is gone.",
            Self::Displaced => "A newer connection of the same agent took over.",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn close_codes_go_there_and_back() {
        let known: Vec<CloseCode> = (0..100).filter_map(CloseCode::from_number).collect();
        assert_eq!(known.len(), 9);
        for (number, code) in known.iter().enumerate() {
            assert_eq!(code.number() as usize, number);
        }
    }
}
