//! Connections to the outside and their secrets. `vault/` seals secrets; `mail.rs`, `calendar/`,
//! `search.rs` and `http.rs` are the kinds of connection, `imap/` is the mailbox of one for mail, `oauth/` how a person
//! signs in where a secret is not typed but handed out; this file looks connections up for tools.

pub(crate) mod calendar;
pub(crate) mod http;
pub(crate) mod imap;
pub(crate) mod mail;
pub(crate) mod oauth;
pub(crate) mod search;
mod vault;

pub use calendar::CalendarConfig;
pub(crate) use http as http_client;
pub use http::{HttpAuth, HttpConfig};
pub(crate) use mail as mail_client;
pub use mail::{MailConfig, Tls};
pub use oauth::{ClientAuth, Oauth, OauthConfig};
pub(crate) use search as search_client;
pub use search::{SearchConfig, SearchProvider};
pub use vault::{
    Keyring, Sealed, Unlock, Vault, VaultError, Wanted, give_up_old_keys, kept_secret, opened,
    put_secret, rotate, secret,
};

use crate::clock::BoxFuture;
use crate::observe::Redactor;
use crate::store::{Store, connections};
use crate::tools::{ConnectionSource, OpenConnection, ToolError};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use deputy_protocol::FailureClass;
use oauth::NoToken;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// What is wrong with a connection's settings.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    hint: String,
}

impl ConfigError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// What to do.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

/// Checks the settings of a kind and returns them as they are kept.
pub fn check_config(kind: &str, config: &Value) -> Result<Value, ConfigError> {
    match kind {
        "mail" => mail::check_config(config),
        "search" => search::check_config(config),
        "http" => http::check_config(config),
        "calendar" => calendar::check_config(config),
        other => Err(ConfigError::new(
            format!("there is no kind of connection “{other}”"),
            "known: mail, calendar, search, http",
        )),
    }
}

/// Whether an address leads to this machine.
pub(crate) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What an answer holds, read to its end; `None` when that is more than `most` bytes.
async fn body(response: &mut reqwest::Response, most: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

/// An address that `what` may be sent to: `https`, or `http` on this machine.
fn safe_address(text: &str, what: &str, hint: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text)
        .map_err(|e| ConfigError::new(format!("“{text}” is not a URL: {e}"), hint))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_local(&url) => Ok(url),
        _ => Err(ConfigError::new(
            format!("{text} would send {what} through the network in the clear"),
            "use https; http is for this machine only",
        )),
    }
}

/// An error with what it comes from.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// User name and password, as a header says them ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
fn basic(username: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{username}:{password}"))
    )
}

/// Tries a connection for real. Returns its state and a sentence.
pub async fn check(connection: &OpenConnection) -> (String, String) {
    match connection.kind.as_str() {
        "mail" => mail::check(connection).await,
        "search" => search::check(connection).await,
        "http" => http::check(connection).await,
        "calendar" => calendar::check(connection).await,
        other => (
            "failing".to_owned(),
            format!("there is no kind of connection “{other}”"),
        ),
    }
}

/// Connections from the store, with secrets from the vault.
pub struct Connections {
    store: Store,
    vault: Arc<Vault>,
    redactor: Arc<Redactor>,
    oauth: Arc<Oauth>,
}

impl Connections {
    /// Connections of a store.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        redactor: Arc<Redactor>,
        oauth: Arc<Oauth>,
    ) -> Self {
        Self {
            store,
            vault,
            redactor,
            oauth,
        }
    }

    /// The connection, with another secret than one that was refused.
    async fn opened(
        &self,
        tool: &str,
        name: &str,
        refused: Option<&str>,
    ) -> Result<OpenConnection, ToolError> {
        let auth =
            |code, message: String| ToolError::not_done(FailureClass::Auth, code, tool, message);
        let (wanted, vault) = (name.to_owned(), Arc::clone(&self.vault));
        let found = self
            .store
            .read(move |db| {
                let Some(row) = connections::by_name(db, &wanted)? else {
                    return Ok(None);
                };
                let secret = match &row.secret {
                    Some(id) => Some(secret(db, &vault, id)?),
                    None => None,
                };
                Ok(Some((row, secret)))
            })
            .await
            .map_err(|e| {
                ToolError::not_done(FailureClass::Transient, "store", tool, e.to_string())
            })?;
        let Some((row, secret)) = found else {
            return Err(ToolError::not_done(
                FailureClass::Precondition,
                "no_connection",
                tool,
                format!("there is no connection “{name}”; `deputy connect` makes one"),
            ));
        };
        let mut secret = secret
            .transpose()
            .map_err(|e| auth("vault", e.to_string()))?;
        if let Some(secret) = &secret {
            self.redactor.learn(secret);
        }
        if let Some(config) = OauthConfig::of(&row.config) {
            let token = self.oauth.token(&row, &config, refused).await;
            secret = Some(token.map_err(|error| match error {
                NoToken::SignIn(..) => auth("sign_in", error.to_string()),
                NoToken::Vault(_) => auth("vault", error.to_string()),
                NoToken::Unreachable(_) | NoToken::Store(_) => {
                    ToolError::not_done(FailureClass::Transient, "sign_in", tool, error.to_string())
                }
            })?);
        }
        Ok(OpenConnection {
            key: row.key,
            name: row.name,
            kind: row.kind,
            config: row.config,
            secret,
        })
    }
}

impl ConnectionSource for Connections {
    fn without_secrets(&self, text: &str) -> String {
        self.redactor.text(text)
    }

    fn open<'a>(
        &'a self,
        tool: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<OpenConnection, ToolError>> {
        Box::pin(self.opened(tool, name, None))
    }

    fn renewed<'a>(
        &'a self,
        tool: &'a str,
        refused: &'a OpenConnection,
    ) -> BoxFuture<'a, Result<Option<OpenConnection>, ToolError>> {
        Box::pin(async move {
            if OauthConfig::of(&refused.config).is_none() {
                return Ok(None);
            }
            let secret = refused.secret.as_ref().map(|secret| secret.as_str());
            self.opened(tool, &refused.name, secret).await.map(Some)
        })
    }
}
