//! The relay beside a bare splice of two QUIC connections and beside iroh's relay, in one run on one
//! machine, by turns: throughput, dials, round trips.
//!
//! `cargo xtask bench relay --peers` builds and runs it; `--rounds N` and `--mib N` say how much of
//! it. All of it is one process, the peers' ends and middles too, so that what it costs is told
//! together. `talk.rs` is what a peer must be able to do and `measure.rs` what is measured;
//! `bare.rs`, `deputy.rs` and `iroh.rs` are the peers.

#![allow(clippy::print_stdout)]

mod bare;
mod deputy;
#[allow(dead_code, clippy::expect_used)]
#[path = "../../../../relay/benches/ends/mod.rs"]
mod ends;
mod far;
mod iroh;
mod measure;
mod report;
mod talk;

use measure::{Amounts, Samples};
use report::{Found, PEERS};
use std::sync::Arc;
use talk::Peer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, otherwise| text(name).map_or(otherwise, |n| n.parse().unwrap());
    let amounts = Amounts {
        bulk: number("--mib", 128) << 20,
        connects: 10,
        trips: 2_000,
        dials: 500,
    };
    let rounds = number("--rounds", 7);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = runtime.block_on(measured(amounts, rounds, text("--only").as_deref()));
    let Some(found) = found else { return };
    found.print();
    if let Some(at) = text("--json") {
        let json = serde_json::to_string_pretty(&found.json()).unwrap();
        std::fs::write(at, json).unwrap();
    }
}

/// With `only` a part of a peer's name, that one alone is run, for a profile, and there is nothing to
/// compare; `far` is the relay that is far away.
async fn measured(amounts: Amounts, rounds: usize, only: Option<&str>) -> Option<Found> {
    let bare = Arc::new(bare::Bare::start().await);
    let linked = Arc::new(deputy::Linked::start().await);
    let sessions = Arc::new(deputy::Sessions::start().await);
    let iroh = Arc::new(iroh::Iroh::start().await);
    let mut samples: [Samples; 4] = Default::default();
    if only == Some("far") {
        println!("{:.2?}", far::round_trips(&sessions).await);
        return None;
    }
    let load = report::load();
    let wants = |peer: usize| only.is_none_or(|only| PEERS[peer].contains(only));
    for round in 0..rounds {
        // In turn, so that whatever else the machine does hits all; another is the first each time.
        for turn in 0..PEERS.len() {
            let peer = (round + turn) % PEERS.len();
            let into = &mut samples[peer];
            if !wants(peer) {
                continue;
            }
            match peer {
                0 => measure::round(&bare, amounts, into).await,
                1 => measure::round(&linked, amounts, into).await,
                2 => measure::round(&sessions, amounts, into).await,
                _ => measure::round(&iroh, amounts, into).await,
            }
            let last = |of: &[f64]| of.last().copied().unwrap_or_default();
            eprintln!(
                "{round} {:20} {:5.0} {:5.0} MiB/s {:6.2} ms/MiB {:7.2} ms {:7.2} ms {:6.1} µs {:6.0}/s",
                PEERS[peer],
                last(&into.up),
                last(&into.down),
                last(&into.effort),
                last(&into.from_nothing),
                last(&into.from_open),
                last(&into.trip_medians),
                last(&into.dials),
            );
        }
    }
    if only.is_some() {
        return None;
    }
    let far = far::round_trips(&sessions).await;
    Some(Found {
        rounds,
        amounts,
        samples,
        far,
        load: [load, report::load()],
    })
}
