//! Scripts run here: in confined worker processes of this same binary, one run at a time in a
//! fresh QuickJS runtime, speaking to the executor over one socket and to nothing else.
//!
//! `frames.rs` is the language of that socket; `pool.rs` (host side) starts, lends, recycles and
//! kills workers, `session.rs` speaks with one; `worker/` is what runs inside: `runtime.rs` the
//! engine, `prelude.js` the script API, `host.rs` what the prelude calls, `memory.rs` and
//! `depth.rs` the limits of heap and stack, `confine.rs` what the process gives up before the first script.

mod frames;
#[cfg(test)]
mod hostile_frames;
mod pool;
mod session;
pub mod worker;

pub use frames::*;
pub use pool::{Pool, PoolConfig, SandboxError};
pub use session::{Died, Session};

use crate::tools::ToolError;

/// The tools that run inside the worker.
pub trait PureTools {
    /// `namespace.operation` of each.
    fn names(&self) -> Vec<&'static str>;
    /// Runs one over JSON text.
    fn call(&self, name: &str, args: &str) -> Result<String, ToolError>;
}

impl PureTools for crate::tools::Registry {
    fn names(&self) -> Vec<&'static str> {
        self.entries()
            .filter(|e| e.kind == crate::tools::Kind::Pure)
            .map(|e| e.name)
            .collect()
    }

    fn call(&self, name: &str, args: &str) -> Result<String, ToolError> {
        match self.get(name) {
            Some(entry) => entry.run_pure(args),
            None => Err(ToolError::invalid_input(name, "there is no such tool")),
        }
    }
}
