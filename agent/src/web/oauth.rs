//! `GET /oauth/callback`: a browser that comes back from signing in at a connection's provider. What it
//! brings counts once, and only where a sign-in waits for it; the page that it gets says what came of it.

use super::Reply;
use super::page::put;
use crate::control::Control;
use crate::tools::escape_html;
use deputy_link::page;
use http_body_util::Full;
use hyper::{Response, StatusCode};

/// In place of the page's own: a style within it, no script, nothing from elsewhere. The address holds
/// what must not be told on.
const HEADERS: &[(&str, &str)] = &[
    ("content-type", "text/html; charset=utf-8"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];

const STYLE: &str = ":root{color-scheme:light dark}body{font:1.0625rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.25rem}h1{font-size:1.5rem;margin:0 0 .5rem}p{margin:0 0 .75rem;overflow-wrap:anywhere}.also{opacity:.75}";

pub(super) async fn back(control: &Control, query: &str) -> Reply {
    let (taking, query) = (control.clone(), query.to_owned());
    // By itself: a window that is closed early must not lose what it brought.
    let taken = { &control.executor.parts.conversations }
        .spawn(async move { taking.sign_in_query(&query).await });
    match taken.await.ok().flatten() {
        Some(done) if done.state == "signed_in" => told(
            StatusCode::OK,
            &format!("Signed in to “{}”", done.connection),
            &done.message.unwrap_or_default(),
            "You can close this window. What waited for this goes on by itself.",
        ),
        Some(done) => told(
            StatusCode::BAD_REQUEST,
            &format!("Not signed in to “{}”", done.connection),
            &done.message.unwrap_or_default(),
            &format!("Try again: deputy connection sign-in {}", done.connection),
        ),
        None => told(
            StatusCode::BAD_REQUEST,
            "Nobody waits for this",
            "A sign-in is good once, for ten minutes, and another one ends it. Nothing was taken of this.",
            "Begin again: deputy connection sign-in NAME",
        ),
    }
}

fn told(status: StatusCode, title: &str, message: &str, also: &str) -> Reply {
    let [title, message, also] = [title, message, also].map(escape_html);
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Deputy</title><style>{STYLE}</style><h1>{title}</h1><p>{message}</p><p class=\"also\">{also}</p></html>"
    );
    let mut reply = Response::new(Full::from(body));
    *reply.status_mut() = status;
    put(&mut reply, page::protection());
    put(&mut reply, HEADERS.iter().copied());
    reply
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn what_a_provider_says_is_text_and_runs_nothing() {
        let reply = told(StatusCode::OK, "a", "<script>alert(1)</script>", "\"&'");
        let policy = reply.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"));
        assert_eq!(reply.headers()["referrer-policy"], "no-referrer");
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(!body.contains("<script"), "{body}");
        assert!(body.contains("&lt;script&gt;"), "{body}");
    }
}
