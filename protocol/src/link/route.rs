//! Routes: the unguessable names under which a relay knows an agent's devices.
//!
//! A route is a hash of the agent's route key for that relay and of a salt of its own, so nobody
//! without that key can register it, and routes of one agent say nothing about each other.

use super::bytes::text_bytes;
use blake2::{Blake2s256, Digest};
use x25519_dalek::{PublicKey, StaticSecret};

const ROUTE_LABEL: &[u8] = b"deputy route 1";

/// A route: 24 bytes, written as 32 letters of base64url. Unguessable (192 bits); whoever knows it
/// can knock at the agent's door, nothing more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub [u8; 24]);
text_bytes!(RouteId, 24);

// Routes are kept out of logs, so that a log cannot be used to knock.
impl std::fmt::Debug for RouteId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteId(…)")
    }
}

/// What sets one route of an agent apart from its others: 32 random bytes for each device.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt(pub [u8; 32]);
text_bytes!(Salt, 32);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The public half of an agent's X25519 key for one relay.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteKey(pub [u8; 32]);
text_bytes!(RouteKey, 32);

impl std::fmt::Debug for RouteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteKey(…)")
    }
}

impl RouteKey {
    /// The route of this key and `salt`: the first 24 bytes of
    /// BLAKE2s-256("deputy route 1" ‖ key ‖ salt).
    pub fn route(&self, salt: &Salt) -> RouteId {
        let hash = Blake2s256::new()
            .chain_update(ROUTE_LABEL)
            .chain_update(self.0)
            .chain_update(salt.0)
            .finalize();
        let mut route = [0; 24];
        route.copy_from_slice(&hash[..24]);
        RouteId(route)
    }
}

/// The secret half of an agent's key for one relay. Whoever has it owns every route derived from
/// it. Wiped from memory when dropped.
#[derive(Clone)]
pub struct RouteSecret(StaticSecret);

impl std::fmt::Debug for RouteSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteSecret(…)")
    }
}

impl RouteSecret {
    /// A secret from 32 bytes of a cryptographic random source.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(StaticSecret::from(bytes))
    }

    /// The public half.
    pub fn public(&self) -> RouteKey {
        RouteKey(PublicKey::from(&self.0).to_bytes())
    }

    /// The route of this key and `salt`.
    pub fn route(&self, salt: &Salt) -> RouteId {
        self.public().route(salt)
    }

    /// The shared secret with `public`; `None` when the other side sent a point of small order,
    /// which would make the secret known to everybody.
    pub(super) fn agree(&self, public: &[u8; 32]) -> Option<[u8; 32]> {
        let shared = self.0.diffie_hellman(&PublicKey::from(*public));
        shared.was_contributory().then(|| shared.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_route_depends_on_key_and_salt() {
        let a = RouteSecret::from_bytes([1; 32]);
        let b = RouteSecret::from_bytes([2; 32]);
        assert_ne!(a.route(&Salt([0; 32])), a.route(&Salt([1; 32])));
        assert_ne!(a.route(&Salt([0; 32])), b.route(&Salt([0; 32])));
    }

    /// The vector in `docs/wire/link.md`, computed there with Python's hashlib.
    #[test]
    fn the_vector_of_the_specification() {
        let key = RouteKey([7; 32]);
        assert_eq!(
            key.route(&Salt([9; 32])).to_string(),
            "b484VA19Z2TEDkvxoSJK6kUhNHo4Vo1h"
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        let secret = RouteSecret::from_bytes([1; 32]);
        let text = format!(
            "{secret:?} {:?} {:?}",
            secret.public(),
            secret.route(&Salt([0; 32]))
        );
        assert_eq!(text, "RouteSecret(…) RouteKey(…) RouteId(…)");
    }
}
