//! The threads of all objects here.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Enough: what they do is to wait.
const THREADS: usize = 2;

/// How long a thread that told a listener something waits for more to tell.
const LINGER: Duration = Duration::from_secs(2);

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The one runtime, from its first use to the app's end.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("deputy")
        .thread_keep_alive(LINGER)
        .enable_all()
        .build()?;
    // Of two that were made at once, one is let go.
    Ok(RUNTIME.get_or_init(|| made))
}
