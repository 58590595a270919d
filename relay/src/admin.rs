//! Health and metrics, in plain HTTP on a port of their own.

use crate::hub::Hub;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::sleep;

/// Serves until the relay has stopped.
pub(crate) async fn serve(hub: Arc<Hub>, listener: TcpListener) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let hub = hub.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(&hub, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let serving = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(tcp), service);
            // Whoever asked has gone.
            let _ = serving.await;
        });
    }
}

fn answer(hub: &Hub, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, text) = match request.uri().path() {
        // Alive: the process answers.
        "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
        // Ready: new connections are welcome.
        "/readyz" if hub.draining.is_cancelled() => {
            (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned())
        }
        #[cfg(feature = "acme")]
        "/readyz" => ready(&hub.certificate_state()),
        #[cfg(not(feature = "acme"))]
        "/readyz" => (StatusCode::OK, "ok\n".to_owned()),
        "/metrics" => (StatusCode::OK, hub.metrics_text()),
        _ => (
            StatusCode::NOT_FOUND,
            "/healthz /readyz /metrics\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Without a certificate that is good nobody gets in, so newcomers are better sent elsewhere.
#[cfg(feature = "acme")]
fn ready(certificate: &crate::metrics::CertificateState) -> (StatusCode, String) {
    let progress = certificate.progress.as_ref();
    let error = progress.and_then(|p| p.error.as_ref());
    let tried = error.map(|error| format!("the last order failed: {error}\n"));
    let tried = tried.unwrap_or_default();
    match certificate.seconds_left {
        Some(left) if left <= 0 => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the certificate expired {} seconds ago\n{tried}", -left),
        ),
        Some(left) => (
            StatusCode::OK,
            format!("ok\nthe certificate is good for {left} more seconds\n{tried}"),
        ),
        None if progress.is_some() => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("there is no certificate yet\n{tried}"),
        ),
        // One of files, whose end cannot be read: it is in use all the same.
        None => (StatusCode::OK, "ok\n".to_owned()),
    }
}
