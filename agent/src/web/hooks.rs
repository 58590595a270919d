//! `POST /hooks/<automation>/<name>`: a local webhook. `202` means that the item is on disk; any
//! other answer means that nothing was taken.

use super::{Reply, answer, refuse};
use crate::control::{Control, Hook, HookRefused};
use deputy_protocol::ErrorBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Request, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// The largest body, in bytes.
const MAX_BODY: usize = 1 << 20;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// What a sender is asked to wait for when the queue is full, in seconds.
const FULL_PAUSE: u32 = 60;

pub(super) async fn take(
    control: &Control,
    automation: &str,
    name: &str,
    request: Request<Incoming>,
) -> Reply {
    let token = token(&request).unwrap_or_default();
    let key = match key(&request) {
        Ok(key) => key,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error),
    };
    // Nobody without the token makes the agent read a body.
    if let Err(refused) = control.webhook_known(automation, name, &token).await {
        return refused_reply(refused);
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect();
    let payload = match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => payload(&body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the body is larger than {MAX_BODY} bytes; nothing was taken");
            return refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                &ErrorBody::new("too_large", message, "send less"),
            );
        }
        Ok(Err(error)) => {
            let message = format!("the body could not be read: {error}; nothing was taken");
            return refuse(
                StatusCode::BAD_REQUEST,
                &ErrorBody::new("bad_request", message, ""),
            );
        }
        Err(_) => {
            return refuse(
                StatusCode::REQUEST_TIMEOUT,
                &ErrorBody::new("timeout", "the body took too long; nothing was taken", ""),
            );
        }
    };
    let hook = Hook {
        automation,
        name,
        token: &token,
        key: key.as_deref(),
    };
    match control.webhook(&hook, payload).await {
        Ok(input) => answer(StatusCode::ACCEPTED, &json!({"input": input})),
        Err(refused) => refused_reply(refused),
    }
}

fn refused_reply(refused: HookRefused) -> Reply {
    match refused {
        HookRefused::Unknown(error) => refuse(StatusCode::NOT_FOUND, &error),
        HookRefused::Token(error) => {
            let mut reply = refuse(StatusCode::UNAUTHORIZED, &error);
            reply
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            reply
        }
        HookRefused::Full(error) => {
            let mut reply = refuse(StatusCode::TOO_MANY_REQUESTS, &error);
            reply
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(FULL_PAUSE));
            reply
        }
        HookRefused::Failed(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, &error),
    }
}

/// The secret: `Authorization: Bearer …`, or `?token=…` for senders that set no headers.
fn token(request: &Request<Incoming>) -> Option<String> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim().to_owned());
    }
    url::form_urlencoded::parse(request.uri().query()?.as_bytes())
        .find(|(name, _)| name == "token")
        .map(|(_, token)| token.into_owned())
}

fn key(request: &Request<Incoming>) -> Result<Option<String>, ErrorBody> {
    let Some(header) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    match header.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_KEY => Ok(Some(key.to_owned())),
        _ => Err(ErrorBody::new(
            "usage",
            format!("an Idempotency-Key has 1 to {MAX_KEY} plain characters; nothing was taken"),
            "",
        )),
    }
}

/// A JSON body as it is, any other as `{text}`.
fn payload(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| json!({"text": String::from_utf8_lossy(body).into_owned()}))
}
