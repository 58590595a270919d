//! Why a relay does not start, or does not go on.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// A port is taken, or not allowed.
    #[error(
        "cannot listen on {address} ({what}): {reason}. Choose another with --listen, or end what uses it"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What for.
        what: &'static str,
        /// The system's word.
        reason: std::io::Error,
    },
    /// A certificate file cannot be used.
    #[error("cannot use the certificate file {path}: {reason}", path = path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// Something in the configuration contradicts itself.
    #[error("{0}")]
    Config(String),
}
