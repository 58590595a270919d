//! The one error that crosses the control boundary.

use serde::{Deserialize, Serialize};

/// What a client is told when a request fails: a stable code for programs, a sentence for people
/// (what happened and what it means for their data) and a hint (what to do next).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorBody {
    /// Stable, snake_case, e.g. `not_found`, `contract_invalid`.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What to do next; empty when there is nothing to do.
    #[serde(default)]
    pub hint: String,
}

impl ErrorBody {
    /// An error with code, message and hint.
    pub fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }
}
