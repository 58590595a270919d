//! The audit trail as OpenTelemetry has it: what happened as log records, ended runs and their steps as
//! spans. Each element is what stands on one line of a file of OTLP in JSON
//! (opentelemetry.io/docs/specs/otel/protocol/file-exporter), which collectors read as it is.
//!
//! Arguments and results of steps are left out: a collector is somebody else's machine more often than
//! not, and what it is for is when what was done, how long it took, and how it ended.

use deputy_protocol::model::{Event, Run, Step};
use deputy_protocol::{RunState, StepState, Time};
use serde_json::{Value, json};
use std::collections::HashMap;

/// `SEVERITY_NUMBER_INFO`, and what else scripts log with.
const SEVERITIES: &[(&str, u32)] = &[("debug", 5), ("info", 9), ("warn", 13), ("error", 17)];

const SPAN_KIND_INTERNAL: u32 = 1;
const SPAN_KIND_CLIENT: u32 = 3;
const STATUS_UNSET: u32 = 0;
const STATUS_OK: u32 = 1;
const STATUS_ERROR: u32 = 2;

/// The random seeds of runs by their ids: what makes the numbers of spans unlike those of any other
/// agent, and the same in each export.
pub type Seeds = HashMap<String, Vec<u8>>;

/// Events as log records: one `LogsData`.
pub fn logs(events: &[Event], seeds: &Seeds) -> Value {
    let records: Vec<Value> = events.iter().map(|event| record(event, seeds)).collect();
    json!({"resourceLogs": [{
        "resource": resource(),
        "scopeLogs": [{"scope": {"name": "deputy"}, "logRecords": records}],
    }]})
}

/// A run that has ended, and its steps: one `TracesData`. `None` before it has ended, since a span has
/// an end.
pub fn trace(run: &Run, steps: &[Step], seeds: &Seeds) -> Option<Value> {
    let (seed, ended) = (seeds.get(&run.id)?, run.ended_at?);
    let root = span_id(seed, 0);
    let (status, message) = match run.state {
        RunState::Succeeded => (STATUS_OK, None),
        RunState::Failed => (STATUS_ERROR, run.failure.clone()),
        RunState::Queued | RunState::Running | RunState::Waiting | RunState::Cancelled => {
            (STATUS_UNSET, None)
        }
    };
    let mut attributes = vec![
        text("deputy.run", &run.id),
        text("deputy.automation", &run.automation),
        text("deputy.input", &run.input),
        text("deputy.state", run.state.as_str()),
        number("deputy.script_version", run.script_version.into()),
        number("deputy.contract_version", run.contract_version.into()),
        number("deputy.attempt", run.attempt.into()),
        number("deputy.cost_micros", run.cost_micros),
    ];
    if let Some(class) = run.failure_class {
        attributes.push(text("error.type", class.as_str()));
    }
    let mut spans = vec![json!({
        "traceId": trace_id(seed),
        "spanId": root,
        "name": format!("run {}", run.automation),
        "kind": SPAN_KIND_INTERNAL,
        "startTimeUnixNano": nanos(run.started_at.unwrap_or(ended), 0.0),
        "endTimeUnixNano": nanos(ended, 0.0),
        "attributes": attributes,
        "status": {"code": status, "message": message.unwrap_or_default()},
    })];
    spans.extend(steps.iter().filter_map(|s| step(s, seed, &root)));
    Some(json!({"resourceSpans": [{
        "resource": resource(),
        "scopeSpans": [{"scope": {"name": "deputy"}, "spans": spans}],
    }]}))
}

fn step(step: &Step, seed: &[u8], parent: &str) -> Option<Value> {
    let took = step.duration_ms?;
    let mut attributes = vec![
        number("deputy.step", step.seq.into()),
        text("deputy.effect_class", step.effect_class.as_str()),
        text("deputy.state", step.state.as_str()),
        number("deputy.attempt", step.attempt.into()),
        json!({"key": "deputy.reused", "value": {"boolValue": step.reused}}),
    ];
    if let Some(key) = &step.effect_key {
        attributes.push(text("deputy.effect_key", key));
    }
    let status = match step.state {
        StepState::Done => STATUS_OK,
        StepState::Failed | StepState::InDoubt => STATUS_ERROR,
        StepState::Intent | StepState::Waiting | StepState::Skipped => STATUS_UNSET,
    };
    Some(json!({
        "traceId": trace_id(seed),
        "spanId": span_id(seed, step.seq),
        "parentSpanId": parent,
        "name": step.tool,
        "kind": SPAN_KIND_CLIENT,
        "startTimeUnixNano": nanos(step.started_at, 0.0),
        "endTimeUnixNano": nanos(step.started_at, took),
        "attributes": attributes,
        "status": {"code": status},
    }))
}

fn record(event: &Event, seeds: &Seeds) -> Value {
    let level = event.data["level"].as_str().unwrap_or("info");
    let severity = SEVERITIES.iter().find(|(name, _)| *name == level);
    let mut attributes = vec![number("deputy.event", event.seq)];
    let belongs = [
        ("deputy.automation", &event.automation),
        ("deputy.run", &event.run),
    ];
    attributes.extend(
        belongs
            .iter()
            .filter_map(|(key, id)| Some(text(key, id.as_ref()?))),
    );
    let mut record = json!({
        "timeUnixNano": nanos(event.at, 0.0),
        "observedTimeUnixNano": nanos(event.at, 0.0),
        "severityNumber": severity.map_or(9, |(_, number)| *number),
        "severityText": level,
        "eventName": format!("deputy.{}", event.kind),
        "body": any(&event.data),
        "attributes": attributes,
    });
    let seed = event.run.as_ref().and_then(|run| seeds.get(run));
    if let Some(seed) = seed {
        record["traceId"] = trace_id(seed).into();
        record["spanId"] = span_id(seed, 0).into();
    }
    record
}

fn resource() -> Value {
    json!({"attributes": [
        text("service.name", "deputy"),
        text("service.version", env!("CARGO_PKG_VERSION")),
    ]})
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// 64 bits are strings in the JSON of protocol buffers.
fn number(key: &str, value: i64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

/// Any JSON as an `AnyValue`.
fn any(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(yes) => json!({"boolValue": yes}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => json!({"intValue": whole.to_string()}),
            None => json!({"doubleValue": number}),
        },
        Value::Array(items) => {
            json!({"arrayValue": {"values": items.iter().map(any).collect::<Vec<_>>()}})
        }
        Value::Object(fields) => {
            let fields: Vec<Value> = (fields.iter())
                .map(|(key, value)| json!({"key": key, "value": any(value)}))
                .collect();
            json!({"kvlistValue": {"values": fields}})
        }
    }
}

/// A time, and milliseconds after it, in nanoseconds since the epoch.
fn nanos(at: Time, after_ms: f64) -> String {
    // Whole nanoseconds: what is cut off is less than a clock knows.
    let after = (after_ms * 1e6) as i128;
    (i128::from(at.0) * 1_000_000 + after).max(0).to_string()
}

fn trace_id(seed: &[u8]) -> String {
    id("deputy 2026-11 trace id", seed, 0, 32)
}

/// Step 0 is the run itself.
fn span_id(seed: &[u8], step: u32) -> String {
    id("deputy 2026-11 span id", seed, step, 16)
}

fn id(of: &str, seed: &[u8], step: u32, digits: usize) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(of);
    hasher.update(seed).update(&step.to_le_bytes());
    hasher.finalize().to_hex()[..digits].to_owned()
}
