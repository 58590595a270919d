//! A WebSocket as a stream of bytes with two directions that end one by one.
//!
//! Binary messages of at most 64 KiB carry the bytes; where one ends means nothing. An empty binary
//! message ends its sender's direction. A close frame with code 4000 + n resets both, with the
//! link's close code n.

use bytes::Bytes;
use deputy_protocol::link::CloseCode;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The most bytes in one WebSocket message.
pub const MAX_MESSAGE: usize = 64 * 1024;
const CLOSE_BASE: u16 = 4000;

/// The limits of every WebSocket of the link: small buffers, no message longer than
/// [`MAX_MESSAGE`].
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// The two directions of `socket`.
pub fn split<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
) -> (PipeReader<S>, PipeWriter<S>) {
    let (sink, stream) = socket.split();
    let reader = PipeReader {
        stream,
        rest: Bytes::new(),
        ended: false,
    };
    let writer = PipeWriter {
        sink,
        finished: false,
    };
    (reader, writer)
}

/// The direction towards here.
pub struct PipeReader<S> {
    stream: SplitStream<WebSocketStream<S>>,
    rest: Bytes,
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> PipeReader<S> {
    /// The next bytes; `None` when the other side ended its direction. May be dropped and called
    /// again without loss.
    ///
    /// # Errors
    /// When the connection is lost or was reset; [`crate::closed_with`] tells the code.
    pub async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        loop {
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            let message = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(Err(lost(error))),
                None => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            };
            match message {
                Message::Binary(bytes) if bytes.is_empty() => self.ended = true,
                Message::Binary(bytes) => return Poll::Ready(Ok(Some(bytes))),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Text(_) => {
                    return Poll::Ready(Err(reset_error(CloseCode::Malformed.number().into())));
                }
                Message::Close(frame) => {
                    let code = frame.map_or(1005, |f| u16::from(f.code));
                    return Poll::Ready(match code.checked_sub(CLOSE_BASE) {
                        Some(code) if code < 1000 => Err(reset_error(code.into())),
                        _ => Err(reset_error(CloseCode::Gone.number().into())),
                    });
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for PipeReader<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut chunk) = ready!(self.poll_chunk(cx))? {
            let now = chunk.split_to(chunk.len().min(buf.remaining()));
            buf.put_slice(&now);
            self.rest = chunk;
        }
        Poll::Ready(Ok(()))
    }
}

/// The direction from here.
pub struct PipeWriter<S> {
    sink: SplitSink<WebSocketStream<S>, Message>,
    finished: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> PipeWriter<S> {
    /// Sends `bytes`, and waits until the connection took them.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn send(&mut self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(MAX_MESSAGE));
            self.sink.send(Message::Binary(part)).await.map_err(lost)?;
        }
        Ok(())
    }

    /// Ends this direction.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn finish(&mut self) -> io::Result<()> {
        if self.finished {
            return Ok(());
        }
        self.finished = true;
        self.sink
            .send(Message::Binary(Bytes::new()))
            .await
            .map_err(lost)
    }

    /// Asks the other side for a sign of life, which its reader swallows.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn ping(&mut self) -> io::Result<()> {
        self.sink
            .send(Message::Ping(Bytes::new()))
            .await
            .map_err(lost)
    }

    /// Ends both directions with `code`.
    pub async fn reset(&mut self, code: u32) {
        let code = CLOSE_BASE + u16::try_from(code).unwrap_or(999).min(999);
        let frame = CloseFrame {
            code: coding::CloseCode::from(code),
            reason: "".into(),
        };
        // Whoever does not take the close frame learns it from the connection's end.
        let _ = self.sink.send(Message::Close(Some(frame))).await;
        let _ = self.sink.close().await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PipeWriter<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An empty message would end the direction.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(Pin::new(&mut self.sink).poll_ready(cx)).map_err(lost)?;
        let part = Bytes::copy_from_slice(&buf[..buf.len().min(MAX_MESSAGE)]);
        let taken = part.len();
        Pin::new(&mut self.sink)
            .start_send(Message::Binary(part))
            .map_err(lost)?;
        // Most of the time all of it goes at once. What does not goes with the flush.
        if let Poll::Ready(Err(error)) = Pin::new(&mut self.sink).poll_flush(cx) {
            return Poll::Ready(Err(lost(error)));
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sink).poll_flush(cx).map_err(lost)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.finished {
            ready!(Pin::new(&mut self.sink).poll_ready(cx)).map_err(lost)?;
            Pin::new(&mut self.sink)
                .start_send(Message::Binary(Bytes::new()))
                .map_err(lost)?;
            self.finished = true;
        }
        Pin::new(&mut self.sink).poll_flush(cx).map_err(lost)
    }
}

fn reset_error(code: u64) -> io::Error {
    crate::stream::reset_error(code)
}

fn lost(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::ConnectionReset.into(),
        other => io::Error::other(other.to_string()),
    }
}
