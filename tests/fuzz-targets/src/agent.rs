//! What the agent reads of others: bundles and contracts, scripts, people's words, pages and tables.

use deputy_agent::intent;
use deputy_agent::planner;
use deputy_agent::remote::RelayChoice;
use deputy_agent::sandbox::FromWorker;
use deputy_agent::scheduler::{CronPattern, Schedule};
use deputy_agent::tools::{self, Bytes, Kind};
use deputy_protocol::Time;
use deputy_protocol::session::StaticKey;
use serde_json::{Value, json};

/// A bundle, a contract, or a frame of a worker.
pub(crate) fn bundle(data: &[u8]) {
    let _ = serde_json::from_slice::<FromWorker>(data);
    let Ok(json) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    if let Ok(bundle) = planner::Bundle::parse(&json) {
        let again = planner::Bundle::parse(&serde_json::to_value(&bundle).unwrap());
        assert_eq!(again.unwrap(), bundle);
        contract(&bundle.contract);
    }
    contract(&json);
}

fn contract(json: &Value) {
    let known = tools::registry().known_operations();
    let contract = match intent::parse(json, &known) {
        Ok(contract) => contract,
        Err(problems) => {
            assert!(!problems.is_empty());
            return;
        }
    };
    assert_eq!(intent::check(&contract, &known), []);
    assert!(!intent::plain_words(&contract).is_empty());
    let written = serde_json::to_value(&contract).unwrap();
    let again = intent::parse(&written, &known).expect("what was written can be read");
    assert_eq!(intent::digest(&again), intent::digest(&contract));
    let anchor = Time(1_700_000_000_000);
    for trigger in &contract.triggers {
        intent::trigger_words(trigger, &contract.timezone);
        if let Ok(Some(schedule)) = Schedule::of(trigger, &contract.timezone, anchor) {
            goes_forward(|after| schedule.next_after(after));
        }
    }
}

/// Each time is after the one before.
fn goes_forward(next_after: impl Fn(Time) -> Option<Time>) {
    let mut after = Time(1_700_000_000_000);
    for _ in 0..8 {
        let Some(next) = next_after(after) else {
            return;
        };
        assert!(next > after, "{next} after {after}");
        after = next;
    }
}

/// A script, as it is looked at before it runs.
pub(crate) fn script(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let registry = tools::registry();
    planner::unknown_names(registry, text);
    let named = planner::named_operations(registry, text);
    let known = registry.known_operations();
    assert!(named.iter().all(|name| known.contains_key(name)));
}

/// What a person types: a sentence, a pattern of times, a time, a relay.
pub(crate) fn words(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(relay) = text.parse::<RelayChoice>() {
        let again: RelayChoice = relay.address.to_string().parse().unwrap();
        assert_eq!(again.address, relay.address);
    }
    if let Ok(time) = text.parse::<Time>() {
        assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
    }
    if let Ok(pattern) = CronPattern::parse(text) {
        let zone = deputy_agent::intent::parse;
        let _ = zone;
        pattern.ever_fires();
    }
    planner::command(text);
    if let Ok(bundle) = planner::plan(text, "Europe/Berlin", Time(1_700_000_000_000)) {
        let known = tools::registry().known_operations();
        assert!(intent::parse(&bundle.contract, &known).is_ok());
    }
}

/// What came from outside, in the hands of the tools that only compute: which one is in the first
/// byte.
pub(crate) fn content(data: &[u8]) {
    let Some((&which, bytes)) = data.split_first() else {
        return;
    };
    let pure: Vec<_> = { tools::registry().entries() }
        .filter(|entry| matches!(entry.kind, Kind::Pure))
        .collect();
    let entry = pure[usize::from(which) % pure.len()];
    let text = String::from_utf8_lossy(bytes).into_owned();
    // What a page, a table or a picture is called differs from tool to tool; what a tool does not
    // know it refuses.
    if let Ok(args) = serde_json::from_str::<Value>(&text) {
        let _ = entry.run_pure(&args.to_string());
    }
    for name in ["html", "text", "xml", "csv"] {
        let _ = entry.run_pure(&json!({ name: text }).to_string());
    }
    let _ = (Bytes::default(), StaticKey::from_bytes([0; 32]));
}
