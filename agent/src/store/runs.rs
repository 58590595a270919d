//! Runs: rows and views.

use super::{Key, StoreError};
use deputy_protocol::model::Run;
use deputy_protocol::{FailureClass, RunState, Time, WaitingFor};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// What the executor needs to know of a run.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Its key.
    pub key: i64,
    /// Its automation.
    pub automation: i64,
    /// Its inbox item.
    pub input: i64,
    /// Where it stands.
    pub state: RunState,
    /// The script version it runs.
    pub script_version: u32,
    /// The contract version it obeys.
    pub contract_version: u32,
    /// The `ctx.state` version it started from.
    pub state_version: i64,
    /// Attempts begun.
    pub attempt: u32,
    /// Attempts spent on transient failures.
    pub retries: u32,
    /// Crashes in a row at the same step.
    pub crashes: u32,
    /// The number of steps at the last crash.
    pub crashed_at_step: Option<u32>,
    /// How often the user asked for its effects again.
    pub epoch: u32,
    /// Seeds randomness and effect keys.
    pub seed: [u8; 32],
    /// When it was due.
    pub due_at: Time,
    /// Logical time of its start; unset before its first attempt.
    pub logical_start: Option<Time>,
    /// Each time it went on by the content of its journal, oldest first.
    pub resumptions: Vec<Resumption>,
}

impl RunRow {
    /// The last entry of earlier scripts; the present one's calls are numbered from here.
    pub fn base(&self) -> u32 {
        self.resumptions.last().map_or(0, |r| r.after)
    }
}

/// A run's new beginning under a script that follows its journal by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// The last entry of the journal before it.
    pub after: u32,
    /// Reads up to this entry are known; later ones are made afresh.
    pub reads_until: u32,
}

/// Lets a run that is not at work begin anew under these versions, by the content of its journal.
/// Reads of entries after `reads_until` are made afresh; effects never are.
pub fn resume_by_content(
    db: &Connection,
    run: &RunRow,
    script_version: u32,
    contract_version: u32,
    after: u32,
    reads_until: u32,
) -> Result<(), StoreError> {
    let mut resumptions = run.resumptions.clone();
    resumptions.push(Resumption { after, reads_until });
    let text =
        serde_json::to_string(&resumptions).map_err(|e| StoreError::corrupt("resumptions", e))?;
    db.prepare_cached(
        "UPDATE runs SET state='queued', waiting_for=NULL, waiting_until=NULL, ended_at=NULL, failure_class=NULL,
                failure=NULL, retries=0, crashes=0, crashed_at_step=NULL,
                script_version=?2, contract_version=?3, resumptions=?4
         WHERE id=?1 AND state IN ('failed','waiting')",
    )?
    .execute(params![run.key, script_version, contract_version, text])?;
    Ok(())
}

/// A run to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRun {
    /// The automation.
    pub automation: i64,
    /// The inbox item.
    pub input: i64,
    /// Versions at this moment.
    pub script_version: u32,
    /// Versions at this moment.
    pub contract_version: u32,
    /// Versions at this moment.
    pub state_version: i64,
    /// Effects again: raises the epoch.
    pub epoch: u32,
    /// When it was due.
    pub due_at: Time,
    /// Seeds it.
    pub seed: [u8; 32],
}

/// Makes a run, at work in its first attempt from now on.
pub fn insert(db: &Connection, run: &NewRun, now: Time) -> Result<RunRow, StoreError> {
    db.prepare_cached(
        "INSERT INTO runs (automation, input, state, script_version, contract_version, state_version, attempt, epoch,
                           seed, due_at, logical_start, started_at)
         VALUES (?1,?2,'running',?3,?4,?5,1,?6,?7,?8,?9,?9)",
    )?
    .execute(params![
        run.automation,
        run.input,
        run.script_version,
        run.contract_version,
        run.state_version,
        run.epoch,
        run.seed.as_slice(),
        run.due_at.0,
        now.0
    ])?;
    Ok(RunRow {
        key: db.last_insert_rowid(),
        automation: run.automation,
        input: run.input,
        state: RunState::Running,
        script_version: run.script_version,
        contract_version: run.contract_version,
        state_version: run.state_version,
        attempt: 1,
        retries: 0,
        crashes: 0,
        crashed_at_step: None,
        epoch: run.epoch,
        seed: run.seed,
        due_at: run.due_at,
        logical_start: Some(now),
        resumptions: Vec::new(),
    })
}

/// Counts another attempt of a run, which is at work from now on.
pub fn begin_attempt(db: &Connection, key: i64, now: Time) -> Result<RunRow, StoreError> {
    db.prepare_cached(
        "UPDATE runs SET state='running', attempt=attempt+1, started_at=coalesce(started_at,?2),
                logical_start=coalesce(logical_start,?2), waiting_for=NULL, waiting_until=NULL WHERE id=?1",
    )?
    .execute(params![key, now.0])?;
    row(db, key)?.ok_or_else(|| StoreError::corrupt("run", format!("r{key} is missing")))
}

/// Whether a run has not ended yet.
pub fn is_live(db: &Connection, key: i64) -> Result<bool, StoreError> {
    let live = db
        .prepare_cached("SELECT state IN ('queued','running','waiting') FROM runs WHERE id=?1")?
        .query_row([key], |r| r.get(0))
        .optional()?;
    Ok(live.unwrap_or(false))
}

/// The executor's view of a run.
pub fn row(db: &Connection, key: i64) -> Result<Option<RunRow>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT automation, input, state, script_version, contract_version, state_version, attempt, retries,
                    crashes, crashed_at_step, epoch, seed, due_at, logical_start, resumptions FROM runs WHERE id=?1",
        )?
        .query_row([key], |r| {
            Ok(RunRow {
                key,
                automation: r.get(0)?,
                input: r.get(1)?,
                state: RunState::parse(&r.get::<_, String>(2)?).unwrap_or(RunState::Failed),
                script_version: r.get(3)?,
                contract_version: r.get(4)?,
                state_version: r.get(5)?,
                attempt: r.get(6)?,
                retries: r.get(7)?,
                crashes: r.get(8)?,
                crashed_at_step: r.get(9)?,
                epoch: r.get(10)?,
                seed: r.get::<_, Vec<u8>>(11)?.try_into().unwrap_or([0; 32]),
                due_at: Time(r.get(12)?),
                logical_start: r.get::<_, Option<i64>>(13)?.map(Time),
                resumptions: serde_json::from_str(&r.get::<_, String>(14)?).map_err(|e| {
                    rusqlite::Error::FromSqlConversionFailure(14, rusqlite::types::Type::Text, e.into())
                })?,
            })
        })
        .optional()?;
    Ok(found)
}

const COLUMNS: &str = "id, automation, state, waiting_for, waiting_until, failure_class, failure, script_version,
    contract_version, input, attempt, due_at, started_at, ended_at, busy_us, steps, cost_micros, result";

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let failure: Option<String> = row.get(6)?;
    let failure = failure.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    Ok(Run {
        id: Key::Run.id(row.get(0)?),
        automation: Key::Automation.id(row.get(1)?),
        state: RunState::parse(&row.get::<_, String>(2)?).unwrap_or(RunState::Failed),
        waiting_for: row
            .get::<_, Option<String>>(3)?
            .and_then(|w| WaitingFor::parse(&w)),
        waiting_until: row.get::<_, Option<i64>>(4)?.map(Time),
        failure_class: row
            .get::<_, Option<String>>(5)?
            .and_then(|w| FailureClass::parse(&w)),
        failure: failure
            .as_ref()
            .and_then(|f| f["message"].as_str())
            .map(str::to_owned),
        script_version: row.get(7)?,
        contract_version: row.get(8)?,
        input: Key::Input.id(row.get(9)?),
        attempt: row.get(10)?,
        due_at: Time(row.get(11)?),
        started_at: row.get::<_, Option<i64>>(12)?.map(Time),
        ended_at: row.get::<_, Option<i64>>(13)?.map(Time),
        duration_ms: row.get::<_, i64>(14)? as f64 / 1000.0,
        steps: row.get(15)?,
        cost_micros: row.get(16)?,
        result: row
            .get::<_, Option<String>>(17)?
            .and_then(|text| serde_json::from_str(&text).ok()),
    })
}

/// A run as clients see it.
pub fn get(db: &Connection, key: i64) -> Result<Option<Run>, StoreError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE id=?1"))?
        .query_row([key], run)
        .optional()?;
    Ok(found)
}

/// Runs, newest first; those that are older than one, if it is named.
pub fn list(
    db: &Connection,
    automation: Option<i64>,
    state: Option<RunState>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Run>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM runs WHERE 1");
    if automation.is_some() {
        sql += " AND automation=?1";
    }
    if state.is_some() {
        sql += " AND state=?2";
    }
    if before.is_some() {
        sql += " AND id<?3";
    }
    sql += " AND (?1 IS NULL OR 1) AND (?2 IS NULL OR 1) AND (?3 IS NULL OR 1) ORDER BY id DESC LIMIT ?4";
    let mut query = db.prepare_cached(&sql)?;
    let rows = query
        .query_map(
            params![automation, state.map(RunState::as_str), before, limit],
            run,
        )?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// The seeds of all runs, by their ids.
pub fn seeds(db: &Connection) -> Result<HashMap<String, Vec<u8>>, StoreError> {
    let mut query = db.prepare_cached("SELECT id, seed FROM runs")?;
    let seeds = query
        .query_map([], |r| Ok((Key::Run.id(r.get(0)?), r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(seeds)
}

/// The runs for an input, oldest first.
pub fn of_input(db: &Connection, input: i64) -> Result<Vec<Run>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM runs WHERE input=?1 ORDER BY id"
    ))?;
    let rows = query.query_map([input], run)?.collect::<Result<_, _>>()?;
    Ok(rows)
}
