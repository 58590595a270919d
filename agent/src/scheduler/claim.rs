//! From the inbox to a run: one transaction claims what may run now, for several automations at
//! once. Order is kept per automation; runs that were begun come before items that were not.

use super::stalled;
use crate::executor::{MOST_EMITTED, Program, Programs, RunContext};
use crate::intent::Overlap;
use crate::store::inbox::Crowd;
use crate::store::runs::{self, NewRun, RunRow};
use crate::store::{StoreError, automations, events, inbox, needs, steps};
use deputy_protocol::{AutomationState, InputState, RunState, SourceKind, Time};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;
use serde_json::value::RawValue;
use std::sync::Arc;

/// What came of looking at an automation.
#[derive(Debug)]
pub(super) enum Claim {
    /// A run to attempt now.
    Run {
        /// What it starts from.
        context: Box<RunContext>,
        /// Whether there is more to be done for the automation while it runs.
        more: bool,
    },
    /// Nothing that may run now.
    Nothing,
}

/// Claims the next run of each automation, in the order given.
pub(super) fn claim(
    db: &Connection,
    programs: &Programs,
    automations: &[i64],
    installation: &str,
    now: Time,
) -> Result<Vec<(i64, Claim)>, StoreError> {
    automations
        .iter()
        .map(|key| Ok((*key, claim_one(db, programs, *key, installation, now)?)))
        .collect()
}

fn claim_one(
    db: &Connection,
    programs: &Programs,
    automation: i64,
    installation: &str,
    now: Time,
) -> Result<Claim, StoreError> {
    let Some(row) = automations::row(db, automation)? else {
        return Ok(Claim::Nothing);
    };
    // What the state allows is decided here, in the transaction that claims: a pause or an archive
    // that was committed before holds whatever was queued before it.
    let which = match row.state {
        AutomationState::Active => Which::Any,
        AutomationState::Paused => Which::ByHand,
        AutomationState::Draft | AutomationState::Archived => return Ok(Claim::Nothing),
    };
    let running = count(db, "state='running'", automation)?;
    if let Some(run_row) = next_queued(db, automation, which)? {
        let program = programs.load(
            db,
            automation,
            run_row.contract_version,
            run_row.script_version,
        )?;
        if running >= limit(program.contract.overlap) {
            return Ok(Claim::Nothing);
        }
        let more = more(db, &program, automation, which, running, now)?;
        return Ok(Claim::Run {
            context: begin(
                db,
                runs::begin_attempt(db, run_row.key, now)?,
                row.name,
                program,
                now,
            )?,
            more,
        });
    }
    if row.contract_version == 0 {
        return Ok(Claim::Nothing);
    }
    let program = programs.load(db, automation, row.contract_version, row.script_version)?;
    let busy = running
        + count(
            db,
            "state='waiting' AND waiting_for IN ('timer','retry')",
            automation,
        )?;
    loop {
        let Some(item) = next_item(db, automation, which, now)? else {
            return Ok(Claim::Nothing);
        };
        if busy >= limit(program.contract.overlap) {
            // Only ticks carry nothing: an event, a webhook, a file or a one-shot waits its turn.
            let tick = matches!(item.source, SourceKind::Cron | SourceKind::Every);
            if program.contract.overlap == Overlap::Skip && tick {
                inbox::set_state(
                    db,
                    item.key,
                    InputState::Skipped,
                    Some("a run was still under way"),
                )?;
                continue;
            }
            return Ok(Claim::Nothing);
        }
        if item.stalled {
            needs::withdraw(db, None, Some(&stalled::dedupe(automation)), now)?;
        }
        let run = runs::insert(
            db,
            &NewRun {
                automation,
                input: item.key,
                script_version: row.script_version,
                contract_version: row.contract_version,
                state_version: row.state_version,
                epoch: item.epoch,
                due_at: item.due_at,
                seed: seed(installation, automation, item.key, item.runs_before),
            },
            now,
        )?;
        db.prepare_cached(
            "UPDATE inbox SET state='claimed', run=?2, lease_until=NULL WHERE id=?1",
        )?
        .execute([item.key, run.key])?;
        db.prepare_cached("UPDATE automations SET last_run=?2 WHERE id=?1")?
            .execute([automation, run.key])?;
        let more = more(db, &program, automation, which, busy, now)?;
        return Ok(Claim::Run {
            context: begin(db, run, row.name, program, now)?,
            more,
        });
    }
}

fn limit(overlap: Overlap) -> u64 {
    match overlap {
        Overlap::Skip | Overlap::Queue => 1,
        Overlap::Parallel(n) => u64::from(n.max(1)),
    }
}

/// Whether an automation must be looked at again at once, now that one more of its runs is busy:
/// another may run beside it, or what came in meanwhile is to be skipped.
fn more(
    db: &Connection,
    program: &Program,
    automation: i64,
    which: Which,
    busy: u64,
    now: Time,
) -> Result<bool, StoreError> {
    match program.contract.overlap {
        Overlap::Queue => Ok(false),
        Overlap::Parallel(_) => Ok(busy + 1 < limit(program.contract.overlap)),
        Overlap::Skip => Ok(next_item(db, automation, which, now)?.is_some()),
    }
}

fn count(db: &Connection, which: &str, automation: i64) -> Result<u64, StoreError> {
    let n: i64 = db
        .prepare_cached(&format!(
            "SELECT count(*) FROM runs WHERE {which} AND automation=?1"
        ))?
        .query_row([automation], |r| r.get(0))?;
    Ok(u64::try_from(n).unwrap_or(0))
}

/// Which of an automation's runs and items may begin.
#[derive(Clone, Copy)]
enum Which {
    Any,
    /// Only what the user started.
    ByHand,
}

impl Which {
    fn all(self) -> bool {
        match self {
            Self::Any => true,
            Self::ByHand => false,
        }
    }
}

fn next_queued(
    db: &Connection,
    automation: i64,
    which: Which,
) -> Result<Option<RunRow>, StoreError> {
    let queued: Option<i64> = db
        .prepare_cached(
            "SELECT id FROM runs WHERE state='queued' AND automation=?1
               AND (?2 OR EXISTS (SELECT 1 FROM inbox i WHERE i.id=runs.input AND i.source='manual'))
             ORDER BY id LIMIT 1",
        )?
        .query_row(params![automation, which.all()], |r| r.get(0))
        .optional()?;
    match queued {
        Some(run) => runs::row(db, run),
        None => Ok(None),
    }
}

struct Item {
    key: i64,
    source: SourceKind,
    due_at: Time,
    epoch: u32,
    runs_before: u32,
    /// Its lease had ended: a person may have been told.
    stalled: bool,
}

/// The oldest item, once it is available: a younger one never overtakes it.
fn next_item(
    db: &Connection,
    automation: i64,
    which: Which,
    now: Time,
) -> Result<Option<Item>, StoreError> {
    let item = db
        .prepare_cached(
            "SELECT id, source, due_at, epoch, lease_until, available_at FROM inbox
             WHERE target_id=?1 AND state='pending' AND target='automation' AND (?2 OR source='manual')
             ORDER BY id LIMIT 1",
        )?
        .query_row(params![automation, which.all()], |r| {
            let source = SourceKind::parse(&r.get::<_, String>(1)?).unwrap_or(SourceKind::Event);
            let tick = matches!(
                source,
                SourceKind::Cron | SourceKind::Every | SourceKind::At
            );
            let item = Item {
                key: r.get(0)?,
                source,
                due_at: Time(r.get(2)?),
                epoch: r.get(3)?,
                runs_before: 0,
                stalled: tick && r.get::<_, Option<i64>>(4)?.is_none(),
            };
            Ok((item, Time(r.get(5)?)))
        })
        .optional()?;
    let Some((mut item, _)) = item.filter(|(_, available_at)| *available_at <= now) else {
        return Ok(None);
    };
    item.runs_before = db
        .prepare_cached("SELECT count(*) FROM runs WHERE input=?1")?
        .query_row([item.key], |r| r.get(0))?;
    Ok(Some(item))
}

/// A seed that no other run has, without asking for randomness.
fn seed(installation: &str, automation: i64, input: i64, runs_before: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("deputy 2026-11 run seed");
    hasher.update(installation.as_bytes());
    hasher.update(&automation.to_le_bytes());
    hasher.update(&input.to_le_bytes());
    hasher.update(&runs_before.to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// Gathers what an attempt starts from.
fn begin(
    db: &Connection,
    run: RunRow,
    name: String,
    program: Arc<Program>,
    now: Time,
) -> Result<Box<RunContext>, StoreError> {
    let (payload, source, topic) = db
        .prepare_cached("SELECT payload, source, topic FROM inbox WHERE id=?1")?
        .query_row([run.input], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get(2)?))
        })?;
    let source = SourceKind::parse(&source).unwrap_or(SourceKind::Event);
    // Only what feeds itself can grow by itself.
    let crowd = match source {
        SourceKind::Emit => inbox::crowd(db, run.automation, run.input, MOST_EMITTED)?,
        _ => Crowd::default(),
    };
    let state = automations::state(db, run.automation, run.state_version)?;
    let journal = if run.attempt > 1 {
        steps::journal(db, run.key)?
    } else {
        Vec::new()
    };
    debug_assert_eq!(run.state, RunState::Running);
    let data = json!({"attempt": run.attempt, "script_version": run.script_version, "contract_version": run.contract_version});
    events::record(
        db,
        now,
        "run_started",
        Some(run.automation),
        Some(run.key),
        &data,
    )?;
    Ok(Box::new(RunContext {
        name,
        timezone: program.contract.timezone.clone(),
        program,
        payload: RawValue::from_string(payload).map_err(|e| StoreError::corrupt("payload", e))?,
        source,
        topic,
        crowd,
        state: serde_json::from_str(&state).map_err(|e| StoreError::corrupt("state", e))?,
        journal,
        run,
    }))
}
