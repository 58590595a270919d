//! What is measured, the same way for every peer.

use crate::talk::{From, PIECE, Peer, Talk};
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// How much is said of each kind, in one round.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// Bytes each way.
    pub bulk: usize,
    /// Dials from nothing, and dials with an open connection, one after the other.
    pub connects: usize,
    pub trips: usize,
    /// Dials of which so many as [`AT_A_TIME`] are on their way.
    pub dials: usize,
}

pub const AT_A_TIME: usize = 16;
/// The bytes of a small message.
pub const SMALL: usize = 64;

/// The samples of one peer, of all rounds.
#[derive(Debug, Default)]
pub struct Samples {
    /// MiB a second.
    pub up: Vec<f64>,
    pub down: Vec<f64>,
    /// Milliseconds of processor time for a MiB, of device, middle and agent together.
    pub effort: Vec<f64>,
    /// Milliseconds.
    pub from_nothing: Vec<f64>,
    pub from_open: Vec<f64>,
    /// Microseconds.
    pub trips: Vec<f64>,
    /// The median of each round's round trips, in microseconds.
    pub trip_medians: Vec<f64>,
    /// Dials a second.
    pub dials: Vec<f64>,
}

/// One round.
pub async fn round<P: Peer>(peer: &Arc<P>, amounts: Amounts, into: &mut Samples) {
    let before = processor_time();
    into.up.push(pour(&**peer, amounts.bulk, Way::Up).await);
    into.down.push(pour(&**peer, amounts.bulk, Way::Down).await);
    let mib = 2.0 * amounts.bulk as f64 / f64::from(1 << 20);
    into.effort.push((processor_time() - before) / mib);
    for _ in 0..amounts.connects {
        into.from_nothing
            .push(connect(&**peer, From::Nothing).await);
        into.from_open.push(connect(&**peer, From::Open).await);
    }
    let trips = trips(&**peer, amounts.trips).await;
    into.trip_medians.push(crate::report::median(&trips));
    into.trips.extend(trips);
    into.dials.push(dials(peer, amounts.dials).await);
}

/// Milliseconds of this process so far.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// Both ends, after a first word each way.
async fn joined<P: Peer>(peer: &P) -> (P::Device, P::Agent) {
    let dial = async {
        let mut device = peer.dial(From::Open, b"!").await;
        assert_eq!(device.hear().await, Some(&b"!"[..]));
        device
    };
    tokio::join!(dial, answered(peer))
}

async fn answered<P: Peer>(peer: &P) -> P::Agent {
    let mut agent = peer.arrive().await;
    echo(&mut agent).await;
    agent
}

/// Says again what is heard next; `false` at the end.
async fn echo(talk: &mut impl Talk) -> bool {
    let Some(heard) = talk.hear().await.map(<[u8]>::to_vec) else {
        return false;
    };
    talk.say(&heard).await;
    true
}

/// Echoes until the other end has said all, and says so, too.
async fn serve(agent: &mut impl Talk) {
    while echo(agent).await {}
    agent.end().await;
}

/// Ends, and waits until the other end has, so that nothing is cut off.
async fn over(device: &mut impl Talk) {
    device.end().await;
    assert_eq!(device.hear().await, None);
}

async fn pour<P: Peer>(peer: &P, bytes: usize, way: Way) -> f64 {
    let (device, agent) = joined(peer).await;
    match way {
        Way::Up => poured(device, agent, bytes).await,
        Way::Down => poured(agent, device, bytes).await,
    }
}

/// MiB a second, from the first byte said to the end heard.
async fn poured(mut from: impl Talk, mut to: impl Talk, bytes: usize) -> f64 {
    let start = Instant::now();
    let saying = tokio::spawn(async move {
        let piece = vec![7; PIECE];
        for _ in 0..bytes / PIECE {
            from.say(&piece).await;
        }
        from.end().await;
        from
    });
    let hearing = tokio::spawn(async move {
        let mut heard = 0;
        while let Some(piece) = to.hear().await {
            heard += piece.len();
        }
        (to, heard, start.elapsed())
    });
    let (to, heard, took) = hearing.await.unwrap();
    assert_eq!(heard, bytes / PIECE * PIECE);
    drop((saying.await.unwrap(), to));
    heard as f64 / f64::from(1 << 20) / took.as_secs_f64()
}

/// Milliseconds from the wish to dial to the agent's echo of the first byte.
async fn connect<P: Peer>(peer: &P, from: From) -> f64 {
    let dial = async {
        let start = Instant::now();
        let mut device = peer.dial(from, b"!").await;
        assert_eq!(device.hear().await, Some(&b"!"[..]));
        (device, start.elapsed())
    };
    let ((mut device, took), mut agent) = tokio::join!(dial, answered(peer));
    tokio::join!(over(&mut device), serve(&mut agent));
    took.as_secs_f64() * 1e3
}

/// Microseconds each.
async fn trips<P: Peer>(peer: &P, many: usize) -> Vec<f64> {
    let (mut device, mut agent) = joined(peer).await;
    let echoing = tokio::spawn(async move {
        serve(&mut agent).await;
        agent
    });
    let mut took = Vec::with_capacity(many);
    for n in 0..many {
        let piece = [n as u8; SMALL];
        let start = Instant::now();
        device.say(&piece).await;
        let mut left = SMALL;
        while left > 0 {
            let heard = device.hear().await.unwrap();
            assert!(heard.iter().all(|byte| *byte == n as u8));
            left -= heard.len();
        }
        took.push(start.elapsed().as_secs_f64() * 1e6);
    }
    over(&mut device).await;
    drop(echoing.await.unwrap());
    took
}

/// Dials a second, each with a byte there and back.
async fn dials<P: Peer>(peer: &Arc<P>, many: usize) -> f64 {
    let agent = {
        let peer = Arc::clone(peer);
        tokio::spawn(async move {
            let mut serving = JoinSet::new();
            for _ in 0..many {
                let mut agent = peer.arrive().await;
                serving.spawn(async move {
                    serve(&mut agent).await;
                    agent
                });
            }
            serving.join_all().await
        })
    };
    let start = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..many {
        if running.len() >= AT_A_TIME {
            running.join_next().await.unwrap().unwrap();
        }
        let peer = Arc::clone(peer);
        running.spawn(async move {
            let mut device = peer.dial(From::Open, b"!").await;
            assert_eq!(device.hear().await, Some(&b"!"[..]));
            over(&mut device).await;
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    let took = start.elapsed();
    drop(agent.await.unwrap());
    many as f64 / took.as_secs_f64()
}
