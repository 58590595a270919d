//! Pairing: the link that an agent shows, what is derived from it, and the phrase on both screens.
//!
//! `link.rs` is the link, `phrase.rs` the phrase.

mod link;
mod phrase;

pub use link::{LinkError, PairingLink, PairingSecret, RelayPlace};
pub use phrase::phrase;
