//! Bytes in, bytes out: QUIC, WebTransport and WebSocket behind one pair of types.
//!
//! `quic.rs` accepts QUIC connections (and, by their ALPN, WebTransport sessions) on the UDP port,
//! `websocket.rs` accepts WebSockets on the TCP port of the same number, `stream.rs` is one stream
//! of any of them.

pub(crate) mod quic;
mod stream;
pub(crate) mod websocket;

pub(crate) use stream::{Broken, Duplex, Sink, Source};

/// What carries a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Carrier {
    Quic,
    WebTransport,
    WebSocket,
}

impl Carrier {
    pub(crate) const ALL: [Self; 3] = [Self::Quic, Self::WebTransport, Self::WebSocket];

    /// For metrics and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::WebTransport => "webtransport",
            Self::WebSocket => "websocket",
        }
    }
}
