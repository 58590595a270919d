//! The relay: public, untrusted, without memory. It joins a client's stream with an agent's and
//! looks at nothing. Nothing is ever written to disk, unless the operator names a folder in which to
//! keep a certificate.
//!
//! `core/` decides, without sockets or clock; `carriers/` moves bytes; `links/` runs the link
//! protocol; `splice.rs` joins two streams; `hub/` is what all connections share. `tls.rs` holds
//! the certificate, `acme/` gets one from an authority, `admin.rs` health and metrics, `page.rs` the web client's page. Chapter 14 says how a relay is run,
//! `docs/wire/link.md` what it speaks.

#[cfg(feature = "acme")]
mod acme;
mod admin;
mod carriers;
#[cfg(feature = "cluster")]
mod cluster;
mod config;
mod core;
mod error;
#[cfg(any(feature = "acme", feature = "push"))]
mod http;
mod hub;
mod links;
mod metrics;
mod page;
#[cfg(feature = "push")]
mod push;
mod relay;
mod splice;
mod tls;

#[cfg(feature = "acme")]
pub use acme::{Acme, Pace, Steps};
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
