//! Tasks of planner and maintainer, and their runs: rows. What a task's detail means is its room's.

use super::StoreError;
use deputy_protocol::Time;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

/// A task.
#[derive(Clone, Debug)]
pub struct TaskRow {
    /// Its key.
    pub key: i64,
    /// The automation it is about.
    pub automation: Option<i64>,
    /// The thread of its latest conversation.
    pub thread: Option<i64>,
    /// Where it stands, in its room's words.
    pub state: String,
    /// What its room keeps of it.
    pub detail: Value,
    /// When it was made.
    pub created_at: Time,
}

/// Makes a task of a kind (`plan`, `repair`, `question`).
pub fn insert(
    db: &Connection,
    kind: &str,
    automation: Option<i64>,
    state: &str,
    detail: &Value,
    at: Time,
) -> Result<i64, StoreError> {
    db.prepare_cached(
        "INSERT INTO tasks (kind, automation, state, detail, created_at) VALUES (?1,?2,?3,?4,?5)",
    )?
    .execute(params![kind, automation, state, detail.to_string(), at.0])?;
    Ok(db.last_insert_rowid())
}

const COLUMNS: &str = "id, automation, thread, state, detail, created_at";

fn task(r: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        key: r.get(0)?,
        automation: r.get(1)?,
        thread: r.get(2)?,
        state: r.get(3)?,
        detail: serde_json::from_str(&r.get::<_, String>(4)?).unwrap_or(Value::Null),
        created_at: Time(r.get(5)?),
    })
}

/// One task.
pub fn row(db: &Connection, key: i64) -> Result<Option<TaskRow>, StoreError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM tasks WHERE id=?1"))?
        .query_row([key], task)
        .optional()?;
    Ok(found)
}

/// The tasks of a kind in one of these states, oldest first; of an automation, or of all.
pub fn in_states(
    db: &Connection,
    kind: &str,
    automation: Option<i64>,
    states: &[&str],
) -> Result<Vec<TaskRow>, StoreError> {
    let states = serde_json::to_string(states).map_err(|e| StoreError::corrupt("states", e))?;
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tasks WHERE kind=?1 AND (?2 IS NULL OR automation=?2)
           AND state IN (SELECT value FROM json_each(?3)) ORDER BY id"
    ))?;
    let rows = query
        .query_map(params![kind, automation, states], task)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// Moves a task to a state, with what its room keeps of it.
pub fn set(db: &Connection, key: i64, state: &str, detail: &Value) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE tasks SET state=?2, detail=?3 WHERE id=?1")?
        .execute(params![key, state, detail.to_string()])?;
    Ok(())
}

/// Gives a task the thread of its latest conversation.
pub fn set_thread(db: &Connection, key: i64, thread: Option<i64>) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE tasks SET thread=?2 WHERE id=?1")?
        .execute(params![key, thread])?;
    Ok(())
}

/// Begins a run of a task.
pub fn begin_run(db: &Connection, task: i64, at: Time) -> Result<i64, StoreError> {
    db.prepare_cached(
        "INSERT INTO task_runs (task, state, detail, started_at) VALUES (?1,'running','{}',?2)",
    )?
    .execute(params![task, at.0])?;
    Ok(db.last_insert_rowid())
}

/// Ends the run of a task that is under way, if one is. Returns what it cost, in micro-USD.
pub fn end_run(
    db: &Connection,
    task: i64,
    state: &str,
    detail: &Value,
    at: Time,
) -> Result<i64, StoreError> {
    let cost = db
        .prepare_cached(
            "UPDATE task_runs SET state=?2, detail=?3, ended_at=?4
             WHERE task=?1 AND ended_at IS NULL RETURNING cost_micros",
        )?
        .query_row(params![task, state, detail.to_string(), at.0], |r| r.get(0))
        .optional()?;
    Ok(cost.unwrap_or(0))
}

/// What a task has cost so far, in micro-USD.
pub fn cost(db: &Connection, task: i64) -> Result<i64, StoreError> {
    let sum = db
        .prepare_cached("SELECT coalesce(sum(cost_micros),0) FROM task_runs WHERE task=?1")?
        .query_row([task], |r| r.get(0))?;
    Ok(sum)
}
