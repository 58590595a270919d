//! What every client of an agent has in common: pairing, sessions, questions and events. Control
//! only: it has no words for editing a script or reading a secret.
//!
//! `pair.rs` makes a device known; `device.rs` is what a device keeps; `session.rs` asks and listens.
//! So far it is for native clients (the command line's `deputy remote`); bindings for phones and
//! browsers are not built yet.

pub mod client;
mod device;
mod pair;
mod session;

pub use device::PairedDevice;
pub use pair::{Comparing, pair};
pub use session::{ClientError, RemoteAgent};

/// What this side calls itself.
pub(crate) fn software() -> String {
    concat!("deputy/", env!("CARGO_PKG_VERSION")).to_owned()
}
