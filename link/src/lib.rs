//! The link to a relay, for agents and native clients.
//!
//! `agent.rs` keeps an agent registered, whatever happens to the network; `dial.rs` is how a client
//! reaches an agent. Both find a carrier by `connect.rs`: QUIC (`quic.rs`), or WebSocket
//! (`websocket.rs`, `pipe.rs`) where UDP is blocked. What they give is a [`LinkStream`], a stream of
//! bytes between client and agent that the relay carries but does not understand.
//!
//! The messages are `deputy_protocol::link`; the specification is `docs/wire/link.md`.

mod address;
mod agent;
mod connect;
mod dial;
mod error;
mod io;
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
pub use stream::{LinkReader, LinkStream, LinkWriter, closed_with};
pub use trust::{Trust, certificate_hash};
