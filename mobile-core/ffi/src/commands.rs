//! All that can be done, and where it stands.

use crate::answer::Answer;
use crate::plain::{Json, Time};
use deputy_mobile_core::client;
use deputy_protocol::ErrorBody;
use deputy_protocol::remote::Ask;
use serde_json::Value;

/// Something that a command does.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Act {
    /// Rests an automation's triggers. Needs the right `control`.
    AutomationPause {
        /// Its id.
        automation: String,
    },
    /// Wakes them again. Needs `control`.
    AutomationResume {
        /// Its id.
        automation: String,
    },
    /// Ends an automation, keeping its history. Needs `control`.
    AutomationArchive {
        /// Its id.
        automation: String,
    },
    /// Starts a run now. Needs `control`.
    AutomationRun {
        /// The automation's id.
        automation: String,
    },
    /// Ends a run. Needs `control`.
    RunCancel {
        /// Its id.
        run: String,
    },
    /// Nothing is to be done with an input. Needs `control`.
    InputSkip {
        /// Its id.
        input: String,
    },
    /// A message that creates or changes an automation; what comes of it is a proposal, which takes a
    /// model some minutes. Needs `approve`.
    Say {
        /// The user's words.
        text: String,
        /// The automation to change; a new one when absent.
        automation: Option<String>,
        /// IANA zone of the user.
        timezone: Option<String>,
    },
    /// Accepts a proposal. Needs `approve`.
    ProposalAccept {
        /// Its id.
        proposal: String,
        /// The ids of the doubts that the person confirmed one by one.
        confirm: Vec<String>,
    },
    /// Declines a proposal, or calls planning off. Needs `approve`.
    ProposalDecline {
        /// Its id, or the task's.
        proposal: String,
    },
    /// Answers an action-needed item. Needs `approve`.
    NeedAnswer {
        /// Its id.
        item: String,
        /// The id of a choice.
        choice: String,
        /// A remark for the record, or the answer to a question.
        note: Option<String>,
    },
    /// Processes an input again. Needs `approve`.
    InputAgain {
        /// Its id.
        input: String,
        /// Do its effects again too.
        effects_again: bool,
    },
}

/// A command that was given.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Command {
    /// Names it here and at the agent.
    pub id: String,
    /// What is to be done.
    pub act: Act,
    /// When the person said so.
    pub at: Time,
    /// When it was first sent.
    pub first_sent: Option<Time>,
    /// Where it stands.
    pub state: CommandState,
}

/// Where a command stands.
#[derive(Clone, Debug, PartialEq, uniffi::Enum)]
pub enum CommandState {
    /// Not sent yet: it can be withdrawn.
    Waiting,
    /// Sent, and not answered. Sent again when the line is back; applied once all the same.
    Sent,
    /// Applied.
    Applied {
        /// What the agent answered; nothing when that was lost.
        answer: Option<Answer>,
    },
    /// Not applied.
    Refused {
        /// Stable, for programs.
        code: String,
        /// What happened.
        text: String,
        /// What to do; empty when there is nothing.
        hint: String,
    },
    /// It was sent, and whether it was applied will not be known any more: look at what is there.
    Unknown {
        /// Stable, for programs.
        code: String,
        /// What happened.
        text: String,
        /// What to do; empty when there is nothing.
        hint: String,
    },
}

impl Command {
    /// `None` for what is no command, which the client does not keep as one.
    pub(crate) fn read(command: client::Command) -> Option<Self> {
        Some(Self {
            id: command.id,
            act: Act::read(command.ask)?,
            at: Time::from_ms(command.at_ms),
            first_sent: command.first_sent_ms.map(Time::from_ms),
            state: command.state.into(),
        })
    }
}

impl From<client::CommandState> for CommandState {
    fn from(state: client::CommandState) -> Self {
        match state {
            client::CommandState::Waiting => Self::Waiting,
            client::CommandState::Sent => Self::Sent,
            client::CommandState::Applied {
                answer: Value::Null,
            } => Self::Applied { answer: None },
            client::CommandState::Applied { answer } => Self::Applied {
                // It was applied, whether or not this version can read how.
                answer: Some(Answer::read(answer.clone()).unwrap_or(Answer::Other(Json(answer)))),
            },
            client::CommandState::Refused { error } => {
                let ErrorBody {
                    code,
                    message: text,
                    hint,
                } = error;
                Self::Refused { code, text, hint }
            }
            client::CommandState::Unknown { error } => {
                let ErrorBody {
                    code,
                    message: text,
                    hint,
                } = error;
                Self::Unknown { code, text, hint }
            }
        }
    }
}

impl From<Act> for Ask {
    fn from(act: Act) -> Self {
        match act {
            Act::AutomationPause { automation } => Self::AutomationPause { automation },
            Act::AutomationResume { automation } => Self::AutomationResume { automation },
            Act::AutomationArchive { automation } => Self::AutomationArchive { automation },
            Act::AutomationRun { automation } => Self::AutomationRun { automation },
            Act::RunCancel { run } => Self::RunCancel { run },
            Act::InputSkip { input } => Self::InputSkip { input },
            Act::Say {
                text,
                automation,
                timezone,
            } => Self::Say {
                text,
                automation,
                timezone,
            },
            Act::ProposalAccept { proposal, confirm } => Self::ProposalAccept { proposal, confirm },
            Act::ProposalDecline { proposal } => Self::ProposalDecline { proposal },
            Act::NeedAnswer { item, choice, note } => Self::NeedAnswer { item, choice, note },
            Act::InputAgain {
                input,
                effects_again,
            } => Self::InputAgain {
                input,
                effects_again,
            },
        }
    }
}

impl Act {
    /// What an ask does; `None` for a question.
    pub(crate) fn read(ask: Ask) -> Option<Self> {
        Some(match ask {
            Ask::AutomationPause { automation } => Self::AutomationPause { automation },
            Ask::AutomationResume { automation } => Self::AutomationResume { automation },
            Ask::AutomationArchive { automation } => Self::AutomationArchive { automation },
            Ask::AutomationRun { automation } => Self::AutomationRun { automation },
            Ask::RunCancel { run } => Self::RunCancel { run },
            Ask::InputSkip { input } => Self::InputSkip { input },
            Ask::Say {
                text,
                automation,
                timezone,
            } => Self::Say {
                text,
                automation,
                timezone,
            },
            Ask::ProposalAccept { proposal, confirm } => Self::ProposalAccept { proposal, confirm },
            Ask::ProposalDecline { proposal } => Self::ProposalDecline { proposal },
            Ask::NeedAnswer { item, choice, note } => Self::NeedAnswer { item, choice, note },
            Ask::InputAgain {
                input,
                effects_again,
            } => Self::InputAgain {
                input,
                effects_again,
            },
            Ask::Status
            | Ask::Needs { .. }
            | Ask::Need { .. }
            | Ask::Chat { .. }
            | Ask::Automations { .. }
            | Ask::Automation { .. }
            | Ask::Contract { .. }
            | Ask::ContractDiff { .. }
            | Ask::Proposal { .. }
            | Ask::Runs { .. }
            | Ask::Run { .. }
            | Ask::Inputs { .. }
            | Ask::Input { .. }
            | Ask::Outputs { .. }
            | Ask::Costs { .. }
            | Ask::Connections
            | Ask::Devices
            | Ask::PushKey
            | Ask::PushSubscribe { .. }
            | Ask::PushUnsubscribe
            | Ask::PushTest => return None,
        })
    }
}
