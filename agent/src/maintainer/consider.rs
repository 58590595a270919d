//! What is decided in the transaction in which a run fails, or succeeds.

use super::decide::{Decision, decide};
use super::deploy;
use super::repairs::{KIND, Repair, allowance, facts, state};
use crate::store::runs::RunRow;
use crate::store::{StoreError, events, tasks};
use deputy_protocol::{FailureClass, Time};
use rusqlite::Connection;
use serde_json::{Value, json};

/// A run that just failed.
pub(crate) struct Broken {
    /// Its automation.
    pub(crate) automation: i64,
    /// The run.
    pub(crate) run: i64,
    /// The script version that failed.
    pub(crate) script_version: u32,
    /// The failure's class.
    pub(crate) class: FailureClass,
    /// Everything that is known about it, redacted.
    pub(crate) evidence: Value,
}

/// What became of it.
pub(crate) enum Considered {
    /// The run waits to be repaired, and nobody is bothered.
    Repairing,
    /// A person is to be asked; with a reason, if there is one to give.
    NotRepaired(Option<String>),
}

/// Decides whether a failed run is repaired, and has it wait then.
pub(crate) fn consider(
    db: &Connection,
    broken: &Broken,
    now: Time,
) -> Result<Considered, StoreError> {
    if !matches!(broken.class, FailureClass::Logic | FailureClass::Limit) {
        return Ok(Considered::NotRepaired(None));
    }
    if let Some(note) = did_not_hold(db, broken, now)? {
        return Ok(Considered::NotRepaired(Some(note)));
    }
    if joined(db, broken)? {
        return Ok(Considered::Repairing);
    }
    let facts = facts(db, broken.automation, &broken.evidence, now)?;
    match decide(&facts, &allowance(db)?) {
        Decision::Leave(why) => Ok(Considered::NotRepaired(why.words().map(str::to_owned))),
        Decision::Repair { not_before } => {
            let repair = Repair {
                runs: vec![broken.run],
                failure: broken.evidence.clone(),
                script_version: broken.script_version,
                not_before,
                earlier: Vec::new(),
                change: None,
                deployed: None,
            };
            let detail = repair.write()?;
            let task = tasks::insert(
                db,
                KIND,
                Some(broken.automation),
                state::QUEUED,
                &detail,
                now,
            )?;
            let data = json!({"task": task, "not_before": not_before, "failure": broken.evidence});
            events::record(
                db,
                now,
                "repair_wanted",
                Some(broken.automation),
                Some(broken.run),
                &data,
            )?;
            Ok(Considered::Repairing)
        }
    }
}

/// A repaired version that fails as the one before it did is taken back.
fn did_not_hold(db: &Connection, broken: &Broken, now: Time) -> Result<Option<String>, StoreError> {
    let watched = tasks::in_states(db, KIND, Some(broken.automation), &[state::WATCHING])?;
    for task in watched {
        let repair = Repair::read(&task)?;
        if repair.deployed != Some(broken.script_version) || !repair.is_like(&broken.evidence) {
            continue;
        }
        repair.save(db, task.key, state::ROLLED_BACK)?;
        let because = "the repaired script failed the same way";
        deploy::roll_back(
            db,
            broken.automation,
            Some(broken.run),
            broken.script_version,
            repair.script_version,
            because,
            now,
        )?;
        return Ok(Some(format!(
            "It was repaired, and failed the same way again. Version {} of the script is active again.",
            repair.script_version
        )));
    }
    Ok(None)
}

/// Runs that fail alike wait for the same repair.
fn joined(db: &Connection, broken: &Broken) -> Result<bool, StoreError> {
    for task in tasks::in_states(db, KIND, Some(broken.automation), state::OPEN)? {
        let mut repair = Repair::read(&task)?;
        if !repair.is_like(&broken.evidence) || repair.script_version != broken.script_version {
            continue;
        }
        if !repair.runs.contains(&broken.run) {
            repair.runs.push(broken.run);
        }
        repair.save(db, task.key, &task.state)?;
        return Ok(true);
    }
    Ok(false)
}

/// A run that went well under a repaired script, and is none that the repair was about, ends the
/// watch over it.
pub(crate) fn succeeded(db: &Connection, run: &RunRow, now: Time) -> Result<(), StoreError> {
    if run.script_version <= 1 {
        return Ok(());
    }
    for task in tasks::in_states(db, KIND, Some(run.automation), &[state::WATCHING])? {
        let repair = Repair::read(&task)?;
        if repair.deployed != Some(run.script_version) || repair.runs.contains(&run.key) {
            continue;
        }
        repair.save(db, task.key, state::DONE)?;
        let data = json!({"task": task.key, "script_version": run.script_version});
        events::record(
            db,
            now,
            "repair_held",
            Some(run.automation),
            Some(run.key),
            &data,
        )?;
    }
    Ok(())
}
