//! The limit: two QUIC connections and a loop in between that does nothing but copy.

use crate::ends::{bare_server, client_endpoint, copy};
use crate::talk::{From, Peer, Plain};
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use std::net::SocketAddr;

pub struct Bare {
    at: SocketAddr,
    hash: [u8; 32],
    client: Connection,
    agent: Connection,
    _endpoints: [Endpoint; 3],
}

impl Peer for Bare {
    type Device = Plain<RecvStream, SendStream>;
    type Agent = Plain<RecvStream, SendStream>;

    async fn start() -> Self {
        let (middle, hash) = bare_server();
        let at = middle.local_addr().unwrap();
        let endpoint = client_endpoint(hash);
        let connecting = async { endpoint.connect(at, "localhost").unwrap().await.unwrap() };
        let accepting = async { middle.accept().await.unwrap().await.unwrap() };
        let (agent, to_agent) = tokio::join!(connecting, accepting);
        let accepting = middle.clone();
        tokio::spawn(async move {
            while let Some(incoming) = accepting.accept().await {
                tokio::spawn(splice(incoming, to_agent.clone()));
            }
        });
        let own = client_endpoint(hash);
        let client = own.connect(at, "localhost").unwrap().await.unwrap();
        Self {
            at,
            hash,
            client,
            agent,
            _endpoints: [middle, endpoint, own],
        }
    }

    async fn dial(&self, from: From, first: &[u8]) -> Self::Device {
        let (client, held) = match from {
            From::Open => (self.client.clone(), None),
            From::Nothing => {
                let own = client_endpoint(self.hash);
                let connecting = own.connect(self.at, "localhost").unwrap();
                (connecting.await.unwrap(), Some(own))
            }
        };
        let (mut send, recv) = client.open_bi().await.unwrap();
        send.write_all(first).await.unwrap();
        Plain::new(recv, send, held)
    }

    async fn arrive(&self) -> Self::Agent {
        let (send, recv) = self.agent.accept_bi().await.unwrap();
        Plain::new(recv, send, ())
    }
}

async fn splice(incoming: quinn::Incoming, agent: Connection) {
    let client = incoming.await.unwrap();
    while let Ok(from) = client.accept_bi().await {
        let to = agent.open_bi().await.unwrap();
        tokio::spawn(copy(from.1, to.0));
        tokio::spawn(copy(to.1, from.0));
    }
}
