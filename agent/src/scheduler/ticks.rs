//! Due times become inbox items, each once.

use super::stalled::LEASE_MS;
use super::{DuePlan, GRACE_MS, Schedule, due};
use crate::intent::{Contract, Trigger};
use crate::store::inbox::{self, NewInput, Put};
use crate::store::triggers::{self, TriggerRow};
use crate::store::{StoreError, automations, events};
use deputy_protocol::{AutomationState, SourceKind, Time};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Makes a contract's triggers the automation's only ones. Intervals fire for the first time at
/// once, everything else at its next time.
pub fn activate(
    db: &Connection,
    automation: i64,
    contract: &Contract,
    now: Time,
    mut token: impl FnMut() -> String,
) -> Result<(), StoreError> {
    // A tick of the old contract that did not begin never begins; its key is free for the new one.
    db.prepare_cached(
        "UPDATE inbox SET state='skipped', reason='the contract was changed', dedupe=dedupe||':replaced:'||id
         WHERE target='automation' AND target_id=?1 AND state='pending' AND source IN ('cron','every','at')",
    )?
    .execute([automation])?;
    let mut rows = Vec::new();
    for (position, trigger) in contract.triggers.iter().enumerate() {
        let spec = serde_json::to_value(trigger).map_err(|e| StoreError::corrupt("trigger", e))?;
        let (anchor_at, handled) = match trigger {
            Trigger::Every(every) => (
                now.plus_ms(-i64::try_from(every.every_ms).unwrap_or(0)),
                now.plus_ms(-1),
            ),
            _ => (now, now.plus_ms(-1)),
        };
        let schedule = Schedule::of(trigger, &contract.timezone, anchor_at)
            .map_err(|message| StoreError::corrupt("trigger", message))?;
        let next = schedule.and_then(|schedule| schedule.next_after(handled));
        let row = TriggerRow {
            automation,
            position: u32::try_from(position).unwrap_or(u32::MAX),
            spec,
            anchor_at,
            last_handled: handled,
            token: matches!(trigger, Trigger::Webhook(_)).then(&mut token),
        };
        rows.push((row, next));
    }
    triggers::replace(db, automation, &rows)
}

/// Rests an automation's triggers.
pub fn deactivate(db: &Connection, automation: i64) -> Result<(), StoreError> {
    triggers::rest(db, automation)
}

/// Puts an item for each trigger that is due. Returns the automations that have new work.
pub(super) fn put_due(db: &Connection, now: Time) -> Result<Vec<i64>, StoreError> {
    let mut arrived = Vec::new();
    let mut late = 0;
    for row in triggers::due(db, now)? {
        let Some(automation) = automations::row(db, row.automation)? else {
            continue;
        };
        if automation.state != AutomationState::Active {
            triggers::rest(db, row.automation)?;
            continue;
        }
        let Some((text, _)) =
            automations::contract(db, row.automation, automation.contract_version)?
        else {
            continue;
        };
        let contract: Contract =
            serde_json::from_str(&text).map_err(|e| StoreError::corrupt("contract", e))?;
        let trigger: Trigger = serde_json::from_value(row.spec.clone())
            .map_err(|e| StoreError::corrupt("trigger", e))?;
        let schedule = Schedule::of(&trigger, &contract.timezone, row.anchor_at)
            .map_err(|message| StoreError::corrupt("trigger", message))?;
        let Some(schedule) = schedule else { continue };
        let plan = due(&schedule, row.last_handled, now, contract.on_missed);
        let missed = plan
            .fire
            .first()
            .is_some_and(|at| now.since(*at) > GRACE_MS);
        let available_at = if missed { staggered(late, now) } else { now };
        late += i64::from(missed);
        if put_plan(db, &row, schedule.source(), &plan, available_at, now)? {
            arrived.push(row.automation);
        }
        triggers::handled(
            db,
            row.automation,
            row.position,
            now.max(row.last_handled),
            plan.next,
        )?;
    }
    Ok(arrived)
}

/// When the `n`th automation that missed something may begin: after a long sleep not all at once.
fn staggered(n: i64, now: Time) -> Time {
    now.plus_ms(n / LATE_AT_A_TIME * 1_000)
}

/// How many automations that missed something begin in the same second.
const LATE_AT_A_TIME: i64 = 8;

fn put_plan(
    db: &Connection,
    row: &TriggerRow,
    source: SourceKind,
    plan: &DuePlan,
    available_at: Time,
    now: Time,
) -> Result<bool, StoreError> {
    let mut new = false;
    for at in &plan.fire {
        let put = inbox::put(
            db,
            &NewInput {
                automation: row.automation,
                source,
                source_id: row.position.to_string(),
                topic: None,
                // One row for an instant, whichever trigger or contract version names it.
                dedupe: format!("tick:{}", at.0),
                title: format!("{} {}", source.as_str(), at),
                payload: Value::Null,
                due_at: *at,
                caused_by: None,
            },
        )?;
        if let Put::New(key) = put {
            inbox::lease(db, key, available_at, available_at.plus_ms(LEASE_MS))?;
            new = true;
        }
    }
    if plan.skipped > 0 {
        let data = json!({"trigger": row.position, "at_least": plan.skipped});
        events::record(db, now, "ticks_missed", Some(row.automation), None, &data)?;
    }
    Ok(new)
}
