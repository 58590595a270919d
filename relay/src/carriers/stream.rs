//! One stream, whatever carries it.

use super::websocket::Socket;
use bytes::Bytes;
use deputy_link::pipe::{PipeReader, PipeWriter};
use deputy_link::{closed_with, write_message};
use deputy_protocol::link::{CloseCode, Message, Refusal};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use web_transport_quinn as wt;

/// How long a refusal may take to be taken.
const FAREWELL: Duration = Duration::from_secs(2);

/// A stream broke off: with the code of whoever did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) u32);

impl Broken {
    const GONE: Self = Self(CloseCode::Gone.number());

    fn by(code: u64) -> Self {
        u32::try_from(code).map_or(Self::GONE, Self)
    }
}

/// Both directions of a stream.
pub(crate) struct Duplex {
    pub(crate) source: Source,
    pub(crate) sink: Sink,
}

/// The direction towards the relay.
pub(crate) enum Source {
    Quic(quinn::RecvStream),
    WebTransport(wt::RecvStream),
    WebSocket(Box<PipeReader<Socket>>),
}

/// The direction from the relay.
pub(crate) enum Sink {
    Quic(quinn::SendStream),
    WebTransport(wt::SendStream),
    WebSocket(Box<PipeWriter<Socket>>),
}

impl Duplex {
    pub(crate) fn quic((send, recv): (quinn::SendStream, quinn::RecvStream)) -> Self {
        Self {
            source: Source::Quic(recv),
            sink: Sink::Quic(send),
        }
    }

    pub(crate) fn webtransport((send, recv): (wt::SendStream, wt::RecvStream)) -> Self {
        Self {
            source: Source::WebTransport(recv),
            sink: Sink::WebTransport(send),
        }
    }

    pub(crate) fn websocket(reader: PipeReader<Socket>, writer: PipeWriter<Socket>) -> Self {
        Self {
            source: Source::WebSocket(Box::new(reader)),
            sink: Sink::WebSocket(Box::new(writer)),
        }
    }

    /// Says no in words, and ends the stream.
    pub(crate) async fn refuse(mut self, refusal: Refusal) {
        let words = Message::Refused(refusal);
        let said = write_message(&mut self.sink, &words);
        // Whoever does not listen does not get to hear why.
        let _ = timeout(FAREWELL, said).await;
        match &mut self.sink {
            // The words are still on their way; a reset would overtake them.
            Sink::Quic(_) | Sink::WebTransport(_) => {
                let _ = self.sink.finish().await;
            }
            Sink::WebSocket(_) => self.sink.reset(CloseCode::Refused.number()).await,
        }
        self.source.stop(CloseCode::Refused.number());
    }

    /// Ends both directions at once.
    pub(crate) async fn reset(&mut self, code: u32) {
        self.source.stop(code);
        // A WebSocket that takes nothing is dropped.
        let _ = timeout(FAREWELL, self.sink.reset(code)).await;
    }
}

impl Source {
    /// Fills `bufs` from the front with what is there, waiting for some; 0 when the direction
    /// ended. May be dropped and called again without loss.
    pub(crate) async fn read(&mut self, bufs: &mut [Bytes]) -> Result<usize, Broken> {
        let read = match self {
            Self::Quic(recv) => recv.read_chunks(bufs).await.map_err(read_broken)?,
            Self::WebTransport(recv) => recv.read_chunks(bufs).await.map_err(wt_read_broken)?,
            Self::WebSocket(reader) => {
                let chunk = reader.chunk().await.map_err(|e| io_broken(&e))?;
                match (chunk, bufs.first_mut()) {
                    (Some(chunk), Some(buf)) => {
                        *buf = chunk;
                        Some(1)
                    }
                    _ => None,
                }
            }
        };
        Ok(read.unwrap_or(0))
    }

    /// Tells the other side that nothing more is wanted.
    pub(crate) fn stop(&mut self, code: u32) {
        match self {
            // Fails only when it has ended already.
            Self::Quic(recv) => drop(recv.stop(code.into())),
            Self::WebTransport(recv) => drop(recv.stop(code)),
            Self::WebSocket(_) => {}
        }
    }
}

impl Sink {
    /// Sends `bufs`, waiting until all of it was taken. They are empty afterwards.
    pub(crate) async fn write(&mut self, bufs: &mut [Bytes]) -> Result<(), Broken> {
        match self {
            Self::Quic(send) => send.write_all_chunks(bufs).await.map_err(write_broken),
            Self::WebTransport(send) => send.write_all_chunks(bufs).await.map_err(wt_write_broken),
            Self::WebSocket(writer) => {
                for buf in bufs {
                    let chunk = std::mem::take(buf);
                    writer.send(chunk).await.map_err(|e| io_broken(&e))?;
                }
                Ok(())
            }
        }
    }

    /// Ends the direction; what was sent still arrives.
    pub(crate) async fn finish(&mut self) -> Result<(), Broken> {
        match self {
            Self::Quic(send) => send.finish().map_err(|_| Broken::GONE),
            Self::WebTransport(send) => send.finish().map_err(|_| Broken::GONE),
            Self::WebSocket(writer) => writer.finish().await.map_err(|e| io_broken(&e)),
        }
    }

    /// Ends the direction at once (over WebSocket both); what was not sent yet is lost.
    pub(crate) async fn reset(&mut self, code: u32) {
        match self {
            // Fails only when it has ended already.
            Self::Quic(send) => drop(send.reset(code.into())),
            Self::WebTransport(send) => drop(send.reset(code)),
            Self::WebSocket(writer) => writer.reset(code).await,
        }
    }

    /// Resolves when the other side wants nothing more, or is gone. Never, when it took all to the
    /// end; over WebSocket never, since its reader notices.
    pub(crate) fn stopped(&self) -> Pin<Box<dyn Future<Output = Broken> + Send>> {
        match self {
            Self::Quic(send) => {
                let stopped = send.stopped();
                Box::pin(async move {
                    match stopped.await {
                        Ok(Some(code)) => Broken::by(code.into_inner()),
                        Ok(None) => std::future::pending().await,
                        Err(_) => Broken::GONE,
                    }
                })
            }
            // `stopped` of this crate borrows the stream; a lost session ends the reading side too.
            Self::WebTransport(_) | Self::WebSocket(_) => Box::pin(std::future::pending()),
        }
    }
}

impl AsyncRead for Source {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Quic(recv) => Pin::new(recv).poll_read(cx, buf),
            Self::WebTransport(recv) => Pin::new(recv).poll_read(cx, buf),
            Self::WebSocket(reader) => Pin::new(reader.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Quic(send) => AsyncWrite::poll_write(Pin::new(send), cx, buf),
            Self::WebTransport(send) => Pin::new(send).poll_write(cx, buf),
            Self::WebSocket(writer) => Pin::new(writer.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Quic(send) => Pin::new(send).poll_flush(cx),
            Self::WebTransport(send) => Pin::new(send).poll_flush(cx),
            Self::WebSocket(writer) => Pin::new(writer.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Quic(send) => Pin::new(send).poll_shutdown(cx),
            Self::WebTransport(send) => Pin::new(send).poll_shutdown(cx),
            Self::WebSocket(writer) => Pin::new(writer.as_mut()).poll_shutdown(cx),
        }
    }
}

fn read_broken(error: quinn::ReadError) -> Broken {
    match error {
        quinn::ReadError::Reset(code) => Broken::by(code.into_inner()),
        _ => Broken::GONE,
    }
}

fn write_broken(error: quinn::WriteError) -> Broken {
    match error {
        quinn::WriteError::Stopped(code) => Broken::by(code.into_inner()),
        _ => Broken::GONE,
    }
}

fn wt_read_broken(error: wt::ReadError) -> Broken {
    match error {
        wt::ReadError::Reset(code) => Broken(code),
        _ => Broken::GONE,
    }
}

fn wt_write_broken(error: wt::WriteError) -> Broken {
    match error {
        wt::WriteError::Stopped(code) => Broken(code),
        _ => Broken::GONE,
    }
}

fn io_broken(error: &io::Error) -> Broken {
    closed_with(error).map_or(Broken::GONE, Broken::by)
}
