//! “From now on”: the smallest change of a contract that lets a call pass which it refused, or asked
//! about. Pure. What no small change lets pass (`never`, hours, counts) has none.

use super::{ApprovalCondition, ApprovalRule, Contract, covered};
use crate::tools::{Resource, ResourceKind};

/// The contract that lists an operation with exactly what a call of it touches.
pub fn allow(contract: &Contract, operation: &str, resources: &[Resource]) -> Option<Contract> {
    let mut wider = contract.clone();
    let granted = wider.capabilities.entry(operation.to_owned()).or_default();
    for resource in resources {
        let values = granted.entry(resource.kind).or_default();
        if !covered(values, resource) {
            values.push(written(resource));
        }
    }
    (wider != *contract).then_some(wider)
}

/// A resource as a contract writes it: hosts without a port that goes without saying.
fn written(resource: &Resource) -> String {
    let value = resource.value.as_str();
    let host = match resource.kind {
        ResourceKind::Hosts => value
            .strip_suffix(":443")
            .or_else(|| value.strip_suffix(":80")),
        ResourceKind::Folders
        | ResourceKind::Recipients
        | ResourceKind::Connections
        | ResourceKind::Calendars => None,
    };
    host.unwrap_or(value).to_owned()
}

/// The contract that does not ask about calls like this one any more. `clause` is the rule that
/// asked, e.g. `requires_approval[0]`. A rule for a whole namespace has no such change: it would let
/// pass what it was never about.
pub fn approve(
    contract: &Contract,
    clause: &str,
    operation: &str,
    resources: &[Resource],
) -> Option<Contract> {
    let at: usize = clause
        .strip_prefix("requires_approval[")?
        .strip_suffix(']')?
        .parse()
        .ok()?;
    let rule = contract.requires_approval.get(at)?;
    if rule.of != operation {
        return None;
    }
    let mut wider = contract.clone();
    match exempted(rule, resources) {
        Some(rule) => wider.requires_approval[at] = rule,
        None => {
            wider.requires_approval.remove(at);
        }
    }
    (wider != *contract).then_some(wider)
}

/// A condition's list of what needs no question.
type ListOf = fn(&mut ApprovalCondition) -> &mut Vec<String>;

/// The rule with what the call touches among what needs no question; `None` when nothing of the rule
/// would be left.
fn exempted(rule: &ApprovalRule, resources: &[Resource]) -> Option<ApprovalRule> {
    let mut when = rule.when.clone().unwrap_or_default();
    let always = rule.when.is_none();
    let lists: [(ResourceKind, ListOf); 3] = [
        (ResourceKind::Recipients, |w| &mut w.recipients_outside),
        (ResourceKind::Hosts, |w| &mut w.hosts_outside),
        (ResourceKind::Folders, |w| &mut w.folders_outside),
    ];
    let mut exempts = false;
    for (kind, list) in lists {
        let list = list(&mut when);
        // A condition that the rule does not have must not come about, except where it had none.
        if list.is_empty() && !always {
            continue;
        }
        for resource in resources.iter().filter(|resource| resource.kind == kind) {
            if !covered(list, resource) {
                list.push(written(resource));
                exempts = true;
            }
        }
    }
    if !exempts {
        // It asked about a number, or about calls that touch nothing that could be listed.
        when.more_than = None;
    }
    (when != ApprovalCondition::default()).then(|| ApprovalRule {
        of: rule.of.clone(),
        when: Some(when),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::gate::{CallCost, GateCall, NoCounts, Permissions, Verdict, decide};
    use crate::intent::diff;
    use deputy_protocol::{EffectClass, Time};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn contract(parts: Value) -> Contract {
        let mut whole = json!({"contract": 1, "purpose": "p"});
        whole
            .as_object_mut()
            .unwrap()
            .extend(parts.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn verdict(contract: &Contract, operation: &str, resources: &[Resource]) -> Verdict {
        let call = GateCall {
            operation,
            class: EffectClass::Reconcilable,
            resources,
            cost: CallCost::Free,
        };
        decide(&Permissions::default(), contract, &call, &NoCounts, Time(0))
    }

    fn to(address: &str) -> Vec<Resource> {
        vec![
            Resource::new(ResourceKind::Connections, "mail"),
            Resource::new(ResourceKind::Recipients, address),
        ]
    }

    #[test]
    fn what_is_allowed_always_is_exactly_what_was_asked() {
        let before = contract(
            json!({"capabilities": {"mail.send": {"connections": ["mail"], "recipients": ["a@a.org"]}}}),
        );
        let after = allow(&before, "mail.send", &to("b@b.org")).unwrap();
        assert_eq!(
            verdict(&after, "mail.send", &to("b@b.org")),
            Verdict::Allowed
        );
        assert!(matches!(
            verdict(&after, "mail.send", &to("c@b.org")),
            Verdict::Refused(_)
        ));
        let changes = diff(&before, &after);
        assert_eq!(
            (changes.verdict.as_str(), changes.changes.len()),
            ("wider", 1)
        );
        assert_eq!(allow(&after, "mail.send", &to("b@b.org")), None);
    }

    #[test]
    fn what_is_approved_always_is_not_asked_about_and_its_neighbours_are() {
        let table = [
            json!({"of": "mail.send"}),
            json!({"of": "mail.send", "when": {"recipients_outside": ["@a.org"]}}),
            json!({"of": "mail.send", "when": {"recipients_outside": ["@a.org"], "more_than": 3}}),
        ];
        for rule in table {
            let before = contract(json!({
                "capabilities": {"mail.send": {"connections": ["mail"], "recipients": ["*"]}},
                "requires_approval": [rule],
            }));
            let after =
                approve(&before, "requires_approval[0]", "mail.send", &to("b@b.org")).unwrap();
            assert_eq!(
                verdict(&after, "mail.send", &to("b@b.org")),
                Verdict::Allowed,
                "{rule}"
            );
            assert!(
                matches!(
                    verdict(&after, "mail.send", &to("c@c.org")),
                    Verdict::NeedsApproval(_)
                ),
                "{rule}"
            );
        }
    }

    #[test]
    fn a_rule_that_is_about_more_is_not_changed_for_one_call() {
        let before = contract(json!({"requires_approval": [{"of": "mail.*"}]}));
        assert_eq!(
            approve(&before, "requires_approval[0]", "mail.send", &to("b@b.org")),
            None
        );
        assert_eq!(approve(&before, "capabilities", "mail.send", &[]), None);
    }

    proptest! {
        #[test]
        fn allowing_one_call_lets_that_one_pass_and_no_other(
            host in "[a-z]{1,8}\\.org:(443|80|8080)",
            other in "[a-z]{1,8}\\.net:443",
        ) {
            let before = contract(json!({}));
            let resource = |value: &str| [Resource::new(ResourceKind::Hosts, value)];
            let after = allow(&before, "web.request", &resource(&host)).unwrap();
            prop_assert_eq!(verdict(&after, "web.request", &resource(&host)), Verdict::Allowed);
            prop_assert!(matches!(verdict(&after, "web.request", &resource(&other)), Verdict::Refused(_)));
        }
    }
}
