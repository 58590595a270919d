//! `files`: in folders that the contract grants, and nowhere else. `place.rs` keeps every path
//! inside; `read.rs` and `search.rs` look; `write.rs` changes.

mod place;
mod read;
mod search;
mod write;

pub(super) use read::{List, Read, Stat};
pub(super) use search::Search;
pub(super) use write::{Append, Copy, Move, Trash, Write};

use super::{Resource, ResourceKind, ToolError};
use crate::intent::expand_home;
use deputy_protocol::FailureClass;
use std::io;

/// The absolute path that a script means.
fn absolute(tool: &str, path: &str) -> Result<String, ToolError> {
    expand_home(path).ok_or_else(|| {
        ToolError::invalid_input(
            tool,
            format!("“{path}” is not an absolute path (or one with ~/) without “..”"),
        )
    })
}

fn resource(tool: &str, path: &str) -> Result<Resource, ToolError> {
    Ok(Resource::new(ResourceKind::Folders, absolute(tool, path)?))
}

/// What a failure of the file system is.
fn failed(tool: &'static str, path: &str, error: &io::Error) -> ToolError {
    use io::ErrorKind as K;
    let (class, code) = match error.kind() {
        K::NotFound | K::NotADirectory => (FailureClass::Precondition, "not_found"),
        K::PermissionDenied | K::ReadOnlyFilesystem => {
            (FailureClass::Precondition, "not_permitted")
        }
        K::AlreadyExists => (FailureClass::Logic, "exists"),
        K::IsADirectory => (FailureClass::Logic, "is_a_folder"),
        K::StorageFull | K::QuotaExceeded => (FailureClass::Transient, "no_space"),
        K::Interrupted | K::WouldBlock | K::ResourceBusy => (FailureClass::Transient, "busy"),
        _ => (FailureClass::Unknown, "io"),
    };
    ToolError::not_done(
        class,
        code,
        tool,
        format!("{path}: {error}; the file was not changed"),
    )
}

/// Runs blocking work on files away from the runtime's threads.
async fn blocking<T: Send + 'static>(
    tool: &'static str,
    work: impl FnOnce() -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(ToolError::unknown(
            FailureClass::Unknown,
            "stopped",
            tool,
            "the work on the file was cut off",
        ))
    })
}

#[cfg(test)]
mod tests;
