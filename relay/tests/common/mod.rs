//! Set-up for the relay's tests: a real relay on real sockets, agents that echo, clients that dial.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use deputy_link::{
    AgentConfig, AgentLink, Arrival, Carrier, CarrierChoice, DialConfig, Dialler, LinkStream,
    RelayAddress, Status, Trust,
};
use deputy_protocol::link::{RouteId, RouteSecret, Salt};
use deputy_relay::{AddressLimits, Config, Limits, Rate, Relay, RouteLimits};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything here takes: only a hanging test meets it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A relay on a free port of loopback, with limits that only the test that sets them meets.
pub fn config() -> Config {
    let mut config = Config::local("127.0.0.1:0".parse().unwrap());
    config.limits = Limits {
        connections: 50_000,
        unproven: 10_000,
        streams_per_connection: 256,
        address: AddressLimits {
            open: 50_000,
            connections: Rate::UNLIMITED,
            dials: Rate::UNLIMITED,
        },
        route: RouteLimits {
            routes: 256,
            streams: 256,
            dials: Rate::UNLIMITED,
        },
        addresses: 1000,
        stream_window: 1 << 20,
    };
    config
}

pub fn address(relay: &Relay) -> RelayAddress {
    RelayAddress::new("127.0.0.1", relay.address().port())
}

pub fn trust(relay: &Relay) -> Trust {
    Trust::Hashes(vec![relay.certificate_hash()])
}

pub fn salt(n: u8) -> Salt {
    Salt([n; 32])
}

pub fn agent_config(relay: &Relay, key: u8, carriers: CarrierChoice) -> AgentConfig {
    AgentConfig {
        relay: address(relay),
        trust: trust(relay),
        carriers,
        access_token: None,
        secret: RouteSecret::from_bytes([key; 32]),
        software: "test/1".into(),
    }
}

/// An agent that is linked and whose arrivals the test takes.
pub async fn agent(
    relay: &Relay,
    key: u8,
    carrier: Carrier,
    salts: &[Salt],
) -> (AgentLink, mpsc::Receiver<Arrival>) {
    let config = agent_config(relay, key, CarrierChoice::Only(carrier));
    let (link, arrivals) = AgentLink::start(config, salts.to_vec());
    linked(&link).await;
    (link, arrivals)
}

/// An agent that sends back whatever it gets.
pub async fn echo_agent(relay: &Relay, key: u8, carrier: Carrier, salts: &[Salt]) -> AgentLink {
    let (link, arrivals) = agent(relay, key, carrier, salts).await;
    tokio::spawn(echo_all(arrivals));
    link
}

pub async fn echo_all(mut arrivals: mpsc::Receiver<Arrival>) {
    while let Some(arrival) = arrivals.recv().await {
        tokio::spawn(echo(arrival.stream));
    }
}

pub async fn echo(stream: LinkStream) {
    let (mut reader, mut writer) = stream.into_split();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(n) => {
                if writer.write_all(&piece[..n]).await.is_err() || writer.flush().await.is_err() {
                    return;
                }
            }
        }
    }
    let _ = writer.shutdown().await;
}

pub async fn linked(link: &AgentLink) -> Carrier {
    let mut status = link.status();
    let linked = status.wait_for(|s| matches!(s, Status::Linked { .. }));
    match *timeout(PATIENCE, linked)
        .await
        .expect("not linked in time")
        .unwrap()
    {
        Status::Linked { carrier } => carrier,
        _ => unreachable!(),
    }
}

pub fn dialler(relay: &Relay, carriers: CarrierChoice) -> Dialler {
    Dialler::new(DialConfig {
        trust: trust(relay),
        carriers,
        access_token: None,
        software: "test/1".into(),
    })
}

/// The route of key number `key` and `salt`.
pub fn route(key: u8, salt: Salt) -> RouteId {
    RouteSecret::from_bytes([key; 32]).route(&salt)
}

/// Sends `bytes` through and waits for all of it to come back.
pub async fn round_trip(stream: &mut LinkStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    let mut back = vec![0; bytes.len()];
    timeout(PATIENCE, stream.read_exact(&mut back))
        .await
        .expect("no echo in time")?;
    Ok(back)
}

/// Waits for a condition that another task brings about.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// The value of a metric, summed over its labels.
pub fn metric(relay: &Relay, name: &str) -> i64 {
    let text = relay.metrics();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<i64>().ok())
        .sum()
}
