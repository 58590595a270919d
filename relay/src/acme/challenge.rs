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

/// The checks of names that are under way: with the challenge's token once there is one.
#[derive(Default)]
pub(crate) struct Checks(Mutex<HashMap<String, Option<String>>>);

/// The names of an order, which are checked for as long as this is.
pub(super) struct Turn<'c> {
    checks: &'c Checks,
    names: Vec<String>,
}

impl Checks {
    pub(super) fn turn(&self, names: &[String]) -> Turn<'_> {
        let names: Vec<_> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
        let mut table = self.table();
        for name in &names {
            table.insert(name.clone(), None);
        }
        Turn {
            checks: self,
            names,
        }
    }

    /// Whether a name is being checked, or about to be.
    pub(super) fn under_way(&self, name: &str) -> bool {
        self.table().contains_key(&name.to_ascii_lowercase())
    }

    /// The token of the check of a name.
    pub(super) fn token(&self, name: &str) -> Option<String> {
        self.table().get(&name.to_ascii_lowercase()).cloned()?
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Turn<'_> {
    /// From now on whoever asks about `name` is shown that this relay knows the token.
    pub(super) fn announce(&self, name: &str, token: &str) {
        let token = Some(token.to_owned());
        self.checks.table().insert(name.to_ascii_lowercase(), token);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut table = self.checks.table();
        for name in &self.names {
            table.remove(name);
        }
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

/// TLS that shows under `name` the digest of the key authorization.
pub(super) fn answer(name: &str, digest: &[u8; 32]) -> Result<ServerConfig, RelayError> {
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
    fn a_token_is_there_under_its_name_until_the_order_is_through() {
        let checks = Checks::default();
        let turn = checks.turn(&["Relay.Example".to_owned()]);
        assert!(checks.under_way("relay.EXAMPLE"));
        assert_eq!(checks.token("relay.example"), None);
        turn.announce("relay.example", "token");
        assert_eq!(checks.token("Relay.Example").as_deref(), Some("token"));
        assert!(!checks.under_way("other.example"));
        drop(turn);
        assert!(!checks.under_way("relay.example"));
    }
}
