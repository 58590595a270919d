//! The planner at work: tasks are driven until they end or wait, can be called off at any time, and
//! go on after a crash from what is on disk.

use super::begin::load;
use super::task::{self, Task, TaskState};
use super::toolbox::{PlanTools, Planned};
use super::{Brief, first_message, proposal, system};
use crate::executor::Parts;
use crate::models::{Charge, Conversation, Ended, Models, Purpose, converse};
use crate::store::{Durability, Key, StoreError};
use deputy_protocol::ErrorBody;
use rusqlite::Connection;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// The setting that changes [`PlanBudget`].
pub const BUDGET_SETTING: &str = "planner.budget";

/// What one task may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanBudget {
    /// Answers of the model.
    pub turns: u32,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Wall time of one sitting, in milliseconds.
    pub wall_ms: u64,
    /// Micro-USD.
    pub cost_micros: i64,
}

impl Default for PlanBudget {
    fn default() -> Self {
        Self {
            turns: 40,
            tokens: 1_000_000,
            wall_ms: 15 * 60_000,
            cost_micros: 1_000_000,
        }
    }
}

/// How driving a task ended.
#[derive(Clone, Debug)]
pub enum Driven {
    /// There is a proposal.
    Proposed(i64),
    /// A question waits for the user.
    Asked,
    /// It led to nothing.
    Ended(ErrorBody),
    /// The agent stops, or somebody else drives it.
    Left,
}

/// Drives planning tasks.
pub struct Planner {
    parts: Arc<Parts>,
    models: Arc<Models>,
    at_work: Mutex<HashMap<i64, CancellationToken>>,
}

/// Takes a task off the list when its driver ends, however it ends.
struct AtWork<'a>(&'a Planner, i64);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl Planner {
    /// A planner that asks these models.
    pub fn new(parts: Arc<Parts>, models: Arc<Models>) -> Self {
        Self {
            parts,
            models,
            at_work: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, CancellationToken>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, task: i64) -> Option<(AtWork<'_>, CancellationToken)> {
        let token = self.parts.stopping.child_token();
        let mut at_work = self.lock();
        if at_work.contains_key(&task) {
            return None;
        }
        at_work.insert(task, token.clone());
        Some((AtWork(self, task), token))
    }

    /// Calls a task off. One at work ends by itself soon; false when it is neither at work nor waits.
    pub async fn cancel(&self, key: i64) -> Result<bool, StoreError> {
        if let Some(token) = self.lock().get(&key) {
            token.cancel();
            return Ok(true);
        }
        let now = self.parts.clock.now();
        self.parts
            .store
            .write(Durability::Synced, move |db| match task::get(db, key)? {
                Some(task) => call_off(db, task, now),
                None => Ok(false),
            })
            .await
    }

    /// Drives a task until it ends or waits.
    pub async fn drive(&self, key: i64) -> Result<Driven, StoreError> {
        let Some((_at_work, cancel)) = self.enter(key) else {
            return Ok(Driven::Left);
        };
        let found = self.parts.store.read(move |db| load(db, key)).await?;
        let Some((task, brief, sources, budget)) =
            found.filter(|(task, ..)| task.state == TaskState::Running)
        else {
            return Ok(Driven::Left);
        };
        let mut conversation = self.conversation(&task, &brief).await?;
        let charge = Charge {
            automation: Some(task.automation),
            run: None,
            task: Some(key),
            purpose: Purpose::Plan,
        };
        let mut tools = PlanTools {
            parts: Arc::clone(&self.parts),
            task,
            sources,
        };
        loop {
            let ended = converse(
                &self.models,
                &mut conversation,
                &mut tools,
                budget,
                charge.clone(),
                &cancel,
            )
            .await;
            if !matches!(ended, Ended::Waiting) {
                return self.settle(tools.task, ended).await;
            }
            if self.rest(&tools.task).await? {
                return Ok(Driven::Asked);
            }
        }
    }

    /// Lets a task wait for its question. False when that was answered before this could be written.
    async fn rest(&self, task: &Task) -> Result<bool, StoreError> {
        let (task, now) = (task.clone(), self.parts.clock.now());
        let write = move |db: &Connection| {
            let open: bool = db
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM needs WHERE state='open' AND kind='question'
                       AND automation=?1 AND json_extract(detail,'$.task')=?2)",
                )?
                .query_row(
                    rusqlite::params![task.automation, Key::Task.id(task.key)],
                    |r| r.get(0),
                )?;
            if open {
                task::set_state(db, &task, TaskState::Waiting, now)?;
            }
            Ok(open)
        };
        self.parts.store.write(Durability::Synced, write).await
    }

    async fn conversation(&self, task: &Task, brief: &Brief) -> Result<Conversation, StoreError> {
        let (store, clock) = (&self.parts.store, &self.parts.clock);
        if let Some(thread) = task.thread {
            return Conversation::resume(store, clock, thread).await;
        }
        let system = system(self.parts.registry);
        let mut begun = Conversation::begin(store, clock, Some(task.automation), system).await?;
        let brief = Brief {
            now: clock.now(),
            ..brief.clone()
        };
        begun.say(first_message(&brief)).await?;
        if let Some(thread) = begun.thread() {
            let key = task.key;
            let write = move |db: &Connection| task::set_thread(db, key, thread);
            store.write(Durability::Synced, write).await?;
        }
        Ok(begun)
    }

    /// Writes what became of a task.
    async fn settle(&self, mut task: Task, ended: Ended<Planned>) -> Result<Driven, StoreError> {
        let now = self.parts.clock.now();
        let error = match ended {
            Ended::Finished(Planned::Bundle(checked)) => {
                let written = self.parts.store.write(Durability::Synced, move |db| {
                    let key = proposal::put(db, task.automation, &checked, now)?;
                    task.detail.proposal = Some(key);
                    task::set_state(db, &task, TaskState::Done, now)?;
                    Ok(key)
                });
                return Ok(Driven::Proposed(written.await?));
            }
            Ended::Waiting => return Ok(Driven::Asked),
            Ended::Cancelled if self.parts.stopping.is_cancelled() => return Ok(Driven::Left),
            Ended::Cancelled => {
                let write = move |db: &Connection| call_off(db, task, now);
                self.parts.store.write(Durability::Synced, write).await?;
                return Ok(Driven::Ended(ErrorBody::new(
                    "cancelled",
                    "planning was called off; nothing was set up or changed",
                    "say it again whenever you like",
                )));
            }
            Ended::Finished(Planned::GivenUp(reason)) => ErrorBody::new(
                "cannot_plan",
                format!("This cannot be done: {reason} Nothing was set up or changed"),
                "say it another way, or `deputy tools` for what there is",
            ),
            Ended::GaveUp(words) => {
                let words: String = words.chars().take(500).collect();
                ErrorBody::new(
                    "cannot_plan",
                    format!(
                        "The model ended without a proposal. Its last words: {words}. Nothing was set up or changed"
                    ),
                    "say it in other words, or set another model",
                )
            }
            Ended::OutOfBudget(resource) => ErrorBody::new(
                "budget",
                format!(
                    "planning used up its {} without a proposal; nothing was set up or changed",
                    resource.as_str()
                ),
                "say it in smaller steps, or raise the setting `planner.budget`",
            ),
            Ended::Failed(error) => error.body(),
        };
        let error = ErrorBody {
            message: self.parts.redactor.text(&error.message),
            ..error
        };
        let told = error.clone();
        self.parts
            .store
            .write(Durability::Synced, move |db| {
                task.detail.error = Some(told.clone());
                if task::set_state(db, &task, TaskState::Failed, now)? {
                    task::tell(db, &task, "reply", "No proposal", &told.message, now)?;
                    drop_draft(db, task.automation)?;
                }
                Ok(())
            })
            .await?;
        Ok(Driven::Ended(error))
    }
}

/// Ends an open task for the user.
fn call_off(db: &Connection, task: Task, now: deputy_protocol::Time) -> Result<bool, StoreError> {
    if !task::set_state(db, &task, TaskState::Cancelled, now)? {
        return Ok(false);
    }
    db.prepare_cached(
        "UPDATE needs SET state='withdrawn', answered_at=?2
         WHERE state='open' AND kind='question' AND json_extract(detail,'$.task')=?1",
    )?
    .execute(rusqlite::params![Key::Task.id(task.key), now.0])?;
    let text = "Nothing was set up or changed.";
    task::tell(db, &task, "reply", "Planning was called off", text, now)?;
    drop_draft(db, task.automation)?;
    Ok(true)
}

/// A draft that nothing was ever proposed for is of no use.
fn drop_draft(db: &Connection, automation: i64) -> Result<(), StoreError> {
    if proposal::open_of(db, automation)?.is_none() {
        db.prepare_cached("UPDATE automations SET state='archived' WHERE id=?1 AND state='draft'")?
            .execute([automation])?;
    }
    Ok(())
}
