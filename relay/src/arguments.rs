//! The command line of `deputy-relay`. Every argument can be given in the environment too.

#[cfg(feature = "acme")]
mod acme;

use clap::{Parser, ValueEnum};
use deputy_relay::{Access, CertificateSource, Config, Rate, RelayError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Joins clients with their agents and cannot read what they say. Writes nothing to disk.
#[derive(Debug, Parser)]
#[command(name = "deputy-relay", version)]
pub(crate) struct Arguments {
    /// Where to listen: UDP and TCP of the same number
    #[arg(long, env = "DEPUTY_RELAY_LISTEN", default_value = "[::]:443")]
    listen: SocketAddr,

    /// The host name under which agents and clients reach it; may be given again
    #[arg(long = "name", env = "DEPUTY_RELAY_NAME", value_delimiter = ',')]
    names: Vec<String>,

    /// The certificate with those that lead to its authority, in PEM; read again when it changes
    #[arg(long, env = "DEPUTY_RELAY_CERTIFICATE", requires = "key")]
    certificate: Option<PathBuf>,

    /// The certificate's key, in PEM
    #[arg(long, env = "DEPUTY_RELAY_KEY", requires = "certificate")]
    key: Option<PathBuf>,

    /// Make a certificate in memory; clients know it by the hash in the log
    #[arg(long, env = "DEPUTY_RELAY_SELF_SIGNED", conflicts_with = "certificate")]
    self_signed: bool,

    #[cfg(feature = "acme")]
    #[command(flatten)]
    acme: acme::AcmeArguments,

    /// A file with the access token of a private relay
    #[arg(long, env = "DEPUTY_RELAY_ACCESS_TOKEN_FILE")]
    access_token_file: Option<PathBuf>,

    /// Who must bring the access token
    #[arg(long, env = "DEPUTY_RELAY_ACCESS_FOR", default_value = "agents")]
    access_for: AccessFor,

    /// Where to serve /healthz, /readyz and /metrics in plain HTTP; keep it from the outside
    #[arg(long, env = "DEPUTY_RELAY_ADMIN")]
    admin: Option<SocketAddr>,

    /// Another relay, as host:port, that agents are sent to when this one stops; may be given again
    #[arg(long, env = "DEPUTY_RELAY_ELSEWHERE", value_delimiter = ',')]
    elsewhere: Vec<String>,

    /// Connections at a time
    #[arg(long, env = "DEPUTY_RELAY_CONNECTIONS", default_value_t = 50_000)]
    connections: u32,

    /// Connections at a time from one address (of IPv6: one /64 network)
    #[arg(
        long,
        env = "DEPUTY_RELAY_CONNECTIONS_PER_ADDRESS",
        default_value_t = 512
    )]
    connections_per_address: u32,

    /// New connections a second from one address, and as many dials; eight times as many at once
    #[arg(long, env = "DEPUTY_RELAY_RATE_PER_ADDRESS", default_value_t = 16.0)]
    rate_per_address: f64,

    /// Joined streams of one route at a time
    #[arg(long, env = "DEPUTY_RELAY_STREAMS_PER_ROUTE", default_value_t = 32)]
    streams_per_route: u32,

    /// Bytes a second of one route, all its streams and both ways together, and four times as many at
    /// once; at least 65536. Without it, as many as the machine and fairness give
    #[arg(long, env = "DEPUTY_RELAY_BYTES_PER_ROUTE", value_parser = clap::value_parser!(u32).range(65_536..))]
    bytes_per_route: Option<u32>,

    /// The NATS server over which relays of one name find each other
    #[cfg(feature = "cluster")]
    #[arg(long, env = "DEPUTY_RELAY_NATS", requires = "here")]
    nats: Option<String>,

    /// Where clients reach this very relay of a name's several, as host:port
    #[cfg(feature = "cluster")]
    #[arg(long, env = "DEPUTY_RELAY_HERE", requires = "nats")]
    here: Option<String>,

    /// Apple's signing key for push (.p8), with --apns-key-id, --apns-team and --apns-topic
    #[cfg(feature = "push")]
    #[arg(long, env = "DEPUTY_RELAY_APNS_KEY", requires_all = ["apns_key_id", "apns_team", "apns_topic"])]
    apns_key: Option<PathBuf>,

    /// The id of Apple's signing key
    #[cfg(feature = "push")]
    #[arg(long, env = "DEPUTY_RELAY_APNS_KEY_ID")]
    apns_key_id: Option<String>,

    /// The publisher's team at Apple
    #[cfg(feature = "push")]
    #[arg(long, env = "DEPUTY_RELAY_APNS_TEAM")]
    apns_team: Option<String>,

    /// The app's bundle id
    #[cfg(feature = "push")]
    #[arg(long, env = "DEPUTY_RELAY_APNS_TOPIC")]
    apns_topic: Option<String>,

    /// Push to development builds of the app
    #[cfg(feature = "push")]
    #[arg(long, env = "DEPUTY_RELAY_APNS_SANDBOX")]
    apns_sandbox: bool,

    /// Google's service account for push, the JSON file that Firebase hands out
    #[cfg(feature = "push")]
    #[arg(long, env = "DEPUTY_RELAY_FCM_ACCOUNT")]
    fcm_account: Option<PathBuf>,

    /// Seconds that joined streams may live on when the relay stops
    #[arg(long, env = "DEPUTY_RELAY_DRAIN_SECONDS", default_value_t = 30)]
    drain_seconds: u64,

    /// A folder with the web client's built page, served on the TCP port; its hash is in the log
    #[arg(long, env = "DEPUTY_RELAY_PAGE")]
    page: Option<PathBuf>,

    /// Write addresses of agents and clients into the log
    #[arg(long, env = "DEPUTY_RELAY_LOG_ADDRESSES")]
    log_addresses: bool,

    /// What to log, e.g. deputy_relay=debug
    #[arg(long, env = "DEPUTY_RELAY_LOG", default_value = "deputy_relay=info")]
    pub(crate) log: String,

    /// How to write the log
    #[arg(long, env = "DEPUTY_RELAY_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// Who must bring the access token.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AccessFor {
    /// Agents; clients need a route, which only an agent can give them
    Agents,
    /// Agents and clients
    Everybody,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One object a line
    Json,
}

impl Arguments {
    /// The relay's configuration.
    pub(crate) fn into_config(self) -> Result<Config, RelayError> {
        let mut config = Config::local(self.listen);
        #[cfg(feature = "push")]
        {
            config.push = self.push();
        }
        #[cfg(feature = "acme")]
        let (ordered, names) = self.acme.source(self.names)?;
        #[cfg(not(feature = "acme"))]
        let (ordered, names) = (None, self.names);
        config.certificate = match (ordered, self.certificate, self.key, self.self_signed) {
            (Some(source), ..) => source,
            (None, Some(chain), Some(key), _) => CertificateSource::Files { chain, key },
            (None, _, _, true) => CertificateSource::SelfSigned,
            (None, _, _, false) => {
                return Err(RelayError::Config(format!(
                    "a relay needs a certificate: give --certificate and --key, {}or --self-signed",
                    if cfg!(feature = "acme") {
                        "--acme, "
                    } else {
                        ""
                    }
                )));
            }
        };
        if !names.is_empty() {
            config.names = names;
        } else if matches!(config.certificate, CertificateSource::Files { .. }) {
            return Err(RelayError::Config(
                "a relay needs the host name under which agents reach it: give it with --name"
                    .into(),
            ));
        }
        if let Some(path) = self.access_token_file {
            let token = std::fs::read_to_string(&path).map_err(|error| {
                RelayError::Config(format!(
                    "cannot read the access token in {}: {error}",
                    path.display()
                ))
            })?;
            let token = token.trim().to_owned();
            if token.len() < 16 {
                return Err(RelayError::Config(format!(
                    "the access token in {} is too short to be secret: use 16 letters or more",
                    path.display()
                )));
            }
            config.access = match self.access_for {
                AccessFor::Agents => Access::Agents(token),
                AccessFor::Everybody => Access::Everybody(token),
            };
        }
        #[cfg(feature = "cluster")]
        if let (Some(nats), Some(here)) = (self.nats, self.here) {
            config.cluster = Some(deputy_relay::Cluster {
                nats,
                here,
                prefix: "deputy.relay".to_owned(),
            });
        }
        config.admin = self.admin;
        config.elsewhere = self.elsewhere;
        config.limits.connections = self.connections;
        config.limits.address.open = self.connections_per_address;
        let rate = Rate {
            burst: self.rate_per_address * 8.0,
            per_second: self.rate_per_address,
        };
        if !(rate.burst >= 1.0 && rate.burst.is_finite()) {
            return Err(RelayError::Config(
                "--rate-per-address must be at least 0.125, else nobody gets in".into(),
            ));
        }
        config.limits.address.connections = rate;
        config.limits.address.dials = rate;
        config.limits.route.streams = self.streams_per_route;
        if let Some(bytes) = self.bytes_per_route.map(f64::from) {
            config.limits.route.bytes = Rate {
                burst: bytes * 4.0,
                per_second: bytes,
            };
        }
        config.timeouts.drain = Duration::from_secs(self.drain_seconds);
        config.log_addresses = self.log_addresses;
        config.page = self.page;
        Ok(config)
    }

    #[cfg(feature = "push")]
    fn push(&self) -> Option<deputy_relay::PushConfig> {
        let apns = match (
            &self.apns_key,
            &self.apns_key_id,
            &self.apns_team,
            &self.apns_topic,
        ) {
            (Some(key), Some(key_id), Some(team_id), Some(topic)) => Some(deputy_relay::Apns {
                key: key.clone(),
                key_id: key_id.clone(),
                team_id: team_id.clone(),
                topic: topic.clone(),
                server: if self.apns_sandbox {
                    "https://api.sandbox.push.apple.com".to_owned()
                } else {
                    "https://api.push.apple.com".to_owned()
                },
            }),
            _ => None,
        };
        let fcm = self.fcm_account.as_ref().map(|account| deputy_relay::Fcm {
            account: account.clone(),
            server: "https://fcm.googleapis.com".to_owned(),
        });
        (apns.is_some() || fcm.is_some()).then_some(deputy_relay::PushConfig {
            apns,
            fcm,
            trust: deputy_link::Trust::System,
        })
    }
}
