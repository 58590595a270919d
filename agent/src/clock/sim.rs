//! A clock for tests: time moves only when a test moves it.

use super::{BoxFuture, Clock};
use deputy_protocol::Time;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// A clock that a test sets. Clones share the time.
#[derive(Clone)]
pub struct SimClock {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    moved: Notify,
    waiting: Notify,
}

struct State {
    now: Time,
    /// How many wait for each time.
    waiters: BTreeMap<Time, usize>,
}

impl SimClock {
    /// A clock that reads `start`.
    pub fn new(start: Time) -> Self {
        let state = State {
            now: start,
            waiters: BTreeMap::new(),
        };
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                moved: Notify::new(),
                waiting: Notify::new(),
            }),
        }
    }

    /// Moves time on.
    pub fn advance(&self, ms: i64) {
        let now = self.now().plus_ms(ms);
        self.set(now);
    }

    /// Sets the time, forwards or backwards, and wakes all who wait, as a real set does.
    pub fn set(&self, now: Time) {
        self.lock().now = now;
        self.inner.moved.notify_waiters();
    }

    /// The earliest time that somebody waits for.
    pub fn next_deadline(&self) -> Option<Time> {
        self.lock().waiters.keys().next().copied()
    }

    /// Resolves when somebody waits for a time after now.
    pub async fn wait_for_waiter(&self) -> Time {
        loop {
            let waiting = self.inner.waiting.notified();
            if let Some(at) = self.next_deadline().filter(|at| *at > self.now()) {
                return at;
            }
            waiting.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a waiter off the list, also when its future is dropped.
struct Waiting<'a> {
    clock: &'a SimClock,
    at: Time,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.clock.lock();
        if let Some(count) = state.waiters.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                state.waiters.remove(&self.at);
                // Who looks for a waiter may have seen only this one, whose time had come.
                self.clock.inner.waiting.notify_waiters();
            }
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Time {
        self.lock().now
    }

    fn until(&self, at: Time, seen: Time) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let moved = self.inner.moved.notified();
            {
                let mut state = self.lock();
                if state.now >= at || state.now < seen {
                    return;
                }
                *state.waiters.entry(at).or_insert(0) += 1;
            }
            let _waiting = Waiting { clock: self, at };
            self.inner.waiting.notify_waiters();
            moved.await;
        })
    }
}
