//! What can be said of a proposed script without running it. Pure.

use crate::intent::Contract;
use crate::tools::{Kind, Registry};

/// The longest script, in bytes.
const LONGEST: usize = 256 * 1024;

/// Why a script is not even replayed. What it reaches by other ways than by name is refused at the
/// gate, in the replay and for real.
pub(super) fn refused(
    script: &str,
    before: &str,
    contract: &Contract,
    registry: &Registry,
) -> Option<String> {
    if script.trim() == before.trim() {
        return Some("this is the script that failed".to_owned());
    }
    if script.len() > LONGEST {
        return Some(format!("the script is longer than {LONGEST} bytes"));
    }
    for operation in operations(script) {
        let Some(entry) = registry.get(&operation) else {
            return Some(format!("there is no tool operation {operation}"));
        };
        if entry.kind != Kind::Pure && !contract.capabilities.contains_key(&operation) {
            return Some(format!(
                "{operation} is not in the contract; if nothing else will do, call needs_contract_change"
            ));
        }
    }
    None
}

/// The operations that a script names, each once, in order.
fn operations(script: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in script.match_indices("tools") {
        let part_of_a_word = script[..at]
            .chars()
            .next_back()
            .is_some_and(|c| is_word(c) || c == '.');
        if part_of_a_word {
            continue;
        }
        let rest = &script[at + "tools".len()..];
        if let Some((namespace, rest)) = member(rest)
            && let Some((operation, _)) = member(rest)
        {
            let name = format!("{namespace}.{operation}");
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// `.name` at the start of a text, and what follows.
fn member(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let text = text.strip_prefix("?.").or_else(|| text.strip_prefix('.'))?;
    let text = text.trim_start();
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn contract() -> Contract {
        serde_json::from_value(json!({
            "contract": 1, "purpose": "p",
            "capabilities": {"web.fetch": {"hosts": ["a.org"]}},
        }))
        .unwrap()
    }

    fn verdict(script: &str) -> Option<String> {
        refused(script, "before", &contract(), crate::tools::registry())
    }

    #[test]
    fn operations_are_found_however_they_are_written() {
        assert_eq!(
            operations("tools.web.fetch({}); await tools\n  .notify\n  .send({}); mytools.a.b(); x.tools.c.d; tools.web.fetch(1)"),
            ["web.fetch", "notify.send"]
        );
    }

    #[test]
    fn only_what_exists_and_the_contract_lists_is_let_through() {
        assert_eq!(verdict("tools.web.fetch({url})"), None);
        assert_eq!(verdict("tools.html.toText({html})"), None, "pure operations need no grant");
        assert!(verdict("tools.web.teleport({})").unwrap().contains("no tool operation web.teleport"));
        assert!(verdict("tools.notify.send({})").unwrap().contains("not in the contract"));
        assert!(verdict(" before\n").unwrap().contains("the script that failed"));
        assert!(verdict(&"x".repeat(LONGEST + 1)).unwrap().contains("longer"));
    }
}
