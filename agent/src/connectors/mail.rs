//! The connection kind `mail`: an SMTP server to send through, and an IMAP server to read from
//! (`imap/`), of one account.

use super::imap::{self, Mailbox};
use super::{ConfigError, OauthConfig, with_causes};
use crate::tools::OpenConnection;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Not at all: only to this machine.
    None,
    /// From the first command on that allows it.
    Starttls,
    /// From the first byte on.
    Implicit,
}

/// Settings of a mail connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The SMTP server.
    pub smtp_host: String,
    /// Its port.
    pub smtp_port: u16,
    /// The IMAP server, for reading and for looking sent mail up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imap_host: Option<String>,
    /// Its port; 993, on which TLS comes first whatever `tls` says, unless there is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imap_port: Option<u16>,
    /// How it is protected.
    pub tls: Tls,
    /// The sender's address.
    pub from: String,
    /// The user name, where the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// How a token is come by, where one is handed out in a password's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthConfig>,
    /// How long one command may take, in milliseconds.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u64,
}

fn default_timeout() -> u64 {
    30_000
}

/// Checks settings and returns them with defaults filled in.
pub(super) fn check_config(config: &Value) -> Result<Value, ConfigError> {
    let mut config: MailConfig = serde_json::from_value(config.clone())
        .map_err(|e| ConfigError::new(format!("these are not the settings of a mail connection: {e}"), "deputy connect mail --name N --smtp-host H --smtp-port P --tls none|starttls|implicit --from ADDR"))?;
    let mut hosts = std::iter::once(&config.smtp_host).chain(&config.imap_host);
    if let Some(host) = hosts.find(|host| config.tls == Tls::None && !is_loopback(host)) {
        return Err(ConfigError::new(
            format!("without TLS mail and password would cross the network to {host} in the clear"),
            "use --tls starttls or --tls implicit; none is for this machine only",
        ));
    }
    if config.from.parse::<lettre::Address>().is_err() {
        return Err(ConfigError::new(
            format!("“{}” is not a mail address", config.from),
            "--from you@example.org",
        ));
    }
    if config.smtp_host.is_empty() || config.smtp_port == 0 {
        return Err(ConfigError::new(
            "host and port of the mail server are missing",
            "--smtp-host H --smtp-port P",
        ));
    }
    if config.imap_host.is_some() && config.username.is_none() {
        return Err(ConfigError::new(
            "a mailbox is read with a user name and a password, and there is no user name",
            "--username U --password-stdin, or leave --imap-host out and only send",
        ));
    }
    if let Some(oauth) = config.oauth.take() {
        if config.username.is_none() {
            return Err(ConfigError::new(
                "a token is shown together with the name of whose mail it is, and there is no user name",
                "--username you@example.org",
            ));
        }
        config.oauth = Some(oauth.checked()?);
    }
    serde_json::to_value(config).map_err(|e| ConfigError::new(e.to_string(), ""))
}

pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// At which point a conversation with a mail server failed.
#[derive(Debug)]
pub(crate) enum MailFailure {
    /// Before it was authorised: nothing was sent.
    Auth(String),
    /// It could not be reached, or did not answer.
    Unreachable(String),
    /// It said no.
    Refused { code: u16, message: String },
    /// The settings do not work.
    Config(String),
    /// A folder is not there.
    Missing(String),
    /// A mail is not there any more.
    Gone(String),
    /// It said no, over IMAP, which has no numbers.
    Denied(String),
}

/// Sorts an error of the protocol.
pub(crate) fn failure(error: &lettre::transport::smtp::Error) -> MailFailure {
    match error.status() {
        Some(code) => MailFailure::Refused {
            code: code.into(),
            message: error.to_string(),
        },
        None if error.is_tls() => MailFailure::Config(error.to_string()),
        None => MailFailure::Unreachable(with_causes(error)),
    }
}

/// Opens an authorised conversation.
pub(crate) async fn open(
    connection: &OpenConnection,
) -> Result<(MailConfig, AsyncSmtpConnection), MailFailure> {
    let config: MailConfig = serde_json::from_value(connection.config.clone())
        .map_err(|e| MailFailure::Config(e.to_string()))?;
    let timeout = Duration::from_millis(config.timeout_ms);
    let domain = config.from.rsplit('@').next().unwrap_or("localhost");
    let hello = ClientId::Domain(domain.to_owned());
    let parameters = || {
        // One TLS library with one provider for the whole agent.
        let _ = rustls::crypto::ring::default_provider().install_default();
        TlsParameters::new_rustls(config.smtp_host.clone())
            .map_err(|e| MailFailure::Config(e.to_string()))
    };
    let wrapped = if config.tls == Tls::Implicit {
        Some(parameters()?)
    } else {
        None
    };
    let server = (config.smtp_host.as_str(), config.smtp_port);
    let connecting =
        AsyncSmtpConnection::connect_tokio1(server, Some(timeout), &hello, wrapped, None);
    let mut smtp = within(timeout, connecting).await?;
    if config.tls == Tls::Starttls {
        within(timeout, smtp.starttls(parameters()?, &hello)).await?;
    }
    if let (Some(username), Some(secret)) = (&config.username, &connection.secret) {
        let credentials = Credentials::new(username.clone(), secret.to_string());
        let mechanisms: &[Mechanism] = match config.oauth {
            Some(_) => &[Mechanism::Xoauth2],
            None => &[Mechanism::Plain, Mechanism::Login],
        };
        if smtp.server_info().get_auth_mechanism(mechanisms).is_none() {
            let shows = if config.oauth.is_some() {
                "a token (XOAUTH2)"
            } else {
                "a password"
            };
            return Err(MailFailure::Config(format!(
                "the server does not take {shows}"
            )));
        }
        let authorising = smtp.auth(mechanisms, &credentials);
        let authorised = within_or(timeout, authorising, |error| match failure(&error) {
            // Why a token is refused is put as a question, which the library has no answer to.
            MailFailure::Unreachable(_) if config.oauth.is_some() && error.is_client() => {
                MailFailure::Auth("the token was refused".to_owned())
            }
            other => other,
        })
        .await;
        match authorised {
            Ok(_) => {}
            Err(MailFailure::Refused {
                code: 500..=599,
                message,
            }) => return Err(MailFailure::Auth(message)),
            Err(other) => return Err(other),
        }
    }
    Ok((config, smtp))
}

/// Waits for a step of the conversation no longer than it may take.
pub(crate) async fn within<T>(
    timeout: Duration,
    step: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, MailFailure> {
    within_or(timeout, step, |error| failure(&error)).await
}

async fn within_or<T>(
    timeout: Duration,
    step: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    failure: impl FnOnce(lettre::transport::smtp::Error) -> MailFailure,
) -> Result<T, MailFailure> {
    match tokio::time::timeout(timeout, step).await {
        Ok(done) => done.map_err(failure),
        Err(_) => Err(MailFailure::Unreachable(format!(
            "no answer within {} ms",
            timeout.as_millis()
        ))),
    }
}

/// Tries the connection without sending or changing anything.
pub(super) async fn check(connection: &OpenConnection) -> (String, String) {
    match tried(connection).await {
        Ok(message) => ("ok".to_owned(), message),
        Err((server, failure)) => {
            let (state, message) = match failure {
                MailFailure::Auth(message) => (
                    "auth",
                    format!("{server} refused user name or password: {message}"),
                ),
                MailFailure::Unreachable(message) => {
                    ("failing", format!("{server} cannot be reached: {message}"))
                }
                MailFailure::Refused { code, message } => {
                    ("failing", format!("{server} refused ({code}): {message}"))
                }
                MailFailure::Config(message) => (
                    "failing",
                    format!("the settings for {server} do not work: {message}"),
                ),
                MailFailure::Missing(message)
                | MailFailure::Gone(message)
                | MailFailure::Denied(message) => {
                    ("failing", format!("{server} refused: {message}"))
                }
            };
            (state.to_owned(), message)
        }
    }
}

/// A sentence, or which server is in the way and how.
async fn tried(connection: &OpenConnection) -> Result<String, (String, MailFailure)> {
    let config: MailConfig = serde_json::from_value(connection.config.clone()).map_err(|e| {
        (
            "the mail server".to_owned(),
            MailFailure::Config(e.to_string()),
        )
    })?;
    let smtp_server = format!("{}:{}", config.smtp_host, config.smtp_port);
    let of_smtp = |failure| (smtp_server.clone(), failure);
    let (_, mut smtp) = open(connection).await.map_err(of_smtp)?;
    let is_alive = smtp.test_connected().await;
    smtp.abort().await;
    if !is_alive {
        return Err(of_smtp(MailFailure::Unreachable(
            "the server closed the conversation".to_owned(),
        )));
    }
    let takes = format!("{smtp_server} takes mail");
    if config.imap_host.is_none() {
        return Ok(format!("{takes}."));
    }
    let (host, port) = imap::server(&config).map_err(of_smtp)?;
    let of_imap = |failure| (format!("{host}:{port}"), failure);
    let mut mailbox = Mailbox::open(connection).await.map_err(of_imap)?;
    let inbox = mailbox.examine("INBOX").await.map_err(of_imap)?;
    mailbox.close().await;
    Ok(format!(
        "{takes}; {host}:{port} shows a mailbox with {} mails in INBOX.",
        inbox.exists
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn without_tls_only_to_this_machine() {
        let config = |host: &str| json!({"smtp_host": host, "smtp_port": 25, "tls": "none", "from": "a@b.org"});
        assert!(check_config(&config("127.0.0.1")).is_ok());
        assert!(check_config(&config("localhost")).is_ok());
        let error = check_config(&config("mail.example.org")).unwrap_err();
        assert!(error.hint().contains("starttls"));
    }

    #[test]
    fn nonsense_is_refused() {
        for config in [
            json!({}),
            json!({"smtp_host": "localhost", "smtp_port": 25, "tls": "none", "from": "nobody"}),
            json!({"smtp_host": "localhost", "smtp_port": 25, "tls": "none", "from": "a@b.org", "extra": 1}),
        ] {
            assert!(check_config(&config).is_err(), "{config}");
        }
    }
}
