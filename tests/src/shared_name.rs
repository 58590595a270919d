//! What shares one name among several relays, as a load balancer does that looks at nothing but
//! addresses: each newcomer is given to a relay that lives, and stays there until that relay dies.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// The name, on the present runtime; gone when dropped.
pub struct SharedName {
    /// Where everybody finds it, UDP and TCP.
    pub port: u16,
    turns: Arc<Turns>,
    _tasks: JoinSet<()>,
}

/// Whose turn it is.
struct Turns {
    relays: Vec<SocketAddr>,
    next: AtomicUsize,
    /// The relay that all newcomers go to; none when it is out of range.
    only: AtomicUsize,
}

impl SharedName {
    /// One for the relays on these ports of loopback.
    pub async fn of(relays: &[u16]) -> Self {
        let (tcp, udp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            // The same number may be taken for UDP.
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (tcp, udp);
            }
        };
        let port = tcp.local_addr().unwrap().port();
        let on = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
        let turns = Arc::new(Turns {
            relays: relays.iter().map(on).collect(),
            next: AtomicUsize::new(0),
            only: AtomicUsize::new(usize::MAX),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(carry_tcp(tcp, Arc::clone(&turns)));
        tasks.spawn(carry_udp(udp, Arc::clone(&turns)));
        Self {
            port,
            turns,
            _tasks: tasks,
        }
    }

    /// Newcomers go to this relay from now on; with `None` to one after the other.
    pub fn give_newcomers_to(&self, relay: Option<usize>) {
        let only = relay.unwrap_or(usize::MAX);
        self.turns.only.store(only, Ordering::SeqCst);
    }
}

impl Turns {
    /// A relay that takes connections, and one to it.
    async fn connect(&self) -> Option<(SocketAddr, TcpStream)> {
        let only = self.relays.get(self.only.load(Ordering::SeqCst));
        let first = self.next.fetch_add(1, Ordering::SeqCst);
        for step in 0..self.relays.len() {
            let turn = &self.relays[(first + step) % self.relays.len()];
            let relay = only.unwrap_or(turn);
            if let Ok(tcp) = TcpStream::connect(relay).await {
                return Some((*relay, tcp));
            }
        }
        None
    }
}

async fn carry_tcp(listener: TcpListener, turns: Arc<Turns>) {
    let mut open = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        while open.try_join_next().is_some() {}
        let turns = Arc::clone(&turns);
        open.spawn(async move {
            if let Some((_, mut relay)) = turns.connect().await {
                // Whoever breaks it off is told by the other side's end.
                let _ = copy_bidirectional(&mut client, &mut relay).await;
            }
        });
    }
}

async fn carry_udp(here: UdpSocket, turns: Arc<Turns>) {
    let here = Arc::new(here);
    let mut ways: HashMap<SocketAddr, Way> = HashMap::new();
    let mut buffer = vec![0; 65_536];
    while let Ok((n, client)) = here.recv_from(&mut buffer).await {
        if !ways.get(&client).is_some_and(Way::lives) {
            match Way::to_a_relay(&turns, client, &here).await {
                Ok(way) => drop(ways.insert(client, way)),
                Err(_) => continue,
            }
        }
        // A relay that died meanwhile: the next datagram finds another.
        let _ = ways[&client].socket.send(&buffer[..n]).await;
    }
}

/// Where a client's datagrams go.
struct Way {
    socket: Arc<UdpSocket>,
    back: AbortOnDropHandle<()>,
}

impl Way {
    async fn to_a_relay(
        turns: &Turns,
        client: SocketAddr,
        here: &Arc<UdpSocket>,
    ) -> io::Result<Self> {
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        let (relay, _) = turns.connect().await.ok_or_else(gone)?;
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        socket.connect(relay).await?;
        let (from, to) = (Arc::clone(&socket), Arc::clone(here));
        let back = tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            // An error: the relay is no more.
            while let Ok(n) = from.recv(&mut buffer).await {
                let _ = to.send_to(&buffer[..n], client).await;
            }
        });
        let back = AbortOnDropHandle::new(back);
        Ok(Self { socket, back })
    }

    fn lives(&self) -> bool {
        !self.back.is_finished()
    }
}
