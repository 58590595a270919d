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

/// What a row is for while nobody knows yet what a call costs.
const RESERVED: &str = "reserved";

/// Sets aside what a call could cost. It counts as spent for the gate, not in the sums.
pub fn reserve(
    db: &Connection,
    automation: i64,
    run: i64,
    tool: &str,
    micros: u64,
    at: Time,
) -> Result<i64, StoreError> {
    let micros = i64::try_from(micros).unwrap_or(i64::MAX);
    let key = db
        .prepare_cached(
            "INSERT INTO costs (at, automation, run, tool, purpose, cost_micros)
             VALUES (?1,?2,?3,?4,?5,?6) RETURNING id",
        )?
        .query_row(
            params![at.0, automation, run, tool, RESERVED, micros],
            |r| r.get(0),
        )?;
    Ok(key)
}

/// Gives back what was set aside: the call has ended, and what it cost is written down.
pub fn release(db: &Connection, key: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM costs WHERE id=?1 AND purpose=?2")?
        .execute(params![key, RESERVED])?;
    Ok(())
}

/// Counts what was set aside as spent, for one call or for all that are left: they ended without
/// anybody hearing it, and their answers may have been paid for.
pub fn keep(db: &Connection, key: Option<i64>) -> Result<(), StoreError> {
    type Left = (i64, Option<i64>, Option<i64>, i64);
    let left: Vec<Left> = db
        .prepare_cached(
            "UPDATE costs SET purpose='tool', units='{\"answer_lost\":true}'
             WHERE purpose=?1 AND (?2 IS NULL OR id=?2) RETURNING id, run, automation, cost_micros",
        )?
        .query_map(params![RESERVED, key], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    for (_, run, automation, micros) in left {
        db.prepare_cached("UPDATE runs SET cost_micros=cost_micros+?2 WHERE id=?1")?
            .execute(params![run, micros])?;
        db.prepare_cached("UPDATE automations SET cost_micros=cost_micros+?2 WHERE id=?1")?
            .execute(params![automation, micros])?;
    }
    Ok(())
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
