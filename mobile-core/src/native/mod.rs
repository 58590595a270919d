//! The client with sockets, clocks and files, for every platform but browsers.
//!
//! `driver.rs` moves a machine of [`crate::client`]; `streams.rs` dials relays and carries bytes;
//! `files.rs` keeps what is to be kept; `agent.rs` is what an app holds.

mod agent;
mod driver;
mod files;
mod pair;
mod streams;

pub use agent::{AgentHandle, AskError, Listener};
pub use files::{Files, Keeper};
pub use pair::{Comparing, pair};
