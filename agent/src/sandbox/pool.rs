//! The pool of workers: started when needed, lent to one run at a time, kept warm for a while,
//! ended after a number of runs. While no worker is idle, nothing here wakes up.

use super::frames::{Start, WorkerEvent};
use super::session::{Died, Session, Worker};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How the pool behaves.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The binary that has the `sandbox-worker` command.
    pub exe: PathBuf,
    /// The most workers at a time; further runs wait in order.
    pub max_workers: usize,
    /// How long an idle worker is kept.
    pub keep_idle: Duration,
    /// After so many runs a worker is replaced.
    pub runs_per_worker: u32,
}

impl PoolConfig {
    /// The defaults for a binary.
    pub fn new(exe: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            exe,
            // Not for the processor's sake: the more runs wait for the disk together, the fewer syncs
            // there are.
            max_workers: (16 * cores).clamp(32, 64),
            keep_idle: Duration::from_secs(30),
            runs_per_worker: 1_000,
        }
    }
}

/// Why no worker could be lent.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The process could not be started.
    #[error("the sandbox's process could not be started: {0}")]
    Spawn(#[from] std::io::Error),
    /// It started and ended before it was ready.
    #[error("the sandbox's process did not become ready: {0}")]
    NotReady(Died),
    /// The pool is closing.
    #[error("the agent is stopping")]
    Closed,
}

/// A pool of workers; clones share it.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    config: PoolConfig,
    slots: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    workers: VecDeque<Worker>,
    /// Permits of workers at work, given back when theirs ends or comes back.
    lent: Vec<OwnedSemaphorePermit>,
    reaping: bool,
}

/// The largest first frame of a worker, in bytes.
const READY_FRAME: usize = 4_096;

impl Pool {
    /// A pool without workers.
    pub fn new(config: PoolConfig) -> Self {
        let slots = Arc::new(Semaphore::new(config.max_workers));
        Self {
            inner: Arc::new(Inner {
                config,
                slots,
                idle: Mutex::default(),
            }),
        }
    }

    /// Starts a script in a worker, waiting for one when all are lent.
    pub async fn lend(&self, start: Start) -> Result<Session, SandboxError> {
        let permit = Arc::clone(&self.inner.slots)
            .acquire_owned()
            .await
            .map_err(|_| SandboxError::Closed)?;
        let worker = match self.take_idle() {
            Some(worker) => worker,
            None => self.spawn().await?,
        };
        self.lock().lent.push(permit);
        match Session::begin(worker, self.clone(), start).await {
            Ok(session) => Ok(session),
            Err(died) => {
                self.gone();
                Err(SandboxError::NotReady(died))
            }
        }
    }

    /// Has a worker ready before it is needed.
    pub async fn prewarm(&self) -> Result<(), SandboxError> {
        let worker = self.spawn().await?;
        self.keep(worker);
        Ok(())
    }

    fn take_idle(&self) -> Option<Worker> {
        // The one used last is the warmest; the others can age.
        self.lock().workers.pop_back()
    }

    async fn spawn(&self) -> Result<Worker, SandboxError> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = tokio::process::Command::new(&self.inner.config.exe)
            .arg("sandbox-worker")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut worker = Worker::new(child, tokio::net::UnixStream::from_std(ours)?);
        await_ready(&mut worker)
            .await
            .map_err(SandboxError::NotReady)?;
        Ok(worker)
    }

    /// Takes a worker back whose run has ended; it is kept when it readies itself for another.
    pub(super) fn take_back(&self, mut worker: Worker) {
        worker.runs += 1;
        if worker.runs >= self.inner.config.runs_per_worker {
            drop(worker);
            return self.gone();
        }
        let pool = self.clone();
        tokio::spawn(async move {
            if await_ready(&mut worker).await.is_ok() {
                pool.keep(worker);
            }
            pool.gone();
        });
    }

    /// A lent worker is lent no more.
    pub(super) fn gone(&self) {
        self.lock().lent.pop();
    }

    fn keep(&self, mut worker: Worker) {
        worker.idle_since = Instant::now();
        let mut idle = self.lock();
        idle.workers.push_back(worker);
        if !idle.reaping {
            idle.reaping = true;
            tokio::spawn(reap(Arc::downgrade(&self.inner)));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.inner
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn await_ready(worker: &mut Worker) -> Result<(), Died> {
    let frame = tokio::time::timeout(Duration::from_secs(10), worker.receive(READY_FRAME)).await;
    match frame {
        Ok(Ok(frame)) if matches!(frame.event, WorkerEvent::Ready) => Ok(()),
        Ok(Ok(_)) => Err(Died::Protocol("it spoke before it was ready".to_owned())),
        Ok(Err(died)) => Err(died),
        Err(_) => Err(Died::WallLimit),
    }
}

/// Ends workers that were idle for too long, until none is left.
async fn reap(pool: std::sync::Weak<Inner>) {
    loop {
        let wait = {
            let Some(inner) = pool.upgrade() else { return };
            let mut idle = inner.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let keep = inner.config.keep_idle;
            while idle
                .workers
                .front()
                .is_some_and(|w| w.idle_since.elapsed() >= keep)
            {
                idle.workers.pop_front();
            }
            match idle.workers.front() {
                Some(oldest) => keep.saturating_sub(oldest.idle_since.elapsed()),
                None => {
                    idle.reaping = false;
                    return;
                }
            }
        };
        tokio::time::sleep(wait + Duration::from_millis(10)).await;
    }
}
