//! What was paid, and for whom.

use super::StoreError;
use deputy_protocol::Time;
use rusqlite::{Connection, params};
use serde_json::Value;

/// One payment.
#[derive(Clone, Debug)]
pub struct Cost<'a> {
    /// When.
    pub at: Time,
    /// The automation it was for.
    pub automation: Option<i64>,
    /// The run it was for.
    pub run: Option<i64>,
    /// The task it was for.
    pub task: Option<i64>,
    /// The tool that caused it.
    pub tool: Option<&'a str>,
    /// The model that was paid.
    pub model: Option<&'a str>,
    /// What it was for, e.g. `plan`.
    pub purpose: &'a str,
    /// What was used, by kind.
    pub units: &'a Value,
    /// How much, in micro-USD.
    pub cost_micros: i64,
}

/// Writes a payment down, and adds it to the sums of its run and automation.
pub fn record(db: &Connection, cost: &Cost<'_>) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO costs (at, automation, run, task, tool, model, purpose, units, cost_micros)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    )?
    .execute(params![
        cost.at.0,
        cost.automation,
        cost.run,
        cost.task,
        cost.tool,
        cost.model,
        cost.purpose,
        cost.units.to_string(),
        cost.cost_micros
    ])?;
    db.prepare_cached("UPDATE runs SET cost_micros=cost_micros+?2 WHERE id=?1")?
        .execute(params![cost.run, cost.cost_micros])?;
    db.prepare_cached("UPDATE automations SET cost_micros=cost_micros+?2 WHERE id=?1")?
        .execute(params![cost.automation, cost.cost_micros])?;
    db.prepare_cached(
        "UPDATE task_runs SET cost_micros=cost_micros+?2
         WHERE id=(SELECT max(id) FROM task_runs WHERE task=?1)",
    )?
    .execute(params![cost.task, cost.cost_micros])?;
    Ok(())
}
