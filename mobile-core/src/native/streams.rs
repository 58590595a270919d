//! Streams to agents, by the numbers of their attempts.

use deputy_link::{
    CarrierChoice, DialConfig, Dialler, LinkError, LinkReader, LinkStream, LinkWriter, Trust,
    closed_with,
};
use deputy_protocol::link::{CloseCode, RefusalCode};
use deputy_protocol::pairing::RelayPlace;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// What has become of a stream.
pub(super) enum Input {
    Connected(u64),
    Failed(u64, Option<RefusalCode>, String),
    Received(u64, Vec<u8>),
    Ended(u64, Option<u64>),
}

/// What goes out on a stream.
enum Out {
    Bytes(Vec<u8>),
    Close,
}

struct Stream {
    out: mpsc::UnboundedSender<Out>,
    task: AbortHandle,
}

/// All of them. Dropping it ends them.
pub(super) struct Streams {
    inputs: mpsc::Sender<Input>,
    diallers: HashMap<Option<[u8; 32]>, Arc<Dialler>>,
    streams: HashMap<u64, Stream>,
}

impl Streams {
    /// What becomes of streams goes to `inputs`; a slow taker slows the streams down.
    pub(super) fn new(inputs: mpsc::Sender<Input>) -> Self {
        Self {
            inputs,
            diallers: HashMap::new(),
            streams: HashMap::new(),
        }
    }

    pub(super) fn dial(&mut self, attempt: u64, place: RelayPlace, first: Vec<u8>) {
        let trust = match place.certificate {
            Some(hash) => Trust::Hashes(vec![hash]),
            None => Trust::System,
        };
        let dialler = self.diallers.entry(place.certificate).or_insert_with(|| {
            Arc::new(Dialler::new(DialConfig {
                trust,
                carriers: CarrierChoice::default(),
                access_token: None,
                software: crate::software(),
            }))
        });
        let (out, outgoing) = mpsc::unbounded_channel();
        let (dialler, inputs) = (Arc::clone(dialler), self.inputs.clone());
        let task = tokio::spawn(async move {
            let last = converse(attempt, &dialler, (&place, first), &inputs, outgoing).await;
            // When nobody takes it any more, nobody wants to know.
            let _ = inputs.send(last).await;
        });
        let task = task.abort_handle();
        self.streams.insert(attempt, Stream { out, task });
    }

    pub(super) fn send(&self, attempt: u64, bytes: Vec<u8>) {
        self.hand(attempt, Out::Bytes(bytes));
    }

    /// Ends a stream once what was handed over is sent.
    pub(super) fn close(&mut self, attempt: u64) {
        self.hand(attempt, Out::Close);
        self.streams.remove(&attempt);
    }

    pub(super) fn hang_up(&mut self, attempt: u64) {
        if let Some(stream) = self.streams.remove(&attempt) {
            stream.task.abort();
        }
    }

    pub(super) fn network_changed(&self) {
        for dialler in self.diallers.values() {
            dialler.network_changed();
        }
    }

    fn hand(&self, attempt: u64, out: Out) {
        if let Some(stream) = self.streams.get(&attempt) {
            // One that has ended says so by itself.
            let _ = stream.out.send(out);
        }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        for stream in self.streams.values() {
            stream.task.abort();
        }
    }
}

/// A whole conversation; what is to be said of its end.
async fn converse(
    attempt: u64,
    dialler: &Dialler,
    (place, first): (&RelayPlace, Vec<u8>),
    inputs: &mpsc::Sender<Input>,
    outgoing: mpsc::UnboundedReceiver<Out>,
) -> Input {
    let stream = match dial(dialler, place, first).await {
        Ok(stream) => stream,
        Err((refused, why)) => return Input::Failed(attempt, refused, why),
    };
    if inputs.send(Input::Connected(attempt)).await.is_err() {
        return Input::Ended(attempt, None);
    }
    let (reader, writer) = stream.into_split();
    let ended = tokio::select! {
        ended = receive(attempt, reader, inputs) => ended,
        ended = send(writer, outgoing) => ended,
    };
    Input::Ended(attempt, ended.err().and_then(|error| closed_with(&error)))
}

async fn dial(
    dialler: &Dialler,
    place: &RelayPlace,
    first: Vec<u8>,
) -> Result<LinkStream, (Option<RefusalCode>, String)> {
    let address = { place.address.parse() }.map_err(|e| (None, format!("{e}")))?;
    dialler
        .dial_saying(&address, place.route, first)
        .await
        .map_err(|error| match error {
            LinkError::Refused(refusal) => {
                let why = format!("{} {}", refusal.message, refusal.hint);
                (Some(refusal.code), why)
            }
            other => (None, other.to_string()),
        })
}

async fn receive(
    attempt: u64,
    mut reader: LinkReader,
    inputs: &mpsc::Sender<Input>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let n = reader.read(&mut buffer).await?;
        let received = Input::Received(attempt, buffer[..n].to_vec());
        if n == 0 || inputs.send(received).await.is_err() {
            reader.stop(CloseCode::Done);
            return Ok(());
        }
    }
}

async fn send(
    mut writer: LinkWriter,
    mut outgoing: mpsc::UnboundedReceiver<Out>,
) -> std::io::Result<()> {
    while let Some(out) = outgoing.recv().await {
        match out {
            Out::Bytes(bytes) => {
                writer.write_all(&bytes).await?;
                writer.flush().await?;
            }
            Out::Close => break,
        }
    }
    writer.shutdown().await
}
