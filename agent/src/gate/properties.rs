//! The gate against an independent reference, over random contracts and calls.

use super::*;
use crate::intent::{ApprovalRule, MaxInvariant, NeverInvariant};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// How often each of [`OPERATIONS`] was done before.
struct Fixed([u64; 4]);

impl LedgerCounts for Fixed {
    fn effects(&self, pattern: &str, _window: Window) -> u64 {
        done(&self.0, pattern)
    }

    fn cost_micros(&self, _window: Window) -> u64 {
        0
    }
}

/// What a pattern counts, by text alone: independent of the gate's own matching.
fn done(counts: &[u64; 4], pattern: &str) -> u64 {
    let of = |named: &dyn Fn(&str) -> bool| -> u64 {
        (OPERATIONS.iter().zip(counts))
            .filter(|(operation, _)| named(operation))
            .map(|(_, n)| n)
            .sum()
    };
    match pattern {
        "mail.*" => of(&|o| o.starts_with("mail.")),
        "files.*" => of(&|o| o.starts_with("files.")),
        exact => of(&|o| o == exact),
    }
}

const OPERATIONS: [&str; 4] = ["mail.search", "mail.send", "files.move", "notify.send"];
const VALUES: [&str; 5] = ["a.org", "b.org", "a.org:8080", "me@a.org", "/home/me/in"];

fn kind() -> impl Strategy<Value = ResourceKind> {
    prop_oneof![
        Just(ResourceKind::Hosts),
        Just(ResourceKind::Recipients),
        Just(ResourceKind::Folders)
    ]
}

prop_compose! {
    fn contract()(
        capabilities in proptest::collection::btree_map(
            proptest::sample::select(&OPERATIONS[..]).prop_map(str::to_owned),
            proptest::collection::btree_map(
                kind(),
                proptest::collection::vec(
                    proptest::sample::select(&["a.org", "@a.org", "me@a.org", "/home/me", "*", "*.org"][..]).prop_map(str::to_owned), 0..3),
                0..3),
            0..4),
        never in proptest::option::of(proptest::sample::select(&["mail.send", "files.*", "notify.*"][..])),
        max in proptest::option::of((proptest::sample::select(&["mail.search", "mail.send", "files.move", "notify.send", "mail.*", "files.*"][..]), 0u64..6)),
        approval in proptest::option::of(proptest::sample::select(&OPERATIONS[..])),
    ) -> Contract {
        let mut invariants = Vec::new();
        if let Some(never) = never {
            invariants.push(Invariant::Never(NeverInvariant { never: never.to_owned() }));
        }
        if let Some((of, max)) = max {
            invariants.push(Invariant::Max(MaxInvariant { max, of: of.to_owned(), per: Per::Day }));
        }
        let requires_approval =
            approval.map(|of| ApprovalRule { of: of.to_owned(), when: None }).into_iter().collect();
        Contract {
            contract: 1, purpose: "p".into(), timezone: "Europe/Berlin".into(), params: Default::default(),
            triggers: vec![], capabilities, invariants, requires_approval, on_missed: Default::default(),
            overlap: Default::default(), retries: Default::default(), success: None, budget: None,
            assumptions: vec![], non_goals: vec![],
        }
    }
}

prop_compose! {
    fn call()(
        operation in proptest::sample::select(&["mail.search", "mail.send", "files.move", "notify.send", "new.thing"][..]),
        resources in proptest::collection::vec((kind(), proptest::sample::select(&VALUES[..])), 0..3),
    ) -> (String, Vec<Resource>) {
        (operation.to_owned(), resources.into_iter().map(|(k, v)| Resource::new(k, v)).collect())
    }
}

/// Written from the semantics, not from the gate: collects every objection instead of the first.
fn objections(
    contract: &Contract,
    operation: &str,
    resources: &[Resource],
    counts: &[u64; 4],
) -> (bool, bool) {
    let namespace = operation.split('.').next().unwrap_or_default();
    let mut forbidden = false;
    for invariant in &contract.invariants {
        match invariant {
            Invariant::Never(n) => {
                forbidden |= n.never == operation || n.never == format!("{namespace}.*")
            }
            Invariant::Max(m) => {
                let named = m.of == operation || m.of == format!("{namespace}.*");
                forbidden |= named && done(counts, &m.of) + 1 > m.max;
            }
            Invariant::OnlyBetween(_) | Invariant::MaxCost(_) => {}
        }
    }
    let empty = BTreeMap::new();
    let listed = contract.capabilities.contains_key(operation);
    let grants = contract.capabilities.get(operation).unwrap_or(&empty);
    let all_covered = resources.iter().all(|r| {
        grants
            .get(&r.kind)
            .into_iter()
            .flatten()
            .any(|g| match (r.kind, g.as_str()) {
                (_, "*") => true,
                (ResourceKind::Hosts, g) => {
                    g == r.value || (g == "*.org" && r.value.len() > 4 && r.value.ends_with(".org"))
                }
                (ResourceKind::Recipients, g) => {
                    r.value.contains('@')
                        && (g == r.value || (g.starts_with('@') && r.value.ends_with(g)))
                }
                (ResourceKind::Folders, g) => {
                    g.starts_with('/') && (r.value == g || r.value.starts_with(&format!("{g}/")))
                }
                (_, g) => g == r.value,
            })
    });
    forbidden |= !listed || !all_covered;
    let asks = contract
        .requires_approval
        .iter()
        .any(|rule| rule.of == operation);
    (forbidden, asks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_gate_agrees_with_the_reference(contract in contract(), (operation, resources) in call(), counts in proptest::array::uniform4(0u64..3)) {
        let call = GateCall { operation: &operation, class: EffectClass::Opaque, resources: &resources, cost: CallCost::Free };
        let verdict = decide(&Permissions::default(), &contract, &call, &Fixed(counts), Time(1_800_000_000_000));
        let (forbidden, asks) = objections(&contract, &operation, &resources, &counts);
        match verdict {
            Verdict::Refused(_) => prop_assert!(forbidden),
            Verdict::NeedsApproval(_) => prop_assert!(!forbidden && asks),
            Verdict::Allowed => prop_assert!(!forbidden && !asks),
        }
    }

    #[test]
    fn what_is_denied_globally_never_passes(contract in contract(), (operation, resources) in call()) {
        let call = GateCall { operation: &operation, class: EffectClass::Read, resources: &resources, cost: CallCost::Free };
        let permissions = Permissions { denied_operations: vec![operation.clone()] };
        let verdict = decide(&permissions, &contract, &call, &NoCounts, Time(0));
        let denied = matches!(verdict, Verdict::Refused(Refusal { code: "globally_denied", .. }));
        prop_assert!(denied);
    }
}

#[test]
fn hours_follow_the_contracts_zone_and_may_cross_midnight() {
    let mut contract: Contract = serde_json::from_value(serde_json::json!({
        "contract": 1, "purpose": "p", "timezone": "Europe/Berlin", "capabilities": {"notify.send": {}},
        "invariants": [{"only_between": ["22:00", "06:00"], "of": "notify.send"}],
    }))
    .unwrap_or_else(|e| panic!("{e}"));
    let at = |contract: &Contract, time: &str| {
        let call = GateCall {
            operation: "notify.send",
            class: EffectClass::Idempotent,
            resources: &[],
            cost: CallCost::Free,
        };
        let now = time.parse().unwrap_or_else(|e| panic!("{e}"));
        decide(&Permissions::default(), contract, &call, &NoCounts, now) == Verdict::Allowed
    };
    assert!(at(&contract, "2026-07-01T20:00:00Z"), "22:00 in Berlin");
    assert!(!at(&contract, "2026-07-01T19:59:00Z"));
    assert!(at(&contract, "2026-07-01T03:59:00Z"), "05:59 in Berlin");
    assert!(!at(&contract, "2026-07-01T04:00:00Z"));
    contract.timezone = "Nowhere/Land".to_owned();
    assert!(
        !at(&contract, "2026-07-01T20:00:00Z"),
        "a time that cannot be told is outside"
    );
}

/// Spent so far, whatever the window.
struct Spent(u64);

impl LedgerCounts for Spent {
    fn effects(&self, _pattern: &str, _window: Window) -> u64 {
        0
    }

    fn cost_micros(&self, _window: Window) -> u64 {
        self.0
    }
}

proptest! {
    #[test]
    fn nothing_that_could_go_beyond_a_cap_passes_and_nothing_free_is_held_up(
        caps in proptest::collection::vec(0u64..1_000, 0..3), per_run in proptest::option::of(0u64..1_000),
        spent in 0u64..1_200, cost in prop_oneof![Just(None), (0u64..1_200).prop_map(Some)], known in any::<bool>(),
    ) {
        let mut text = serde_json::json!({
            "contract": 1, "purpose": "p", "capabilities": {"llm.extract": {}},
            "invariants": caps.iter().map(|cap| serde_json::json!({"max_cost_micros": cap, "per": "day"})).collect::<Vec<_>>(),
        });
        if let Some(cap) = per_run {
            text["budget"] = serde_json::json!({"cost_micros": cap});
        }
        let contract: Contract = serde_json::from_value(text).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let cost = match cost {
            None => CallCost::Free,
            Some(_) if !known => CallCost::Unknown,
            Some(micros) => CallCost::AtMost(micros),
        };
        let call = GateCall { operation: "llm.extract", class: EffectClass::Read, resources: &[], cost };
        let verdict = decide(&Permissions::default(), &contract, &call, &Spent(spent), Time(1_800_000_000_000));
        let mut all_caps = caps.iter().chain(&per_run);
        let passes = match cost {
            CallCost::Free | CallCost::AtMost(0) => true,
            CallCost::AtMost(micros) => all_caps.all(|cap| spent + micros <= *cap),
            CallCost::Unknown => all_caps.next().is_none(),
        };
        prop_assert_eq!(verdict == Verdict::Allowed, passes);
    }
}
