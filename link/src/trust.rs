//! Whom a link believes to be the relay.

use crate::error::LinkError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Whom a link believes to be the relay.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Whom the operating system trusts.
    System,
    /// Only certificates with one of these SHA-256 hashes, whatever name they bear: a relay that
    /// signed its certificate itself.
    Hashes(Vec<[u8; 32]>),
    /// Only certificates signed by these authorities.
    Roots(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// The TLS configuration of a client, for the application protocols `alpn`. TLS 1.3 only: the
    /// channel binding needs it.
    ///
    /// # Errors
    /// [`LinkError::Setup`] when the system's trust or the given authorities cannot be used.
    pub fn client_config(&self, alpn: &[&[u8]]) -> Result<ClientConfig, LinkError> {
        let setup = |error: rustls::Error| LinkError::Setup(error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(setup)?;
        let mut config = match self {
            Self::System => {
                let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(setup)?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
                    .with_no_client_auth()
            }
            Self::Hashes(hashes) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(ByHash {
                    hashes: hashes.clone(),
                    algorithms: provider.signature_verification_algorithms,
                }))
                .with_no_client_auth(),
            Self::Roots(roots) => {
                let mut store = RootCertStore::empty();
                for root in roots {
                    store.add(root.clone()).map_err(setup)?;
                }
                builder.with_root_certificates(store).with_no_client_auth()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

/// The SHA-256 of a certificate, as browsers take it for `serverCertificateHashes`.
pub fn certificate_hash(certificate: &CertificateDer<'_>) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// Believes a certificate for its hash; still checks that the other side holds its key.
#[derive(Debug)]
struct ByHash {
    hashes: Vec<[u8; 32]>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ByHash {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The hash is public; comparing it needs no constant time.
        if self.hashes.contains(&certificate_hash(end_entity)) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_kind_of_trust_speaks_tls_1_3_under_the_given_names() {
        for trust in [
            Trust::System,
            Trust::Hashes(vec![[0; 32]]),
            Trust::Roots(Vec::new()),
        ] {
            let config = trust.client_config(&[b"deputy/1"]).unwrap();
            assert_eq!(config.alpn_protocols, [b"deputy/1".to_vec()]);
        }
        let nonsense = Trust::Roots(vec![CertificateDer::from(vec![1, 2, 3])]);
        assert!(matches!(
            nonsense.client_config(&[]),
            Err(LinkError::Setup(_))
        ));
    }
}
