//! Two streams joined: what comes out of one goes into the other, unread.
//!
//! At most [`BATCH`] chunks wait here in each direction; while the far side takes nothing, the near
//! side is not read, so back-pressure reaches from end to end; the same holds a route to its pace. A
//! reset of either direction ends both; only whoever stops listening without a complaint (code 0) may go on talking.

use crate::carriers::{Broken, Duplex, Sink, Source};
use crate::core::limits::Pace;
use bytes::Bytes;
use deputy_protocol::link::CloseCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// Chunks taken at a time: of a QUIC stream as many datagrams.
const BATCH: usize = 32;
/// The same where a route is held to a pace: a stream owes little at a time, and rests shortly.
const PACED_BATCH: usize = 4;
/// Batches after which a busy stream lets others run.
const TURN: u32 = 4;

/// How two joined streams came apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// Both directions ended as they should.
    Done,
    /// The agent never answered: the client is still to be told.
    NoAnswer,
    /// Cut: a reset of one side, the end of its connection, revocation, silence, the relay's stop.
    Broken(Broken),
}

/// What is kept of a pair of joined streams.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    /// Bytes from the client to the agent.
    pub(crate) up: AtomicU64,
    /// Bytes from the agent to the client.
    pub(crate) down: AtomicU64,
    /// How fast the streams of the route may be, where something holds them.
    pub(crate) pace: Option<Arc<Pace>>,
}

/// How long a pair of joined streams may be silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until the agent's first byte.
    pub(crate) answer: Duration,
    /// Between any two.
    pub(crate) idle: Duration,
}

/// Joins `client` and `agent` until they part. Except after [`Parted::NoAnswer`], both have ended
/// when it returns.
pub(crate) async fn join(
    client: &mut Duplex,
    agent: &mut Duplex,
    patience: Patience,
    moved: &Moved,
    cut: &CancellationToken,
    stop: &CancellationToken,
) -> Parted {
    let pace = moved.pace.as_deref();
    let both = async {
        let up = async {
            pass_all(&mut client.source, &mut agent.sink, &moved.up, pace)
                .await
                .map_err(Parted::Broken)
        };
        let down = answer(
            &mut agent.source,
            &mut client.sink,
            patience.answer,
            &moved.down,
            pace,
        );
        tokio::try_join!(up, down)
    };
    let parted = tokio::select! {
        both = both => match both {
            Ok(_) => Parted::Done,
            Err(parted) => parted,
        },
        () = cut.cancelled() => Parted::Broken(Broken(CloseCode::Revoked.number())),
        () = stop.cancelled() => Parted::Broken(Broken(CloseCode::GoingAway.number())),
        () = idle(moved, patience.idle) => Parted::Broken(Broken(CloseCode::Idle.number())),
    };
    match parted {
        Parted::Done => {}
        Parted::NoAnswer => agent.reset(CloseCode::Timeout.number()).await,
        Parted::Broken(Broken(code)) => {
            tokio::join!(client.reset(code), agent.reset(code));
        }
    }
    parted
}

/// The agent's direction: its first bytes must come soon.
async fn answer(
    source: &mut Source,
    sink: &mut Sink,
    patience: Duration,
    moved: &AtomicU64,
    pace: Option<&Pace>,
) -> Result<(), Parted> {
    let mut bufs = empty();
    let first = timeout(patience, source.read(&mut bufs)).await;
    let n = match first {
        Ok(Ok(n)) if n > 0 => n,
        Ok(_) | Err(_) => return Err(Parted::NoAnswer),
    };
    pass(sink, &mut bufs[..n], moved)
        .await
        .map_err(Parted::Broken)?;
    pass_all(source, sink, moved, pace)
        .await
        .map_err(Parted::Broken)
}

/// One direction to its end: that of its source, or that its far side wants nothing more.
async fn pass_all(
    source: &mut Source,
    sink: &mut Sink,
    moved: &AtomicU64,
    pace: Option<&Pace>,
) -> Result<(), Broken> {
    let stopped = sink.stopped();
    let ended = tokio::select! {
        ended = copy(source, sink, moved, pace) => ended,
        broken = stopped => Ended::Sink(broken),
    };
    match ended {
        Ended::Source => sink.finish().await,
        // Who has heard enough may still have something to say.
        Ended::Sink(Broken(code)) if code == CloseCode::Done.number() => {
            source.stop(code);
            Ok(())
        }
        Ended::Sink(broken) | Ended::Broke(broken) => Err(broken),
    }
}

/// How one direction ended.
enum Ended {
    /// Its source has said all.
    Source,
    /// Its source was reset or is lost.
    Broke(Broken),
    /// Its far side takes nothing more.
    Sink(Broken),
}

async fn copy(
    source: &mut Source,
    sink: &mut Sink,
    moved: &AtomicU64,
    pace: Option<&Pace>,
) -> Ended {
    let mut bufs = empty();
    let batch = pace.map_or(BATCH, |_| PACED_BATCH);
    let mut turn = 0;
    loop {
        let n = match source.read(&mut bufs[..batch]).await {
            Ok(0) => return Ended::Source,
            Ok(n) => n,
            Err(broken) => return Ended::Broke(broken),
        };
        let bytes = match pass(sink, &mut bufs[..n], moved).await {
            Ok(bytes) => bytes,
            Err(broken) => return Ended::Sink(broken),
        };
        if let Some(pace) = pace {
            let rest = pace.passed(bytes, Instant::now().into_std());
            if !rest.is_zero() {
                sleep(rest).await;
            }
        }
        turn += 1;
        if turn == TURN {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// How many bytes were passed on.
async fn pass(sink: &mut Sink, bufs: &mut [Bytes], moved: &AtomicU64) -> Result<u64, Broken> {
    let bytes = bufs.iter().map(|chunk| chunk.len() as u64).sum();
    sink.write(bufs).await?;
    moved.fetch_add(bytes, Ordering::Relaxed);
    Ok(bytes)
}

fn empty() -> [Bytes; BATCH] {
    std::array::from_fn(|_| Bytes::new())
}

/// Resolves when nothing moved for `patience`, to within a quarter of it.
async fn idle(moved: &Moved, patience: Duration) {
    let total = || moved.up.load(Ordering::Relaxed) + moved.down.load(Ordering::Relaxed);
    let step = patience / 4;
    let mut seen = total();
    let mut since = Instant::now();
    loop {
        sleep_until(Instant::now() + step).await;
        let now = total();
        if now != seen {
            seen = now;
            since = Instant::now();
        } else if since.elapsed() >= patience {
            return;
        }
    }
}
