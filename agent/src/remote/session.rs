//! One conversation with a device, from its first byte to its last.

use super::{Decision, Door, RelayChoice, Remote};
use crate::store::Key;
use crate::store::devices::DeviceRow;
use deputy_link::{Arrival, LinkReader, LinkStream, LinkWriter};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{CONTROL_VERSION, Envelope, Reply, Response};
use deputy_protocol::link::{CloseCode, RouteId, Salt};
use deputy_protocol::pairing::phrase;
use deputy_protocol::remote::{Ask, Down, Right, Up};
use deputy_protocol::session::{
    Introduced, Kind, MAX_HANDSHAKE, Opening, Received, Responder, Session, SessionError,
};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long a device may take until its first message is here.
const FIRST: Duration = Duration::from_secs(10);

/// How many questions of one device are worked on at a time.
const AT_ONCE: usize = 16;

/// Why a conversation ended.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("nothing came in time")]
    Slow,
    #[error("it is not known, or not any more")]
    Unknown,
}

impl Gone {
    /// What the device is told: only one that is not known any more is told that.
    fn code(&self) -> CloseCode {
        match self {
            Self::Session(SessionError::CutOff) | Self::Io(_) => CloseCode::Gone,
            Self::Session(_) => CloseCode::Malformed,
            Self::Slow => CloseCode::Timeout,
            Self::Unknown => CloseCode::Revoked,
        }
    }
}

/// How a device came.
pub(super) struct Way {
    /// For which relay its route was made.
    pub(super) relay: RelayChoice,
    /// Without any relay, from this machine.
    pub(super) is_straight: bool,
}

/// Serves whoever dialled. What goes wrong is the device's to see; here it is only logged.
pub(super) async fn serve(remote: Arc<Remote>, door: Arc<dyn Door>, way: Way, arrival: Arrival) {
    let Arrival { route, stream } = arrival;
    if let Err(gone) = conversation(&remote, &door, &way, route, stream).await {
        tracing::debug!(%gone, "a device's session ended");
    }
}

async fn conversation(
    remote: &Arc<Remote>,
    door: &Arc<dyn Door>,
    way: &Way,
    route: RouteId,
    mut stream: LinkStream,
) -> Result<(), Gone> {
    let (opening, message) = match tokio::time::timeout(FIRST, first(&mut stream)).await {
        Ok(first) => first?,
        Err(_) => return Err(Gone::Slow),
    };
    let said = Introduced {
        software: concat!("deputy/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Introduced::default()
    };
    let key = remote.keys.session();
    match opening.kind {
        Kind::Known => {
            let row = remote.by_route(&way.relay, &route).ok_or(Gone::Unknown)?;
            let responder = Responder::new(opening, key, &route, None, &message)?;
            // Its route alone is not it.
            if responder.device().0 != row.public_key {
                return Err(Gone::Unknown);
            }
            let follow = responder.said().follow;
            let (session, answer) = responder.finish(&said)?;
            stream.write_all(&answer).await?;
            speak(remote, door, &row, session, stream, follow, way).await
        }
        Kind::Pairing => {
            let awaited = remote.awaited(&route).ok_or(Gone::Unknown)?;
            let secret = awaited.secret.pre_shared_key();
            let responder = Responder::new(opening, key, &route, Some(&secret), &message)?;
            let (device, name) = (responder.device(), responder.said().name.clone());
            let (mut session, answer) = responder.finish(&said)?;
            let words = phrase(session.hash());
            if !remote.came(&awaited.id, device, &name, &words) {
                return Err(Gone::Unknown);
            }
            stream.write_all(&answer).await?;
            if awaited.is_page {
                // What fails here fails below, too, where it is told.
                let _ = remote.decide(&awaited.id, Decision::Same).await;
            }
            let compare = Down::Compare { phrase: words };
            let sealed = seal(&mut session, &compare, Instant::now())?;
            stream.write_all(&sealed).await?;
            // The device says nothing until then; when it goes away, it comes back as one that is known.
            let attending = remote.attends(&awaited.id);
            let Some(row) = remote.word(&awaited.id).await else {
                stream.reset(CloseCode::Refused).await;
                return Err(Gone::Unknown);
            };
            drop(attending);
            let paired = Down::Paired {
                device: Key::Device.id(row.key),
                relays: remote.places(&Salt(row.salt)),
                rights: row.rights,
            };
            let sealed = seal(&mut session, &paired, Instant::now())?;
            stream.write_all(&sealed).await?;
            speak(remote, door, &row, session, stream, None, way).await
        }
    }
}

/// The opening and the first message, with the opening answered.
async fn first(stream: &mut LinkStream) -> Result<(Opening, Vec<u8>), Gone> {
    let mut bytes = [0; Opening::LEN];
    stream.read_exact(&mut bytes).await?;
    let (opening, answer) = Opening::decode(bytes);
    stream.write_all(&answer).await?;
    let opening = opening?;
    let length = usize::from(stream.read_u16().await?);
    if length > MAX_HANDSHAKE {
        return Err(SessionError::TooLong.into());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok((opening, message))
}

fn seal(session: &mut Session, down: &Down, began: Instant) -> Result<Vec<u8>, Gone> {
    let body = serde_json::to_vec(down).map_err(io::Error::other)?;
    let now_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(session.seal(&body, now_ms)?)
}

/// Speaks with a device that is known, until one of the two goes or the device is revoked.
async fn speak(
    remote: &Arc<Remote>,
    door: &Arc<dyn Door>,
    row: &DeviceRow,
    session: Session,
    stream: LinkStream,
    follow: Option<i64>,
    way: &Way,
) -> Result<(), Gone> {
    remote.arrived(row.key);
    let mut revoked = remote.revoked.subscribe();
    let (reader, writer) = stream.into_split();
    let mut talk = Talk {
        remote,
        door,
        key: row.key,
        session,
        writer,
        began: Instant::now(),
        work: JoinSet::new(),
    };
    let until_revoked = async {
        while remote.is_trusted(row.key).is_some() {
            if revoked.changed().await.is_err() {
                break;
            }
        }
    };
    let ended = tokio::select! {
        biased;
        () = until_revoked => Err(Gone::Unknown),
        () = remote.stopping.cancelled() => Ok(()),
        ended = async {
            // Relays may be others than when the device was paired.
            let relays = remote.places_for(&Salt(row.salt), way);
            let relays = Down::Relays {
                relays,
                device: Some(Key::Device.id(row.key)),
                rights: Some(row.rights),
            };
            talk.say(&relays).await?;
            talk.on(reader, follow).await
        } => ended,
    };
    remote.left(row.key);
    match &ended {
        Ok(()) => {
            if let Ok(goodbye) = talk.session.goodbye() {
                let _ = talk.writer.write_all(&goodbye).await;
                let _ = talk.writer.shutdown().await;
            }
        }
        Err(gone) => talk.writer.reset(gone.code()).await,
    }
    ended
}

struct Talk<'a> {
    remote: &'a Arc<Remote>,
    door: &'a Arc<dyn Door>,
    key: i64,
    session: Session,
    writer: LinkWriter,
    began: Instant,
    work: JoinSet<Down>,
}

impl Talk<'_> {
    async fn on(&mut self, mut reader: LinkReader, from: Option<i64>) -> Result<(), Gone> {
        let (tell, mut events) = mpsc::channel::<Down>(64);
        let mut following = JoinSet::new();
        if let Some(after) = from {
            self.follow(after, &tell, &mut following)?;
        }
        let mut buffer = vec![0; 16 << 10];
        loop {
            tokio::select! {
                read = reader.read(&mut buffer) => match read? {
                    0 => return Ok(self.session.end()?),
                    n => {
                        self.session.push(&buffer[..n]);
                        while let Some(received) = self.session.pull()? {
                            match received {
                                Received::Goodbye => return Ok(()),
                                Received::Message(body) => self.heard(&body, &tell, &mut following).await?,
                            }
                        }
                    }
                },
                Some(done) = self.work.join_next() => {
                    if let Ok(answer) = done {
                        self.say(&answer).await?;
                    }
                },
                Some(event) = events.recv() => self.say(&event).await?,
            }
        }
    }

    async fn say(&mut self, down: &Down) -> Result<(), Gone> {
        let sealed = seal(&mut self.session, down, self.began)?;
        self.writer.write_all(&sealed).await?;
        Ok(())
    }

    async fn heard(
        &mut self,
        body: &[u8],
        tell: &mpsc::Sender<Down>,
        following: &mut JoinSet<()>,
    ) -> Result<(), Gone> {
        match serde_json::from_slice::<Up>(body) {
            Ok(Up::Ask { id, what }) => self.asked(id, what).await,
            Ok(Up::Follow { after }) => self.follow(after, tell, following),
            Ok(Up::Ping) => self.say(&Down::Pong).await,
            Ok(Up::Unknown) => Ok(()),
            Err(_) => Err(SessionError::Protocol("a message that is no question").into()),
        }
    }

    fn follow(
        &self,
        after: i64,
        tell: &mpsc::Sender<Down>,
        following: &mut JoinSet<()>,
    ) -> Result<(), Gone> {
        let Some(row) = self.remote.is_trusted(self.key) else {
            return Err(Gone::Unknown);
        };
        if row.rights.has(Right::View) {
            following.abort_all();
            following.spawn(follow(Arc::clone(self.door), after, tell.clone()));
        }
        Ok(())
    }

    async fn asked(&mut self, id: String, what: serde_json::Value) -> Result<(), Gone> {
        let refuse = |id: &str, error: ErrorBody| Down::Answer {
            id: id.to_owned(),
            ok: None,
            error: Some(error),
        };
        let Some(row) = self.remote.is_trusted(self.key) else {
            return Err(Gone::Unknown);
        };
        let refusal = if id.is_empty() || id.len() > 64 {
            Some(ErrorBody::new(
                "bad_request",
                "an id has 1 to 64 bytes; nothing was done",
                "",
            ))
        } else {
            None
        };
        let ask = match (refusal, Ask::from_value(what)) {
            (Some(error), _) => return self.say(&refuse(&id, error)).await,
            (None, Some(ask)) => ask,
            (None, None) => {
                let message = "this cannot be asked from afar: it is not on the list, a part of it is missing, or this agent is too old for it; nothing was done";
                let error = ErrorBody::new(
                    "not_allowed",
                    message,
                    "use the agent's own machine, or update it",
                );
                return self.say(&refuse(&id, error)).await;
            }
        };
        if !row.rights.has(ask.right()) {
            let message = format!(
                "“{}” may not do this: it has the rights {}; nothing was done",
                row.name, row.rights
            );
            let hint = "pair it again with more rights: deputy pair --rights view,control,approve";
            let error = ErrorBody::new("not_allowed", message, hint);
            return self.say(&refuse(&id, error)).await;
        }
        if self.work.len() >= AT_ONCE
            && let Some(Ok(answer)) = self.work.join_next().await
        {
            self.say(&answer).await?;
        }
        let (door, device) = (Arc::clone(self.door), Key::Device.id(row.key));
        self.work.spawn(async move {
            let mut request = ask.into_request();
            request.asked_by(&device);
            let envelope = Envelope {
                version: CONTROL_VERSION,
                // Another device's command of the same id is another command.
                id: format!("{device}:{id}"),
                request,
            };
            let reply = door.apply(envelope, &format!("device {device}")).await;
            match reply {
                Reply::Ok(response) => Down::Answer {
                    id,
                    ok: serde_json::to_value(without_secrets(*response)).ok(),
                    error: None,
                },
                Reply::Error(error) => Down::Answer {
                    id,
                    ok: None,
                    error: Some(error),
                },
            }
        });
        Ok(())
    }
}

/// What of an answer may leave this machine. The tokens of webhooks are secrets of local programs,
/// and nothing from afar can call a local webhook.
fn without_secrets(mut response: Response) -> Response {
    if let Response::Automation(detail) = &mut response {
        detail.webhooks.clear();
    }
    response
}

/// Tells of events as they come, beginning with those that were missed; with a negative `after`,
/// from now on.
async fn follow(door: Arc<dyn Door>, mut after: i64, tell: mpsc::Sender<Down>) {
    let mut changes = door.changes();
    let Ok(last) = door.last_event().await else {
        return;
    };
    // A device may have seen more than there is, where an older copy of the data was put back.
    if after < 0 || after > last {
        after = last;
    }
    if tell.send(Down::Following { after }).await.is_err() {
        return;
    }
    loop {
        changes.mark_unchanged();
        loop {
            let Ok(batch) = door.events(after).await else {
                return;
            };
            let Some(last) = batch.last().map(|event| event.seq) else {
                break;
            };
            after = last;
            for event in batch {
                if tell.send(Down::Event { event }).await.is_err() {
                    return;
                }
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}
