//! The one sequence of events, and what it takes to show it.

use super::{Key, StoreError};
use deputy_protocol::Time;
use deputy_protocol::model::Event;
use rusqlite::{Connection, Row, params};
use serde_json::Value;

/// Appends an event; to be called in the transaction that makes it true.
pub fn record(
    db: &Connection,
    at: Time,
    kind: &str,
    automation: Option<i64>,
    run: Option<i64>,
    data: &Value,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO events (at, kind, automation, run, data) VALUES (?1,?2,?3,?4,?5)",
    )?
    .execute(params![at.0, kind, automation, run, data.to_string()])?;
    Ok(())
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        seq: row.get(0)?,
        at: Time(row.get(1)?),
        kind: row.get(2)?,
        automation: row.get::<_, Option<i64>>(3)?.map(|k| Key::Automation.id(k)),
        run: row.get::<_, Option<i64>>(4)?.map(|k| Key::Run.id(k)),
        data: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or(Value::Null),
    })
}

/// The last event's place in the sequence; 0 before the first.
pub fn last(db: &Connection) -> Result<i64, StoreError> {
    let last = db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM events")?
        .query_row([], |r| r.get(0))?;
    Ok(last)
}

/// The events of a run, in order.
pub fn of_run(db: &Connection, run: i64) -> Result<Vec<Event>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT seq, at, kind, automation, run, data FROM events WHERE run=?1 ORDER BY seq",
    )?;
    let rows = query.query_map([run], event)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// At most `limit` events after a sequence number, in order; all runs, or one.
pub fn after(
    db: &Connection,
    seq: i64,
    run: Option<i64>,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let mut query = match run {
        Some(_) => db.prepare_cached(
            "SELECT seq, at, kind, automation, run, data FROM events WHERE run=?3 AND seq>?1 ORDER BY seq LIMIT ?2",
        )?,
        None => db.prepare_cached(
            "SELECT seq, at, kind, automation, run, data FROM events WHERE seq>?1 AND ?3 IS NULL ORDER BY seq LIMIT ?2",
        )?,
    };
    let rows = query
        .query_map(params![seq, limit, run], event)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}
