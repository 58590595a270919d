//! The executor: runs a script version for an input, step by step, so that no effect ever happens
//! twice and none is silently lost (execution semantics).
//!
//! Read in this order: `matcher.rs` (pure: how a journal answers the calls of a new attempt),
//! `recall.rs` (pure: how it answers another script, by content),
//! `ending.rs` (pure: what a run becomes after an attempt), `keys.rs` (pure: effect keys),
//! `intend.rs` (the transaction before an effect), `calls.rs` (one call's way to the outside),
//! `aside.rs` (money for calls under way), `lanes.rs` (how many go through a connection at a time), `dispatch.rs` (which way a call goes),
//! `local.rs` (to the agent's own database), `ctx_calls.rs` (to the run itself), `landing.rs` (what comes
//! of it), `attempt.rs` (the loop between worker and calls), `finish.rs` (the transaction after an attempt), `recover.rs` and `restored.rs` (what is done at start), `answers.rs` (what a person's answer does),
//! `rehearse.rs`, `dry_run.rs`, `replay.rs`, `fixture.rs` and `examine.rs` (which execute nothing), `ask.rs`
//! (what a person is asked about a run that failed).

mod answers;
mod aside;
mod ask;
mod attempt;
mod calls;
mod ctx_calls;
mod dispatch;
mod dry_run;
mod ending;
mod examine;
mod finish;
mod fixture;
mod intend;
mod keys;
mod landing;
mod lanes;
mod local;
mod matcher;
mod program;
mod recall;
mod recover;
mod rehearse;
mod replay;
mod restored;

pub use answers::{Resumed, Under, answer, cancel_all_idle, cancel_idle, resume_anew};
pub use ask::fail_waiting;
pub use attempt::{AttemptReport, RunContext};
pub(crate) use ctx_calls::MOST_EMITTED;
pub use dry_run::{dry_run, dry_run_within};
pub use examine::{Examined, Recorded, examine, recorded};
pub use finish::{open_need, pause_automation, resume_automation};
pub use fixture::replay_fixture;
pub(crate) use intend::DENIED_SETTING;
pub use lanes::Lanes;
pub use program::{Program, Programs};
pub use recover::{give_back, recover};
pub use rehearse::{DryRun, Of, RecordedStep, Rehearsal, Within};
pub use replay::{Replayed, replay};
pub use restored::hold_what_was_restored;

use crate::clock::SharedClock;
use crate::observe::Redactor;
use crate::sandbox::Pool;
use crate::store::Store;
use crate::tools::{OutsideEnv, Registry};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything a run needs from the rest of the agent.
#[derive(Clone)]
pub struct Executor {
    pub(crate) parts: Arc<Parts>,
}

/// The parts that the executor is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// Where scripts run.
    pub pool: Pool,
    /// The tools.
    pub registry: &'static Registry,
    /// What tools outside work with.
    pub env: OutsideEnv,
    /// The clock.
    pub clock: SharedClock,
    /// The one redactor.
    pub redactor: Arc<Redactor>,
    /// Contracts and scripts, parsed.
    pub programs: Programs,
    /// Unique for this data directory; part of every effect id.
    pub installation: String,
    /// Set when the agent stops: attempts end where they are and resume at the next start.
    pub stopping: CancellationToken,
    /// Where new work is announced.
    pub arrivals: Arrivals,
    /// How many calls go through a connection at a time.
    pub lanes: Lanes,
    /// Conversations with web clients, which are over before the agent is.
    pub conversations: TaskTracker,
    /// What can be cancelled.
    pub cancels: Mutex<HashMap<i64, CancellationToken>>,
}

/// What the scheduler is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An automation may have work: a new item, or a run that can go on.
    Work(i64),
    /// Triggers or wake-up times have changed.
    Times,
}

/// Tells the scheduler, and who watches folders, that there is something to look at.
#[derive(Clone, Debug)]
pub struct Arrivals {
    notices: tokio::sync::mpsc::UnboundedSender<Notice>,
    triggers: tokio::sync::watch::Sender<u64>,
    repairs: tokio::sync::watch::Sender<u64>,
}

impl Arrivals {
    /// Tells a scheduler that reads these notices.
    pub fn new(notices: tokio::sync::mpsc::UnboundedSender<Notice>) -> Self {
        let (triggers, _) = tokio::sync::watch::channel(0);
        let (repairs, _) = tokio::sync::watch::channel(0);
        Self {
            notices,
            triggers,
            repairs,
        }
    }

    /// An automation may have work.
    pub fn announce(&self, automation: i64) {
        self.tell(Notice::Work(automation));
    }

    /// Triggers or wake-up times have changed.
    pub fn times_changed(&self) {
        self.tell(Notice::Times);
        self.triggers.send_modify(|n| *n += 1);
        self.repairs_changed();
    }

    /// There may be something to repair.
    pub fn repairs_changed(&self) {
        self.repairs.send_modify(|n| *n += 1);
    }

    /// Changes whenever there may be something to repair.
    pub fn repairs(&self) -> tokio::sync::watch::Receiver<u64> {
        self.repairs.subscribe()
    }

    /// Changes whenever triggers may have.
    pub fn triggers(&self) -> tokio::sync::watch::Receiver<u64> {
        self.triggers.subscribe()
    }

    fn tell(&self, notice: Notice) {
        // Without a scheduler the agent is stopping; what was written is found at the next start.
        let _ = self.notices.send(notice);
    }
}

impl Executor {
    /// An executor of these parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    /// Asks a run's attempt to end, if one is under way. Effects already on their way are awaited
    /// and recorded first.
    pub fn cancel(&self, run: i64) {
        let cancels = self
            .parts
            .cancels
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = cancels.get(&run) {
            token.cancel();
        }
    }
}
