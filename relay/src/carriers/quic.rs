//! The UDP port: QUIC for agents and native clients, WebTransport for browsers, told apart by their
//! ALPN.

use super::{Carrier, Duplex};
use crate::error::RelayError;
use crate::hub::{Admission, Hub, Streams};
use crate::links::{self, Greeted};
use crate::tls::server_config;
use deputy_protocol::link::{ALPN, Binding, CloseCode, EXPORTER_LABEL, PATH, Refusal, Role};
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{Endpoint, Incoming, TransportConfig, VarInt};
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use web_transport_quinn as wt;

/// Streams that a connection may open before its hello: the control channel, and what HTTP/3
/// needs.
const EARLY_STREAMS: u32 = 4;
/// How long words of farewell may take to arrive.
const FAREWELL: Duration = Duration::from_secs(2);

/// Many streams on one connection.
#[derive(Clone)]
pub(crate) enum Connection {
    Quic(quinn::Connection),
    /// Boxed: it is a hundred times the size of the other.
    WebTransport(Box<wt::Session>),
}

impl Connection {
    /// The next stream that the other side opens; `None` when the connection ended.
    pub(crate) async fn accept(&self) -> Option<Duplex> {
        match self {
            Self::Quic(connection) => connection.accept_bi().await.ok().map(Duplex::quic),
            Self::WebTransport(session) => session.accept_bi().await.ok().map(Duplex::webtransport),
        }
    }

    fn close(&self, code: CloseCode) {
        match self {
            Self::Quic(connection) => connection.close(code.number().into(), b""),
            Self::WebTransport(session) => session.close(code.number(), b""),
        }
    }

    fn raw(&self) -> &quinn::Connection {
        match self {
            Self::Quic(connection) => connection,
            Self::WebTransport(session) => session,
        }
    }

    /// Waits until what was said has arrived, or a moment; then closes.
    async fn close_after_words(&self, code: CloseCode) {
        let _ = timeout(FAREWELL, self.raw().closed()).await;
        self.close(code);
    }
}

/// Binds the UDP port.
pub(crate) fn bind(hub: &Hub, socket: UdpSocket) -> Result<Endpoint, RelayError> {
    let certificates = &hub.certificates;
    let tls = server_config(certificates, &[ALPN, wt::ALPN.as_bytes()])?;
    let crypto = QuicServerConfig::try_from(tls).map_err(|e| RelayError::Tls(e.to_string()))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport(hub)))
        // A moving phone keeps its connection.
        .migration(true);
    let address = hub.config.listen;
    let listen = |reason| RelayError::Listen {
        address,
        what: "QUIC over UDP",
        reason,
    };
    let runtime = Arc::new(quinn::TokioRuntime);
    Endpoint::new(
        endpoint(certificates.reset_secret()),
        Some(config),
        socket,
        runtime,
    )
    .map_err(listen)
}

/// Whoever speaks to the relay that was here before learns at once that it is no more, instead of when
/// its patience ends: for that, the numbers of connections must be known by their look again, too.
fn endpoint(secret: &[u8; 32]) -> quinn::EndpointConfig {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let mut look = [0; 8];
    look.copy_from_slice(&ring::hmac::sign(&key, b"connection ids").as_ref()[..8]);
    let look = u64::from_be_bytes(look);
    let mut config = quinn::EndpointConfig::new(Arc::new(key));
    config
        .cid_generator(move || Box::new(quinn_proto::HashedConnectionIdGenerator::from_key(look)));
    config
}

fn transport(hub: &Hub) -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(EARLY_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(EARLY_STREAMS))
        .stream_receive_window(VarInt::from_u32(hub.config.limits.stream_window))
        // Cannot fail: it is far below the largest.
        .max_idle_timeout(hub.config.timeouts.silent.try_into().ok())
        .datagram_receive_buffer_size(None);
    transport
}

/// Takes connections until the endpoint is closed.
pub(crate) async fn accept(hub: Arc<Hub>, endpoint: Endpoint) {
    let handshakes = Arc::new(AtomicU32::new(0));
    while let Some(incoming) = endpoint.accept().await {
        let waiting = handshakes.load(Ordering::Relaxed);
        let many = waiting >= hub.config.limits.handshakes;
        if many || hub.draining.is_cancelled() || hub.is_full() {
            incoming.refuse();
            continue;
        }
        let proven = incoming.remote_address_validated();
        if !proven && waiting >= hub.config.limits.unproven && incoming.may_retry() {
            hub.metrics.retries.fetch_add(1, Ordering::Relaxed);
            // Fails only when it may not be retried.
            let _ = incoming.retry();
            continue;
        }
        handshakes.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(shake_hands(hub.clone(), incoming, handshakes.clone()));
    }
}

/// The handshake, in time. What follows is a task of its own, which does not carry the size of this
/// one.
async fn shake_hands(hub: Arc<Hub>, incoming: Incoming, handshakes: Arc<AtomicU32>) {
    let shaken = async {
        let connection = incoming.accept().ok()?.await.ok()?;
        let data = connection
            .handshake_data()?
            .downcast::<HandshakeData>()
            .ok()?;
        Some((connection, data.protocol?))
    };
    let shaken = timeout(hub.config.timeouts.handshake, shaken).await;
    handshakes.fetch_sub(1, Ordering::Relaxed);
    let Ok(Some((connection, protocol))) = shaken else {
        hub.metrics
            .failed_handshakes
            .fetch_add(1, Ordering::Relaxed);
        return;
    };
    if protocol == ALPN {
        tokio::spawn(serve(hub, Connection::Quic(connection), Carrier::Quic));
        return;
    }
    let session = async {
        let request = wt::Request::accept(connection).await.ok()?;
        if request.url.path() != PATH {
            // Whoever asks for something else does not wait for the reason.
            let _ = request.reject(wt::http::StatusCode::NOT_FOUND).await;
            return None;
        }
        request.ok().await.ok()
    };
    match timeout(hub.config.timeouts.handshake, session).await {
        Ok(Some(session)) => {
            let connection = Connection::WebTransport(Box::new(session));
            tokio::spawn(serve(hub, connection, Carrier::WebTransport));
        }
        Ok(None) | Err(_) => {
            hub.metrics
                .failed_handshakes
                .fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn serve(hub: Arc<Hub>, connection: Connection, carrier: Carrier) {
    let address = connection.raw().remote_address();
    let Some(admitted) = hub.admit(address.ip(), carrier) else {
        return connection.close(CloseCode::Refused);
    };
    let hello = timeout(hub.config.timeouts.hello, connection.accept()).await;
    let Ok(Some(control)) = hello else {
        return connection.close(CloseCode::Timeout);
    };
    let refusal = admitted
        .as_ref()
        .err()
        .map(|farewell| farewell.refusal.clone());
    let greeted = Box::pin(links::greet(&hub, control, refusal)).await;
    let (Some(greeted), Ok(admission)) = (greeted, admitted) else {
        return connection.close_after_words(CloseCode::Refused).await;
    };
    tracing::debug!(
        carrier = carrier.name(),
        role = ?greeted.role,
        version = greeted.version,
        from = hub.shown(address),
        "linked"
    );
    // Tasks of their own, for the same reason as above.
    match greeted.role {
        Role::Agent => {
            tokio::spawn(serve_agent(hub, connection, greeted, admission));
        }
        Role::Client => {
            tokio::spawn(serve_client(hub, connection, greeted, admission));
        }
        Role::Acceptor => {
            greeted.stream.refuse(links::client::not_here()).await;
            connection.close_after_words(CloseCode::Refused).await;
        }
    }
}

async fn serve_client(
    hub: Arc<Hub>,
    connection: Connection,
    greeted: Greeted,
    admission: Admission,
) {
    let streams = hub
        .config
        .limits
        .streams_per_connection
        .saturating_add(EARLY_STREAMS);
    connection
        .raw()
        .set_max_concurrent_bi_streams(VarInt::from_u32(streams));
    let client = links::client::serve(hub, connection.clone(), greeted.stream, admission.key);
    match client.await {
        CloseCode::GoingAway => connection.close_after_words(CloseCode::GoingAway).await,
        code => connection.close(code),
    }
    drop(admission);
}

async fn serve_agent(
    hub: Arc<Hub>,
    connection: Connection,
    greeted: Greeted,
    admission: Admission,
) {
    let raw = connection.raw().clone();
    let mut binding = [0; 32];
    let exported = raw.export_keying_material(&mut binding, EXPORTER_LABEL, b"");
    let (Ok(()), Some(secret), Connection::Quic(_)) = (exported, greeted.secret, &connection)
    else {
        // A browser is no agent.
        let refusal = Refusal::new(deputy_protocol::link::RefusalCode::Unsupported);
        greeted.stream.refuse(refusal).await;
        return connection.close_after_words(CloseCode::Refused).await;
    };
    let arrived = links::agent::Arrived {
        stream: greeted.stream,
        secret,
        binding: Binding(binding),
        streams: Streams::Quic(raw.clone()),
        silent: None,
    };
    let code = tokio::select! {
        code = links::agent::serve(hub.clone(), arrived) => code,
        _ = raw.closed() => CloseCode::Gone,
    };
    match code {
        // Its joined streams live on; the connection ends with them, by the agent or by silence.
        CloseCode::Done | CloseCode::GoingAway | CloseCode::Displaced => {
            tokio::select! {
                _ = raw.closed() => {}
                () = hub.stopping.cancelled() => {}
            }
        }
        CloseCode::Malformed
        | CloseCode::Timeout
        | CloseCode::Idle
        | CloseCode::Revoked
        | CloseCode::Refused
        | CloseCode::Gone => connection.close_after_words(code).await,
    }
    drop(admission);
}
