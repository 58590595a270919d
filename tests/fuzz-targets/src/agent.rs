//! What the agent reads of others: bundles and contracts, scripts, people's words, pages and tables.

use deputy_agent::intent;
use deputy_agent::planner;
use deputy_agent::remote::RelayChoice;
use deputy_agent::sandbox::FromWorker;
use deputy_agent::scheduler::{CronPattern, Schedule};
use deputy_agent::tools::{self, Kind};
use deputy_protocol::Time;
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
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        if pattern.ever_fires() {
            goes_forward(|after| pattern.next_after(after, &zone));
        }
    }
    planner::command(text);
    if let Ok(bundle) = planner::plan(text, "Europe/Berlin", Time(1_700_000_000_000)) {
        let known = tools::registry().known_operations();
        assert!(intent::parse(&bundle.contract, &known).is_ok());
    }
}

/// What came from outside, in the hands of the tools that only compute: which one, and how it is
/// asked, is in the first two bytes. Pictures are left out: they may be large, and are looked at in a
/// worker with bounds of its own.
pub(crate) fn content(data: &[u8]) {
    let Some(([which, how], bytes)) = data.split_first_chunk() else {
        return;
    };
    let pure: Vec<_> = { tools::registry().entries() }
        .filter(|entry| entry.kind == Kind::Pure && entry.name != "image.transform")
        .collect();
    let entry = pure[usize::from(*which) % pure.len()];
    let text = String::from_utf8_lossy(bytes);
    let (first, second) = text.split_once('\u{1}').unwrap_or((&text, ""));
    let flag = how & 1 == 1;
    let args = match entry.name {
        "csv.parse" => json!({"text": text, "header": flag, "ragged": how & 2 == 2}),
        "html.select" => json!({"html": first, "selector": second}),
        "html.readable" | "html.toMarkdown" | "html.toText" => json!({ "html": text }),
        "text.diff" => json!({"before": first, "after": second}),
        "text.template" => json!({"template": first, "values": {"a": second}, "html": flag}),
        "time.parse" => json!({"text": first, "zone": "Europe/Berlin"}),
        "time.format" => {
            json!({"time": "2026-01-01T00:00:00Z", "zone": "UTC", "format": first})
        }
        "xml.parse" => json!({ "text": text }),
        _ => serde_json::from_str(&text).unwrap_or_default(),
    };
    if let Ok(answer) = entry.run_pure(&args.to_string()) {
        serde_json::from_str::<Value>(&answer).expect("an answer is JSON");
    }
}
