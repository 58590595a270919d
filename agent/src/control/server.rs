//! The local socket: one frame in, one frame out, for processes of the same user.

use super::Control;
use crate::store::{Key, events};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{CONTROL_VERSION, Envelope, MAX_FRAME, Reply, Request, Response};
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// The socket's file name in the data directory.
pub const SOCKET: &str = "agent.sock";

/// How long answers that are being worked out when the agent stops may take.
const LAST_ANSWERS: std::time::Duration = std::time::Duration::from_secs(2);

/// Opens the local socket in the data directory `home`, whose lock the caller holds. Clients that
/// come from here on wait for [`serve`].
pub fn bind(home: &Path) -> io::Result<UnixListener> {
    let path = home.join(SOCKET);
    // The data directory's lock is held, so a socket that is there is a dead agent's.
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(&path)?;
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(listener)
}

/// Serves the socket of [`bind`] until the agent stops.
pub async fn serve(control: Control, listener: UnixListener, home: PathBuf) {
    let path = home.join(SOCKET);
    let stopping = control.executor.parts.stopping.clone();
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let control = control.clone();
                    while conversations.try_join_next().is_some() {}
                    conversations.spawn(async move {
                        if let Err(error) = converse(&control, stream).await {
                            tracing::debug!(%error, "a client left");
                        }
                    });
                }
                Err(error) => {
                    // Out of descriptors, for one: the next client may have more luck.
                    tracing::warn!(%error, "a client could not be let in");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
            () = stopping.cancelled() => break,
        }
    }
    let _ = std::fs::remove_file(&path);
    // Whoever asked for the stop, or for anything else just now, still gets the answer.
    let _ = tokio::time::timeout(LAST_ANSWERS, async {
        while conversations.join_next().await.is_some() {}
    })
    .await;
}

async fn converse(control: &Control, mut stream: UnixStream) -> io::Result<()> {
    let stopping = control.executor.parts.stopping.clone();
    loop {
        let frame = tokio::select! {
            frame = read_frame(&mut stream) => frame?,
            () = stopping.cancelled() => return Ok(()),
        };
        let Some(bytes) = frame else {
            return Ok(());
        };
        let envelope: Envelope = match serde_json::from_slice(&bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                let message = format!("the request cannot be read: {error}; nothing was done");
                let reply = Reply::Error(ErrorBody::new(
                    "bad_request",
                    message,
                    "client and agent may differ in version",
                ));
                write_frame(&mut stream, &reply).await?;
                continue;
            }
        };
        if let Request::Follow { after, run } = &envelope.request
            && envelope.version == CONTROL_VERSION
        {
            return follow(control, &mut stream, *after, run.as_deref()).await;
        }
        let stops = matches!(envelope.request, Request::Stop);
        let reply = control.apply(envelope, "cli").await;
        let written = write_frame(&mut stream, &reply).await;
        if stops && matches!(reply, Reply::Ok(_)) {
            control.executor.parts.stopping.cancel();
        }
        written?;
    }
}

/// Sends events as they come, beginning with those after a sequence number.
async fn follow(
    control: &Control,
    stream: &mut UnixStream,
    mut after: i64,
    run: Option<&str>,
) -> io::Result<()> {
    let run = match run.map(|id| Key::Run.parse(id)).transpose() {
        Ok(run) => run,
        Err(error) => {
            let reply = Reply::Error(ErrorBody::new("not_found", error.to_string(), ""));
            return write_frame(stream, &reply).await;
        }
    };
    let mut changes = control.executor.parts.store.events();
    loop {
        changes.mark_unchanged();
        let batch = control
            .executor
            .parts
            .store
            .read(move |db| events::after(db, after, run, 500))
            .await;
        let batch = batch.map_err(io::Error::other)?;
        for event in batch {
            after = event.seq;
            write_frame(
                stream,
                &Reply::Ok(Box::new(Response::Event(Box::new(event)))),
            )
            .await?;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return Ok(());
            },
            () = control.executor.parts.stopping.cancelled() => return Ok(()),
        }
    }
}

async fn read_frame(stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::other("frame too large"));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

async fn write_frame(stream: &mut UnixStream, reply: &Reply) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, reply)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    stream.write_all(&bytes).await
}
