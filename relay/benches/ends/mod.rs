//! The two ends of the benchmarks, on bare quinn, and what can be between them.

use deputy_link::{RelayAddress, certificate_hash, read_message, write_message};
use deputy_protocol::link::{
    ALPN, Binding, Connected, Dial, EXPORTER_LABEL, Hello, MAX_FRAME, Message, Register,
    RegisterTerms, Role, RouteSecret, Salt,
};
use deputy_relay::{AddressLimits, Config, Rate, Relay};
use quinn::{Connection, Endpoint, RecvStream, SendStream, TransportConfig, VarInt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub type Stream = (SendStream, RecvStream);

/// A joined pair of streams.
pub struct Pair {
    pub client: Stream,
    pub agent: Stream,
}

/// Something that joins streams.
pub trait Middle {
    async fn join(&self) -> Pair;
}

/// Two connections and a loop in between that does nothing but copy.
pub struct Bare {
    client: Connection,
    agent: Connection,
    _endpoints: [Endpoint; 2],
}

/// A server of bare quinn, and its certificate's hash.
pub fn bare_server() -> (Endpoint, [u8; 32]) {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let hash = certificate_hash(pair.cert.der());
    let key = PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key.into())
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport()));
    let endpoint = Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    (endpoint, hash)
}

/// Accepts connections and keeps a stream of each, in the place of a relay.
pub async fn serve_bare() {
    use base64::Engine;
    let (endpoint, hash) = bare_server();
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
    let at = endpoint.local_addr().unwrap();
    println!("{{\"listen\":\"{at}\"}}\n{{\"sha256\":\"{hash}\"}}");
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let connection = incoming.await.unwrap();
            let mut stream = connection.accept_bi().await.unwrap();
            stream.0.write_all(b"!").await.unwrap();
            stream.1.read_to_end(1024).await
        });
    }
}

impl Bare {
    pub async fn start() -> Self {
        let (endpoint, hash) = bare_server();
        let at = endpoint.local_addr().unwrap();
        let accepting = {
            let endpoint = endpoint.clone();
            tokio::spawn(async move {
                let client = endpoint.accept().await.unwrap().await.unwrap();
                let agent = endpoint.accept().await.unwrap().await.unwrap();
                while let Ok(from) = client.accept_bi().await {
                    let to = agent.open_bi().await.unwrap();
                    tokio::spawn(copy(from.1, to.0));
                    tokio::spawn(copy(to.1, from.0));
                }
            })
        };
        drop(accepting);
        let own = client_endpoint(hash);
        let client = own.connect(at, "localhost").unwrap().await.unwrap();
        let agent = own.connect(at, "localhost").unwrap().await.unwrap();
        Self {
            client,
            agent,
            _endpoints: [endpoint, own],
        }
    }
}

impl Middle for Bare {
    async fn join(&self) -> Pair {
        let mut client = self.client.open_bi().await.unwrap();
        client.0.write_all(b"!").await.unwrap();
        let mut agent = self.agent.accept_bi().await.unwrap();
        agent.1.read_exact(&mut [0]).await.unwrap();
        Pair { client, agent }
    }
}

pub async fn copy(mut from: RecvStream, mut to: SendStream) {
    let mut bufs: [bytes::Bytes; 32] = std::array::from_fn(|_| bytes::Bytes::new());
    while let Ok(Some(n)) = from.read_chunks(&mut bufs).await {
        if to.write_all_chunks(&mut bufs[..n]).await.is_err() {
            return;
        }
    }
    let _ = to.finish();
}

/// The relay.
pub struct Relayed {
    client: Connection,
    agent: Connection,
    _controls: [Stream; 2],
    _relay: Relay,
    _own: Endpoint,
}

const SALTS: u8 = 64;

impl Relayed {
    pub async fn start() -> Self {
        let mut config = Config::local("127.0.0.1:0".parse().unwrap());
        config.limits.address = AddressLimits {
            open: 100,
            connections: Rate::UNLIMITED,
            dials: Rate::UNLIMITED,
        };
        config.limits.route.dials = Rate::UNLIMITED;
        let relay = Relay::start(config).unwrap();
        let own = client_endpoint(relay.certificate_hash());
        let at = relay.address();
        let (agent, control) = linked(&own, at, Role::Agent).await;
        let (client, other) = linked(&own, at, Role::Client).await;
        Self {
            client,
            agent,
            _controls: [control, other],
            _relay: relay,
            _own: own,
        }
    }

    /// Answers every dial and ends it when its client does.
    pub fn answer_all(&self) {
        let agent = self.agent.clone();
        tokio::spawn(async move {
            while let Ok(stream) = agent.accept_bi().await {
                tokio::spawn(async move {
                    let mut stream = answered(stream).await;
                    let _ = stream.1.read_to_end(1024).await;
                    let _ = stream.0.finish();
                });
            }
        });
    }

    /// Dials one of the routes and ends it, once it is answered.
    pub fn dial(&self, n: usize) -> impl Future<Output = ()> + Send + 'static {
        let client = self.client.clone();
        async move {
            let mut stream = dialled(&client, (n % usize::from(SALTS)) as u8).await;
            stream.0.finish().unwrap();
            stream.1.read_to_end(1024).await.unwrap();
        }
    }
}

impl Middle for Relayed {
    async fn join(&self) -> Pair {
        let arrival = async { answered(self.agent.accept_bi().await.unwrap()).await };
        let (client, agent) = tokio::join!(dialled(&self.client, 0), arrival);
        Pair { client, agent }
    }
}

async fn dialled(client: &Connection, salt: u8) -> Stream {
    let (mut send, mut recv) = client.open_bi().await.unwrap();
    let route = secret(0).route(&Salt([salt; 32]));
    write_message(&mut send, &Message::Dial(Dial { route }))
        .await
        .unwrap();
    let answer = read_message(&mut recv, MAX_FRAME).await.unwrap();
    assert!(matches!(answer, Some(Message::Connected(_))), "{answer:?}");
    (send, recv)
}

async fn answered((mut send, mut recv): Stream) -> Stream {
    let incoming = read_message(&mut recv, MAX_FRAME).await.unwrap();
    assert!(matches!(incoming, Some(Message::Incoming(_))));
    write_message(&mut send, &Message::Connected(Connected {}))
        .await
        .unwrap();
    (send, recv)
}

/// An agent that only keeps its link.
pub struct Idle {
    connection: Connection,
    _control: Stream,
}

impl Idle {
    pub fn is_alive(&self) -> bool {
        self.connection.close_reason().is_none()
    }
}

/// So many agents with a route each, over one UDP socket.
pub async fn idle_agents(port: u16, hash: [u8; 32], many: usize, register: bool) -> Vec<Idle> {
    let own = client_endpoint(hash);
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let address = RelayAddress::new("127.0.0.1", port);
    let mut agents = Vec::with_capacity(many);
    let mut running = tokio::task::JoinSet::new();
    for n in 0..many {
        if running.len() >= 32 {
            agents.push(running.join_next().await.unwrap().unwrap());
        }
        let (own, host) = (own.clone(), address.host().to_owned());
        running.spawn(async move {
            let (connection, control) = if register {
                linked_as(&own, at, &host, Role::Agent, n, 1).await
            } else {
                let connection = own.connect(at, &host).unwrap().await.unwrap();
                let mut stream = connection.open_bi().await.unwrap();
                stream.0.write_all(b"!").await.unwrap();
                stream.1.read_exact(&mut [0]).await.unwrap();
                (connection, stream)
            };
            Idle {
                connection,
                _control: control,
            }
        });
    }
    while let Some(agent) = running.join_next().await {
        agents.push(agent.unwrap());
    }
    agents
}

fn secret(n: usize) -> RouteSecret {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    RouteSecret::from_bytes(bytes)
}

async fn linked(own: &Endpoint, at: SocketAddr, role: Role) -> (Connection, Stream) {
    linked_as(own, at, "127.0.0.1", role, 0, SALTS).await
}

async fn linked_as(
    own: &Endpoint,
    at: SocketAddr,
    host: &str,
    role: Role,
    n: usize,
    salts: u8,
) -> (Connection, Stream) {
    let connection = own.connect(at, host).unwrap().await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    let hello = Hello {
        versions: vec![1],
        role,
        features: Vec::new(),
        software: String::new(),
        access_token: None,
    };
    write_message(&mut send, &Message::Hello(hello))
        .await
        .unwrap();
    let Some(Message::Welcome(welcome)) = read_message(&mut recv, MAX_FRAME).await.unwrap() else {
        panic!("no welcome");
    };
    if let Some(challenge) = welcome.challenge {
        let mut binding = [0; 32];
        connection
            .export_keying_material(&mut binding, EXPORTER_LABEL, b"")
            .unwrap();
        let salts: Vec<Salt> = (0..salts).map(|n| Salt([n; 32])).collect();
        let terms = RegisterTerms {
            id: 1,
            relay: host,
            salts: &salts,
        };
        let secret = secret(n);
        let proof = terms.prove(&secret, &challenge, &Binding(binding)).unwrap();
        let register = Register {
            id: 1,
            route_key: secret.public(),
            relay: host.to_owned(),
            salts: salts.clone(),
            proof,
        };
        write_message(&mut send, &Message::Register(register))
            .await
            .unwrap();
        let answer = read_message(&mut recv, MAX_FRAME).await.unwrap();
        assert!(matches!(answer, Some(Message::Registered(_))), "{answer:?}");
    }
    (connection, (send, recv))
}

/// The same on both sides of everything that is measured.
fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(256))
        .stream_receive_window(VarInt::from_u32(1 << 20))
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .datagram_receive_buffer_size(None);
    transport
}

pub fn client_endpoint(hash: [u8; 32]) -> Endpoint {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(hash, provider)))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport()));
    let mut endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    endpoint.set_default_client_config(config);
    endpoint
}

#[derive(Debug)]
struct Pinned([u8; 32], Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        assert_eq!(certificate_hash(end_entity), self.0);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.1.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.1.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}
