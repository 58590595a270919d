//! Action-needed items.

use crate::automations::ContractDiff;
use crate::plain::{Json, Time, words};
use serde::{Deserialize, Serialize};

words! {
    /// What kind of human action an item asks for.
    NeedKind {
        /// Authorise a connection again.
        Auth = "auth",
        /// Allow a call, or not.
        Permission = "permission",
        /// Approve an effect, or not.
        Approval = "approval",
        /// Say whether an effect happened.
        InDoubt = "in_doubt",
        /// Restore what the contract assumes.
        Precondition = "precondition",
        /// A script failed and cannot be repaired here.
        Logic = "logic",
        /// A limit or a budget was exceeded.
        Limit = "limit",
        /// Something nobody can classify.
        Unknown = "unknown",
        /// A run crashed its process again and again.
        Poison = "poison",
        /// A repair would need a wider contract.
        ContractChange = "contract_change",
        /// The planner asks.
        Question = "question",
        /// A due time passed and nothing ran.
        Stalled = "stalled",
        /// A copy of the data was put back: go on from it, or not.
        Restored = "restored",
    }
}

words! {
    /// The state of an item.
    NeedState {
        /// It waits for a person.
        Open = "open",
        /// A person has answered.
        Answered = "answered",
        /// It is not needed any more.
        Withdrawn = "withdrawn",
    }
}

/// An action-needed item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
#[serde(from = "Item")]
pub struct Need {
    /// E.g. `n4`.
    pub id: String,
    /// What kind of action.
    pub kind: NeedKind,
    /// A sentence.
    pub title: String,
    /// The automation, if it belongs to one.
    pub automation: Option<String>,
    /// The run that waits for it, if one does.
    pub run: Option<String>,
    /// Whether it is open.
    pub state: NeedState,
    /// What can be answered; for a question, `answer` with a note as well.
    pub choices: Vec<Choice>,
    /// What went wrong or was refused, in words; from `detail`.
    #[serde(skip_serializing)]
    pub because: Option<String>,
    /// The exact call that it is about; from `detail`.
    #[serde(skip_serializing)]
    pub call: Option<Call>,
    /// What becomes wider if the answer is for always; from `detail`.
    #[serde(skip_serializing)]
    pub always: Option<ContractDiff>,
    /// How the contract would change; from `detail`.
    #[serde(skip_serializing)]
    pub diff: Option<ContractDiff>,
    /// Exactly what was asked, or what was seen.
    pub detail: Json,
    /// The answer, once given.
    pub answer: Option<String>,
    /// Who answered: `device d1`, or `cli`.
    pub answered_by: Option<String>,
    /// When it was opened.
    pub created_at: Time,
}

/// A call of a tool that a person decides about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, uniffi::Record)]
pub struct Call {
    /// `namespace.operation`.
    pub tool: String,
    /// What it would do, made by the host from the call.
    #[serde(default)]
    pub title: String,
    /// Its arguments, redacted.
    #[serde(default = "null")]
    pub args: Json,
}

/// A possible answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct Choice {
    /// What `NeedAnswer` takes.
    pub id: String,
    /// What it means.
    pub label: String,
}

/// As the agent says it.
#[derive(Deserialize)]
struct Item {
    id: String,
    kind: NeedKind,
    title: String,
    automation: Option<String>,
    run: Option<String>,
    state: NeedState,
    choices: Vec<Choice>,
    detail: Json,
    answer: Option<String>,
    answered_by: Option<String>,
    created_at: Time,
}

fn null() -> Json {
    Json(serde_json::Value::Null)
}

/// A part of a detail, if it is there and of this form.
fn part<T: serde::de::DeserializeOwned>(detail: &Json, name: &str) -> Option<T> {
    serde_json::from_value(detail.0.get(name)?.clone()).ok()
}

impl From<Item> for Need {
    fn from(item: Item) -> Self {
        let detail = item.detail;
        let reasons = [
            "/rule/message",
            "/refused/message",
            "/failure/message",
            "/message",
            "/because",
        ];
        Self {
            id: item.id,
            kind: item.kind,
            title: item.title,
            automation: item.automation,
            run: item.run,
            state: item.state,
            choices: item.choices,
            because: reasons.iter().find_map(|path| detail.text(path)),
            call: part(&detail, "call"),
            always: part(&detail, "always"),
            diff: part(&detail, "diff"),
            detail,
            answer: item.answer,
            answered_by: item.answered_by,
            created_at: item.created_at,
        }
    }
}
