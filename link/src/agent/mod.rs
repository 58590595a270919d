//! Keeps an agent registered at a relay, whatever happens to the network.
//!
//! [`AgentLink`] is the handle; `keeper.rs` connects again and again; `live.rs` runs one link while
//! it lasts, `arrivals.rs` takes what is dialled, `routes.rs` knows what can be; `backoff.rs` says
//! how long to wait in between.

mod arrivals;
mod backoff;
mod keeper;
mod live;
mod routes;

use crate::address::RelayAddress;
use crate::connect::{Carrier, CarrierChoice};
use crate::error::LinkError;
use crate::stream::LinkStream;
use crate::trust::Trust;
use deputy_protocol::link::{Push, Pushed, Refusal, RouteId, RouteKey, RouteSecret, Salt};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// How an agent links to one relay.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Where the relay is.
    pub relay: RelayAddress,
    /// Whom it believes to be the relay.
    pub trust: Trust,
    /// Which carriers it may use.
    pub carriers: CarrierChoice,
    /// For private relays.
    pub access_token: Option<String>,
    /// The agent's key for this relay; all its routes there are derived from it.
    pub secret: RouteSecret,
    /// Name and version of the agent, for the relay's count of versions.
    pub software: String,
}

/// Somebody dialled one of the agent's routes. The relay does not know who, and neither does this:
/// the session on top finds out.
pub struct Arrival {
    /// The route that was dialled.
    pub route: RouteId,
    /// The stream to whoever dialled.
    pub stream: LinkStream,
}

/// How the link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not linked; trying by itself.
    Linking {
        /// Why the last try failed or the last link ended; none before the first try.
        last: Option<String>,
    },
    /// Linked, and every route registered.
    Linked {
        /// What carries it.
        carrier: Carrier,
    },
    /// The relay does not want this agent, in its own words. Tried again now and then, and at once
    /// after [`AgentLink::network_changed`].
    Refused(Refusal),
    /// Another agent with the same key took the routes over: two agents run on the same data. Tried
    /// again after a minute or two.
    Displaced,
    /// [`AgentLink::stop`] was called, or every handle dropped.
    Stopped,
}

/// What the handle asks of the keeper.
enum Order {
    Add(Salt, oneshot::Sender<()>),
    Remove(Salt, oneshot::Sender<()>),
    Push(Push, oneshot::Sender<Result<Pushed, LinkError>>),
    Stop,
}

/// A link that is kept. Cheap to clone; when the last clone is dropped, the link ends.
#[derive(Clone)]
pub struct AgentLink {
    key: RouteKey,
    orders: mpsc::Sender<Order>,
    status: watch::Receiver<Status>,
    network: Arc<Notify>,
}

/// Orders that may wait for the keeper.
const ORDERS: usize = 64;
/// Arrivals that may wait for the agent; further dials are refused as `full`.
const ARRIVALS: usize = 64;

impl AgentLink {
    /// Begins to keep a link with a route for each of `salts`. Arrivals come out of the receiver;
    /// when it is dropped, every dial is refused.
    pub fn start(config: AgentConfig, salts: Vec<Salt>) -> (Self, mpsc::Receiver<Arrival>) {
        let (orders_in, orders) = mpsc::channel(ORDERS);
        let (arrivals, arrivals_out) = mpsc::channel(ARRIVALS);
        let (status_in, status) = watch::channel(Status::Linking { last: None });
        let network = Arc::new(Notify::new());
        let link = Self {
            key: config.secret.public(),
            orders: orders_in,
            status,
            network: network.clone(),
        };
        tokio::spawn(keeper::keep(
            config, salts, orders, arrivals, status_in, network,
        ));
        (link, arrivals_out)
    }

    /// Adds a route. Returns when the relay has it, or at once while there is no link (it is
    /// registered with the next one).
    pub async fn add(&self, salt: Salt) -> RouteId {
        self.order(|done| Order::Add(salt, done)).await;
        self.key.route(&salt)
    }

    /// Revokes a route. Returns when the relay has cut every stream of it, or at once while there is
    /// no link (then the relay does not have it either).
    pub async fn remove(&self, salt: Salt) {
        self.order(|done| Order::Remove(salt, done)).await;
    }

    /// Hands a sealed envelope to a push service through the relay. The request's number is set
    /// here.
    ///
    /// # Errors
    /// When there is no link, the link ends before the answer, or the relay refuses.
    pub async fn push(&self, push: Push) -> Result<Pushed, LinkError> {
        let ended = || LinkError::Ended("there is no link to the relay now".into());
        self.order(|done| Order::Push(push, done))
            .await
            .unwrap_or_else(|| Err(ended()))
    }

    /// How the link stands, now and later.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The network changed, or the computer woke up (the wall clock jumped): check the link at once,
    /// or link at once. Over QUIC the connection moves to the new network with its streams.
    pub fn network_changed(&self) {
        self.network.notify_one();
    }

    /// Ends the link. Streams that still live go on until they end.
    pub async fn stop(&self) {
        // An error: it has stopped already.
        let _ = self.orders.send(Order::Stop).await;
        let mut status = self.status.clone();
        let _ = status.wait_for(|s| *s == Status::Stopped).await;
    }

    async fn order<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (done, answer) = oneshot::channel();
        self.orders.send(make(done)).await.ok()?;
        answer.await.ok()
    }
}
