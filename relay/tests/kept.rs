//! Links that hold, come back, move, and end as they should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::binary::http;
use common::*;
use deputy_link::{
    AgentLink, Carrier, CarrierChoice, Dialler, LinkError, LinkStream, RelayAddress, Status,
    closed_with,
};
use deputy_protocol::link::{CloseCode, RefusalCode};
use deputy_relay::{Config, Relay};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

const PAIRS: [(Carrier, Carrier); 4] = [
    (Carrier::Quic, Carrier::Quic),
    (Carrier::Quic, Carrier::WebSocket),
    (Carrier::WebSocket, Carrier::Quic),
    (Carrier::WebSocket, Carrier::WebSocket),
];

/// With which code a stream was reset.
async fn cut(stream: &mut LinkStream) -> Option<CloseCode> {
    let mut rest = Vec::new();
    let error = timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("the stream was not cut")
        .expect_err("the stream ended as if all were well");
    closed_with(&error).and_then(CloseCode::from_number)
}

#[tokio::test]
async fn a_revoked_route_is_cut_in_mid_stream_and_others_are_not() {
    for (agents, clients) in PAIRS {
        let relay = Relay::start(config()).unwrap();
        let link = echo_agent(&relay, 1, agents, &[salt(1), salt(2)]).await;
        let dialler = dialler(&relay, CarrierChoice::Only(clients));
        let at = address(&relay);
        let mut revoked = dialler.dial(&at, route(1, salt(1))).await.unwrap();
        let mut other = dialler.dial(&at, route(1, salt(2))).await.unwrap();
        round_trip(&mut revoked, b"before").await.unwrap();
        link.remove(salt(1)).await;
        assert_eq!(
            cut(&mut revoked).await,
            Some(CloseCode::Revoked),
            "{agents:?} {clients:?}"
        );
        round_trip(&mut other, b"after").await.unwrap();
        let again = dialler.dial(&at, route(1, salt(1))).await.map(drop);
        assert!(matches!(again, Err(LinkError::Refused(r)) if r.code == RefusalCode::Offline));

        let added = link.add(salt(3)).await;
        let mut new = dialler.dial(&at, added).await.unwrap();
        round_trip(&mut new, b"a new device").await.unwrap();
    }
}

#[tokio::test]
async fn agents_come_back_when_the_relay_restarts() {
    let certificate = Certificate::new();
    let mut config = config();
    config.certificate = certificate.source();
    let relay = Relay::start(config.clone()).unwrap();
    config.listen = relay.address();
    let mut links = Vec::new();
    for (key, carrier) in [(1, Carrier::Quic), (2, Carrier::WebSocket)] {
        let mut own = agent_config(&relay, key, CarrierChoice::Only(carrier));
        own.trust = certificate.trust();
        let (link, arrivals) = AgentLink::start(own, vec![salt(1)]);
        tokio::spawn(echo_all(arrivals));
        linked(&link).await;
        links.push(link);
    }
    drop(relay);
    for link in &links {
        let mut status = link.status();
        let lost = status.wait_for(|s| matches!(s, Status::Linking { last: Some(_) }));
        timeout(PATIENCE, lost).await.unwrap().unwrap();
    }
    // The ports are free once the last connection has gone.
    let relay = start_when_free(&config).await;
    for (key, link) in [1, 2].into_iter().zip(&links) {
        linked(link).await;
        let dialler = dialler(&relay, CarrierChoice::Any);
        let mut stream = dialler
            .dial(&address(&relay), route(key, salt(1)))
            .await
            .unwrap();
        round_trip(&mut stream, b"back again").await.unwrap();
    }
}

async fn start_when_free(config: &Config) -> Relay {
    let trying = async {
        loop {
            match Relay::start(config.clone()) {
                Ok(relay) => return relay,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(PATIENCE, trying)
        .await
        .expect("the port does not get free")
}

/// A port whose TCP leads to the relay and whose UDP leads nowhere.
async fn without_udp(relay: &Relay) -> (RelayAddress, UdpSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    // Taken but never read: packets vanish, as in a network that drops them.
    let hole = UdpSocket::bind(at).await.unwrap();
    let to = relay.address();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut to = tokio::net::TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    (RelayAddress::new("127.0.0.1", at.port()), hole)
}

#[tokio::test]
async fn where_udp_is_blocked_agent_and_client_fall_back_by_themselves() {
    let relay = Relay::start(config()).unwrap();
    let (blocked, _hole) = without_udp(&relay).await;
    let mut own = agent_config(&relay, 1, CarrierChoice::Any);
    own.relay = blocked.clone();
    let (link, arrivals) = AgentLink::start(own, vec![salt(1)]);
    tokio::spawn(echo_all(arrivals));
    assert_eq!(linked(&link).await, Carrier::WebSocket);
    let dialler = dialler(&relay, CarrierChoice::Any);
    let mut stream = dialler.dial(&blocked, route(1, salt(1))).await.unwrap();
    assert_eq!(stream.carrier(), Carrier::WebSocket);
    round_trip(&mut stream, b"through TCP").await.unwrap();
    // And where it is not, QUIC is taken.
    let stream = dialler
        .dial(&address(&relay), route(1, salt(1)))
        .await
        .unwrap();
    assert_eq!(
        stream.carrier(),
        Carrier::WebSocket,
        "what worked last is tried first"
    );
    dialler.network_changed();
    let stream = dialler
        .dial(&address(&relay), route(1, salt(1)))
        .await
        .unwrap();
    assert_eq!(stream.carrier(), Carrier::Quic);
}

/// A router between clients and the relay that can forget its mapping: from then on the relay sees
/// the same connection come from another port.
async fn router(relay: SocketAddr) -> (SocketAddr, watch::Sender<u32>, Arc<AtomicU64>) {
    let inside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let at = inside.local_addr().unwrap();
    let (forget, mut forgotten) = watch::channel(0);
    let mappings = Arc::new(AtomicU64::new(0));
    let count = mappings.clone();
    tokio::spawn(async move {
        let mut client = None;
        loop {
            let outside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            outside.connect(relay).await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let (mut out, mut back) = ([0; 2048], [0; 2048]);
            loop {
                tokio::select! {
                    got = inside.recv_from(&mut out) => {
                        let (n, from) = got.unwrap();
                        client = Some(from);
                        let _ = outside.send(&out[..n]).await;
                    }
                    got = outside.recv(&mut back) => {
                        if let (Ok(n), Some(to)) = (got, client) {
                            let _ = inside.send_to(&back[..n], to).await;
                        }
                    }
                    changed = forgotten.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    }
                }
            }
        }
    });
    (at, forget, mappings)
}

#[tokio::test]
async fn a_stream_goes_on_when_the_address_changes_under_it() {
    let relay = Relay::start(config()).unwrap();
    let (agents_way, move_agent, agent_mappings) = router(relay.address()).await;
    let (clients_way, move_client, client_mappings) = router(relay.address()).await;
    let mut own = agent_config(&relay, 1, CarrierChoice::Only(Carrier::Quic));
    own.relay = RelayAddress::new("127.0.0.1", agents_way.port());
    let (link, arrivals) = AgentLink::start(own, vec![salt(1)]);
    tokio::spawn(echo_all(arrivals));
    linked(&link).await;
    let dialler = dialler(&relay, CarrierChoice::Only(Carrier::Quic));
    let by = RelayAddress::new("127.0.0.1", clients_way.port());
    let mut stream = dialler.dial(&by, route(1, salt(1))).await.unwrap();
    let piece: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
    for (moves, mappings) in [
        (&move_agent, &agent_mappings),
        (&move_client, &client_mappings),
    ] {
        let before = mappings.load(Ordering::SeqCst);
        assert!(round_trip(&mut stream, &piece).await.unwrap() == piece);
        moves.send_modify(|n| *n += 1);
        eventually("another port", || mappings.load(Ordering::SeqCst) > before).await;
        // Behind a router that forgot it, an agent is found again when it next says something: at
        // the latest after the 20 s of its keep-alive.
        link.add(salt(2)).await;
        assert!(round_trip(&mut stream, &piece).await.unwrap() == piece);
    }
    // The agent itself finds another network: its connection moves, nothing is linked anew.
    link.network_changed();
    assert!(round_trip(&mut stream, &piece).await.unwrap() == piece);
    linked(&link).await;
    assert_eq!(metric(&relay, "deputy_relay_connections_total"), 2);
}

#[tokio::test]
async fn a_second_agent_on_the_same_data_is_noticed() {
    let relay = Relay::start(config()).unwrap();
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let first = echo_agent(&relay, 1, carrier, &[salt(1)]).await;
        let _second = echo_agent(&relay, 1, carrier, &[salt(1)]).await;
        let mut status = first.status();
        let displaced = status.wait_for(|s| *s == Status::Displaced);
        timeout(PATIENCE, displaced).await.unwrap().unwrap();
        let dialler = dialler(&relay, CarrierChoice::Any);
        let mut stream = dialler
            .dial(&address(&relay), route(1, salt(1)))
            .await
            .unwrap();
        round_trip(&mut stream, b"the newest answers")
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_relay_that_drains_sends_agents_away_and_lets_streams_end() {
    for (agents, clients) in PAIRS {
        let mut config = config();
        config.admin = Some("127.0.0.1:0".parse().unwrap());
        config.timeouts.drain = PATIENCE;
        let relay = Relay::start(config).unwrap();
        let admin = relay.admin_address().unwrap();
        assert!(http(admin, "/readyz").await.starts_with("HTTP/1.1 200"));
        let link = echo_agent(&relay, 1, agents, &[salt(1)]).await;
        let (dialler, at) = (
            dialler(&relay, CarrierChoice::Only(clients)),
            address(&relay),
        );
        let mut stream = dialler.dial(&at, route(1, salt(1))).await.unwrap();
        round_trip(&mut stream, b"before").await.unwrap();
        let draining = tokio::spawn(relay.drain());
        let mut status = link.status();
        timeout(
            PATIENCE,
            status.wait_for(|s| matches!(s, Status::Linking { last: Some(_) })),
        )
        .await
        .unwrap()
        .unwrap();
        assert!(http(admin, "/readyz").await.starts_with("HTTP/1.1 503"));
        assert!(http(admin, "/healthz").await.starts_with("HTTP/1.1 200"));
        round_trip(&mut stream, b"while it drains").await.unwrap();
        assert!(dialler.dial(&at, route(1, salt(1))).await.is_err());
        assert!(!draining.is_finished());
        drop(stream);
        timeout(PATIENCE, draining).await.unwrap().unwrap();
        drop(link);
    }
}

#[tokio::test]
async fn streams_that_do_not_end_are_cut_when_the_time_is_over() {
    for (agents, clients) in PAIRS {
        let mut config = config();
        config.timeouts.drain = Duration::from_millis(50);
        let relay = Relay::start(config).unwrap();
        let _link = echo_agent(&relay, 1, agents, &[salt(1)]).await;
        let dialler = dialler(&relay, CarrierChoice::Only(clients));
        let mut stream = dialler
            .dial(&address(&relay), route(1, salt(1)))
            .await
            .unwrap();
        round_trip(&mut stream, b"before").await.unwrap();
        let draining = tokio::spawn(relay.drain());
        assert_eq!(
            cut(&mut stream).await,
            Some(CloseCode::GoingAway),
            "{agents:?} {clients:?}"
        );
        timeout(PATIENCE, draining).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_silent_stream_is_cut_and_a_busy_one_is_not() {
    for (agents, clients) in PAIRS {
        let mut config = config();
        config.timeouts.idle = Duration::from_millis(1500);
        let relay = Relay::start(config).unwrap();
        let _link = echo_agent(&relay, 1, agents, &[salt(1)]).await;
        let (dialler, at) = (
            dialler(&relay, CarrierChoice::Only(clients)),
            address(&relay),
        );
        let mut silent = dialler.dial(&at, route(1, salt(1))).await.unwrap();
        let mut busy = dialler.dial(&at, route(1, salt(1))).await.unwrap();
        let ended = tokio::spawn(async move { cut(&mut silent).await });
        while !ended.is_finished() {
            round_trip(&mut busy, b"still here").await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(ended.await.unwrap(), Some(CloseCode::Idle));
        round_trip(&mut busy, b"still here").await.unwrap();
    }
}

#[tokio::test]
async fn the_end_of_either_side_reaches_the_other() {
    for (agents, clients) in PAIRS {
        let relay = Relay::start(config()).unwrap();
        let (_link, mut arrivals) = agent(&relay, 1, agents, &[salt(1)]).await;
        let (dialler, at) = (
            dialler(&relay, CarrierChoice::Only(clients)),
            address(&relay),
        );
        let (mut client, mut agent) = meet(&dialler, &at, &mut arrivals).await;
        client.write_all(b"last words").await.unwrap();
        client.flush().await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = Vec::new();
        agent.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"last words");
        // The agent may still answer: directions end one by one.
        agent.write_all(b"goodbye").await.unwrap();
        agent.shutdown().await.unwrap();
        drop(agent);
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"goodbye");

        let (client, mut agent) = meet(&dialler, &at, &mut arrivals).await;
        client.reset(CloseCode::Done).await;
        let mut heard = Vec::new();
        let ended = timeout(PATIENCE, agent.read_to_end(&mut heard)).await;
        assert!(ended.is_ok(), "the agent never hears of the end");
        eventually("streams end", || {
            metric(&relay, "deputy_relay_streams") <= 0
        })
        .await;
    }
}

async fn meet(
    dialler: &Dialler,
    at: &RelayAddress,
    arrivals: &mut mpsc::Receiver<deputy_link::Arrival>,
) -> (LinkStream, LinkStream) {
    let (client, arrival) = tokio::join!(dialler.dial(at, route(1, salt(1))), arrivals.recv());
    (client.unwrap(), arrival.unwrap().stream)
}

#[tokio::test]
async fn a_new_certificate_is_taken_without_a_restart() {
    let mut certificate = Certificate::new();
    let mut config = config();
    config.certificate = certificate.source();
    let relay = Relay::start(config).unwrap();
    let before = certificate.quic(&relay, b"deputy/1").await.unwrap();
    certificate.replace();
    assert!(certificate.quic(&relay, b"deputy/1").await.is_err());
    assert!(relay.reload_certificate().unwrap());
    certificate.quic(&relay, b"deputy/1").await.unwrap();
    drop(certificate.tls_stream(&relay).await);
    assert!(
        before.close_reason().is_none(),
        "those who are linked stay so"
    );
}
