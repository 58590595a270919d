//! Waiting for a condition: no test sleeps in the hope that something has happened by then.

use std::time::{Duration, Instant};

/// How long a test waits for what must happen, on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until `condition` gives something, and returns it; fails the test when that takes longer
/// than [`PATIENCE`]. `what` is said then.
pub fn wait_until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    wait_up_to(PATIENCE, what, condition)
}

/// The same with another patience, for what takes its time by design.
pub fn wait_up_to<T>(
    patience: Duration,
    what: &str,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {patience:?} in vain for this: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
