//! Real relays, each a process of its own, behind one name, with a real NATS server between them.

use crate::agent::built;
use crate::{PATIENCE, wait_until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A certificate for loopback, in files, so that all relays of a name have the same.
pub struct Certificate {
    dir: tempfile::TempDir,
    /// Its SHA-256.
    pub hash: [u8; 32],
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

impl Certificate {
    /// A new one, for 127.0.0.1.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let pem = |what: &str, der: &[u8]| {
            // No line may be longer, or OpenSSL does not read it.
            let text = STANDARD.encode(der);
            let lines: Vec<&str> = { text.as_bytes().chunks(64) }
                .filter_map(|line| std::str::from_utf8(line).ok())
                .collect();
            let text = lines.join("\n");
            format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n")
        };
        let key = made.signing_key.serialize_der();
        let files = [
            ("chain.pem", pem("CERTIFICATE", made.cert.der())),
            ("key.pem", pem("PRIVATE KEY", &key)),
        ];
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Self {
            hash: deputy_link::certificate_hash(made.cert.der()),
            dir,
        }
    }

    /// Where its files are: `chain.pem` and `key.pem`.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A NATS server; killed when dropped.
pub struct NatsServer {
    child: Option<Child>,
    port: u16,
}

impl Default for NatsServer {
    fn default() -> Self {
        Self::start()
    }
}

impl NatsServer {
    /// Starts one on a free port of loopback.
    pub fn start() -> Self {
        let mut server = Self {
            child: None,
            port: free_port(),
        };
        server.start_again();
        server
    }

    /// Starts it again where it was.
    pub fn start_again(&mut self) {
        let child = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string()])
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server must be installed for this test");
        self.child = Some(child);
        wait_until("nats-server", || {
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// Kills it where it stands.
    pub fn kill9(&mut self) {
        kill(self.child.take());
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// A relay as a process; killed when dropped.
pub struct RelayProcess {
    child: Option<Child>,
    args: Vec<String>,
    /// Where it listens, on loopback.
    pub port: u16,
    admin: SocketAddr,
}

impl RelayProcess {
    /// One that stands alone.
    pub fn start(certificate: &Certificate) -> Self {
        Self::with(certificate, |_| Vec::new())
    }

    /// One of several, which find each other over NATS.
    pub fn among_others(certificate: &Certificate, nats: &NatsServer) -> Self {
        let nats = format!("nats://127.0.0.1:{}", nats.port);
        Self::with(certificate, |port| {
            let here = format!("127.0.0.1:{port}");
            ["--nats".to_owned(), nats, "--here".to_owned(), here].to_vec()
        })
    }

    fn with(certificate: &Certificate, more: impl FnOnce(u16) -> Vec<String>) -> Self {
        let port = free_port();
        let file = |name: &str| certificate.path().join(name).display().to_string();
        let mut args = vec![
            format!("--listen=127.0.0.1:{port}"),
            "--admin=127.0.0.1:0".to_owned(),
            "--name=127.0.0.1".to_owned(),
            format!("--certificate={}", file("chain.pem")),
            format!("--key={}", file("key.pem")),
            "--log-format=json".to_owned(),
            // All that is tested here has one address.
            "--rate-per-address=1000".to_owned(),
        ];
        args.extend(more(port));
        let mut relay = Self {
            child: None,
            args,
            port,
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        relay.start_again();
        relay
    }

    /// Starts it again where it was.
    pub fn start_again(&mut self) {
        let (child, admin) = wait_until("a relay", || self.try_start());
        self.child = Some(child);
        self.admin = admin;
    }

    /// The process once it is ready, and where its metrics are; `None` when it ends, as it does
    /// while the port of the one before is not free yet.
    fn try_start(&self) -> Option<(Child, SocketAddr)> {
        let mut child = Command::new(built(
            "DEPUTY_RELAY_BIN",
            "deputy-relay-cluster",
            "cargo build -p deputy-relay --features cluster,push && cp target/debug/deputy-relay target/debug/deputy-relay-cluster",
        ))
        .args(&self.args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("\"ready\""));
        let Some(ready) = ready else {
            kill(Some(child));
            return None;
        };
        // What it logs from here on is nobody's concern, but must be taken.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let admin = ready["fields"]["admin"].as_str().unwrap();
        let admin = admin.trim_start_matches("Some(").trim_end_matches(')');
        Some((child, admin.parse().unwrap()))
    }

    /// Kills it where it stands.
    pub fn kill9(&mut self) {
        kill(self.child.take());
    }

    /// Halts it (SIGSTOP): the kernel still takes what comes, nobody reads it.
    pub fn halt(&self) {
        signal(self.child.as_ref().unwrap(), Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        signal(self.child.as_ref().unwrap(), Signal::CONT);
    }

    /// Whether it was not killed.
    pub fn lives(&self) -> bool {
        self.child.is_some()
    }

    /// The sum of all its metrics that begin with this.
    pub fn metric(&self, name: &str) -> i64 {
        let mut tcp = TcpStream::connect(self.admin).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        tcp.read_to_string(&mut text).unwrap();
        { text.lines().filter(|line| line.starts_with(name)) }
            .map(|line| line.rsplit_once(' ').unwrap().1.parse::<i64>().unwrap())
            .sum()
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn kill(child: Option<Child>) {
    if let Some(mut child) = child {
        // It may have ended already.
        let _ = child.kill();
        let _ = child.wait();
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// A port of loopback that nobody had a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
