//! Nobody starves: neither beside a peer that takes nothing nor beside one that takes all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::*;
use deputy_link::{Carrier, CarrierChoice, LinkStream};
use deputy_relay::{Rate, Relay};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Writes without end and counts what was taken.
fn pour(mut stream: LinkStream, taken: Arc<AtomicU64>) {
    tokio::spawn(async move {
        let piece = vec![7; 32 * 1024];
        while let Ok(n) = stream.write(&piece).await {
            if stream.flush().await.is_err() {
                return;
            }
            taken.fetch_add(n as u64, Ordering::Relaxed);
        }
    });
}

#[tokio::test]
async fn a_client_that_takes_nothing_holds_up_only_itself_and_fills_no_memory() {
    for (agents, clients) in [
        (Carrier::Quic, Carrier::Quic),
        (Carrier::Quic, Carrier::WebSocket),
        (Carrier::WebSocket, Carrier::Quic),
        (Carrier::WebSocket, Carrier::WebSocket),
    ] {
        let relay = Relay::start(config()).unwrap();
        let (_link, mut arrivals) = agent(&relay, 1, agents, &[salt(1), salt(2)]).await;
        let (one, other, at) = (
            dialler(&relay, CarrierChoice::Only(clients)),
            dialler(&relay, CarrierChoice::Only(clients)),
            address(&relay),
        );
        let taken = Arc::new(AtomicU64::new(0));
        let mut slow = Vec::new();
        for _ in 0..8 {
            let (stream, arrival) = tokio::join!(one.dial(&at, route(1, salt(1))), arrivals.recv());
            pour(arrival.unwrap().stream, taken.clone());
            slow.push(stream.unwrap());
        }
        // What is on its way fills up, and then nothing more is taken from the agent.
        let full = settled(&taken).await;
        assert!(full > 0);
        assert!(
            full < 8 * 12 * (1 << 20),
            "{agents:?} {clients:?}: {full} bytes wait for eight slow streams"
        );

        let (stream, arrival) = tokio::join!(other.dial(&at, route(1, salt(2))), arrivals.recv());
        tokio::spawn(echo(arrival.unwrap().stream));
        let (mut reader, mut writer) = stream.unwrap().into_split();
        let bytes = vec![9; 4 << 20];
        let sending = tokio::spawn(async move {
            writer.write_all(&bytes).await.unwrap();
            writer.shutdown().await.unwrap();
            writer
        });
        let mut back = Vec::new();
        tokio::time::timeout(PATIENCE, reader.read_to_end(&mut back))
            .await
            .expect("starved")
            .unwrap();
        assert_eq!(back.len(), 4 << 20);
        drop(sending.await.unwrap());
        // The slow one wakes up: all is there for it.
        let mut piece = vec![0; 4 << 20];
        slow[0].read_exact(&mut piece).await.unwrap();
        assert!(piece.iter().all(|b| *b == 7));
    }
}

/// Waits until a count that grows has stopped to grow.
async fn settled(count: &AtomicU64) -> u64 {
    let mut last = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let now = count.load(Ordering::Relaxed);
        if now == last && now > 0 {
            return now;
        }
        last = now;
    }
}

/// firezone/firezone #8180: one flow wins, the others starve on a shared relay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_with_many_greedy_streams_does_not_starve_another() {
    let relay = Relay::start(config()).unwrap();
    let (_greedy_link, mut greedy_arrivals) = agent(&relay, 1, Carrier::Quic, &[salt(1)]).await;
    let (_modest_link, mut modest_arrivals) = agent(&relay, 2, Carrier::Quic, &[salt(1)]).await;
    let (one, other, at) = (
        dialler(&relay, CarrierChoice::Any),
        dialler(&relay, CarrierChoice::Any),
        address(&relay),
    );
    let greedy = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 0..16 {
        let (stream, arrival) =
            tokio::join!(one.dial(&at, route(1, salt(1))), greedy_arrivals.recv());
        pour(arrival.unwrap().stream, Arc::default());
        swallow(stream.unwrap(), greedy.clone(), stop.clone());
    }
    let modest = Arc::new(AtomicU64::new(0));
    let (stream, arrival) =
        tokio::join!(other.dial(&at, route(2, salt(1))), modest_arrivals.recv());
    pour(arrival.unwrap().stream, Arc::default());
    swallow(stream.unwrap(), modest.clone(), stop.clone());
    let (greedy_before, modest_before) = (
        greedy.load(Ordering::Relaxed),
        modest.load(Ordering::Relaxed),
    );
    let count = |now: &AtomicU64, before| now.load(Ordering::Relaxed) - before;
    eventually("the greedy route moves on", || {
        count(&greedy, greedy_before) > 64 << 20
    })
    .await;
    let (greedy, modest) = (count(&greedy, greedy_before), count(&modest, modest_before));
    stop.store(true, Ordering::Relaxed);
    println!("greedy: {greedy} bytes on 16 streams, modest: {modest} on one");
    // A fair share would be a half. A quarter of that leaves room for a busy machine; without any
    // fairness it would be a sixteenth or nothing.
    assert!(modest * 7 > greedy, "{modest} beside {greedy}");
}

/// What a route may take is counted over all its streams, both ways, whatever carries them, and is
/// nobody else's loss.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_is_held_to_its_bytes_a_second_and_holds_up_no_other() {
    const EACH_SECOND: u64 = 1 << 20;
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let mut config = config();
        config.limits.route.bytes = Rate {
            burst: EACH_SECOND as f64,
            per_second: EACH_SECOND as f64,
        };
        let relay = Relay::start(config).unwrap();
        let (_link, mut arrivals) = agent(&relay, 1, carrier, &[salt(1)]).await;
        let _modest_link = echo_agent(&relay, 2, carrier, &[salt(1)]).await;
        let (one, at) = (
            dialler(&relay, CarrierChoice::Only(carrier)),
            address(&relay),
        );
        let began = Instant::now();
        let (greedy, stop) = (Arc::new(AtomicU64::new(0)), Arc::default());
        for n in 0..8 {
            let (stream, arrival) = tokio::join!(one.dial(&at, route(1, salt(1))), arrivals.recv());
            let (stream, arrival) = (stream.unwrap(), arrival.unwrap().stream);
            let (from, mut to) = if n % 2 == 0 {
                (stream, arrival)
            } else {
                (arrival, stream)
            };
            // The client waits for the agent's first word.
            if n % 2 == 0 {
                to.write_all(b"a word").await.unwrap();
                to.flush().await.unwrap();
            }
            pour(from, Arc::default());
            swallow(to, Arc::clone(&greedy), Arc::clone(&stop));
        }
        // Beside it another route of another agent has all of its own.
        let other = dialler(&relay, CarrierChoice::Only(carrier));
        let mut stream = other.dial(&at, route(2, salt(1))).await.unwrap();
        let mut echoed = 0;
        while echoed < EACH_SECOND / 2 {
            round_trip(&mut stream, &[9; 4 * 1024]).await.unwrap();
            echoed += 4 * 1024;
        }
        // It comes, and no faster than it may: a burst, what the time since is worth, and what eight
        // streams owe.
        eventually("the greedy route to have had five seconds' worth", || {
            greedy.load(Ordering::Relaxed) > 5 * EACH_SECOND
        })
        .await;
        let had = greedy.load(Ordering::Relaxed);
        let seconds = began.elapsed().as_secs_f64() + 1.0;
        let most = EACH_SECOND as f64 * seconds + (8 * 4 * 64 * 1024) as f64;
        stop.store(true, Ordering::Relaxed);
        println!("{carrier:?}: {had} bytes in {seconds} s, of {most} that it may");
        assert!((had as f64) < most, "{carrier:?}: {had} of {most}");
    }
}

fn swallow(mut stream: LinkStream, count: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    tokio::spawn(async move {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(n) = stream.read(&mut piece).await {
            count.fetch_add(n as u64, Ordering::Relaxed);
            if n == 0 || stop.load(Ordering::Relaxed) {
                return;
            }
        }
    });
}
