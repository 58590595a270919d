//! The loop: repairs that are due become conversations, conversations become script versions, items
//! for people, or another attempt later. What is under way when the agent stops goes on at the next
//! start from what is on disk.

use super::change;
use super::deploy::{Deployed, Fix, deploy};
use super::gather::{gather, money_left, newcomers, system};
use super::open;
use super::workshop::{Repaired, Workshop, replay};
use crate::executor::{self, Parts, Program};
use crate::models::{Budget, Charge, Conversation, Ended, Models, Purpose, converse};
use crate::store::{Durability, StoreError, tasks};
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
            let look = match this.parts.store.read(move |db| open::look(db, now)).await {
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
                    Some(at) => clock.until(at, now).await,
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
            .write(Durability::Ordered, move |db| {
                open::settle(db, &parts, key, now)
            })
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
        let begun = store.write(Durability::Synced, move |db| open::begin(db, task, now));
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
            open::came_to_nothing(db, &parts, task, &how, again, now)
        });
        if let Some(automation) = ended.await? {
            self.parts.arrivals.announce(automation);
        }
        Ok(())
    }
}
