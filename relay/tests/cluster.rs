//! Several relays behind one name, with a real NATS server between them. Needs `nats-server`.
#![cfg(feature = "cluster")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::nats::{Nats, free_port};
use common::*;
use deputy_link::{
    AgentLink, Carrier, CarrierChoice, DialConfig, Dialler, LinkError, LinkStream, RelayAddress,
    Status, closed_with,
};
use deputy_protocol::link::{CloseCode, RefusalCode};
use deputy_relay::{Cluster, Relay};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::timeout;

async fn relay(certificate: &Certificate, nats: &Nats) -> Relay {
    let port = free_port();
    let mut config = config();
    config.listen = SocketAddr::from(([127, 0, 0, 1], port));
    config.certificate = certificate.source();
    config.cluster = Some(Cluster {
        nats: nats.url(),
        here: format!("127.0.0.1:{port}"),
        prefix: "deputy.relay".into(),
    });
    Relay::start(config).unwrap()
}

/// What shares the name between the relays: all of it goes to one until it is pointed to another.
async fn balancer(to: SocketAddr) -> (RelayAddress, watch::Sender<SocketAddr>) {
    let inside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let at = inside.local_addr().unwrap();
    let (point, mut pointed) = watch::channel(to);
    tokio::spawn(async move {
        let mut client = None;
        loop {
            let outside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let to = *pointed.borrow_and_update();
            let (mut out, mut back) = ([0; 2048], [0; 2048]);
            loop {
                tokio::select! {
                    Ok((n, from)) = inside.recv_from(&mut out) => {
                        client = Some(from);
                        let _ = outside.send_to(&out[..n], to).await;
                    }
                    Ok(n) = outside.recv(&mut back) => {
                        if let Some(client) = client {
                            let _ = inside.send_to(&back[..n], client).await;
                        }
                    }
                    changed = pointed.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    }
                }
            }
        }
    });
    (RelayAddress::new("127.0.0.1", at.port()), point)
}

fn own_dialler(certificate: &Certificate, carriers: CarrierChoice) -> Dialler {
    Dialler::new(DialConfig {
        trust: certificate.trust(),
        carriers,
        access_token: None,
        software: String::new(),
    })
}

/// Dials until it works: an agent that moves, or relays that just met, take a moment.
async fn dial(dialler: &Dialler, at: &RelayAddress) -> LinkStream {
    let trying = async {
        loop {
            match dialler.dial(at, route(1, salt(1))).await {
                Ok(stream) => return stream,
                Err(LinkError::Refused(refusal)) if refusal.code == RefusalCode::Offline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    timeout(PATIENCE, trying).await.expect("never joined")
}

async fn agent_by(certificate: &Certificate, relay: &Relay, by: &RelayAddress) -> AgentLink {
    let mut config = agent_config(relay, 1, CarrierChoice::Only(Carrier::Quic));
    config.relay = by.clone();
    config.trust = certificate.trust();
    let (link, arrivals) = AgentLink::start(config, vec![salt(1), salt(2)]);
    tokio::spawn(echo_all(arrivals));
    linked(&link).await;
    link
}

#[tokio::test]
async fn a_client_is_pointed_to_the_relay_that_has_the_agent() {
    let certificate = Certificate::new();
    let nats = Nats::start().await;
    let (one, two, three) = (
        relay(&certificate, &nats).await,
        relay(&certificate, &nats).await,
        relay(&certificate, &nats).await,
    );
    let _link = agent_by(&certificate, &one, &address(&one)).await;
    for carriers in [Carrier::Quic, Carrier::WebSocket].map(CarrierChoice::Only) {
        let dialler = own_dialler(&certificate, carriers);
        for at in [&one, &two, &three] {
            let mut stream = dial(&dialler, &address(at)).await;
            round_trip(&mut stream, b"joined").await.unwrap();
        }
        // What nobody has is offline, there as here.
        let unknown = dialler
            .dial(&address(&two), route(9, salt(9)))
            .await
            .map(drop);
        assert!(matches!(unknown, Err(LinkError::Refused(r)) if r.code == RefusalCode::Offline));
    }
    assert!(metric(&two, "deputy_relay_refusals_total{code=\"elsewhere\"}") >= 2);
    assert_eq!(
        metric(&two, "deputy_relay_dials_total{outcome=\"joined\"}"),
        0
    );
}

#[tokio::test]
async fn an_agent_that_moved_is_found_where_it_is_and_its_revocation_reaches_where_it_was() {
    let certificate = Certificate::new();
    let nats = Nats::start().await;
    let (one, two) = (
        relay(&certificate, &nats).await,
        relay(&certificate, &nats).await,
    );
    let old = agent_by(&certificate, &one, &address(&one)).await;
    let dialler = own_dialler(&certificate, CarrierChoice::Any);
    // Both know of each other.
    drop(dial(&dialler, &address(&two)).await);
    let mut earlier = dial(&dialler, &address(&one)).await;
    round_trip(&mut earlier, b"joined at the first")
        .await
        .unwrap();

    // The same agent at the second; the first would still believe in its link.
    let new = agent_by(&certificate, &two, &address(&two)).await;
    eventually("the first learns it", || {
        metric(&one, "deputy_relay_routes") == 0
    })
    .await;
    let mut stream = dial(&dialler, &address(&one)).await;
    round_trip(&mut stream, b"joined at the second")
        .await
        .unwrap();

    new.remove(salt(1)).await;
    let mut rest = Vec::new();
    let error = timeout(PATIENCE, earlier.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        closed_with(&error).and_then(CloseCode::from_number),
        Some(CloseCode::Revoked)
    );
    drop(old);
}

#[tokio::test]
async fn any_relay_may_die_and_agents_and_clients_go_on_at_another() {
    let certificate = Certificate::new();
    let nats = Nats::start().await;
    let (one, two) = (
        relay(&certificate, &nats).await,
        relay(&certificate, &nats).await,
    );
    let (name, point) = balancer(one.address()).await;
    let link = agent_by(&certificate, &one, &name).await;
    let dialler = own_dialler(&certificate, CarrierChoice::Only(Carrier::Quic));
    let mut stream = dial(&dialler, &address(&two)).await;
    round_trip(&mut stream, b"before").await.unwrap();

    drop(one);
    let mut status = link.status();
    let lost = status.wait_for(|s| matches!(s, Status::Linking { last: Some(_) }));
    timeout(PATIENCE, lost).await.unwrap().unwrap();
    point.send_replace(two.address());
    let mut rest = Vec::new();
    assert!(
        timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .unwrap()
            .is_err()
    );
    let mut stream = dial(&dialler, &address(&two)).await;
    round_trip(&mut stream, b"after").await.unwrap();
    assert_eq!(metric(&two, "deputy_relay_agents"), 1);
    drop(link);
}

#[tokio::test]
async fn without_nats_each_relay_serves_its_own_and_finds_the_others_again() {
    let certificate = Certificate::new();
    let nats = Nats::start().await;
    let port = nats.port;
    let (one, two) = (
        relay(&certificate, &nats).await,
        relay(&certificate, &nats).await,
    );
    let _link = agent_by(&certificate, &one, &address(&one)).await;
    let dialler = own_dialler(&certificate, CarrierChoice::Any);
    drop(dial(&dialler, &address(&two)).await);
    drop(nats);
    round_trip(&mut dial(&dialler, &address(&one)).await, b"its own")
        .await
        .unwrap();
    let elsewhere = dialler
        .dial(&address(&two), route(1, salt(1)))
        .await
        .map(drop);
    assert!(matches!(elsewhere, Err(LinkError::Refused(r)) if r.code == RefusalCode::Offline));
    let _nats = Nats::start_on(port).await;
    round_trip(&mut dial(&dialler, &address(&two)).await, b"found again")
        .await
        .unwrap();
}
