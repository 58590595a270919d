//! After a copy of the data was put back: what was done since the copy was made may not be in it. So
//! nothing of it goes on by itself; a person is asked first.

use super::answers;
use super::finish::{open_need, pause_automation, resume_automation};
use crate::needs;
use crate::store::needs::{NeedRow, NewNeed};
use crate::store::restore::{RESTORED, Restored};
use crate::store::{Key, StoreError, automations, settings};
use deputy_protocol::{NeedKind, SourceKind, Time};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// The item's dedupe key: there is one for everything.
const DEDUPE: &str = "restored";

/// Why what was waiting in the copy is left.
const LEFT: &str = "it was waiting in the copy from which the data was restored";

/// When the database is a copy that was put back: pauses every active automation, ends what the user
/// started by hand (a pause does not hold that), and asks. Once for each time.
pub fn hold_what_was_restored(db: &Connection, now: Time) -> Result<(), StoreError> {
    let Some(mark) = settings::get(db, RESTORED)? else {
        return Ok(());
    };
    let mark: Restored =
        serde_json::from_value(mark).map_err(|e| StoreError::corrupt("mark of a restore", e))?;
    let active: Vec<(i64, String)> = db
        .prepare("SELECT id, name FROM automations WHERE state='active' ORDER BY id")?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (automation, _) in &active {
        pause_automation(db, *automation, automations::PAUSED_AFTER_RESTORE, now)?;
    }
    db.execute(
        "UPDATE runs SET state='queued' WHERE state='running' AND input IN (SELECT id FROM inbox WHERE source=?1)",
        [SourceKind::Manual.as_str()],
    )?;
    let by_hand: Vec<i64> = db
        .prepare(
            "SELECT r.id FROM runs r JOIN inbox i ON i.id=r.input
             WHERE r.state IN ('queued','waiting') AND i.source=?1 ORDER BY r.id",
        )?
        .query_map([SourceKind::Manual.as_str()], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for run in by_hand {
        answers::stop(db, run, LEFT, now)?;
    }
    db.execute(
        "UPDATE inbox SET state='skipped', reason=?1 WHERE state='pending' AND source=?2",
        [LEFT, SourceKind::Manual.as_str()],
    )?;
    settings::set(db, RESTORED, &Value::Null)?;
    let unknown = if mark.carried_over {
        "What was done since then is known from the database before it, and is not done again."
    } else {
        "What was done since then is not known here: going on may do it again. Devices that were revoked since then are let in again until they are revoked anew."
    };
    let mut choices = needs::choices(NeedKind::Restored);
    if mark.carried_over {
        choices.sort_by_key(|choice| choice.id == needs::RESUME_NEW);
    }
    choices.sort_by_key(|choice| choice.id == needs::DISMISS);
    let paused: Vec<Value> = active
        .iter()
        .map(|(key, name)| json!({"id": Key::Automation.id(*key), "name": name}))
        .collect();
    let last_input: Option<i64> = db.query_row("SELECT max(id) FROM inbox", [], |r| r.get(0))?;
    open_need(
        db,
        &NewNeed {
            kind: NeedKind::Restored,
            dedupe: DEDUPE.to_owned(),
            title: format!(
                "Deputy’s data was restored from a copy{}; {} paused",
                mark.until
                    .map_or_else(String::new, |until| format!(" that ends at {until}")),
                match paused.len() {
                    1 => "1 automation is".to_owned(),
                    n => format!("{n} automations are"),
                }
            ),
            automation: None,
            run: None,
            seq: None,
            choices,
            detail: json!({"message": unknown, "until": mark.until, "restored_at": mark.at,
                "carried_over": mark.carried_over, "automations": paused,
                "last_input": last_input}),
        },
        now,
    )
}

/// A person's word: goes on with everything that is paused for this, or leaves it.
pub(super) fn answered(
    db: &Connection,
    need: &NeedRow,
    choice: &str,
    now: Time,
) -> Result<(), StoreError> {
    if choice == needs::DISMISS {
        return Ok(());
    }
    let paused: Vec<i64> = db
        .prepare(
            "SELECT id FROM automations WHERE state='paused' AND paused_because=?1 ORDER BY id",
        )?
        .query_map([automations::PAUSED_AFTER_RESTORE], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for automation in paused {
        if choice == needs::RESUME_NEW {
            leave(db, automation, need.detail["last_input"].as_i64(), now)?;
        }
        resume_automation(db, automation, true, now)?;
    }
    Ok(())
}

/// Leaves what was waiting in the copy. What has come in since it was put back is not in it.
fn leave(db: &Connection, automation: i64, last: Option<i64>, now: Time) -> Result<(), StoreError> {
    db.execute(
        "UPDATE inbox SET state='skipped', reason=?3
         WHERE target='automation' AND target_id=?1 AND state='pending' AND id<=?2",
        params![automation, last, LEFT],
    )?;
    let runs: Vec<i64> = db
        .prepare(
            "SELECT id FROM runs
             WHERE automation=?1 AND input<=?2 AND state IN ('queued','waiting') ORDER BY id",
        )?
        .query_map(params![automation, last], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for run in runs {
        answers::stop(db, run, LEFT, now)?;
    }
    Ok(())
}
