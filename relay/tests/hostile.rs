//! Strangers who do not follow the protocol: each is told so or shut out, and nobody else notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::*;
use deputy_link::pipe::{self, PipeReader, PipeWriter};
use deputy_link::{Carrier, CarrierChoice, LinkError, read_message, write_message};
use deputy_protocol::link::{
    ALPN, Accept, Binding, Dial, EXPORTER_LABEL, Hello, MAX_FRAME, Message, PATH, Refusal,
    RefusalCode, Register, RegisterTerms, Role, RouteSecret, Salt, Welcome,
};
use deputy_relay::{Rate, Relay, Timeouts};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

type Pipe = (
    PipeReader<TlsStream<tokio::net::TcpStream>>,
    PipeWriter<TlsStream<tokio::net::TcpStream>>,
);

fn relay(certificate: &Certificate) -> Relay {
    hasty(certificate, |_| {})
}

/// A relay that waits less long. Only what is meant to be late may depend on it: machines are slow
/// at times.
fn hasty(certificate: &Certificate, change: impl FnOnce(&mut Timeouts)) -> Relay {
    let mut config = config();
    config.certificate = certificate.source();
    change(&mut config.timeouts);
    Relay::start(config).unwrap()
}

fn hello(role: Role, versions: &[u32]) -> Message {
    Message::Hello(Hello {
        versions: versions.to_vec(),
        role,
        features: Vec::new(),
        software: String::new(),
        access_token: None,
    })
}

async fn websocket(certificate: &Certificate, relay: &Relay) -> Pipe {
    let tls = certificate.tls_stream(relay).await;
    let uri = format!("wss://localhost{PATH}");
    let (socket, _) = tokio_tungstenite::client_async(uri, tls).await.unwrap();
    pipe::split(socket)
}

/// What the relay says to raw bytes on a control stream.
async fn says(
    certificate: &Certificate,
    relay: &Relay,
    carrier: Carrier,
    bytes: &[u8],
) -> Option<Message> {
    let read = match carrier {
        Carrier::Quic => {
            let connection = certificate.quic(relay, ALPN).await.unwrap();
            let (mut send, mut recv) = connection.open_bi().await.unwrap();
            send.write_all(bytes).await.unwrap();
            timeout(PATIENCE, read_message(&mut recv, MAX_FRAME)).await
        }
        Carrier::WebSocket => {
            let (mut reader, mut writer) = websocket(certificate, relay).await;
            writer.write_all(bytes).await.unwrap();
            timeout(PATIENCE, read_message(&mut reader, MAX_FRAME)).await
        }
    };
    read.expect("the relay neither answered nor hung up")
        .ok()
        .flatten()
}

fn code(message: Option<Message>) -> RefusalCode {
    match message {
        Some(Message::Refused(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn malformed_and_overlong_hellos_are_refused_in_words() {
    let certificate = Certificate::new();
    let relay = relay(&certificate);
    let long = [&[0x10, 0x01][..], &[b' '; 0x1001]].concat();
    let deep = {
        let body = format!("{{\"type\":\"hello\",\"x\":{}", "[".repeat(3000));
        [&(body.len() as u16).to_be_bytes()[..], body.as_bytes()].concat()
    };
    let dial = deputy_protocol::link::encode(&Message::Dial(Dial {
        route: route(1, salt(1)),
    }))
    .unwrap();
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        for bytes in [
            &b"\0\x05hello"[..],
            b"\0\0",
            b"\0\x02[]",
            b"\xff\xff",
            &long,
            &deep,
            &dial,
        ] {
            let code = code(says(&certificate, &relay, carrier, bytes).await);
            assert_eq!(code, RefusalCode::Malformed, "{carrier:?} {bytes:?}");
        }
    }
}

#[tokio::test]
async fn a_hello_that_does_not_end_is_refused_in_words() {
    let certificate = Certificate::new();
    let relay = hasty(&certificate, |t| t.hello = Duration::from_millis(300));
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        for bytes in [&b"\0"[..], b"\0\x20{\"type\":"] {
            let code = code(says(&certificate, &relay, carrier, bytes).await);
            assert_eq!(code, RefusalCode::Timeout, "{carrier:?} {bytes:?}");
        }
    }
}

#[tokio::test]
async fn the_wrong_version_is_told_which_side_to_update() {
    let certificate = Certificate::new();
    let relay = relay(&certificate);
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let newer = deputy_protocol::link::encode(&hello(Role::Client, &[7, 8])).unwrap();
        let Some(Message::Refused(refusal)) = says(&certificate, &relay, carrier, &newer).await
        else {
            panic!("not refused");
        };
        assert_eq!(
            (refusal.code, &refusal.versions[..]),
            (RefusalCode::Version, &[1][..])
        );
        assert!(refusal.message.contains("The relay is too old"));
    }
    // A QUIC peer of another protocol does not get past TLS.
    let error = certificate.quic(&relay, b"deputy/9").await.unwrap_err();
    assert!(
        error.to_string().contains("protocol") || error.to_string().contains("120"),
        "{error}"
    );
}

/// A link of an agent that the test plays itself.
struct Own {
    connection: quinn::Connection,
    send: quinn::SendStream,
    recv: quinn::RecvStream,
    welcome: Welcome,
    binding: Binding,
}

impl Own {
    async fn new(certificate: &Certificate, relay: &Relay) -> Self {
        let connection = certificate.quic(relay, ALPN).await.unwrap();
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        write_message(&mut send, &hello(Role::Agent, &[1]))
            .await
            .unwrap();
        let Ok(Some(Message::Welcome(welcome))) = read_message(&mut recv, MAX_FRAME).await else {
            panic!("no welcome");
        };
        let mut binding = [0; 32];
        connection
            .export_keying_material(&mut binding, EXPORTER_LABEL, b"")
            .unwrap();
        Self {
            connection,
            send,
            recv,
            welcome,
            binding: Binding(binding),
        }
    }

    fn registration(
        &self,
        key: u8,
        id: u64,
        salts: &[Salt],
        named: &str,
        proven: &str,
    ) -> Register {
        let secret = RouteSecret::from_bytes([key; 32]);
        let terms = RegisterTerms {
            id,
            relay: proven,
            salts,
        };
        let challenge = self.welcome.challenge.clone().unwrap();
        let proof = terms.prove(&secret, &challenge, &self.binding).unwrap();
        Register {
            id,
            route_key: secret.public(),
            relay: named.to_owned(),
            salts: salts.to_vec(),
            proof,
        }
    }

    async fn say(&mut self, message: &Message) -> Option<Message> {
        write_message(&mut self.send, message).await.unwrap();
        timeout(PATIENCE, read_message(&mut self.recv, MAX_FRAME))
            .await
            .unwrap()
            .ok()
            .flatten()
    }
}

#[tokio::test]
async fn nobody_registers_what_they_cannot_prove() {
    let certificate = Certificate::new();
    let relay = relay(&certificate);
    let salts = [salt(1)];
    type Change = fn(&mut Register);
    let changes: [(&str, Change); 4] = [
        ("another's key", |r| {
            r.route_key = RouteSecret::from_bytes([1; 32]).public()
        }),
        ("another salt", |r| r.salts[0] = salt(9)),
        ("another number", |r| r.id = 2),
        ("another proof", |r| r.proof.0[0] ^= 1),
    ];
    for (what, change) in changes {
        let mut own = Own::new(&certificate, &relay).await;
        let mut register = own.registration(2, 1, &salts, "localhost", "localhost");
        change(&mut register);
        assert_eq!(
            code(own.say(&Message::Register(register)).await),
            RefusalCode::Unauthorised,
            "{what}"
        );
    }

    // What was proven to another relay, or on another link, is worth nothing here.
    let mut own = Own::new(&certificate, &relay).await;
    let register = own.registration(2, 1, &salts, "localhost", "relay.example.org");
    assert_eq!(
        code(own.say(&Message::Register(register)).await),
        RefusalCode::Unauthorised
    );
    let (first, mut second) = (
        Own::new(&certificate, &relay).await,
        Own::new(&certificate, &relay).await,
    );
    let register = first.registration(2, 1, &salts, "localhost", "localhost");
    assert_eq!(
        code(second.say(&Message::Register(register)).await),
        RefusalCode::Unauthorised
    );

    // A registration that was good is good once.
    let mut own = Own::new(&certificate, &relay).await;
    let register = Message::Register(own.registration(2, 1, &salts, "LOCALHOST", "LOCALHOST"));
    assert!(matches!(
        own.say(&register).await,
        Some(Message::Registered(_))
    ));
    assert_eq!(code(own.say(&register).await), RefusalCode::Malformed);
}

#[tokio::test]
async fn an_agent_that_registers_and_never_answers_is_offline() {
    let certificate = Certificate::new();
    let relay = hasty(&certificate, |t| t.answer = Duration::from_millis(300));
    let mut own = Own::new(&certificate, &relay).await;
    let register = own.registration(2, 1, &[salt(1)], "localhost", "localhost");
    let registered = own.say(&Message::Register(register)).await;
    assert!(matches!(registered, Some(Message::Registered(_))));
    for carriers in [Carrier::Quic, Carrier::WebSocket].map(CarrierChoice::Only) {
        let dialled = dialler(&relay, carriers)
            .dial(&address(&relay), route(2, salt(1)))
            .await;
        let Err(LinkError::Refused(refusal)) = dialled.map(drop) else {
            panic!("not refused");
        };
        assert_eq!(refusal.code, RefusalCode::Offline);
    }
    eventually("nothing is left", || {
        metric(&relay, "deputy_relay_streams") == 0
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_asks_without_end_is_ended() {
    let certificate = Certificate::new();
    let mut config = config();
    config.certificate = certificate.source();
    config.limits.requests = Rate {
        burst: 5.0,
        per_second: 0.01,
    };
    let relay = Relay::start(config).unwrap();
    let mut own = Own::new(&certificate, &relay).await;
    for id in 1..=5 {
        let register = own.registration(2, id, &[salt(1)], "localhost", "localhost");
        assert!(matches!(
            own.say(&Message::Register(register)).await,
            Some(Message::Registered(_))
        ));
    }
    let register = own.registration(2, 6, &[salt(1)], "localhost", "localhost");
    assert_eq!(
        code(own.say(&Message::Register(register)).await),
        RefusalCode::RateLimited
    );
    timeout(PATIENCE, own.connection.closed()).await.unwrap();
    eventually("the agent is gone", || {
        metric(&relay, "deputy_relay_agents") == 0
    })
    .await;
}

#[tokio::test]
async fn a_second_agent_cannot_take_a_route() {
    let certificate = Certificate::new();
    let relay = relay(&certificate);
    let _link = {
        let mut config = agent_config(&relay, 1, CarrierChoice::Any);
        config.trust = certificate.trust();
        let (link, arrivals) = deputy_link::AgentLink::start(config, vec![salt(1)]);
        tokio::spawn(echo_all(arrivals));
        linked(&link).await;
        link
    };
    // With its own key and the victim's salt it gets another route.
    let mut own = Own::new(&certificate, &relay).await;
    let register = own.registration(2, 1, &[salt(1)], "localhost", "localhost");
    let Some(Message::Registered(registered)) = own.say(&Message::Register(register)).await else {
        panic!("not registered");
    };
    assert_eq!(registered.routes, [route(2, salt(1))]);
    assert_ne!(registered.routes, [route(1, salt(1))]);
    // Nor can it revoke the victim's.
    let unregister = deputy_protocol::link::Unregister {
        id: 2,
        routes: vec![route(1, salt(1))],
    };
    assert!(matches!(
        own.say(&Message::Unregister(unregister)).await,
        Some(Message::Unregistered(_))
    ));

    let dialler = dialler(&relay, CarrierChoice::Any);
    let mut stream = dialler
        .dial(&address(&relay), route(1, salt(1)))
        .await
        .unwrap();
    assert_eq!(
        round_trip(&mut stream, b"still mine").await.unwrap(),
        b"still mine"
    );
}

#[tokio::test]
async fn tickets_cannot_be_guessed_and_agents_must_register_in_time() {
    let certificate = Certificate::new();
    let relay = hasty(&certificate, |t| t.register = Duration::from_millis(300));
    let (mut reader, mut writer) = websocket(&certificate, &relay).await;
    write_message(&mut writer, &hello(Role::Acceptor, &[1]))
        .await
        .unwrap();
    let accept = Message::Accept(Accept {
        ticket: "AAAAAAAAAAAAAAAAAAAAAA".into(),
    });
    write_message(&mut writer, &accept).await.unwrap();
    assert!(matches!(
        read_message(&mut reader, MAX_FRAME).await,
        Ok(Some(Message::Welcome(_)))
    ));
    assert_eq!(
        code(read_message(&mut reader, MAX_FRAME).await.unwrap()),
        RefusalCode::Timeout
    );

    let mut own = Own::new(&certificate, &relay).await;
    let said = timeout(PATIENCE, read_message(&mut own.recv, MAX_FRAME))
        .await
        .unwrap();
    assert_eq!(code(said.unwrap()), RefusalCode::Timeout);
    timeout(PATIENCE, own.connection.closed()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_nothing_and_a_stream_without_a_dial_are_ended() {
    let certificate = Certificate::new();
    let relay = hasty(&certificate, |t| {
        t.hello = Duration::from_secs(2);
        t.unused = Duration::from_millis(300);
    });
    let connection = certificate.quic(&relay, ALPN).await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    write_message(&mut send, &hello(Role::Client, &[1]))
        .await
        .unwrap();
    assert!(matches!(
        read_message(&mut recv, MAX_FRAME).await,
        Ok(Some(Message::Welcome(_)))
    ));
    let (mut half, mut answer) = connection.open_bi().await.unwrap();
    half.write_all(b"\0").await.unwrap();
    let refused: Refusal = match read_message(&mut answer, MAX_FRAME).await {
        Ok(Some(Message::Refused(refusal))) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused.code, RefusalCode::Timeout);
    timeout(PATIENCE, connection.closed()).await.unwrap();
    eventually("nothing is left", || {
        metric(&relay, "deputy_relay_connections{") == 0
    })
    .await;
}

#[tokio::test]
async fn a_client_whose_connection_breaks_is_no_clean_end_for_the_agent() {
    let certificate = Certificate::new();
    let relay = relay(&certificate);
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let mut config = agent_config(&relay, 1, CarrierChoice::Only(carrier));
        config.trust = certificate.trust();
        let (link, mut arrivals) = deputy_link::AgentLink::start(config, vec![salt(1)]);
        linked(&link).await;
        let connection = certificate.quic(&relay, ALPN).await.unwrap();
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        write_message(&mut send, &hello(Role::Client, &[1]))
            .await
            .unwrap();
        assert!(matches!(
            read_message(&mut recv, MAX_FRAME).await,
            Ok(Some(Message::Welcome(_)))
        ));
        let (mut dial, _answers) = connection.open_bi().await.unwrap();
        let to = Message::Dial(Dial {
            route: route(1, salt(1)),
        });
        write_message(&mut dial, &to).await.unwrap();
        dial.write_all(b"half a sen").await.unwrap();
        let mut stream = timeout(PATIENCE, arrivals.recv())
            .await
            .unwrap()
            .unwrap()
            .stream;
        let mut heard = [0; 10];
        stream.read_exact(&mut heard).await.unwrap();
        connection.close(0u32.into(), b"");
        let end = timeout(PATIENCE, stream.read(&mut heard)).await.unwrap();
        assert!(
            end.is_err(),
            "{carrier:?}: the agent takes half a sentence for a whole one"
        );
        eventually("counted", || metric(&relay, "deputy_relay_streams") == 0).await;
        link.stop().await;
    }
}

#[tokio::test]
async fn a_quic_connection_that_opens_no_stream_is_ended() {
    let certificate = Certificate::new();
    let relay = hasty(&certificate, |t| t.hello = Duration::from_millis(300));
    let connection = certificate.quic(&relay, ALPN).await.unwrap();
    timeout(PATIENCE, connection.closed()).await.unwrap();
    eventually("nothing is left", || {
        metric(&relay, "deputy_relay_connections{") == 0
    })
    .await;
}

#[tokio::test]
async fn under_load_addresses_must_be_shown_to_be_real() {
    let certificate = Certificate::new();
    let mut config = config();
    config.certificate = certificate.source();
    config.limits.unproven = 0;
    let relay = Relay::start(config).unwrap();
    certificate.quic(&relay, ALPN).await.unwrap();
    assert_eq!(metric(&relay, "deputy_relay_retries_total"), 1);
}

/// holochain/kitsune2 #524: connections that stall in the handshake and stay.
#[tokio::test]
async fn silence_at_every_stage_of_tcp_is_ended() {
    let certificate = Certificate::new();
    let relay = hasty(&certificate, |t| {
        t.hello = Duration::from_secs(2);
        t.handshake = Duration::from_secs(2);
    });
    // Before TLS, within TLS, within HTTP, and after the upgrade.
    let mut bare = tokio::net::TcpStream::connect(relay.address())
        .await
        .unwrap();
    let mut half = tokio::net::TcpStream::connect(relay.address())
        .await
        .unwrap();
    half.write_all(b"\x16\x03\x01\x02").await.unwrap();
    let mut tls = certificate.tls_stream(&relay).await;
    tls.write_all(b"GET /deputy/link HTTP/1.1\r\nHost: lo")
        .await
        .unwrap();
    let (mut reader, writer) = websocket(&certificate, &relay).await;
    let mut rest = Vec::new();
    timeout(PATIENCE, bare.read_to_end(&mut rest))
        .await
        .unwrap()
        .ok();
    timeout(PATIENCE, half.read_to_end(&mut rest))
        .await
        .unwrap()
        .ok();
    timeout(PATIENCE, tls.read_to_end(&mut rest))
        .await
        .unwrap()
        .ok();
    let refused = timeout(PATIENCE, read_message(&mut reader, MAX_FRAME))
        .await
        .unwrap();
    assert_eq!(code(refused.unwrap()), RefusalCode::Timeout);
    drop(writer);
    eventually("nothing is left", || {
        metric(&relay, "deputy_relay_connections{") == 0
    })
    .await;
}

#[tokio::test]
async fn the_web_page_says_what_this_is_and_nothing_else_is_there() {
    let certificate = Certificate::new();
    let relay = relay(&certificate);
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"),
        (
            "GET /deputy/link HTTP/1.1\r\nHost: x\r\n\r\n",
            "HTTP/1.1 426",
        ),
        ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404"),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 404",
        ),
        ("nonsense\r\n\r\n", "HTTP/1.1 400"),
    ] {
        let mut tls = certificate.tls_stream(&relay).await;
        tls.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, tls.read_to_end(&mut answer))
            .await
            .unwrap()
            .ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(expected), "{request:?}: {answer}");
    }
}
