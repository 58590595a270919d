//! The link to a relay, for agents and native clients.
//!
//! `agent.rs` keeps an agent registered, whatever happens to the network; `dial.rs` is how a client
//! reaches an agent. Both find a carrier by `connect.rs`: QUIC (`quic.rs`), or WebSocket
//! (`websocket.rs`, `pipe.rs`) where UDP is blocked. What they give is a [`LinkStream`], a stream of
//! bytes between client and agent that the relay carries but does not understand.
//!
//! `page.rs` is how agents and relays serve the web client's page.
//!
//! The messages are `deputy_protocol::link`; the specification is `docs/wire/link.md`.
//!
//! ```no_run
//! use deputy_link::*;
//! use deputy_protocol::link::{RouteSecret, Salt};
//!
//! # async fn both_ends(key: [u8; 32], salt: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! // The agent: one link for each relay, a salt for each device.
//! let secret = RouteSecret::from_bytes(key);
//! let relay: RelayAddress = "relay.example.org".parse()?;
//! let config = AgentConfig {
//!     relay: relay.clone(),
//!     trust: Trust::System,
//!     carriers: CarrierChoice::Any,
//!     access_token: None,
//!     secret: secret.clone(),
//!     software: "deputy/0.1.0".into(),
//! };
//! let (link, mut arrivals) = AgentLink::start(config, vec![Salt(salt)]);
//! tokio::spawn(async move {
//!     while let Some(Arrival { route: _, stream: _ }) = arrivals.recv().await {
//!         // Run the session's responder on the stream.
//!     }
//! });
//!
//! // The client: knows the relay and the route.
//! let dialler = Dialler::new(DialConfig {
//!     trust: Trust::System,
//!     carriers: CarrierChoice::Any,
//!     access_token: None,
//!     software: "deputy/0.1.0".into(),
//! });
//! let _stream = dialler.dial(&relay, secret.route(&Salt(salt))).await?;
//!
//! // A device is revoked: its route is gone at the relay, and its streams are cut.
//! link.remove(Salt(salt)).await;
//! # Ok(())
//! # }
//! ```

mod address;
mod agent;
mod connect;
mod dial;
mod error;
mod io;
pub mod page;
pub mod pipe;
mod quic;
mod session;
mod stream;
mod trust;
mod websocket;

pub use address::{BadAddress, RelayAddress};
pub use agent::{AgentConfig, AgentLink, Arrival, Status};
pub use connect::{Carrier, CarrierChoice};
pub use dial::{DialConfig, Dialler};
pub use error::LinkError;
pub use io::{read_message, write_message};
pub use stream::{LinkReader, LinkStream, LinkWriter, accept_key, closed_with};
pub use trust::{Trust, certificate_hash};
pub use websocket::Duplex;
