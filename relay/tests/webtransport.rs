//! Browsers' carrier: WebTransport on the same UDP port, with the certificate's hash as a browser
//! takes it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::*;
use deputy_link::{Carrier, read_message, write_message};
use deputy_protocol::link::{CloseCode, Dial, Hello, MAX_FRAME, Message, PATH, RefusalCode, Role};
use deputy_relay::Relay;
use std::time::Duration;
use tokio::time::timeout;
use web_transport_quinn as wt;

async fn session(relay: &Relay, path: &str) -> Result<wt::Session, wt::ClientError> {
    let client = wt::ClientBuilder::new()
        .with_server_certificate_hashes(vec![relay.certificate_hash().to_vec()])
        .unwrap();
    let url = format!("https://127.0.0.1:{}{path}", relay.address().port());
    client.connect(url::Url::parse(&url).unwrap()).await
}

fn hello(role: Role) -> Message {
    Message::Hello(Hello {
        versions: vec![1],
        role,
        features: Vec::new(),
        software: String::new(),
        access_token: None,
    })
}

async fn greeted(relay: &Relay) -> (wt::Session, wt::SendStream, wt::RecvStream) {
    let session = session(relay, PATH).await.unwrap();
    let (mut send, mut recv) = session.open_bi().await.unwrap();
    write_message(&mut send, &hello(Role::Client))
        .await
        .unwrap();
    assert!(matches!(
        read_message(&mut recv, MAX_FRAME).await,
        Ok(Some(Message::Welcome(_)))
    ));
    (session, send, recv)
}

#[tokio::test]
async fn a_browser_reaches_agents_on_either_carrier() {
    let bytes: Vec<u8> = (0..500_000u32).map(|i| (i % 253) as u8).collect();
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let relay = Relay::start(config()).unwrap();
        let link = echo_agent(&relay, 1, carrier, &[salt(1), salt(2)]).await;
        let (session, _control, _answers) = greeted(&relay).await;
        let dial = |n: u8| {
            let session = session.clone();
            async move {
                let (mut send, mut recv) = session.open_bi().await.unwrap();
                let dial = Message::Dial(Dial {
                    route: route(1, salt(n)),
                });
                write_message(&mut send, &dial).await.unwrap();
                (
                    read_message(&mut recv, MAX_FRAME).await.unwrap(),
                    send,
                    recv,
                )
            }
        };
        let (answer, mut send, mut recv) = dial(1).await;
        assert!(matches!(answer, Some(Message::Connected(_))), "{answer:?}");
        let sent = bytes.clone();
        let sending = tokio::spawn(async move {
            send.write_all(&sent).await.unwrap();
            send.finish().unwrap();
            send
        });
        let back = recv.read_to_end(1 << 20).await.unwrap();
        assert!(back == bytes);
        drop(sending.await.unwrap());

        let (_, mut send, mut recv) = dial(2).await;
        send.write_all(b"x").await.unwrap();
        let mut one = [0];
        recv.read_exact(&mut one).await.unwrap();
        link.remove(salt(2)).await;
        let cut = timeout(PATIENCE, recv.read(&mut one)).await.unwrap();
        assert!(
            matches!(cut, Err(wt::ReadError::Reset(code)) if code == CloseCode::Revoked.number()),
            "{cut:?}"
        );
        let (answer, ..) = dial(2).await;
        let Some(Message::Refused(refusal)) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(refusal.code, RefusalCode::Offline);
    }
}

#[tokio::test]
async fn a_browser_is_no_agent_and_other_paths_are_not_there() {
    let relay = Relay::start(config()).unwrap();
    assert!(session(&relay, "/elsewhere").await.is_err());
    let session = session(&relay, PATH).await.unwrap();
    let (mut send, mut recv) = session.open_bi().await.unwrap();
    write_message(&mut send, &hello(Role::Agent)).await.unwrap();
    assert!(matches!(
        read_message(&mut recv, MAX_FRAME).await,
        Ok(Some(Message::Welcome(_)))
    ));
    let Ok(Some(Message::Refused(refusal))) = read_message(&mut recv, MAX_FRAME).await else {
        panic!("not refused");
    };
    assert_eq!(refusal.code, RefusalCode::Unsupported);
}

#[tokio::test]
async fn a_session_that_never_speaks_is_ended() {
    let mut config = config();
    config.timeouts.hello = Duration::from_millis(200);
    let relay = Relay::start(config).unwrap();
    let session = session(&relay, PATH).await.unwrap();
    timeout(PATIENCE, session.closed()).await.unwrap();
    eventually("nothing is left", || {
        metric(&relay, "deputy_relay_connections{") == 0
    })
    .await;
}
