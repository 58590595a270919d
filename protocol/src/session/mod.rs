//! Sessions: what a device and its agent say to one another, sealed from end to end by Noise. Sans
//! I/O: bytes in, bytes out, over any stream of bytes, a relay's or another.
//!
//! `key.rs` is a static key; `opening.rs` the bytes before the handshake, in the clear, which choose
//! version and kind; `handshake.rs` the two handshakes (a device that is known, and one that pairs);
//! `transport.rs` messages of any length over Noise messages, with rekeying and a clean end.
//! The specification is `docs/wire/session.md`.

mod handshake;
mod key;
mod opening;
#[cfg(test)]
mod tests;
mod transport;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod vectors;

pub use handshake::{Initiator, Introduced, Kind, MAX_HANDSHAKE, Responder};
pub use key::{PublicKey, StaticKey};
pub use opening::{Opened, Opening, VERSIONS};
pub use transport::{Received, Session};

/// The largest body of one message, in bytes.
pub const MAX_BODY: usize = 16 << 20;

/// The largest Noise message, in bytes (Noise, section 3).
pub const MAX_NOISE: usize = 65_535;

/// Why a session is over, or never began.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The other side does not speak this protocol.
    #[error("the other side does not speak Deputy's protocol")]
    NotDeputy,
    /// No version in common.
    #[error("{}", version_words(.theirs))]
    Version {
        /// The versions that the other side speaks.
        theirs: Vec<u8>,
    },
    /// A handshake message is not what it must be: another key, another secret, or changed bytes.
    #[error(
        "the handshake failed: the other side is not who it should be, or what it sent was changed on the way"
    )]
    Handshake,
    /// A message could not be opened: it was changed, repeated, left out or put in another place.
    #[error("a message was changed, repeated or left out on the way; the session is over")]
    Tampered,
    /// The stream ended without the other side having said goodbye.
    #[error("the connection broke off")]
    CutOff,
    /// A message is longer than is taken.
    #[error("a message is longer than {MAX_BODY} bytes")]
    TooLong,
    /// Something that does not follow the specification.
    #[error("the other side does not keep to the protocol: {0}")]
    Protocol(&'static str),
}

fn version_words(theirs: &[u8]) -> String {
    let newest = theirs.iter().max().copied().unwrap_or(0);
    let ours = VERSIONS.iter().max().copied().unwrap_or(0);
    if newest > ours {
        "the other side is newer: update Deputy here".to_owned()
    } else {
        "the other side is older: update Deputy there".to_owned()
    }
}
