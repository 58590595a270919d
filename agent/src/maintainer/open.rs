//! What becomes of open repairs: which are due, which nobody wants any more, and the transactions
//! that begin an attempt, end one that came to nothing, and call a repair off.

use super::change;
use super::decide::{Decision, decide};
use super::deploy::successor;
use super::repairs::{KIND, Repair, allowance, facts, state};
use crate::executor::{self, Parts, Under};
use crate::store::tasks::{self, TaskRow};
use crate::store::{StoreError, automations, events, needs, runs, steps};
use deputy_protocol::{AutomationState, RunState, Time};
use rusqlite::Connection;
use serde_json::json;

/// What is to be done about a repair.
#[derive(Debug, PartialEq)]
pub(super) enum Fate {
    /// Work on it.
    Due,
    /// Work on it then.
    Later(Time),
    /// A person is to answer.
    Resting,
    /// It is not wanted any more; its runs fail with this note, if they still wait.
    Unwanted(&'static str),
    /// There is another script by now: its runs try that one, if it is a repaired one.
    Outdated,
}

/// Pure: what is to be done about a repair, as things are.
pub(super) fn fate(
    task: &str,
    repair: &Repair,
    automation: Option<(AutomationState, u32)>,
    waiting: bool,
    now: Time,
) -> Fate {
    let Some((automation, script_version)) = automation else {
        return Fate::Unwanted("its automation is gone");
    };
    match automation {
        AutomationState::Active => {}
        AutomationState::Paused => return Fate::Unwanted("the automation was paused meanwhile"),
        AutomationState::Draft | AutomationState::Archived => {
            return Fate::Unwanted("the automation was archived meanwhile");
        }
    }
    if !waiting {
        return Fate::Unwanted("its run was ended meanwhile");
    }
    if script_version != repair.script_version {
        return Fate::Outdated;
    }
    match task {
        state::WAITING => Fate::Resting,
        state::QUEUED if repair.not_before > now => Fate::Later(repair.not_before),
        _ => Fate::Due,
    }
}

pub(super) fn fate_of(
    db: &Connection,
    task: &TaskRow,
    repair: &Repair,
    now: Time,
) -> Result<Fate, StoreError> {
    let automation = match task.automation {
        Some(key) => automations::row(db, key)?,
        None => None,
    };
    let mut waiting = false;
    for run in &repair.runs {
        waiting |= runs::row(db, *run)?.is_some_and(|row| row.state == RunState::Waiting);
    }
    let automation = automation.map(|a| (a.state, a.script_version));
    Ok(fate(&task.state, repair, automation, waiting, now))
}

/// One look at all open repairs.
#[derive(Default)]
pub(super) struct Look {
    /// Tasks with their automations.
    pub(super) due: Vec<(i64, i64)>,
    pub(super) unwanted: Vec<i64>,
    /// When the next one is due.
    pub(super) next: Option<Time>,
    pub(super) open: bool,
}

pub(super) fn look(db: &Connection, now: Time) -> Result<Look, StoreError> {
    let mut look = Look::default();
    for task in tasks::in_states(db, KIND, None, state::OPEN)? {
        let repair = Repair::read(&task)?;
        look.open = true;
        match fate_of(db, &task, &repair, now)? {
            Fate::Due => look
                .due
                .push((task.key, task.automation.unwrap_or_default())),
            Fate::Later(at) => look.next = Some(look.next.map_or(at, |next| next.min(at))),
            Fate::Resting => {}
            Fate::Unwanted(_) | Fate::Outdated => look.unwanted.push(task.key),
        }
    }
    Ok(look)
}

/// Begins an attempt, or takes it up again. False when it is not due any more.
pub(super) fn begin(db: &Connection, key: i64, now: Time) -> Result<bool, StoreError> {
    let Some(task) = tasks::row(db, key)? else {
        return Ok(false);
    };
    let repair = Repair::read(&task)?;
    if fate_of(db, &task, &repair, now)? != Fate::Due {
        return Ok(false);
    }
    let under_way = db
        .prepare_cached("SELECT 1 FROM task_runs WHERE task=?1 AND ended_at IS NULL")?
        .exists([key])?;
    if !under_way {
        tasks::begin_run(db, key, now)?;
        let data = json!({"task": key, "attempt": repair.earlier.len() + 1});
        let run = repair.runs.first().copied();
        events::record(db, now, "repair_begun", task.automation, run, &data)?;
    }
    repair.save(db, key, state::RUNNING)?;
    Ok(true)
}

pub(super) fn came_to_nothing(
    db: &Connection,
    parts: &Parts,
    key: i64,
    how: &str,
    again: bool,
    now: Time,
) -> Result<Option<i64>, StoreError> {
    let Some(task) = tasks::row(db, key)?.filter(|task| task.state == state::RUNNING) else {
        return Ok(None);
    };
    let Some(automation) = task.automation else {
        return Ok(None);
    };
    let mut repair = Repair::read(&task)?;
    let how: String = parts.redactor.text(how).chars().take(2_000).collect();
    let cost = tasks::end_run(db, key, "failed", &json!({"how": how}), now)?;
    repair.earlier.push(how.clone());
    tasks::set_thread(db, key, None)?;
    let decision = if again {
        Some(decide(
            &facts(db, automation, &repair.failure, now)?,
            &allowance(db)?,
        ))
    } else {
        None
    };
    let run = repair.runs.first().copied();
    let mut data = json!({"task": key, "how": how, "cost_micros": cost});
    match decision {
        Some(Decision::Repair { not_before }) => {
            data["again_at"] = json!(not_before);
            events::record(db, now, "repair_failed", Some(automation), run, &data)?;
            repair.not_before = not_before;
            repair.save(db, key, state::QUEUED)?;
            Ok(None)
        }
        Some(Decision::Leave(_)) | None => {
            events::record(db, now, "repair_failed", Some(automation), run, &data)?;
            repair.save(db, key, state::FAILED)?;
            let mut note = format!("It could not be repaired: {how}");
            if let Some(Decision::Leave(why)) = decision
                && let Some(words) = why.words()
            {
                note = format!("{note}. {words}");
            }
            for run in &repair.runs {
                executor::fail_waiting(db, *run, Some((&parts.redactor, &note)), now)?;
            }
            Ok(Some(automation))
        }
    }
}

pub(super) fn settle(
    db: &Connection,
    parts: &Parts,
    key: i64,
    now: Time,
) -> Result<Option<i64>, StoreError> {
    let Some(task) = tasks::row(db, key)?.filter(|task| state::OPEN.contains(&task.state.as_str()))
    else {
        return Ok(None);
    };
    let repair = Repair::read(&task)?;
    let fate = fate_of(db, &task, &repair, now)?;
    let why = match fate {
        Fate::Due | Fate::Later(_) | Fate::Resting => return Ok(None),
        Fate::Unwanted(why) => why,
        Fate::Outdated => "there is another version of the script by now",
    };
    tasks::end_run(db, key, "cancelled", &json!({"why": why}), now)?;
    repair.save(db, key, state::CANCELLED)?;
    needs::withdraw(db, None, Some(&change::dedupe(key)), now)?;
    let run = repair.runs.first().copied();
    let data = json!({"task": key, "why": why, "cost_micros": tasks::cost(db, key)?});
    events::record(db, now, "repair_cancelled", task.automation, run, &data)?;
    let note = format!("It was not repaired: {why}.");
    for run in &repair.runs {
        let Some(row) = runs::row(db, *run)?.filter(|row| row.state == RunState::Waiting) else {
            continue;
        };
        let repaired = successor(db, row.automation, row.script_version)?;
        let present = automations::row(db, row.automation)?;
        if fate == Fate::Outdated
            && let Some(present) = present.filter(|a| a.script_version == repaired)
        {
            let under = Under {
                script: repaired,
                contract: present.contract_version,
            };
            let last = steps::last(db, *run)?;
            executor::resume_anew(db, &row, under, last, now)?;
        } else {
            executor::fail_waiting(db, *run, Some((&parts.redactor, &note)), now)?;
        }
    }
    Ok(task.automation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repair(not_before: i64) -> Repair {
        Repair {
            runs: vec![1],
            failure: json!({}),
            script_version: 1,
            not_before: Time(not_before),
            earlier: Vec::new(),
            change: None,
            deployed: None,
        }
    }

    #[test]
    fn what_becomes_of_a_repair_follows_from_how_things_are() {
        use AutomationState as A;
        let active = Some((A::Active, 1));
        let table = [
            (state::QUEUED, active, true, 0, Fate::Due),
            (state::QUEUED, active, true, 9, Fate::Later(Time(9))),
            (state::RUNNING, active, true, 9, Fate::Due),
            (state::WAITING, active, true, 0, Fate::Resting),
            (
                state::RUNNING,
                active,
                false,
                0,
                Fate::Unwanted("its run was ended meanwhile"),
            ),
            (
                state::QUEUED,
                Some((A::Paused, 1)),
                true,
                0,
                Fate::Unwanted("the automation was paused meanwhile"),
            ),
            (
                state::WAITING,
                Some((A::Archived, 1)),
                false,
                0,
                Fate::Unwanted("the automation was archived meanwhile"),
            ),
            (
                state::QUEUED,
                None,
                true,
                0,
                Fate::Unwanted("its automation is gone"),
            ),
            (
                state::RUNNING,
                Some((A::Active, 2)),
                true,
                0,
                Fate::Outdated,
            ),
        ];
        for (row, (task, automation, waiting, not_before, expected)) in
            table.into_iter().enumerate()
        {
            let seen = fate(task, &repair(not_before), automation, waiting, Time(5));
            assert_eq!(seen, expected, "row {row}");
        }
    }
}
