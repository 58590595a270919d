//! What can be said of a proposed script without running it. Pure.

use crate::intent::Contract;
use crate::planner;
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
    let unknown = planner::unknown_names(registry, script);
    if !unknown.is_empty() {
        return Some(unknown.join("; "));
    }
    for operation in planner::named_operations(registry, script) {
        let Some(entry) = registry.get(&operation) else {
            continue;
        };
        if entry.kind != Kind::Pure && !contract.capabilities.contains_key(&operation) {
            return Some(format!(
                "{operation} is not in the contract; if nothing else will do, call needs_contract_change"
            ));
        }
    }
    None
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
    fn only_what_exists_and_the_contract_lists_is_let_through() {
        assert_eq!(
            verdict("tools.web.fetch({ url: \"https://a.org/\" })"),
            None
        );
        assert_eq!(
            verdict("tools.html.toText({ html: \"\" })"),
            None,
            "pure operations need no grant"
        );
        assert!(
            verdict("tools.web.teleport({})")
                .unwrap()
                .contains("web.teleport")
        );
        assert!(
            verdict("tools.notify.send({})")
                .unwrap()
                .contains("not in the contract")
        );
        assert!(
            verdict(" before\n")
                .unwrap()
                .contains("the script that failed")
        );
        assert!(
            verdict(&"x".repeat(LONGEST + 1))
                .unwrap()
                .contains("longer")
        );
    }
}
