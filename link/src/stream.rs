//! The stream of bytes between a client and an agent.

use crate::connect::Carrier;
use crate::pipe::{self, PipeReader, PipeWriter};
use crate::websocket::{Duplex, Socket};
use deputy_protocol::link::{CloseCode, Limits};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A stream between client and agent through a relay. Flush after writing what shall go out;
/// shutting down ends this side's direction only. Dropping it ends both.
pub struct LinkStream {
    reader: LinkReader,
    writer: LinkWriter,
    limits: Limits,
}

/// What a WebSocket handshake's `Sec-WebSocket-Accept` says to its `Sec-WebSocket-Key` (RFC 6455).
pub fn accept_key(key: &[u8]) -> String {
    derive_accept_key(key)
}

/// The direction towards here.
pub struct LinkReader(Reader);

/// The direction from here.
pub struct LinkWriter(Writer);

/// What must not end before a stream: its connection, and at a client what keeps that.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) connection: quinn::Connection,
    _keeper: Option<Arc<oneshot::Sender<()>>>,
}

impl Held {
    /// A connection that somebody else keeps.
    pub(crate) fn by_others(connection: &quinn::Connection) -> Self {
        Self {
            connection: connection.clone(),
            _keeper: None,
        }
    }

    /// A connection that is kept until nobody holds it; then the receiver is told so.
    pub(crate) fn here(connection: &quinn::Connection) -> (Self, oneshot::Receiver<()>) {
        let (keeper, let_go) = oneshot::channel();
        let held = Self {
            connection: connection.clone(),
            _keeper: Some(Arc::new(keeper)),
        };
        (held, let_go)
    }
}

enum Reader {
    Quic(quinn::RecvStream, #[allow(dead_code)] Held),
    WebSocket(Box<PipeReader<Socket>>),
}

enum Writer {
    Quic(quinn::SendStream, #[allow(dead_code)] Held),
    WebSocket(Box<PipeWriter<Socket>>),
}

impl LinkStream {
    pub(crate) fn quic(
        held: &Held,
        send: quinn::SendStream,
        recv: quinn::RecvStream,
        limits: Limits,
    ) -> Self {
        Self {
            reader: LinkReader(Reader::Quic(recv, held.clone())),
            writer: LinkWriter(Writer::Quic(send, held.clone())),
            limits,
        }
    }

    pub(crate) fn websocket(
        reader: PipeReader<Socket>,
        writer: PipeWriter<Socket>,
        limits: Limits,
    ) -> Self {
        Self {
            reader: LinkReader(Reader::WebSocket(Box::new(reader))),
            writer: LinkWriter(Writer::WebSocket(Box::new(writer))),
            limits,
        }
    }

    /// The stream of a device that comes to the agent's own listener, once that has answered its
    /// WebSocket handshake with [`accept_key`].
    pub async fn accepted(socket: Box<dyn Duplex>) -> Self {
        let config = Some(pipe::config());
        let socket = WebSocketStream::from_raw_socket(socket, Role::Server, config).await;
        let (reader, writer) = pipe::split(socket);
        Self::websocket(reader, writer, Limits::default())
    }

    /// What carries it.
    pub fn carrier(&self) -> Carrier {
        match self.reader.0 {
            Reader::Quic(..) => Carrier::Quic,
            Reader::WebSocket(_) => Carrier::WebSocket,
        }
    }

    /// After how long without a byte in either direction the relay cuts it; `None` when the relay
    /// does not say. Whoever wants to keep it says something before.
    pub fn idle_limit(&self) -> Option<Duration> {
        (self.limits.idle_ms > 0).then(|| Duration::from_millis(self.limits.idle_ms))
    }

    /// Its two directions, for two tasks.
    pub fn into_split(self) -> (LinkReader, LinkWriter) {
        (self.reader, self.writer)
    }

    /// Ends both directions at once with `code`; what was not sent yet is lost.
    pub async fn reset(mut self, code: CloseCode) {
        self.writer.reset(code).await;
        self.reader.stop(code);
    }
}

impl LinkWriter {
    /// Ends this direction at once with `code` (over WebSocket both); what was not sent yet is lost.
    pub async fn reset(&mut self, code: CloseCode) {
        match &mut self.0 {
            // Fails only when it has ended already.
            Writer::Quic(send, _) => drop(send.reset(code.number().into())),
            Writer::WebSocket(writer) => writer.reset(code.number()).await,
        }
    }
}

impl LinkReader {
    /// Tells the other side that nothing more is wanted.
    pub fn stop(&mut self, code: CloseCode) {
        match &mut self.0 {
            Reader::Quic(recv, _) => drop(recv.stop(code.number().into())),
            Reader::WebSocket(_) => {}
        }
    }
}

impl AsyncRead for LinkReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Reader::Quic(recv, _) => {
                Poll::Ready(ready!(recv.poll_read_buf(cx, buf)).map_err(read_error))
            }
            Reader::WebSocket(reader) => Pin::new(reader.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for LinkWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Writer::Quic(send, _) => {
                Poll::Ready(ready!(Pin::new(send).poll_write(cx, buf)).map_err(write_error))
            }
            Writer::WebSocket(writer) => Pin::new(writer.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Writer::Quic(..) => Poll::Ready(Ok(())),
            Writer::WebSocket(writer) => Pin::new(writer.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Writer::Quic(send, _) => {
                // Fails only when it has ended already.
                let _ = send.finish();
                Poll::Ready(Ok(()))
            }
            Writer::WebSocket(writer) => Pin::new(writer.as_mut()).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for LinkStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl AsyncWrite for LinkStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}

/// A stream that was reset, inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{}", CloseCode::from_number(*.0).map_or("The connection was reset.", CloseCode::sentence))]
struct Reset(u64);

pub(crate) fn reset_error(code: u64) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, Reset(code))
}

/// The code with which a stream of the link was reset; `None` for other errors. See
/// [`CloseCode::from_number`].
pub fn closed_with(error: &io::Error) -> Option<u64> {
    let reset = error.get_ref()?.downcast_ref::<Reset>()?;
    Some(reset.0)
}

fn connection_error(error: quinn::ConnectionError) -> io::Error {
    match error {
        quinn::ConnectionError::ApplicationClosed(close) => {
            reset_error(close.error_code.into_inner())
        }
        other => other.into(),
    }
}

fn read_error(error: quinn::ReadError) -> io::Error {
    match error {
        quinn::ReadError::Reset(code) => reset_error(code.into_inner()),
        quinn::ReadError::ConnectionLost(error) => connection_error(error),
        other => other.into(),
    }
}

fn write_error(error: quinn::WriteError) -> io::Error {
    match error {
        quinn::WriteError::Stopped(code) => reset_error(code.into_inner()),
        quinn::WriteError::ConnectionLost(error) => connection_error(error),
        other => other.into(),
    }
}
