//! Certificates by ACME for several relays behind one name. Needs `pebble`, `nats-server` and
//! `openssl`.
#![cfg(all(feature = "acme", feature = "cluster"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::binary::http;
use common::nats::{Nats, free_port};
use common::pebble::{Pebble, SOON, failed, orders, taken};
use common::*;
use deputy_relay::{Acme, CertificateSource, Cluster, Config, Relay};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const LONG: u64 = 90 * 24 * 3600;

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn relay_config(port: u16, acme: Acme, nats: &Nats) -> Config {
    let mut config = config();
    config.listen = at(port);
    config.admin = Some(at(0));
    config.certificate = CertificateSource::Acme(acme);
    config.cluster = Some(Cluster {
        nats: nats.url(),
        here: at(port).to_string(),
        prefix: "deputy.relay".into(),
    });
    config
}

/// A key as chapter 14 has operators make it.
fn account(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt"])
        .args(["ec_paramgen_curve:P-256", "-out"])
        .arg(&path)
        .output()
        .expect("openssl must be installed for this test");
    assert!(made.status.success(), "{made:?}");
    path
}

fn with_account(pebble: &Pebble, account: &Path) -> Acme {
    Acme {
        account: Some(account.to_owned()),
        ..pebble.acme(SOON)
    }
}

#[tokio::test]
async fn relays_that_start_together_take_turns_and_answer_checks_for_each_other() {
    let (nats, pebble) = (Nats::start().await, Pebble::start(LONG).await);
    let dir = tempfile::tempdir().unwrap();
    let acme = with_account(&pebble, &account(dir.path(), "account.pem"));
    let ports = [free_port(), free_port()];
    // Whoever orders, the authority lands at the first.
    pebble.checks.open(at(ports[0]));
    pebble.let_in();
    let relays = ports.map(|port| Relay::start(relay_config(port, acme.clone(), &nats)).unwrap());
    for relay in &relays {
        taken(relay, 1).await;
    }
    for relay in &relays {
        assert_eq!(orders(relay, "failed"), 0);
    }
    assert_ne!(relays[0].certificate_hash(), relays[1].certificate_hash());
}

#[tokio::test]
async fn whoever_is_on_nats_gets_no_answer_for_an_account_of_their_own() {
    let (nats, pebble) = (Nats::start().await, Pebble::start(LONG).await);
    let dir = tempfile::tempdir().unwrap();
    let ours = with_account(&pebble, &account(dir.path(), "ours.pem"));
    let theirs = with_account(&pebble, &account(dir.path(), "theirs.pem"));
    let port = free_port();
    pebble.checks.open(at(port));
    pebble.let_in();
    let relay = Relay::start(relay_config(port, ours, &nats)).unwrap();
    taken(&relay, 1).await;
    let knocks = pebble.checks.knocks();

    let stranger = Relay::start(relay_config(free_port(), theirs, &nats)).unwrap();
    failed(&stranger, 1).await;
    assert!(pebble.checks.knocks() > knocks, "nobody was asked");
    assert_eq!(orders(&stranger, "taken"), 0);
    let why = http(stranger.admin_address().unwrap(), "/readyz").await;
    assert!(
        why.contains("Incorrect validation certificate"),
        "the answer was not a wrong one but none: {why}"
    );
}

#[tokio::test]
async fn relays_of_one_name_need_one_account() {
    let (nats, pebble) = (Nats::start().await, Pebble::start(LONG).await);
    let config = relay_config(free_port(), pebble.acme(SOON), &nats);
    let error = Relay::start(config).err().unwrap().to_string();
    assert!(error.contains("--acme-account"), "{error}");
}
