//! What the cases are counted by, and whether what went out was covered by a contract.

use serde_json::Value;
use std::fmt;

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) answers: usize,
    pub(crate) evals: usize,
    pub(crate) refusals: usize,
    pub(crate) questions: usize,
    pub(crate) proposals: usize,
    pub(crate) doubts: usize,
    pub(crate) runs: usize,
    pub(crate) effects: usize,
    pub(crate) outside: usize,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.evals += other.evals;
        self.refusals += other.refusals;
        self.questions += other.questions;
        self.proposals += other.proposals;
        self.doubts += other.doubts;
        self.runs += other.runs;
        self.effects += other.effects;
        self.outside += other.outside;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answers of the model, {} looks around, {} refusals read, {} questions, {} proposals, {} doubts, {} runs, {} effects, {} outside a contract",
            self.answers,
            self.evals,
            self.refusals,
            self.questions,
            self.proposals,
            self.doubts,
            self.runs,
            self.effects,
            self.outside
        )
    }
}

/// Whether a grant covers a call, said here once more in the plainest way.
pub(crate) fn covers(granted: &Value, call: &Value) -> bool {
    if granted.is_null() {
        return call["tool"]
            .as_str()
            .is_some_and(|tool| tool.starts_with("ctx."));
    }
    let has = |kind: &str, value: &str| {
        texts_of(&granted[kind]).any(|grant| {
            grant == "*" || value == grant || (kind == "folders" && value.starts_with(grant))
        })
    };
    let args = &call["args"];
    match call["tool"].as_str().unwrap() {
        "notify.send" | "notes.put" => true,
        "files.write" | "files.append" => has("folders", args["path"].as_str().unwrap()),
        "web.request" => {
            let url = args["url"].as_str().unwrap();
            let host = url.split('/').nth(2).unwrap();
            has("hosts", host)
        }
        "mail.send" => texts_of(&args["to"]).all(|to| has("recipients", to)),
        _ => false,
    }
}

fn texts_of(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}
