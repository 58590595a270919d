//! What the agent is: its key for sessions, and for each relay a route key. All are derived from one
//! secret in the vault, so that there is one thing to keep and to rotate.

use super::{RelayChoice, random};
use crate::connectors::{Vault, put_secret, secret};
use crate::store::{Durability, Store, StoreError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deputy_protocol::link::RouteSecret;
use deputy_protocol::session::StaticKey;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The secret's name in the vault.
const SECRET: &str = "agent:devices";

/// The agent's keys.
pub struct AgentKeys {
    root: Zeroizing<[u8; 32]>,
    session: StaticKey,
}

impl AgentKeys {
    /// Those of a store; new ones when there are none.
    pub(super) async fn open(store: &Store, vault: Arc<Vault>) -> Result<Self, StoreError> {
        let reading = Arc::clone(&vault);
        let kept = store
            .read(move |db| {
                let known: i64 = db
                    .prepare_cached("SELECT count(*) FROM secrets WHERE id=?1")?
                    .query_row([SECRET], |r| r.get(0))?;
                Ok((known > 0).then_some(secret(db, &reading, SECRET)?))
            })
            .await?;
        let root = match kept {
            Some(kept) => {
                let text = kept.map_err(|e| StoreError::corrupt("the agent's key", e))?;
                let bytes = STANDARD.decode(text.as_bytes()).ok();
                let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                bytes.ok_or_else(|| {
                    StoreError::corrupt("the agent's key", "it has another length")
                })?
            }
            None => {
                let new = random();
                let sealed = vault
                    .seal(SECRET, &STANDARD.encode(new))
                    .map_err(|e| StoreError::corrupt("the agent's key", e))?;
                store
                    .write(Durability::Synced, move |db| {
                        put_secret(db, SECRET, &sealed)
                    })
                    .await?;
                new
            }
        };
        Ok(Self::of(root))
    }

    fn of(root: [u8; 32]) -> Self {
        let session = blake3::derive_key("deputy 2026-11 agent session key", &root);
        Self {
            root: Zeroizing::new(root),
            session: StaticKey::from_bytes(session),
        }
    }

    /// The key for sessions.
    pub(super) fn session(&self) -> &StaticKey {
        &self.session
    }

    /// The route key for a relay: another for each name, so that relays cannot compare.
    pub(super) fn route_secret(&self, relay: &RelayChoice) -> RouteSecret {
        let mut hasher = blake3::Hasher::new_derive_key("deputy 2026-11 agent route key");
        hasher.update(self.root.as_slice());
        hasher.update(relay.address.host().as_bytes());
        RouteSecret::from_bytes(*hasher.finalize().as_bytes())
    }
}
