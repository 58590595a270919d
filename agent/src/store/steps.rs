//! The journal's rows.

use super::StoreError;
use crate::tools::ToolError;
use deputy_protocol::model::Step;
use deputy_protocol::{EffectClass, StepState, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use serde_json::value::RawValue;

/// The key of a step: its run's key and its number.
pub fn key(run: i64, seq: u32) -> i64 {
    (run << 20) | i64::from(seq)
}

/// The most steps that a run can have, whatever its budget.
pub const MAX_SEQ: u32 = (1 << 20) - 1;

/// A step's recorded end.
#[derive(Clone, Debug)]
pub enum StepOutcome {
    /// What it returned, as JSON.
    Ok(Box<RawValue>),
    /// What it threw.
    Err(ToolError),
}

/// What a person allowed of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grant {
    /// Nothing was asked, or nothing answered.
    #[default]
    None,
    /// The approval that the contract asks for.
    Approved,
    /// This very call, although the contract does not allow it.
    AllowedOnce,
}

impl Grant {
    fn of(column: i64) -> Self {
        match column {
            1 => Self::Approved,
            2 => Self::AllowedOnce,
            _ => Self::None,
        }
    }

    fn column(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Approved => 1,
            Self::AllowedOnce => 2,
        }
    }
}

/// An entry of the journal as the executor reads it back.
#[derive(Clone, Debug)]
pub struct StepRow {
    /// Its number in the run.
    pub seq: u32,
    /// Its tool.
    pub tool: String,
    /// Its class.
    pub class: EffectClass,
    /// Its effect key, for effects.
    pub effect_key: Option<String>,
    /// Digest of its arguments.
    pub digest: String,
    /// Its state.
    pub state: StepState,
    /// Its end, if it has one.
    pub outcome: Option<StepOutcome>,
    /// Its place in the order in which the script saw the ends.
    pub settled: Option<u32>,
    /// It is to be executed again by the next attempt.
    pub again: bool,
    /// What a person allowed of it.
    pub grant: Grant,
    /// Facts recorded before the effect, for looking it up.
    pub prepared: Value,
    /// Logical time at its end.
    pub logical_at: Option<Time>,
    /// When it wakes, for sleeps.
    pub wake_at: Option<Time>,
}

/// A new entry.
#[derive(Clone, Debug)]
pub struct NewStep {
    /// The run.
    pub run: i64,
    /// Its number.
    pub seq: u32,
    /// Its tool.
    pub tool: String,
    /// Its class.
    pub class: EffectClass,
    /// Its effect key.
    pub effect_key: Option<String>,
    /// Digest of its arguments.
    pub digest: String,
    /// Its arguments as JSON, secrets already taken out.
    pub args: String,
    /// When it began.
    pub started_at: Time,
    /// The attempt.
    pub attempt: u32,
}

/// Writes an entry in a state without an end; an entry of the same number is taken over by the new
/// attempt, keeping what a person said of it.
pub fn begin(
    db: &Connection,
    step: &NewStep,
    state: StepState,
    prepared: &Value,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO steps (id, tool, effect_class, effect_key, args_digest, args, prepared, state, started_at, attempt)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)
         ON CONFLICT (id) DO UPDATE SET state=excluded.state, attempt=excluded.attempt, started_at=excluded.started_at,
             prepared=coalesce(excluded.prepared, prepared), outcome=NULL, settled=NULL, again=0, duration_us=NULL",
    )?
    .execute(params![
        key(step.run, step.seq),
        step.tool,
        step.class.as_str(),
        step.effect_key,
        step.digest,
        step.args,
        if prepared.is_null() { None } else { Some(prepared.to_string()) },
        state.as_str(),
        step.started_at.0,
        step.attempt,
    ])?;
    Ok(())
}

/// Writes a read's entry and its end at once.
pub fn record(db: &Connection, step: &NewStep, end: &StepEnd) -> Result<(), StoreError> {
    let (state, outcome) = end.columns()?;
    db.prepare_cached(
        "INSERT INTO steps (id, tool, effect_class, effect_key, args_digest, args, state, outcome, settled, reused,
                            logical_at, started_at, duration_us, attempt)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)
         ON CONFLICT (id) DO UPDATE SET state=excluded.state, outcome=excluded.outcome, settled=excluded.settled,
             reused=excluded.reused, logical_at=excluded.logical_at, started_at=excluded.started_at,
             duration_us=excluded.duration_us, attempt=excluded.attempt, again=0",
    )?
    .execute(params![
        key(step.run, step.seq),
        step.tool,
        step.class.as_str(),
        step.effect_key,
        step.digest,
        step.args,
        state.as_str(),
        outcome,
        end.settled,
        end.reused,
        end.logical_at.0,
        step.started_at.0,
        end.duration_us,
        step.attempt,
    ])?;
    Ok(())
}

/// A step's end.
#[derive(Clone, Debug)]
pub struct StepEnd {
    /// What it returned or threw.
    pub outcome: StepOutcome,
    /// Its place in the order in which the script sees the ends.
    pub settled: Option<u32>,
    /// Logical time at its end.
    pub logical_at: Time,
    /// How long it took.
    pub duration_us: i64,
    /// True when the ledger had it and nothing was executed.
    pub reused: bool,
}

impl StepEnd {
    fn columns(&self) -> Result<(StepState, String), StoreError> {
        encode(&self.outcome)
    }
}

/// A step's end as it is stored: the state and the JSON.
pub fn encode(outcome: &StepOutcome) -> Result<(StepState, String), StoreError> {
    Ok(match outcome {
        StepOutcome::Ok(value) => (StepState::Done, value.get().to_owned()),
        StepOutcome::Err(error) => (
            StepState::Failed,
            serde_json::to_string(error).map_err(|e| StoreError::corrupt("step outcome", e))?,
        ),
    })
}

/// Gives an entry its end.
pub fn end(db: &Connection, run: i64, seq: u32, end: &StepEnd) -> Result<(), StoreError> {
    let (state, outcome) = end.columns()?;
    db.prepare_cached(
        "UPDATE steps SET state=?2, outcome=?3, settled=?4, logical_at=?5, duration_us=?6, reused=?7 WHERE id=?1",
    )?
    .execute(params![
        key(run, seq),
        state.as_str(),
        outcome,
        end.settled,
        end.logical_at.0,
        end.duration_us,
        end.reused
    ])?;
    Ok(())
}

/// Gives an entry whose end is recorded its place in the order.
pub fn settle(
    db: &Connection,
    run: i64,
    seq: u32,
    settled: u32,
    logical_at: Time,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE steps SET settled=?2, logical_at=?3 WHERE id=?1")?
        .execute(params![key(run, seq), settled, logical_at.0])?;
    Ok(())
}

/// Moves an entry to a state.
pub fn set_state(db: &Connection, run: i64, seq: u32, state: StepState) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE steps SET state=?2 WHERE id=?1")?
        .execute(params![key(run, seq), state.as_str()])?;
    Ok(())
}

/// Puts an entry in doubt, unless it has an end or a person has spoken meanwhile; false then.
pub fn doubt(db: &Connection, run: i64, seq: u32) -> Result<bool, StoreError> {
    let changed = db
        .prepare_cached(
            "UPDATE steps SET state='in_doubt'
             WHERE id=?1 AND again=0 AND state IN ('intent','waiting','in_doubt')",
        )?
        .execute([key(run, seq)])?;
    Ok(changed == 1)
}

/// Whether an entry no longer waits: somebody answered for it.
pub fn answered(db: &Connection, run: i64, seq: u32) -> Result<bool, StoreError> {
    let answered = db
        .prepare_cached(
            "SELECT again=1 OR state IN ('done','failed','skipped') FROM steps WHERE id=?1",
        )?
        .query_row([key(run, seq)], |r| r.get(0))
        .optional()?;
    Ok(answered.unwrap_or(false))
}

/// Has the next attempt execute an entry again; its place in the order is given up.
pub fn again(db: &Connection, run: i64, seq: u32) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE steps SET again=1, settled=NULL WHERE id=?1")?
        .execute([key(run, seq)])?;
    Ok(())
}

/// A person allowed an entry.
pub fn grant(db: &Connection, run: i64, seq: u32, grant: Grant) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE steps SET approved=?2, again=1, settled=NULL WHERE id=?1")?
        .execute([key(run, seq), grant.column()])?;
    Ok(())
}

/// The facts that an entry recorded before its effect.
pub fn prepared(db: &Connection, run: i64, seq: u32) -> Result<Value, StoreError> {
    let text: Option<Option<String>> = db
        .prepare_cached("SELECT prepared FROM steps WHERE id=?1")?
        .query_row([key(run, seq)], |r| r.get(0))
        .optional()?;
    Ok(text
        .flatten()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null))
}

/// The end of a step from its columns.
pub fn decode(
    state: StepState,
    outcome: Option<String>,
) -> Result<Option<StepOutcome>, StoreError> {
    let Some(text) = outcome else { return Ok(None) };
    Ok(Some(match state {
        StepState::Failed => StepOutcome::Err(
            serde_json::from_str(&text).map_err(|e| StoreError::corrupt("step outcome", e))?,
        ),
        StepState::Intent
        | StepState::Done
        | StepState::Waiting
        | StepState::InDoubt
        | StepState::Skipped => StepOutcome::Ok(
            RawValue::from_string(text).map_err(|e| StoreError::corrupt("step outcome", e))?,
        ),
    }))
}

/// The journal of a run, in order.
pub fn journal(db: &Connection, run: i64) -> Result<Vec<StepRow>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT id, tool, effect_class, effect_key, args_digest, state, outcome, settled, again, approved, prepared,
                logical_at, wake_at
         FROM steps WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    let mut rows = query.query(params![key(run, 0), key(run, MAX_SEQ)])?;
    let mut journal = Vec::new();
    while let Some(r) = rows.next()? {
        let state = state_of(r, 5)?;
        journal.push(StepRow {
            seq: seq_of(r.get(0)?),
            tool: r.get(1)?,
            class: EffectClass::parse(&r.get::<_, String>(2)?).unwrap_or(EffectClass::Opaque),
            effect_key: r.get(3)?,
            digest: r.get(4)?,
            state,
            outcome: decode(state, r.get(6)?)?,
            settled: r.get(7)?,
            again: r.get(8)?,
            grant: Grant::of(r.get(9)?),
            prepared: r
                .get::<_, Option<String>>(10)?
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or(Value::Null),
            logical_at: r.get::<_, Option<i64>>(11)?.map(Time),
            wake_at: r.get::<_, Option<i64>>(12)?.map(Time),
        });
    }
    Ok(journal)
}

fn seq_of(key: i64) -> u32 {
    u32::try_from(key & i64::from(MAX_SEQ)).unwrap_or(0)
}

fn state_of(row: &Row<'_>, column: usize) -> Result<StepState, StoreError> {
    let word: String = row.get(column)?;
    StepState::parse(&word).ok_or_else(|| StoreError::corrupt("step state", word))
}

/// How many steps a run has.
pub fn count(db: &Connection, run: i64) -> Result<u32, StoreError> {
    let n = db
        .prepare_cached("SELECT count(*) FROM steps WHERE id BETWEEN ?1 AND ?2")?
        .query_row(params![key(run, 0), key(run, MAX_SEQ)], |r| r.get(0))?;
    Ok(n)
}

/// The number of a run's last entry; 0 without one.
pub fn last(db: &Connection, run: i64) -> Result<u32, StoreError> {
    let last: Option<i64> = db
        .prepare_cached("SELECT max(id) FROM steps WHERE id BETWEEN ?1 AND ?2")?
        .query_row(params![key(run, 0), key(run, MAX_SEQ)], |r| r.get(0))?;
    Ok(last.map_or(0, seq_of))
}

/// The tool and effect key of one entry; `None` unless it is an effect.
pub fn effect(db: &Connection, run: i64, seq: u32) -> Result<Option<(String, String)>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT tool, effect_key FROM steps WHERE id=?1 AND effect_key IS NOT NULL",
        )?
        .query_row([key(run, seq)], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    Ok(found)
}

/// The arguments of one entry, as stored.
pub fn args(db: &Connection, run: i64, seq: u32) -> Result<Option<Value>, StoreError> {
    let text: Option<String> = db
        .prepare_cached("SELECT args FROM steps WHERE id=?1")?
        .query_row([key(run, seq)], |r| r.get(0))
        .optional()?;
    Ok(text.and_then(|t| serde_json::from_str(&t).ok()))
}

/// The journal as clients see it.
pub fn view(db: &Connection, run: i64) -> Result<Vec<Step>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT id, tool, effect_class, effect_key, state, started_at, duration_us, attempt, args, outcome, reused
         FROM steps WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    let mut rows = query.query(params![key(run, 0), key(run, MAX_SEQ)])?;
    let mut steps = Vec::new();
    while let Some(r) = rows.next()? {
        steps.push(Step {
            seq: seq_of(r.get(0)?),
            tool: r.get(1)?,
            effect_class: EffectClass::parse(&r.get::<_, String>(2)?)
                .unwrap_or(EffectClass::Opaque),
            effect_key: r.get(3)?,
            state: state_of(r, 4)?,
            started_at: Time(r.get(5)?),
            duration_ms: r.get::<_, Option<i64>>(6)?.map(|us| us as f64 / 1000.0),
            attempt: r.get(7)?,
            args: serde_json::from_str(&r.get::<_, String>(8)?).unwrap_or(Value::Null),
            outcome: r
                .get::<_, Option<String>>(9)?
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or(Value::Null),
            reused: r.get(10)?,
        });
    }
    Ok(steps)
}
