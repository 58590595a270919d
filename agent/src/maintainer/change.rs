//! A repair that needs a wider contract: it is never deployed; the user sees what would change and
//! decides.

use super::repairs::{Change, Repair, state};
use crate::executor;
use crate::intent::{self, Contract};
use crate::needs;
use crate::observe::Redactor;
use crate::store::needs::{NeedRow, NewNeed};
use crate::store::{StoreError, automations, chats, events, tasks};
use deputy_protocol::{NeedKind, Time};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// What the model wants of the user.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) contract: Contract,
    pub(super) reason: String,
}

/// The dedupe key of a repair's item.
pub(super) fn dedupe(task: i64) -> String {
    format!("contract_change:t{task}")
}

/// Asks the user, and lets the repair wait. False when it is not wanted any more.
pub(super) fn ask(
    db: &Connection,
    redactor: &Redactor,
    key: i64,
    wanted: &Wanted,
    now: Time,
) -> Result<bool, StoreError> {
    let Some(task) = tasks::row(db, key)?.filter(|task| task.state == state::RUNNING) else {
        return Ok(false);
    };
    let mut repair = Repair::read(&task)?;
    let Some(automation) = task
        .automation
        .map_or(Ok(None), |key| automations::row(db, key))?
    else {
        return Ok(false);
    };
    let from = automation.contract_version;
    let present = contract(db, automation.key, from)?;
    let proposed =
        serde_json::to_value(&wanted.contract).map_err(|e| StoreError::corrupt("contract", e))?;
    let diff = intent::diff(&present, &wanted.contract);
    let run = repair.runs.first().copied();
    let need = NewNeed {
        kind: NeedKind::ContractChange,
        dedupe: dedupe(key),
        title: redactor.text(&format!(
            "To go on, “{}” would have to be allowed more: {}",
            automation.name, wanted.reason
        )),
        automation: Some(automation.key),
        run,
        seq: None,
        choices: needs::choices(NeedKind::ContractChange),
        detail: redactor.json(&json!({
            "task": key, "from_version": from, "diff": diff, "contract": proposed,
            "reason": wanted.reason, "failure": repair.failure,
        })),
    };
    executor::open_need(db, &need, now)?;
    repair.change = Some(Change {
        contract: proposed,
        from,
        accepted: None,
    });
    repair.save(db, key, state::WAITING)?;
    waiting_for(db, &repair, "person")?;
    let data = json!({"task": key, "verdict": diff.verdict, "reason": redactor.text(&wanted.reason), "cost_micros": tasks::cost(db, key)?});
    events::record(
        db,
        now,
        "repair_needs_contract",
        Some(automation.key),
        run,
        &data,
    )?;
    Ok(true)
}

fn waiting_for(db: &Connection, repair: &Repair, word: &str) -> Result<(), StoreError> {
    for run in &repair.runs {
        db.prepare_cached("UPDATE runs SET waiting_for=?2 WHERE id=?1 AND state='waiting'")?
            .execute(params![run, word])?;
    }
    Ok(())
}

fn contract(db: &Connection, automation: i64, version: u32) -> Result<Contract, StoreError> {
    let (text, _) = automations::contract(db, automation, version)?
        .ok_or_else(|| StoreError::corrupt("contract", format!("version {version} is missing")))?;
    serde_json::from_str(&text).map_err(|e| StoreError::corrupt("contract", e))
}

/// Takes the user's word on a change of the contract.
pub(crate) fn answered(
    db: &Connection,
    need: &NeedRow,
    choice: &str,
    now: Time,
) -> Result<(), StoreError> {
    let Some(task) = need.detail["task"]
        .as_i64()
        .map_or(Ok(None), |key| tasks::row(db, key))?
        .filter(|task| task.state == state::WAITING)
    else {
        return Ok(());
    };
    let (Some(automation), mut repair) = (need.automation, Repair::read(&task)?) else {
        return Ok(());
    };
    if choice != "accept" {
        repair.save(db, task.key, state::FAILED)?;
        tasks::end_run(db, task.key, "declined", &json!({}), now)?;
        for run in &repair.runs {
            executor::fail_waiting(db, *run, None, now)?;
        }
        let line = json!({"title": "Not changed", "text": "The contract stays as it is, and the run that needed more ends as failed."});
        let deputy = chats::Author::Deputy;
        chats::append(db, Some(automation), "reply", deputy, &line, now)?;
        return Ok(());
    }
    repair.not_before = now;
    waiting_for(db, &repair, "retry")?;
    let present = automations::row(db, automation)?.map_or(0, |row| row.contract_version);
    match repair.change.take().filter(|change| change.from == present) {
        // What the user was shown is not what would change any more: it is proposed anew.
        None => tasks::set_thread(db, task.key, None)?,
        Some(mut change) => {
            change.accepted = Some(adopt(db, automation, present, &change.contract, now)?);
            repair.change = Some(change);
        }
    }
    repair.save(db, task.key, state::QUEUED)
}

/// Makes the contract that the user accepted the active one.
fn adopt(
    db: &Connection,
    automation: i64,
    present: u32,
    accepted: &Value,
    now: Time,
) -> Result<u32, StoreError> {
    let before = contract(db, automation, present)?;
    let after: Contract =
        serde_json::from_value(accepted.clone()).map_err(|e| StoreError::corrupt("contract", e))?;
    let text = serde_json::to_string(&after).map_err(|e| StoreError::corrupt("contract", e))?;
    let digest = intent::digest(&after);
    let reason = "widened by the user for a repair";
    let version = automations::add_contract(db, automation, &text, &digest, reason, now)?;
    if before.triggers != after.triggers || before.timezone != after.timezone {
        crate::scheduler::activate(db, automation, &after, now, token)?;
    }
    let data = json!({"version": version, "because": reason});
    events::record(db, now, "contract_changed", Some(automation), None, &data)?;
    Ok(version)
}

/// A webhook's secret.
fn token() -> String {
    let mut bytes = [0; 24];
    // The kernel's generator does not fail once the system is up.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    blake3::hash(&bytes).to_hex()[..32].to_owned()
}
