//! What is done at start about runs that were under way when the process died.

use super::finish;
use crate::needs;
use crate::store::needs::NewNeed;
use crate::store::{StoreError, events, inbox, runs};
use deputy_protocol::{NeedKind, RunState, Time};
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

/// What came in or waits for its next try by a clock that has been put back since would else rest
/// until that clock's time comes again. A `ctx.sleep` is until a time that the script may know, and
/// stays.
fn clock_went_back(db: &Connection, now: Time) -> Result<(), StoreError> {
    inbox::make_available(db, now)?;
    db.execute(
        "UPDATE runs SET waiting_until=max(?1, waiting_until-(w.at-?1))
         FROM (SELECT run, max(at) AS at FROM events WHERE run IN (SELECT id FROM runs WHERE waiting_until>?1) GROUP BY run) w
         WHERE w.run=runs.id AND w.at>?1 AND runs.state='waiting' AND runs.waiting_for IS NOT 'timer'
           AND runs.waiting_until IS NOT NULL",
        [now.0],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::inbox::NewInput;
    use crate::store::runs::NewRun;
    use crate::store::{Durability, Store, automations, needs as need_rows};
    use deputy_protocol::SourceKind;
    use serde_json::Value;

    /// A run that is under way, as a killed process leaves it.
    fn under_way(db: &Connection) -> i64 {
        let automation = automations::insert(db, "a", "p", "UTC", Time(0)).unwrap();
        let input = NewInput {
            automation,
            source: SourceKind::Cron,
            source_id: "0".to_owned(),
            topic: None,
            dedupe: "tick:0".to_owned(),
            title: "t".to_owned(),
            payload: Value::Null,
            due_at: Time(0),
            caused_by: None,
        };
        let run = NewRun {
            automation,
            input: inbox::put(db, &input).unwrap().key(),
            script_version: 1,
            contract_version: 1,
            state_version: 0,
            epoch: 0,
            due_at: Time(0),
            seed: [0; 32],
        };
        runs::insert(db, &run, Time(0)).unwrap().key
    }

    fn begin(db: &Connection, run: i64) {
        db.execute("UPDATE runs SET state='running' WHERE id=?1", [run])
            .unwrap();
    }

    fn state(db: &Connection, run: i64) -> RunState {
        runs::row(db, run).unwrap().unwrap().state
    }

    async fn on_a_store(test: impl FnOnce(&Connection) + Send + 'static) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let job = |db: &Connection| {
            test(db);
            Ok(())
        };
        store.write(Durability::Ordered, job).await.unwrap();
    }

    // openclaw/openclaw #59301: job claimed, killed, silently lost each time.
    #[tokio::test]
    async fn a_restart_loop_never_loses_a_run_and_never_goes_on_for_ever() {
        on_a_store(|db| {
            let run = under_way(db);
            for _ in 1..super::super::ending::POISON {
                assert_eq!(recover(db, Time(1)).unwrap(), 1);
                assert_eq!(state(db, run), RunState::Queued);
                begin(db, run);
            }
            assert_eq!(recover(db, Time(1)).unwrap(), 0);
            assert_eq!(state(db, run), RunState::Waiting);
            let asked = need_rows::list(db, false).unwrap();
            assert_eq!((asked.len(), asked[0].kind), (1, NeedKind::Poison));
        })
        .await;
    }

    // openclaw/openclaw #155347, #146851: jobs wedged in `running` for hours.
    #[tokio::test]
    async fn a_run_never_stays_under_way_when_its_attempt_is_gone() {
        on_a_store(|db| {
            let run = under_way(db);
            assert!(give_back(db, run, Time(1)).unwrap());
            assert_eq!(state(db, run), RunState::Queued);
            // What is in other hands by now is left alone.
            assert!(!give_back(db, run, Time(1)).unwrap());
            assert_eq!(state(db, run), RunState::Queued);
        })
        .await;
    }
}
