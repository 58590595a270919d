//! What a paired device can ask for: a part of the control protocol that has nothing that edits a
//! script, installs one, reads or sets a secret, or changes what the agent itself may do.
//!
//! `ask.rs` is the list, with the right that each needs; `frame.rs` is how questions, answers and
//! events travel in a session.

mod ask;
mod frame;

pub use ask::{Ask, Right, Rights};
pub use frame::{Down, Up};
