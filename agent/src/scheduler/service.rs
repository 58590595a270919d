//! The loop: due times into the inbox, the inbox into attempts, and sleep until something is due or
//! something is told. It never looks at a clock without a reason.

use super::claim::{Claim, claim};
use super::{stalled, ticks};
use crate::clock::SharedClock;
use crate::executor::{AttemptReport, Executor, Notice, give_back};
use crate::store::{Durability, StoreError, inbox, triggers};
use deputy_protocol::Time;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

/// The most runs at work at a time.
const MAX_ACTIVE: usize = 64;

/// The most runs of one automation at a time, whatever its contract says, so that it leaves room.
const MAX_ACTIVE_OF_ONE: usize = 32;

/// The most automations that one transaction claims for.
const BATCH: usize = 32;

/// The scheduler's loop, to be run once.
pub struct Scheduler {
    executor: Executor,
    notices: UnboundedReceiver<Notice>,
    ready: VecDeque<i64>,
    is_ready: HashSet<i64>,
    active: JoinSet<AttemptReport>,
    /// Whose attempt each task is.
    at_work: HashMap<tokio::task::Id, AtWork>,
    active_of: HashMap<i64, usize>,
    /// Runs whose attempt broke off, until it is written that they are in nobody's hands.
    fallen: Vec<i64>,
    next_wake: Option<Time>,
    /// The time at the last look, to see when the clock was set back.
    seen: Time,
}

#[derive(Clone, Copy)]
struct AtWork {
    automation: i64,
    run: i64,
}

/// Handle of a running scheduler.
pub type SchedulerHandle = tokio::task::JoinHandle<()>;

impl Scheduler {
    /// A scheduler for an executor, told of work through `notices`.
    pub fn new(executor: Executor, notices: UnboundedReceiver<Notice>) -> Self {
        Self {
            executor,
            notices,
            ready: VecDeque::new(),
            is_ready: HashSet::new(),
            active: JoinSet::new(),
            at_work: HashMap::new(),
            active_of: HashMap::new(),
            fallen: Vec::new(),
            next_wake: Some(Time(0)),
            seen: Time(0),
        }
    }

    /// Runs until the agent stops; then waits for attempts to come to a point where they can resume.
    pub async fn run(mut self) {
        let stopping = self.executor.parts.stopping.clone();
        let clock: SharedClock = self.executor.parts.clock.clone();
        let mut trouble = 0u32;
        match self.left_over().await {
            Ok(automations) => automations.into_iter().for_each(|key| self.push(key)),
            Err(error) => tracing::error!(%error, "the queue could not be read at start"),
        }
        while !stopping.is_cancelled() {
            match self.step(&clock).await {
                Ok(()) => trouble = 0,
                Err(StoreError::Stopped) => break,
                Err(error) => {
                    // Nothing is lost: what was not claimed stays in the inbox.
                    trouble = (trouble + 1).min(6);
                    tracing::error!(%error, "the scheduler cannot write; trying again soon");
                    tokio::time::sleep(Duration::from_millis(250 << trouble)).await;
                    continue;
                }
            }
            let (wake, seen) = (self.next_wake, self.seen);
            let until = async {
                match wake {
                    Some(at) => clock.until(at, seen).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                notice = self.notices.recv() => match notice {
                    Some(notice) => {
                        self.take(notice);
                        while let Ok(notice) = self.notices.try_recv() {
                            self.take(notice);
                        }
                    }
                    None => break,
                },
                Some(ended) = self.active.join_next_with_id() => {
                    self.ended(ended).await;
                    while let Some(ended) = self.active.try_join_next_with_id() {
                        self.ended(ended).await;
                    }
                },
                () = until => {},
                () = stopping.cancelled() => break,
            }
        }
        while self.active.join_next().await.is_some() {}
    }

    fn push(&mut self, automation: i64) {
        if self.is_ready.insert(automation) {
            self.ready.push_back(automation);
        }
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Work(automation) => self.push(automation),
            Notice::Times => self.next_wake = Some(Time(0)),
        }
    }

    async fn ended(
        &mut self,
        ended: Result<(tokio::task::Id, AttemptReport), tokio::task::JoinError>,
    ) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(AtWork { automation, run }) = self.at_work.remove(&id) else {
            return;
        };
        if let Some(count) = self.active_of.get_mut(&automation) {
            *count -= 1;
            if *count == 0 {
                self.active_of.remove(&automation);
            }
        }
        match ended {
            Ok((_, AttemptReport::Waiting)) => self.next_wake = Some(Time(0)),
            Ok((_, AttemptReport::Ended | AttemptReport::Interrupted)) => {}
            Err(error) => {
                tracing::error!(run, %error, "an attempt stopped unexpectedly; its run goes on");
                self.fallen.push(run);
            }
        }
        self.push(automation);
    }

    /// Everything that can be done now.
    async fn step(&mut self, clock: &SharedClock) -> Result<(), StoreError> {
        let now = clock.now();
        if now < self.seen {
            self.set_back(now).await?;
        }
        self.seen = now;
        while let Some(run) = self.fallen.last().copied() {
            let store = &self.executor.parts.store;
            store
                .write(Durability::Ordered, move |db| give_back(db, run, now))
                .await?;
            self.fallen.pop();
        }
        let mut looked = false;
        if self.next_wake.is_some_and(|at| at <= now) {
            let arrived = self.times(now).await?;
            arrived.into_iter().for_each(|key| self.push(key));
            looked = true;
        }
        while self.active.len() < MAX_ACTIVE && !self.ready.is_empty() {
            let room = (MAX_ACTIVE - self.active.len())
                .min(BATCH)
                .min(self.ready.len());
            let mut batch: Vec<i64> = self.ready.drain(..room).collect();
            for key in &batch {
                self.is_ready.remove(key);
            }
            // One that has its share is looked at again when one of its runs is over.
            batch.retain(|key| self.active_of.get(key).copied().unwrap_or(0) < MAX_ACTIVE_OF_ONE);
            if let Err(error) = self.claim(batch.clone(), now).await {
                batch.into_iter().for_each(|key| self.push(key));
                return Err(error);
            }
        }
        if looked {
            // Only now, when what was claimed has no lease to wake for any more.
            let store = &self.executor.parts.store;
            self.next_wake = store.read(move |db| triggers::next_wake(db, now)).await?;
        }
        Ok(())
    }

    async fn claim(&mut self, batch: Vec<i64>, now: Time) -> Result<(), StoreError> {
        let parts = std::sync::Arc::clone(&self.executor.parts);
        let store = parts.store.clone();
        let claimed = store
            .write(Durability::Ordered, move |db| {
                claim(db, &parts.programs, &batch, &parts.installation, now)
            })
            .await?;
        for (automation, claim) in claimed {
            if let Claim::Run { context, more } = claim {
                *self.active_of.entry(automation).or_insert(0) += 1;
                let (executor, run) = (self.executor.clone(), context.run.key);
                let task = self
                    .active
                    .spawn(async move { executor.attempt(*context).await });
                self.at_work.insert(task.id(), AtWork { automation, run });
                if more {
                    self.push(automation);
                }
            }
        }
        Ok(())
    }

    async fn times(&self, now: Time) -> Result<Vec<i64>, StoreError> {
        self.executor
            .parts
            .store
            .write(Durability::Ordered, move |db| {
                let mut arrived = ticks::put_due(db, now)?;
                arrived.extend(wake_runs(db, now)?);
                arrived.extend(available(db, now)?);
                stalled::tell(db, now)?;
                Ok(arrived)
            })
            .await
    }

    /// Goes on from now after the clock was set back: nothing waits for a time that has become
    /// hours away only by the change.
    async fn set_back(&mut self, now: Time) -> Result<(), StoreError> {
        let by = self.seen.since(now);
        self.executor
            .parts
            .store
            .write(Durability::Ordered, move |db| {
                triggers::set_back(db, now)?;
                inbox::make_available(db, now)?;
                inbox::renew_leases(db, None, now, now.plus_ms(stalled::LEASE_MS))?;
                // A script's sleep is until a time of day; a pause before a retry is a span.
                db.prepare_cached(
                    "UPDATE runs SET waiting_until=waiting_until-?1
                     WHERE waiting_until IS NOT NULL AND state='waiting' AND waiting_for<>'timer'",
                )?
                .execute([by])?;
                Ok(())
            })
            .await?;
        self.next_wake = Some(Time(0));
        Ok(())
    }

    /// What there is to do at start, with new leases for what waited while nobody was here.
    async fn left_over(&self) -> Result<Vec<i64>, StoreError> {
        let now = self.executor.parts.clock.now();
        self.executor
            .parts
            .store
            .write(Durability::Ordered, move |db| {
                inbox::renew_leases(db, None, now, now.plus_ms(stalled::LEASE_MS))?;
                let mut query = db.prepare(
                    "SELECT DISTINCT target_id FROM inbox WHERE state='pending' AND target='automation'
                     UNION SELECT DISTINCT automation FROM runs WHERE state='queued'",
                )?;
                let found = query.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }
}

/// Automations with items that became available since they were put.
fn available(db: &Connection, now: Time) -> Result<Vec<i64>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT DISTINCT target_id FROM inbox
         WHERE state='pending' AND available_at<=?1 AND available_at>due_at AND target='automation'",
    )?;
    let found = query
        .query_map([now.0], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Runs whose time to go on has come are queued again.
fn wake_runs(db: &Connection, now: Time) -> Result<Vec<i64>, StoreError> {
    let mut query = db.prepare_cached(
        "UPDATE runs SET state='queued', waiting_for=NULL, waiting_until=NULL
         WHERE waiting_until<=?1 AND state='waiting' RETURNING automation",
    )?;
    let woken = query
        .query_map([now.0], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(woken)
}
