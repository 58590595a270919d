//! What a planning model is told: the standing words in `system.md`, and what is particular to this
//! user and this task.

use crate::intent::Contract;
use crate::models::OUTSIDE_RULE;
use crate::tools::{Registry, declarations};
use deputy_protocol::Time;
use serde_json::json;
use std::fmt::Write;

/// The standing words.
pub fn system(registry: &Registry) -> String {
    include_str!("system.md")
        .replace("{{outside}}", OUTSIDE_RULE)
        .replace("{{types}}", declarations(registry).trim_end())
}

/// What there is already.
#[derive(Clone, Debug)]
pub struct Present {
    /// Its name.
    pub name: String,
    /// Its contract.
    pub contract: Contract,
    /// Its script.
    pub script: String,
    /// Whether the user has accepted it.
    pub accepted: bool,
}

/// What is particular to a task.
#[derive(Clone, Debug)]
pub struct Brief {
    /// Now.
    pub now: Time,
    /// The user's zone.
    pub zone: String,
    /// The user's connections: name, kind, address.
    pub connections: Vec<(String, String, Option<String>)>,
    /// What is to be changed; absent for something new.
    pub present: Option<Present>,
    /// What the user said before.
    pub before: Vec<String>,
    /// What the user says now.
    pub text: String,
}

/// The first message of a task.
pub fn first_message(brief: &Brief) -> String {
    let mut out = format!(
        "It is {} UTC; the user's zone is {}.\n",
        brief.now, brief.zone
    );
    // Writing to a string cannot fail.
    if brief.connections.is_empty() {
        out.push_str("The user has set up no connections, so mail cannot be sent.\n");
    } else {
        out.push_str("The user's connections:\n");
        for (name, kind, address) in &brief.connections {
            let address = address
                .as_deref()
                .map(|a| format!(", the user's own address is {a}"));
            let _ = writeln!(out, "- {name} ({kind}{})", address.unwrap_or_default());
        }
    }
    if let Some(present) = &brief.present {
        let what = if present.accepted {
            "This automation is at work; propose its whole changed bundle, and change no more than the user asks for"
        } else {
            "This was proposed and not accepted yet; propose it anew, changed as the user says"
        };
        let bundle = json!({"bundle": 1, "name": present.name, "contract": present.contract, "script": present.script});
        let _ = writeln!(out, "\n{what}:\n```json\n{bundle}\n```");
    }
    if !brief.before.is_empty() {
        out.push_str("\nWhat the user said before in this chat:\n");
        for words in &brief.before {
            let _ = writeln!(out, "> {}", words.replace('\n', "\n> "));
        }
    }
    let _ = write!(out, "\nThe user says:\n{}", brief.text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::registry;

    #[test]
    fn the_standing_words_name_every_tool_and_the_rule_about_text_from_outside() {
        let text = system(registry());
        assert!(
            text.contains(OUTSIDE_RULE) && !text.contains("{{outside") && !text.contains("{{types"),
            "{text}"
        );
        for entry in registry().entries() {
            let operation = entry.name.split('.').nth(1).unwrap_or_default();
            assert!(
                text.contains(&format!("function {operation}(")),
                "{operation}"
            );
        }
    }
}
