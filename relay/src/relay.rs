//! A running relay: starts, reloads its certificate, drains, stops.

use crate::admin;
use crate::carriers::{quic, websocket};
#[cfg(feature = "acme")]
use crate::config::CertificateSource;
use crate::config::Config;
use crate::error::RelayError;
use crate::hub::Hub;
use crate::page::Page;
use crate::tls::{Certificates, server_config};
use deputy_protocol::link::CloseCode;
use quinn::Endpoint;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, timeout};

/// How often the certificate's files are looked at, and quiet addresses forgotten.
const UPKEEP: Duration = Duration::from_secs(30);
/// How long the last words to connections may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often a free port is tried for UDP and TCP alike.
const PORT_TRIES: u32 = 16;

/// A running relay. Stops at once when dropped; [`Relay::drain`] stops it gently.
pub struct Relay {
    hub: Arc<Hub>,
    endpoint: Endpoint,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    tasks: JoinSet<()>,
}

impl Relay {
    /// Starts a relay. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When a port is taken, the certificate cannot be used, or no name is given.
    pub fn start(config: Config) -> Result<Self, RelayError> {
        if config.names.is_empty() {
            return Err(RelayError::Config(
                "a relay needs the host name under which agents reach it: give it with --name"
                    .into(),
            ));
        }
        #[cfg(feature = "acme")]
        if let (true, CertificateSource::Acme(acme)) = (config.has_others(), &config.certificate)
            && acme.account.is_none()
        {
            return Err(RelayError::Config(
                "relays of one name answer an authority's checks for each other, which takes one account for all of them: make its key, and give it to each with --acme-account"
                    .into(),
            ));
        }
        let certificates = Certificates::load(config.certificate.clone(), config.names.clone())?;
        let (udp, tcp) = bind(config.listen)?;
        let address = tcp.local_addr().unwrap_or(config.listen);
        let admin = config
            .admin
            .map(|at| listen_tcp(at, "health and metrics"))
            .transpose()?;
        let admin_address = admin.as_ref().and_then(|l| l.local_addr().ok());

        #[cfg(feature = "push")]
        let pusher = config
            .push
            .as_ref()
            .map(crate::push::Gateway::new)
            .transpose()?;
        let page = config.page.as_deref().map(Page::read).transpose()?;
        let hub = Hub::new(config, certificates, page);
        #[cfg(feature = "push")]
        if let Some(pusher) = pusher {
            // It is set once, here.
            let _ = hub.pusher.set(Arc::new(pusher));
        }
        let endpoint = quic::bind(&hub, udp)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(quic::accept(hub.clone(), endpoint.clone()));
        let tls = server_config(&hub.certificates, &[b"http/1.1"])?;
        tasks.spawn(websocket::accept(
            hub.clone(),
            into_tokio(tcp, address)?,
            tls,
        ));
        if let Some(admin) = admin {
            let at = admin_address.unwrap_or(address);
            tasks.spawn(admin::serve(hub.clone(), into_tokio(admin, at)?));
        }
        #[cfg(feature = "cluster")]
        if let Some(cluster) = hub.config.cluster.clone() {
            tasks.spawn(join_others(hub.clone(), cluster));
        }
        #[cfg(feature = "acme")]
        if let Some(keeper) = hub.certificates.keeper() {
            tasks.spawn(crate::acme::keep(hub.clone(), keeper.clone()));
        }
        tasks.spawn(upkeep(hub.clone()));
        Ok(Self {
            hub,
            endpoint,
            address,
            admin: admin_address,
            tasks,
        })
    }

    /// The hash of the page that it serves: SHA-256 in base64url.
    pub fn page_hash(&self) -> Option<String> {
        self.hub.page.as_ref().map(Page::hash)
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are served.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// The SHA-256 of the certificate in use: what clients pin, and what a browser takes in
    /// `serverCertificateHashes`, when the relay signed it itself. Zeros while there is none yet.
    pub fn certificate_hash(&self) -> [u8; 32] {
        self.hub.certificates.hash()
    }

    /// Reads the certificate's files again. True when another one is in use now. With a certificate
    /// by ACME: an order that failed is not waited with any longer.
    ///
    /// # Errors
    /// When they cannot be used; the old one stays in use.
    pub fn reload_certificate(&self) -> Result<bool, RelayError> {
        #[cfg(feature = "acme")]
        if let Some(keeper) = self.hub.certificates.keeper() {
            keeper.hurry();
        }
        reload(&self.hub)
    }

    /// What Prometheus reads.
    pub fn metrics(&self) -> String {
        self.hub.metrics_text()
    }

    /// Stops gently: takes nobody new, sends agents and clients elsewhere, lets joined streams end
    /// by themselves for the configured time, and closes.
    pub async fn drain(mut self) {
        self.hub.draining.cancel();
        self.hub.splices.close();
        let grace = self.hub.config.timeouts.drain;
        let ended = timeout(grace, self.hub.splices.wait()).await.is_ok();
        self.hub.stopping.cancel();
        if !ended {
            // The reset of a stream is worth a moment: it says why.
            let _ = timeout(FAREWELL, self.hub.splices.wait()).await;
        }
        self.endpoint
            .close(CloseCode::GoingAway.number().into(), b"");
        let _ = timeout(FAREWELL, self.endpoint.wait_idle()).await;
        self.tasks.shutdown().await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.hub.draining.cancel();
        self.hub.stopping.cancel();
        self.endpoint
            .close(CloseCode::GoingAway.number().into(), b"");
    }
}

#[cfg(feature = "cluster")]
async fn join_others(hub: Arc<Hub>, cluster: crate::config::Cluster) {
    if let Err(error) = crate::cluster::run(hub, cluster).await {
        tracing::error!(%error, "serving alone");
    }
}

async fn upkeep(hub: Arc<Hub>) {
    // What the relay began with was read just now.
    let mut tick = interval_at(Instant::now() + UPKEEP, UPKEEP);
    loop {
        tick.tick().await;
        hub.forget_quiet_addresses();
        // An error is in the log; the old certificate stays.
        let _ = reload(&hub);
    }
}

fn reload(hub: &Hub) -> Result<bool, RelayError> {
    let changed = hub.certificates.refresh(SystemTime::now());
    match &changed {
        Ok(false) => {}
        Ok(true) => {
            hub.metrics
                .certificate_reloads
                .fetch_add(1, Ordering::Relaxed);
            tracing::info!("a new certificate is in use");
        }
        Err(error) => tracing::warn!(%error, "the old certificate stays in use"),
    }
    changed
}

/// UDP and TCP of the same number.
fn bind(address: SocketAddr) -> Result<(UdpSocket, TcpListener), RelayError> {
    let mut tries = if address.port() == 0 { PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        let tcp = listen_tcp(address, "WebSocket over TCP")?;
        let taken = tcp.local_addr().unwrap_or(address);
        match UdpSocket::bind(taken) {
            Ok(udp) => return Ok((udp, tcp)),
            Err(_) if tries > 0 => {}
            Err(reason) => {
                return Err(RelayError::Listen {
                    address: taken,
                    what: "QUIC over UDP",
                    reason,
                });
            }
        }
    }
}

fn listen_tcp(address: SocketAddr, what: &'static str) -> Result<TcpListener, RelayError> {
    TcpListener::bind(address).map_err(|reason| RelayError::Listen {
        address,
        what,
        reason,
    })
}

fn into_tokio(
    listener: TcpListener,
    address: SocketAddr,
) -> Result<tokio::net::TcpListener, RelayError> {
    let listen = |reason| RelayError::Listen {
        address,
        what: "TCP",
        reason,
    };
    listener.set_nonblocking(true).map_err(listen)?;
    tokio::net::TcpListener::from_std(listener).map_err(|reason| RelayError::Listen {
        address,
        what: "TCP",
        reason,
    })
}
