//! Set-up for the relay's tests: a real relay on real sockets, agents that echo, clients that dial.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod binary;
pub mod nats;
#[cfg(feature = "acme")]
pub mod pebble;
#[cfg(feature = "push")]
pub mod services;

use deputy_link::{
    AgentConfig, AgentLink, Arrival, Carrier, CarrierChoice, DialConfig, Dialler, LinkStream,
    RelayAddress, Status, Trust,
};
use deputy_protocol::link::{RouteId, RouteSecret, Salt};
use deputy_relay::{AddressLimits, CertificateSource, Config, Limits, Rate, Relay, RouteLimits};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything here takes: only a hanging test meets it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A relay on a free port of loopback, with limits that only the test that sets them meets.
pub fn config() -> Config {
    let mut config = Config::local("127.0.0.1:0".parse().unwrap());
    config.limits = Limits {
        connections: 50_000,
        unproven: 10_000,
        streams_per_connection: 256,
        address: AddressLimits {
            open: 50_000,
            connections: Rate::UNLIMITED,
            dials: Rate::UNLIMITED,
        },
        route: RouteLimits {
            routes: 256,
            streams: 256,
            dials: Rate::UNLIMITED,
            bytes: Rate::UNLIMITED,
        },
        handshakes: 10_000,
        requests: Rate::UNLIMITED,
        pushes: Rate::UNLIMITED,
        addresses: 1000,
        stream_window: 1 << 20,
    };
    config
}

pub fn address(relay: &Relay) -> RelayAddress {
    RelayAddress::new("127.0.0.1", relay.address().port())
}

pub fn trust(relay: &Relay) -> Trust {
    Trust::Hashes(vec![relay.certificate_hash()])
}

pub fn salt(n: u8) -> Salt {
    Salt([n; 32])
}

pub fn agent_config(relay: &Relay, key: u8, carriers: CarrierChoice) -> AgentConfig {
    AgentConfig {
        relay: address(relay),
        trust: trust(relay),
        carriers,
        access_token: None,
        secret: RouteSecret::from_bytes([key; 32]),
        software: "test/1".into(),
    }
}

/// An agent that is linked and whose arrivals the test takes.
pub async fn agent(
    relay: &Relay,
    key: u8,
    carrier: Carrier,
    salts: &[Salt],
) -> (AgentLink, mpsc::Receiver<Arrival>) {
    let config = agent_config(relay, key, CarrierChoice::Only(carrier));
    let (link, arrivals) = AgentLink::start(config, salts.to_vec());
    linked(&link).await;
    (link, arrivals)
}

/// An agent that sends back whatever it gets.
pub async fn echo_agent(relay: &Relay, key: u8, carrier: Carrier, salts: &[Salt]) -> AgentLink {
    let (link, arrivals) = agent(relay, key, carrier, salts).await;
    tokio::spawn(echo_all(arrivals));
    link
}

pub async fn echo_all(mut arrivals: mpsc::Receiver<Arrival>) {
    while let Some(arrival) = arrivals.recv().await {
        tokio::spawn(echo(arrival.stream));
    }
}

pub async fn echo(stream: LinkStream) {
    let (mut reader, mut writer) = stream.into_split();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(n) => {
                if writer.write_all(&piece[..n]).await.is_err() || writer.flush().await.is_err() {
                    return;
                }
            }
        }
    }
    let _ = writer.shutdown().await;
}

pub async fn linked(link: &AgentLink) -> Carrier {
    let mut status = link.status();
    let linked = status.wait_for(|s| matches!(s, Status::Linked { .. }));
    match *timeout(PATIENCE, linked)
        .await
        .expect("not linked in time")
        .unwrap()
    {
        Status::Linked { carrier } => carrier,
        _ => unreachable!(),
    }
}

pub fn dialler(relay: &Relay, carriers: CarrierChoice) -> Dialler {
    Dialler::new(DialConfig {
        trust: trust(relay),
        carriers,
        access_token: None,
        software: "test/1".into(),
    })
}

/// The route of key number `key` and `salt`.
pub fn route(key: u8, salt: Salt) -> RouteId {
    RouteSecret::from_bytes([key; 32]).route(&salt)
}

/// Sends `bytes` through and waits for all of it to come back.
pub async fn round_trip(stream: &mut LinkStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    let mut back = vec![0; bytes.len()];
    timeout(PATIENCE, stream.read_exact(&mut back))
        .await
        .expect("no echo in time")?;
    Ok(back)
}

/// Waits for a condition that another task brings about.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// The value of a metric, summed over its labels.
pub fn metric(relay: &Relay, name: &str) -> i64 {
    let text = relay.metrics();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<i64>().ok())
        .sum()
}

/// A certificate in files, for relays that must keep theirs over a restart.
pub struct Certificate {
    dir: tempfile::TempDir,
    pub der: CertificateDer<'static>,
}

impl Certificate {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let der = write_certificate(dir.path());
        Self { dir, der }
    }

    pub fn source(&self) -> CertificateSource {
        let (chain, key) = self.files();
        CertificateSource::Files { chain, key }
    }

    /// The files with the chain and the key.
    pub fn files(&self) -> (PathBuf, PathBuf) {
        (
            self.dir.path().join("chain.pem"),
            self.dir.path().join("key.pem"),
        )
    }

    /// Another certificate in the same files.
    pub fn replace(&mut self) {
        self.der = write_certificate(self.dir.path());
    }

    pub fn trust(&self) -> Trust {
        Trust::Roots(vec![self.der.clone()])
    }

    /// A TLS client that speaks `alpn` and believes this certificate.
    pub fn tls(&self, alpn: &[u8]) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        config
    }

    /// A TLS server that speaks `alpn` with this certificate.
    pub fn server(&self, alpn: &[u8]) -> rustls::ServerConfig {
        use rustls::pki_types::pem::PemObject;
        let key = rustls::pki_types::PrivateKeyDer::from_pem_file(self.dir.path().join("key.pem"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], key.unwrap())
            .unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        config
    }

    /// A QUIC connection of a stranger.
    pub async fn quic(
        &self,
        relay: &Relay,
        alpn: &[u8],
    ) -> Result<quinn::Connection, quinn::ConnectionError> {
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(self.tls(alpn)).unwrap();
        let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        let config = quinn::ClientConfig::new(Arc::new(crypto));
        endpoint
            .connect_with(config, relay.address(), "localhost")
            .unwrap()
            .await
    }

    /// A TLS connection of a stranger.
    pub async fn tls_stream(
        &self,
        relay: &Relay,
    ) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        let tcp = tokio::net::TcpStream::connect(relay.address())
            .await
            .unwrap();
        let name = "localhost".try_into().unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(self.tls(b"http/1.1")));
        connector.connect(name, tcp).await.unwrap()
    }
}

fn write_certificate(dir: &std::path::Path) -> CertificateDer<'static> {
    use base64::Engine;
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    let pem = |label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    std::fs::write(dir.join("chain.pem"), pem("CERTIFICATE", pair.cert.der())).unwrap();
    std::fs::write(
        dir.join("key.pem"),
        pem("PRIVATE KEY", &pair.signing_key.serialize_der()),
    )
    .unwrap();
    pair.cert.der().clone()
}
