//! What is kept of a repair: a task's detail, its states, what was tried before, the settings.

use super::decide::{Allowance, Facts};
use crate::store::tasks::{self, TaskRow};
use crate::store::{StoreError, automations, settings};
use deputy_protocol::{AutomationState, FailureClass, Time};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of repair, with what they mean.
pub const SETTINGS: &[(&str, &str)] = &[
    (
        "repair.attempts_per_failure",
        "How often failures that are alike are repaired before a person is asked; 3 by default, 0 for never",
    ),
    (
        "repair.attempts_per_day",
        "How many attempts at repair an automation may have within 24 hours; 5 by default",
    ),
    (
        "repair.cost_per_day_micros",
        "What repairs of an automation may cost within 24 hours, in micro-USD; 1000000 by default",
    ),
    (
        "repair.cool_down_ms",
        "How long after a first attempt the second may begin, in milliseconds, doubling; 300000 by default",
    ),
];

const DAY_MS: i64 = 86_400_000;

/// How long an attempt counts against failures that are alike.
const MEMORY_MS: i64 = 30 * DAY_MS;

/// The kind of these tasks.
pub(super) const KIND: &str = "repair";

/// Where a repair stands; the word is the task's state.
pub(super) mod state {
    /// To be worked on, not before its time.
    pub(in crate::maintainer) const QUEUED: &str = "queued";
    /// A conversation is under way.
    pub(in crate::maintainer) const RUNNING: &str = "running";
    /// A person decides about the contract.
    pub(in crate::maintainer) const WAITING: &str = "waiting";
    /// Deployed; the next run shows whether it holds.
    pub(in crate::maintainer) const WATCHING: &str = "watching";
    /// It held.
    pub(in crate::maintainer) const DONE: &str = "done";
    /// It did not hold, or the user wanted the version before.
    pub(in crate::maintainer) const ROLLED_BACK: &str = "rolled_back";
    /// Nothing came of it.
    pub(in crate::maintainer) const FAILED: &str = "failed";
    /// Nobody wants it any more.
    pub(in crate::maintainer) const CANCELLED: &str = "cancelled";
    /// Repairs that hold up runs.
    pub(in crate::maintainer) const OPEN: &[&str] = &[QUEUED, RUNNING, WAITING];
}

/// A repair.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repair {
    /// The runs that wait for it; the first is the one that it is about.
    pub(super) runs: Vec<i64>,
    /// The evidence.
    pub(super) failure: Value,
    /// The script version that failed.
    pub(super) script_version: u32,
    /// When the next attempt may begin.
    pub(super) not_before: Time,
    /// How earlier attempts ended.
    #[serde(default)]
    pub(super) earlier: Vec<String>,
    /// A wider contract that it needs.
    #[serde(default)]
    pub(super) change: Option<Change>,
    /// The script version that it led to.
    #[serde(default)]
    pub(super) deployed: Option<u32>,
}

/// A change of the contract, proposed to the user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Change {
    /// The whole contract.
    pub(super) contract: Value,
    /// The version that it would replace.
    pub(super) from: u32,
    /// The version that it became when the user accepted it.
    #[serde(default)]
    pub(super) accepted: Option<u32>,
}

impl Repair {
    pub(super) fn read(task: &TaskRow) -> Result<Self, StoreError> {
        serde_json::from_value(task.detail.clone()).map_err(|e| StoreError::corrupt("repair", e))
    }

    pub(super) fn write(&self) -> Result<Value, StoreError> {
        serde_json::to_value(self).map_err(|e| StoreError::corrupt("repair", e))
    }

    pub(super) fn save(&self, db: &Connection, task: i64, state: &str) -> Result<(), StoreError> {
        tasks::set(db, task, state, &self.write()?)
    }

    /// Whether another failure is this one.
    pub(super) fn is_like(&self, failure: &Value) -> bool {
        ["fingerprint", "alike"]
            .iter()
            .any(|key| self.failure[key].is_string() && self.failure[key] == failure[key])
    }
}

fn class_of(failure: &Value) -> FailureClass {
    failure["class"]
        .as_str()
        .and_then(FailureClass::parse)
        .unwrap_or(FailureClass::Unknown)
}

/// How much may be tried, as it is set.
pub(super) fn allowance(db: &Connection) -> Result<Allowance, StoreError> {
    let number = |key: &str| -> Result<Option<i64>, StoreError> {
        Ok(settings::get(db, key)?.and_then(|value| value.as_i64()))
    };
    let default = Allowance::default();
    let count =
        |value: Option<i64>, default: u32| value.map_or(default, |n| u32::try_from(n).unwrap_or(0));
    Ok(Allowance {
        per_failure: count(number("repair.attempts_per_failure")?, default.per_failure),
        per_day: count(number("repair.attempts_per_day")?, default.per_day),
        cost_per_day_micros: number("repair.cost_per_day_micros")?
            .unwrap_or(default.cost_per_day_micros),
        cool_down_ms: number("repair.cool_down_ms")?
            .unwrap_or(default.cool_down_ms)
            .max(0),
    })
}

/// What a decision about a failure needs to know.
pub(super) fn facts(
    db: &Connection,
    automation: i64,
    failure: &Value,
    now: Time,
) -> Result<Facts, StoreError> {
    let (fingerprint, alike) = (failure["fingerprint"].as_str(), failure["alike"].as_str());
    let (attempts, last): (u32, Option<i64>) = db
        .prepare_cached(
            "SELECT count(*), max(r.started_at) FROM tasks t JOIN task_runs r ON r.task=t.id
             WHERE t.kind='repair' AND t.automation=?1 AND r.started_at>?4
               AND (json_extract(t.detail,'$.failure.fingerprint')=?2 OR json_extract(t.detail,'$.failure.alike')=?3)",
        )?
        .query_row(params![automation, fingerprint, alike, now.0 - MEMORY_MS], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
    let attempts_today = db
        .prepare_cached(
            "SELECT count(*) FROM tasks t JOIN task_runs r ON r.task=t.id
             WHERE t.kind='repair' AND t.automation=?1 AND r.started_at>?2",
        )?
        .query_row(params![automation, now.0 - DAY_MS], |r| r.get(0))?;
    let asked = db
        .prepare_cached(
            "SELECT 1 FROM needs WHERE automation=?1 AND state='open' AND kind IN ('logic','limit')
               AND (json_extract(detail,'$.failure.fingerprint')=?2 OR json_extract(detail,'$.failure.alike')=?3)",
        )?
        .exists(params![automation, fingerprint, alike])?;
    let state = automations::row(db, automation)?.map_or(AutomationState::Archived, |a| a.state);
    Ok(Facts {
        class: class_of(failure),
        crash: failure["crash"] == true,
        automation: state,
        has_model: crate::models::configured(db)?.is_some(),
        asked,
        attempts,
        last_attempt: last.map(Time),
        attempts_today,
        cost_today_micros: cost_today(db, automation, now)?,
        now,
    })
}

/// What repairs of an automation cost within 24 hours, in micro-USD.
pub(super) fn cost_today(db: &Connection, automation: i64, now: Time) -> Result<i64, StoreError> {
    let sum = db
        .prepare_cached(
            "SELECT coalesce(sum(cost_micros),0) FROM costs WHERE automation=?1 AND at>?2 AND purpose='repair'",
        )?
        .query_row(params![automation, now.0 - DAY_MS], |r| r.get(0))?;
    Ok(sum)
}
