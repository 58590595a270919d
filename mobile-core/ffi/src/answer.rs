//! What the agent answers, and what is kept of it to be seen.

use crate::automations::{Automation, AutomationDetail, ContractDiff, ContractVersion};
use crate::chat::ChatLine;
use crate::error::AgentError;
use crate::inputs::{Input, InputDetail, Output};
use crate::needs::Need;
use crate::plain::{Json, Time};
use crate::proposals::Proposal;
use crate::runs::{Run, RunDetail};
use crate::status::{Connection, CostLine, Device, Done, Status};
use deputy_mobile_core::client;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The kinds of answers, with the agent's word for each.
macro_rules! answers {
    ($($(#[$doc:meta])* $variant:ident($type:ty) = $kind:literal,)+) => {
        /// What the agent answers.
        #[derive(Clone, Debug, PartialEq, uniffi::Enum)]
        pub enum Answer {
            $($(#[$doc])* $variant($type),)+
            /// What only a newer agent says, as it says it.
            Other(Json),
        }

        impl Answer {
            /// From what the agent says.
            pub(crate) fn read(answer: Value) -> Result<Self, AgentError> {
                match answer["type"].as_str() {
                    $(Some($kind) => content(answer, $kind).map(Self::$variant),)+
                    _ => Ok(Self::Other(Json(answer))),
                }
            }
        }
    };
}

answers! {
    /// To `Status`.
    StatusNow(Status) = "status",
    /// To `Needs`.
    Needs(Vec<Need>) = "needs",
    /// To `Need` and `NeedAnswer`.
    OneNeed(Need) = "need",
    /// To `Chat`.
    Chat(Vec<ChatLine>) = "chat",
    /// To `Automations`.
    Automations(Vec<Automation>) = "automations",
    /// To `Automation`.
    OneAutomation(AutomationDetail) = "automation",
    /// To `AutomationPause`, `AutomationResume`, `AutomationArchive`.
    AutomationChanged(Automation) = "automation_changed",
    /// To `Contract`.
    Contract(ContractVersion) = "contract",
    /// To `ContractDiff`.
    ContractChanges(ContractDiff) = "contract_diff",
    /// To `Proposal`, `Say`, `ProposalAccept`, `ProposalDecline`.
    OneProposal(Proposal) = "proposal",
    /// To `Runs`.
    Runs(Vec<Run>) = "runs",
    /// To `Run`.
    OneRun(RunDetail) = "run_detail",
    /// To `AutomationRun` and `RunCancel`.
    RunChanged(Run) = "run",
    /// To `Inputs`.
    Inputs(Vec<Input>) = "inputs",
    /// To `Input`, `InputSkip`, `InputAgain`.
    OneInput(InputDetail) = "input",
    /// To `Outputs`.
    Outputs(Vec<Output>) = "outputs",
    /// To `Costs`.
    Costs(Vec<CostLine>) = "costs",
    /// To `Connections`.
    Connections(Vec<Connection>) = "connections",
    /// To `Devices`.
    Devices(Vec<Device>) = "devices",
    /// To what has no thing of its own, like calling planning off.
    Finished(Done) = "done",
}

/// What an answer of this kind says.
pub(crate) fn content<T: DeserializeOwned>(mut answer: Value, kind: &str) -> Result<T, AgentError> {
    if answer["type"] != kind {
        let why = format!("it is of the kind {} where {kind} was due", answer["type"]);
        return Err(AgentError::unreadable(&why));
    }
    serde_json::from_value(answer["value"].take())
        .map_err(|e| AgentError::unreadable(&e.to_string()))
}

/// The answer at hand to a question that is or was watched.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct View {
    /// The last answer; nothing when there never was one.
    pub answer: Option<Answer>,
    /// Why there is no newer one; nothing when the last question was answered.
    pub trouble: Option<String>,
    /// When the answer was given.
    pub as_of: Option<Time>,
    /// Whether it was asked over the present line and nothing has happened since. That this alone is
    /// different is not told.
    pub is_fresh: bool,
}

impl View {
    pub(crate) fn read(view: client::View) -> Result<Self, AgentError> {
        Ok(Self {
            is_fresh: view.is_fresh(),
            answer: view.answer.map(Answer::read).transpose()?,
            trouble: view.trouble,
            as_of: view.as_of_ms.map(Time::from_ms),
        })
    }
}
