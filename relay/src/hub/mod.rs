//! What all connections share: the tables and the counters.
//!
//! `admission.rs` lets connections in, `registrations.rs` takes and revokes routes, `dials.rs` makes
//! a dial a joined stream, `certificate.rs` is how the certificate stands, `ports.rs` is what it reaches others by.

mod admission;
mod certificate;
mod dials;
mod ports;
mod registrations;

pub(crate) use admission::{Admission, Farewell};
pub(crate) use ports::{Notice, Others, Port, Pusher, Streams};

use crate::config::Config;
use crate::core::limits::Addresses;
use crate::core::routes::{LinkId, Routes, SpliceId};
use crate::metrics::{Metrics, Tables};
use crate::page::Page;
use crate::tls::Certificates;
use admission::FAREWELLS;
use deputy_protocol::link::{GoingAway, Limits, Message};
use dials::Ticket;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::{Semaphore, SetOnce};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What all connections share.
pub(crate) struct Hub {
    pub(crate) config: Config,
    pub(crate) certificates: Arc<Certificates>,
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
    others: SetOnce<Arc<dyn Others>>,
    /// The web client's page, if it serves that.
    pub(crate) page: Option<Page>,
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

impl Hub {
    pub(crate) fn new(
        config: Config,
        certificates: Arc<Certificates>,
        page: Option<Page>,
    ) -> Arc<Self> {
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
            others: SetOnce::new(),
            page,
            pusher: OnceLock::new(),
            open: AtomicU32::new(0),
            next: AtomicU64::new(1),
            certificates,
            config,
        })
    }

    pub(crate) fn new_link(&self) -> LinkId {
        LinkId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// There are other relays of this name.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn set_others(&self, others: Arc<dyn Others>) {
        // It is set once, at the start.
        let _ = self.others.set(others);
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
            #[cfg(feature = "acme")]
            certificate: self.certificate_state(),
        })
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn tables(&self) -> MutexGuard<'_, HubTables> {
        self.tables.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Bytes of the system's random source; `None` when it fails.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).ok()?;
    Some(bytes)
}
