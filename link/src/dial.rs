//! How a client reaches an agent.

use crate::address::RelayAddress;
use crate::connect::{CarrierChoice, Connector, Greeted};
use crate::error::LinkError;
use crate::io::{ended, read_message};
use crate::quic::QuicLink;
use crate::session::{Ahead, Words, await_connected};
use crate::stream::{Held, LinkStream};
use crate::trust::Trust;
use crate::websocket;
use deputy_protocol::link::{
    Hello, Limits, MAX_FRAME, Message, Refusal, RefusalCode, Role, RouteId, VERSIONS,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

/// How long an agent may take to answer a dial.
const ANSWER: Duration = Duration::from_secs(15);

/// How long a connection that nobody holds any more is left open: what was said last is still on its
/// way.
const LINGER: Duration = Duration::from_secs(1);

/// How a client dials.
#[derive(Clone, Debug)]
pub struct DialConfig {
    /// Whom it believes to be the relay.
    pub trust: Trust,
    /// Which carriers it may use.
    pub carriers: CarrierChoice,
    /// For relays that let only known clients in.
    pub access_token: Option<String>,
    /// Name and version of the client, for the relay's count of versions.
    pub software: String,
}

/// Dials agents through relays. Keeps the QUIC connection to each relay for the next dial; when the
/// dialler and all streams are gone, nothing is left.
pub struct Dialler {
    config: DialConfig,
    connector: Connector,
    open: Arc<Mutex<HashMap<RelayAddress, Open>>>,
}

/// A QUIC connection that waits for the next dial.
#[derive(Clone)]
struct Open {
    held: Held,
    limits: Limits,
}

impl Dialler {
    /// A dialler without connections.
    pub fn new(config: DialConfig) -> Self {
        Self {
            connector: Connector::new(config.trust.clone(), config.carriers),
            open: Arc::default(),
            config,
        }
    }

    /// A stream to the agent behind `route` at `relay`, or at the relay of the same name to which
    /// that one points.
    ///
    /// # Errors
    /// [`LinkError::Refused`] with the reason when the relay is there but the agent is not, or
    /// either says no; [`LinkError::Unreachable`] when the relay is not there.
    ///
    /// On this machine, where nobody vouches for certificates, an agent's own listener is meant
    /// instead of a relay.
    pub async fn dial(
        &self,
        relay: &RelayAddress,
        route: RouteId,
    ) -> Result<LinkStream, LinkError> {
        self.dial_saying(relay, route, Vec::new()).await
    }

    /// Like [`Dialler::dial`], and says `first` to the agent before anything has come back, which
    /// saves round trips. Where a carrier or relay fails and another is taken, the agent may hear it
    /// more than once, each time as the beginning of a stream: not for what counts once.
    ///
    /// # Errors
    /// As of [`Dialler::dial`].
    pub async fn dial_saying(
        &self,
        relay: &RelayAddress,
        route: RouteId,
        first: Vec<u8>,
    ) -> Result<LinkStream, LinkError> {
        let ahead = Ahead { route, first };
        let refusal = match self.dial_at(relay, &ahead).await {
            Err(LinkError::Refused(refusal)) => refusal,
            done => return done,
        };
        // Once: relays that point at each other must not keep a client busy.
        match refusal.to.as_deref().map(str::parse::<RelayAddress>) {
            Some(Ok(to)) if refusal.code == RefusalCode::Elsewhere => {
                self.dial_at(&to, &ahead).await
            }
            _ => Err(refusal.into()),
        }
    }

    async fn dial_at(&self, relay: &RelayAddress, ahead: &Ahead) -> Result<LinkStream, LinkError> {
        if matches!(self.config.trust, Trust::System) && relay.is_this_machine() {
            let mut stream = websocket::straight(relay, &ahead.route).await?;
            stream.write_all(&ahead.first).await.map_err(ended)?;
            stream.flush().await.map_err(ended)?;
            return Ok(stream);
        }
        let open = self.open().get(relay).cloned();
        if let Some(open) = open {
            match over_quic(&open, ahead).await {
                // The connection broke meanwhile: a new one may do.
                Err(LinkError::Ended(_)) => forget(&self.open, relay, &open.held.connection),
                done => return done,
            }
        }
        let words = Words {
            hello: self.hello(),
            ahead: Some(ahead.clone()),
        };
        match self.connector.connect(relay, &words).await? {
            Greeted::Quic(mut link) => {
                let dialled = link.dialled.take();
                let open = self.keep(relay, *link);
                match dialled {
                    Some(dialled) => answer(answered(&open, dialled)).await,
                    None => over_quic(&open, ahead).await,
                }
            }
            Greeted::WebSocket(link) => {
                let (mut reader, writer) = (link.reader, link.writer);
                answer(await_connected(&mut reader)).await?;
                Ok(LinkStream::websocket(reader, writer, link.welcome.limits))
            }
        }
    }

    /// The network changed: the next dial starts afresh. Streams that still live go on.
    pub fn network_changed(&self) {
        self.connector.forget();
        self.open().clear();
    }

    fn hello(&self) -> Hello {
        Hello {
            versions: VERSIONS.to_vec(),
            role: Role::Client,
            features: Vec::new(),
            software: self.config.software.clone(),
            access_token: self.config.access_token.clone(),
        }
    }

    /// Keeps the connection until it ends, the relay is about to stop, or nobody holds it.
    fn keep(&self, relay: &RelayAddress, link: QuicLink) -> Open {
        let (held, let_go) = Held::here(&link.connection);
        let kept = Open {
            held,
            limits: link.welcome.limits,
        };
        self.open().insert(relay.clone(), kept.clone());
        let open = Arc::downgrade(&self.open);
        let relay = relay.clone();
        tokio::spawn(async move {
            let QuicLink {
                connection,
                mut control_reader,
                control_writer: _control_writer,
                ..
            } = link;
            let ended = async {
                while let Ok(Some(message)) = read_message(&mut control_reader, MAX_FRAME).await {
                    if matches!(message, Message::GoingAway(_) | Message::Refused(_)) {
                        break;
                    }
                }
            };
            tokio::select! {
                () = ended => {}
                _ = let_go => sleep(LINGER).await,
            }
            if let Some(open) = open.upgrade() {
                forget(&open, &relay, &connection);
            }
        });
        kept
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<RelayAddress, Open>> {
        self.open.lock().unwrap_or_else(|e| e.into_inner())
    }
}

fn forget(
    open: &Mutex<HashMap<RelayAddress, Open>>,
    relay: &RelayAddress,
    connection: &quinn::Connection,
) {
    let mut open = open.lock().unwrap_or_else(|e| e.into_inner());
    // It may be another one by now.
    if open.get(relay).map(|open| open.held.connection.stable_id()) == Some(connection.stable_id())
    {
        open.remove(relay);
    }
}

async fn over_quic(open: &Open, ahead: &Ahead) -> Result<LinkStream, LinkError> {
    answer(async {
        let (mut send, recv) = open.held.connection.open_bi().await?;
        ahead.say(&mut send).await?;
        answered(open, (send, recv)).await
    })
    .await
}

async fn answered(
    open: &Open,
    (send, mut recv): (quinn::SendStream, quinn::RecvStream),
) -> Result<LinkStream, LinkError> {
    await_connected(&mut recv).await?;
    Ok(LinkStream::quic(&open.held, send, recv, open.limits))
}

async fn answer<T>(dial: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    timeout(ANSWER, dial)
        .await
        .unwrap_or_else(|_| Err(Refusal::new(RefusalCode::Timeout).into()))
}
