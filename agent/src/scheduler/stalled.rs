//! Leases of ticks: a tick that is put must be claimed within its lease, or a person is told.
//!
//! What was claimed needs no clock: its lease is the attempt at work on it in this process, and an
//! attempt that is lost gives its run back at once (`service.rs`) or at the next start.

use super::GRACE_MS;
use crate::executor::open_need;
use crate::needs;
use crate::store::needs::NewNeed;
use crate::store::{Key, StoreError, automations, inbox};
use deputy_protocol::{AutomationState, NeedKind, Time};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

/// How long a tick may wait to be claimed, in milliseconds: as long as a run before it may take.
pub(super) const LEASE_MS: i64 = 15 * 60_000;

/// The dedupe key of the item about an automation that does not run.
pub(super) fn dedupe(automation: i64) -> String {
    format!("stalled:a{automation}")
}

/// Gives the ticks of an automation that may run again new leases.
pub fn renew_leases(db: &Connection, automation: i64, now: Time) -> Result<(), StoreError> {
    inbox::renew_leases(db, Some(automation), now, now.plus_ms(LEASE_MS))
}

/// Tells of ticks whose lease has ended while nothing began, each once.
pub(super) fn tell(db: &Connection, now: Time) -> Result<(), StoreError> {
    let ended: Vec<(i64, i64, Time, Time)> = db
        .prepare_cached(
            "SELECT id, target_id, due_at, lease_until FROM inbox
             WHERE state='pending' AND lease_until IS NOT NULL AND lease_until<=?1
               AND target='automation' ORDER BY lease_until LIMIT 512",
        )?
        .query_map([now.0], |r| {
            Ok((r.get(0)?, r.get(1)?, Time(r.get(2)?), Time(r.get(3)?)))
        })?
        .collect::<Result<_, _>>()?;
    for (item, automation, due_at, lease_until) in ended {
        if now.since(lease_until) > GRACE_MS {
            // Nobody was awake when it ended; it says nothing.
            inbox::lease(db, item, now, now.plus_ms(LEASE_MS))?;
            continue;
        }
        // Told once; what rests has its own reason, and new leases when it resumes.
        db.prepare_cached("UPDATE inbox SET lease_until=NULL WHERE id=?1")?
            .execute([item])?;
        let Some(row) = automations::row(db, automation)? else {
            continue;
        };
        if row.state != AutomationState::Active {
            continue;
        }
        let why = match holder(db, automation)? {
            Some(run) => format!("{} of it is not over yet", Key::Run.id(run)),
            None => "the agent is busy with other automations".to_owned(),
        };
        open_need(
            db,
            &NewNeed {
                kind: NeedKind::Stalled,
                dedupe: dedupe(automation),
                title: format!(
                    "“{}” was due at {due_at} and has not begun: {why}",
                    row.name
                ),
                automation: Some(automation),
                run: None,
                seq: None,
                choices: needs::choices(NeedKind::Stalled),
                detail: json!({"input": Key::Input.id(item), "due_at": due_at, "because": why}),
            },
            now,
        )?;
    }
    Ok(())
}

/// The run that an automation's next tick waits for.
fn holder(db: &Connection, automation: i64) -> Result<Option<i64>, StoreError> {
    let run = db
        .prepare_cached(
            "SELECT id FROM runs WHERE automation=?1 AND state IN ('queued','running','waiting')
             ORDER BY id LIMIT 1",
        )?
        .query_row(params![automation], |r| r.get(0))
        .optional()?;
    Ok(run)
}
