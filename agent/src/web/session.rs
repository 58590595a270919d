//! `GET /session?route=…`: a session over a plain WebSocket, for a page on this machine. What is said
//! in it is sealed from end to end like in any other; so nothing is trusted here but that a page of
//! another site cannot even open one.

use super::{Reply, refuse};
use crate::control::Control;
use crate::remote::Door;
use deputy_link::{LinkStream, accept_key};
use deputy_protocol::ErrorBody;
use deputy_protocol::link::RouteId;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HOST, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::Arc;

pub(super) fn open(control: &Control, mut request: Request<Incoming>) -> Reply {
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|v: &HeaderValue| v.to_str().ok())
    };
    let (host, origin) = (header(HOST).unwrap_or_default(), header(ORIGIN));
    // A browser always names the page that asks. Other programs may, but cannot lie for a browser.
    if origin.is_some_and(|origin| origin != format!("http://{host}")) {
        let message = "the request comes from a page of another site; nothing was done";
        return refuse(
            StatusCode::FORBIDDEN,
            &ErrorBody::new("wrong_origin", message, "open the agent's own page"),
        );
    }
    let (Some(key), true) = (
        header(SEC_WEBSOCKET_KEY).map(str::to_owned),
        header(UPGRADE).is_some_and(|to| to.eq_ignore_ascii_case("websocket")),
    ) else {
        let error = ErrorBody::new("usage", "a session is a WebSocket", "");
        return refuse(StatusCode::UPGRADE_REQUIRED, &error);
    };
    let query = request.uri().query().unwrap_or_default();
    let route = { query.strip_prefix("route=") }.and_then(|text| text.parse::<RouteId>().ok());
    // The page then knows that it belongs to another agent, and goes on to look for that.
    let Some(route) = route.filter(|route| control.remote.knows(route)) else {
        let error = ErrorBody::new("not_found", "nobody is expected there", "");
        return refuse(StatusCode::NOT_FOUND, &error);
    };
    let upgrading = hyper::upgrade::on(&mut request);
    let (remote, door) = (Arc::clone(&control.remote), control.clone());
    control.executor.parts.conversations.spawn(async move {
        if let Ok(upgraded) = upgrading.await {
            let stream = LinkStream::accepted(Box::new(TokioIo::new(upgraded))).await;
            let door: Arc<dyn Door> = Arc::new(door);
            remote.serve_here(&door, route, stream).await;
        }
    });
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    reply
}
