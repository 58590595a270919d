//! TLS-ALPN-01 (RFC 8737): the authority connects to the relay's own TCP port under the name that is
//! to be shown, speaks `acme-tls/1` alone, and looks at a certificate made for this purpose. Such a
//! connection never gets as far as HTTP.

use crate::error::RelayError;
use crate::tls::with_resolver;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::ClientHello;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

const ALPN: &[u8] = b"acme-tls/1";

/// What an authority looks for under a name: SHA-256 of the key authorization. Whoever asks may
/// see it.
pub(crate) type Digest = [u8; 32];

/// The answers to challenges that are under way.
#[derive(Default)]
pub(crate) struct Challenges(Mutex<HashMap<String, Digest>>);

/// An answer is there for as long as this is.
pub(super) struct Announced<'c> {
    challenges: &'c Challenges,
    name: String,
}

impl Challenges {
    pub(super) fn announce(&self, name: &str, digest: Digest) -> Announced<'_> {
        let name = name.to_ascii_lowercase();
        self.table().insert(name.clone(), digest);
        Announced {
            challenges: self,
            name,
        }
    }

    /// The answer for a name.
    pub(crate) fn find(&self, name: &str) -> Option<Digest> {
        self.table().get(&name.to_ascii_lowercase()).copied()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Digest>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.challenges.table().remove(&self.name);
    }
}

/// The name that an authority asks about; `None` for everybody else. Whoever speaks anything
/// beside `acme-tls/1` is a client like others (RFC 8737, 3).
pub(crate) fn asked(hello: &ClientHello<'_>) -> Option<String> {
    let mut spoken = hello.alpn()?;
    let alone = spoken.next() == Some(ALPN) && spoken.next().is_none();
    let name = hello.server_name().map(str::to_ascii_lowercase);
    alone.then(|| name.unwrap_or_default())
}

/// TLS with the answer `digest` for `name`.
pub(crate) fn answer(name: &str, digest: &Digest) -> Result<ServerConfig, RelayError> {
    let made = |error: rcgen::Error| RelayError::Tls(error.to_string());
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(made)?;
    let mut params = CertificateParams::new([name.to_owned()]).map_err(made)?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key).map_err(made)?;
    let der = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let signing = any_supported_type(&der).map_err(|e| RelayError::Tls(e.to_string()))?;
    let certified = CertifiedKey::new(vec![certificate.der().clone()], signing);
    with_resolver(Arc::new(SingleCertAndKey::from(certified)), &[ALPN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_there_under_its_name_until_the_order_is_through() {
        let challenges = Challenges::default();
        let announced = challenges.announce("Relay.Example", [7; 32]);
        assert_eq!(challenges.find("relay.EXAMPLE"), Some([7; 32]));
        assert_eq!(challenges.find("other.example"), None);
        drop(announced);
        assert_eq!(challenges.find("relay.example"), None);
    }
}
