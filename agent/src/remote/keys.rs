//! What the agent is: its key for sessions, and for each relay a route key. All are derived from one
//! secret in the vault, so that there is one thing to keep and to rotate.

use super::{RelayChoice, random};
use crate::connectors::{Vault, VaultError, kept_secret, put_secret};
use crate::store::{Durability, Store, StoreError, devices};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use deputy_protocol::Time;
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
    /// Those of a store; new ones when there are none. When the vault's key is another one (the
    /// database was brought to another machine), the agent works on with new ones: no device could
    /// reach it by the old ones, so all are revoked, and what is kept of the old ones stays.
    pub(super) async fn open(
        store: &Store,
        vault: Arc<Vault>,
        now: Time,
    ) -> Result<Self, StoreError> {
        let reading = Arc::clone(&vault);
        let kept = store
            .read(move |db| kept_secret(db, &reading, SECRET))
            .await?;
        let lost = match kept {
            Some(Ok(kept)) => {
                let bytes = STANDARD.decode(kept.as_bytes()).ok();
                let root = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                return root.map(Self::of).ok_or_else(|| {
                    StoreError::corrupt("the agent's key", "it has another length")
                });
            }
            Some(Err(VaultError::WrongKey)) => true,
            Some(Err(error)) => return Err(StoreError::corrupt("the agent's key", error)),
            None => false,
        };
        let root = random();
        let sealed = vault
            .seal(SECRET, &STANDARD.encode(root))
            .map_err(|e| StoreError::corrupt("the agent's key", e))?;
        let revoked = store
            .write(Durability::Synced, move |db| {
                let revoked = if lost {
                    let aside = format!("{SECRET}:until-{}", now.0);
                    db.execute("UPDATE secrets SET id=?2 WHERE id=?1", [SECRET, &aside])?;
                    devices::revoke_all(db, now)?
                } else {
                    0
                };
                put_secret(db, SECRET, &sealed)?;
                Ok(revoked)
            })
            .await?;
        if revoked > 0 {
            tracing::warn!(
                devices = revoked,
                "the vault's key is not the one that these devices were paired under, so they \
                 cannot reach this agent; nothing else is lost: pair them again with `deputy pair`"
            );
        }
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

    /// A name for what a push is about: the same for the same, and for nobody else to tell.
    pub(super) fn push_topic(&self, about: &str) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("deputy 2026-11 push topic");
        hasher.update(self.root.as_slice());
        hasher.update(about.as_bytes());
        URL_SAFE_NO_PAD.encode(&hasher.finalize().as_bytes()[..18])
    }

    /// The route key for a relay: another for each name, so that relays cannot compare.
    pub(super) fn route_secret(&self, relay: &RelayChoice) -> RouteSecret {
        let mut hasher = blake3::Hasher::new_derive_key("deputy 2026-11 agent route key");
        hasher.update(self.root.as_slice());
        hasher.update(relay.address.host().as_bytes());
        RouteSecret::from_bytes(*hasher.finalize().as_bytes())
    }
}
