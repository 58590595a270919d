//! Deputy's relay, with the link's own ends: bare streams, and sessions on them.

use crate::talk::{From, Peer, Plain, Sealed, Talk};
use deputy_link::{
    AgentConfig, AgentLink, Arrival, CarrierChoice, DialConfig, Dialler, LinkReader, LinkStream,
    LinkWriter, RelayAddress, Status, Trust,
};
use deputy_protocol::link::{RouteId, RouteSecret, Salt};
use deputy_protocol::session::{
    Initiator, Introduced, Kind, Opening, PublicKey, Responder, StaticKey,
};
use deputy_relay::{AddressLimits, Config, Rate, Relay};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, mpsc};

/// Streams of the link, as they are.
pub struct Linked(Ends);

/// Sessions from end to end, over streams of the link.
pub struct Sessions {
    ends: Arc<Ends>,
    agent: PublicKey,
    device: StaticKey,
    arrivals: Mutex<mpsc::Receiver<Sealed>>,
}

/// A relay, an agent that is linked to it, and a device with a connection to it.
struct Ends {
    trust: Trust,
    at: RelayAddress,
    route: RouteId,
    dialler: Arc<Dialler>,
    arrivals: Mutex<mpsc::Receiver<Arrival>>,
    _link: AgentLink,
    _relay: Relay,
}

impl Ends {
    async fn start() -> Self {
        let mut config = Config::local("127.0.0.1:0".parse().unwrap());
        config.limits.address = AddressLimits {
            open: 10_000,
            connections: Rate::UNLIMITED,
            dials: Rate::UNLIMITED,
        };
        config.limits.route.dials = Rate::UNLIMITED;
        let relay = Relay::start(config).unwrap();
        let trust = Trust::Hashes(vec![relay.certificate_hash()]);
        let at = RelayAddress::new("127.0.0.1", relay.address().port());
        let secret = RouteSecret::from_bytes([1; 32]);
        let salt = Salt([2; 32]);
        let config = AgentConfig {
            relay: at.clone(),
            trust: trust.clone(),
            carriers: CarrierChoice::default(),
            access_token: None,
            secret: secret.clone(),
            software: String::new(),
        };
        let (link, arrivals) = AgentLink::start(config, vec![salt]);
        let mut status = link.status();
        let is_linked = |status: &Status| matches!(status, Status::Linked { .. });
        status.wait_for(is_linked).await.unwrap();
        Self {
            dialler: dialler(&trust),
            trust,
            at,
            route: secret.route(&salt),
            arrivals: Mutex::new(arrivals),
            _link: link,
            _relay: relay,
        }
    }

    fn dialler(&self, from: From) -> Arc<Dialler> {
        match from {
            From::Open => Arc::clone(&self.dialler),
            From::Nothing => dialler(&self.trust),
        }
    }

    async fn arrive(&self) -> Arrival {
        self.arrivals.lock().await.recv().await.unwrap()
    }
}

fn dialler(trust: &Trust) -> Arc<Dialler> {
    Arc::new(Dialler::new(DialConfig {
        trust: trust.clone(),
        carriers: CarrierChoice::default(),
        access_token: None,
        software: String::new(),
    }))
}

impl Peer for Linked {
    type Device = Plain<LinkReader, LinkWriter>;
    type Agent = Plain<LinkReader, LinkWriter>;

    async fn start() -> Self {
        Self(Ends::start().await)
    }

    async fn dial(&self, from: From, first: &[u8]) -> Self::Device {
        let dialler = self.0.dialler(from);
        let dialled = dialler.dial_saying(&self.0.at, self.0.route, first.to_vec());
        let (reader, writer) = dialled.await.unwrap().into_split();
        Plain::new(reader, writer, dialler)
    }

    async fn arrive(&self) -> Self::Agent {
        let (reader, writer) = self.0.arrive().await.stream.into_split();
        Plain::new(reader, writer, ())
    }
}

impl Sessions {
    /// A session with the agent at another place of the relay.
    pub async fn dial_at(&self, dialler: &Arc<Dialler>, at: &RelayAddress, first: &[u8]) -> Sealed {
        let said = Introduced::default();
        let (key, route) = (&self.device, self.ends.route);
        let begun = Initiator::new(Kind::Known, key, &self.agent, &route, None, &said);
        let (initiator, hello) = begun.unwrap();
        let mut stream = dialler.dial_saying(at, route, hello).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 0, "the version is spoken");
        let answer = framed(&mut stream).await;
        let (session, _) = initiator.finish(&answer).unwrap();
        let mut sealed = Sealed::new(session, stream, Arc::clone(dialler));
        if !first.is_empty() {
            sealed.say(first).await;
        }
        sealed
    }

    /// One that has no connection.
    pub fn another_dialler(&self) -> Arc<Dialler> {
        self.ends.dialler(From::Nothing)
    }

    /// Where the relay is.
    pub fn relay(&self) -> &RelayAddress {
        &self.ends.at
    }
}

impl Peer for Sessions {
    type Device = Sealed;
    type Agent = Sealed;

    async fn start() -> Self {
        let ends = Arc::new(Ends::start().await);
        let (agent, device) = (
            StaticKey::from_bytes([3; 32]),
            StaticKey::from_bytes([4; 32]),
        );
        let (arrived, arrivals) = mpsc::channel(64);
        let accepting = Arc::clone(&ends);
        let (to, from) = (agent.public(), device.public());
        tokio::spawn(async move {
            let agent = Arc::new(agent);
            loop {
                let (arrival, agent) = (accepting.arrive().await, Arc::clone(&agent));
                let arrived = arrived.clone();
                tokio::spawn(
                    async move { arrived.send(respond(arrival, &agent, from).await).await },
                );
            }
        });
        Self {
            ends,
            agent: to,
            device,
            arrivals: Mutex::new(arrivals),
        }
    }

    async fn dial(&self, from: From, first: &[u8]) -> Sealed {
        let dialler = self.ends.dialler(from);
        self.dial_at(&dialler, &self.ends.at, first).await
    }

    async fn arrive(&self) -> Sealed {
        self.arrivals.lock().await.recv().await.unwrap()
    }
}

async fn respond(arrival: Arrival, agent: &StaticKey, device: PublicKey) -> Sealed {
    let Arrival { route, mut stream } = arrival;
    let mut bytes = [0; Opening::LEN];
    stream.read_exact(&mut bytes).await.unwrap();
    let (opening, answer) = Opening::decode(bytes);
    stream.write_all(&answer).await.unwrap();
    let message = framed(&mut stream).await;
    let responder = Responder::new(opening.unwrap(), agent, &route, None, &message).unwrap();
    assert_eq!(responder.device(), device);
    let (session, answer) = responder.finish(&Introduced::default()).unwrap();
    stream.write_all(&answer).await.unwrap();
    Sealed::new(session, stream, ())
}

/// A message of the handshake.
async fn framed(stream: &mut LinkStream) -> Vec<u8> {
    let mut message = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut message).await.unwrap();
    message
}
