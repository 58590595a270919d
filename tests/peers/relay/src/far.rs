//! A relay that is far away: how many round trips it takes until a device has heard its agent.

use crate::deputy::Sessions;
use crate::talk::{Peer, Talk};
use deputy_link::RelayAddress;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// From the device to the relay, one way: long beside what the machines need. The agent is near the
/// relay.
const AWAY: Duration = Duration::from_millis(200);

/// From the wish to dial to the agent's first word in the session, in round trips between device and
/// relay: with nothing, and with an open connection to the relay.
pub async fn round_trips(sessions: &Sessions) -> [f64; 2] {
    let (port, _line) = far_from(sessions.relay().port()).await;
    let at = RelayAddress::new("127.0.0.1", port);
    let mut taken = [0.0; 2];
    let dialler = sessions.another_dialler();
    for taken in &mut taken {
        let first_word = async {
            let start = Instant::now();
            let mut device = sessions.dial_at(&dialler, &at, b"").await;
            assert_eq!(device.hear().await, Some(&b"first"[..]));
            (start.elapsed(), device)
        };
        let agent = async {
            let mut agent = sessions.arrive().await;
            agent.say(b"first").await;
            agent
        };
        let ((took, device), agent) = tokio::join!(first_word, agent);
        *taken = took.as_secs_f64() / (2.0 * AWAY.as_secs_f64());
        drop((device, agent));
    }
    taken
}

/// The port of a long line to the relay, for one device and UDP alone. Datagrams stay in their order,
/// as on most lines: one that is overtaken within a handshake costs round trips.
async fn far_from(relay: u16) -> (u16, JoinSet<()>) {
    let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let there = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let relay = SocketAddr::from(([127, 0, 0, 1], relay));
    there.connect(relay).await.unwrap();
    let port = near.local_addr().unwrap().port();
    let (device_in, device) = tokio::sync::watch::channel(None);
    let (up_in, mut up) = mpsc::unbounded_channel();
    let (down_in, mut down) = mpsc::unbounded_channel();
    let mut line = JoinSet::new();
    let (from, to) = (Arc::clone(&near), Arc::clone(&there));
    line.spawn(async move {
        let mut datagram = vec![0; 65_536];
        while let Ok((n, device)) = from.recv_from(&mut datagram).await {
            device_in.send_replace(Some(device));
            let _ = up_in.send((Instant::now() + AWAY, datagram[..n].to_vec()));
        }
    });
    line.spawn(async move {
        while let Some((due, datagram)) = up.recv().await {
            sleep_until(due).await;
            to.send(&datagram).await.unwrap();
        }
    });
    line.spawn(async move {
        let mut datagram = vec![0; 65_536];
        while let Ok(n) = there.recv(&mut datagram).await {
            let _ = down_in.send((Instant::now() + AWAY, datagram[..n].to_vec()));
        }
    });
    line.spawn(async move {
        while let Some((due, datagram)) = down.recv().await {
            sleep_until(due).await;
            let device = *device.borrow();
            if let Some(device) = device {
                near.send_to(&datagram, device).await.unwrap();
            }
        }
    });
    (port, line)
}
