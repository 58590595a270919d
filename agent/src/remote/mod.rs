//! The user's own devices, from afar: who they are, how one becomes known, the links to relays, and
//! the sessions over them.
//!
//! `keys.rs` is what the agent is; `pairing.rs` how a device becomes known (the states are pure);
//! `links.rs` keeps the links; `here.rs` is the way for devices on this machine; `session.rs` speaks with one device. What a device asks goes through
//! [`Door`], the same control as everything else.

mod here;
mod keys;
mod links;
mod pairing;
mod session;

pub use keys::AgentKeys;
pub use links::RelayChoice;
pub use pairing::{Decision, PAGE_HOST_SETTING, PairingError};

use crate::clock::{BoxFuture, SharedClock};
use crate::connectors::Vault;
use crate::store::devices::DeviceRow;
use crate::store::{Durability, Store, StoreError, devices};
use deputy_link::{AgentLink, Arrival, LinkStream};
use deputy_protocol::control::{Envelope, Reply};
use deputy_protocol::link::{Push, Pushed, RouteId, Salt};
use deputy_protocol::model::Event;
use deputy_protocol::session::StaticKey;
use pairing::Pairings;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where what a device asks is applied.
pub trait Door: Send + Sync + 'static {
    /// Applies a request.
    fn apply<'a>(&'a self, envelope: Envelope, by: &'a str) -> BoxFuture<'a, Reply>;

    /// Events after a place in the order, at most 500.
    fn events(&self, after: i64) -> BoxFuture<'_, Result<Vec<Event>, StoreError>>;

    /// The last event so far; 0 when there is none.
    fn last_event(&self) -> BoxFuture<'_, Result<i64, StoreError>>;

    /// Changes whenever something may have been written.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// A link to a relay.
struct Linked {
    place: RelayChoice,
    link: AgentLink,
}

/// The devices and the links to them.
pub struct Remote {
    store: Store,
    clock: SharedClock,
    keys: AgentKeys,
    stopping: CancellationToken,
    known: Mutex<HashMap<i64, DeviceRow>>,
    /// How many sessions each device has.
    here: Mutex<HashMap<i64, usize>>,
    links: Mutex<Vec<Linked>>,
    pairings: Pairings,
    /// Raised whenever a device is revoked.
    revoked: watch::Sender<u64>,
    /// Where devices on this machine come to.
    listens: OnceLock<SocketAddr>,
}

impl Remote {
    /// The devices of a store. The agent's keys are made when there are none.
    pub async fn open(
        store: Store,
        vault: Arc<Vault>,
        clock: SharedClock,
        stopping: CancellationToken,
    ) -> Result<Arc<Self>, StoreError> {
        let keys = AgentKeys::open(&store, vault, clock.now()).await?;
        let known = store.read(devices::list).await?;
        Ok(Arc::new(Self {
            store,
            clock,
            keys,
            stopping,
            known: Mutex::new(known.into_iter().map(|row| (row.key, row)).collect()),
            here: Mutex::default(),
            links: Mutex::default(),
            pairings: Pairings::default(),
            revoked: watch::Sender::new(0),
            listens: OnceLock::new(),
        }))
    }

    /// All devices, oldest first.
    pub fn devices(&self) -> Vec<deputy_protocol::model::Device> {
        let here = lock(&self.here);
        let mut rows: Vec<DeviceRow> = lock(&self.known).values().cloned().collect();
        rows.sort_by_key(|row| row.key);
        rows.iter()
            .map(|row| row.shown(here.contains_key(&row.key)))
            .collect()
    }

    /// Revokes a device: its sessions end at once, whatever it is doing, and no relay brings it any
    /// more. `None` when there is no such device.
    pub async fn revoke(&self, key: i64) -> Result<Option<DeviceRow>, StoreError> {
        let now = self.clock.now();
        let row = self
            .store
            .write(Durability::Synced, move |db| {
                devices::revoke(db, key, now)?;
                devices::by_key(db, key)
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        lock(&self.known).insert(key, row.clone());
        self.revoked.send_modify(|count| *count += 1);
        for link in self.all_links() {
            link.remove(Salt(row.salt)).await;
        }
        Ok(Some(row))
    }

    /// Whether a device may be served.
    fn is_trusted(&self, key: i64) -> Option<DeviceRow> {
        lock(&self.known)
            .get(&key)
            .filter(|row| row.revoked_at.is_none())
            .cloned()
    }

    /// The device that a route was made for.
    fn by_route(&self, relay: &RelayChoice, route: &RouteId) -> Option<DeviceRow> {
        let secret = self.keys.route_secret(relay);
        lock(&self.known)
            .values()
            .find(|row| row.revoked_at.is_none() && secret.route(&Salt(row.salt)) == *route)
            .cloned()
    }

    /// Whether a route is a device's, or a pairing's that waits for one.
    pub fn knows(&self, route: &RouteId) -> bool {
        self.awaited(route).is_some() || self.relay_of(route).is_some()
    }

    /// The relay for which a route was made.
    fn relay_of(&self, route: &RouteId) -> Option<RelayChoice> {
        { self.relays().into_iter() }.find(|relay| self.by_route(relay, route).is_some())
    }

    /// Serves a device that came without a relay.
    pub async fn serve_here(
        self: &Arc<Self>,
        door: &Arc<dyn Door>,
        route: RouteId,
        stream: LinkStream,
    ) {
        // A pairing's route is no device's yet, so any relay will do for it.
        let any = || self.relays().into_iter().next();
        if let Some(relay) = self.relay_of(&route).or_else(any) {
            let arrival = Arrival { route, stream };
            let way = session::Way {
                relay,
                is_straight: true,
            };
            session::serve(Arc::clone(self), Arc::clone(door), way, arrival).await;
        }
    }

    /// The key by which devices know that a push is this agent's.
    pub fn push_key(&self) -> &StaticKey {
        self.keys.session()
    }

    /// A name for what a push is about that means nothing to a push service (RFC 8030, 5.4).
    pub fn push_topic(&self, about: &str) -> String {
        self.keys.push_topic(about)
    }

    /// Hands a sealed push to whichever relay can deliver it; or why none can.
    pub async fn push(&self, push: Push) -> Result<Pushed, String> {
        let mut why = "no relay is set up that could hand pushes on".to_owned();
        for link in self.all_links() {
            match link.push(push.clone()).await {
                Ok(pushed) => return Ok(pushed),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }

    fn all_links(&self) -> Vec<AgentLink> {
        lock(&self.links)
            .iter()
            .map(|linked| linked.link.clone())
            .collect()
    }

    fn arrived(&self, key: i64) {
        *lock(&self.here).entry(key).or_insert(0) += 1;
    }

    fn left(&self, key: i64) {
        let mut here = lock(&self.here);
        if let Some(count) = here.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                here.remove(&key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 32 bytes that nobody can guess.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // The kernel's generator does not fail once the system is up.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes
}
