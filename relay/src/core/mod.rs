//! What the relay decides, without sockets, clock or randomness.
//!
//! `greeting.rs` answers a hello, `routes.rs` knows who holds which route and which streams belong
//! to it, `limits.rs` counts how much an address or a route asks for.

pub(crate) mod greeting;
pub(crate) mod limits;
pub(crate) mod routes;
