//! What a relay is told when it starts.

use crate::core::greeting::Access;
use crate::core::limits::{AddressLimits, Rate};
use crate::core::routes::RouteLimits;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a relay is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens: UDP and TCP of this number. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host names under which it is reached. Agents prove themselves to a name, so that no
    /// relay can pass a proof on to another.
    pub names: Vec<String>,
    /// Its certificate.
    pub certificate: CertificateSource,
    /// Who must bring the access token.
    pub access: Access,
    /// Where health and metrics are served, in plain HTTP; not to be reached from outside.
    pub admin: Option<SocketAddr>,
    /// Other relays that agents are sent to when this one stops, as `host:port`.
    pub elsewhere: Vec<String>,
    /// How much anybody may ask for.
    pub limits: Limits,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// Write addresses into the log.
    pub log_addresses: bool,
    /// A folder with the web client's built page, to be served on the TCP port.
    pub page: Option<PathBuf>,
    /// The push services that it can reach.
    #[cfg(feature = "push")]
    pub push: Option<crate::push::PushConfig>,
    /// The other relays of the same name.
    #[cfg(feature = "cluster")]
    pub cluster: Option<Cluster>,
}

/// How a relay finds the others of its name.
#[cfg(feature = "cluster")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The NATS server, e.g. `nats://127.0.0.1:4222`. Whoever can publish there can send clients
    /// away: keep it to the relays.
    pub nats: String,
    /// Where clients reach this very relay, as `host:port`. Its certificate must hold for that host.
    pub here: String,
    /// With what the subjects begin.
    pub prefix: String,
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// Files in PEM; read again when they change.
    Files {
        /// The certificate and those that lead to its authority.
        chain: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// Made and signed by the relay itself, in memory, for its names. Clients know it by its hash.
    SelfSigned,
    /// An authority that speaks ACME (RFC 8555), which is asked again in time. Until it has given
    /// the first, nobody gets in.
    #[cfg(feature = "acme")]
    Acme(crate::acme::Acme),
}

/// How much anybody may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Connections at a time, all together.
    pub connections: u32,
    /// Handshakes at a time from which on newcomers must show that their address is theirs (QUIC
    /// Retry).
    pub unproven: u32,
    /// Dials that one connection may have at a time.
    pub streams_per_connection: u32,
    /// For one address.
    pub address: AddressLimits,
    /// For one route.
    pub route: RouteLimits,
    /// Handshakes at a time, all together; beyond this many newcomers are turned away.
    pub handshakes: u32,
    /// Registrations and revocations of one link.
    pub requests: Rate,
    /// Envelopes of one agent to push services.
    pub pushes: Rate,
    /// Addresses that are remembered.
    pub addresses: usize,
    /// Bytes of one stream that may wait in the relay.
    pub stream_window: u32,
}

/// How long anything may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From a connection's first byte to the end of its TLS (and HTTP) handshake.
    pub handshake: Duration,
    /// From there to a whole hello; also for every other first message of a stream.
    pub hello: Duration,
    /// From the hello to an agent's first registration.
    pub register: Duration,
    /// For an agent to answer a dial.
    pub answer: Duration,
    /// A connection of a client without any dial.
    pub unused: Duration,
    /// A joined stream on which nothing moves.
    pub idle: Duration,
    /// A connection over which nothing comes, not even a sign of life.
    pub silent: Duration,
    /// Joined streams may live on for this long when the relay is about to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 50_000,
            unproven: 256,
            streams_per_connection: 64,
            address: AddressLimits {
                open: 512,
                connections: Rate {
                    burst: 128.0,
                    per_second: 16.0,
                },
                dials: Rate {
                    burst: 128.0,
                    per_second: 16.0,
                },
            },
            route: RouteLimits {
                routes: 256,
                streams: 32,
                dials: Rate {
                    burst: 32.0,
                    per_second: 2.0,
                },
                bytes: Rate::UNLIMITED,
            },
            handshakes: 4096,
            requests: Rate {
                burst: 512.0,
                per_second: 16.0,
            },
            pushes: Rate {
                burst: 60.0,
                per_second: 1.0,
            },
            addresses: 200_000,
            stream_window: 1 << 20,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            hello: Duration::from_secs(10),
            register: Duration::from_secs(20),
            answer: Duration::from_secs(10),
            unused: Duration::from_secs(60),
            idle: Duration::from_secs(600),
            silent: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// A relay on `listen` for loopback and tests: its own certificate, for the names of this
    /// computer only.
    pub fn local(listen: SocketAddr) -> Self {
        Self {
            listen,
            names: ["localhost", "127.0.0.1", "::1"]
                .map(str::to_owned)
                .to_vec(),
            certificate: CertificateSource::SelfSigned,
            access: Access::Open,
            admin: None,
            elsewhere: Vec::new(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            log_addresses: false,
            page: None,
            #[cfg(feature = "push")]
            push: None,
            #[cfg(feature = "cluster")]
            cluster: None,
        }
    }

    /// Whether there are other relays of the same name.
    #[cfg(feature = "acme")]
    pub(crate) fn has_others(&self) -> bool {
        #[cfg(feature = "cluster")]
        return self.cluster.is_some();
        #[cfg(not(feature = "cluster"))]
        false
    }
}
