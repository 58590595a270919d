//! What is done at start about runs that were under way when the process died.

use super::finish;
use crate::needs;
use crate::store::needs::NewNeed;
use crate::store::{StoreError, events, runs};
use deputy_protocol::{NeedKind, RunState, Time};
use rusqlite::Connection;
use serde_json::json;

/// Puts every interrupted run back into the queue, or before a person when its step has taken the
/// process with it too often. Returns how many were put back.
pub fn recover(db: &Connection, now: Time) -> Result<usize, StoreError> {
    let interrupted: Vec<i64> = db
        .prepare("SELECT id FROM runs WHERE state='running' ORDER BY id")?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    let mut resumed = 0;
    for key in interrupted {
        resumed += usize::from(give_back(db, key, now)?);
    }
    Ok(resumed)
}

/// Gives a run whose attempt was lost back to the queue, or to a person. True when it was queued.
pub fn give_back(db: &Connection, key: i64, now: Time) -> Result<bool, StoreError> {
    let Some(run) = runs::row(db, key)?.filter(|run| run.state == RunState::Running) else {
        return Ok(false);
    };
    let crashes = finish::note_crash(db, key, run.crashes, run.crashed_at_step)?;
    if crashes >= super::ending::POISON {
        db.execute(
            "UPDATE runs SET state='waiting', waiting_for='person', waiting_until=NULL WHERE id=?1",
            [key],
        )?;
        finish::open_need(
            db,
            &NewNeed {
                kind: NeedKind::Poison,
                dedupe: format!("poison:{key}"),
                title: format!("Run r{key} was cut off {crashes} times at the same step"),
                automation: Some(run.automation),
                run: Some(key),
                seq: None,
                choices: needs::choices(NeedKind::Poison),
                detail: json!({"crashes": crashes, "message": "Deputy stopped each time while this run was at the same step."}),
            },
            now,
        )?;
        return Ok(false);
    }
    db.execute("UPDATE runs SET state='queued' WHERE id=?1", [key])?;
    events::record(
        db,
        now,
        "run_resumed",
        Some(run.automation),
        Some(key),
        &json!({"because": "interrupted"}),
    )?;
    Ok(true)
}
