//! A case as its file has it. `{{http}}` and `{{host}}` are the web server that the contract names,
//! `{{other}}` and `{{other_host}}` one that it does not.

use deputy_model_server::Line;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it shows, a sentence.
    pub(crate) name: String,
    /// Whose wire format the model speaks.
    #[serde(default = "anthropic")]
    pub(crate) provider: String,
    /// No model at all.
    #[serde(default)]
    pub(crate) no_model: bool,
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, Value>,
    pub(crate) contract: Value,
    pub(crate) script: String,
    pub(crate) steps: Vec<CaseStep>,
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

/// One thing that happens, and what must come of it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CaseStep {
    /// Pages that change before it: path, text.
    pub(crate) pages: BTreeMap<String, String>,
    /// `automation run`, and what is waited for is its end.
    pub(crate) run: bool,
    /// `need answer ITEM CHOICE`, for the newest open item; the latest run is then waited for.
    pub(crate) answer: Option<String>,
    /// `chat AUTOMATION TEXT`.
    pub(crate) say: Option<String>,
    /// The agent is killed when the model was asked so often in this step, and started again.
    pub(crate) crash_at: Option<usize>,
    /// The automation is paused when the model was asked so often in this step.
    pub(crate) pause_at: Option<usize>,
    /// The automation is archived when the model was asked so often in this step.
    pub(crate) archive_at: Option<usize>,
    /// The run is cancelled when the model was asked so often in this step.
    pub(crate) cancel_at: Option<usize>,
    /// What the model says in this step.
    pub(crate) model: Vec<Line>,
    pub(crate) then: Then,
}

/// What must come of a step; what is absent does not matter.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Then {
    /// The latest run's state.
    pub(crate) state: Option<String>,
    pub(crate) waiting_for: Option<String>,
    pub(crate) failure_class: Option<String>,
    /// How often each effect arrived at the server so far: the last part of its path, times.
    pub(crate) out: Option<BTreeMap<String, u64>>,
    /// The kinds of the open items.
    pub(crate) needs: Option<Vec<String>>,
    /// What the newest open item contains.
    pub(crate) need_says: Vec<String>,
    /// The automation's script and contract versions.
    pub(crate) script_version: Option<u32>,
    pub(crate) contract_version: Option<u32>,
    /// The automation's state.
    pub(crate) automation: Option<String>,
    /// Events that the latest run has (in this order, among others), and has not.
    pub(crate) events: Vec<String>,
    pub(crate) no_events: Vec<String>,
    /// What the chat contains.
    pub(crate) chat_says: Vec<String>,
    /// How often the model was asked in all.
    pub(crate) asked: Option<usize>,
}
