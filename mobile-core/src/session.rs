//! A session with the agent: questions with their answers, and events in their order.

use crate::PairedDevice;
use crate::client::{Greeting, Whom};
use deputy_link::{CarrierChoice, DialConfig, Dialler, LinkError, LinkStream, Trust};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use deputy_protocol::model::Event;
use deputy_protocol::pairing::RelayPlace;
use deputy_protocol::remote::{Ask, Down, Up};
use deputy_protocol::session::{Introduced, Kind, Received, Session, SessionError};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Why something did not come about. Messages are for people.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No relay could be reached, or the agent is not there.
    #[error("the agent cannot be reached: {0}")]
    Unreachable(String),
    /// The session failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The agent let nobody in: the device was revoked, or the link was used already.
    #[error(
        "the agent does not know this device (any more): pair it again with `deputy pair` there"
    )]
    NotKnown,
    /// The agent said no.
    #[error("{}", .0.message)]
    Refused(ErrorBody),
    /// An answer that cannot be read.
    #[error("the agent's answer cannot be read: {0}")]
    Unreadable(String),
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match deputy_link::closed_with(&error) {
            // The agent refuses without words whom it does not know.
            Some(4 | 6) => Self::NotKnown,
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

/// How long the agent may take to let a device in.
const GREETING: Duration = Duration::from_secs(20);

/// Dials the first relay that brings the agent.
async fn dial(relays: &[RelayPlace]) -> Result<(LinkStream, RelayPlace), ClientError> {
    let mut last = "the link names no relay".to_owned();
    for place in relays {
        let address = match place.address.parse() {
            Ok(address) => address,
            Err(error) => {
                last = format!("{error}");
                continue;
            }
        };
        let dialler = Dialler::new(DialConfig {
            trust: match place.certificate {
                Some(hash) => Trust::Hashes(vec![hash]),
                None => Trust::System,
            },
            carriers: CarrierChoice::default(),
            access_token: None,
            software: crate::software(),
        });
        match dialler.dial(&address, place.route).await {
            Ok(stream) => return Ok((stream, place.clone())),
            Err(LinkError::Refused(refusal)) => {
                last = format!("{} {}", refusal.message, refusal.hint);
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(ClientError::Unreachable(last))
}

/// The handshake over a stream.
async fn greet(
    mut stream: LinkStream,
    device: &PairedDevice,
    place: &RelayPlace,
) -> Result<(LinkStream, Session), ClientError> {
    let said = Introduced {
        software: crate::software(),
        ..Introduced::default()
    };
    let whom = Whom {
        kind: Kind::Known,
        key: &device.key(),
        agent: &device.agent,
        route: &place.route,
        secret: None,
    };
    let (mut greeting, first) = Greeting::new(&whom, &said)?;
    let greeted = async {
        stream.write_all(&first).await?;
        stream.flush().await?;
        let mut buffer = vec![0; 4 << 10];
        loop {
            let n = stream.read(&mut buffer).await?;
            if n == 0 {
                return Err(ClientError::NotKnown);
            }
            if let Some(greeted) = greeting.push(&buffer[..n])? {
                return Ok((stream, greeted.session));
            }
        }
    };
    match tokio::time::timeout(GREETING, greeted).await {
        Ok(Err(ClientError::Unreachable(_))) => Err(ClientError::NotKnown),
        Ok(greeted) => greeted,
        Err(_) => Err(ClientError::Unreachable(
            "it does not answer in time".to_owned(),
        )),
    }
}

/// A session with an agent.
pub struct RemoteAgent {
    stream: LinkStream,
    session: Session,
    began: Instant,
    buffer: Vec<u8>,
}

impl RemoteAgent {
    fn new(stream: LinkStream, session: Session) -> Self {
        Self {
            stream,
            session,
            began: Instant::now(),
            buffer: vec![0; 16 << 10],
        }
    }

    /// Reaches the agent of a paired device.
    pub async fn connect(device: &PairedDevice) -> Result<Self, ClientError> {
        let (stream, place) = dial(&device.relays).await?;
        let (stream, session) = greet(stream, device, &place).await?;
        Ok(Self::new(stream, session))
    }

    /// Asks, and waits for the answer. `id` names a command: the agent applies it once, however
    /// often it is sent.
    pub async fn ask(&mut self, id: &str, ask: &Ask) -> Result<Response, ClientError> {
        let unreadable = |e: serde_json::Error| ClientError::Unreadable(e.to_string());
        let what = serde_json::to_value(ask).map_err(unreadable)?;
        let id = id.to_owned();
        self.send(&Up::Ask {
            id: id.clone(),
            what,
        })
        .await?;
        loop {
            if let Down::Answer {
                id: of, ok, error, ..
            } = self.next().await?
                && of == id
            {
                return match (ok, error) {
                    (_, Some(error)) => Err(ClientError::Refused(error)),
                    (Some(ok), None) => serde_json::from_value(ok).map_err(unreadable),
                    (None, None) => Err(ClientError::Unreadable("it is empty".to_owned())),
                };
            }
        }
    }

    /// Asks for events, those after `after` first.
    pub async fn follow(&mut self, after: i64) -> Result<(), ClientError> {
        self.send(&Up::Follow { after }).await
    }

    /// The next event.
    pub async fn event(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Down::Event { event } = self.next().await? {
                return Ok(event);
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        if let Ok(goodbye) = self.session.goodbye() {
            let _ = self.stream.write_all(&goodbye).await;
            let _ = self.stream.shutdown().await;
        }
    }

    async fn send(&mut self, up: &Up) -> Result<(), ClientError> {
        let body = serde_json::to_vec(up).map_err(|e| ClientError::Unreadable(e.to_string()))?;
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let sealed = self.session.seal(&body, now_ms)?;
        self.stream.write_all(&sealed).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// What the agent says next. Not to be dropped in the middle of.
    async fn next(&mut self) -> Result<Down, ClientError> {
        loop {
            match self.session.pull()? {
                Some(Received::Message(body)) => {
                    return serde_json::from_slice(&body)
                        .map_err(|e| ClientError::Unreadable(e.to_string()));
                }
                Some(Received::Goodbye) => {
                    return Err(ClientError::Unreachable("it has stopped".to_owned()));
                }
                None => {}
            }
            let n = self.stream.read(&mut self.buffer).await?;
            if n == 0 {
                self.session.end()?;
                return Err(ClientError::Unreachable("it has stopped".to_owned()));
            }
            self.session.push(&self.buffer[..n]);
        }
    }
}
