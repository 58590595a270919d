//! The one clock. Nothing else in the agent asks for the time or waits for it, so tests can live
//! through years in seconds.

mod sim;
mod system;

pub use sim::SimClock;
pub use system::SystemClock;

use deputy_protocol::Time;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Wall-clock time and waiting.
pub trait Clock: Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> Time;

    /// Resolves when the wall clock reads `at` or later, *or* when it was set (jumped) meanwhile,
    /// so callers look at `now` again and decide afresh. `seen` is what the clock read when the
    /// caller decided: one that reads earlier by now was set before the waiting began, and a caller
    /// that slept on would sleep until a time that has become hours away.
    fn until(&self, at: Time, seen: Time) -> BoxFuture<'_, ()>;
}

/// A clock that can be shared between rooms.
pub type SharedClock = Arc<dyn Clock>;
