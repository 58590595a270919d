//! Export: an automation as a bundle, and the audit trail.

use super::apply::stored;
use super::{Answer, Control, key, not_found};
use crate::observe::otlp;
use crate::store::{Key, StoreError, automations, events, runs, steps};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use deputy_protocol::model::Event;
use rusqlite::Connection;
use serde_json::{Value, json};

impl Control {
    pub(super) async fn export(&self, id: &str) -> Answer<Response> {
        let automation = key(Key::Automation, id)?;
        let found = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let Some(row) = automations::row(db, automation)? else { return Ok(None) };
                    let contract = automations::contract(db, automation, row.contract_version)?;
                    let script = automations::script(db, automation, row.script_version)?;
                    let (Some((contract, _)), Some((script, fixtures))) = (contract, script) else { return Ok(None) };
                    let contract: Value =
                        serde_json::from_str(&contract).map_err(|e| StoreError::corrupt("contract", e))?;
                    Ok(Some(json!({
                        "bundle": crate::planner::BUNDLE_VERSION, "name": row.name, "contract": contract,
                        "script": script, "fixtures": fixtures,
                    })))
                })
                .await,
        )?;
        let redactor = &self.executor.parts.redactor;
        found
            .map(|bundle| Response::Document(redactor.json(&bundle)))
            .ok_or_else(|| not_found("automation", id))
    }

    pub(super) async fn export_all(&self, format: &str) -> Answer<Response> {
        let otlp = match format {
            "jsonl" => false,
            "otlp" => true,
            _ => {
                return Err(ErrorBody::new(
                    "usage",
                    format!("the audit trail cannot be written as “{format}”"),
                    "use --format jsonl or --format otlp",
                ));
            }
        };
        let records = stored(
            self.executor
                .parts
                .store
                .read(move |db| if otlp { telemetry(db) } else { trail(db) })
                .await,
        )?;
        let records = Value::Array(records);
        Ok(Response::Document(
            self.executor.parts.redactor.json(&records),
        ))
    }
}

/// How many events or runs are read at a time.
const BATCH: u32 = 10_000;

/// Everything that happened.
fn trail(db: &Connection) -> Result<Vec<Value>, StoreError> {
    let mut records = Vec::new();
    in_batches(db, |batch| {
        records.extend((batch.iter()).filter_map(|event| serde_json::to_value(event).ok()));
    })?;
    Ok(records)
}

/// The same as logs, and ended runs with their steps as spans, in OpenTelemetry's words.
fn telemetry(db: &Connection) -> Result<Vec<Value>, StoreError> {
    let seeds = runs::seeds(db)?;
    let mut records = Vec::new();
    in_batches(db, |batch| records.push(otlp::logs(batch, &seeds)))?;
    let mut before = None;
    loop {
        let batch = runs::list(db, None, None, before, BATCH)?;
        if batch.is_empty() {
            return Ok(records);
        }
        for run in &batch {
            let key = Key::Run.parse(&run.id);
            let key = key.map_err(|e| StoreError::corrupt("run", e))?;
            before = Some(key);
            records.extend(otlp::trace(run, &steps::view(db, key)?, &seeds));
        }
    }
}

fn in_batches(db: &Connection, mut take: impl FnMut(&[Event])) -> Result<(), StoreError> {
    let mut seq = 0;
    loop {
        let batch = events::after(db, seq, None, BATCH)?;
        let Some(last) = batch.last() else {
            return Ok(());
        };
        seq = last.seq;
        take(&batch);
    }
}
