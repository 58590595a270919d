//! Where an app keeps what outlives it, when that is not a directory.

use deputy_mobile_core::{client, native};
use std::io;
use std::sync::Arc;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum Kept {
    /// Commands that are not forgotten.
    Commands,
    /// The last answers, and the last event that was seen.
    Views,
}

/// Why something could not be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum KeeperError {
    /// The app says so.
    #[error("{why}")]
    Failed {
        /// Why.
        why: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeeperError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { why: error.reason }
    }
}

/// Keeps sealed bytes for the app: only the device's own key opens them. Called on threads of this
/// library; the client waits for it, since a command may only be sent once it is kept.
#[uniffi::export(with_foreign)]
pub trait Keeper: Send + Sync {
    /// Keeps these in place of what was there before; on disk when it returns. What it throws is told
    /// as `Notice.NotKept`.
    fn keep(&self, what: Kept, sealed: Vec<u8>) -> Result<(), KeeperError>;

    /// What is kept; nothing when there is nothing.
    fn kept(&self, what: Kept) -> Result<Option<Vec<u8>>, KeeperError>;
}

impl From<client::Kept> for Kept {
    fn from(what: client::Kept) -> Self {
        match what {
            client::Kept::Commands => Self::Commands,
            client::Kept::Views => Self::Views,
        }
    }
}

/// The app's keeper as the client wants it.
pub(crate) struct Foreign(pub(crate) Arc<dyn Keeper>);

impl native::Keeper for Foreign {
    fn keep(&self, what: client::Kept, sealed: &[u8]) -> io::Result<()> {
        let sealed = sealed.to_vec();
        // On the client's task, of which the others on this thread are to know nothing.
        let kept = tokio::task::block_in_place(|| self.0.keep(what.into(), sealed));
        kept.map_err(io::Error::other)
    }

    fn kept(&self, what: client::Kept) -> io::Result<Option<Vec<u8>>> {
        self.0.kept(what.into()).map_err(io::Error::other)
    }
}
