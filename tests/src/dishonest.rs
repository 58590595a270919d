//! A relay that does what it is asked to and writes everything down, or changes what it passes on.
//! It checks nothing, as one that works against its users would not.

use deputy_link::{read_message, write_message};
use deputy_protocol::link::{
    Challenge, ChallengeSecret, Connected, Incoming, Limits, MAX_FRAME, Message, Registered,
    RouteId, VERSIONS, Welcome,
};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// What it does to the chunks of one direction of a joined stream: takes them in order, gives what it
/// passes on instead.
pub type Meddling = Box<dyn FnMut(Vec<u8>) -> Vec<Vec<u8>> + Send>;

/// Makes the meddling for the next joined stream: from the device, and from the agent.
pub type Meddler = Box<dyn Fn() -> (Meddling, Meddling) + Send + Sync>;

#[derive(Default)]
struct Seen {
    /// Everything that went through its hands, messages and streams alike.
    bytes: Mutex<Vec<u8>>,
    agents: Mutex<HashMap<RouteId, Connection>>,
    meddler: Mutex<Option<Meddler>>,
}

/// The relay; gone when dropped.
pub struct DishonestRelay {
    /// Where it listens, on loopback.
    pub port: u16,
    /// The SHA-256 of its certificate.
    pub hash: [u8; 32],
    seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

impl DishonestRelay {
    /// Starts one on the present runtime.
    pub fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate: CertificateDer<'static> = made.cert.der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        tls.alpn_protocols = vec![b"deputy/1".to_vec()];
        let crypto = QuicServerConfig::try_from(tls).unwrap();
        let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        let endpoint = Endpoint::server(config, ([127, 0, 0, 1], 0).into()).unwrap();
        let seen = Arc::new(Seen::default());
        let mut tasks = JoinSet::new();
        let port = endpoint.local_addr().unwrap().port();
        tasks.spawn(accept(endpoint, Arc::clone(&seen)));
        Self {
            port,
            hash: deputy_link::certificate_hash(&certificate),
            seen,
            _tasks: tasks,
        }
    }

    /// Everything that it saw so far.
    pub fn saw(&self) -> Vec<u8> {
        self.seen.bytes.lock().unwrap().clone()
    }

    /// Meddles with every stream that is joined from here on.
    pub fn meddle(&self, meddler: Meddler) {
        *self.seen.meddler.lock().unwrap() = Some(meddler);
    }

    /// Is honest again.
    pub fn behave(&self) {
        *self.seen.meddler.lock().unwrap() = None;
    }
}

async fn accept(endpoint: Endpoint, seen: Arc<Seen>) {
    let mut open = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        let seen = Arc::clone(&seen);
        open.spawn(async move {
            if let Ok(connection) = incoming.await {
                // Whatever goes wrong ends this connection, as its two ends will see.
                let _ = serve(connection, seen).await;
            }
        });
    }
}

type Served<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn hear(recv: &mut RecvStream, seen: &Seen) -> Served<Option<Message>> {
    let message = read_message(recv, MAX_FRAME).await?;
    let said = serde_json::to_vec(&message)?;
    seen.bytes.lock().unwrap().extend(said);
    Ok(message)
}

async fn serve(connection: Connection, seen: Arc<Seen>) -> Served<()> {
    let (mut send, mut recv) = connection.accept_bi().await?;
    let challenge: Challenge = ChallengeSecret::from_bytes([7; 64]).challenge().clone();
    let Some(Message::Hello(hello)) = hear(&mut recv, &seen).await? else {
        return Ok(());
    };
    let is_agent = hello.role == deputy_protocol::link::Role::Agent;
    let welcome = Welcome {
        version: VERSIONS[0],
        features: Vec::new(),
        challenge: is_agent.then_some(challenge),
        limits: Limits::default(),
    };
    write_message(&mut send, &Message::Welcome(welcome)).await?;
    if is_agent {
        while let Some(message) = hear(&mut recv, &seen).await? {
            if let Message::Register(register) = message {
                let routes: Vec<RouteId> = { register.salts.iter() }
                    .map(|salt| register.route_key.route(salt))
                    .collect();
                for route in &routes {
                    let mut agents = seen.agents.lock().unwrap();
                    agents.insert(*route, connection.clone());
                }
                let id = register.id;
                let registered = Message::Registered(Registered { id, routes });
                write_message(&mut send, &registered).await?;
            }
        }
        return Ok(());
    }
    let mut streams = JoinSet::new();
    loop {
        let stream = connection.accept_bi().await?;
        streams.spawn(join(stream, Arc::clone(&seen)));
    }
}

async fn join((to_device, mut from_device): (SendStream, RecvStream), seen: Arc<Seen>) {
    let Ok(Some(Message::Dial(dial))) = hear(&mut from_device, &seen).await else {
        return;
    };
    let agent = seen.agents.lock().unwrap().get(&dial.route).cloned();
    let Some(agent) = agent else { return };
    let Ok((mut to_agent, from_agent)) = agent.open_bi().await else {
        return;
    };
    let incoming = Message::Incoming(Incoming {
        route: dial.route,
        ticket: None,
    });
    if write_message(&mut to_agent, &incoming).await.is_err() {
        return;
    }
    let (device, agent) = match &*seen.meddler.lock().unwrap() {
        Some(meddler) => meddler(),
        None => (honest(), honest()),
    };
    tokio::join!(
        pass(from_device, to_agent, device, &seen),
        // What the agent says first is that it is connected, in the clear.
        pass(from_agent, to_device, agent, &seen),
    );
}

fn honest() -> Meddling {
    Box::new(|chunk| vec![chunk])
}

async fn pass(mut from: RecvStream, mut to: SendStream, mut meddling: Meddling, seen: &Seen) {
    while let Ok(Some(chunk)) = from.read_chunk(65_536, true).await {
        seen.bytes.lock().unwrap().extend_from_slice(&chunk.bytes);
        for bytes in meddling(chunk.bytes.to_vec()) {
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }
    let _ = to.finish();
}

/// How long the agent's first words to a device are, with their length before them.
pub fn connected_length() -> usize {
    let text = serde_json::to_vec(&Message::Connected(Connected {})).unwrap();
    2 + text.len()
}
