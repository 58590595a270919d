//! How an agent shows a relay that it owns its routes.
//!
//! The relay sends an X25519 key made for this link and a nonce. The agent answers with a MAC under
//! the Diffie-Hellman of its route key and that key. The MAC covers the relay's name (a relay
//! cannot pass the challenge of another on), the TLS channel (nobody in the middle can), and
//! what is registered. A signature would do as well; Diffie-Hellman needs no second kind of key
//! and leaves the relay nothing that it could show to others.

use super::bytes::text_bytes;
use super::message::Challenge;
use super::route::{RouteKey, RouteSecret, Salt};
use blake2::digest::{FixedOutput, KeyInit, Update};
use blake2::{Blake2s256, Blake2sMac256, Digest};
use x25519_dalek::{PublicKey, StaticSecret};

const KEY_LABEL: &[u8] = b"deputy register key 1";
const PROOF_LABEL: &[u8] = b"deputy register 1";

/// The number used once that a relay puts into a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub [u8; 32]);
text_bytes!(Nonce, 32);

/// The MAC that an agent answers with.
#[derive(Clone, Copy, Debug)]
pub struct Proof(pub [u8; 32]);
text_bytes!(Proof, 32);

/// What both ends exported from the TLS connection under [`super::EXPORTER_LABEL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding(pub [u8; 32]);

/// Why no proof was made or accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A key was a point of small order: the other side does not follow the protocol.
    #[error("the other side sent a key that cannot be used")]
    BadKey,
    /// The MAC is of another key, relay, channel, nonce or registration.
    #[error("the proof does not fit this link")]
    Wrong,
}

/// What one registration is about; the MAC covers all of it.
#[derive(Clone, Copy, Debug)]
pub struct RegisterTerms<'a> {
    /// The request's number: greater than that of every earlier registration of this link.
    pub id: u64,
    /// The relay's host name as the agent dialled it, in lower case, without port.
    pub relay: &'a str,
    /// A salt for each route.
    pub salts: &'a [Salt],
}

impl RegisterTerms<'_> {
    /// The agent's answer to `challenge` on the channel `binding`.
    ///
    /// # Errors
    /// [`ProofError::BadKey`] when the relay's key is of small order.
    pub fn prove(
        &self,
        secret: &RouteSecret,
        challenge: &Challenge,
        binding: &Binding,
    ) -> Result<Proof, ProofError> {
        let shared = secret.agree(&challenge.key.0).ok_or(ProofError::BadKey)?;
        let mac = self.mac(&shared, challenge, &secret.public(), binding);
        Ok(Proof(mac.finalize_fixed().into()))
    }

    fn mac(
        &self,
        shared: &[u8; 32],
        challenge: &Challenge,
        route_key: &RouteKey,
        binding: &Binding,
    ) -> Blake2sMac256 {
        let key = Blake2s256::new()
            .chain_update(KEY_LABEL)
            .chain_update(shared)
            .chain_update(challenge.key.0)
            .chain_update(route_key.0)
            .finalize();
        let mut mac = <Blake2sMac256 as KeyInit>::new(&key);
        mac.update(PROOF_LABEL);
        mac.update(&challenge.nonce.0);
        mac.update(&binding.0);
        mac.update(&self.id.to_be_bytes());
        mac.update(&(self.relay.len() as u32).to_be_bytes());
        mac.update(self.relay.as_bytes());
        mac.update(&(self.salts.len() as u32).to_be_bytes());
        for salt in self.salts {
            mac.update(&salt.0);
        }
        mac
    }
}

/// The relay's half of a challenge. Made afresh for every link, never stored.
pub struct ChallengeSecret {
    secret: StaticSecret,
    challenge: Challenge,
}

impl ChallengeSecret {
    /// A challenge from 64 bytes of a cryptographic random source.
    pub fn from_bytes(random: [u8; 64]) -> Self {
        let mut key = [0; 32];
        let mut nonce = [0; 32];
        key.copy_from_slice(&random[..32]);
        nonce.copy_from_slice(&random[32..]);
        let secret = StaticSecret::from(key);
        let challenge = Challenge {
            key: RouteKey(PublicKey::from(&secret).to_bytes()),
            nonce: Nonce(nonce),
        };
        Self { secret, challenge }
    }

    /// What the agent gets to see.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Checks an agent's answer, in constant time.
    ///
    /// # Errors
    /// [`ProofError`] when the agent has not shown that it holds `route_key`'s secret on this very
    /// link.
    pub fn verify(
        &self,
        terms: &RegisterTerms<'_>,
        route_key: &RouteKey,
        binding: &Binding,
        proof: &Proof,
    ) -> Result<(), ProofError> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(route_key.0));
        if !shared.was_contributory() {
            return Err(ProofError::BadKey);
        }
        let mac = terms.mac(shared.as_bytes(), &self.challenge, route_key, binding);
        blake2::digest::Mac::verify_slice(mac, &proof.0).map_err(|_| ProofError::Wrong)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const BINDING: Binding = Binding([5; 32]);
    const SALTS: &[Salt] = &[Salt([1; 32]), Salt([2; 32])];

    fn challenge() -> ChallengeSecret {
        ChallengeSecret::from_bytes(std::array::from_fn(|i| i as u8))
    }

    fn terms<'a>() -> RegisterTerms<'a> {
        RegisterTerms {
            id: 1,
            relay: "relay.example.org",
            salts: SALTS,
        }
    }

    #[test]
    fn the_owner_is_believed() {
        let secret = RouteSecret::from_bytes([3; 32]);
        let relay = challenge();
        let proof = terms().prove(&secret, relay.challenge(), &BINDING).unwrap();
        assert_eq!(
            relay.verify(&terms(), &secret.public(), &BINDING, &proof),
            Ok(())
        );
    }

    #[test]
    fn anything_else_is_not() {
        let secret = RouteSecret::from_bytes([3; 32]);
        let relay = challenge();
        let proof = terms().prove(&secret, relay.challenge(), &BINDING).unwrap();
        let key = secret.public();
        let check = |terms: &RegisterTerms<'_>, key: &RouteKey, binding: &Binding| {
            relay.verify(terms, key, binding, &proof)
        };
        let wrong = Err(ProofError::Wrong);
        assert_eq!(
            check(
                &terms(),
                &RouteSecret::from_bytes([4; 32]).public(),
                &BINDING
            ),
            wrong
        );
        assert_eq!(check(&terms(), &key, &Binding([6; 32])), wrong);
        assert_eq!(
            check(&RegisterTerms { id: 2, ..terms() }, &key, &BINDING),
            wrong
        );
        assert_eq!(
            check(
                &RegisterTerms {
                    relay: "evil.example.org",
                    ..terms()
                },
                &key,
                &BINDING
            ),
            wrong
        );
        assert_eq!(
            check(
                &RegisterTerms {
                    salts: &SALTS[..1],
                    ..terms()
                },
                &key,
                &BINDING
            ),
            wrong
        );
        let other = ChallengeSecret::from_bytes([8; 64]);
        assert_eq!(other.verify(&terms(), &key, &BINDING, &proof), wrong);
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let zero = RouteKey([0; 32]);
        let relay = challenge();
        assert_eq!(
            relay.verify(&terms(), &zero, &BINDING, &Proof([0; 32])),
            Err(ProofError::BadKey)
        );
        let challenge = Challenge {
            key: zero,
            nonce: Nonce([0; 32]),
        };
        let secret = RouteSecret::from_bytes([3; 32]);
        assert_eq!(
            terms().prove(&secret, &challenge, &BINDING).map(|_| ()),
            Err(ProofError::BadKey)
        );
    }

    /// The vector in `docs/wire/link.md`, computed there with Python's hashlib and cryptography.
    #[test]
    fn the_vector_of_the_specification() {
        let secret = RouteSecret::from_bytes([3; 32]);
        let proof = terms()
            .prove(&secret, challenge().challenge(), &BINDING)
            .unwrap();
        assert_eq!(
            proof.to_string(),
            "3yVEChiDoMBZ9OnimAocXuiDGpCz65cF3rrfwCI4bPU"
        );
    }
}
