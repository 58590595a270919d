//! The agent's HTTP listener, on loopback unless the user says otherwise: `hooks.rs` takes local
//! webhooks, `oauth.rs` browsers that come back from signing in, `page.rs` serves the page, `session.rs`
//! its way to the agent. Whatever is added has a line in `route`.
//!
//! A page of another site in the user's browser can reach this port, too. So a request is answered
//! only when its `Host` is a loopback name or an address of this listener (a name that was rebound to
//! 127.0.0.1 is neither), nothing here says `Access-Control-Allow-…`, and every route but the page
//! itself asks for a secret.

mod hooks;
mod oauth;
mod page;
mod session;

use crate::control::Control;
use deputy_protocol::ErrorBody;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Where the agent listens when nothing else is said.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7434);

/// The most connections at a time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 64;

/// How long a client may take to send a request's head, or may idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// What a request is answered with.
type Reply = Response<Full<Bytes>>;

/// Begins to listen and serves until the agent stops. `wanted` is taken or nothing (the error names
/// it); without it the setting `listen` counts, then [`DEFAULT_LISTEN`], and another free port of
/// the same address is taken when theirs is in use. `None` when the setting says `off`.
pub async fn start(control: Control, wanted: Option<SocketAddr>) -> io::Result<Option<SocketAddr>> {
    let listener = match wanted {
        Some(address) => TcpListener::bind(address).await?,
        None => match control.listen_setting().await {
            Some(address) => bind_near(address).await?,
            None => return Ok(None),
        },
    };
    let address = listener.local_addr()?;
    control.listens_at(address);
    let conversations = control.executor.parts.conversations.clone();
    conversations.spawn(serve(control, listener));
    Ok(Some(address))
}

async fn bind_near(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(%address, "the port for webhooks is taken; using another");
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        bound => bound,
    }
}

async fn serve(control: Control, listener: TcpListener) {
    let stopping = control.executor.parts.stopping.clone();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, for one: the next client may have more luck.
                    tracing::warn!(%error, "a client could not be let in");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stopping.cancelled() => return,
        };
        let (control, stopping) = (control.clone(), stopping.clone());
        let conversations = control.executor.parts.conversations.clone();
        conversations.spawn(async move {
            tokio::select! {
                () = converse(control, stream) => {}
                () = stopping.cancelled() => {}
            }
            drop(permit);
        });
    }
}

async fn converse(control: Control, stream: TcpStream) {
    let Ok(here) = stream.local_addr() else {
        return;
    };
    let service = service_fn(move |request| {
        let control = control.clone();
        async move { Ok::<_, Infallible>(route(&control, here.ip(), request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a web client left");
    }
}

async fn route(control: &Control, here: IpAddr, request: Request<Incoming>) -> Reply {
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok());
    if !host.is_some_and(|host| is_ours(host, here)) {
        return refuse(
            StatusCode::MISDIRECTED_REQUEST,
            &ErrorBody::new(
                "wrong_host",
                "the request names another host; nothing was taken",
                "call the listener by its address, e.g. http://127.0.0.1:7434",
            ),
        );
    }
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["hooks", automation, name] => match *request.method() {
            Method::POST => hooks::take(control, automation, name, request).await,
            _ => only_post(),
        },
        ["session"] if *request.method() == Method::GET => session::open(control, request),
        ["oauth", "callback"] if *request.method() == Method::GET => {
            oauth::back(control, request.uri().query().unwrap_or_default()).await
        }
        ["hooks" | "oauth", ..] => nothing(),
        _ if *request.method() == Method::GET => {
            let encodings = request.headers().get(ACCEPT_ENCODING);
            let accepted = encodings.and_then(|e| e.to_str().ok()).unwrap_or_default();
            page::file(&path, accepted).unwrap_or_else(nothing)
        }
        _ => nothing(),
    }
}

fn nothing() -> Reply {
    let error = ErrorBody::new("not_found", "there is nothing here", "");
    refuse(StatusCode::NOT_FOUND, &error)
}

/// Whether a `Host` header names this listener: a loopback name or address, or the very address
/// that the connection came in on.
fn is_ours(host: &str, here: IpAddr) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.to_canonical() == here.to_canonical(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

fn only_post() -> Reply {
    let error = ErrorBody::new("usage", "a webhook is called with POST", "");
    let mut reply = refuse(StatusCode::METHOD_NOT_ALLOWED, &error);
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("POST"));
    reply
}

fn refuse(status: StatusCode, error: &ErrorBody) -> Reply {
    answer(status, &serde_json::json!({ "error": error }))
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Reply {
    let mut reply = Response::new(Full::from(body.to_string()));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_loopback_and_the_listeners_own_address_are_our_host() {
        let here: IpAddr = "192.168.1.5".parse().unwrap();
        for ours in [
            "localhost",
            "LOCALHOST:7434",
            "127.0.0.1:7434",
            "127.0.0.1",
            "[::1]:7434",
            "[::1]",
            "192.168.1.5:7434",
        ] {
            assert!(is_ours(ours, here), "{ours}");
        }
        for other in [
            "",
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org:7434",
            "192.168.1.6",
            "0.0.0.0",
            "[::ffff:8.8.8.8]",
        ] {
            assert!(!is_ours(other, here), "{other}");
        }
    }
}
