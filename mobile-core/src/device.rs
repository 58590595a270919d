//! What a device keeps of its pairing. It holds the device's key: to be kept where the platform
//! keeps secrets.

use deputy_protocol::pairing::RelayPlace;
use deputy_protocol::push::{PushContent, PushError, open_text};
use deputy_protocol::remote::Rights;
use deputy_protocol::session::{PublicKey, StaticKey};
use serde::{Deserialize, Serialize};

/// A device that is paired with an agent.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PairedDevice {
    /// Its id at the agent.
    pub id: String,
    /// The agent's key.
    pub agent: PublicKey,
    /// Where the agent is reached, best first.
    pub relays: Vec<RelayPlace>,
    /// What it may do.
    pub rights: Rights,
    secret: [u8; 32],
}

impl PairedDevice {
    pub(crate) fn new(
        id: String,
        agent: PublicKey,
        relays: Vec<RelayPlace>,
        rights: Rights,
        key: &StaticKey,
    ) -> Self {
        Self {
            id,
            agent,
            relays,
            rights,
            secret: *key.expose(),
        }
    }

    /// Opens what a push service brought, in base64url: only this device's agent can have made it. A
    /// device that is paired with several agents tries each. The same push may come twice, by its id.
    pub fn open_push(&self, body: &str) -> Result<PushContent, PushError> {
        open_text(&self.key(), &self.agent, body)
    }

    /// The secret half of its key.
    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Its key.
    pub fn key(&self) -> StaticKey {
        StaticKey::from_bytes(self.secret)
    }
}

impl std::fmt::Debug for PairedDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PairedDevice({} of {})", self.id, self.agent)
    }
}
