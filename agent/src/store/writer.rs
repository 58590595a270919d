//! The one writer: a thread that owns the writing connection and commits whatever waits together.
//!
//! This is the one place where durability is decided (execution semantics, "The rule"): a batch is
//! fsynced when any job in it asks for [`Durability::Synced`]. The log is written in order, so a
//! synced job takes everything before it to disk with it, and what was not synced can only be lost
//! together with everything after it.

use super::StoreError;
use crate::fault;
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{oneshot, watch};

/// When a write counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Committed: survives the death of the process, and rides to disk with the next sync.
    Ordered,
    /// On disk: survives the loss of power.
    Synced,
}

/// Shared by the writes of one run: once one of them is lost, later ones fail instead of leaving a
/// gap in the journal.
#[derive(Clone, Default)]
pub struct Lost(Arc<LostInner>);

#[derive(Default)]
struct LostInner {
    set: AtomicBool,
    why: Mutex<String>,
}

impl Lost {
    /// Fails when an earlier write was lost.
    pub fn check(&self) -> Result<(), StoreError> {
        if self.0.set.load(Ordering::Acquire) {
            let why = self
                .0
                .why
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            return Err(StoreError::JournalGap(why));
        }
        Ok(())
    }

    fn set(&self, why: &StoreError) {
        *self.0.why.lock().unwrap_or_else(PoisonError::into_inner) = why.to_string();
        self.0.set.store(true, Ordering::Release);
    }
}

/// The most jobs that one transaction takes.
const BATCH: usize = 256;

type Apply = Box<dyn FnOnce(&Connection) -> Result<Finish, StoreError> + Send>;
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

struct Job {
    synced: bool,
    apply: Apply,
    refuse: Box<dyn FnOnce(StoreError) + Send>,
}

pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    changes: watch::Receiver<u64>,
    events: watch::Sender<i64>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = channel();
        let (published, changes) = watch::channel(0);
        let (events, _) = watch::channel(0);
        let published = Published {
            changes: published,
            events: events.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&connection, &receiver, &published))
            .map_err(|source| StoreError::Io {
                what: "starting the store's writer".to_owned(),
                source,
            })?;
        Ok(Self {
            jobs: Mutex::new(Some(sender)),
            changes,
            events,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    pub(super) fn events(&self) -> watch::Receiver<i64> {
        self.events.subscribe()
    }

    pub(super) fn submit<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, StoreError>> {
        let (answer, answered) = oneshot::channel();
        // Whichever of the two closures is called takes the sender.
        let answer = Arc::new(Mutex::new(Some(answer)));
        let refusal = Arc::clone(&answer);
        self.send(Job {
            synced: durability == Durability::Synced,
            apply: Box::new(move |db| {
                let value = job(db)?;
                Ok(Box::new(move |committed| {
                    reply(&answer, committed.map(|()| value))
                }))
            }),
            refuse: Box::new(move |error| reply(&refusal, Err(error))),
        });
        answered
    }

    pub(super) fn write_behind(
        &self,
        lost: &Lost,
        job: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    ) {
        let (on_commit, on_refusal, before) = (lost.clone(), lost.clone(), lost.clone());
        self.send(Job {
            synced: false,
            apply: Box::new(move |db| {
                before.check()?;
                job(db)?;
                Ok(Box::new(move |committed| {
                    if let Err(error) = committed {
                        on_commit.set(&error);
                    }
                }))
            }),
            refuse: Box::new(move |error| on_refusal.set(&error)),
        });
    }

    fn send(&self, job: Job) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = jobs.as_ref()
            && let Err(unsent) = sender.send(job)
        {
            (unsent.0.refuse)(StoreError::Stopped);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(
            self.jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            // What was accepted is written before the process goes on.
            let _ = thread.join();
        }
    }
}

fn reply<T>(
    to: &Mutex<Option<oneshot::Sender<Result<T, StoreError>>>>,
    value: Result<T, StoreError>,
) {
    if let Some(sender) = to.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // The asker may have gone; what was committed stays committed.
        let _ = sender.send(value);
    }
}

/// Where it is told that something was committed.
struct Published {
    changes: watch::Sender<u64>,
    /// The last event's number.
    events: watch::Sender<i64>,
}

impl Published {
    fn tell(&self, db: &Connection) {
        self.changes.send_modify(|n| *n += 1);
        if self.events.receiver_count() == 0 {
            return;
        }
        let last = db
            .prepare_cached("SELECT coalesce(max(seq),0) FROM events")
            .and_then(|mut query| query.query_row([], |r| r.get(0)));
        self.events.send_if_modified(|seen| match last {
            Ok(last) => std::mem::replace(seen, last) != last,
            // Looking once too often does no harm.
            Err(_) => true,
        });
    }
}

fn serve(db: &Connection, jobs: &Receiver<Job>, published: &Published) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut synced_mode = None;
    while let Ok(first) = jobs.recv() {
        batch.push(first);
        while batch.len() < BATCH
            && let Ok(next) = jobs.try_recv()
        {
            batch.push(next);
        }
        commit_batch(db, batch.drain(..), &mut synced_mode);
        published.tell(db);
    }
}

fn commit_batch(db: &Connection, batch: std::vec::Drain<'_, Job>, synced_mode: &mut Option<bool>) {
    let jobs: Vec<Job> = batch.collect();
    let synced = jobs.iter().any(|job| job.synced);
    if *synced_mode != Some(synced) {
        let pragma = if synced {
            "PRAGMA synchronous=FULL"
        } else {
            "PRAGMA synchronous=NORMAL"
        };
        if let Err(error) = db.execute_batch(pragma) {
            return refuse_all(jobs, error);
        }
        *synced_mode = Some(synced);
    }
    if let Err(error) = cached(db, "BEGIN IMMEDIATE") {
        return refuse_all(jobs, error);
    }
    fault::point("writer.begun");
    let mut finishes = Vec::with_capacity(jobs.len());
    let alone = jobs.len() == 1;
    let mut waiting = jobs.into_iter();
    for job in waiting.by_ref() {
        let applied = if alone {
            in_transaction(db, job.apply)
        } else {
            in_savepoint(db, job.apply)
        };
        match applied {
            Ok(finish) => finishes.push(finish),
            Err(error) => (job.refuse)(error),
        }
        if db.is_autocommit() {
            // The only job failed, or SQLite gave up the whole transaction (disk full, I/O error):
            // nothing of it stands.
            for finish in finishes {
                finish(Err(StoreError::Full));
            }
            for job in waiting {
                (job.refuse)(StoreError::Full);
            }
            return;
        }
    }
    fault::point("writer.before_commit");
    match cached(db, "COMMIT") {
        Ok(()) => {
            fault::point("writer.committed");
            for finish in finishes {
                finish(Ok(()));
            }
        }
        Err(error) => {
            if !db.is_autocommit() {
                let _ = db.execute_batch("ROLLBACK");
            }
            let message = error.to_string();
            let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
            for finish in finishes {
                finish(Err(if full {
                    StoreError::Full
                } else {
                    StoreError::ReadOnly(message.clone())
                }));
            }
        }
    }
}

/// Applies the only job of a transaction: with nobody else's work in it, no savepoint is needed.
fn in_transaction(db: &Connection, apply: Apply) -> Result<Finish, StoreError> {
    apply(db).map_err(|error| {
        if !db.is_autocommit() {
            let _ = db.execute_batch("ROLLBACK");
        }
        named(error)
    })
}

fn in_savepoint(db: &Connection, apply: Apply) -> Result<Finish, StoreError> {
    cached(db, "SAVEPOINT job")?;
    match apply(db) {
        Ok(finish) => {
            cached(db, "RELEASE job")?;
            Ok(finish)
        }
        Err(error) => {
            if !db.is_autocommit() {
                db.execute_batch("ROLLBACK TO job; RELEASE job")?;
            }
            Err(named(error))
        }
    }
}

fn named(error: StoreError) -> StoreError {
    match error {
        StoreError::Sqlite(e) => StoreError::from_sqlite(e),
        other => other,
    }
}

fn cached(db: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    db.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn refuse_all(jobs: Vec<Job>, error: rusqlite::Error) {
    let message = error.to_string();
    let code = error.sqlite_error_code();
    for job in jobs {
        (job.refuse)(match code {
            Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full,
            Some(rusqlite::ErrorCode::ReadOnly) => StoreError::ReadOnly(message.clone()),
            _ => StoreError::Io {
                what: "beginning a transaction".to_owned(),
                source: std::io::Error::other(message.clone()),
            },
        });
    }
}
