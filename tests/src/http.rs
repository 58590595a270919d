//! A real HTTP server on loopback whose pages a test changes while it is read.

use crate::serve::Serving;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::{Request, Response};
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

/// What is served at a path.
#[derive(Clone, Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
    /// How many bytes are streamed after the body, without end in memory.
    pub more: u64,
}

impl Page {
    /// A page of a media type.
    pub fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            content_type: content_type.to_owned(),
            body: body.into(),
            more: 0,
        }
    }

    /// An HTML page.
    pub fn html(body: &str) -> Self {
        Self::new("text/html; charset=utf-8", body)
    }

    /// An RSS feed of `(id, title)`, newest first.
    pub fn feed(items: &[(&str, &str)]) -> Self {
        let items: String = items
            .iter()
            .map(|(id, title)| {
                format!("<item><guid isPermaLink=\"false\">{id}</guid><title>{title}</title><link>http://example.test/{id}</link></item>")
            })
            .collect();
        Self::new(
            "application/rss+xml",
            format!(
                "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>News</title><link>http://example.test/</link><description>d</description>{items}</channel></rss>"
            ),
        )
    }
}

#[derive(Default)]
struct Pages {
    at: HashMap<String, Page>,
    hits: HashMap<String, u64>,
}

/// The server; ends when dropped.
pub struct HttpServer {
    serving: Serving,
    pages: Arc<Mutex<Pages>>,
}

impl Default for HttpServer {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpServer {
    /// A server without pages, on a free port.
    pub fn new() -> Self {
        let pages = Arc::<Mutex<Pages>>::default();
        let shared = Arc::clone(&pages);
        let serving = Serving::new(move |_, request: Request<Incoming>| {
            let answer = answer(&shared, request.uri().path());
            async move { answer }
        });
        Self { serving, pages }
    }

    /// Serves a page at a path from now on.
    pub fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().at.insert(path.to_owned(), page);
    }

    /// Serves nothing (404) at a path from now on.
    pub fn remove(&self, path: &str) {
        self.pages.lock().unwrap().at.remove(path);
    }

    /// How often a path was asked for.
    pub fn hits(&self, path: &str) -> u64 {
        let pages = self.pages.lock().unwrap();
        pages.hits.get(path).copied().unwrap_or(0)
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.serving.address)
    }

    /// Host and port, as contracts name them.
    pub fn host(&self) -> String {
        self.serving.address.to_string()
    }
}

fn answer(pages: &Mutex<Pages>, path: &str) -> Response<BoxBody<Bytes, Infallible>> {
    let mut pages = pages.lock().unwrap();
    *pages.hits.entry(path.to_owned()).or_insert(0) += 1;
    let page = pages.at.get(path).cloned().unwrap_or(Page {
        status: 404,
        ..Page::new("text/plain", "there is nothing here")
    });
    let body = if page.more == 0 {
        Full::new(Bytes::from(page.body)).boxed()
    } else {
        let left = page.more;
        Endless {
            head: Some(page.body),
            left,
        }
        .boxed()
    };
    Response::builder()
        .status(page.status)
        .header("content-type", page.content_type)
        .body(body)
        .unwrap()
}

/// A body that is made as it is read.
struct Endless {
    head: Option<Vec<u8>>,
    left: u64,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from(head)))));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = self.left.min(1 << 16);
        self.left -= size;
        let bytes = Bytes::from(vec![b'x'; usize::try_from(size).unwrap()]);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
