//! The loop: repairs that are due become conversations, conversations become script versions, items
//! for people, or another attempt later. What is under way when the agent stops goes on at the next
//! start from what is on disk.

use super::change;
use super::decide::{Decision, decide};
use super::deploy::{Deployed, Fix, deploy, successor};
use super::gather::{gather, money_left, newcomers, system};
use super::repairs::{KIND, Repair, allowance, facts, state};
use super::workshop::{Repaired, Workshop, replay};
use crate::executor::{self, Parts, Program, Under};
use crate::models::{Budget, Charge, Conversation, Ended, Models, Purpose, converse};
use crate::store::tasks::{self, TaskRow};
use crate::store::{Durability, StoreError, automations, events, needs, runs, steps};
use deputy_protocol::{AutomationState, RunState, Time};
use rusqlite::Connection;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The most repairs at work at a time.
const AT_ONCE: usize = 2;

/// What one attempt may use, besides money.
const BUDGET: Budget = Budget {
    turns: 12,
    tokens: 400_000,
    wall_ms: 10 * 60_000,
    cost_micros: i64::MAX,
};

/// How long is waited when the store cannot be used.
const TROUBLE: Duration = Duration::from_secs(1);

/// Mends scripts until the agent stops.
pub struct Maintainer {
    parts: Arc<Parts>,
    models: Arc<Models>,
}

/// What is to be done about a repair.
#[derive(Debug, PartialEq)]
enum Fate {
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
fn fate(
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

fn fate_of(
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
struct Look {
    due: Vec<(i64, i64)>,
    unwanted: Vec<i64>,
    next: Option<Time>,
    open: bool,
}

fn look(db: &Connection, now: Time) -> Result<Look, StoreError> {
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

impl Maintainer {
    /// A maintainer of these parts, to be run once.
    pub fn new(parts: Arc<Parts>, models: Arc<Models>) -> Self {
        Self { parts, models }
    }

    /// Runs until the agent stops; then waits for what is under way to come to rest.
    pub async fn run(self) {
        let this = Arc::new(self);
        let (stopping, clock) = (this.parts.stopping.clone(), Arc::clone(&this.parts.clock));
        let mut repairs = this.parts.arrivals.repairs();
        let mut changes = this.parts.store.changes();
        let mut jobs: JoinSet<i64> = JoinSet::new();
        let mut at_work: HashMap<i64, (i64, CancellationToken)> = HashMap::new();
        while !stopping.is_cancelled() {
            repairs.mark_unchanged();
            changes.mark_unchanged();
            let now = clock.now();
            let look = match this.parts.store.read(move |db| look(db, now)).await {
                Ok(look) => look,
                Err(StoreError::Stopped) => break,
                Err(error) => {
                    tracing::error!(%error, "repairs cannot be read; trying again soon");
                    tokio::time::sleep(TROUBLE).await;
                    continue;
                }
            };
            for task in look.unwanted {
                match at_work.get(&task) {
                    Some((_, cancel)) => cancel.cancel(),
                    None => this.settle(task).await,
                }
            }
            let busy: HashSet<i64> = at_work
                .values()
                .map(|(automation, _)| *automation)
                .collect();
            let mut taken = busy;
            for (task, automation) in look.due {
                if at_work.len() >= AT_ONCE
                    || at_work.contains_key(&task)
                    || !taken.insert(automation)
                {
                    continue;
                }
                let (job, cancel) = (Arc::clone(&this), stopping.child_token());
                at_work.insert(task, (automation, cancel.clone()));
                jobs.spawn(async move {
                    job.work(task, cancel).await;
                    task
                });
            }
            let until = async {
                match look.next {
                    Some(at) => clock.until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                told = repairs.changed() => if told.is_err() { break },
                told = changes.changed(), if look.open => if told.is_err() { break },
                Some(ended) = jobs.join_next() => match ended {
                    Ok(task) => {
                        at_work.remove(&task);
                    }
                    Err(error) => {
                        tracing::error!(%error, "a repair stopped unexpectedly; it is taken up again");
                        at_work.clear();
                        tokio::time::sleep(TROUBLE).await;
                    }
                },
                () = until => {}
                () = stopping.cancelled() => break,
            }
        }
        while jobs.join_next().await.is_some() {}
    }

    async fn work(&self, task: i64, cancel: CancellationToken) {
        match self.attempt(task, &cancel).await {
            Ok(()) | Err(StoreError::Stopped) => {}
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(task, %error, "a repair cannot be read");
                let ended = self.came_to_nothing(task, error.to_string(), false).await;
                if let Err(error) = ended {
                    tracing::error!(task, %error, "a repair could not be ended");
                    tokio::time::sleep(TROUBLE).await;
                }
            }
            Err(error) => {
                tracing::error!(task, %error, "a repair could not be written down; it is taken up again");
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }

    /// Lets what waited for a repair that nobody wants any more go its way.
    async fn settle(&self, key: i64) {
        let (parts, now) = (Arc::clone(&self.parts), self.parts.clock.now());
        let settled = self
            .parts
            .store
            .write(Durability::Ordered, move |db| settle(db, &parts, key, now))
            .await;
        match settled {
            Ok(Some(automation)) => self.parts.arrivals.announce(automation),
            Ok(None) | Err(StoreError::Stopped) => {}
            Err(error) => tracing::error!(key, %error, "a repair could not be called off"),
        }
    }

    async fn attempt(&self, task: i64, cancel: &CancellationToken) -> Result<(), StoreError> {
        let (store, clock) = (&self.parts.store, &self.parts.clock);
        let now = clock.now();
        let begun = store.write(Durability::Synced, move |db| begin(db, task, now));
        if !begun.await? {
            return Ok(());
        }
        let parts = Arc::clone(&self.parts);
        let gathered = store.read(move |db| {
            let material = gather(db, &parts, task)?;
            match material {
                Some(material) => {
                    let money = money_left(db, material.automation, now)?;
                    Ok(Some((material, money)))
                }
                None => Ok(None),
            }
        });
        let Some((material, money)) = gathered.await? else {
            let how = "what the run started from is not kept any more".to_owned();
            return self.came_to_nothing(task, how, false).await;
        };
        let automation = material.automation;
        let mut conversation = match material.thread {
            Some(thread) => Conversation::resume(store, clock, thread).await?,
            None => {
                let new = Conversation::begin(store, clock, Some(automation), system()).await?;
                let thread = new.thread();
                store
                    .write(Durability::Synced, move |db| {
                        tasks::set_thread(db, task, thread)
                    })
                    .await?;
                new
            }
        };
        if conversation.turns().len() == 0 {
            conversation.say(material.brief.clone()).await?;
        }
        let budget = Budget {
            cost_micros: money.max(1),
            ..BUDGET
        };
        let charge = Charge {
            automation: Some(automation),
            run: None,
            task: Some(task),
            purpose: Purpose::Repair,
        };
        let mut workshop = Workshop {
            parts: Arc::clone(&self.parts),
            task,
            material,
            wanted: None,
        };
        let ended = converse(
            &self.models,
            &mut conversation,
            &mut workshop,
            budget,
            charge,
            cancel,
        )
        .await;
        match ended {
            Ended::Finished(Repaired::Fix(fix)) => self.deploy(task, &workshop, fix).await,
            Ended::Finished(Repaired::GivenUp(reason)) => {
                let how = format!("it was given up: {reason}");
                self.came_to_nothing(task, how, false).await
            }
            Ended::Waiting => match workshop.wanted {
                Some(wanted) => {
                    let (parts, now) = (Arc::clone(&self.parts), self.parts.clock.now());
                    let asked = store.write(Durability::Synced, move |db| {
                        change::ask(db, &parts.redactor, task, &wanted, now)
                    });
                    asked.await.map(drop)
                }
                None => Ok(()),
            },
            Ended::OutOfBudget(resource) => {
                let how = format!("the attempt used up its {}", resource.as_str());
                self.came_to_nothing(task, how, true).await
            }
            Ended::GaveUp(words) => {
                let how = format!("the model ended without a proposal: {words}");
                self.came_to_nothing(task, how, true).await
            }
            Ended::Cancelled => Ok(()),
            Ended::Failed(error) => {
                let again = error.again() > 0;
                self.came_to_nothing(task, error.to_string(), again).await
            }
        }
    }

    /// Deploys a fix once every run that waits for it was held against it.
    async fn deploy(&self, task: i64, workshop: &Workshop, fix: Fix) -> Result<(), StoreError> {
        let store = &self.parts.store;
        let material = &workshop.material;
        let mut examined: Vec<i64> = material.failed.iter().map(|run| run.run.key).collect();
        let present = &material.program;
        let program = Arc::new(Program::new(
            present.automation,
            &present.name,
            present.contract.clone(),
            fix.script.clone(),
        ));
        loop {
            let (parts, now) = (Arc::clone(&self.parts), self.parts.clock.now());
            let (new, known) = (fix.clone(), examined.clone());
            let deployed = store.write(Durability::Synced, move |db| {
                deploy(db, &parts.redactor, task, &new, &known, now)
            });
            let joined = match deployed.await? {
                Deployed::Active | Deployed::Gone => break,
                Deployed::Unexamined(joined) => joined,
            };
            examined.extend(&joined);
            let found = store.read(move |db| newcomers(db, &joined)).await?;
            for run in &found {
                let replayed = replay(&self.parts, &program, &[run]).await;
                let Some(refused) = replayed.refused else {
                    continue;
                };
                let (parts, now, key) =
                    (Arc::clone(&self.parts), self.parts.clock.now(), run.run.key);
                let note = format!("The repair does not mend this run: {refused}");
                store
                    .write(Durability::Synced, move |db| {
                        executor::fail_waiting(db, key, Some((&parts.redactor, &note)), now)
                    })
                    .await?;
            }
        }
        self.parts.arrivals.announce(material.automation);
        Ok(())
    }

    /// Ends an attempt that came to nothing: another one follows, or a person is asked.
    async fn came_to_nothing(&self, task: i64, how: String, again: bool) -> Result<(), StoreError> {
        let (parts, now) = (Arc::clone(&self.parts), self.parts.clock.now());
        let ended = self.parts.store.write(Durability::Synced, move |db| {
            came_to_nothing(db, &parts, task, &how, again, now)
        });
        if let Some(automation) = ended.await? {
            self.parts.arrivals.announce(automation);
        }
        Ok(())
    }
}

/// Begins an attempt, or takes it up again. False when it is not due any more.
fn begin(db: &Connection, key: i64, now: Time) -> Result<bool, StoreError> {
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

fn came_to_nothing(
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

fn settle(db: &Connection, parts: &Parts, key: i64, now: Time) -> Result<Option<i64>, StoreError> {
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
