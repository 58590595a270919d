//! What can go wrong on the way to a relay and through it.

use deputy_protocol::link::{CloseCode, Refusal};

/// Why there is no link, or no stream.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No carrier reached the relay. Worth trying again.
    #[error("The relay {relay} cannot be reached, so nothing was sent. {reasons}")]
    Unreachable {
        /// The relay's address.
        relay: String,
        /// What each carrier ran into.
        reasons: String,
    },
    /// The relay, or the agent behind it, said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The link ended.
    #[error("The connection to the relay ended: {0}")]
    Ended(String),
    /// The other side does not follow the protocol.
    #[error("The other side does not speak Deputy's link protocol: {0}")]
    Protocol(String),
    /// This side's configuration cannot work.
    #[error("The link cannot be set up: {0}")]
    Setup(String),
}

impl LinkError {
    /// The link ended with one of the protocol's codes.
    pub(crate) fn closed(code: u64) -> Self {
        match CloseCode::from_number(code) {
            Some(code) => Self::Ended(code.sentence().to_owned()),
            None => Self::Ended(format!("code {code}")),
        }
    }
}

impl From<quinn::ConnectionError> for LinkError {
    fn from(error: quinn::ConnectionError) -> Self {
        match error {
            quinn::ConnectionError::ApplicationClosed(close) => {
                Self::closed(close.error_code.into_inner())
            }
            other => Self::Ended(other.to_string()),
        }
    }
}
