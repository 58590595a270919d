//! The transactions that change which script version is active: a repair, and its taking back.

use super::repairs::{KIND, Repair, state};
use crate::executor::{self, Under};
use crate::observe::Redactor;
use crate::store::automations::NewScript;
use crate::store::{Key, StoreError, automations, chats, events, runs, steps, tasks};
use deputy_protocol::{AutomationState, RunState, Time};
use rusqlite::{Connection, params};
use serde_json::json;
use similar::TextDiff;

/// A script that was checked and replayed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fix {
    pub(super) script: String,
    pub(super) reason: String,
}

/// What came of deploying.
#[derive(Debug, PartialEq)]
pub(super) enum Deployed {
    /// The version is active, and the runs go on.
    Active,
    /// These runs have joined meanwhile, and were not held against it yet.
    Unexamined(Vec<i64>),
    /// It is not wanted any more.
    Gone,
}

/// Makes a fix the active version and lets the runs go on that it was examined against.
pub(super) fn deploy(
    db: &Connection,
    redactor: &Redactor,
    key: i64,
    fix: &Fix,
    examined: &[i64],
    now: Time,
) -> Result<Deployed, StoreError> {
    let Some(task) = tasks::row(db, key)?.filter(|task| task.state == state::RUNNING) else {
        return Ok(Deployed::Gone);
    };
    let mut repair = Repair::read(&task)?;
    let Some(automation) = task
        .automation
        .map_or(Ok(None), |key| automations::row(db, key))?
    else {
        return Ok(Deployed::Gone);
    };
    if automation.state != AutomationState::Active
        || automation.script_version != repair.script_version
    {
        return Ok(Deployed::Gone);
    }
    let mut waiting = Vec::new();
    for run in &repair.runs {
        if let Some(row) = runs::row(db, *run)?.filter(|row| row.state == RunState::Waiting) {
            waiting.push(row);
        }
    }
    if waiting.is_empty() {
        return Ok(Deployed::Gone);
    }
    let unexamined: Vec<i64> = waiting
        .iter()
        .map(|row| row.key)
        .filter(|run| !examined.contains(run))
        .collect();
    if !unexamined.is_empty() {
        return Ok(Deployed::Unexamined(unexamined));
    }
    let from = repair.script_version;
    let (before, fixtures) = automations::script(db, automation.key, from)?
        .ok_or_else(|| StoreError::corrupt("script", format!("version {from} is missing")))?;
    let digest = blake3::hash(fix.script.as_bytes()).to_hex()[..32].to_owned();
    let reason = format!("repaired: {}", redactor.text(&fix.reason));
    let new = NewScript {
        script: &fix.script,
        fixtures: &fixtures,
        digest: &digest,
        reason: &reason,
    };
    let to = automations::add_script(db, automation.key, &new, now)?;
    let cost = tasks::end_run(db, key, "deployed", &json!({"script_version": to}), now)?;
    repair.deployed = Some(to);
    repair.save(db, key, state::WATCHING)?;
    let diff = redactor.text(&diff(&before, &fix.script, from, to));
    let mut kept = 0;
    for row in &waiting {
        kept += effects_kept(db, row.key)?;
        let data = json!({
            "task": key, "from": from, "to": to, "reason": redactor.text(&fix.reason),
            "cost_micros": cost, "diff": diff,
        });
        let (of, run) = (Some(automation.key), Some(row.key));
        events::record(db, now, "repair_deployed", of, run, &data)?;
        let last = steps::last(db, row.key)?;
        let under = Under {
            script: to,
            contract: automation.contract_version,
        };
        executor::resume_anew(db, row, under, last, now)?;
    }
    let effects = match kept {
        0 => "Nothing had been done yet, so nothing was repeated.".to_owned(),
        1 => "What had been done stays done; nothing was repeated.".to_owned(),
        n => format!("{n} things had been done and stay done; nothing was repeated."),
    };
    let text = format!(
        "I fixed “{}” because {} {effects} The script is now version {to}; “undo the repair” brings version {from} back.",
        automation.name,
        sentence(&redactor.text(&fix.reason)),
    );
    let line = json!({
        "title": "Repaired", "text": text, "from": from, "to": to, "diff": diff,
        "cost_micros": cost, "run": waiting.first().map(|row| Key::Run.id(row.key)),
    });
    let deputy = chats::Author::Deputy;
    chats::append(db, Some(automation.key), "reply", deputy, &line, now)?;
    Ok(Deployed::Active)
}

/// A reason with a full stop.
fn sentence(reason: &str) -> String {
    let reason = reason.trim();
    if reason.ends_with(['.', '!', '?']) {
        reason.to_owned()
    } else {
        format!("{reason}.")
    }
}

fn effects_kept(db: &Connection, run: i64) -> Result<u32, StoreError> {
    let n = db
        .prepare_cached("SELECT count(*) FROM ledger WHERE run=?1 AND state='done'")?
        .query_row([run], |r| r.get(0))?;
    Ok(n)
}

/// What changed, line by line.
pub(super) fn diff(before: &str, after: &str, from: u32, to: u32) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .header(&format!("version {from}"), &format!("version {to}"))
        .to_string()
}

/// Makes an earlier script version the active one again.
pub(super) fn roll_back(
    db: &Connection,
    automation: i64,
    run: Option<i64>,
    from: u32,
    to: u32,
    because: &str,
    now: Time,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE automations SET script_version=?3 WHERE id=?1 AND script_version=?2",
    )?
    .execute(params![automation, from, to])?;
    let data = json!({"from": from, "to": to, "because": because});
    events::record(db, now, "script_rolled_back", Some(automation), run, &data)?;
    let text = format!("Version {to} of the script is active again instead of {from}: {because}.");
    let line = json!({"title": "Taken back", "text": text, "from": from, "to": to});
    let deputy = chats::Author::Deputy;
    chats::append(db, Some(automation), "reply", deputy, &line, now)?;
    Ok(())
}

/// The version that takes the place of one that failed: where repairs led from it, or what was there
/// before a repair that was taken back. Itself, if there is none.
pub(crate) fn successor(db: &Connection, automation: i64, version: u32) -> Result<u32, StoreError> {
    let states = &[state::WATCHING, state::DONE, state::ROLLED_BACK];
    let mut present = version;
    // Oldest first, so each repair's outcome is met before the repair of that outcome.
    for task in tasks::in_states(db, KIND, Some(automation), states)? {
        let repair = Repair::read(&task)?;
        let Some(deployed) = repair.deployed else {
            continue;
        };
        let taken_back = task.state == state::ROLLED_BACK;
        if taken_back && present == deployed {
            present = repair.script_version;
        } else if !taken_back && present == repair.script_version {
            present = deployed;
        }
    }
    Ok(present)
}

/// Undoes the repair that led to the present script, as the user wants it. Returns (from, to);
/// `None` when the present script is not a repaired one.
pub(crate) fn undo(
    db: &Connection,
    automation: i64,
    now: Time,
) -> Result<Option<(u32, u32)>, StoreError> {
    let Some(row) = automations::row(db, automation)? else {
        return Ok(None);
    };
    let from = row.script_version;
    for task in tasks::in_states(db, KIND, Some(automation), &[state::WATCHING, state::DONE])? {
        let repair = Repair::read(&task)?;
        if repair.deployed == Some(from) {
            let to = repair.script_version;
            repair.save(db, task.key, state::ROLLED_BACK)?;
            roll_back(db, automation, None, from, to, "you asked for it", now)?;
            return Ok(Some((from, to)));
        }
    }
    Ok(None)
}
