//! The inbox: where all work arrives, each item once.

use super::{Key, StoreError};
use deputy_protocol::model::Input;
use deputy_protocol::{InputState, SourceKind, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

/// An item to be put.
#[derive(Clone, Debug)]
pub struct NewInput {
    /// The automation it is for.
    pub automation: i64,
    /// Where it came from.
    pub source: SourceKind,
    /// Which of those, e.g. the trigger's position.
    pub source_id: String,
    /// The topic, for handlers by topic.
    pub topic: Option<String>,
    /// Unique within the automation: a second item with it is ignored.
    pub dedupe: String,
    /// A line for people.
    pub title: String,
    /// What the script gets.
    pub payload: Value,
    /// When it became due.
    pub due_at: Time,
    /// The input whose run emitted it.
    pub caused_by: Option<i64>,
}

/// What became of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    New(i64),
    /// It was there already.
    Known(i64),
}

impl Put {
    /// The item's key, new or known.
    pub fn key(self) -> i64 {
        match self {
            Self::New(key) | Self::Known(key) => key,
        }
    }
}

/// Puts an item unless its key is known.
pub fn put(db: &Connection, input: &NewInput) -> Result<Put, StoreError> {
    let new = db
        .prepare_cached(
            "INSERT INTO inbox (source, source_id, target, target_id, topic, dedupe, title, payload, state,
                                due_at, available_at, caused_by)
             VALUES (?1,?2,'automation',?3,?4,?5,?6,?7,'pending',?8,?8,?9)
             ON CONFLICT (target, target_id, dedupe) DO NOTHING RETURNING id",
        )?
        .query_row(
            params![
                input.source.as_str(),
                input.source_id,
                input.automation,
                input.topic,
                input.dedupe,
                input.title,
                input.payload.to_string(),
                input.due_at.0,
                input.caused_by,
            ],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(key) = new {
        return Ok(Put::New(key));
    }
    known(db, input.automation, &input.dedupe)?
        .map(Put::Known)
        .ok_or_else(|| StoreError::corrupt("inbox key", &input.dedupe))
}

/// The item with a dedupe key, if there is one.
pub fn known(db: &Connection, automation: i64, dedupe: &str) -> Result<Option<i64>, StoreError> {
    let known = db
        .prepare_cached(
            "SELECT id FROM inbox WHERE target='automation' AND target_id=?1 AND dedupe=?2",
        )?
        .query_row(params![automation, dedupe], |row| row.get(0))
        .optional()?;
    Ok(known)
}

/// The most items of an automation that may wait; more are refused at their source, which can try
/// again, rather than dropped here. What a run emits is bounded by the run's own steps.
pub const MAX_PENDING: u32 = 2_000;

/// Puts an item unless its key is known or the queue is full; `None` when it is full. What is known already
/// has its place.
pub fn put_if_room(db: &Connection, input: &NewInput) -> Result<Option<Put>, StoreError> {
    if let Some(known) = known(db, input.automation, &input.dedupe)? {
        return Ok(Some(Put::Known(known)));
    }
    if !has_room(db, input.automation)? {
        return Ok(None);
    }
    put(db, input).map(Some)
}

/// Whether an automation's queue takes another item.
fn has_room(db: &Connection, automation: i64) -> Result<bool, StoreError> {
    let full = db
        .prepare_cached(
            "SELECT 1 FROM inbox WHERE target_id=?1 AND state='pending' ORDER BY id LIMIT 1 OFFSET ?2",
        )?
        .exists(params![automation, MAX_PENDING - 1])?;
    Ok(!full)
}

/// The end of a dedupe key that no other item has.
pub fn unique(db: &Connection, now: Time) -> Result<String, StoreError> {
    let next: i64 = db
        .prepare_cached("SELECT coalesce(max(id),0)+1 FROM inbox")?
        .query_row([], |r| r.get(0))?;
    Ok(format!("auto:{}:{next}", now.0))
}

/// Says from when a pending item may be claimed, and until when it must have been.
pub fn lease(
    db: &Connection,
    key: i64,
    available_at: Time,
    lease_until: Time,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE inbox SET available_at=?2, lease_until=?3 WHERE id=?1")?
        .execute(params![key, available_at.0, lease_until.0])?;
    Ok(())
}

/// Gives pending items with a lease a new one, of one automation or of all, and makes what waits
/// for a time that is not yet available now. For a start, a resumed automation, and a clock that
/// was set back.
pub fn renew_leases(
    db: &Connection,
    automation: Option<i64>,
    now: Time,
    lease_until: Time,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE inbox SET available_at=min(available_at, ?2),
                lease_until=CASE WHEN source IN ('cron','every','at') THEN ?3 END
         WHERE state='pending' AND (?1 IS NULL OR target_id=?1)",
    )?
    .execute(params![automation, now.0, lease_until.0])?;
    Ok(())
}

const COLUMNS: &str =
    "id, target_id, source, topic, title, state, due_at, payload, run, caused_by, reason";

fn input(row: &Row<'_>) -> rusqlite::Result<Input> {
    Ok(Input {
        id: Key::Input.id(row.get(0)?),
        automation: Key::Automation.id(row.get(1)?),
        source: SourceKind::parse(&row.get::<_, String>(2)?).unwrap_or(SourceKind::Event),
        topic: row.get(3)?,
        title: row.get(4)?,
        state: InputState::parse(&row.get::<_, String>(5)?).unwrap_or(InputState::Pending),
        due_at: Time(row.get(6)?),
        payload: serde_json::from_str(&row.get::<_, String>(7)?).unwrap_or(Value::Null),
        run: row.get::<_, Option<i64>>(8)?.map(|k| Key::Run.id(k)),
        caused_by: row.get::<_, Option<i64>>(9)?.map(|k| Key::Input.id(k)),
        reason: row.get(10)?,
    })
}

/// One item.
pub fn get(db: &Connection, key: i64) -> Result<Option<Input>, StoreError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM inbox WHERE id=?1"))?
        .query_row([key], input)
        .optional()?;
    Ok(found)
}

/// Items, newest first.
pub fn list(
    db: &Connection,
    automation: Option<i64>,
    state: Option<InputState>,
    limit: u32,
) -> Result<Vec<Input>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM inbox WHERE 1");
    if automation.is_some() {
        sql += " AND target_id=?1";
    }
    if state.is_some() {
        sql += " AND state=?2";
    }
    sql += " AND (?1 IS NULL OR 1) AND (?2 IS NULL OR 1) ORDER BY id DESC LIMIT ?3";
    let mut query = db.prepare_cached(&sql)?;
    let rows = query
        .query_map(
            params![automation, state.map(InputState::as_str), limit],
            input,
        )?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// What an emitted item stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    /// How many items led to it, each of which emitted the next.
    pub generation: u32,
    /// How many items of its automation wait.
    pub waiting: u32,
}

/// What an emitted item stands in; counted up to `most` each.
pub fn crowd(db: &Connection, automation: i64, key: i64, most: Crowd) -> Result<Crowd, StoreError> {
    let generation = db
        .prepare_cached(
            "WITH RECURSIVE up (id, n) AS (
               SELECT caused_by, 1 FROM inbox WHERE id=?1
               UNION ALL SELECT i.caused_by, n+1 FROM up JOIN inbox i ON i.id=up.id WHERE n<?2
             ) SELECT count(id) FROM up",
        )?
        .query_row(params![key, most.generation], |r| r.get(0))?;
    let waiting = db
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM inbox
             WHERE target_id=?1 AND state='pending' AND target='automation' LIMIT ?2)",
        )?
        .query_row(params![automation, most.waiting], |r| r.get(0))?;
    Ok(Crowd {
        generation,
        waiting,
    })
}

/// What the runs for an item emitted.
pub fn caused(db: &Connection, key: i64) -> Result<Vec<Input>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM inbox WHERE caused_by=?1 ORDER BY id"
    ))?;
    let rows = query.query_map([key], input)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// Lets what waits in the inbox begin now, whatever time it was put for.
pub fn make_available(db: &Connection, now: Time) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE inbox SET available_at=?1 WHERE state='pending' AND available_at>?1",
    )?
    .execute([now.0])?;
    Ok(())
}

/// Moves an item to a state, with a reason for people.
pub fn set_state(
    db: &Connection,
    key: i64,
    state: InputState,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE inbox SET state=?2, reason=?3, lease_until=NULL WHERE id=?1")?
        .execute(params![key, state.as_str(), reason])?;
    Ok(())
}
