//! The questions by name. Each waits up to 30 s; [`Agent::ask`] takes another patience.

use crate::agent::Agent;
use crate::automations::{Automation, AutomationDetail, ContractDiff, ContractVersion};
use crate::chat::ChatLine;
use crate::error::AgentError;
use crate::inputs::{Input, InputDetail, Output};
use crate::needs::Need;
use crate::proposals::Proposal;
use crate::questions::Question;
use crate::runs::{Run, RunDetail};
use crate::status::{Connection, CostLine, Device, Status};

#[uniffi::export]
impl Agent {
    /// What runs.
    pub async fn status(&self) -> Result<Status, AgentError> {
        self.typed(Question::Status, "status").await
    }

    /// Action-needed items: the open ones, or all.
    pub async fn needs(&self, all: bool) -> Result<Vec<Need>, AgentError> {
        self.typed(Question::Needs { all }, "needs").await
    }

    /// One item.
    pub async fn need(&self, item: String) -> Result<Need, AgentError> {
        self.typed(Question::Need { item }, "need").await
    }

    /// The conversation: an automation's, or the general one with everything; only what came after a
    /// sequence number; at most so many lines, the latest.
    pub async fn chat(
        &self,
        automation: Option<String>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<ChatLine>, AgentError> {
        let question = Question::Chat {
            automation,
            after,
            limit,
        };
        self.typed(question, "chat").await
    }

    /// Automations, archived ones too or not.
    pub async fn automations(&self, archived: bool) -> Result<Vec<Automation>, AgentError> {
        let question = Question::Automations { archived };
        self.typed(question, "automations").await
    }

    /// One automation, with its contract in plain words.
    pub async fn automation(&self, automation: String) -> Result<AutomationDetail, AgentError> {
        let question = Question::Automation { automation };
        self.typed(question, "automation").await
    }

    /// A contract version; the active one when none is named.
    pub async fn contract(
        &self,
        automation: String,
        version: Option<u32>,
    ) -> Result<ContractVersion, AgentError> {
        let question = Question::Contract {
            automation,
            version,
        };
        self.typed(question, "contract").await
    }

    /// What changed between two contract versions.
    pub async fn contract_diff(
        &self,
        automation: String,
        older: u32,
        newer: u32,
    ) -> Result<ContractDiff, AgentError> {
        let question = Question::ContractDiff {
            automation,
            older,
            newer,
        };
        self.typed(question, "contract_diff").await
    }

    /// One proposal.
    pub async fn proposal(&self, proposal: String) -> Result<Proposal, AgentError> {
        let question = Question::Proposal { proposal };
        self.typed(question, "proposal").await
    }

    /// Runs, newest first: of one automation, in one state (the agent's word), at most so many.
    pub async fn runs(
        &self,
        automation: Option<String>,
        state: Option<String>,
        limit: u32,
    ) -> Result<Vec<Run>, AgentError> {
        let question = Question::Runs {
            automation,
            state,
            before: None,
            limit,
        };
        self.typed(question, "runs").await
    }

    /// One run with its timeline.
    pub async fn run(&self, run: String) -> Result<RunDetail, AgentError> {
        self.typed(Question::Run { run }, "run_detail").await
    }

    /// What came in, newest first: for one automation, in one state (the agent's word), at most so
    /// many.
    pub async fn inputs(
        &self,
        automation: Option<String>,
        state: Option<String>,
        limit: u32,
    ) -> Result<Vec<Input>, AgentError> {
        let question = Question::Inputs {
            automation,
            state,
            limit,
        };
        self.typed(question, "inputs").await
    }

    /// One input and what it led to.
    pub async fn input(&self, input: String) -> Result<InputDetail, AgentError> {
        self.typed(Question::Input { input }, "input").await
    }

    /// What went out, newest first: of one automation, at most so many.
    pub async fn outputs(
        &self,
        automation: Option<String>,
        limit: u32,
    ) -> Result<Vec<Output>, AgentError> {
        let question = Question::Outputs { automation, limit };
        self.typed(question, "outputs").await
    }

    /// Costs by `automation`, `run`, `tool`, `connection` or `model`, since so many milliseconds ago or
    /// from the beginning.
    pub async fn costs(
        &self,
        by: String,
        since_ms: Option<i64>,
    ) -> Result<Vec<CostLine>, AgentError> {
        self.typed(Question::Costs { by, since_ms }, "costs").await
    }

    /// All connections, without their secrets.
    pub async fn connections(&self) -> Result<Vec<Connection>, AgentError> {
        self.typed(Question::Connections, "connections").await
    }

    /// All devices.
    pub async fn devices(&self) -> Result<Vec<Device>, AgentError> {
        self.typed(Question::Devices, "devices").await
    }
}
