//! What a relay is told about ACME.

use super::plan::Pace;
use crate::error::RelayError;
use deputy_link::Trust;
use rustls::pki_types::DnsName;
use std::net::IpAddr;
use std::path::PathBuf;

/// How a relay gets certificates from an authority that speaks ACME (RFC 8555).
#[derive(Clone, Debug)]
pub struct Acme {
    /// The host names for which the certificate is to hold, at least one. No wildcards, no
    /// addresses: the check is by TLS-ALPN.
    pub names: Vec<String>,
    /// Where the authority's directory is, e.g. [`Acme::LETS_ENCRYPT`].
    pub directory: String,
    /// Whom it believes to be that directory.
    pub trust: Trust,
    /// Mail addresses that the authority may write to.
    pub contacts: Vec<String>,
    /// The operator agrees to the authority's terms of service. Without that nothing is ordered.
    pub agreed: bool,
    /// The account's key in PEM; only read. Without it, one is made.
    pub account: Option<PathBuf>,
    /// A folder for the account's key (if none is given) and the certificate with its key. Without
    /// it nothing is written, and each start orders a certificate.
    pub cache: Option<PathBuf>,
    /// How patiently the authority is asked again.
    pub pace: Pace,
}

impl Acme {
    /// The directory of Let's Encrypt.
    pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

    /// Nothing is asked of an authority that it must refuse, or that the operator did not agree to.
    pub(super) fn check(&self) -> Result<(), RelayError> {
        let bad = |text: String| Err(RelayError::Config(text));
        if !self.agreed {
            return bad(format!(
                "an authority gives certificates only to those who agree to its terms of service: read those of {} and give --acme-agree",
                self.directory
            ));
        }
        if self.names.is_empty() {
            return bad("ACME needs the host name for which a certificate is wanted".into());
        }
        if !self.directory.starts_with("https://") {
            return bad(format!(
                "{} is not the https:// address of an ACME directory",
                self.directory
            ));
        }
        for name in &self.names {
            if name.contains('*') {
                return bad(format!(
                    "{name} is a wildcard, which needs a check by DNS that the relay cannot do: get that certificate with another tool and give it with --certificate and --key"
                ));
            }
            if name.parse::<IpAddr>().is_ok() || DnsName::try_from(name.as_str()).is_err() {
                return bad(format!(
                    "{name} is not a host name, so no certificate can be had for it by ACME"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_an_authority_must_refuse_is_refused_at_the_start() {
        let fine = Acme {
            names: vec!["relay.example.org".into()],
            directory: Acme::LETS_ENCRYPT.into(),
            trust: Trust::System,
            contacts: Vec::new(),
            agreed: true,
            account: None,
            cache: None,
            pace: Pace::default(),
        };
        assert!(fine.check().is_ok());
        let names = |name: &str| Acme {
            names: vec![name.to_owned()],
            ..fine.clone()
        };
        for (wrong, reason) in [
            (
                Acme {
                    agreed: false,
                    ..fine.clone()
                },
                "--acme-agree",
            ),
            (
                Acme {
                    names: Vec::new(),
                    ..fine.clone()
                },
                "host name",
            ),
            (
                Acme {
                    directory: "http://x".into(),
                    ..fine.clone()
                },
                "https://",
            ),
            (names("*.example.org"), "wildcard"),
            (names("192.0.2.1"), "not a host name"),
            (names("::1"), "not a host name"),
            (names("no name"), "not a host name"),
        ] {
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
