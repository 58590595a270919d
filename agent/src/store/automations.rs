//! Automations with their contract, script and state versions.

use super::{Key, StoreError};
use deputy_protocol::model::{Automation, AutomationCounts};
use deputy_protocol::{AutomationState, RunState, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

/// Why an automation rests that the user paused: only the user wakes it again.
pub const PAUSED_BY_USER: &str = "paused by the user";

/// Why everything is paused after a copy of the data was put back.
pub const PAUSED_AFTER_RESTORE: &str = "the data was restored from a copy";

/// What the scheduler and the executor need to know.
#[derive(Clone, Debug)]
pub struct AutomationRow {
    /// Its key.
    pub key: i64,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: AutomationState,
    /// Why it is paused, if it is.
    pub paused_because: Option<String>,
    /// IANA zone.
    pub timezone: String,
    /// The active contract version; 0 before the first is accepted.
    pub contract_version: u32,
    /// The active script version.
    pub script_version: u32,
    /// The present `ctx.state` version.
    pub state_version: i64,
}

/// One automation's row.
pub fn row(db: &Connection, key: i64) -> Result<Option<AutomationRow>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT name, state, timezone, contract_version, script_version, state_version, paused_because FROM automations WHERE id=?1",
        )?
        .query_row([key], |r| {
            Ok(AutomationRow {
                key,
                name: r.get(0)?,
                state: AutomationState::parse(&r.get::<_, String>(1)?).unwrap_or(AutomationState::Paused),
                timezone: r.get(2)?,
                contract_version: r.get(3)?,
                script_version: r.get(4)?,
                state_version: r.get(5)?,
                paused_because: r.get(6)?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Makes a draft.
pub fn insert(
    db: &Connection,
    name: &str,
    purpose: &str,
    timezone: &str,
    at: Time,
) -> Result<i64, StoreError> {
    db.prepare_cached(
        "INSERT INTO automations (name, purpose, state, timezone, created_at) VALUES (?1,?2,'draft',?3,?4)",
    )?
    .execute(params![name, purpose, timezone, at.0])?;
    Ok(db.last_insert_rowid())
}

/// Names an automation and says what it is for.
pub fn describe(
    db: &Connection,
    key: i64,
    name: &str,
    purpose: &str,
    timezone: &str,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE automations SET name=?2, purpose=?3, timezone=?4 WHERE id=?1")?
        .execute(params![key, name, purpose, timezone])?;
    Ok(())
}

/// Moves an automation to a state, with the reason of a pause.
pub fn set_state(
    db: &Connection,
    key: i64,
    state: AutomationState,
    because: Option<&str>,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE automations SET state=?2, paused_because=?3 WHERE id=?1")?
        .execute(params![key, state.as_str(), because])?;
    Ok(())
}

const COLUMNS: &str =
    "a.id, a.name, a.purpose, a.state, a.paused_because, a.contract_version, a.script_version,
    a.timezone, a.last_run, a.cost_micros, a.created_at, r.state, r.started_at,
    (SELECT min(next_due_at) FROM triggers t WHERE t.automation=a.id),
    (SELECT count(*) FROM needs n WHERE n.automation=a.id AND n.state='open')";

fn automation(r: &Row<'_>) -> rusqlite::Result<Automation> {
    let state = AutomationState::parse(&r.get::<_, String>(3)?).unwrap_or(AutomationState::Paused);
    let next: Option<i64> = r.get(13)?;
    Ok(Automation {
        id: Key::Automation.id(r.get(0)?),
        name: r.get(1)?,
        purpose: r.get(2)?,
        state,
        paused_because: r.get(4)?,
        contract_version: r.get(5)?,
        script_version: r.get(6)?,
        timezone: r.get(7)?,
        next_due_at: next.filter(|_| state == AutomationState::Active).map(Time),
        last_run: r.get::<_, Option<i64>>(8)?.map(|k| Key::Run.id(k)),
        last_run_state: r
            .get::<_, Option<String>>(11)?
            .and_then(|w| RunState::parse(&w)),
        last_run_at: r.get::<_, Option<i64>>(12)?.map(Time),
        needs_open: u64::try_from(r.get::<_, i64>(14)?).unwrap_or(0),
        cost_micros: r.get(9)?,
        created_at: Time(r.get(10)?),
    })
}

/// One automation as clients see it.
pub fn get(db: &Connection, key: i64) -> Result<Option<Automation>, StoreError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM automations a LEFT JOIN runs r ON r.id=a.last_run WHERE a.id=?1"
        ))?
        .query_row([key], automation)
        .optional()?;
    Ok(found)
}

/// All automations, oldest first; archived ones only when asked for.
pub fn list(db: &Connection, archived: bool) -> Result<Vec<Automation>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM automations a LEFT JOIN runs r ON r.id=a.last_run
         WHERE ?1 OR a.state<>'archived' ORDER BY a.id"
    ))?;
    let rows = query
        .query_map([archived], automation)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// How many there are in each state.
pub fn counts(db: &Connection) -> Result<AutomationCounts, StoreError> {
    let mut counts = AutomationCounts::default();
    let mut query = db.prepare_cached("SELECT state, count(*) FROM automations GROUP BY state")?;
    let mut rows = query.query([])?;
    while let Some(r) = rows.next()? {
        let n = u64::try_from(r.get::<_, i64>(1)?).unwrap_or(0);
        match AutomationState::parse(&r.get::<_, String>(0)?) {
            Some(AutomationState::Draft) => counts.draft = n,
            Some(AutomationState::Active) => counts.active = n,
            Some(AutomationState::Paused) => counts.paused = n,
            Some(AutomationState::Archived) => counts.archived = n,
            None => {}
        }
    }
    Ok(counts)
}

/// Adds a contract version and makes it the active one. Returns its number. A proposal that is open
/// was made for the contract as it was, and is closed.
pub fn add_contract(
    db: &Connection,
    automation: i64,
    contract: &str,
    digest: &str,
    reason: &str,
    at: Time,
) -> Result<u32, StoreError> {
    let version: u32 = db
        .prepare_cached(
            "SELECT coalesce(max(version),0)+1 FROM contract_versions WHERE automation=?1",
        )?
        .query_row([automation], |r| r.get(0))?;
    db.prepare_cached(
        "INSERT INTO contract_versions (automation, version, contract, digest, reason, created_at) VALUES (?1,?2,?3,?4,?5,?6)",
    )?
    .execute(params![automation, version, contract, digest, reason, at.0])?;
    db.prepare_cached("UPDATE automations SET contract_version=?2 WHERE id=?1")?
        .execute(params![automation, version])?;
    close_proposals(db, automation)?;
    Ok(version)
}

/// Closes the open proposal of an automation for another one, or for a change that came before it.
pub fn close_proposals(db: &Connection, automation: i64) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE proposals SET state='superseded' WHERE automation=?1 AND state='proposed'",
    )?
    .execute([automation])?;
    Ok(())
}

/// A script with what it came with.
#[derive(Clone, Debug)]
pub struct NewScript<'a> {
    /// The module's text.
    pub script: &'a str,
    /// Recorded runs, as JSON.
    pub fixtures: &'a Value,
    /// Digest of the text.
    pub digest: &'a str,
    /// Why there is a new version.
    pub reason: &'a str,
}

/// Adds a script version and makes it the active one. Returns its number.
pub fn add_script(
    db: &Connection,
    automation: i64,
    script: &NewScript<'_>,
    at: Time,
) -> Result<u32, StoreError> {
    let version: u32 = db
        .prepare_cached(
            "SELECT coalesce(max(version),0)+1 FROM script_versions WHERE automation=?1",
        )?
        .query_row([automation], |r| r.get(0))?;
    db.prepare_cached(
        "INSERT INTO script_versions (automation, version, script, fixtures, digest, reason, created_at)
         VALUES (?1,?2,?3,?4,?5,?6,?7)",
    )?
    .execute(params![
        automation,
        version,
        script.script,
        script.fixtures.to_string(),
        script.digest,
        script.reason,
        at.0
    ])?;
    db.prepare_cached("UPDATE automations SET script_version=?2 WHERE id=?1")?
        .execute(params![automation, version])?;
    Ok(version)
}

/// A contract version's text and when it was made.
pub fn contract(
    db: &Connection,
    automation: i64,
    version: u32,
) -> Result<Option<(String, Time)>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT contract, created_at FROM contract_versions WHERE automation=?1 AND version=?2",
        )?
        .query_row(params![automation, version], |r| {
            Ok((r.get(0)?, Time(r.get(1)?)))
        })
        .optional()?;
    Ok(found)
}

/// When each active version was made: contract, script.
pub fn versions_at(db: &Connection, automation: i64) -> Result<Option<(Time, Time)>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT c.created_at, s.created_at FROM automations a
             JOIN contract_versions c ON c.automation=a.id AND c.version=a.contract_version
             JOIN script_versions s ON s.automation=a.id AND s.version=a.script_version WHERE a.id=?1",
        )?
        .query_row([automation], |r| Ok((Time(r.get(0)?), Time(r.get(1)?))))
        .optional()?;
    Ok(found)
}

/// A script version's text and its fixtures.
pub fn script(
    db: &Connection,
    automation: i64,
    version: u32,
) -> Result<Option<(String, Value)>, StoreError> {
    let found: Option<(String, String)> = db
        .prepare_cached(
            "SELECT script, fixtures FROM script_versions WHERE automation=?1 AND version=?2",
        )?
        .query_row(params![automation, version], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    Ok(found.map(|(script, fixtures)| {
        (
            script,
            serde_json::from_str(&fixtures).unwrap_or(Value::Null),
        )
    }))
}

/// A version of `ctx.state`, as a JSON object's text. Version 0 is empty.
pub fn state(db: &Connection, automation: i64, version: i64) -> Result<String, StoreError> {
    if version == 0 {
        return Ok("{}".to_owned());
    }
    let text = db
        .prepare_cached("SELECT state FROM state_versions WHERE automation=?1 AND version=?2")?
        .query_row(params![automation, version], |r| r.get(0))
        .optional()?;
    text.ok_or_else(|| {
        StoreError::corrupt(
            "state version",
            format!("{automation}/{version} is missing"),
        )
    })
}

/// How many superseded versions of `ctx.state` are kept, so that the latest runs can be replayed.
const KEEP_STATES: i64 = 20;

/// Applies what a run set to the present state: whole keys, `null` removes.
pub fn change_state(
    db: &Connection,
    automation: i64,
    changes: &std::collections::BTreeMap<String, Box<serde_json::value::RawValue>>,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let version: i64 = db
        .prepare_cached("SELECT state_version FROM automations WHERE id=?1")?
        .query_row([automation], |r| r.get(0))?;
    let mut present: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(&state(db, automation, version)?)
            .map_err(|e| StoreError::corrupt("state", e))?;
    for (key, value) in changes {
        if value.get() == "null" {
            present.remove(key);
        } else {
            present.insert(key.clone(), value.clone());
        }
    }
    let text = serde_json::to_string(&present).map_err(|e| StoreError::corrupt("state", e))?;
    db.prepare_cached("INSERT INTO state_versions (automation, version, state) VALUES (?1,?2,?3)")?
        .execute(params![automation, version + 1, text])?;
    db.prepare_cached("UPDATE automations SET state_version=?2 WHERE id=?1")?
        .execute(params![automation, version + 1])?;
    db.prepare_cached(
        "DELETE FROM state_versions WHERE automation=?1 AND version<=?2
           AND version NOT IN (SELECT state_version FROM runs WHERE automation=?1 AND state IN ('queued','running','waiting'))",
    )?
    .execute(params![automation, version + 1 - KEEP_STATES])?;
    Ok(())
}
