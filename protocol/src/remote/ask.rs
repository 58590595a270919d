//! The questions and commands of a device.

use crate::control::Request;
use crate::push::{PushTarget, Quiet};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What a device must have to ask something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// See what there is.
    View,
    /// Start, pause and stop what was accepted before.
    Control,
    /// Say what should happen, accept proposals, answer what needs a person.
    Approve,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::View, Self::Control, Self::Approve];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Control => "control",
            Self::Approve => "approve",
        }
    }

    /// From how it is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == text)
    }
}

/// The rights of a device, none of which comes with another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<Right>")]
pub struct Rights {
    view: bool,
    control: bool,
    approve: bool,
}

impl Rights {
    /// All rights.
    pub const ALL: Self = Self {
        view: true,
        control: true,
        approve: true,
    };

    /// These.
    pub fn of(rights: impl IntoIterator<Item = Right>) -> Self {
        rights.into_iter().fold(Self::default(), |mut all, right| {
            match right {
                Right::View => all.view = true,
                Right::Control => all.control = true,
                Right::Approve => all.approve = true,
            }
            all
        })
    }

    /// Whether a right is among them.
    pub fn has(self, right: Right) -> bool {
        match right {
            Right::View => self.view,
            Right::Control => self.control,
            Right::Approve => self.approve,
        }
    }
}

impl From<Vec<String>> for Rights {
    /// A right that this build does not know is one that the device does not have.
    fn from(names: Vec<String>) -> Self {
        Self::of(names.iter().filter_map(|name| Right::parse(name)))
    }
}

impl From<Rights> for Vec<Right> {
    fn from(rights: Rights) -> Self {
        Right::ALL
            .into_iter()
            .filter(|right| rights.has(*right))
            .collect()
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Vec::from(*self).into_iter().map(Right::as_str).collect();
        f.write_str(&names.join(","))
    }
}

/// What a device can ask for. What is not here cannot be asked from afar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// What runs.
    Status,
    /// Action-needed items.
    Needs {
        /// Settled ones too.
        #[serde(default)]
        all: bool,
    },
    /// One item.
    Need {
        /// Its id.
        item: String,
    },
    /// The conversation.
    Chat {
        /// Whose; the general one with everything when absent.
        #[serde(default)]
        automation: Option<String>,
        /// Only what came after this sequence number.
        #[serde(default)]
        after: i64,
        /// At most so many, the latest.
        limit: u32,
    },
    /// All automations that are not archived, or all.
    Automations {
        /// Archived ones too.
        #[serde(default)]
        archived: bool,
    },
    /// One automation, with its contract in plain words.
    Automation {
        /// Its id.
        automation: String,
    },
    /// A contract version.
    Contract {
        /// The automation.
        automation: String,
        /// Which; the active one when absent.
        #[serde(default)]
        version: Option<u32>,
    },
    /// What changed between two contract versions.
    ContractDiff {
        /// The automation.
        automation: String,
        /// The older.
        from: u32,
        /// The newer.
        to: u32,
    },
    /// One proposal.
    Proposal {
        /// Its id.
        proposal: String,
    },
    /// Runs, newest first.
    Runs {
        /// Of one automation.
        #[serde(default)]
        automation: Option<String>,
        /// In one state.
        #[serde(default)]
        state: Option<String>,
        /// Only those that are older than this run: its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// One run with its timeline.
    Run {
        /// Its id.
        run: String,
    },
    /// What came in, newest first.
    Inputs {
        /// Of one automation.
        #[serde(default)]
        automation: Option<String>,
        /// In one state.
        #[serde(default)]
        state: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// One input and what it led to.
    Input {
        /// Its id.
        input: String,
    },
    /// What went out, newest first.
    Outputs {
        /// Of one automation.
        #[serde(default)]
        automation: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// Costs.
    Costs {
        /// `automation`, `run`, `tool`, `connection` or `model`.
        by: String,
        /// Only since this many milliseconds ago.
        #[serde(default)]
        since_ms: Option<i64>,
    },
    /// All connections, without their secrets.
    Connections,
    /// All devices.
    Devices,
    /// The key by which a browser's push service knows this agent.
    PushKey,
    /// This device wants pushes, in place of what it wanted before.
    PushSubscribe {
        /// Where it is reached.
        target: PushTarget,
        /// When not.
        #[serde(default)]
        quiet: Option<Quiet>,
    },
    /// This device wants no pushes.
    PushUnsubscribe,
    /// This device wants to see whether pushes come through.
    PushTest,

    /// Rests an automation's triggers.
    AutomationPause {
        /// Its id.
        automation: String,
    },
    /// Wakes them again.
    AutomationResume {
        /// Its id.
        automation: String,
    },
    /// Ends an automation, keeping its history.
    AutomationArchive {
        /// Its id.
        automation: String,
    },
    /// Starts a run now.
    AutomationRun {
        /// Its id.
        automation: String,
    },
    /// Ends a run.
    RunCancel {
        /// Its id.
        run: String,
    },
    /// Nothing is to be done with an input.
    InputSkip {
        /// Its id.
        input: String,
    },

    /// A message that creates or changes an automation. Its proposal is accepted by another question.
    Say {
        /// The user's words.
        text: String,
        /// The automation to change; a new one when absent.
        #[serde(default)]
        automation: Option<String>,
        /// IANA zone of the user.
        #[serde(default)]
        timezone: Option<String>,
    },
    /// Accepts a proposal.
    ProposalAccept {
        /// Its id.
        proposal: String,
        /// Doubts that are confirmed.
        #[serde(default)]
        confirm: Vec<String>,
    },
    /// Declines a proposal, or calls planning off.
    ProposalDecline {
        /// Its id, or the task's.
        proposal: String,
    },
    /// Answers an item.
    NeedAnswer {
        /// Its id.
        item: String,
        /// The id of a choice.
        choice: String,
        /// A remark for the record, or the answer to a question.
        #[serde(default)]
        note: Option<String>,
    },
    /// Processes an input again.
    InputAgain {
        /// Its id.
        input: String,
        /// Do its effects again too.
        #[serde(default)]
        effects_again: bool,
    },
}

impl Ask {
    /// The right that it needs.
    pub fn right(&self) -> Right {
        match self {
            Self::Status
            | Self::Needs { .. }
            | Self::Need { .. }
            | Self::Chat { .. }
            | Self::Automations { .. }
            | Self::Automation { .. }
            | Self::Contract { .. }
            | Self::ContractDiff { .. }
            | Self::Proposal { .. }
            | Self::Runs { .. }
            | Self::Run { .. }
            | Self::Inputs { .. }
            | Self::Input { .. }
            | Self::Outputs { .. }
            | Self::Costs { .. }
            | Self::Connections
            | Self::Devices
            | Self::PushKey
            | Self::PushSubscribe { .. }
            | Self::PushUnsubscribe
            | Self::PushTest => Right::View,
            Self::AutomationPause { .. }
            | Self::AutomationResume { .. }
            | Self::AutomationArchive { .. }
            | Self::AutomationRun { .. }
            | Self::RunCancel { .. }
            | Self::InputSkip { .. } => Right::Control,
            Self::Say { .. }
            | Self::ProposalAccept { .. }
            | Self::ProposalDecline { .. }
            | Self::NeedAnswer { .. }
            | Self::InputAgain { .. } => Right::Approve,
        }
    }

    /// Whether it changes something that others see: then it is applied at most once for its id. What
    /// a device says of itself only sets what is so, and may be said again.
    pub fn is_command(&self) -> bool {
        self.right() != Right::View
    }

    /// The control request that it is.
    pub fn into_request(self) -> Request {
        match self {
            Self::Status => Request::Status,
            Self::Needs { all } => Request::Needs { all },
            Self::Need { item } => Request::NeedShow { item },
            Self::Chat {
                automation,
                after,
                limit,
            } => Request::Chat {
                automation,
                after,
                limit,
            },
            Self::Automations { archived } => Request::Automations { archived },
            Self::Automation { automation } => Request::AutomationShow { automation },
            Self::Contract {
                automation,
                version,
            } => Request::ContractShow {
                automation,
                version,
            },
            Self::ContractDiff {
                automation,
                from,
                to,
            } => Request::ContractDiff {
                automation,
                from,
                to,
            },
            Self::Proposal { proposal } => Request::ProposalShow { proposal },
            Self::Runs {
                automation,
                state,
                before,
                limit,
            } => Request::Runs {
                automation,
                state,
                before,
                limit,
            },
            Self::Run { run } => Request::RunShow { run },
            Self::Inputs {
                automation,
                state,
                limit,
            } => Request::Inputs {
                automation,
                state,
                limit,
            },
            Self::Input { input } => Request::InputShow { input },
            Self::Outputs { automation, limit } => Request::Outputs { automation, limit },
            Self::Costs { by, since_ms } => Request::Costs { by, since_ms },
            Self::Connections => Request::Connections,
            Self::Devices => Request::Devices,
            Self::PushKey => Request::PushKey,
            Self::PushSubscribe { target, quiet } => Request::PushSubscribe {
                device: None,
                target,
                quiet,
            },
            Self::PushUnsubscribe => Request::PushUnsubscribe { device: None },
            Self::PushTest => Request::PushTest { device: None },
            Self::AutomationPause { automation } => Request::AutomationPause { automation },
            Self::AutomationResume { automation } => Request::AutomationResume { automation },
            Self::AutomationArchive { automation } => Request::AutomationArchive { automation },
            Self::AutomationRun { automation } => Request::AutomationRun {
                automation,
                input: None,
                wait: false,
            },
            Self::RunCancel { run } => Request::RunCancel { run },
            Self::InputSkip { input } => Request::InputSkip { input },
            Self::Say {
                text,
                automation,
                timezone,
            } => Request::Delegate {
                text,
                automation,
                accept: false,
                timezone,
            },
            Self::ProposalAccept { proposal, confirm } => {
                Request::ProposalAccept { proposal, confirm }
            }
            Self::ProposalDecline { proposal } => Request::ProposalDecline { proposal },
            Self::NeedAnswer { item, choice, note } => Request::NeedAnswer { item, choice, note },
            Self::InputAgain {
                input,
                effects_again,
            } => Request::InputAgain {
                input,
                effects_again,
            },
        }
    }

    /// The question that a control request is; `None` when it cannot be asked from afar.
    pub fn from_request(request: Request) -> Option<Self> {
        Some(match request {
            Request::Status => Self::Status,
            Request::Needs { all } => Self::Needs { all },
            Request::NeedShow { item } => Self::Need { item },
            Request::Chat {
                automation,
                after,
                limit,
            } => Self::Chat {
                automation,
                after,
                limit,
            },
            Request::Automations { archived } => Self::Automations { archived },
            Request::AutomationShow { automation } => Self::Automation { automation },
            Request::ContractShow {
                automation,
                version,
            } => Self::Contract {
                automation,
                version,
            },
            Request::ContractDiff {
                automation,
                from,
                to,
            } => Self::ContractDiff {
                automation,
                from,
                to,
            },
            Request::ProposalShow { proposal } => Self::Proposal { proposal },
            Request::Runs {
                automation,
                state,
                before,
                limit,
            } => Self::Runs {
                automation,
                state,
                before,
                limit,
            },
            Request::RunShow { run } => Self::Run { run },
            Request::Inputs {
                automation,
                state,
                limit,
            } => Self::Inputs {
                automation,
                state,
                limit,
            },
            Request::InputShow { input } => Self::Input { input },
            Request::Outputs { automation, limit } => Self::Outputs { automation, limit },
            Request::Costs { by, since_ms } => Self::Costs { by, since_ms },
            Request::Connections => Self::Connections,
            Request::Devices => Self::Devices,
            Request::PushKey => Self::PushKey,
            Request::PushSubscribe {
                device: None,
                target,
                quiet,
            } => Self::PushSubscribe { target, quiet },
            Request::PushUnsubscribe { device: None } => Self::PushUnsubscribe,
            Request::PushTest { device: None } => Self::PushTest,
            Request::AutomationPause { automation } => Self::AutomationPause { automation },
            Request::AutomationResume { automation } => Self::AutomationResume { automation },
            Request::AutomationArchive { automation } => Self::AutomationArchive { automation },
            Request::AutomationRun {
                automation,
                input: None,
                ..
            } => Self::AutomationRun { automation },
            Request::RunCancel { run } => Self::RunCancel { run },
            Request::InputSkip { input } => Self::InputSkip { input },
            Request::Delegate {
                text,
                automation,
                accept: false,
                timezone,
            } => Self::Say {
                text,
                automation,
                timezone,
            },
            Request::ProposalAccept { proposal, confirm } => {
                Self::ProposalAccept { proposal, confirm }
            }
            Request::ProposalDecline { proposal } => Self::ProposalDecline { proposal },
            Request::NeedAnswer { item, choice, note } => Self::NeedAnswer { item, choice, note },
            Request::InputAgain {
                input,
                effects_again,
            } => Self::InputAgain {
                input,
                effects_again,
            },
            _ => return None,
        })
    }

    /// Reads one; `None` when this build does not know it.
    pub fn from_value(value: Value) -> Option<Self> {
        serde_json::from_value(value).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_right_that_is_not_known_is_none() {
        let rights: Rights = serde_json::from_value(json!(["view", "own_everything"])).unwrap();
        assert!(rights.has(Right::View) && !rights.has(Right::Control));
        assert_eq!(
            serde_json::to_value(Rights::ALL).unwrap(),
            json!(["view", "control", "approve"])
        );
        assert_eq!(
            Rights::of([Right::View, Right::Approve]).to_string(),
            "view,approve"
        );
    }

    #[test]
    fn what_is_not_on_the_list_cannot_be_asked() {
        for other in [
            json!({"ask": "install", "bundle": {}}),
            json!({"ask": "config_set", "key": "k", "value": 1}),
            json!({"ask": "connect", "kind": "mail", "name": "m", "config": {}, "secret": "s"}),
            json!({"ask": "model_set"}),
            json!({"ask": "vault_show"}),
            json!({"ask": "export", "automation": "a1"}),
            json!({"ask": "backup", "file": "/tmp/x"}),
            json!({"method": "stop"}),
            json!({}),
        ] {
            assert_eq!(Ask::from_value(other.clone()), None, "{other}");
        }
        let known = json!({"ask": "runs", "limit": 5, "of_a_newer_version": true});
        let ask = Ask::from_value(known).unwrap();
        assert_eq!(ask.right(), Right::View);
        assert!(!ask.is_command());
    }
}
