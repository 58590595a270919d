//! The links to relays: kept for as long as the agent runs; whoever dials a route of ours gets a
//! session.

use super::session::{self, Way};
use super::{Door, Linked, Remote, lock};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputy_link::{AgentConfig, AgentLink, CarrierChoice, RelayAddress, Trust};
use deputy_protocol::link::Salt;
use std::str::FromStr;
use std::sync::Arc;

/// A relay that the user chose: `HOST[:PORT]`, and for one that signed its certificate itself `#` and
/// the certificate's SHA-256 in base64url, which it prints when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayChoice {
    /// Where it is.
    pub address: RelayAddress,
    /// The SHA-256 of its certificate, where nobody vouches for it.
    pub certificate: Option<[u8; 32]>,
}

impl FromStr for RelayChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, hash) = match text.split_once('#') {
            Some((address, hash)) => (address, Some(hash)),
            None => (text, None),
        };
        let address = address.parse().map_err(|e| format!("{e}"))?;
        let certificate = hash
            .map(|hash| {
                let bytes = URL_SAFE_NO_PAD.decode(hash).ok();
                bytes
                    .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                    .ok_or_else(|| format!("“{hash}” is not the hash of a certificate"))
            })
            .transpose()?;
        Ok(Self {
            address,
            certificate,
        })
    }
}

impl Remote {
    /// Links to relays, and serves whoever comes.
    pub fn link(self: &Arc<Self>, relays: Vec<RelayChoice>, door: &Arc<dyn Door>) {
        let salts: Vec<Salt> = lock(&self.known)
            .values()
            .filter(|row| row.revoked_at.is_none())
            .map(|row| Salt(row.salt))
            .collect();
        for place in relays {
            let config = AgentConfig {
                relay: place.address.clone(),
                trust: match place.certificate {
                    Some(hash) => Trust::Hashes(vec![hash]),
                    None => Trust::System,
                },
                carriers: CarrierChoice::default(),
                access_token: std::env::var("DEPUTY_RELAY_TOKEN").ok(),
                secret: self.keys.route_secret(&place),
                software: concat!("deputy/", env!("CARGO_PKG_VERSION")).to_owned(),
            };
            let (link, mut arrivals) = AgentLink::start(config, salts.clone());
            lock(&self.links).push(Linked {
                place: place.clone(),
                link: link.clone(),
            });
            let (remote, door) = (Arc::clone(self), Arc::clone(door));
            tokio::spawn(async move {
                loop {
                    let arrival = tokio::select! {
                        arrival = arrivals.recv() => arrival,
                        () = remote.stopping.cancelled() => None,
                    };
                    let Some(arrival) = arrival else { break };
                    let (remote, place) = (Arc::clone(&remote), place.clone());
                    let way = Way {
                        relay: place,
                        is_straight: false,
                    };
                    tokio::spawn(session::serve(remote, Arc::clone(&door), way, arrival));
                }
                link.stop().await;
            });
        }
    }
}
