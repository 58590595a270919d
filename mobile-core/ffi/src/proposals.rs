//! What delegating leads to.

use crate::automations::{Clause, ContractDiff};
use crate::plain::{Json, words};
use serde::{Deserialize, Serialize};

words! {
    /// Where a proposal stands.
    ProposalState {
        /// It waits for the user.
        Proposed = "proposed",
        /// It was accepted.
        Accepted = "accepted",
        /// It was declined.
        Declined = "declined",
        /// Something must be answered first.
        Question = "question",
    }
}

words! {
    /// How a dry run went.
    PreviewState {
        /// To its end.
        Ok = "ok",
        /// It failed.
        Failed = "failed",
        /// There was none.
        Absent = "none",
    }
}

/// What a delegation leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct Proposal {
    /// E.g. `p5`; for a question the task's, e.g. `t6`, which `ProposalDecline` takes.
    pub id: String,
    /// The automation it creates or changes.
    pub automation: String,
    /// The automation's name.
    pub name: String,
    /// Where it stands.
    pub state: ProposalState,
    /// The contract; null for a question.
    pub contract: Json,
    /// The contract in plain words.
    pub plain_words: Vec<Clause>,
    /// What the dry run did.
    pub preview: Preview,
    /// What must be confirmed one by one.
    pub doubts: Vec<Doubt>,
    /// What changes against the present contract; absent for a new automation.
    pub diff: Option<ContractDiff>,
    /// A question that must be answered before there is a proposal.
    pub question: Option<PlannerQuestion>,
}

/// Something in a contract that the user must confirm by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct Doubt {
    /// What `ProposalAccept` takes.
    pub id: String,
    /// What is doubtful and why.
    pub message: String,
}

/// A question to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct PlannerQuestion {
    /// The question.
    pub question: String,
    /// Possible answers, if they are few.
    pub choices: Vec<String>,
    /// The action-needed item that takes the answer.
    #[serde(default)]
    pub item: Option<String>,
}

/// What a dry run did: reads are real, effects simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct Preview {
    /// How it went.
    pub state: PreviewState,
    /// Effects that a run would have had.
    pub effects: Vec<PreviewEffect>,
    /// What was read.
    pub reads: Vec<String>,
    /// What the script returned.
    pub result: Json,
    /// Why it failed; absent when it did not.
    pub error: Option<String>,
    /// The failure's stable code, e.g. `syntax`.
    #[serde(default)]
    pub error_code: Option<String>,
}

/// A simulated effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct PreviewEffect {
    /// `namespace.operation`.
    pub tool: String,
    /// What it would do.
    pub title: String,
    /// Its arguments, redacted.
    pub args: Json,
}
