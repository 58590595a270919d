//! What a run costs: one at a time, many at a time, empty, and from its trigger to its first line.
//! A real store on this machine's disk (fsync included), real confined workers, the real control
//! API; only the command line's own process is left out.
//!
//! `cargo bench -p deputy-agent --bench runs`. Items are runs; the 10-step runs make ten effects
//! each. The goals stand in the issue tracker; what was measured is in `docs/15-testing.md`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "support/mod.rs"]
mod support;

use divan::Bencher;
use divan::counter::ItemsCount;
use serde_json::json;
use support::{Bench, TEN_STEPS};

fn main() {
    divan::main();
}

/// Ten effects in the agent's own database, each on disk before the next begins.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn ten_effect_steps_one_at_a_time(bencher: Bencher) {
    let bench = Bench::start();
    let automation = bench.install("ten", TEN_STEPS, &["notes.put"]);
    bench.run(&automation);
    bencher
        .counter(ItemsCount::new(1u32))
        .bench_local(|| bench.run(&automation));
}

/// Nothing but the run itself.
#[divan::bench(sample_count = 300, sample_size = 1)]
fn an_empty_run_one_at_a_time(bencher: Bencher) {
    let bench = Bench::start();
    let automation = bench.install("empty", "export default async () => null", &[]);
    bench.run(&automation);
    bencher
        .counter(ItemsCount::new(1u32))
        .bench_local(|| bench.run(&automation));
}

/// 50 automations, 20 runs of each: 10,000 journaled steps a sample.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn ten_effect_steps_of_fifty_automations(bencher: Bencher) {
    let bench = Bench::start();
    let automations: Vec<String> = (0..50)
        .map(|n| bench.install(&format!("ten {n}"), TEN_STEPS, &["notes.put"]))
        .collect();
    bench.run_all(&automations, 2);
    bencher
        .counter(ItemsCount::new(10_000u32))
        .bench_local(|| bench.run_all(&automations, 20));
}

/// 50 automations, 60 empty runs of each.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn empty_runs_of_fifty_automations(bencher: Bencher) {
    let bench = Bench::start();
    let automations: Vec<String> = (0..50)
        .map(|n| {
            bench.install(
                &format!("empty {n}"),
                "export default async () => null",
                &[],
            )
        })
        .collect();
    bench.run_all(&automations, 2);
    bencher
        .counter(ItemsCount::new(3_000u32))
        .bench_local(|| bench.run_all(&automations, 60));
}

/// From an event on its way to the agent until the first call of the script's first line is
/// heard outside: the event's fsync, the claim, the worker's start and a loopback connection
/// included, so it is more than the trigger alone costs.
#[divan::bench(sample_count = 300, sample_size = 1)]
fn trigger_to_first_line(bencher: Bencher) {
    let bench = Bench::start();
    let ear = support::Ear::open();
    let script = format!(
        "export default async () => {{ await tools.web.fetch({{ url: \"http://{}/\" }}); }}",
        ear.address
    );
    let contract = json!({"web.fetch": {"hosts": [ear.address.to_string()]}});
    let automation = bench.install_with("first line", &script, contract, json!([{"event": "go"}]));
    bench.send(&automation);
    ear.heard();
    bencher
        .with_inputs(|| bench.quiet(&automation))
        .bench_local_values(|()| {
            bench.send(&automation);
            ear.heard();
        });
}
