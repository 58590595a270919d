//! A real certificate authority: `pebble`, which asks as Let's Encrypt does, with doors in front of
//! it that can be shut.

use super::nats::free_port;
use super::{Certificate, PATIENCE, eventually, metric};
use deputy_link::Trust;
use deputy_relay::{Acme, Pace, Relay, Steps};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

pub const HOUR: Duration = Duration::from_secs(3600);
pub const SOON: Duration = Duration::from_millis(50);

/// A TCP port that leads to another, or nowhere.
pub struct Door {
    pub at: SocketAddr,
    to: watch::Sender<Option<SocketAddr>>,
    knocks: Arc<AtomicUsize>,
}

impl Door {
    pub async fn shut() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (to, leads) = watch::channel(None);
        let knocks = Arc::new(AtomicUsize::new(0));
        let counted = knocks.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(pass(tcp, leads.clone()));
            }
        });
        Self { at, to, knocks }
    }

    pub fn open(&self, to: SocketAddr) {
        self.to.send_replace(Some(to));
    }

    /// Also ends what passes.
    pub fn close(&self) {
        self.to.send_replace(None);
    }

    /// How many have come so far, whether they passed or not.
    pub fn knocks(&self) -> usize {
        self.knocks.load(Ordering::Relaxed)
    }
}

async fn pass(mut tcp: TcpStream, mut leads: watch::Receiver<Option<SocketAddr>>) {
    let Some(to) = *leads.borrow_and_update() else {
        return;
    };
    let Ok(mut out) = TcpStream::connect(to).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut tcp, &mut out) => {}
        _ = leads.changed() => {}
    }
}

/// The authority. It is found behind `directory`, and looks for names behind `checks`.
pub struct Pebble {
    child: Child,
    names: Option<Child>,
    dir: tempfile::TempDir,
    /// Its own TLS certificate.
    own: Certificate,
    port: u16,
    management: u16,
    pub directory: Door,
    pub checks: Door,
}

impl Pebble {
    /// Starts it, with both doors shut. Its certificates are good for `seconds`.
    pub async fn start(seconds: u64) -> Self {
        Self::start_with(seconds, &[]).await
    }

    /// The same, with a DNS server by which all names lead to loopback.
    pub async fn start_with_names(seconds: u64) -> Self {
        let (port, management) = (free_port(), free_port());
        let at = format!("127.0.0.1:{port}");
        let names = Command::new("pebble-challtestsrv")
            .args([
                "-dns01",
                &at,
                "-defaultIPv4",
                "127.0.0.1",
                "-defaultIPv6",
                "",
            ])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-management", &format!("127.0.0.1:{management}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pebble must be installed for this test");
        listening(port).await;
        let mut pebble = Self::start_with(seconds, &["-dnsserver", &at]).await;
        pebble.names = Some(names);
        pebble
    }

    async fn start_with(seconds: u64, arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let own = Certificate::new();
        let (directory, checks) = (Door::shut().await, Door::shut().await);
        let (port, management) = (free_port(), free_port());
        let (chain, key) = own.files();
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": chain,
            "privateKey": key,
            "httpPort": checks.at.port(),
            "tlsPort": checks.at.port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": seconds,
        }});
        let path = dir.path().join("pebble.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new("pebble")
            .arg("-config")
            .arg(&path)
            .arg("-strict")
            .args(arguments)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("pebble must be installed for this test");
        let pebble = Self {
            child,
            names: None,
            dir,
            own,
            port,
            management,
            directory,
            checks,
        };
        listening(port).await;
        listening(management).await;
        pebble
    }

    /// From now on its directory is found.
    pub fn let_in(&self) {
        self.directory.open(loopback(self.port));
    }

    /// For `localhost`, which leads to loopback everywhere. What fails is tried again after `first`,
    /// and later and later, to an hour.
    pub fn acme(&self, first: Duration) -> Acme {
        let steps = Steps { first, most: HOUR };
        Acme {
            names: vec!["localhost".into()],
            directory: self.url(),
            trust: self.trust(),
            contacts: vec!["operator@example.org".into()],
            agreed: true,
            account: None,
            cache: None,
            pace: Pace {
                unreachable: steps,
                refused: steps,
            },
        }
    }

    /// Where its directory is, when the door to it is open.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/dir", self.directory.at.port())
    }

    /// Whom to believe to be its directory.
    pub fn trust(&self) -> Trust {
        self.own.trust()
    }

    /// A file with whom to believe to be its directory.
    pub fn trust_file(&self) -> PathBuf {
        self.own.files().0
    }

    /// The root of the certificates that it gives.
    pub async fn root(&self) -> CertificateDer<'static> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.own.tls(b"http/1.1"))
            .no_proxy()
            .build()
            .unwrap();
        let url = format!("https://localhost:{}/roots/0", self.management);
        let answer = client.get(url).send().await.unwrap();
        let pem = answer.bytes().await.unwrap();
        CertificateDer::from_pem_slice(&pem).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in [Some(&mut self.child), self.names.as_mut()]
            .into_iter()
            .flatten()
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until a relay has ordered `n` certificates.
pub async fn taken(relay: &Relay, n: i64) {
    eventually("a certificate is taken", || orders(relay, "taken") >= n).await;
}

/// Waits until `n` orders of a relay have failed.
pub async fn failed(relay: &Relay, n: i64) {
    eventually("an order fails", || orders(relay, "failed") >= n).await;
}

/// How many orders of a relay ended so.
pub fn orders(relay: &Relay, outcome: &str) -> i64 {
    metric(
        relay,
        &format!("deputy_relay_certificate_orders_total{{outcome=\"{outcome}\"}}"),
    )
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn listening(port: u16) {
    let up = async {
        while TcpStream::connect(loopback(port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, up).await.expect("pebble does not start");
}
