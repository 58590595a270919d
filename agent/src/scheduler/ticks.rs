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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::claim::{Claim, claim};
    use super::*;
    use crate::executor::Programs;
    use crate::store::automations::NewScript;
    use crate::store::{Durability, Store};

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    /// Gives an automation a new contract and script, as an acceptance does.
    fn accept(db: &Connection, automation: i64, triggers: &Value, now: Time) {
        let contract = json!({"contract": 1, "purpose": "p", "triggers": triggers});
        let text = contract.to_string();
        automations::add_contract(db, automation, &text, "d", "accepted", now).unwrap();
        let new = NewScript {
            script: "export default () => 1",
            fixtures: &Value::Null,
            digest: "d",
            reason: "accepted",
        };
        automations::add_script(db, automation, &new, now).unwrap();
        automations::set_state(db, automation, AutomationState::Active, None).unwrap();
        let contract = serde_json::from_value(contract).unwrap();
        activate(db, automation, &contract, now, String::new).unwrap();
    }

    /// Claims all that may begin, ends it, and answers with due times and contract versions.
    fn run_all(db: &Connection, automation: i64, now: Time) -> Vec<(String, u32)> {
        let programs = Programs::default();
        let mut ran = Vec::new();
        while let Some((_, Claim::Run { context: run, .. })) =
            claim(db, &programs, &[automation], "i", now).unwrap().pop()
        {
            db.execute(
                "UPDATE runs SET state='succeeded' WHERE id=?1",
                [run.run.key],
            )
            .unwrap();
            let due = format!("{:.0}", run.run.due_at.to_timestamp());
            ran.push((due, run.run.contract_version));
        }
        ran
    }

    async fn on_a_store(test: impl FnOnce(&Connection) + Send + 'static) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        store
            .write(Durability::Ordered, |db| {
                test(db);
                Ok(())
            })
            .await
            .unwrap();
    }

    // n8n-io/n8n #23711: changing a schedule killed it for ever, by stale state of the old rule.
    #[tokio::test]
    async fn no_state_of_an_old_schedule_outlives_it() {
        on_a_store(|db| {
            let now = at("2026-06-01T07:31:00Z");
            let a = automations::insert(db, "a", "p", "UTC", now).unwrap();
            accept(
                db,
                a,
                &json!([{"cron": "0 8 * * *"}, {"cron": "0 0 1 1 *"}]),
                now,
            );
            // In the future of the new rule: the old one's last and next times must not matter.
            accept(db, a, &json!([{"cron": "*/10 * * * *"}]), now);
            assert_eq!(
                triggers::next_due(db).unwrap(),
                Some(at("2026-06-01T07:40:00Z"))
            );
            assert_eq!(put_due(db, at("2026-06-01T07:40:00Z")).unwrap(), [a]);
            let ran = run_all(db, a, at("2026-06-01T07:40:00Z"));
            assert_eq!(ran, [("2026-06-01T07:40:00Z".to_owned(), 2)]);
            assert_eq!(triggers::of(db, a).unwrap().len(), 1);
        })
        .await;
    }

    // n8n-io/n8n #30607, #19169, #28322: two runs at one tick, one with the outdated version.
    #[tokio::test]
    async fn a_change_at_the_tick_never_makes_two_runs_of_it() {
        on_a_store(|db| {
            let (before, tick) = (at("2026-06-01T07:30:00Z"), at("2026-06-01T08:00:00Z"));
            let waiting = automations::insert(db, "a", "p", "UTC", before).unwrap();
            let begun = automations::insert(db, "b", "p", "UTC", before).unwrap();
            for a in [waiting, begun] {
                accept(db, a, &json!([{"cron": "0 8 * * *"}]), before);
            }
            put_due(db, tick).unwrap();
            let first = run_all(db, begun, tick);
            for a in [waiting, begun] {
                accept(
                    db,
                    a,
                    &json!([{"cron": "0 */2 * * *"}, {"cron": "0 8 * * 1"}]),
                    tick,
                );
            }
            put_due(db, tick).unwrap();
            put_due(db, tick).unwrap();
            let one = |version| vec![("2026-06-01T08:00:00Z".to_owned(), version)];
            // What had begun counts; what had not is the new version's.
            assert_eq!(first, one(1));
            assert_eq!(run_all(db, begun, tick), []);
            assert_eq!(run_all(db, waiting, tick), one(2));
        })
        .await;
    }
}
