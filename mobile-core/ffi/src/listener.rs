//! How an app is told what happens. Between the client and the app is a queue: a listener that is
//! slow, throws or never returns holds up nobody but itself.

use crate::chat::Event;
use crate::commands::Command;
use crate::line::LineState;
use crate::questions::Question;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;

/// How many notices wait for a slow listener.
const MOST: usize = 4_096;

/// What the app is told.
#[derive(Clone, Debug, PartialEq, uniffi::Enum)]
pub enum Notice {
    /// It stands differently with the agent.
    LineChanged {
        /// How.
        line: LineState,
    },
    /// Something happened at the agent. In order, each once for as long as the app runs.
    Happened {
        /// What.
        event: Event,
    },
    /// A watched view has another answer: `Agent.view`.
    ViewChanged {
        /// Which.
        question: Question,
    },
    /// A command was taken, sent or answered.
    CommandChanged {
        /// As it is now.
        command: Command,
    },
    /// A command is not remembered any more.
    CommandForgotten {
        /// Its id.
        id: String,
    },
    /// Something could not be kept, or what was kept is of no use. Commands may be lost when the app
    /// ends.
    NotKept {
        /// Why.
        text: String,
    },
    /// The device is another from now on: its relays have changed. To be kept in place of
    /// `Paired`'s.
    DeviceChanged {
        /// What `Agent.open` takes the next time.
        device: Vec<u8>,
    },
    /// The listener was so slow that these many notices were left out: look at the line, the commands,
    /// the views and `Agent.device` anew.
    Missed {
        /// How many.
        count: u64,
    },
}

/// Whatever a listener throws; nobody looks at it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// Something went wrong in the app.
    #[error("{why}")]
    Failed {
        /// What.
        why: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { why: error.reason }
    }
}

/// Is told what happens: one notice after the other, in order, on a thread of this library that may
/// be another each time. It should hand them to the app's own thread. What it throws is let go, and
/// the next notice follows. It must not hold the `Agent` other than weakly, or neither is
/// ever freed.
#[uniffi::export(with_foreign)]
pub trait Listener: Send + Sync {
    /// Something is different.
    fn told(&self, notice: Notice) -> Result<(), ListenerError>;
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Notice>,
    missed: u64,
    is_telling: bool,
    is_closed: bool,
}

/// What waits to be told.
pub(crate) struct Queue {
    state: Mutex<State>,
    listener: Arc<dyn Listener>,
    runtime: Handle,
}

impl Queue {
    pub(crate) fn new(listener: Arc<dyn Listener>, runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            listener,
            runtime,
        })
    }

    /// Tells, soon, without waiting.
    pub(crate) fn push(self: &Arc<Self>, notice: Notice) {
        let mut state = self.state();
        if state.is_closed {
            return;
        }
        // In order: behind what was left out, nothing comes before that is said.
        if state.missed > 0 || state.waiting.len() >= MOST {
            state.missed += 1;
        } else {
            state.waiting.push_back(notice);
        }
        if !state.is_telling {
            state.is_telling = true;
            let queue = Arc::clone(self);
            self.runtime.spawn_blocking(move || queue.tell());
        }
    }

    /// Nothing more is told, but for a call that is under way.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.missed = 0;
        state.waiting.clear();
    }

    fn tell(&self) {
        while let Some(notice) = self.next() {
            // What goes wrong in an app is the app's.
            let _ = catch_unwind(AssertUnwindSafe(|| self.listener.told(notice)));
        }
    }

    fn next(&self) -> Option<Notice> {
        let mut state = self.state();
        if let Some(notice) = state.waiting.pop_front() {
            return Some(notice);
        }
        match std::mem::take(&mut state.missed) {
            0 => {
                state.is_telling = false;
                None
            }
            count => Some(Notice::Missed { count }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
