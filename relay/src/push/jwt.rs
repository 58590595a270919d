//! JSON Web Tokens (RFC 7519), signed as the push services want them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKey;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// A key that signs tokens.
pub(super) enum Key {
    /// ECDSA on P-256 (ES256).
    Es256(EcdsaKeyPair),
    /// RSA with SHA-256 (RS256).
    Rs256(RsaKey),
}

impl Key {
    /// A key of PEM in PKCS#8, as Apple's `.p8` files are.
    pub(super) fn es256(pem: &[u8]) -> Result<Self, String> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|e| e.to_string())?;
        let random = SystemRandom::new();
        EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            der.secret_pkcs8_der(),
            &random,
        )
        .map(Self::Es256)
        .map_err(|e| e.to_string())
    }

    /// A key of PEM in PKCS#8, as Google's service accounts have it.
    pub(super) fn rs256(pem: &[u8]) -> Result<Self, String> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|e| e.to_string())?;
        RsaKey::from_pkcs8(der.secret_pkcs8_der())
            .map(Self::Rs256)
            .map_err(|e| e.to_string())
    }

    /// A token with these claims; `header` is added to the algorithm.
    pub(super) fn token(&self, header: Value, claims: &Value) -> Option<String> {
        let mut header = header;
        header["typ"] = "JWT".into();
        header["alg"] = match self {
            Self::Es256(_) => "ES256".into(),
            Self::Rs256(_) => "RS256".into(),
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let said = format!("{}.{}", part(&header), part(claims));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Es256(key) => key.sign(&random, said.as_bytes()).ok()?.as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, said.as_bytes(), &mut signature)
                    .ok()?;
                signature
            }
        };
        Some(format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Seconds since 1970.
pub(super) fn unix(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}
