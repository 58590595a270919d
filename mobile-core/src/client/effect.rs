//! What goes in and out of the client.

use super::{Command, Kept, View};
use crate::PairedDevice;
use deputy_protocol::ErrorBody;
use deputy_protocol::model::Event;
use deputy_protocol::pairing::RelayPlace;
use deputy_protocol::remote::Ask;
use serde_json::Value;

/// The time, on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on a clock that only goes forward; waiting is measured on it.
    pub ticks: u64,
    /// Milliseconds since 1970; what is kept is dated by it.
    pub unix_ms: i64,
}

/// What the driver is to do.
#[derive(Debug)]
pub enum Effect {
    /// Reach the agent through this relay; then [`Client::connected`](super::Client::connected) or
    /// [`Client::failed`](super::Client::failed).
    Dial {
        /// Names this try in all that follows.
        attempt: u64,
        /// Where.
        place: RelayPlace,
        /// What the agent is told first, sent without waiting for anything. It may be told more than
        /// once, each time as the beginning of a stream. Empty: nothing.
        first: Vec<u8>,
    },
    /// Send these bytes.
    Send {
        /// On which stream.
        attempt: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// Send what was handed over, then end the stream.
    Close {
        /// Which.
        attempt: u64,
    },
    /// Let go of a stream, or of a dial, at once.
    HangUp {
        /// Which.
        attempt: u64,
    },
    /// Forget what is known of the way to relays.
    NetworkChanged,
    /// Keep these bytes in place of those of the same kind that were kept before, on disk, before
    /// anything that comes after. They are sealed.
    Keep(Kept, Vec<u8>),
    /// Tell the app.
    Tell(Notice),
}

/// What the app is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// It stands differently with the agent.
    Line(LineState),
    /// Something happened at the agent. In order, each once for as long as the app runs.
    Event(Event),
    /// A watched view has another answer.
    View(Ask),
    /// A command was taken, sent or answered.
    Command(Command),
    /// A command is not remembered any more.
    Forgotten(String),
    /// Something could not be kept, or what was kept is of no use: why. Commands may be lost when
    /// the app ends.
    NotKept(String),
    /// The device is another from now on: its relays have changed. To be kept in its place.
    Device(Box<PairedDevice>),
    /// The answer to [`Client::ask`](super::Client::ask): a
    /// [`Response`](deputy_protocol::control::Response) as JSON.
    Answer(u64, Result<Value, Trouble>),
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Trouble {
    /// The agent said no.
    #[error("{}", .0.message)]
    Refused(ErrorBody),
    /// It could not be reached in time.
    #[error("the agent cannot be reached; nothing was changed")]
    Unreachable,
    /// It answered something that this version does not know.
    #[error("the agent's answer cannot be read: {0}. Is the app older than the agent?")]
    Unreadable(String),
}

/// How it stands with the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineState {
    /// The app rests.
    Resting,
    /// Being looked for.
    Connecting,
    /// There.
    Open,
    /// Not there; looked for again at this tick.
    Away {
        /// When.
        until: u64,
        /// Why.
        why: Why,
    },
    /// It lets this device in no more. It is not looked for until the app asks again.
    NotKnown,
    /// Agent and app have no version in common.
    OtherVersion,
}

/// Why an agent is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// No relay could be reached: most likely this device has no network.
    NoRelay(String),
    /// The relay is there, the agent is not: it is off or without network, or this device is
    /// revoked.
    Offline(String),
    /// The line broke.
    Broken(String),
}

/// An answer that is at hand.
impl View {
    /// Whether it was answered in this session and nothing has happened since it was asked.
    pub fn is_fresh(&self) -> bool {
        !self.dirty && self.is_current
    }
}
