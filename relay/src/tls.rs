//! The relay's certificate: from files, read again when they change, made in memory, or by ACME.

#[cfg(feature = "acme")]
use crate::acme::{Certificate, Keeper, Validity};
use crate::config::CertificateSource;
use crate::error::RelayError;
use deputy_link::certificate_hash;
use ring::digest::{Context, SHA256};
use rustls::ServerConfig;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// How long a certificate of our own is good. Browsers take one by its hash for 14 days at most.
const SELF_SIGNED_DAYS: u64 = 13;
/// Clocks differ.
const BEFORE: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// What the secret of stateless resets is made with.
const RESET: &[u8] = b"deputy relay stateless reset 1";

/// The certificate in use, which may change while the relay runs.
pub(crate) struct Certificates {
    source: CertificateSource,
    names: Vec<String>,
    /// Nothing until an authority has given one.
    current: RwLock<Option<Current>>,
    reset: [u8; 32],
    /// What sees to certificates by ACME.
    #[cfg(feature = "acme")]
    keeper: Option<Arc<Keeper>>,
}

struct Current {
    key: Arc<CertifiedKey>,
    made: SystemTime,
    #[cfg(feature = "acme")]
    validity: Option<Validity>,
}

impl Certificates {
    pub(crate) fn load(
        source: CertificateSource,
        names: Vec<String>,
    ) -> Result<Arc<Self>, RelayError> {
        #[cfg(feature = "acme")]
        if let CertificateSource::Acme(config) = &source {
            let (keeper, kept) = Keeper::new(config.clone())?;
            return Ok(Arc::new(Self {
                reset: keeper.secret(RESET),
                current: RwLock::new(kept.as_ref().map(Current::from)),
                keeper: Some(keeper),
                source,
                names,
            }));
        }
        let now = SystemTime::now();
        let (key, secret) = make(&source, &names, now)?;
        let mut hash = Context::new(&SHA256);
        hash.update(RESET);
        hash.update(&secret);
        let mut reset = [0; 32];
        reset.copy_from_slice(hash.finish().as_ref());
        Ok(Arc::new(Self {
            source,
            names,
            reset,
            current: RwLock::new(Some(Current::new(key, now))),
            #[cfg(feature = "acme")]
            keeper: None,
        }))
    }

    /// Reads the files again; makes a new certificate when the own one ages. True when another one
    /// is in use now. New connections get it; those that live keep theirs.
    ///
    /// # Errors
    /// When the files cannot be used; then the old one stays in use.
    pub(crate) fn refresh(&self, now: SystemTime) -> Result<bool, RelayError> {
        #[cfg(feature = "acme")]
        if self.keeper.is_some() {
            return Ok(false);
        }
        if matches!(self.source, CertificateSource::SelfSigned) {
            let made = self.read().as_ref().map(|current| current.made);
            let age = made.and_then(|made| now.duration_since(made).ok());
            // Two days before the end, so that whoever looks daily sees the new hash in time.
            if age.unwrap_or_default() < DAY * (SELF_SIGNED_DAYS as u32 - 2) {
                return Ok(false);
            }
        }
        let (key, _) = make(&self.source, &self.names, now)?;
        let new = Current::new(key, now);
        let mut current = self.current.write().unwrap_or_else(|e| e.into_inner());
        if { current.as_ref() }.is_some_and(|current| current.key.cert == new.key.cert) {
            return Ok(false);
        }
        *current = Some(new);
        Ok(true)
    }

    /// Takes a certificate into use that came by ACME.
    #[cfg(feature = "acme")]
    pub(crate) fn install(&self, certificate: &Certificate) {
        let mut current = self.current.write().unwrap_or_else(|e| e.into_inner());
        *current = Some(certificate.into());
    }

    /// What sees to certificates by ACME, if that is where they come from.
    #[cfg(feature = "acme")]
    pub(crate) fn keeper(&self) -> Option<&Arc<Keeper>> {
        self.keeper.as_ref()
    }

    /// From when until when the certificate in use is good; `None` while there is none, or when
    /// that cannot be read from it.
    #[cfg(feature = "acme")]
    pub(crate) fn validity(&self) -> Option<Validity> {
        self.read().as_ref()?.validity
    }

    /// A secret that is the same after a restart with the same key, though nothing is written down:
    /// with it a relay tells whoever still speaks to the one before that the connection is no more
    /// (RFC 9000, 10.3.2).
    pub(crate) fn reset_secret(&self) -> &[u8; 32] {
        &self.reset
    }

    /// The SHA-256 of the certificate in use; zeros while there is none.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let current = self.read();
        let first = current
            .as_ref()
            .and_then(|current| current.key.cert.first());
        first.map(certificate_hash).unwrap_or_default()
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Current>> {
        self.current.read().unwrap_or_else(|e| e.into_inner())
    }
}

impl Current {
    fn new(key: Arc<CertifiedKey>, made: SystemTime) -> Self {
        Self {
            #[cfg(feature = "acme")]
            validity: { key.cert.first() }.and_then(|c| crate::acme::validity(c).ok()),
            key,
            made,
        }
    }
}

#[cfg(feature = "acme")]
impl From<&Certificate> for Current {
    fn from(certificate: &Certificate) -> Self {
        Self {
            key: certificate.key.clone(),
            made: certificate.validity.from,
            validity: Some(certificate.validity),
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.read().as_ref().map(|current| current.key.clone())
    }
}

/// Without what it holds: there are keys in it.
impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

/// The TLS configuration of a server with `certificates`, for the application protocols `alpn`.
/// TLS 1.3 only: the channel binding needs it.
pub(crate) fn server_config(
    certificates: &Arc<Certificates>,
    alpn: &[&[u8]],
) -> Result<ServerConfig, RelayError> {
    let tls = |error: rustls::Error| RelayError::Tls(error.to_string());
    let mut config = with_resolver(certificates.clone(), alpn)?;
    // Those who come back need no new signature, and the relay keeps nothing for them.
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(tls)?;
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// The same with whatever gives the certificate, and nothing for those who come back.
pub(crate) fn with_resolver(
    resolver: Arc<dyn ResolvesServerCert>,
    alpn: &[&[u8]],
) -> Result<ServerConfig, RelayError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| RelayError::Tls(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn make(
    source: &CertificateSource,
    names: &[String],
    now: SystemTime,
) -> Result<(Arc<CertifiedKey>, Zeroizing<Vec<u8>>), RelayError> {
    let (chain, key) = match source {
        CertificateSource::Files { chain, key } => from_files(chain, key)?,
        CertificateSource::SelfSigned => self_signed(names, now)?,
        #[cfg(feature = "acme")]
        CertificateSource::Acme(_) => {
            return Err(RelayError::Tls(
                "a certificate by ACME comes from its authority".into(),
            ));
        }
    };
    let secret = Zeroizing::new(key.secret_der().to_vec());
    let signing = any_supported_type(&key).map_err(|error| RelayError::Tls(error.to_string()))?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok((Arc::new(certified), secret))
        }
        Err(error) => Err(RelayError::Tls(error.to_string())),
    }
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn from_files(chain: &Path, key: &Path) -> Result<ChainAndKey, RelayError> {
    let bad = |path: &Path, error: &dyn std::fmt::Display| RelayError::CertificateFile {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(chain, &error))?;
    if certificates.is_empty() {
        return Err(bad(chain, &"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
    Ok((certificates, key))
}

/// ECDSA on P-256, as browsers want it for `serverCertificateHashes`.
fn self_signed(names: &[String], now: SystemTime) -> Result<ChainAndKey, RelayError> {
    let tls = |error: rcgen::Error| RelayError::Tls(error.to_string());
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(tls)?;
    let mut params = rcgen::CertificateParams::new(names.to_vec()).map_err(tls)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Deputy relay");
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + DAY * SELF_SIGNED_DAYS as u32).into();
    let certificate = params.self_signed(&key).map_err(tls)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((vec![certificate.der().clone()], key.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_certificate_of_our_own_is_renewed_before_it_ends() {
        let own =
            Certificates::load(CertificateSource::SelfSigned, vec!["localhost".into()]).unwrap();
        let (first, now) = (own.hash(), SystemTime::now());
        assert!(!own.refresh(now + DAY * 10).unwrap());
        assert_eq!(own.hash(), first);
        assert!(own.refresh(now + DAY * 12).unwrap());
        assert_ne!(own.hash(), first);
    }

    #[test]
    fn files_are_taken_when_they_change_and_fit() {
        let dir = tempfile::tempdir().unwrap();
        let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
        let write = || {
            let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            std::fs::write(&chain, pem("CERTIFICATE", pair.cert.der())).unwrap();
            std::fs::write(&key, pem("PRIVATE KEY", &pair.signing_key.serialize_der())).unwrap();
        };
        write();
        let source = CertificateSource::Files {
            chain: chain.clone(),
            key: key.clone(),
        };
        let files = Certificates::load(source, Vec::new()).unwrap();
        let first = files.hash();
        assert!(!files.refresh(SystemTime::now()).unwrap());
        let old_key = std::fs::read(&key).unwrap();
        write();
        let new_key = std::fs::read(&key).unwrap();
        // Half written: the key of the one, the certificate of the other.
        std::fs::write(&key, &old_key).unwrap();
        assert!(files.refresh(SystemTime::now()).is_err());
        assert_eq!(files.hash(), first);
        std::fs::write(&key, &new_key).unwrap();
        assert!(files.refresh(SystemTime::now()).unwrap());
        assert_ne!(files.hash(), first);
        std::fs::write(&chain, "nothing").unwrap();
        assert!(files.refresh(SystemTime::now()).is_err());
    }

    fn pem(label: &str, der: &[u8]) -> String {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }
}
