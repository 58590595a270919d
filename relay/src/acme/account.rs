//! The key by which the certificate authority knows the relay's operator.

use crate::error::RelayError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::Key;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::digest::{Context, SHA256, digest};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;
use zeroize::Zeroizing;

/// An account's key: ECDSA on P-256.
pub(super) struct Account {
    key: KeyPair,
}

impl Account {
    /// A new one.
    pub(super) fn new() -> Result<Self, RelayError> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
            .map(|key| Self { key })
            .map_err(|error| RelayError::Tls(error.to_string()))
    }

    /// One that the operator made, or that was kept.
    pub(super) fn read(path: &Path) -> Result<Self, RelayError> {
        let bad = |error: &dyn std::fmt::Display| RelayError::CertificateFile {
            path: path.to_owned(),
            reason: format!("an account's key must be ECDSA on P-256, in PEM as PKCS #8 ({error})"),
        };
        let der = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|e| bad(&e))?;
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
            .map_err(|e| bad(&e))?;
        let account = Self { key };
        account.pair().map_err(|e| bad(&e))?;
        Ok(account)
    }

    /// As the client of the protocol takes it.
    pub(super) fn pair(&self) -> Result<(Key, PrivateKeyDer<'static>), instant_acme::Error> {
        let der = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let key = Key::from_pkcs8_der(der.clone_key())?;
        Ok((key, der.into()))
    }

    /// What an authority must be shown for a challenge with `token`: SHA-256 of the key
    /// authorization (RFC 8555, 8.1), in which the key stands as its thumbprint (RFC 7638).
    pub(super) fn answer(&self, token: &str) -> [u8; 32] {
        let (x, y) = self.key.public_key_raw()[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        let key = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, key.as_bytes()));
        let mut answer = [0; 32];
        answer
            .copy_from_slice(digest(&SHA256, format!("{token}.{thumbprint}").as_bytes()).as_ref());
        answer
    }

    /// As it is kept.
    pub(super) fn pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.key.serialize_pem())
    }

    /// A secret for `purpose` that is the same wherever this key is.
    pub(super) fn secret(&self, purpose: &[u8]) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        hash.update(purpose);
        hash.update(&Zeroizing::new(self.key.serialize_der()));
        let mut secret = [0; 32];
        secret.copy_from_slice(hash.finish().as_ref());
        secret
    }
}
