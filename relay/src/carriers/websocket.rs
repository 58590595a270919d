//! The TCP port: WebSockets over TLS, for networks that block UDP.
//!
//! Each WebSocket is one stream: an agent's control channel, a client's dial, or an agent's answer
//! to a dial that was announced on its control channel.

use super::{Carrier, Duplex};
#[cfg(feature = "acme")]
use crate::acme;
use crate::hub::{Admission, Farewell, Hub, Streams};
use crate::links;
use bytes::Bytes;
use deputy_link::pipe;
use deputy_protocol::link::{Binding, EXPORTER_LABEL, Message, PATH, Refusal, RefusalCode, Role};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
#[cfg(feature = "acme")]
use rustls::server::Acceptor;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
#[cfg(feature = "acme")]
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
#[cfg(feature = "acme")]
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol;

/// What a WebSocket of the relay runs over.
pub(crate) type Socket = TokioIo<Upgraded>;

const PAGE: &str =
    "This is a Deputy relay. It joins people with their agents and cannot read what they say.\n";

/// One connection, before it is a WebSocket.
struct Visit {
    hub: Arc<Hub>,
    address: SocketAddr,
    admitted: std::sync::Mutex<Option<Result<Admission, Farewell>>>,
    binding: Option<Binding>,
}

/// Takes connections until the relay stops.
pub(crate) async fn accept(hub: Arc<Hub>, listener: TcpListener, tls: ServerConfig) {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = hub.draining.cancelled() => return,
        };
        let Ok((tcp, address)) = accepted else {
            // Out of file descriptors, mostly: some will be given back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        if hub.is_full() {
            continue;
        }
        tokio::spawn(visit(hub.clone(), acceptor.clone(), tcp, address));
    }
}

async fn visit(hub: Arc<Hub>, acceptor: TlsAcceptor, tcp: TcpStream, address: SocketAddr) {
    let Some(admitted) = hub.admit(address.ip(), Carrier::WebSocket) else {
        return;
    };
    let patience = hub.config.timeouts.handshake;
    // Latency counts more than packets; a socket without that option works too.
    let _ = tcp.set_nodelay(true);
    let tls = match timeout(patience, shake_hands(&hub, &acceptor, tcp)).await {
        Ok(Ok(Some(tls))) => tls,
        Ok(Ok(None)) => return,
        Ok(Err(_)) | Err(_) => {
            hub.metrics
                .failed_handshakes
                .fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    let binding = tls
        .get_ref()
        .1
        .export_keying_material([0; 32], EXPORTER_LABEL, Some(b""))
        .ok()
        .map(Binding);
    let visit = Arc::new(Visit {
        hub,
        address,
        admitted: std::sync::Mutex::new(Some(admitted)),
        binding,
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(16 * 1024)
        .max_headers(64)
        .serve_connection(
            TokioIo::new(tls),
            service_fn(move |request| {
                let visit = visit.clone();
                async move { Ok::<_, std::convert::Infallible>(visit.answer(request)) }
            }),
        )
        .with_upgrades();
    // Whatever goes wrong here is the other side's loss alone.
    let _ = serving.await;
}

/// TLS with whoever came; `None` when that was an authority's check, which is over then.
#[cfg(not(feature = "acme"))]
async fn shake_hands(
    _hub: &Hub,
    acceptor: &TlsAcceptor,
    tcp: TcpStream,
) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    acceptor.accept(tcp).await.map(Some)
}

/// TLS with whoever came; `None` when that was an authority's check, which is over then.
#[cfg(feature = "acme")]
async fn shake_hands(
    hub: &Hub,
    acceptor: &TlsAcceptor,
    tcp: TcpStream,
) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    let Some(keeper) = hub.certificates.keeper() else {
        return acceptor.accept(tcp).await.map(Some);
    };
    let started = LazyConfigAcceptor::new(Acceptor::default(), tcp).await?;
    let Some(name) = acme::asked(&started.client_hello()) else {
        let config = acceptor.config().clone();
        return started.into_stream(config).await.map(Some);
    };
    let nothing = || std::io::Error::other("no such challenge");
    let token = match keeper.token(&name) {
        Some(token) => token,
        // The authority may have landed at another relay of the name than the one that ordered.
        None if keeper.wants(&name) => hub.token_of_others(&name).await.ok_or_else(nothing)?,
        None => return Err(nothing()),
    };
    let config = keeper
        .answer(&name, &token)
        .map_err(std::io::Error::other)?;
    let mut tls = started.into_stream(Arc::new(config)).await?;
    // It has seen what it wanted and hangs up.
    let _ = tls.shutdown().await;
    Ok(None)
}

impl Visit {
    fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, PATH) => self.upgrade(request),
            (&Method::GET, path) => {
                let found = { self.hub.page.as_ref() }
                    .and_then(|page| page.answer(path, request.headers()));
                match (found, path) {
                    (Some(found), _) => found,
                    (None, "/") => page(StatusCode::OK, PAGE),
                    _ => page(StatusCode::NOT_FOUND, "There is nothing here.\n"),
                }
            }
            _ => page(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        }
    }

    fn upgrade(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let headers = request.headers();
        let key = headers.get(SEC_WEBSOCKET_KEY).cloned();
        let (true, Some(key)) = (wants_websocket(headers), key) else {
            return page(
                StatusCode::UPGRADE_REQUIRED,
                "Deputy's clients speak WebSocket here.\n",
            );
        };
        let admitted = self
            .admitted
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .take();
        let Some(admitted) = admitted else {
            return page(
                StatusCode::BAD_REQUEST,
                "One request for each connection, please.\n",
            );
        };
        let upgrading = hyper::upgrade::on(&mut request);
        let (hub, address, binding) = (self.hub.clone(), self.address, self.binding);
        tokio::spawn(async move {
            let upgraded = timeout(hub.config.timeouts.handshake, upgrading).await;
            if let Ok(Ok(upgraded)) = upgraded {
                serve(hub, upgraded, address, admitted, binding).await;
            }
        });
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = derive_accept_key(key.as_bytes()).parse() {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

async fn serve(
    hub: Arc<Hub>,
    upgraded: Upgraded,
    address: SocketAddr,
    admitted: Result<Admission, Farewell>,
    binding: Option<Binding>,
) {
    let io = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, protocol::Role::Server, Some(pipe::config()));
    let (reader, writer) = pipe::split(socket.await);
    let refusal = admitted
        .as_ref()
        .err()
        .map(|farewell| farewell.refusal.clone());
    let stream = Duplex::websocket(reader, writer);
    let greeted = Box::pin(links::greet(&hub, stream, refusal)).await;
    let (Some(greeted), Ok(admission)) = (greeted, admitted) else {
        return;
    };
    tracing::debug!(
        carrier = Carrier::WebSocket.name(),
        role = ?greeted.role,
        version = greeted.version,
        from = hub.shown(address),
        "linked"
    );
    let mut stream = greeted.stream;
    match greeted.role {
        Role::Agent => {
            let (Some(secret), Some(binding)) = (greeted.secret, binding) else {
                return stream.refuse(Refusal::new(RefusalCode::Unsupported)).await;
            };
            let arrived = links::agent::Arrived {
                stream,
                secret,
                binding,
                streams: Streams::Fetched,
                silent: Some(hub.config.timeouts.silent),
            };
            links::agent::serve(hub, arrived).await;
        }
        Role::Client => links::client::dial(hub, stream, admission.key).await,
        Role::Acceptor => match links::first_message(&hub, &mut stream.source).await {
            Ok(Some(Message::Accept(accept))) => {
                hub.fetched(stream, &accept.ticket, admission).await
            }
            Ok(None) => {}
            Ok(Some(_)) => stream.refuse(Refusal::new(RefusalCode::Malformed)).await,
            Err(refusal) => stream.refuse(refusal).await,
        },
    }
}

fn wants_websocket(headers: &HeaderMap) -> bool {
    let lists = |name, word: &str| {
        headers.get_all(name).iter().any(|value| {
            value
                .to_str()
                .is_ok_and(|text| text.split(',').any(|w| w.trim().eq_ignore_ascii_case(word)))
        })
    };
    lists(CONNECTION, "upgrade")
        && lists(UPGRADE, "websocket")
        && lists(SEC_WEBSOCKET_VERSION, "13")
}

fn page(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
