//! A bad line to a relay: a proxy for UDP and TCP on one port number that loses, delays and reorders
//! datagrams, swallows large ones, blocks UDP, or gives the client another address.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What is wrong with the line. Everything may be changed while it is used.
#[derive(Debug, Default)]
struct Faults {
    /// Of a hundred datagrams, how many are lost, each way.
    loss: AtomicU64,
    /// How long each takes, ms.
    delay: AtomicU64,
    /// How much longer some take, ms: those behind them overtake them.
    jitter: AtomicU64,
    /// Longer datagrams vanish; 0 for none.
    longest: AtomicUsize,
    /// No datagram gets through.
    no_udp: AtomicBool,
    /// No connection gets through.
    no_tcp: AtomicBool,
    /// Raised to give the client another address towards the relay.
    moves: AtomicU64,
    /// Who came while this was not set has a good line for good.
    is_bad: AtomicBool,
    spared: Mutex<HashSet<SocketAddr>>,
    lost: AtomicU64,
    passed: AtomicU64,
}

/// The line; gone when dropped.
pub struct BadLine {
    /// Where clients find it, instead of the relay.
    pub port: u16,
    faults: Arc<Faults>,
    _tasks: JoinSet<()>,
}

impl BadLine {
    /// A good line to a relay on a loopback port, on the present runtime.
    pub async fn to(relay: u16) -> Self {
        let relay = SocketAddr::from(([127, 0, 0, 1], relay));
        let (tcp, udp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            // The same number may be taken for UDP.
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (tcp, udp);
            }
        };
        let port = tcp.local_addr().unwrap().port();
        let faults = Arc::new(Faults::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(carry_tcp(tcp, relay, Arc::clone(&faults)));
        tasks.spawn(carry_udp(udp, relay, Arc::clone(&faults)));
        Self {
            port,
            faults,
            _tasks: tasks,
        }
    }

    /// Whoever comes from here on has a bad line; who is there, by UDP, keeps a good one.
    pub fn is_bad_from_now_on(&self) {
        self.faults.is_bad.store(true, Ordering::Relaxed);
    }

    /// Of a hundred datagrams each way, so many are lost.
    pub fn lose(&self, percent: u64) {
        self.faults.loss.store(percent, Ordering::Relaxed);
    }

    /// Each datagram takes `delay`, and any time up to `jitter` more.
    pub fn delay(&self, delay: Duration, jitter: Duration) {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap();
        self.faults.delay.store(ms(delay), Ordering::Relaxed);
        self.faults.jitter.store(ms(jitter), Ordering::Relaxed);
    }

    /// Longer datagrams vanish without a word.
    pub fn swallow_longer_than(&self, bytes: usize) {
        self.faults.longest.store(bytes, Ordering::Relaxed);
    }

    /// Whether UDP gets through.
    pub fn block_udp(&self, blocked: bool) {
        self.faults.no_udp.store(blocked, Ordering::Relaxed);
    }

    /// Whether TCP gets through. What is wrong with datagrams is not wrong with it.
    pub fn block_tcp(&self, blocked: bool) {
        self.faults.no_tcp.store(blocked, Ordering::Relaxed);
    }

    /// From now on the relay sees the client at another address.
    pub fn move_client(&self) {
        self.faults.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// How many datagrams got through, and how many did not.
    pub fn datagrams(&self) -> (u64, u64) {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        (count(&self.faults.passed), count(&self.faults.lost))
    }
}

async fn carry_tcp(listener: TcpListener, relay: SocketAddr, faults: Arc<Faults>) {
    let mut open = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        while open.try_join_next().is_some() {}
        if faults.no_tcp.load(Ordering::Relaxed) {
            continue;
        }
        open.spawn(async move {
            if let Ok(mut relay) = TcpStream::connect(relay).await {
                // Whoever breaks it off is told by the other side's end.
                let _ = copy_bidirectional(&mut client, &mut relay).await;
            }
        });
    }
}

/// The client's present way to the relay.
struct Way {
    socket: Arc<UdpSocket>,
    of_move: u64,
    // Ends with the way.
    _back: JoinSet<()>,
}

async fn carry_udp(here: UdpSocket, relay: SocketAddr, faults: Arc<Faults>) {
    let here = Arc::new(here);
    let mut ways = std::collections::HashMap::<SocketAddr, Way>::new();
    let mut buffer = vec![0; 65_536];
    while let Ok((n, client)) = here.recv_from(&mut buffer).await {
        let moves = faults.moves.load(Ordering::Relaxed);
        let is_spared = faults.spared.lock().unwrap().contains(&client);
        let stays = |way: &Way| is_spared || way.of_move == moves;
        if !ways.get(&client).is_some_and(stays) {
            let Some(way) = way(&here, client, relay, moves, &faults).await else {
                continue;
            };
            ways.insert(client, way);
            if !faults.is_bad.load(Ordering::Relaxed) {
                faults.spared.lock().unwrap().insert(client);
            }
        }
        let socket = Arc::clone(&ways[&client].socket);
        let datagram = buffer[..n].to_vec();
        pass(&faults, client, datagram, move |datagram| async move {
            let _ = socket.send(&datagram).await;
        });
    }
}

async fn way(
    here: &Arc<UdpSocket>,
    client: SocketAddr,
    relay: SocketAddr,
    of_move: u64,
    faults: &Arc<Faults>,
) -> Option<Way> {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.ok()?);
    socket.connect(relay).await.ok()?;
    let (from, to, faults) = (Arc::clone(&socket), Arc::clone(here), Arc::clone(faults));
    let mut back = JoinSet::new();
    back.spawn(async move {
        let mut buffer = vec![0; 65_536];
        loop {
            // A relay that is down says so by an error; the next may come up at the same place.
            let Ok(n) = from.recv(&mut buffer).await else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let (to, datagram) = (Arc::clone(&to), buffer[..n].to_vec());
            pass(&faults, client, datagram, move |datagram| async move {
                let _ = to.send_to(&datagram, client).await;
            });
        }
    });
    Some(Way {
        socket,
        of_move,
        _back: back,
    })
}

/// Sends a datagram on as the line does, or loses it.
fn pass<F: Future<Output = ()> + Send + 'static>(
    faults: &Faults,
    client: SocketAddr,
    datagram: Vec<u8>,
    send: impl FnOnce(Vec<u8>) -> F + Send + 'static,
) {
    if faults.spared.lock().unwrap().contains(&client) {
        tokio::spawn(send(datagram));
        return;
    }
    let of = |value: &AtomicU64| value.load(Ordering::Relaxed);
    let longest = faults.longest.load(Ordering::Relaxed);
    let is_lost = faults.no_udp.load(Ordering::Relaxed)
        || (longest > 0 && datagram.len() > longest)
        || fastrand::u64(0..100) < of(&faults.loss);
    if is_lost {
        faults.lost.fetch_add(1, Ordering::Relaxed);
        return;
    }
    faults.passed.fetch_add(1, Ordering::Relaxed);
    let pause = of(&faults.delay) + fastrand::u64(0..=of(&faults.jitter));
    tokio::spawn(async move {
        if pause > 0 {
            sleep(Duration::from_millis(pause)).await;
        }
        send(datagram).await;
    });
}
