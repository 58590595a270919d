//! The relay beside a bare splice of two quinn connections, in one run on one machine: throughput,
//! round trip, dials a second, and memory of idle agents.
//!
//! `cargo bench -p deputy-relay -- [bulk] [trip] [dials] [idle[=N]]`; all of them without arguments.
//! Both ends are the same quinn code in all cases; only what is in the middle differs.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]

mod ends;

use ends::{Bare, Middle, Pair, Relayed};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BULK: usize = 512 << 20;
const ROUNDS: usize = 5;
const TRIPS: usize = 4000;
const DIALS: usize = 10_000;
const AT_A_TIME: usize = 64;
const IDLE: usize = 20_000;
/// The argument with which this program is the bare server of the memory benchmark.
const BARE_SERVER: &str = "serve-bare";

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let wants = |name: &str| arguments.is_empty() || arguments.iter().any(|a| a.starts_with(name));
    let bare_server = arguments.iter().any(|a| a == BARE_SERVER);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if bare_server {
            return ends::serve_bare().await;
        }
        if wants("bulk") {
            bulk().await;
        }
        if wants("trip") {
            trip().await;
        }
        if wants("dials") {
            dials().await;
        }
        if wants("idle") {
            let many = arguments
                .iter()
                .find_map(|a| a.strip_prefix("idle=")?.parse().ok());
            idle(many.unwrap_or(IDLE)).await;
        }
    });
}

async fn bulk() {
    let (bare, relayed) = (Bare::start().await, Relayed::start().await);
    let (mut of_bare, mut of_relayed) = (Vec::new(), Vec::new());
    // Turn about, so that whatever else the machine does hits both.
    for _ in 0..ROUNDS {
        of_bare.push(pour(&bare).await);
        of_relayed.push(pour(&relayed).await);
    }
    let (bare, relayed) = (median(of_bare), median(of_relayed));
    println!(
        "bulk, client to agent, {} MiB, median of {ROUNDS}:",
        BULK >> 20
    );
    println!("  bare splice {bare:7.0} MiB/s");
    println!(
        "  relay       {relayed:7.0} MiB/s   {:.0} % of the bare splice",
        relayed / bare * 100.0
    );
}

/// MiB a second.
async fn pour(middle: &impl Middle) -> f64 {
    let Pair {
        mut client,
        mut agent,
    } = middle.join().await;
    let start = Instant::now();
    let sending = tokio::spawn(async move {
        let piece = bytes::Bytes::from(vec![7; 64 << 10]);
        for _ in 0..BULK / piece.len() {
            client.0.write_chunk(piece.clone()).await.unwrap();
        }
        client.0.finish().unwrap();
        client
    });
    let mut got = 0;
    let mut bufs: [bytes::Bytes; 32] = std::array::from_fn(|_| bytes::Bytes::new());
    while let Some(n) = agent.1.read_chunks(&mut bufs).await.unwrap() {
        got += bufs[..n].iter().map(bytes::Bytes::len).sum::<usize>();
    }
    let took = start.elapsed();
    assert_eq!(got, BULK);
    drop(sending.await.unwrap());
    BULK as f64 / f64::from(1 << 20) / took.as_secs_f64()
}

async fn trip() {
    let (bare, relayed) = (Bare::start().await, Relayed::start().await);
    let (mut of_bare, mut of_relayed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_bare.extend(round_trips(&bare).await);
        of_relayed.extend(round_trips(&relayed).await);
    }
    println!("round trip of 64 bytes, {} each:", ROUNDS * TRIPS);
    let (bare, relayed) = (percentiles(of_bare), percentiles(of_relayed));
    println!(
        "  bare splice median {:6.1} µs, 99 % {:6.1} µs",
        bare.0, bare.1
    );
    println!(
        "  relay       median {:6.1} µs, 99 % {:6.1} µs",
        relayed.0, relayed.1
    );
    println!("  added       median {:6.1} µs", relayed.0 - bare.0);
}

/// Microseconds.
async fn round_trips(middle: &impl Middle) -> Vec<f64> {
    let Pair {
        mut client,
        mut agent,
    } = middle.join().await;
    let echo = tokio::spawn(async move {
        let mut piece = [0; 64];
        while agent.1.read_exact(&mut piece).await.is_ok() {
            agent.0.write_all(&piece).await.unwrap();
        }
    });
    let mut took = Vec::with_capacity(TRIPS);
    let mut piece = [1; 64];
    for _ in 0..TRIPS {
        let start = Instant::now();
        client.0.write_all(&piece).await.unwrap();
        client.1.read_exact(&mut piece).await.unwrap();
        took.push(start.elapsed().as_secs_f64() * 1e6);
    }
    client.0.finish().unwrap();
    echo.await.unwrap();
    took
}

async fn dials() {
    let relayed = Relayed::start().await;
    relayed.answer_all();
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for n in 0..DIALS {
        if running.len() >= AT_A_TIME {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(relayed.dial(n));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    let each = DIALS as f64 / start.elapsed().as_secs_f64();
    println!(
        "dials, answered and ended, {AT_A_TIME} at a time on one connection: {each:.0} a second"
    );
}

async fn idle(many: usize) {
    println!("memory of {many} idle agents over QUIC, each:");
    let bare = idle_on(Running::start_bare(), many, false).await;
    println!("  bare quinn, one stream each {bare:5.1} KiB");
    let relayed = idle_on(Running::start(), many, true).await;
    println!("  relay, one route each       {relayed:5.1} KiB");
}

/// KiB of the server's memory for each of its connections.
async fn idle_on(server: Running, many: usize, register: bool) -> f64 {
    let before = server.memory();
    let agents = ends::idle_agents(server.port, server.hash, many, register).await;
    // The handshakes' leftovers are given back by themselves.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(agents.iter().all(ends::Idle::is_alive), "some were dropped");
    (server.memory() - before) as f64 / many as f64 / 1024.0
}

/// A server in a process of its own.
struct Running {
    child: Child,
    port: u16,
    hash: [u8; 32],
}

impl Running {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deputy-relay"));
        command
            .args([
                "--listen",
                "127.0.0.1:0",
                "--self-signed",
                "--log-format",
                "json",
            ])
            .args([
                "--connections-per-address",
                "50000",
                "--rate-per-address",
                "50000",
            ]);
        Self::spawn(&mut command)
    }

    fn start_bare() -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()).arg(BARE_SERVER))
    }

    fn spawn(command: &mut Command) -> Self {
        use base64::Engine;
        use std::io::BufRead;
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let mut field = |name: &str| loop {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, rest)) = line.split_once(&format!("\"{name}\":\"")) {
                break rest.split_once('"').unwrap().0.to_owned();
            }
        };
        let listen: std::net::SocketAddr = field("listen").parse().unwrap();
        let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(field("sha256"))
            .unwrap();
        Self {
            child,
            port: listen.port(),
            hash: hash.try_into().unwrap(),
        }
    }

    /// Bytes of resident memory.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<usize>()
            .unwrap()
            * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// The median and the 99th of a hundred.
fn percentiles(mut of: Vec<f64>) -> (f64, f64) {
    of.sort_by(f64::total_cmp);
    (of[of.len() / 2], of[of.len() * 99 / 100])
}
