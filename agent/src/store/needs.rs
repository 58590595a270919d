//! Action-needed items: rows and views. What they mean is in the room `needs`.

use super::{Key, StoreError};
use deputy_protocol::model::{Choice, Need};
use deputy_protocol::{NeedKind, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

/// An item to be opened.
#[derive(Clone, Debug)]
pub struct NewNeed {
    /// What kind of action.
    pub kind: NeedKind,
    /// At most one item with it is open.
    pub dedupe: String,
    /// A sentence.
    pub title: String,
    /// The automation.
    pub automation: Option<i64>,
    /// The run that waits.
    pub run: Option<i64>,
    /// The step that waits.
    pub seq: Option<u32>,
    /// What can be answered.
    pub choices: Vec<Choice>,
    /// Exactly what was asked or seen, redacted.
    pub detail: Value,
}

/// Opens an item unless one with its dedupe key is open. `None` when it was.
pub fn open(db: &Connection, need: &NewNeed, at: Time) -> Result<Option<i64>, StoreError> {
    let choices =
        serde_json::to_string(&need.choices).map_err(|e| StoreError::corrupt("choices", e))?;
    let new = db
        .prepare_cached(
            "INSERT INTO needs (kind, dedupe, title, automation, run, seq, state, choices, detail, created_at)
             VALUES (?1,?2,?3,?4,?5,?6,'open',?7,?8,?9)
             ON CONFLICT (dedupe) WHERE state='open' DO NOTHING RETURNING id",
        )?
        .query_row(
            params![
                need.kind.as_str(),
                need.dedupe,
                need.title,
                need.automation,
                need.run,
                need.seq,
                choices,
                need.detail.to_string(),
                at.0
            ],
            |r| r.get(0),
        )
        .optional()?;
    Ok(new)
}

/// Marks an open item as answered. False when it was not open any more.
pub fn answer(
    db: &Connection,
    key: i64,
    choice: &str,
    note: Option<&str>,
    by: &str,
    at: Time,
) -> Result<bool, StoreError> {
    let changed = db
        .prepare_cached(
            "UPDATE needs SET state='answered', answer=?2, note=?3, answered_by=?4, answered_at=?5
             WHERE id=?1 AND state='open'",
        )?
        .execute(params![key, choice, note, by, at.0])?;
    Ok(changed == 1)
}

/// The id of the open item with a dedupe key.
pub fn of_dedupe(db: &Connection, dedupe: &str) -> Result<Option<String>, StoreError> {
    let found = db
        .prepare_cached("SELECT id FROM needs WHERE dedupe=?1 AND state='open'")?
        .query_row([dedupe], |r| r.get(0))
        .optional()?;
    Ok(found.map(|key| Key::Need.id(key)))
}

/// Withdraws open items: of a run, or all with a dedupe key.
pub fn withdraw(
    db: &Connection,
    run: Option<i64>,
    dedupe: Option<&str>,
    at: Time,
) -> Result<usize, StoreError> {
    let n = db
        .prepare_cached(
            &format!("UPDATE needs SET state='withdrawn', answered_at=?3 WHERE state='open' AND ((run=?1 AND NOT {SHARED}) OR dedupe=?2)"),
        )?
        .execute(params![run, dedupe, at.0])?;
    Ok(n)
}

/// An item about a connection that other runs wait for, too: it outlives the run that opened it.
const SHARED: &str = "(needs.kind='auth' AND EXISTS (SELECT 1 FROM runs r
     WHERE r.state='waiting' AND r.waiting_for='auth' AND r.id<>needs.run
       AND json_extract(r.failure,'$.connection')=json_extract(needs.detail,'$.failure.connection')))";

/// Withdraws the open items of an automation that no other automation waits for.
pub fn withdraw_of_automation(
    db: &Connection,
    automation: i64,
    at: Time,
) -> Result<usize, StoreError> {
    let n = db
        .prepare_cached(&format!(
            "UPDATE needs SET state='withdrawn', answered_at=?2
             WHERE state='open' AND automation=?1 AND NOT {SHARED}"
        ))?
        .execute(params![automation, at.0])?;
    Ok(n)
}

/// What answering needs to know.
#[derive(Clone, Debug)]
pub struct NeedRow {
    /// Its key.
    pub key: i64,
    /// Its kind.
    pub kind: NeedKind,
    /// The automation.
    pub automation: Option<i64>,
    /// The run.
    pub run: Option<i64>,
    /// The step.
    pub seq: Option<u32>,
    /// Whether it is open.
    pub open: bool,
    /// Its dedupe key.
    pub dedupe: String,
    /// What can be answered.
    pub choices: Vec<Choice>,
    /// What was asked.
    pub detail: Value,
}

/// One item, to answer it.
pub fn row(db: &Connection, key: i64) -> Result<Option<NeedRow>, StoreError> {
    let found = db
        .prepare_cached("SELECT kind, automation, run, seq, state, dedupe, choices, detail FROM needs WHERE id=?1")?
        .query_row([key], |r| {
            Ok(NeedRow {
                key,
                kind: NeedKind::parse(&r.get::<_, String>(0)?).unwrap_or(NeedKind::Unknown),
                automation: r.get(1)?,
                run: r.get(2)?,
                seq: r.get(3)?,
                open: r.get::<_, String>(4)? == "open",
                dedupe: r.get(5)?,
                choices: serde_json::from_str(&r.get::<_, String>(6)?).unwrap_or_default(),
                detail: serde_json::from_str(&r.get::<_, String>(7)?).unwrap_or(Value::Null),
            })
        })
        .optional()?;
    Ok(found)
}

/// An item that may be about more runs than the one it names.
#[derive(Clone, Debug)]
pub struct SharedNeed {
    /// The item.
    pub need: NeedRow,
    /// Its title.
    pub title: String,
}

/// The latest item of a run that others may wait for, too, whatever became of it.
pub fn latest_shared(db: &Connection, run: i64) -> Result<Option<SharedNeed>, StoreError> {
    let found: Option<(i64, String)> = db
        .prepare_cached(
            "SELECT id, title FROM needs WHERE run=?1 AND kind IN ('auth','precondition')
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row([run], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((key, title)) = found else {
        return Ok(None);
    };
    Ok(row(db, key)?.map(|need| SharedNeed { need, title }))
}

const COLUMNS: &str =
    "id, kind, title, automation, run, state, choices, detail, answer, answered_by, created_at";

fn need(r: &Row<'_>) -> rusqlite::Result<Need> {
    Ok(Need {
        id: Key::Need.id(r.get(0)?),
        kind: NeedKind::parse(&r.get::<_, String>(1)?).unwrap_or(NeedKind::Unknown),
        title: r.get(2)?,
        automation: r.get::<_, Option<i64>>(3)?.map(|k| Key::Automation.id(k)),
        run: r.get::<_, Option<i64>>(4)?.map(|k| Key::Run.id(k)),
        state: r.get(5)?,
        choices: serde_json::from_str(&r.get::<_, String>(6)?).unwrap_or_default(),
        detail: serde_json::from_str(&r.get::<_, String>(7)?).unwrap_or(Value::Null),
        answer: r.get(8)?,
        answered_by: r.get(9)?,
        created_at: Time(r.get(10)?),
    })
}

/// One item as clients see it.
pub fn get(db: &Connection, key: i64) -> Result<Option<Need>, StoreError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM needs WHERE id=?1"))?
        .query_row([key], need)
        .optional()?;
    Ok(found)
}

/// Items: the open ones, or the latest of all.
pub fn list(db: &Connection, all: bool) -> Result<Vec<Need>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM needs WHERE ?1 OR state='open' ORDER BY id DESC LIMIT 1000"
    ))?;
    let rows = query.query_map([all], need)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// The open items of a run.
pub fn of_run(db: &Connection, run: i64) -> Result<Vec<Need>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM needs WHERE run=?1 AND state='open' ORDER BY id"
    ))?;
    let rows = query.query_map([run], need)?.collect::<Result<_, _>>()?;
    Ok(rows)
}
