//! What is done at start about runs that were under way when the process died.

use super::finish;
use crate::needs;
use crate::store::needs::NewNeed;
use crate::store::{StoreError, events, runs};
use deputy_protocol::{NeedKind, Time};
use rusqlite::Connection;
use serde_json::json;

/// Puts every interrupted run back into the queue, or before a person when its step has taken the
/// process with it too often. Returns how many were put back.
pub fn recover(db: &Connection, now: Time) -> Result<usize, StoreError> {
    clock_went_back(db, now)?;
    let interrupted: Vec<i64> = db
        .prepare("SELECT id FROM runs WHERE state='running' ORDER BY id")?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    let mut resumed = 0;
    for key in interrupted {
        let Some(run) = runs::row(db, key)? else {
            continue;
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
            continue;
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
        resumed += 1;
    }
    Ok(resumed)
}

/// What came in or waits for its next try by a clock that has been put back since would else rest
/// until that clock's time comes again. A `ctx.sleep` is until a time that the script may know, and
/// stays.
fn clock_went_back(db: &Connection, now: Time) -> Result<(), StoreError> {
    db.execute(
        "UPDATE inbox SET available_at=?1 WHERE state='pending' AND available_at>?1",
        [now.0],
    )?;
    db.execute(
        "UPDATE runs SET waiting_until=max(?1, waiting_until-(w.at-?1))
         FROM (SELECT run, max(at) AS at FROM events WHERE run IN (SELECT id FROM runs WHERE waiting_until>?1) GROUP BY run) w
         WHERE w.run=runs.id AND w.at>?1 AND runs.state='waiting' AND runs.waiting_for IS NOT 'timer'
           AND runs.waiting_until IS NOT NULL",
        [now.0],
    )?;
    Ok(())
}
