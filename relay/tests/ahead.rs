//! A client's first words do not wait for one another: each wait would be a round trip.
#![allow(clippy::unwrap_used)]

mod common;

use common::{PATIENCE, route, salt};
use deputy_link::{Carrier, CarrierChoice, DialConfig, Dialler, RelayAddress, Trust};
use deputy_protocol::link::{ALPN, MAX_FRAME, Message};
use quinn::crypto::rustls::QuicServerConfig;
use std::sync::Arc;
use tokio::time::timeout;

/// Something that takes connections as a relay does, and never says a word.
fn silent() -> (quinn::Endpoint, Trust) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = made.signing_key.serialize_der();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.clone()],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key).into(),
        )
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint = quinn::Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let hash = hash.as_ref().try_into().unwrap();
    (endpoint, Trust::Hashes(vec![hash]))
}

#[tokio::test]
async fn a_dial_and_what_follows_it_are_sent_before_anything_has_come_back() {
    let (endpoint, trust) = silent();
    let at = RelayAddress::new("127.0.0.1", endpoint.local_addr().unwrap().port());
    let dialler = Dialler::new(DialConfig {
        trust,
        carriers: CarrierChoice::Only(Carrier::Quic),
        access_token: None,
        software: "test".to_owned(),
    });
    let to = route(1, salt(1));
    let dialling = dialler.dial_saying(&at, to, b"first".to_vec());
    let hearing = async {
        let connection = endpoint.accept().await.unwrap().await.unwrap();
        let (_, mut control) = connection.accept_bi().await.unwrap();
        let hello = deputy_link::read_message(&mut control, MAX_FRAME).await;
        assert!(matches!(hello, Ok(Some(Message::Hello(_)))));
        let (_, mut stream) = connection.accept_bi().await.unwrap();
        match deputy_link::read_message(&mut stream, MAX_FRAME).await {
            Ok(Some(Message::Dial(dial))) => assert_eq!(dial.route, to),
            other => panic!("{other:?}"),
        }
        let mut first = [0; 5];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"first");
    };
    tokio::select! {
        _ = dialling => panic!("nobody has answered"),
        heard = timeout(PATIENCE, hearing) => heard.unwrap(),
    }
}
