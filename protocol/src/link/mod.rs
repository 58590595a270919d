//! The link: what agents and clients say to a relay, without sockets, clock or randomness.
//!
//! `message.rs` is every message, `frame.rs` puts them on a stream of bytes, `negotiate.rs` finds a
//! version both sides speak, `route.rs` derives the names under which devices reach an agent,
//! `proof.rs` shows a relay that an agent owns its routes, `refusal.rs` is every way to say no.
//! `docs/wire/link.md` is the specification.

mod bytes;
mod frame;
mod message;
mod negotiate;
mod proof;
mod refusal;
mod route;

pub use bytes::BadBytes;
pub use frame::{Decoder, FrameError, LENGTH_BYTES, MAX_FIRST_FRAME, MAX_FRAME, decode, encode};
pub use message::{
    Accept, Challenge, Connected, Decline, Dial, Displaced, GoingAway, Hello, Incoming, Limits,
    Message, Provider, Push, Pushed, Register, Registered, Role, Unregister, Unregistered, Welcome,
};
pub use negotiate::{common_features, common_version};
pub use proof::{Binding, ChallengeSecret, Nonce, Proof, ProofError, RegisterTerms};
pub use refusal::{CloseCode, Refusal, RefusalCode};
pub use route::{RouteId, RouteKey, RouteSecret, Salt};

/// The application protocol that a QUIC carrier names in its TLS handshake (ALPN).
pub const ALPN: &[u8] = b"deputy/1";

/// The versions of the link protocol that this build speaks, newest first.
pub const VERSIONS: &[u32] = &[1];

/// Where a WebSocket or a WebTransport session is asked for.
pub const PATH: &str = "/deputy/link";

/// The label under which both ends export the channel binding from TLS 1.3 (RFC 8446, 7.5; empty
/// context, 32 bytes).
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-deputy-link-1";
