//! The line to a server, which may say so much and no more.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes a server may say in one conversation.
const MAX_SAID: u64 = 64 << 20;

/// A line to a server that may say so much.
pub(super) struct Line {
    inner: Box<dyn deputy_link::Duplex>,
    left: u64,
}

impl Line {
    pub(super) fn new(inner: impl deputy_link::Duplex + 'static) -> Self {
        Self {
            inner: Box::new(inner),
            left: MAX_SAID,
        }
    }

    /// What it says from here on is bounded anew.
    pub(super) fn begin_anew(&mut self) {
        self.left = MAX_SAID;
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        let came = (buf.filled().len() - before) as u64;
        match self.left.checked_sub(came) {
            Some(left) => {
                self.left = left;
                read
            }
            None => Poll::Ready(Err(std::io::Error::other(
                "the server says more than 64 MiB at once",
            ))),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
