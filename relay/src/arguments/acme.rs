//! What the command line says about ACME.

use clap::Args;
use deputy_link::Trust;
use deputy_relay::{Acme, CertificateSource, Pace, RelayError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

/// Certificates by ACME.
#[derive(Debug, Args)]
pub(super) struct AcmeArguments {
    /// Take a certificate for this host name from an authority, by ACME; may be given again
    #[arg(
        id = "acme",
        long = "acme",
        value_name = "NAME",
        env = "DEPUTY_RELAY_ACME",
        value_delimiter = ',',
        conflicts_with_all = ["certificate", "self_signed"]
    )]
    names: Vec<String>,

    /// You agree to the authority's terms of service
    #[arg(long, env = "DEPUTY_RELAY_ACME_AGREE", requires = "acme")]
    acme_agree: bool,

    /// A mail address that the authority may write to; may be given again
    #[arg(
        long,
        value_name = "MAIL",
        env = "DEPUTY_RELAY_ACME_CONTACT",
        value_delimiter = ','
    )]
    acme_contact: Vec<String>,

    /// The authority's directory
    #[arg(
        long,
        value_name = "URL",
        env = "DEPUTY_RELAY_ACME_DIRECTORY",
        default_value = Acme::LETS_ENCRYPT
    )]
    acme_directory: String,

    /// Believe the directory by these certificates, in PEM, instead of the system's
    #[arg(long, value_name = "FILE", env = "DEPUTY_RELAY_ACME_CA")]
    acme_ca: Option<PathBuf>,

    /// The account's key: ECDSA on P-256, in PEM as PKCS #8; only read. Without it, one is made
    #[arg(long, value_name = "FILE", env = "DEPUTY_RELAY_ACME_ACCOUNT")]
    acme_account: Option<PathBuf>,

    /// Keep the certificate with its key, and the account's, in this folder; the only thing that the
    /// relay writes. Without it, each start orders another certificate
    #[arg(long, value_name = "FOLDER", env = "DEPUTY_RELAY_ACME_CACHE")]
    acme_cache: Option<PathBuf>,
}

impl AcmeArguments {
    /// Where certificates come from, if that is an authority, and the relay's names: those given by
    /// `--name`, or without any those of the certificate.
    pub(super) fn source(
        self,
        names: Vec<String>,
    ) -> Result<(Option<CertificateSource>, Vec<String>), RelayError> {
        if self.names.is_empty() {
            return Ok((None, names));
        }
        let held = |name: &&String| self.names.iter().any(|n| n.eq_ignore_ascii_case(name));
        if let Some(name) = names.iter().find(|name| !held(name)) {
            return Err(RelayError::Config(format!(
                "agents could not link to {name}, for the certificate would not hold for it: give --acme {name} too, or leave out --name {name}"
            )));
        }
        let names = if names.is_empty() {
            self.names.clone()
        } else {
            names
        };
        let trust = self.acme_ca.as_deref().map(roots).transpose()?;
        let source = CertificateSource::Acme(Acme {
            names: self.names,
            directory: self.acme_directory,
            trust: trust.unwrap_or(Trust::System),
            contacts: self.acme_contact,
            agreed: self.acme_agree,
            account: self.acme_account,
            cache: self.acme_cache,
            pace: Pace::default(),
        });
        Ok((Some(source), names))
    }
}

fn roots(path: &Path) -> Result<Trust, RelayError> {
    let bad = |reason: String| RelayError::CertificateFile {
        path: path.to_owned(),
        reason,
    };
    let roots = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(error.to_string()))?;
    if roots.is_empty() {
        return Err(bad("it holds no certificate".into()));
    }
    Ok(Trust::Roots(roots))
}
