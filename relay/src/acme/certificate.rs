//! A certificate with its key, as it comes from an authority or from the cache.

use super::plan::Validity;
use rustls::client::verify_server_name;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use x509_cert::der::Decode;
use zeroize::Zeroizing;

/// A certificate that holds for the relay's names, and whose key fits.
pub(crate) struct Certificate {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) validity: Validity,
    /// Key and chain in PEM, as the cache keeps them.
    pub(super) pem: Zeroizing<String>,
}

impl Certificate {
    /// From a key and a chain in PEM; it must hold for all `names`.
    pub(super) fn from_pem(pem: &str, names: &[String]) -> Result<Self, String> {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("its key cannot be read: {error}"))?;
        let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("it cannot be read: {error}"))?;
        let first = chain.first().ok_or("there is none in the answer")?;
        let parsed = ParsedCertificate::try_from(first).map_err(|error| error.to_string())?;
        for name in names {
            let server = ServerName::try_from(name.as_str()).map_err(|e| e.to_string())?;
            verify_server_name(&parsed, &server)
                .map_err(|_| format!("it does not hold for {name}"))?;
        }
        let validity = validity(first)?;
        let signing = any_supported_type(&key).map_err(|error| error.to_string())?;
        let certified = CertifiedKey::new(chain, signing);
        certified.keys_match().map_err(|error| error.to_string())?;
        Ok(Self {
            key: Arc::new(certified),
            validity,
            pem: Zeroizing::new(pem.to_owned()),
        })
    }
}

/// From when until when a certificate is good.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Result<Validity, String> {
    let parsed = x509_cert::Certificate::from_der(certificate)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    let validity = parsed.tbs_certificate.validity;
    Ok(Validity {
        from: validity.not_before.to_system_time(),
        until: validity.not_after.to_system_time(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn what_does_not_fit_is_not_taken() {
        let (one, other) = (made("a.example"), made("b.example"));
        let names = |name: &str| vec![name.to_owned()];
        let fitting = format!("{}{}", one.0, one.1);
        assert!(Certificate::from_pem(&fitting, &names("a.example")).is_ok());
        for (pem, name, reason) in [
            (fitting.clone(), "b.example", "does not hold for b.example"),
            (one.0.clone(), "a.example", "there is none"),
            (one.1.clone(), "a.example", "key cannot be read"),
            (format!("{}{}", other.0, one.1), "a.example", "key"),
            ("nonsense".to_owned(), "a.example", "key cannot be read"),
        ] {
            let error = Certificate::from_pem(&pem, &names(name)).err().unwrap();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn its_life_is_read_from_it() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let from = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        // One in each of the two forms in which certificates write a time.
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(2_600_000_000);
        params.not_before = from.into();
        params.not_after = until.into();
        let certificate = params.self_signed(&key).unwrap();
        let expected = Validity { from, until };
        assert_eq!(validity(certificate.der()).unwrap(), expected);
    }

    fn made(name: &str) -> (String, String) {
        let pair = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        (pair.signing_key.serialize_pem(), pair.cert.pem())
    }
}
