//! The real binary: read-only, quiet about people, patient with nobody, gentle when it stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::PATIENCE;
use common::binary::{Process, field};
use deputy_link::{
    AgentConfig, AgentLink, Carrier, CarrierChoice, DialConfig, Dialler, RelayAddress, Status,
    Trust,
};
use deputy_protocol::link::{RouteId, RouteSecret, Salt};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

/// A relay that knows itself by its certificate's hash.
struct Running {
    process: Process,
    hash: [u8; 32],
}

impl Running {
    async fn start(arguments: &[&str]) -> Self {
        let arguments = [&["--self-signed"], arguments].concat();
        let mut process = Process::start(&arguments).await;
        let own = process.line("sha256").await;
        let hash = URL_SAFE_NO_PAD.decode(field(&own, "sha256")).unwrap();
        Self {
            process,
            hash: hash.try_into().unwrap(),
        }
    }

    fn trust(&self) -> Trust {
        Trust::Hashes(vec![self.hash])
    }

    fn address(&self) -> RelayAddress {
        RelayAddress::new("127.0.0.1", self.process.at.port())
    }
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

    relay.process.assert_wrote_nothing();

    relay.process.signal("-HUP");
    relay.process.signal("-TERM");
    relay.process.line("stopping gently").await;
    let mut status = links[1].status();
    timeout(
        PATIENCE,
        status.wait_for(|s| matches!(s, Status::Linking { last: Some(_) })),
    )
    .await
    .unwrap()
    .unwrap();
    relay.process.line("\"stopped\"").await;
    assert!(
        timeout(PATIENCE, relay.process.child.wait())
            .await
            .unwrap()
            .unwrap()
            .success()
    );

    let log = relay.process.log.join("\n");
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
    relay.process.assert_names_no_address();
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
    let before = relay.process.memory_kib();
    let mut silent = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        silent.push(
            tokio::net::TcpStream::connect(relay.process.at)
                .await
                .unwrap(),
        );
    }
    let peak = relay.process.memory_kib();
    assert!(
        relay.process.metric("deputy_relay_connections{").await > 0,
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
    // What was closed is counted a moment later.
    let alone = async {
        while relay.process.metric("deputy_relay_connections{").await != 1 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let alone = timeout(PATIENCE, alone).await;
    assert!(alone.is_ok(), "more than the agent's connection is left");
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
