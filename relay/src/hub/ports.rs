//! What the hub reaches others by: agents, the other relays of its name, the push services.

use deputy_protocol::link::{Incoming, Message, Push, Pushed, Refusal, RouteId};
use std::pin::Pin;
use tokio::sync::mpsc;

/// How the relay reaches an agent.
#[derive(Clone)]
pub(crate) struct Port {
    /// For the control channel.
    pub(crate) tell: mpsc::Sender<Notice>,
    pub(crate) streams: Streams,
}

/// How a stream to an agent comes about.
#[derive(Clone)]
pub(crate) enum Streams {
    /// The relay opens it.
    Quic(quinn::Connection),
    /// The agent brings it, when it is told.
    Fetched,
}

/// What a control channel has to pass on.
pub(crate) enum Notice {
    Displaced(Vec<RouteId>),
    Incoming(Box<Incoming>),
    Pushed(Box<Message>),
}

/// The other relays of the same name.
pub(crate) trait Others: Send + Sync {
    /// Where a route is held, as `host:port`; `None` when nobody says so in time.
    fn find(&self, route: RouteId) -> Pin<Box<dyn Future<Output = Option<String>> + Send + '_>>;
    /// These routes are held here from now on.
    fn took(&self, routes: &[RouteId]);
    /// Their owner revoked these routes.
    fn revoked(&self, routes: &[RouteId]);
    /// Whether one of these names is being checked by an authority for another relay.
    #[cfg_attr(not(feature = "acme"), allow(dead_code))]
    fn at_it<'a>(&'a self, names: &'a [String]) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
    /// The token of the check of this name that is under way for another relay.
    #[cfg_attr(not(feature = "acme"), allow(dead_code))]
    fn token<'a>(
        &'a self,
        name: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>>;
}

/// The push services.
pub(crate) trait Pusher: Send + Sync {
    /// Hands an envelope over, and gives what the service said.
    fn push<'a>(
        &'a self,
        push: &'a Push,
    ) -> Pin<Box<dyn Future<Output = Result<Pushed, Refusal>> + Send + 'a>>;
}
