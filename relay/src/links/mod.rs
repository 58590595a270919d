//! What the relay does on a link, once a carrier has brought it.
//!
//! `greeting.rs` reads the hello and answers it, `agent.rs` runs an agent's control channel,
//! `client.rs` takes a client's dials.

pub(crate) mod agent;
pub(crate) mod client;
mod control;
mod greeting;

pub(crate) use greeting::{Greeted, first_message, greet};
