//! The page: the built bundle of `ui-web`, as it was taken in when the agent was built.
//!
//! What a browser is told beside it: nothing from elsewhere is loaded or framed, no script but the
//! bundle's runs, and the only ways out are the sessions to relays.

use super::Reply;
use deputy_link::page::{HEADERS, content_type};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use hyper::{Response, StatusCode};

mod files {
    include!(concat!(env!("OUT_DIR"), "/page_files.rs"));
}

const INDEX: &str = "/index.html";

/// What is served where the page was not built.
const NO_PAGE: &str = "This agent was built without its page. Build it with `cargo xtask up`; until \
    then `deputy help` shows what the command line can do.\n";

/// The file of a path, compressed where that is taken; the page itself for paths of its own (it finds its way by them). `None` for
/// a file that is not there.
pub(super) fn file(path: &str, takes_gzip: bool) -> Option<Reply> {
    let find = |path: &str| files::FILES.iter().find(|(name, _)| *name == path);
    let is_own_path = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let found = match find(path) {
        Some(found) => found,
        None if is_own_path => match find(INDEX) {
            Some(index) => index,
            None => return Some(plain(NO_PAGE)),
        },
        None => return None,
    };
    let (name, whole) = *found;
    // The build has left a compressed one beside each that becomes smaller by it.
    let compressed = match takes_gzip {
        true => find(&format!("{name}.gz")),
        false => None,
    };
    let bytes = compressed.map_or(whole, |(_, bytes)| *bytes);
    let mut reply = Response::new(Full::from(Bytes::from_static(bytes)));
    let kind = HeaderValue::from_static(content_type(name));
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("accept-encoding"));
    if compressed.is_some() {
        let gzip = HeaderValue::from_static("gzip");
        reply.headers_mut().insert(CONTENT_ENCODING, gzip);
    }
    // The names of assets change with their content.
    let keep = match name.starts_with("/assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let keep = HeaderValue::from_static(keep);
    reply.headers_mut().insert(CACHE_CONTROL, keep);
    Some(protected(reply))
}

fn plain(text: &'static str) -> Reply {
    let mut reply = Response::new(Full::from(text));
    *reply.status_mut() = StatusCode::NOT_FOUND;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    protected(reply)
}

fn protected(mut reply: Reply) -> Reply {
    for (name, value) in HEADERS {
        let (name, value) = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        reply.headers_mut().insert(name, value);
    }
    reply
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_answer_forbids_what_a_page_could_be_made_to_do() {
        for path in ["/", "/runs/r1", INDEX] {
            let Some(reply) = file(path, false) else {
                assert_eq!(path, INDEX, "only where the page was not built");
                continue;
            };
            for (name, value) in HEADERS {
                assert_eq!(reply.headers().get(*name).unwrap(), *value);
            }
        }
        assert!(file("/assets/nothing.js", true).is_none());
    }

    #[test]
    fn what_was_compressed_is_sent_so_to_those_who_take_it() {
        for (name, bytes) in files::FILES {
            let Some(name) = name.strip_suffix(".gz") else {
                continue;
            };
            let (small, whole) = (file(name, true).unwrap(), file(name, false).unwrap());
            assert_eq!(small.headers()[CONTENT_ENCODING], "gzip");
            assert_eq!(small.headers()[CONTENT_TYPE], whole.headers()[CONTENT_TYPE]);
            assert!(whole.headers().get(CONTENT_ENCODING).is_none());
            // RFC 1952, 2.3.1: how every member begins.
            assert_eq!(&bytes[..3], &[0x1f, 0x8b, 8]);
        }
    }
}
