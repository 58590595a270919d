//! All that can be asked.

use deputy_protocol::remote::Ask;

/// A question. It needs the right `view` and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Question {
    /// What runs.
    Status,
    /// Action-needed items.
    Needs {
        /// Settled ones too.
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
        automation: Option<String>,
        /// Only what came after this sequence number; 0 for all.
        after: i64,
        /// At most so many, the latest.
        limit: u32,
    },
    /// Automations.
    Automations {
        /// Archived ones too.
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
        version: Option<u32>,
    },
    /// What changed between two contract versions.
    ContractDiff {
        /// The automation.
        automation: String,
        /// The older version.
        older: u32,
        /// The newer.
        newer: u32,
    },
    /// One proposal.
    Proposal {
        /// Its id.
        proposal: String,
    },
    /// Runs, newest first.
    Runs {
        /// Of one automation.
        automation: Option<String>,
        /// In one state, by the agent's word, e.g. `waiting`.
        state: Option<String>,
        /// Only those that began before this one: the next of a long list.
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
        automation: Option<String>,
        /// In one state, by the agent's word, e.g. `pending`.
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
        automation: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// Costs.
    Costs {
        /// `automation`, `run`, `tool`, `connection` or `model`.
        by: String,
        /// Only since this many milliseconds ago.
        since_ms: Option<i64>,
    },
    /// All connections, without their secrets.
    Connections,
    /// All devices.
    Devices,
}

impl From<Question> for Ask {
    fn from(question: Question) -> Self {
        match question {
            Question::Status => Self::Status,
            Question::Needs { all } => Self::Needs { all },
            Question::Need { item } => Self::Need { item },
            Question::Chat {
                automation,
                after,
                limit,
            } => Self::Chat {
                automation,
                after,
                limit,
            },
            Question::Automations { archived } => Self::Automations { archived },
            Question::Automation { automation } => Self::Automation { automation },
            Question::Contract {
                automation,
                version,
            } => Self::Contract {
                automation,
                version,
            },
            Question::ContractDiff {
                automation,
                older,
                newer,
            } => Self::ContractDiff {
                automation,
                from: older,
                to: newer,
            },
            Question::Proposal { proposal } => Self::Proposal { proposal },
            Question::Runs {
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
            Question::Run { run } => Self::Run { run },
            Question::Inputs {
                automation,
                state,
                limit,
            } => Self::Inputs {
                automation,
                state,
                limit,
            },
            Question::Input { input } => Self::Input { input },
            Question::Outputs { automation, limit } => Self::Outputs { automation, limit },
            Question::Costs { by, since_ms } => Self::Costs { by, since_ms },
            Question::Connections => Self::Connections,
            Question::Devices => Self::Devices,
        }
    }
}

impl Question {
    /// The question that an ask is; `None` for a command.
    pub(crate) fn read(ask: Ask) -> Option<Self> {
        Some(match ask {
            Ask::Status => Self::Status,
            Ask::Needs { all } => Self::Needs { all },
            Ask::Need { item } => Self::Need { item },
            Ask::Chat {
                automation,
                after,
                limit,
            } => Self::Chat {
                automation,
                after,
                limit,
            },
            Ask::Automations { archived } => Self::Automations { archived },
            Ask::Automation { automation } => Self::Automation { automation },
            Ask::Contract {
                automation,
                version,
            } => Self::Contract {
                automation,
                version,
            },
            Ask::ContractDiff {
                automation,
                from,
                to,
            } => Self::ContractDiff {
                automation,
                older: from,
                newer: to,
            },
            Ask::Proposal { proposal } => Self::Proposal { proposal },
            Ask::Runs {
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
            Ask::Run { run } => Self::Run { run },
            Ask::Inputs {
                automation,
                state,
                limit,
            } => Self::Inputs {
                automation,
                state,
                limit,
            },
            Ask::Input { input } => Self::Input { input },
            Ask::Outputs { automation, limit } => Self::Outputs { automation, limit },
            Ask::Costs { by, since_ms } => Self::Costs { by, since_ms },
            Ask::Connections => Self::Connections,
            Ask::Devices => Self::Devices,
            // By methods of their own: nobody keeps what they say in view.
            Ask::PushKey
            | Ask::PushSubscribe { .. }
            | Ask::PushUnsubscribe
            | Ask::PushTest
            | Ask::AutomationPause { .. }
            | Ask::AutomationResume { .. }
            | Ask::AutomationArchive { .. }
            | Ask::AutomationRun { .. }
            | Ask::RunCancel { .. }
            | Ask::InputSkip { .. }
            | Ask::Say { .. }
            | Ask::ProposalAccept { .. }
            | Ask::ProposalDecline { .. }
            | Ask::NeedAnswer { .. }
            | Ask::InputAgain { .. } => return None,
        })
    }
}
