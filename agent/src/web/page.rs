//! The page: the built bundle of `ui-web`, as it was taken in when the agent was built.
//!
//! What a browser is told beside it is in [`deputy_link::page`], which relays serve it by, too.

use super::Reply;
use deputy_link::page;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

mod files {
    include!(concat!(env!("OUT_DIR"), "/page_files.rs"));
}

/// What is served where the page was not built.
const NO_PAGE: &str = "This agent was built without its page. Build it with `cargo xtask up`; until \
    then `deputy help` shows what the command line can do.\n";

/// The file of a path, in a form that an `Accept-Encoding` allows; the page itself for paths of its
/// own. `None` for a file that is not there.
pub(super) fn file(path: &str, accepted: &str) -> Option<Reply> {
    let find = |path: &str| {
        let found = files::FILES.iter().find(|(name, _)| *name == path);
        found.map(|(_, bytes)| *bytes)
    };
    let Some(served) = page::serve(path, accepted, find) else {
        return page::is_own_path(path).then(|| plain(NO_PAGE));
    };
    let mut reply = Response::new(Full::from(Bytes::from_static(served.file)));
    put(&mut reply, served.headers);
    Some(reply)
}

fn plain(text: &'static str) -> Reply {
    let mut reply = Response::new(Full::from(text));
    *reply.status_mut() = StatusCode::NOT_FOUND;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    put(&mut reply, page::protection());
    reply
}

pub(super) fn put(
    reply: &mut Reply,
    headers: impl IntoIterator<Item = (&'static str, &'static str)>,
) {
    for (name, value) in headers {
        let (name, value) = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        reply.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hyper::header::CONTENT_ENCODING;
    use page::INDEX;

    #[test]
    fn every_answer_forbids_what_a_page_could_be_made_to_do() {
        for path in ["/", "/runs/r1", INDEX] {
            let Some(reply) = file(path, "") else {
                assert_eq!(path, INDEX, "only where the page was not built");
                continue;
            };
            for (name, value) in page::protection() {
                assert_eq!(reply.headers().get(name).unwrap(), value);
            }
        }
        assert!(file("/assets/nothing.js", "gzip").is_none());
    }

    #[test]
    fn what_was_compressed_is_sent_so_to_those_who_take_it() {
        for (name, bytes) in files::FILES {
            let Some(name) = name.strip_suffix(".gz") else {
                continue;
            };
            let (small, whole) = (file(name, "gzip").unwrap(), file(name, "").unwrap());
            assert_eq!(small.headers()[CONTENT_ENCODING], "gzip");
            assert_eq!(small.headers()[CONTENT_TYPE], whole.headers()[CONTENT_TYPE]);
            assert!(whole.headers().get(CONTENT_ENCODING).is_none());
            // RFC 1952, 2.3.1: how every member begins.
            assert_eq!(&bytes[..3], &[0x1f, 0x8b, 8]);
        }
    }
}
