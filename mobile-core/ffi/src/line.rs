//! How it stands with the agent.

use crate::plain::Time;
use deputy_mobile_core::client;

/// How it stands with the agent.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum LineState {
    /// The app lets it rest.
    Resting,
    /// Being looked for.
    Connecting,
    /// There.
    Open,
    /// Not there, and looked for again by itself.
    Away {
        /// When, at the latest.
        until: Time,
        /// Why it is not there.
        why: WhyAway,
        /// The same as a sentence.
        text: String,
    },
    /// It lets this device in no more. It is not looked for until the app resumes.
    NotKnown,
    /// Agent and app have no version in common.
    OtherVersion,
}

/// Why an agent is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum WhyAway {
    /// No relay could be reached: most likely this device has no network.
    NoRelay,
    /// The relay is there, the agent is not: it is off or without network, or this device was revoked.
    Offline,
    /// The line broke.
    Broken,
}

impl LineState {
    /// `at` tells when a tick of the client's clock is.
    pub(crate) fn new(state: client::LineState, at: impl FnOnce(u64) -> Time) -> Self {
        match state {
            client::LineState::Resting => Self::Resting,
            client::LineState::Connecting => Self::Connecting,
            client::LineState::Open => Self::Open,
            client::LineState::Away { until, why } => {
                let (why, text) = match why {
                    client::Why::NoRelay(text) => (WhyAway::NoRelay, text),
                    client::Why::Offline(text) => (WhyAway::Offline, text),
                    client::Why::Broken(text) => (WhyAway::Broken, text),
                };
                Self::Away {
                    until: at(until),
                    why,
                    text,
                }
            }
            client::LineState::NotKnown => Self::NotKnown,
            client::LineState::OtherVersion => Self::OtherVersion,
        }
    }
}
