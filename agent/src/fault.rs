//! Fault points: named places at which a test build can kill the process, so that a test can
//! enumerate every write of the journal instead of guessing. Compiled to nothing otherwise.
//!
//! `DEPUTY_FAULT_COUNT=FILE` writes the number of points passed so far into FILE;
//! `DEPUTY_FAULT_KILL=N` kills the process with SIGKILL at the N-th point passed, and
//! `DEPUTY_FAULT_KILL=NAME` the first time that the point of that name is passed: which number a
//! point has may differ from start to start.

/// Passes the point `name`.
#[cfg(not(feature = "fault-points"))]
#[inline(always)]
pub fn point(_name: &'static str) {}

/// Passes the point `name`: counts it, and dies here when it is the chosen one.
#[cfg(feature = "fault-points")]
pub fn point(name: &'static str) {
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static PASSED: AtomicU64 = AtomicU64::new(0);
    static KILL_AT: OnceLock<Option<String>> = OnceLock::new();
    static COUNT: OnceLock<Option<std::sync::Mutex<std::fs::File>>> = OnceLock::new();

    let kill_at = KILL_AT.get_or_init(|| std::env::var("DEPUTY_FAULT_KILL").ok());
    let count = COUNT.get_or_init(|| {
        let path = std::env::var_os("DEPUTY_FAULT_COUNT")?;
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .ok()
            .map(std::sync::Mutex::new)
    });
    let n = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(file) = count
        && let Ok(mut file) = file.lock()
    {
        // A lost line of a test's count is seen by the test itself.
        let _ = file.write_all(format!("{n} {name}\n").as_bytes());
    }
    if { kill_at.as_ref() }.is_some_and(|at| at == name || at.parse() == Ok(n)) {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
