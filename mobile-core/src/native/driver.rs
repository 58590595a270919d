//! Moves a machine: does its effects one after the other, and tells it what comes.

use super::files::Keeper;
use super::streams::{Input, Streams};
use crate::client::{Effect, Kept, Machine, Notice, Now};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How much that came may wait to be taken.
const WAITING: usize = 64;

/// The clocks of a driver.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Now {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            ticks: ms(self.0.elapsed()),
            unix_ms: unix.map_or(0, |since| i64::try_from(ms(since)).unwrap_or(i64::MAX)),
        }
    }

    fn at(self, ticks: u64) -> Instant {
        // Further away than any app lives.
        let ticks = ticks.min(u64::from(u32::MAX));
        self.0 + Duration::from_millis(ticks)
    }
}

/// Something to be done to the machine; what comes of it is said once its effects are done.
pub(super) type Call<M> = Box<dyn FnOnce(&mut M, Now) -> Said + Send>;

/// Says what came of a call.
pub(super) type Said = Box<dyn FnOnce() + Send>;

/// What a machine is moved with.
pub(super) struct Driver<'a> {
    pub(super) clock: Clock,
    pub(super) keeper: Option<&'a dyn Keeper>,
    pub(super) listener: &'a (dyn Fn(Notice) + Send + Sync),
}

impl Driver<'_> {
    /// Moves `machine` until `done` gives something, or nobody can call any more.
    pub(super) async fn run<M: Machine, T>(
        &self,
        machine: &mut M,
        mut calls: mpsc::UnboundedReceiver<Call<M>>,
        mut done: impl FnMut(&M) -> Option<T>,
    ) -> Option<T> {
        let (tell, mut inputs) = mpsc::channel(WAITING);
        let mut streams = Streams::new(tell);
        let mut said: Option<Said> = None;
        loop {
            while let Some(effect) = machine.next_effect() {
                self.apply(effect, &mut streams);
            }
            if let Some(said) = said.take() {
                said();
            }
            if let Some(done) = done(machine) {
                return Some(done);
            }
            let wake = machine.wake_at().unwrap_or(u64::MAX);
            tokio::select! {
                biased;
                call = calls.recv() => match call {
                    Some(call) => said = Some(call(machine, self.clock.now())),
                    None => return None,
                },
                Some(input) = inputs.recv() => self.hear(input, machine),
                () = sleep_until(self.clock.at(wake)) => machine.woken(self.clock.now()),
            }
        }
    }

    fn hear<M: Machine>(&self, input: Input, machine: &mut M) {
        let now = self.clock.now();
        match input {
            Input::Connected(attempt) => machine.connected(attempt, now),
            Input::Failed(attempt, refused, why) => machine.failed(attempt, refused, &why, now),
            Input::Received(attempt, bytes) => machine.received(attempt, &bytes, now),
            Input::Ended(attempt, code) => machine.ended(attempt, code, now),
        }
    }

    fn apply(&self, effect: Effect, streams: &mut Streams) {
        match effect {
            Effect::Dial {
                attempt,
                place,
                first,
            } => streams.dial(attempt, place, first),
            Effect::Send { attempt, bytes } => streams.send(attempt, bytes),
            Effect::Close { attempt } => streams.close(attempt),
            Effect::HangUp { attempt } => streams.hang_up(attempt),
            Effect::NetworkChanged => streams.network_changed(),
            Effect::Keep(what, sealed) => self.keep(what, &sealed),
            Effect::Tell(notice) => (self.listener)(notice),
        }
    }

    fn keep(&self, what: Kept, sealed: &[u8]) {
        if let Some(keeper) = self.keeper
            && let Err(error) = keeper.keep(what, sealed)
        {
            (self.listener)(Notice::NotKept(error.to_string()));
        }
    }
}
