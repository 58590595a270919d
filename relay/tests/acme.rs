//! Certificates by ACME, from a real authority. Needs `pebble`.
#![cfg(feature = "acme")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::{Process, field, http};
use common::pebble::{HOUR, Pebble, SOON, failed, orders, taken};
use common::*;
use deputy_link::{
    AgentConfig, AgentLink, Carrier, CarrierChoice, DialConfig, Dialler, LinkStream, RelayAddress,
    Status, Trust, certificate_hash,
};
use deputy_protocol::link::RouteSecret;
use deputy_relay::{Acme, CertificateSource, Relay};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

const LONG: u64 = 90 * 24 * 3600;
/// Two thirds of it are over soon.
const SHORT: u64 = 18;
const CARRIERS: [Carrier; 2] = [Carrier::Quic, Carrier::WebSocket];

fn start(acme: Acme) -> Relay {
    let mut config = config();
    config.admin = Some("127.0.0.1:0".parse().unwrap());
    config.certificate = CertificateSource::Acme(acme);
    Relay::start(config).unwrap()
}

/// A relay that has its first certificate, and the authority, whose doors are open.
async fn supplied(seconds: u64) -> (Pebble, Relay) {
    let pebble = Pebble::start(seconds).await;
    let relay = start(pebble.acme(SOON));
    pebble.checks.open(relay.address());
    pebble.let_in();
    taken(&relay, 1).await;
    (pebble, relay)
}

async fn ready(relay: &Relay) -> String {
    http(relay.admin_address().unwrap(), "/readyz").await
}

fn by_name(at: SocketAddr) -> RelayAddress {
    RelayAddress::new("localhost", at.port())
}

async fn roots(pebble: &Pebble) -> Trust {
    Trust::Roots(vec![pebble.root().await])
}

/// An agent that echoes, linked by name or about to be.
fn named_agent(at: SocketAddr, trust: &Trust, key: u8, carrier: Carrier) -> AgentLink {
    let config = AgentConfig {
        relay: by_name(at),
        trust: trust.clone(),
        carriers: CarrierChoice::Only(carrier),
        access_token: None,
        secret: RouteSecret::from_bytes([key; 32]),
        software: "test/1".into(),
    };
    let (link, arrivals) = AgentLink::start(config, vec![salt(1)]);
    tokio::spawn(echo_all(arrivals));
    link
}

async fn dial(at: SocketAddr, trust: &Trust, key: u8, carrier: Carrier) -> LinkStream {
    let dialler = Dialler::new(DialConfig {
        trust: trust.clone(),
        carriers: CarrierChoice::Only(carrier),
        access_token: None,
        software: "test/1".into(),
    });
    let relay = by_name(at);
    let dialled = dialler.dial(&relay, route(key, salt(1)));
    timeout(PATIENCE, dialled).await.unwrap().unwrap()
}

/// What a newcomer is shown over TCP and over QUIC; it must lead to `trust`.
async fn shown(at: SocketAddr, trust: &Trust) -> [CertificateDer<'static>; 2] {
    let tls =
        tokio_rustls::TlsConnector::from(Arc::new(trust.client_config(&[b"http/1.1"]).unwrap()));
    let tcp = TcpStream::connect(at).await.unwrap();
    let tls = tls
        .connect("localhost".try_into().unwrap(), tcp)
        .await
        .unwrap();
    let over_tcp = tls.get_ref().1.peer_certificates().unwrap()[0].clone();

    let crypto = trust.client_config(&[deputy_protocol::link::ALPN]).unwrap();
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(crypto).unwrap();
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let connecting = endpoint.connect_with(config, at, "localhost").unwrap();
    let identity = connecting.await.unwrap().peer_identity().unwrap();
    let chain = identity.downcast::<Vec<CertificateDer<'static>>>().unwrap();
    [over_tcp, chain[0].clone().into_owned()]
}

#[tokio::test]
async fn a_relay_that_starts_with_nothing_gets_a_certificate_and_those_who_waited_link() {
    let pebble = Pebble::start(LONG).await;
    let relay = start(pebble.acme(SOON));
    let (at, trust) = (relay.address(), roots(&pebble).await);
    pebble.checks.open(at);
    let links: Vec<AgentLink> = { CARRIERS.into_iter().enumerate() }
        .map(|(key, carrier)| named_agent(at, &trust, key as u8, carrier))
        .collect();
    for link in &links {
        let mut status = link.status();
        let turned_away = status.wait_for(|s| matches!(s, Status::Linking { last: Some(_) }));
        timeout(PATIENCE, turned_away).await.unwrap().unwrap();
    }
    failed(&relay, 1).await;
    let health = ready(&relay).await;
    assert!(health.starts_with("HTTP/1.1 503"), "{health}");
    assert!(health.contains("there is no certificate yet"), "{health}");
    assert!(health.contains("cannot be reached"), "{health}");

    pebble.let_in();
    taken(&relay, 1).await;
    for (key, carrier) in CARRIERS.into_iter().enumerate() {
        assert_eq!(linked(&links[key]).await, carrier);
        let mut stream = dial(at, &trust, key as u8, carrier).await;
        round_trip(&mut stream, b"through").await.unwrap();
    }
    for certificate in shown(at, &trust).await {
        assert_eq!(certificate_hash(&certificate), relay.certificate_hash());
    }
    let health = ready(&relay).await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let left = metric(&relay, "deputy_relay_certificate_expires_in_seconds");
    let expected = (LONG as i64 - 600)..=(LONG as i64 + 600);
    assert!(expected.contains(&left), "{left}");
}

#[tokio::test]
async fn one_certificate_holds_for_all_names_and_each_of_them_is_checked() {
    let pebble = Pebble::start_with_names(LONG).await;
    let names = ["relay.example.org", "one.relay.example.org"].map(str::to_owned);
    let relay = start(Acme {
        names: names.to_vec(),
        ..pebble.acme(SOON)
    });
    pebble.checks.open(relay.address());
    pebble.let_in();
    taken(&relay, 1).await;
    let trust = roots(&pebble).await;
    for name in names {
        let tls = trust.client_config(&[b"http/1.1"]).unwrap();
        let tls = tokio_rustls::TlsConnector::from(Arc::new(tls));
        let tcp = TcpStream::connect(relay.address()).await.unwrap();
        tls.connect(name.try_into().unwrap(), tcp).await.unwrap();
    }
    // At least once for each of them.
    assert!(pebble.checks.knocks() >= 2);
}

#[tokio::test]
async fn a_certificate_that_did_not_arrive_is_fetched_and_not_ordered_again() {
    let pebble = Pebble::start(LONG).await;
    // Fetched again soon, ordered again in an hour.
    let mut patient = pebble.acme(HOUR);
    patient.pace.unreachable.first = Duration::from_millis(500);
    pebble.let_in();
    let relay = start(patient);
    pebble.checks.open(relay.address());
    let made = || pebble.log().matches("Issued certificate").count();
    eventually("a certificate is made", || made() == 1).await;
    pebble.directory.close();
    let knocks = pebble.directory.knocks();
    // On a busy machine it may have arrived before the door was shut.
    let asked_again = || pebble.directory.knocks() > knocks || orders(&relay, "taken") == 1;
    eventually("it is fetched again", asked_again).await;
    pebble.let_in();
    taken(&relay, 1).await;
    assert_eq!(made(), 1);
}

#[tokio::test]
async fn a_renewal_leaves_links_as_they_are_and_newcomers_see_the_new_certificate() {
    let (pebble, relay) = supplied(SHORT).await;
    let (at, trust) = (relay.address(), roots(&pebble).await);
    let first = relay.certificate_hash();
    let mut joined = Vec::new();
    for (key, carrier) in CARRIERS.into_iter().enumerate() {
        let link = named_agent(at, &trust, key as u8, carrier);
        linked(&link).await;
        let stream = dial(at, &trust, key as u8, carrier).await;
        joined.push((link.status(), link, stream));
    }
    for (status, ..) in &mut joined {
        status.mark_unchanged();
    }
    taken(&relay, 2).await;
    for certificate in shown(at, &trust).await {
        assert_ne!(certificate_hash(&certificate), first);
    }
    for (status, _link, stream) in &mut joined {
        round_trip(stream, b"still there").await.unwrap();
        assert!(!status.has_changed().unwrap(), "{:?}", *status.borrow());
    }
    assert_eq!(orders(&relay, "failed"), 0);
}

#[tokio::test]
async fn while_the_authority_is_away_the_old_certificate_goes_on() {
    let (pebble, relay) = supplied(SHORT).await;
    let (at, trust) = (relay.address(), roots(&pebble).await);
    let first = relay.certificate_hash();
    pebble.directory.close();
    failed(&relay, 1).await;
    for certificate in shown(at, &trust).await {
        assert_eq!(certificate_hash(&certificate), first);
    }
    let link = named_agent(at, &trust, 1, Carrier::Quic);
    linked(&link).await;
    let health = ready(&relay).await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert!(health.contains("the last order failed"), "{health}");

    pebble.let_in();
    taken(&relay, 2).await;
    assert_ne!(relay.certificate_hash(), first);
    let health = ready(&relay).await;
    assert!(!health.contains("failed"), "{health}");
}

#[tokio::test]
async fn once_it_has_expired_the_relay_says_that_it_is_not_ready() {
    let (pebble, relay) = supplied(SHORT).await;
    pebble.directory.close();
    let left = "deputy_relay_certificate_expires_in_seconds";
    eventually("the certificate ends", || metric(&relay, left) <= 0).await;
    let health = ready(&relay).await;
    assert!(health.starts_with("HTTP/1.1 503"), "{health}");
    assert!(health.contains("the certificate expired"), "{health}");
    pebble.let_in();
    eventually("it is renewed late", || metric(&relay, left) > 0).await;
}

#[tokio::test]
async fn an_authority_that_is_away_is_asked_once_and_not_again_before_its_time() {
    let pebble = Pebble::start(LONG).await;
    let relay = start(pebble.acme(HOUR));
    pebble.checks.open(relay.address());
    failed(&relay, 1).await;
    // The HTTP client may try a connection that broke off a second time.
    let knocks = pebble.directory.knocks();
    assert!((1..=2).contains(&knocks), "{knocks}");
    // Nobody who tries to link makes it ask.
    let link = named_agent(
        relay.address(),
        &roots(&pebble).await,
        1,
        Carrier::WebSocket,
    );
    let mut status = link.status();
    for _ in 0..3 {
        let turned_away = status.wait_for(|s| matches!(s, Status::Linking { last: Some(_) }));
        timeout(PATIENCE, turned_away).await.unwrap().unwrap();
        status.mark_unchanged();
        timeout(PATIENCE, status.changed()).await.unwrap().unwrap();
    }
    assert_eq!(pebble.directory.knocks(), knocks);
    assert_eq!(orders(&relay, "failed"), 1);
    // The operator does.
    pebble.let_in();
    relay.reload_certificate().unwrap();
    taken(&relay, 1).await;
    linked(&link).await;
}

#[tokio::test]
async fn a_check_that_fails_is_told_and_not_repeated_before_its_time() {
    let pebble = Pebble::start(LONG).await;
    let relay = start(pebble.acme(HOUR));
    // The name leads elsewhere: to a TLS server that knows of no challenge.
    let stranger = Relay::start(config()).unwrap();
    pebble.checks.open(stranger.address());
    pebble.let_in();
    relay.reload_certificate().unwrap();
    failed(&relay, 1).await;
    if pebble.checks.knocks() == 0 {
        // It had asked before it was let in.
        relay.reload_certificate().unwrap();
        failed(&relay, 2).await;
    }
    let health = ready(&relay).await;
    assert!(health.starts_with("HTTP/1.1 503"), "{health}");
    assert!(
        health.contains("could not see that localhost is this relay"),
        "{health}"
    );
    assert!(health.contains("port 443"), "{health}");
    let (knocks, failures) = (pebble.checks.knocks(), orders(&relay, "failed"));

    pebble.checks.open(relay.address());
    relay.reload_certificate().unwrap();
    taken(&relay, 1).await;
    assert_eq!(orders(&relay, "failed"), failures);
    assert!(pebble.checks.knocks() > knocks);
}

#[tokio::test]
async fn only_the_authority_and_only_during_a_check_is_shown_an_answer() {
    let (pebble, relay) = supplied(LONG).await;
    let trust = roots(&pebble).await;
    let ask = async |alpn: &[&[u8]]| {
        let tls = tokio_rustls::TlsConnector::from(Arc::new(trust.client_config(alpn).unwrap()));
        let tcp = TcpStream::connect(relay.address()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        timeout(PATIENCE, tls.connect(name, tcp)).await.unwrap()
    };
    assert!(ask(&[b"acme-tls/1"]).await.is_err());
    // A client that also speaks something else is a client.
    let both = ask(&[b"acme-tls/1", b"http/1.1"]).await.unwrap();
    let connection = both.get_ref().1;
    assert_eq!(connection.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn with_a_cache_a_restart_orders_nothing_and_is_ready_at_once() {
    let pebble = Pebble::start(LONG).await;
    let dir = tempfile::tempdir().unwrap();
    let mut cached = pebble.acme(HOUR);
    cached.cache = Some(dir.path().to_owned());
    let wait_for_it = Acme {
        pace: pebble.acme(SOON).pace,
        ..cached.clone()
    };
    let relay = start(wait_for_it);
    pebble.checks.open(relay.address());
    pebble.let_in();
    taken(&relay, 1).await;
    let first = relay.certificate_hash();
    drop(relay);
    pebble.directory.close();
    let knocks = pebble.directory.knocks();

    let relay = start(cached.clone());
    assert_eq!(relay.certificate_hash(), first);
    let health = ready(&relay).await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let link = named_agent(relay.address(), &roots(&pebble).await, 1, Carrier::Quic);
    linked(&link).await;
    assert_eq!(pebble.directory.knocks(), knocks);
    drop(relay);

    // What is kept for other names, or cannot be read, is not used.
    let other = Acme {
        names: vec!["localhost".into(), "other.localhost".into()],
        ..cached.clone()
    };
    assert_eq!(start(other).certificate_hash(), [0; 32]);
    std::fs::write(dir.path().join("certificate.pem"), "torn").unwrap();
    assert_eq!(start(cached).certificate_hash(), [0; 32]);
}

#[tokio::test]
async fn an_account_key_that_the_operator_made_is_used_and_only_read() {
    let pebble = Pebble::start(LONG).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("account.pem");
    let made = tokio::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt"])
        .args(["ec_paramgen_curve:P-256", "-out"])
        .arg(&path)
        .output()
        .await
        .expect("openssl must be installed for this test");
    assert!(made.status.success(), "{made:?}");
    let before = std::fs::read(&path).unwrap();
    for _ in 0..2 {
        let mut with_key = pebble.acme(SOON);
        with_key.account = Some(path.clone());
        let relay = start(with_key);
        pebble.checks.open(relay.address());
        pebble.let_in();
        taken(&relay, 1).await;
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let log = pebble.log();
    let accounts = log
        .lines()
        .filter(|line| line.contains("accounts in memory"));
    assert_eq!(accounts.count(), 1, "{log}");
}

#[tokio::test]
async fn without_a_cache_nothing_is_written_and_the_log_names_nobody() {
    let pebble = Pebble::start(LONG).await;
    let ca = pebble.trust_file();
    let url = pebble.url();
    let mut relay = Process::start(&[
        "--acme",
        "localhost",
        "--acme-agree",
        "--acme-directory",
        &url,
        "--acme-ca",
        ca.to_str().unwrap(),
    ])
    .await;
    let failed = relay.line("there is no certificate yet, so").await;
    assert!(failed.contains("cannot be reached"), "{failed}");
    pebble.checks.open(relay.at);
    pebble.let_in();
    relay.signal("-HUP");
    let taken = relay.line("a new certificate is in use, by ACME").await;
    assert_eq!(field(&taken, "names"), "localhost");
    let trust = roots(&pebble).await;
    for (key, carrier) in CARRIERS.into_iter().enumerate() {
        let link = named_agent(relay.at, &trust, key as u8, carrier);
        linked(&link).await;
        let mut stream = dial(relay.at, &trust, key as u8, carrier).await;
        round_trip(&mut stream, b"through").await.unwrap();
    }
    assert_eq!(
        relay.metric("deputy_relay_certificate_orders_total").await,
        2
    );
    relay.assert_wrote_nothing();
    relay.signal("-TERM");
    relay.line("\"stopped\"").await;
    relay.assert_names_no_address();
    let log = relay.log.join("\n");
    let route = route(0, salt(1)).to_string();
    assert!(log.contains("linked") && !log.contains(&route), "{log}");
}

#[tokio::test]
async fn mistakes_about_acme_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let nonsense = dir.path().join("nonsense.pem");
    std::fs::write(&nonsense, "nonsense").unwrap();
    let nonsense = nonsense.to_str().unwrap();
    let below = format!("{nonsense}/cache");
    for (arguments, expected) in [
        (&["--acme", "relay.example"][..], "--acme-agree"),
        (&["--acme", "*.example", "--acme-agree"], "wildcard"),
        (&["--acme", "192.0.2.1", "--acme-agree"], "not a host name"),
        (
            &["--acme", "a.example", "--acme-agree", "--name", "b.example"],
            "--acme b.example",
        ),
        (
            &["--acme", "a.example", "--acme-agree", "--acme-ca", nonsense],
            "no certificate",
        ),
        (
            &[
                "--acme",
                "a.example",
                "--acme-agree",
                "--acme-account",
                nonsense,
            ],
            "ECDSA on P-256",
        ),
        (
            &[
                "--acme",
                "a.example",
                "--acme-agree",
                "--acme-cache",
                &below,
            ],
            "--acme-cache",
        ),
        (
            &[
                "--acme",
                "a.example",
                "--acme-agree",
                "--acme-directory",
                "http://a",
            ],
            "https://",
        ),
    ] {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_deputy-relay"))
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .output();
        let output = timeout(PATIENCE, output).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            !output.status.success() && said.contains(expected),
            "{arguments:?}: {said}"
        );
    }
}
