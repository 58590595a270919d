//! What every client of an agent has in common: pairing, sessions, questions and events. Control
//! only: it has no words for editing a script or reading a secret.
//!
//! `client` is all of it without sockets and clocks; `native` brings these, for every platform but
//! browsers; `device.rs` is what a device keeps; `session.rs` is one session for one question, as the
//! command line's `deputy remote` has it. The crates `web` and `ffi` beside this one hand it to browsers
//! and to phones.

pub mod client;
mod device;
#[cfg(feature = "native")]
pub mod native;
#[cfg(feature = "native")]
mod session;

pub use device::PairedDevice;
#[cfg(feature = "native")]
pub use session::{ClientError, RemoteAgent};

/// What this side calls itself.
pub(crate) fn software() -> String {
    concat!("deputy/", env!("CARGO_PKG_VERSION")).to_owned()
}
