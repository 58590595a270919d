//! A case as its file has it. `{{http}}` and `{{host}}` are a web server that the user may name,
//! `{{other}}` and `{{other_host}}` one that nobody names, `{{dir}}` a folder of the case's own.

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
    /// Operations that no automation may use.
    #[serde(default)]
    pub(crate) denied: Vec<String>,
    /// Mail connections: name, the user's address.
    #[serde(default)]
    pub(crate) mail: BTreeMap<String, String>,
    /// What the named web server serves.
    #[serde(default)]
    pub(crate) pages: BTreeMap<String, ServedPage>,
    /// Files in `{{dir}}`.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) steps: Vec<CaseStep>,
    /// How often the other server is asked in all.
    #[serde(default)]
    pub(crate) other_hits: u64,
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum ServedPage {
    Html(String),
    Text(String),
    Feed(Vec<(String, String)>),
    Status(u16),
}

/// One thing that the user does, and what must come of it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CaseStep {
    /// `delegate TEXT`.
    pub(crate) say: Option<String>,
    /// To the automation of the case.
    pub(crate) to_it: bool,
    pub(crate) yes: bool,
    /// `need answer ITEM CHOICE`, for the newest open item.
    pub(crate) answer: Option<String>,
    pub(crate) note: Option<String>,
    /// `proposal accept`, with these doubts confirmed.
    pub(crate) accept: Option<Vec<String>>,
    /// `proposal decline`.
    pub(crate) decline: bool,
    /// `install`.
    pub(crate) install: Option<Value>,
    /// `automation run`.
    pub(crate) run: bool,
    /// The agent is killed when the model was asked so often in this step, and started again.
    pub(crate) crash_at: Option<usize>,
    /// The task is called off when the model was asked so often in this step.
    pub(crate) cancel_at: Option<usize>,
    /// What the model says in this step.
    pub(crate) model: Vec<Line>,
    pub(crate) then: Then,
}

/// What must come of a step; what is absent does not matter.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Then {
    pub(crate) exit: Option<i32>,
    /// A proposal's, run's or need's state.
    pub(crate) state: Option<String>,
    /// An error's code.
    pub(crate) error: Option<String>,
    /// What the error's or last reply's message contains.
    pub(crate) says: Option<String>,
    /// The ids of all doubts.
    pub(crate) doubts: Option<Vec<String>>,
    /// The question.
    pub(crate) question: Option<String>,
    /// The contract's capabilities, whole.
    pub(crate) capabilities: Option<Value>,
    /// Values at places of the contract (JSON pointers).
    pub(crate) contract: BTreeMap<String, Value>,
    /// The tools of the simulated effects, in order.
    pub(crate) effects: Option<Vec<String>>,
    /// The verdict on the change.
    pub(crate) diff: Option<String>,
    /// Tools of everything that went out so far, in order.
    pub(crate) outputs: Option<Vec<String>>,
    /// The kind of the open items.
    pub(crate) needs: Option<Vec<String>>,
    /// Contract version and script version of the automation.
    pub(crate) versions: Option<(u32, u32)>,
    /// How many answers of the model were paid for so far.
    pub(crate) paid: Option<u64>,
    /// The automation's state.
    pub(crate) automation: Option<String>,
    /// Files that must (or must not) be in `{{dir}}`.
    pub(crate) files: BTreeMap<String, bool>,
}

impl Case {
    /// Reads a case; its places are filled in later.
    pub(crate) fn read(text: &str) -> CaseText {
        CaseText(text.to_owned())
    }
}

/// A case whose places are not filled in yet.
pub(crate) struct CaseText(String);

impl CaseText {
    pub(crate) fn filled(&self, places: &[(&str, &str)]) -> Case {
        let mut text = self.0.clone();
        for (place, value) in places {
            text = text.replace(place, value);
        }
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }
}
