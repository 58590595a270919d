//! Due times become inbox items, each once.

use super::{DuePlan, Schedule, due};
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
        if put_plan(
            db,
            &row,
            automation.contract_version,
            schedule.source(),
            &plan,
            now,
        )? {
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

fn put_plan(
    db: &Connection,
    row: &TriggerRow,
    version: u32,
    source: SourceKind,
    plan: &DuePlan,
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
                dedupe: format!("tick:{version}:{}:{}", row.position, at.0),
                title: format!("{} {}", source.as_str(), at),
                payload: Value::Null,
                due_at: *at,
                caused_by: None,
            },
        )?;
        new |= matches!(put, Put::New(_));
    }
    if plan.skipped > 0 {
        let data = json!({"trigger": row.position, "at_least": plan.skipped});
        events::record(db, now, "ticks_missed", Some(row.automation), None, &data)?;
    }
    Ok(new)
}
