//! The relay: public, untrusted, without memory. It joins a client's stream with an agent's and
//! looks at nothing. Nothing is ever written to disk.
//!
//! `core/` decides, without sockets or clock; `carriers/` moves bytes; `links/` runs the link
//! protocol; `splice.rs` joins two streams; `hub/` is what all connections share. `tls.rs` holds
//! the certificate, `admin.rs` health and metrics, `page.rs` the web client's page. Chapter 14 says how a relay is run,
//! `docs/wire/link.md` what it speaks.

mod admin;
mod carriers;
#[cfg(feature = "cluster")]
mod cluster;
mod config;
mod core;
mod error;
mod hub;
mod links;
mod metrics;
mod page;
#[cfg(feature = "push")]
mod push;
mod relay;
mod splice;
mod tls;

#[cfg(feature = "cluster")]
pub use config::Cluster;
pub use config::{CertificateSource, Config, Limits, Timeouts};
pub use core::greeting::Access;
pub use core::limits::{AddressLimits, Rate};
pub use core::routes::RouteLimits;
pub use error::RelayError;
#[cfg(feature = "push")]
pub use push::{Apns, Fcm, PushConfig};
pub use relay::Relay;
