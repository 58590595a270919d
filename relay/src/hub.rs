//! What all connections share: the tables, the counters, and how a dial becomes a joined stream.

use crate::carriers::{Carrier, Duplex};
use crate::config::Config;
use crate::core::limits::{AddressKey, Addresses, TooMuch};
use crate::core::routes::{LinkId, Routes, SpliceId};
use crate::metrics::{Dialled, Metrics, Tables};
use crate::splice::{self, Moved, Parted, Patience};
use deputy_link::write_message;
use deputy_protocol::link::{
    CloseCode, GoingAway, Incoming, Limits, Message, Push, Pushed, Refusal, RefusalCode, RouteId,
};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many at a time are told why they are not let in.
const FAREWELLS: usize = 64;

/// What all connections share.
pub(crate) struct Hub {
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    /// Set when the relay is about to stop: new ones are refused, agents are sent away.
    pub(crate) draining: CancellationToken,
    /// Set when the time for joined streams is over.
    pub(crate) stopping: CancellationToken,
    /// The joined streams, to wait for.
    pub(crate) splices: TaskTracker,
    /// How many at a time are told in words why they are not let in; others just find it shut.
    pub(crate) farewells: Arc<Semaphore>,
    addresses: Mutex<Addresses>,
    tables: Mutex<HubTables>,
    /// The other relays of this name, if there are any.
    others: OnceLock<Arc<dyn Others>>,
    /// The push services, if this relay can reach any.
    pub(crate) pusher: OnceLock<Arc<dyn Pusher>>,
    open: AtomicU32,
    next: AtomicU64,
}

struct HubTables {
    routes: Routes,
    ports: HashMap<LinkId, Port>,
    cuts: HashMap<SpliceId, CancellationToken>,
    tickets: HashMap<String, Ticket>,
}

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

/// The other relays of the same name.
pub(crate) trait Others: Send + Sync {
    /// Where a route is held, as `host:port`; `None` when nobody says so in time.
    fn find(&self, route: RouteId) -> Pin<Box<dyn Future<Output = Option<String>> + Send + '_>>;
    /// These routes are held here from now on.
    fn took(&self, routes: &[RouteId]);
    /// Their owner revoked these routes.
    fn revoked(&self, routes: &[RouteId]);
}

/// The push services.
pub(crate) trait Pusher: Send + Sync {
    /// Hands an envelope over, and gives what the service said.
    fn push<'a>(
        &'a self,
        push: &'a Push,
    ) -> Pin<Box<dyn Future<Output = Result<Pushed, Refusal>> + Send + 'a>>;
}

/// What a control channel has to pass on.
pub(crate) enum Notice {
    Displaced(Vec<RouteId>),
    Incoming(Box<Incoming>),
    Pushed(Box<Message>),
}

/// A dial that waits for the agent to fetch it.
struct Ticket {
    route: RouteId,
    link: LinkId,
    taker: oneshot::Sender<(Duplex, Admission)>,
}

/// A connection that was let in. Gives its place back when dropped.
pub(crate) struct Admission {
    hub: Arc<Hub>,
    pub(crate) key: AddressKey,
    pub(crate) carrier: Carrier,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.hub.open.fetch_sub(1, Ordering::Relaxed);
        self.hub.metrics.closed(self.carrier);
        self.hub.addresses().disconnected(self.key);
    }
}

/// A connection that is to be told why it is not let in.
pub(crate) struct Farewell {
    pub(crate) refusal: Refusal,
    _one_of_few: OwnedSemaphorePermit,
}

/// A splice in the tables. Leaves them when dropped.
struct Entry<'a> {
    hub: &'a Hub,
    route: RouteId,
    splice: SpliceId,
    cut: CancellationToken,
    link: LinkId,
    port: Port,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut tables = self.hub.tables();
        tables.cuts.remove(&self.splice);
        tables.routes.parted(self.route, self.splice);
    }
}

/// A ticket in the tables. Leaves them when dropped.
struct TicketEntry<'a> {
    hub: &'a Hub,
    ticket: String,
}

impl Drop for TicketEntry<'_> {
    fn drop(&mut self) {
        self.hub.tables().tickets.remove(&self.ticket);
    }
}

impl HubTables {
    fn tell_displaced(&self, displaced: HashMap<LinkId, Vec<RouteId>>) {
        for (older, routes) in displaced {
            if let Some(port) = self.ports.get(&older) {
                // Full: it takes nothing any more, which is why there is a newer one.
                let _ = port.tell.try_send(Notice::Displaced(routes));
            }
        }
    }

    fn cut(&self, splices: &[SpliceId]) {
        for cut in splices.iter().filter_map(|splice| self.cuts.get(splice)) {
            cut.cancel();
        }
    }
}

impl Hub {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let limits = &config.limits;
        Arc::new(Self {
            metrics: Metrics::default(),
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            splices: TaskTracker::new(),
            farewells: Arc::new(Semaphore::new(FAREWELLS)),
            addresses: Mutex::new(Addresses::new(limits.address, limits.addresses)),
            tables: Mutex::new(HubTables {
                routes: Routes::new(limits.route),
                ports: HashMap::new(),
                cuts: HashMap::new(),
                tickets: HashMap::new(),
            }),
            others: OnceLock::new(),
            pusher: OnceLock::new(),
            open: AtomicU32::new(0),
            next: AtomicU64::new(1),
            config,
        })
    }

    /// Lets a connection in, or says why not; `None`: it is shut without a word.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        carrier: Carrier,
    ) -> Option<Result<Admission, Farewell>> {
        let refusal = match self.try_admit(address, carrier) {
            Ok(admission) => return Some(Ok(admission)),
            Err(refusal) => refusal,
        };
        let one_of_few = self.farewells.clone().try_acquire_owned().ok()?;
        Some(Err(Farewell {
            refusal,
            _one_of_few: one_of_few,
        }))
    }

    fn try_admit(
        self: &Arc<Self>,
        address: IpAddr,
        carrier: Carrier,
    ) -> Result<Admission, Refusal> {
        if self.draining.is_cancelled() {
            return Err(Refusal::new(RefusalCode::GoingAway));
        }
        let key = AddressKey::from(address);
        self.addresses()
            .connected(key, Instant::now())
            .map_err(too_much)?;
        self.metrics.opened(carrier);
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        let admission = Admission {
            hub: self.clone(),
            key,
            carrier,
        };
        if before >= self.config.limits.connections {
            return Err(Refusal::new(RefusalCode::Full));
        }
        Ok(admission)
    }

    /// True when not even a handshake should be begun.
    pub(crate) fn is_full(&self) -> bool {
        // Some more than are let in, so that they can be told so in words.
        let most = self.config.limits.connections.saturating_add(64);
        self.open.load(Ordering::Relaxed) >= most
    }

    pub(crate) fn new_link(&self) -> LinkId {
        LinkId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// `link` has shown that it owns `routes`; `port` reaches it.
    ///
    /// # Errors
    /// When it would hold too many.
    pub(crate) fn register(
        &self,
        link: LinkId,
        port: &Port,
        routes: &[RouteId],
    ) -> Result<(), Refusal> {
        let mut tables = self.tables();
        let displaced = tables.routes.register(link, routes, Instant::now())?;
        tables.ports.entry(link).or_insert_with(|| port.clone());
        tables.tell_displaced(displaced);
        drop(tables);
        if let Some(others) = self.others.get()
            && !routes.is_empty()
        {
            others.took(routes);
        }
        Ok(())
    }

    /// Another relay of this name holds these routes now.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn taken(&self, routes: &[RouteId]) {
        let mut tables = self.tables();
        let displaced = tables.routes.taken(routes);
        tables.tell_displaced(displaced);
    }

    /// Their owner revoked these routes at another relay of this name.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn revoked_elsewhere(&self, routes: &[RouteId]) {
        let mut tables = self.tables();
        let splices = tables.routes.revoked(routes);
        tables.cut(&splices);
    }

    /// Whether this relay holds the route and takes dials.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn holds(&self, route: &RouteId) -> bool {
        !self.draining.is_cancelled() && self.tables().routes.is_held(route)
    }

    /// There are other relays of this name.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn set_others(&self, others: Arc<dyn Others>) {
        // It is set once, at the start.
        let _ = self.others.set(others);
    }

    /// `link` revokes routes: their streams are cut.
    pub(crate) fn unregister(&self, link: LinkId, routes: &[RouteId]) {
        let mut tables = self.tables();
        let held: Vec<RouteId> = routes
            .iter()
            .filter(|r| tables.routes.holds(link, r))
            .copied()
            .collect();
        let splices = tables.routes.unregister(link, &held);
        tables.cut(&splices);
        drop(tables);
        if let Some(others) = self.others.get()
            && !held.is_empty()
        {
            others.revoked(&held);
        }
    }

    /// `link` ended.
    pub(crate) fn ended(&self, link: LinkId) {
        let mut tables = self.tables();
        tables.routes.ended(link);
        tables.ports.remove(&link);
    }

    /// An agent does not take an announced dial.
    pub(crate) fn declined(&self, link: LinkId, ticket: &str) {
        let mut tables = self.tables();
        if tables.tickets.get(ticket).is_some_and(|t| t.link == link) {
            // The taker's other half learns it.
            tables.tickets.remove(ticket);
        }
    }

    /// An agent fetches an announced dial with `stream`.
    pub(crate) async fn fetched(&self, mut stream: Duplex, ticket: &str, admission: Admission) {
        let Some(ticket) = self.tables().tickets.remove(ticket) else {
            let refusal = Refusal::because(
                RefusalCode::Timeout,
                "The relay waits for this dial no longer.",
            );
            stream.refuse(refusal).await;
            return;
        };
        let incoming = Message::Incoming(Incoming {
            route: ticket.route,
            ticket: None,
        });
        if write_message(&mut stream.sink, &incoming).await.is_ok() {
            // The dialler may have gone meanwhile; then the stream ends here.
            let _ = ticket.taker.send((stream, admission));
        }
    }

    /// Joins a client's stream with the agent behind `route`, until they part.
    pub(crate) async fn dial(&self, client: Duplex, from: AddressKey, route: RouteId) {
        let answered = match self.begin(from, route) {
            Ok(entry) => self.open_to_agent(&entry).await.map(|agent| (entry, agent)),
            Err(refusal) => Err(refusal),
        };
        let (entry, (mut agent, _place)) = match answered {
            Ok(both) => both,
            Err(refusal) => {
                let refusal = self.point_elsewhere(refusal, route).await;
                return self.refuse_dial(client, refusal).await;
            }
        };
        self.metrics.dialled(Dialled::Joined);
        self.metrics.streams.fetch_add(1, Ordering::Relaxed);
        let mut client = client;
        let moved = Moved::default();
        let patience = Patience {
            answer: self.config.timeouts.answer,
            idle: self.config.timeouts.idle,
        };
        let joined = splice::join(
            &mut client,
            &mut agent,
            patience,
            &moved,
            &entry.cut,
            &self.stopping,
        );
        let parted = joined.await;
        self.metrics.streams.fetch_sub(1, Ordering::Relaxed);
        self.metrics
            .bytes_up
            .fetch_add(moved.up.into_inner(), Ordering::Relaxed);
        self.metrics
            .bytes_down
            .fetch_add(moved.down.into_inner(), Ordering::Relaxed);
        if parted == Parted::NoAnswer {
            self.refuse_dial(client, Refusal::new(RefusalCode::Offline))
                .await;
        }
    }

    /// What is not here may be at another relay of this name.
    async fn point_elsewhere(&self, refusal: Refusal, route: RouteId) -> Refusal {
        let (RefusalCode::Offline, Some(others)) = (refusal.code, self.others.get()) else {
            return refusal;
        };
        if self.tables().routes.is_held(&route) {
            return refusal;
        }
        match others.find(route).await {
            Some(to) => Refusal {
                to: Some(to),
                ..Refusal::new(RefusalCode::Elsewhere)
            },
            None => refusal,
        }
    }

    async fn refuse_dial(&self, client: Duplex, refusal: Refusal) {
        self.metrics.dialled(Dialled::Refused);
        self.metrics.refused(refusal.code);
        client.refuse(refusal).await;
    }

    fn begin(&self, from: AddressKey, route: RouteId) -> Result<Entry<'_>, Refusal> {
        if self.draining.is_cancelled() {
            return Err(Refusal::new(RefusalCode::GoingAway));
        }
        let now = Instant::now();
        self.addresses().dialled(from, now).map_err(too_much)?;
        let splice = SpliceId(self.next.fetch_add(1, Ordering::Relaxed));
        let mut tables = self.tables();
        let link = tables.routes.dial(route, splice, now)?;
        let Some(port) = tables.ports.get(&link).cloned() else {
            tables.routes.parted(route, splice);
            return Err(Refusal::new(RefusalCode::Offline));
        };
        let cut = CancellationToken::new();
        tables.cuts.insert(splice, cut.clone());
        drop(tables);
        Ok(Entry {
            hub: self,
            route,
            splice,
            cut,
            link,
            port,
        })
    }

    async fn open_to_agent(
        &self,
        entry: &Entry<'_>,
    ) -> Result<(Duplex, Option<Admission>), Refusal> {
        let offline = || Refusal::new(RefusalCode::Offline);
        let opened = async {
            match &entry.port.streams {
                Streams::Quic(connection) => open_quic(connection, entry.route)
                    .await
                    .map(|stream| (stream, None)),
                Streams::Fetched => self
                    .announce(entry)
                    .await
                    .map(|(stream, place)| (stream, Some(place))),
            }
        };
        tokio::select! {
            opened = timeout(self.config.timeouts.answer, opened) => {
                opened.ok().flatten().ok_or_else(offline)
            }
            () = entry.cut.cancelled() => Err(offline()),
            () = self.stopping.cancelled() => Err(Refusal::new(RefusalCode::GoingAway)),
        }
    }

    async fn announce(&self, entry: &Entry<'_>) -> Option<(Duplex, Admission)> {
        let ticket = random_text()?;
        let (taker, taken) = oneshot::channel();
        let kept = TicketEntry {
            hub: self,
            ticket: ticket.clone(),
        };
        self.tables().tickets.insert(
            ticket.clone(),
            Ticket {
                route: entry.route,
                link: entry.link,
                taker,
            },
        );
        let incoming = Incoming {
            route: entry.route,
            ticket: Some(ticket),
        };
        entry
            .port
            .tell
            .send(Notice::Incoming(Box::new(incoming)))
            .await
            .ok()?;
        let stream = taken.await.ok();
        drop(kept);
        stream
    }

    /// What an agent or a client is told when the relay is about to stop.
    pub(crate) fn going_away(&self) -> Message {
        Message::GoingAway(GoingAway {
            grace_ms: self.config.timeouts.drain.as_millis() as u64,
            to: self.config.elsewhere.clone(),
        })
    }

    /// What this relay can do beside joining streams.
    pub(crate) fn features(&self) -> &'static [&'static str] {
        match self.pusher.get() {
            Some(_) => &["push"],
            None => &[],
        }
    }

    /// What the welcome tells of the limits.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            routes: self.config.limits.route.routes,
            streams: self.config.limits.route.streams,
            idle_ms: self.config.timeouts.idle.as_millis() as u64,
        }
    }

    /// Whether an agent may prove itself to this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.config
            .names
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
    }

    /// An address for the log; a dash unless addresses are wanted there.
    pub(crate) fn shown(&self, address: SocketAddr) -> String {
        if self.config.log_addresses {
            address.to_string()
        } else {
            "-".to_owned()
        }
    }

    pub(crate) fn metrics_text(&self) -> String {
        let (agents, routes) = {
            let tables = self.tables();
            (tables.routes.links(), tables.routes.count())
        };
        self.metrics.text(&Tables {
            agents,
            routes,
            draining: self.draining.is_cancelled(),
        })
    }

    pub(crate) fn forget_quiet_addresses(&self) {
        self.addresses().forget_quiet(Instant::now());
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn tables(&self) -> MutexGuard<'_, HubTables> {
        self.tables.lock().unwrap_or_else(|e| e.into_inner())
    }
}

async fn open_quic(connection: &quinn::Connection, route: RouteId) -> Option<Duplex> {
    let mut stream = Duplex::quic(connection.open_bi().await.ok()?);
    let incoming = Message::Incoming(Incoming {
        route,
        ticket: None,
    });
    match write_message(&mut stream.sink, &incoming).await {
        Ok(()) => Some(stream),
        Err(_) => {
            stream.reset(CloseCode::Gone.number()).await;
            None
        }
    }
}

fn too_much(why: TooMuch) -> Refusal {
    match why {
        TooMuch::Rate(wait) => Refusal::new(RefusalCode::RateLimited).retry_after(wait),
        TooMuch::Open => Refusal::new(RefusalCode::Full),
    }
}

/// Bytes of the system's random source; `None` when it fails.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).ok()?;
    Some(bytes)
}

fn random_text() -> Option<String> {
    use base64::Engine;
    let bytes: [u8; 16] = random()?;
    Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
