//! One link while it lasts: registers, takes arrivals, answers orders, and notices its end.

use super::arrivals::{fetch, take};
use super::routes::{Routes, lock};
use super::{AgentConfig, Arrival, Order, Status};
use crate::address::RelayAddress;
use crate::connect::{Carrier, Connector, Greeted};
use crate::error::LinkError;
use crate::io::{read_message, write_message};
use crate::stream::{Held, LinkStream};
use deputy_protocol::link::{
    Binding, Decline, Hello, MAX_FRAME, Message, Pushed, Refusal, Register, RegisterTerms, Role,
    RouteId, Salt, Unregister, VERSIONS, Welcome,
};
use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// How long the relay may take to answer a request.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it may take just after the network changed.
const AFTER_CHANGE: Duration = Duration::from_secs(3);
/// How often a link over WebSocket asks whether the relay still lives. QUIC does so by itself.
const PROBE: Duration = Duration::from_secs(20);
/// Salts in one registration: well within a frame.
const BATCH: usize = 256;

/// Why a link ended.
pub(super) enum End {
    Stopped,
    NetworkChanged,
    GoingAway(Vec<RelayAddress>),
    Displaced,
    Failed(LinkError),
}

/// What a link needs of its keeper.
pub(super) struct Setting<'a> {
    pub(super) config: &'a AgentConfig,
    pub(super) relay: &'a RelayAddress,
    pub(super) connector: &'a Arc<Connector>,
    pub(super) orders: &'a mut mpsc::Receiver<Order>,
    pub(super) arrivals: &'a mpsc::Sender<Arrival>,
    pub(super) status: &'a watch::Sender<Status>,
    pub(super) network: &'a Notify,
    pub(super) routes: &'a mut Routes,
}

/// What waits for an answer of the relay.
enum Waiting {
    /// The registrations with which the link begins.
    First,
    Done(oneshot::Sender<()>),
    Push(oneshot::Sender<Result<Pushed, LinkError>>),
    Probe,
}

struct Live<'a> {
    setting: Setting<'a>,
    carrier: Carrier,
    quic: Option<(quinn::Endpoint, quinn::Connection)>,
    welcome: Welcome,
    binding: Binding,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    next_id: u64,
    waiting: HashMap<u64, (Instant, Waiting)>,
    /// The network changed, and the relay has not shown itself since.
    unsure: bool,
    /// Take arrivals; they end with the link, the streams that they gave out do not.
    tasks: JoinSet<()>,
}

/// Runs a link until it ends.
pub(super) async fn run(setting: Setting<'_>, greeted: Greeted) -> End {
    let (reader, live) = Live::begin(setting, greeted);
    // Reading a message cannot be interrupted and taken up again, so it has a task of its own.
    let (messages_in, messages) = mpsc::channel(16);
    let reading = tokio::spawn(read_all(reader, messages_in));
    let end = live.run(messages).await;
    reading.abort();
    end
}

async fn read_all(
    mut reader: Box<dyn AsyncRead + Send + Unpin>,
    messages: mpsc::Sender<Result<Message, LinkError>>,
) {
    loop {
        let read = match read_message(&mut reader, MAX_FRAME).await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(LinkError::Ended("the relay hung up".into())),
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if messages.send(read).await.is_err() || failed {
            return;
        }
    }
}

impl<'a> Live<'a> {
    fn begin(setting: Setting<'a>, greeted: Greeted) -> (Box<dyn AsyncRead + Send + Unpin>, Self) {
        let live = |carrier, quic, welcome, binding, writer| Self {
            setting,
            carrier,
            quic,
            welcome,
            binding,
            writer,
            next_id: 1,
            waiting: HashMap::new(),
            unsure: false,
            tasks: JoinSet::new(),
        };
        match greeted {
            Greeted::Quic(link) => {
                let quic = Some((link.endpoint, link.connection));
                let writer = Box::new(link.control_writer);
                let live = live(Carrier::Quic, quic, link.welcome, link.binding, writer);
                (Box::new(link.control_reader), live)
            }
            Greeted::WebSocket(link) => {
                let writer = Box::new(link.writer);
                let live = live(Carrier::WebSocket, None, link.welcome, link.binding, writer);
                (Box::new(link.reader), live)
            }
        }
    }

    async fn run(mut self, mut messages: mpsc::Receiver<Result<Message, LinkError>>) -> End {
        let salts = self.setting.routes.all();
        // Without routes too: an empty registration shows who this is.
        let mut batches: Vec<&[Salt]> = salts.chunks(BATCH).collect();
        if batches.is_empty() {
            batches.push(&[]);
        }
        for batch in batches {
            if let Err(error) = self.register(batch, Waiting::First).await {
                return End::Failed(error);
            }
        }
        let mut probe_at = Instant::now() + PROBE;
        loop {
            let deadline = self.waiting.values().map(|(at, _)| *at).min();
            let step = tokio::select! {
                message = messages.recv() => match message {
                    Some(Ok(message)) => self.heard(message).await,
                    Some(Err(error)) => Err(End::Failed(error)),
                    None => Err(End::Failed(LinkError::Ended("the relay hung up".into()))),
                },
                order = self.setting.orders.recv() => self.ordered(order).await,
                arrival = next_arrival(self.quic.as_ref()) => self.arrived(arrival),
                () = self.setting.network.notified() => self.network_changed().await,
                () = sleep_until(probe_at), if self.carrier == Carrier::WebSocket => {
                    probe_at = Instant::now() + PROBE;
                    self.probe(ANSWER).await
                }
                () = until(deadline) => Err(self.overdue()),
                Some(_) = self.tasks.join_next() => Ok(()),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn heard(&mut self, message: Message) -> Result<(), End> {
        self.unsure = false;
        match message {
            Message::Registered(registered) => self.answered(registered.id),
            Message::Unregistered(unregistered) => self.answered(unregistered.id),
            Message::Pushed(pushed) => {
                if let Some((_, Waiting::Push(done))) = self.waiting.remove(&pushed.id) {
                    let _ = done.send(Ok(pushed));
                }
            }
            Message::Incoming(incoming) => {
                let ticket = incoming.ticket.unwrap_or_default();
                return self.announced(incoming.route, ticket).await;
            }
            Message::Refused(refusal) => return self.refused(refusal),
            Message::GoingAway(away) => {
                let to = away.to.iter().filter_map(|text| text.parse().ok());
                return Err(End::GoingAway(to.collect()));
            }
            Message::Displaced(_) => return Err(End::Displaced),
            // Not for this side, or of a newer version.
            Message::Hello(_)
            | Message::Welcome(_)
            | Message::Register(_)
            | Message::Unregister(_)
            | Message::Dial(_)
            | Message::Accept(_)
            | Message::Decline(_)
            | Message::Connected(_)
            | Message::Push(_)
            | Message::Unknown => {}
        }
        Ok(())
    }

    async fn ordered(&mut self, order: Option<Order>) -> Result<(), End> {
        match order {
            Some(Order::Add(salt, done)) => {
                self.setting.routes.add(salt);
                self.register(&[salt], Waiting::Done(done)).await
            }
            Some(Order::Remove(salt, done)) => {
                self.setting.routes.remove(&salt);
                let route = self.setting.config.secret.route(&salt);
                self.unregister(vec![route], Waiting::Done(done), ANSWER)
                    .await
            }
            Some(Order::Push(mut push, done)) => {
                push.id = self.wait_for(Waiting::Push(done), ANSWER);
                self.say(&Message::Push(push)).await
            }
            Some(Order::Stop) | None => return Err(End::Stopped),
        }
        .map_err(End::Failed)
    }

    /// The connection may live on from another address: QUIC moves it there. Either way the relay
    /// must show itself soon.
    async fn network_changed(&mut self) -> Result<(), End> {
        if let Some((endpoint, connection)) = &self.quic
            && crate::quic::rebind(endpoint, connection).is_err()
        {
            return Err(End::NetworkChanged);
        }
        self.unsure = true;
        self.probe(AFTER_CHANGE).await
    }

    /// Asks for a sign of life: a request that changes nothing.
    async fn probe(&mut self, within: Duration) -> Result<(), End> {
        self.unregister(Vec::new(), Waiting::Probe, within)
            .await
            .map_err(End::Failed)
    }

    fn overdue(&self) -> End {
        if self.unsure {
            End::NetworkChanged
        } else {
            End::Failed(LinkError::Ended(
                "the relay does not answer any more".into(),
            ))
        }
    }

    fn refused(&mut self, refusal: Refusal) -> Result<(), End> {
        let waiting = refusal.id.and_then(|id| self.waiting.remove(&id));
        match waiting {
            Some((_, Waiting::Push(done))) => {
                let _ = done.send(Err(refusal.into()));
                Ok(())
            }
            Some((_, Waiting::First | Waiting::Done(_) | Waiting::Probe)) | None => {
                Err(End::Failed(refusal.into()))
            }
        }
    }

    /// Over QUIC a dial arrives as a stream.
    fn arrived(
        &mut self,
        arrival: Result<(quinn::SendStream, quinn::RecvStream), quinn::ConnectionError>,
    ) -> Result<(), End> {
        let (send, recv) = arrival.map_err(|error| End::Failed(error.into()))?;
        let Some((_, connection)) = &self.quic else {
            return Ok(());
        };
        let stream = LinkStream::quic(
            &Held::by_others(connection),
            send,
            recv,
            self.welcome.limits,
        );
        let salts = self.setting.routes.salts.clone();
        let arrivals = self.setting.arrivals.clone();
        self.tasks.spawn(async move {
            // Whatever goes wrong with one arrival ends that one alone, and its dialler is told by
            // the stream's end.
            let _ = timeout(ANSWER, take(stream, salts, arrivals)).await;
        });
        Ok(())
    }

    /// Over WebSocket a dial is announced, and fetched by a WebSocket of its own.
    async fn announced(&mut self, route: RouteId, ticket: String) -> Result<(), End> {
        let wanted = lock(&self.setting.routes.salts).contains_key(&route);
        let room = self.setting.arrivals.clone().try_reserve_owned();
        let (true, Ok(room)) = (wanted, room) else {
            let decline = Message::Decline(Decline { ticket });
            return self.say(&decline).await.map_err(End::Failed);
        };
        let connector = self.setting.connector.clone();
        let relay = self.setting.relay.clone();
        let hello = Hello {
            versions: VERSIONS.to_vec(),
            role: Role::Acceptor,
            features: Vec::new(),
            software: self.setting.config.software.clone(),
            access_token: self.setting.config.access_token.clone(),
        };
        self.tasks.spawn(async move {
            let fetched = timeout(ANSWER, fetch(&connector, &relay, &hello, route, ticket)).await;
            if let Ok(Ok(stream)) = fetched {
                room.send(Arrival { route, stream });
            }
        });
        Ok(())
    }

    fn answered(&mut self, id: u64) {
        if let Some((_, Waiting::Done(done))) = self.waiting.remove(&id) {
            let _ = done.send(());
        }
        let first = |(_, waiting): &(Instant, Waiting)| matches!(waiting, Waiting::First);
        if !self.waiting.values().any(first) {
            let linked = Status::Linked {
                carrier: self.carrier,
            };
            self.setting.status.send_if_modified(|status| {
                let changed = *status != linked;
                *status = linked;
                changed
            });
        }
    }

    async fn register(&mut self, salts: &[Salt], waiting: Waiting) -> Result<(), LinkError> {
        let challenge = self
            .welcome
            .challenge
            .clone()
            .ok_or_else(|| LinkError::Protocol("the relay sent no challenge".into()))?;
        let id = self.wait_for(waiting, ANSWER);
        let terms = RegisterTerms {
            id,
            relay: self.setting.relay.host(),
            salts,
        };
        let secret = &self.setting.config.secret;
        let proof = terms
            .prove(secret, &challenge, &self.binding)
            .map_err(|error| LinkError::Protocol(error.to_string()))?;
        let register = Register {
            id,
            route_key: secret.public(),
            relay: terms.relay.to_owned(),
            salts: salts.to_vec(),
            proof,
        };
        self.say(&Message::Register(register)).await
    }

    async fn unregister(
        &mut self,
        routes: Vec<RouteId>,
        waiting: Waiting,
        within: Duration,
    ) -> Result<(), LinkError> {
        let id = self.wait_for(waiting, within);
        self.say(&Message::Unregister(Unregister { id, routes }))
            .await
    }

    /// A number for a request whose answer is awaited.
    fn wait_for(&mut self, waiting: Waiting, within: Duration) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.insert(id, (Instant::now() + within, waiting));
        id
    }

    async fn say(&mut self, message: &Message) -> Result<(), LinkError> {
        timeout(ANSWER, write_message(&mut self.writer, message))
            .await
            .unwrap_or_else(|_| Err(LinkError::Ended("the relay takes nothing any more".into())))
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

async fn next_arrival(
    quic: Option<&(quinn::Endpoint, quinn::Connection)>,
) -> Result<(quinn::SendStream, quinn::RecvStream), quinn::ConnectionError> {
    match quic {
        Some((_, connection)) => connection.accept_bi().await,
        None => pending().await,
    }
}
