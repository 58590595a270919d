//! What a change of a contract means: wider needs the user, narrower does not. In doubt: wider.

use super::{ApprovalRule, Contract, Invariant, predicate::covers, trigger_words, words};
use deputy_protocol::model::{ContractChange, ContractDiff};
use serde_json::Value;

const WIDER: &str = "wider";
const NARROWER: &str = "narrower";
const SAME: &str = "same";

/// Compares two contracts.
pub fn diff(old: &Contract, new: &Contract) -> ContractDiff {
    let mut changes = Vec::new();
    let mut add = |path: String, text: String, effect: &str| {
        changes.push(ContractChange {
            path,
            text,
            effect: effect.to_owned(),
        });
    };
    if old.purpose != new.purpose {
        add(
            "purpose".into(),
            format!("The purpose is now: {}", new.purpose),
            SAME,
        );
    }
    if old.timezone != new.timezone {
        add(
            "timezone".into(),
            format!("Times are now those of {}.", new.timezone),
            WIDER,
        );
    }
    if old.params != new.params {
        let text = format!(
            "The parameters are now {}.",
            Value::Object(new.params.clone())
        );
        add("params".into(), text, SAME);
    }
    for trigger in new.triggers.iter().filter(|t| !old.triggers.contains(t)) {
        add(
            "triggers".into(),
            format!("New: {}", trigger_words(trigger, &new.timezone)),
            WIDER,
        );
    }
    for trigger in old.triggers.iter().filter(|t| !new.triggers.contains(t)) {
        add(
            "triggers".into(),
            format!("No longer: {}", trigger_words(trigger, &old.timezone)),
            NARROWER,
        );
    }
    capabilities(old, new, &mut add);
    for invariant in new
        .invariants
        .iter()
        .filter(|i| !old.invariants.contains(i))
    {
        add(
            "invariants".into(),
            format!("New rule: {}", rule_words(invariant)),
            NARROWER,
        );
    }
    for invariant in old
        .invariants
        .iter()
        .filter(|i| !new.invariants.contains(i))
    {
        add(
            "invariants".into(),
            format!("Rule dropped: {}", rule_words(invariant)),
            WIDER,
        );
    }
    for rule in new
        .requires_approval
        .iter()
        .filter(|r| !old.requires_approval.contains(r))
    {
        add(
            "requires_approval".into(),
            format!("New: {}", approval(rule)),
            NARROWER,
        );
    }
    for rule in old
        .requires_approval
        .iter()
        .filter(|r| !new.requires_approval.contains(r))
    {
        add(
            "requires_approval".into(),
            format!("No longer: {}", approval(rule)),
            WIDER,
        );
    }
    for ((path, was), (_, is)) in policies(old).into_iter().zip(policies(new)) {
        if was != is {
            add(path.to_owned(), format!("{is} (Before: {was})"), WIDER);
        }
    }
    let wider = changes.iter().any(|c| c.effect == WIDER);
    let narrower = changes.iter().any(|c| c.effect == NARROWER);
    let verdict = match (wider, narrower) {
        (true, true) => "both",
        (true, false) => WIDER,
        (false, true) => NARROWER,
        (false, false) => SAME,
    };
    ContractDiff {
        verdict: verdict.to_owned(),
        changes,
    }
}

/// The rules of conduct that each contract has, in plain words.
fn policies(contract: &Contract) -> [(&'static str, String); 4] {
    let budget = contract.budget.as_ref();
    let limits = budget
        .map(words::budget_words)
        .unwrap_or_default()
        .join(" ");
    [
        ("on_missed", words::missed_words(contract.on_missed)),
        ("overlap", words::overlap_words(contract.overlap)),
        ("retries", words::retry_words(contract.retries)),
        (
            "budget",
            if limits.is_empty() {
                "A run has the usual limits.".to_owned()
            } else {
                limits
            },
        ),
    ]
}

fn capabilities(old: &Contract, new: &Contract, add: &mut impl FnMut(String, String, &str)) {
    for (operation, resources) in &new.capabilities {
        let Some(before) = old.capabilities.get(operation) else {
            add(
                format!("capabilities.{operation}"),
                words::may(
                    "May now",
                    operation,
                    resources.iter().map(|(kind, values)| (*kind, &values[..])),
                ),
                WIDER,
            );
            continue;
        };
        for (kind, values) in resources {
            let had = before.get(kind).map_or(&[][..], Vec::as_slice);
            let path = format!("capabilities.{operation}.{}", kind.as_str());
            for value in values.iter().filter(|value| !had.contains(value)) {
                let covered =
                    value != "*" && had.iter().any(|granted| covers(*kind, granted, value));
                let effect = if covered { SAME } else { WIDER };
                add(
                    path.clone(),
                    words::may("May now", operation, [(*kind, std::slice::from_ref(value))]),
                    effect,
                );
            }
        }
        for (kind, values) in before {
            let has = resources.get(kind).map_or(&[][..], Vec::as_slice);
            let path = format!("capabilities.{operation}.{}", kind.as_str());
            for value in values.iter().filter(|value| !has.contains(value)) {
                add(
                    path.clone(),
                    words::may(
                        "May no longer",
                        operation,
                        [(*kind, std::slice::from_ref(value))],
                    ),
                    NARROWER,
                );
            }
        }
    }
    for operation in old
        .capabilities
        .keys()
        .filter(|operation| !new.capabilities.contains_key(*operation))
    {
        add(
            format!("capabilities.{operation}"),
            words::may("May no longer", operation, []),
            NARROWER,
        );
    }
}

fn rule_words(invariant: &Invariant) -> String {
    words::invariant_words(invariant)
}

fn approval(rule: &ApprovalRule) -> String {
    words::approval_words(rule)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn verdict(change: impl Fn(&mut Value)) -> String {
        let mut value = json!({
            "contract": 1, "purpose": "p", "triggers": [{"cron": "0 8 * * *"}],
            "capabilities": {"web.fetch": {"hosts": ["a.org", "*.b.org"]}},
            "invariants": [{"max": 3, "of": "notify.send", "per": "day"}],
        });
        let old: Contract = serde_json::from_value(value.clone()).unwrap();
        change(&mut value);
        diff(&old, &serde_json::from_value(value).unwrap()).verdict
    }

    #[test]
    fn a_change_is_called_what_it_is() {
        assert_eq!(verdict(|_| {}), "same");
        assert_eq!(verdict(|c| c["purpose"] = json!("q")), "same");
        assert_eq!(
            verdict(|c| c["capabilities"]["notify.send"] = json!({})),
            "wider"
        );
        assert_eq!(
            verdict(|c| c["capabilities"]["web.fetch"]["hosts"] = json!(["a.org"])),
            "narrower"
        );
        assert_eq!(
            verdict(|c| c["capabilities"]["web.fetch"]["hosts"] =
                json!(["a.org", "*.b.org", "x.b.org"])),
            "same"
        );
        assert_eq!(
            verdict(|c| c["capabilities"]["web.fetch"]["hosts"] = json!(["*"])),
            "both"
        );
        assert_eq!(verdict(|c| c["invariants"] = json!([])), "wider");
        assert_eq!(
            verdict(|c| c["invariants"] = json!([{"max": 9, "of": "notify.send", "per": "day"}])),
            "both"
        );
        assert_eq!(
            verdict(|c| c["triggers"] = json!([{"cron": "0 8 * * *"}, {"every_ms": 1000}])),
            "wider"
        );
        assert_eq!(
            verdict(|c| c["requires_approval"] = json!([{"of": "web.fetch"}])),
            "narrower"
        );
        assert_eq!(verdict(|c| c["overlap"] = json!("queue")), "wider");
    }

    #[test]
    fn what_changes_is_said_in_plain_words() {
        let contract = |capabilities: Value| -> Contract {
            let whole = json!({"contract": 1, "purpose": "p", "capabilities": capabilities});
            serde_json::from_value(whole).unwrap()
        };
        let old = contract(json!({"web.fetch": {"hosts": ["a.org"]}, "notes.put": {}}));
        let mut new = contract(json!({
            "web.fetch": {"hosts": ["b.org"]},
            "mail.send": {"recipients": ["x@c.org"]},
        }));
        new.overlap = crate::intent::Overlap::Queue;
        let said: Vec<(String, String)> = diff(&old, &new)
            .changes
            .into_iter()
            .map(|change| (change.effect, change.text))
            .collect();
        let expected = [
            ("wider", "May now send mail to x@c.org."),
            ("wider", "May now read pages at b.org."),
            ("narrower", "May no longer read pages at a.org."),
            ("narrower", "May no longer write notes."),
            (
                "wider",
                "A time that falls into a run waits its turn. (Before: A time that falls into a run is skipped.)",
            ),
        ]
        .map(|(effect, text)| (effect.to_owned(), text.to_owned()));
        assert_eq!(said, expected);
    }
}
