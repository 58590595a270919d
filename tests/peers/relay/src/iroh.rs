//! iroh, with nothing but its relay in between: neither end has an address of its own.
//!
//! Its relay is the one of its own tests, in this process, with TLS as anywhere; its settings are
//! iroh's defaults.

use crate::talk::{From, Peer, Plain};
use iroh::endpoint::{Connection, RecvStream, SendStream, presets};
use iroh::tls::CaTlsConfig;
use iroh::{Endpoint, EndpointAddr, RelayMap, RelayMode};
use tokio::sync::{Mutex, mpsc};

const ALPN: &[u8] = b"deputy-relay-peers";

pub struct Iroh {
    map: RelayMap,
    to: EndpointAddr,
    device: Endpoint,
    agent: Endpoint,
    arrivals: Mutex<mpsc::Receiver<Connection>>,
    _relay: iroh_relay::server::Server,
}

impl Peer for Iroh {
    type Device = Plain<RecvStream, SendStream>;
    type Agent = Plain<RecvStream, SendStream>;

    async fn start() -> Self {
        let (map, url, relay) = iroh::test_utils::run_relay_server().await.unwrap();
        let (agent, device) = (endpoint(&map).await, endpoint(&map).await);
        agent.online().await;
        device.online().await;
        let (arrived, arrivals) = mpsc::channel(64);
        let accepting = agent.clone();
        tokio::spawn(async move {
            while let Some(incoming) = accepting.accept().await {
                let arrived = arrived.clone();
                tokio::spawn(async move { arrived.send(incoming.await.unwrap()).await });
            }
        });
        Self {
            to: EndpointAddr::new(agent.id()).with_relay_url(url),
            map,
            device,
            agent,
            arrivals: Mutex::new(arrivals),
            _relay: relay,
        }
    }

    async fn dial(&self, from: From, first: &[u8]) -> Self::Device {
        let device = match from {
            From::Open => self.device.clone(),
            From::Nothing => endpoint(&self.map).await,
        };
        let connection = device.connect(self.to.clone(), ALPN).await.unwrap();
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(first).await.unwrap();
        Plain::new(recv, send, Held(connection, device))
    }

    async fn arrive(&self) -> Self::Agent {
        let connection = self.arrivals.lock().await.recv().await.unwrap();
        let (send, recv) = connection.accept_bi().await.unwrap();
        Plain::new(recv, send, Held(connection, self.agent.clone()))
    }
}

/// A connection ends when nobody holds it. It goes by the relay, and it alone.
struct Held(Connection, #[allow(dead_code)] Endpoint);

impl Drop for Held {
    fn drop(&mut self) {
        let paths = self.0.paths();
        assert!(paths.iter().all(|path| path.is_relay()), "not by the relay");
    }
}

async fn endpoint(map: &RelayMap) -> Endpoint {
    let builder = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Custom(map.clone()))
        .clear_ip_transports()
        .ca_tls_config(CaTlsConfig::insecure_skip_verify())
        .alpns(vec![ALPN.to_vec()]);
    builder.bind().await.unwrap()
}
