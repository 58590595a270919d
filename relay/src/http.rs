//! The HTTP client towards services that the operator named.

use deputy_link::Trust;
use std::time::Duration;

/// A client that believes whom `trust` names, speaks `alpn`, follows nobody elsewhere, and gives up
/// after `patience`.
pub(crate) fn client(
    trust: &Trust,
    alpn: &[&[u8]],
    patience: Duration,
) -> Result<reqwest::Client, String> {
    let tls = trust.client_config(alpn).map_err(|e| e.to_string())?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(patience)
        .build()
        .map_err(|e| e.to_string())
}
