//! The real binary: read-only, quiet about people, patient with nobody, gentle when it stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::PATIENCE;
use deputy_link::{
    AgentConfig, AgentLink, Carrier, CarrierChoice, DialConfig, Dialler, RelayAddress, Status,
    Trust,
};
use deputy_protocol::link::{RouteId, RouteSecret, Salt};
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Everything that the program can see is made read-only before it starts.
const READ_ONLY: &str = "mount -o remount,ro,bind / && cd / && exec \"$@\"";

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    log: Vec<String>,
    at: SocketAddr,
    admin: SocketAddr,
    hash: [u8; 32],
}

impl Running {
    async fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh"])
            .arg(env!("CARGO_BIN_EXE_deputy-relay"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
                "--self-signed",
            ])
            .args(["--log", "debug", "--log-format", "json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut running = Self {
            child,
            lines,
            log: Vec::new(),
            at: "127.0.0.1:0".parse().unwrap(),
            admin: "127.0.0.1:0".parse().unwrap(),
            hash: [0; 32],
        };
        let ready = running.line("\"ready\"").await;
        running.at = field(&ready, "listen").parse().unwrap();
        running.admin = field(&ready, "admin")
            .trim_start_matches("Some(")
            .trim_end_matches(')')
            .parse()
            .unwrap();
        let own = running.line("sha256").await;
        running.hash = URL_SAFE_NO_PAD
            .decode(field(&own, "sha256"))
            .unwrap()
            .try_into()
            .unwrap();
        running
    }

    /// Waits for a line of the log.
    async fn line(&mut self, with: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line())
                .await
                .unwrap()
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended before {with}: {:?}", self.log));
            self.log.push(line.clone());
            if line.contains(with) {
                return line;
            }
        }
    }

    fn trust(&self) -> Trust {
        Trust::Hashes(vec![self.hash])
    }

    fn address(&self) -> RelayAddress {
        RelayAddress::new("127.0.0.1", self.at.port())
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id().unwrap())).unwrap()
    }

    fn memory_kib(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    async fn metric(&self, name: &str) -> i64 {
        let text = http(self.admin, "/metrics").await;
        let lines = text.lines().filter(|l| l.starts_with(name));
        lines
            .map(|l| l.rsplit_once(' ').unwrap().1.parse::<i64>().unwrap())
            .sum()
    }
}

fn field(line: &str, name: &str) -> String {
    let start = line
        .split_once(&format!("\"{name}\":\""))
        .unwrap_or_else(|| panic!("{line}"))
        .1;
    start.split_once('"').unwrap().0.to_owned()
}

async fn http(at: SocketAddr, path: &str) -> String {
    use tokio::io::AsyncWriteExt;
    let mut tcp = tokio::net::TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, tcp.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn it_runs_on_a_read_only_root_and_its_log_names_no_route_and_no_address() {
    let mut relay = Running::start(&[]).await;
    let secret = RouteSecret::from_bytes([1; 32]);
    let salt = Salt([1; 32]);
    let mut links = Vec::new();
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let (link, arrivals) = AgentLink::start(
            AgentConfig {
                relay: relay.address(),
                trust: relay.trust(),
                carriers: CarrierChoice::Only(carrier),
                access_token: None,
                secret: secret.clone(),
                software: "secret-software".into(),
            },
            vec![salt],
        );
        tokio::spawn(common::echo_all(arrivals));
        common::linked(&link).await;
        let dialler = Dialler::new(DialConfig {
            trust: relay.trust(),
            carriers: CarrierChoice::Only(carrier),
            access_token: None,
            software: "secret-software".into(),
        });
        let mut stream = dialler
            .dial(&relay.address(), secret.route(&salt))
            .await
            .unwrap();
        common::round_trip(&mut stream, b"secret-content")
            .await
            .unwrap();
        assert!(
            dialler
                .dial(&relay.address(), RouteId([7; 24]))
                .await
                .is_err()
        );
        links.push(link);
    }

    let io = relay.proc("io");
    assert!(
        io.lines().any(|l| l == "write_bytes: 0"),
        "it wrote to a disk:\n{io}"
    );
    let mounts = relay.proc("mounts");
    let root = mounts
        .lines()
        .rfind(|l| l.split(' ').nth(1) == Some("/"))
        .unwrap();
    assert!(root.split(' ').nth(3).unwrap().starts_with("ro"), "{root}");

    relay.signal("-HUP");
    relay.signal("-TERM");
    relay.line("stopping gently").await;
    let mut status = links[1].status();
    timeout(
        PATIENCE,
        status.wait_for(|s| matches!(s, Status::Linking { last: Some(_) })),
    )
    .await
    .unwrap()
    .unwrap();
    relay.line("\"stopped\"").await;
    assert!(
        timeout(PATIENCE, relay.child.wait())
            .await
            .unwrap()
            .unwrap()
            .success()
    );

    let log = relay.log.join("\n");
    assert!(
        log.contains("linked"),
        "nothing was logged that could have named anybody:\n{log}"
    );
    let secrets = [
        secret.route(&salt).to_string(),
        salt.to_string(),
        RouteId([7; 24]).to_string(),
    ];
    for secret in secrets.iter().map(String::as_str).chain(["secret-"]) {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
    let naming: Vec<&String> = relay
        .log
        .iter()
        .filter(|l| l.contains("127.0.0.1") && !l.contains("\"ready\""))
        .collect();
    assert!(naming.is_empty(), "{naming:?}");
}

#[tokio::test]
async fn ten_thousand_connections_that_never_speak_cost_little_and_are_dropped() {
    const MANY: usize = 10_000;
    let limits = [
        "--connections-per-address",
        "20000",
        "--rate-per-address",
        "20000",
    ];
    let relay = Running::start(&limits).await;
    let before = relay.memory_kib();
    let mut silent = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        silent.push(tokio::net::TcpStream::connect(relay.at).await.unwrap());
    }
    let peak = relay.memory_kib();
    assert!(
        relay.metric("deputy_relay_connections{").await > 0,
        "they were dropped at once"
    );
    let each = (peak.saturating_sub(before)) * 1024 / MANY as u64;
    println!("{each} bytes for each silent connection");
    assert!(each < 16 * 1024, "{each} bytes for each");

    // In the meantime the relay serves whoever does speak.
    let secret = RouteSecret::from_bytes([1; 32]);
    let (link, arrivals) = AgentLink::start(
        AgentConfig {
            relay: relay.address(),
            trust: relay.trust(),
            carriers: CarrierChoice::Any,
            access_token: None,
            secret: secret.clone(),
            software: String::new(),
        },
        vec![Salt([1; 32])],
    );
    tokio::spawn(common::echo_all(arrivals));
    common::linked(&link).await;

    for mut stream in silent {
        let mut nothing = Vec::new();
        let ended = timeout(PATIENCE, stream.read_to_end(&mut nothing)).await;
        assert!(ended.is_ok(), "a silent connection was not dropped");
    }
    assert_eq!(relay.metric("deputy_relay_connections{").await, 1);
}

#[tokio::test]
async fn mistakes_on_the_command_line_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let short = dir.path().join("token");
    std::fs::write(&short, "short").unwrap();
    let short = short.to_str().unwrap();
    for (arguments, expected) in [
        (&["--listen", "127.0.0.1:0"][..], "--self-signed"),
        (
            &["--self-signed", "--access-token-file", "/nowhere"],
            "cannot read the access token",
        ),
        (
            &["--self-signed", "--access-token-file", short],
            "too short",
        ),
        (
            &["--certificate", "/nowhere", "--key", "/nowhere"],
            "--name",
        ),
        (
            &[
                "--certificate",
                "/nowhere",
                "--key",
                "/nowhere",
                "--name",
                "x",
            ],
            "/nowhere",
        ),
        (
            &["--self-signed", "--listen", "192.0.2.1:1"],
            "cannot listen on 192.0.2.1:1",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_deputy-relay"))
            .args(arguments)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            !output.status.success() && said.contains(expected),
            "{arguments:?}: {said}"
        );
    }
}
