//! What every peer must be able to do, so that all are measured by the same code: `measure.rs`.

use deputy_link::{LinkReader, LinkStream, LinkWriter};
use deputy_protocol::session::{Received, Session};
use std::future::Future;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The bytes that are said at a time when as many as possible are.
pub const PIECE: usize = 64 << 10;

/// One end of a conversation.
pub trait Talk: Send + 'static {
    /// Says a piece.
    fn say(&mut self, piece: &[u8]) -> impl Future<Output = ()> + Send;

    /// Says that nothing more will come.
    fn end(&mut self) -> impl Future<Output = ()> + Send;

    /// What was heard next: a piece, or as much of one as has come. `None` at the end.
    fn hear(&mut self) -> impl Future<Output = Option<&[u8]>> + Send;
}

/// From where a device dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// It has just been started.
    Nothing,
    /// Its connection to the relay stands.
    Open,
}

/// A way between a device and an agent.
pub trait Peer: Send + Sync + 'static {
    /// The device's end.
    type Device: Talk;
    /// The agent's end.
    type Agent: Talk;

    /// Everything but the device's conversation: the middle, and an agent that waits there.
    fn start() -> impl Future<Output = Self> + Send;

    /// Reaches the agent and says `first` as early as may be.
    fn dial(&self, from: From, first: &[u8]) -> impl Future<Output = Self::Device> + Send;

    /// The next device that has come to the agent.
    fn arrive(&self) -> impl Future<Output = Self::Agent> + Send;
}

/// A stream of bytes as it is.
pub struct Plain<R, W> {
    reader: R,
    writer: W,
    buffer: Vec<u8>,
    /// What must live as long as the stream.
    _held: Box<dyn Send + Sync>,
}

impl<R, W> Plain<R, W> {
    pub fn new(reader: R, writer: W, held: impl Send + Sync + 'static) -> Self {
        Self {
            reader,
            writer,
            buffer: vec![0; PIECE],
            _held: Box::new(held),
        }
    }
}

impl<R, W> Talk for Plain<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    async fn say(&mut self, piece: &[u8]) {
        self.writer.write_all(piece).await.unwrap();
        self.writer.flush().await.unwrap();
    }

    async fn end(&mut self) {
        self.writer.shutdown().await.unwrap();
    }

    async fn hear(&mut self) -> Option<&[u8]> {
        let n = self.reader.read(&mut self.buffer).await.unwrap();
        (n > 0).then(|| &self.buffer[..n])
    }
}

/// A session over a link, driven as the agent and its devices drive theirs.
pub struct Sealed {
    session: Session,
    reader: LinkReader,
    writer: LinkWriter,
    buffer: Vec<u8>,
    heard: Vec<u8>,
    began: Instant,
    _held: Box<dyn Send + Sync>,
}

impl Sealed {
    pub fn new(session: Session, stream: LinkStream, held: impl Send + Sync + 'static) -> Self {
        let (reader, writer) = stream.into_split();
        Self {
            session,
            reader,
            writer,
            // As large as the agent's and the devices'.
            buffer: vec![0; 16 << 10],
            heard: Vec::new(),
            began: Instant::now(),
            _held: Box::new(held),
        }
    }
}

impl Talk for Sealed {
    async fn say(&mut self, piece: &[u8]) {
        let now_ms = self.began.elapsed().as_millis() as u64;
        let sealed = self.session.seal(piece, now_ms).unwrap();
        self.writer.write_all(&sealed).await.unwrap();
    }

    async fn end(&mut self) {
        let goodbye = self.session.goodbye().unwrap();
        self.writer.write_all(&goodbye).await.unwrap();
        self.writer.shutdown().await.unwrap();
    }

    async fn hear(&mut self) -> Option<&[u8]> {
        loop {
            match self.session.pull().unwrap() {
                Some(Received::Message(body)) => {
                    self.heard = body;
                    return Some(&self.heard);
                }
                Some(Received::Goodbye) => return None,
                None => {}
            }
            let n = self.reader.read(&mut self.buffer).await.unwrap();
            assert!(n > 0, "the stream ended without goodbye");
            self.session.push(&self.buffer[..n]);
        }
    }
}
