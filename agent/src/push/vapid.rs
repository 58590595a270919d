//! Who sends a push: a key by which a browser's push service tells agents apart (RFC 8292). It says
//! nothing about the user, and is kept in the vault.

use crate::connectors::{Vault, VaultError, kept_secret, put_secret};
use crate::store::{Durability, Store, StoreError};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use deputy_protocol::Time;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;
use std::sync::Arc;
use url::Url;

/// The secret's name in the vault.
const SECRET: &str = "agent:push";

/// How long a token is good, in seconds; services take a day at most.
const GOOD_FOR: i64 = 12 * 3_600;

/// Whom a push service may write to about this sender, as some of them want to be told. There is
/// nobody but the user, who is not named to them.
const CONTACT: &str = "mailto:push@deputy.invalid";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum VapidError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What is kept is no key, or none can be made.
    #[error("the key for push services cannot be made or read")]
    Key,
}

/// The key.
pub(super) struct Vapid {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Vapid {
    /// The one of a store, made when there is none. When the vault's key is another one, a new one:
    /// no subscription is left then that was made for the old.
    pub(super) async fn open(store: &Store, vault: &Arc<Vault>) -> Result<Self, VapidError> {
        let reading = Arc::clone(vault);
        let kept = store
            .read(move |db| kept_secret(db, &reading, SECRET))
            .await?;
        match kept {
            Some(Ok(kept)) => {
                return Self::of(&STANDARD.decode(kept.as_bytes()).unwrap_or_default());
            }
            Some(Err(VaultError::WrongKey)) | None => {}
            Some(Err(error)) => return Err(error.into()),
        }
        let random = SystemRandom::new();
        let new = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_| VapidError::Key)?;
        let sealed = vault.seal(SECRET, &STANDARD.encode(&new))?;
        store
            .write(Durability::Synced, move |db| {
                put_secret(db, SECRET, &sealed)
            })
            .await?;
        Self::of(new.as_ref())
    }

    fn of(pkcs8: &[u8]) -> Result<Self, VapidError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random)
            .map_err(|_| VapidError::Key)?;
        Ok(Self { pair, random })
    }

    /// The public half, as browsers want it.
    pub(super) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// The `Authorization` of a request (RFC 8292, section 3).
    pub(super) fn authorization(&self, endpoint: &Url, now: Time) -> Option<String> {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({"typ": "JWT", "alg": "ES256"}));
        let claims = part(json!({
            "aud": endpoint.origin().ascii_serialization(),
            "exp": now.0 / 1_000 + GOOD_FOR,
            "sub": CONTACT,
        }));
        let said = format!("{header}.{claims}");
        let signature = self.pair.sign(&self.random, said.as_bytes()).ok()?;
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Some(format!("vapid t={said}.{signature}, k={}", self.public()))
    }
}
