//! Why something did not come about. Each error has a sentence for people (`text`: what happened, and
//! what it means for their data) and what to do next (`hint`).

use deputy_mobile_core::client::{CommandError, LineState, PairingTrouble, Trouble, Why};
use deputy_mobile_core::native::AskError;
use deputy_protocol::pairing::LinkError;
use std::io;

/// What the hint of everything is that only a new pairing mends.
const PAIR_AGAIN: &str =
    "Show a new link with `deputy pair` on the agent's computer and pair again.";

const TRY_AGAIN: &str = "Try again in a moment.";

const UPDATE: &str = "Update the older of the two: this app, or Deputy on the agent's computer.";

/// Why a question was not answered, or a command not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum AgentError {
    /// The agent said no.
    #[error("{text}")]
    Refused {
        /// Stable, for programs, e.g. `not_found`.
        code: String,
        /// What happened.
        text: String,
        /// What to do; empty when there is nothing.
        hint: String,
    },
    /// This device lacks the right, see `Right`.
    #[error("{text}")]
    NotAllowed {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The agent could not be reached in time.
    #[error("{text}")]
    Unreachable {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The agent lets this device in no more: it was revoked, or is another agent's.
    #[error("{text}")]
    NotKnown {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// App and agent have no version in common.
    #[error("{text}")]
    OtherVersion {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The answer is of a form that this version does not know.
    #[error("{text}")]
    Unreadable {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// 256 commands wait already.
    #[error("{text}")]
    Full {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// These bytes are not what `Paired` brought.
    #[error("{text}")]
    BadDevice {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The platform failed: no directory, no threads, no random numbers.
    #[error("{text}")]
    Platform {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// `Agent.let_go` was called.
    #[error("{text}")]
    LetGo {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
}

/// Why a pairing came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum PairingError {
    /// The link is none, was cut off, or is of a newer version.
    #[error("{text}")]
    BadLink {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The link is too old.
    #[error("{text}")]
    Expired {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// No relay of the link brought the agent. It is off, or the link was used or has expired: then it
    /// does not listen there any more.
    #[error("{text}")]
    Unreachable {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The agent is silent to this link: it was used, has expired, or is of another agent.
    #[error("{text}")]
    NotTaken {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The person said at the agent that the phrases differ, or nothing until the link expired.
    #[error("{text}")]
    Refused {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// App and agent have no version in common.
    #[error("{text}")]
    OtherVersion {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The line broke.
    #[error("{text}")]
    Broken {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// It was called off here, or its end was awaited already.
    #[error("{text}")]
    CalledOff {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
    /// The platform failed: no threads, no random numbers.
    #[error("{text}")]
    Platform {
        /// What happened.
        text: String,
        /// What to do.
        hint: String,
    },
}

impl AgentError {
    /// Why there was no answer, with how the line stands.
    pub(crate) fn of_ask(error: AskError, line: &LineState) -> Self {
        match error {
            AskError::NotAsked(error) => error.into(),
            AskError::Trouble(Trouble::Refused(body)) => Self::Refused {
                code: body.code,
                text: body.message,
                hint: body.hint,
            },
            AskError::Trouble(Trouble::Unreachable) => Self::of_line(line),
            AskError::Trouble(Trouble::Unreadable(why)) => Self::unreadable(&why),
        }
    }

    /// What a line means for whoever waits for an answer.
    pub(crate) fn of_line(line: &LineState) -> Self {
        let unreachable = |why: &str, hint: &str| Self::Unreachable {
            text: format!("The agent could not be reached in time{why}; nothing was changed."),
            hint: hint.to_owned(),
        };
        match line {
            LineState::NotKnown => Self::NotKnown {
                text: "The agent does not know this device (any more); nothing was changed."
                    .to_owned(),
                hint: PAIR_AGAIN.to_owned(),
            },
            LineState::OtherVersion => Self::OtherVersion {
                text: "App and agent have no version in common; nothing was changed.".to_owned(),
                hint: UPDATE.to_owned(),
            },
            LineState::Resting => {
                unreachable(": this app lets the line rest", "Resume, then ask again.")
            }
            LineState::Away { why, .. } => match why {
                Why::NoRelay(why) => unreachable(
                    &format!(" ({why})"),
                    "Check this device's network; it is tried again by itself.",
                ),
                Why::Offline(why) => unreachable(
                    &format!(" ({why})"),
                    "Check that its computer is on and online. If this device was revoked there, pair it again.",
                ),
                Why::Broken(why) => unreachable(&format!(" ({why})"), TRY_AGAIN),
            },
            LineState::Connecting | LineState::Open => unreachable("", TRY_AGAIN),
        }
    }

    pub(crate) fn unreadable(why: &str) -> Self {
        Self::Unreadable {
            text: format!("The agent's answer cannot be read: {why}"),
            hint: "The app may be older than the agent: update it.".to_owned(),
        }
    }

    pub(crate) fn bad_device() -> Self {
        Self::BadDevice {
            text: "What was kept of the pairing cannot be read, so this device has no key any more; the agent and its data are as they were.".to_owned(),
            hint: PAIR_AGAIN.to_owned(),
        }
    }

    pub(crate) fn let_go() -> Self {
        Self::LetGo {
            text: "This agent was let go by the app; nothing was sent.".to_owned(),
            hint: "Open it again.".to_owned(),
        }
    }
}

impl From<CommandError> for AgentError {
    fn from(error: CommandError) -> Self {
        let text = error.to_string();
        match error {
            CommandError::NotAllowed => Self::NotAllowed {
                text,
                hint: PAIR_AGAIN.to_owned(),
            },
            CommandError::Full => Self::Full {
                text,
                hint: "Wait until the agent can be reached, or withdraw some.".to_owned(),
            },
            // The types here know questions from commands.
            CommandError::NotACommand | CommandError::NotAQuestion => Self::unreadable(&text),
            CommandError::NoRandomness => Self::Platform {
                text,
                hint: TRY_AGAIN.to_owned(),
            },
        }
    }
}

impl From<io::Error> for AgentError {
    fn from(error: io::Error) -> Self {
        Self::Platform {
            text: format!(
                "This device gives no room or threads to keep commands: {error}. Nothing was sent."
            ),
            hint: "Check that the app may write to its directory and that the disk is not full."
                .to_owned(),
        }
    }
}

impl PairingError {
    pub(crate) fn called_off() -> Self {
        Self::CalledOff {
            text: "This pairing was called off or awaited already; nothing was paired by it from here on.".to_owned(),
            hint: PAIR_AGAIN.to_owned(),
        }
    }
}

impl From<PairingTrouble> for PairingError {
    fn from(trouble: PairingTrouble) -> Self {
        let text = trouble.to_string();
        let hint = PAIR_AGAIN.to_owned();
        match trouble {
            PairingTrouble::Link(LinkError::Expired) => Self::Expired { text, hint },
            PairingTrouble::Link(LinkError::NotALink | LinkError::Broken) => Self::BadLink {
                text,
                hint: "Scan the code that `deputy pair` shows, or copy the whole link.".to_owned(),
            },
            PairingTrouble::Link(LinkError::Newer) => Self::BadLink {
                text,
                hint: UPDATE.to_owned(),
            },
            PairingTrouble::Unreachable(_) => Self::Unreachable {
                text,
                hint: "Check this device's network, and that the agent's computer is on and online. If the link was used before or is older than some minutes, show a new one with `deputy pair`.".to_owned(),
            },
            PairingTrouble::NotTaken => Self::NotTaken { text, hint },
            PairingTrouble::Refused => Self::Refused { text, hint },
            PairingTrouble::OtherVersion => Self::OtherVersion {
                text,
                hint: UPDATE.to_owned(),
            },
            PairingTrouble::NoRandomness => Self::Platform {
                text,
                hint: TRY_AGAIN.to_owned(),
            },
            PairingTrouble::Broken(_) => Self::Broken { text, hint },
        }
    }
}

impl From<io::Error> for PairingError {
    fn from(error: io::Error) -> Self {
        Self::Platform {
            text: format!("This device gives the app no threads: {error}. Nothing was paired."),
            hint: TRY_AGAIN.to_owned(),
        }
    }
}
