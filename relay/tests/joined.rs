//! A client's stream is joined with an agent's, over every pair of carriers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::*;
use deputy_link::{Carrier, CarrierChoice};
use deputy_relay::Relay;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PAIRS: [(Carrier, Carrier); 4] = [
    (Carrier::Quic, Carrier::Quic),
    (Carrier::Quic, Carrier::WebSocket),
    (Carrier::WebSocket, Carrier::Quic),
    (Carrier::WebSocket, Carrier::WebSocket),
];

#[tokio::test]
async fn what_goes_in_comes_out_unaltered_over_every_pair_of_carriers() {
    let bytes: Vec<u8> = (0..3_000_000u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect();
    for (agents, clients) in PAIRS {
        let relay = Relay::start(config()).unwrap();
        let _link = echo_agent(&relay, 1, agents, &[salt(1)]).await;
        let dialler = dialler(&relay, CarrierChoice::Only(clients));
        let stream = dialler
            .dial(&address(&relay), route(1, salt(1)))
            .await
            .unwrap();
        assert_eq!(stream.carrier(), clients);
        assert_eq!(
            stream.idle_limit(),
            Some(std::time::Duration::from_secs(600))
        );
        let (mut reader, mut writer) = stream.into_split();
        let sent = bytes.clone();
        let writing = tokio::spawn(async move {
            writer.write_all(&sent).await.unwrap();
            // Ends this direction only: the rest of the echo must still come.
            writer.shutdown().await.unwrap();
            writer
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).await.unwrap();
        assert!(
            back == bytes,
            "{agents:?} {clients:?}: {} bytes",
            back.len()
        );
        drop(writing.await.unwrap());
    }
}

#[tokio::test]
async fn one_connection_carries_many_dials() {
    let relay = Relay::start(config()).unwrap();
    let _link = echo_agent(&relay, 1, Carrier::Quic, &[salt(1), salt(2)]).await;
    let dialler = dialler(&relay, CarrierChoice::Only(Carrier::Quic));
    let mut streams = Vec::new();
    for n in 0..20u8 {
        let to = route(1, salt(1 + n % 2));
        streams.push(dialler.dial(&address(&relay), to).await.unwrap());
    }
    for (n, stream) in streams.iter_mut().enumerate() {
        let words = format!("stream {n}");
        assert_eq!(
            round_trip(stream, words.as_bytes()).await.unwrap(),
            words.as_bytes()
        );
    }
    // The agent's and the client's.
    assert_eq!(metric(&relay, "deputy_relay_connections_total"), 2);
    assert_eq!(metric(&relay, "deputy_relay_connections{"), 2);
    drop(streams);
    eventually("streams end", || {
        metric(&relay, "deputy_relay_streams") == 0
    })
    .await;
}

#[tokio::test]
async fn a_stream_outlives_its_dialler_and_when_both_are_gone_nothing_is_left() {
    let relay = Relay::start(config()).unwrap();
    let _link = echo_agent(&relay, 1, Carrier::Quic, &[salt(1)]).await;
    let dialler = dialler(&relay, CarrierChoice::Only(Carrier::Quic));
    let to = route(1, salt(1));
    let mut stream = dialler.dial(&address(&relay), to).await.unwrap();
    drop(dialler);
    // Longer than a connection that nobody holds is left open.
    let began = std::time::Instant::now();
    eventually("a while to go by", || {
        began.elapsed() > std::time::Duration::from_secs(2)
    })
    .await;
    let back = round_trip(&mut stream, b"still here").await.unwrap();
    assert_eq!(back, b"still here");
    assert_eq!(metric(&relay, "deputy_relay_connections{"), 2);
    drop(stream);
    eventually("the client's connection ends", || {
        metric(&relay, "deputy_relay_connections{") == 1
    })
    .await;
}
