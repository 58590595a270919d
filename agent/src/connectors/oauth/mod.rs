//! Connections by OAuth 2 ([RFC 6749](https://www.rfc-editor.org/rfc/rfc6749)): a person signs in at the
//! service itself, in a browser, and the service hands out tokens that only do what was asked for.
//!
//! This file is a connection's settings and the providers that are known by name; `provider.rs` is what
//! is said to a provider, `tokens.rs` what it handed out and how that is renewed, `sign_in.rs` how a
//! person signs in.

mod provider;
mod sign_in;
mod tokens;

pub(crate) use provider::discover;
pub(crate) use sign_in::{Answered, NoSignIn, Way};
pub use tokens::Oauth;
pub(crate) use tokens::{NoToken, forget, secrets_of};

use super::{ConfigError, safe_address};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How a client says which one it is at the token address, when it has a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In a header: what every provider has to take (RFC 6749, 2.3.1).
    Basic,
    /// In the request's body.
    Post,
}

/// How tokens are come by. In the settings of a connection under `oauth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthConfig {
    /// A provider that is known by name: its addresses need not be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// A provider that says its addresses itself, below this one (RFC 8414, or OpenID Connect).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What the provider calls this client: from the registration of an app with it.
    pub client_id: String,
    /// Where a person signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
    /// Where tokens are handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Where signing in on another device begins (RFC 8628).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_url: Option<String>,
    /// Where tokens are given back (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_url: Option<String>,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What a provider wants to be told besides, where a person signs in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// How the client says which one it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
}

/// A provider that is known by name.
struct Known {
    name: &'static str,
    auth_url: &'static str,
    token_url: &'static str,
    device_url: &'static str,
    revoke_url: Option<&'static str>,
    params: &'static [(&'static str, &'static str)],
    client_auth: ClientAuth,
}

/// From each provider's own pages for developers. Without `offline` and `consent` Google hands out
/// nothing that a token could be renewed with.
const KNOWN: &[Known] = &[
    Known {
        name: "google",
        auth_url: "https://accounts.google.com/o/oauth2/v2/auth",
        token_url: "https://oauth2.googleapis.com/token",
        device_url: "https://oauth2.googleapis.com/device/code",
        revoke_url: Some("https://oauth2.googleapis.com/revoke"),
        params: &[("access_type", "offline"), ("prompt", "consent")],
        client_auth: ClientAuth::Post,
    },
    Known {
        name: "microsoft",
        auth_url: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        device_url: "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
        revoke_url: None,
        params: &[],
        client_auth: ClientAuth::Post,
    },
    Known {
        name: "github",
        auth_url: "https://github.com/login/oauth/authorize",
        token_url: "https://github.com/login/oauth/access_token",
        device_url: "https://github.com/login/device/code",
        revoke_url: None,
        params: &[],
        client_auth: ClientAuth::Post,
    },
];

const HINT: &str = "--oauth google|microsoft|github, or --issuer URL, or --auth-url and --token-url; with --client-id ID and --scope S";

impl OauthConfig {
    /// The settings under `oauth` of a connection's; `None` when it has none.
    pub(crate) fn of(config: &Value) -> Option<Self> {
        serde_json::from_value(config.get("oauth")?.clone()).ok()
    }

    /// Checks the settings and fills in what a known provider's name says.
    pub(super) fn checked(mut self) -> Result<Self, ConfigError> {
        if let Some(name) = &self.provider {
            let known = KNOWN.iter().find(|known| known.name == name);
            let known = known.ok_or_else(|| {
                ConfigError::new(format!("no provider “{name}” is known by name"), HINT)
            })?;
            self.fill(known);
        }
        if self.client_id.is_empty() || self.client_id.chars().any(char::is_control) {
            return Err(ConfigError::new(
                "the client's id is missing: a provider gives one to each app that is registered with it",
                "--client-id ID",
            ));
        }
        let all = [
            &self.issuer,
            &self.auth_url,
            &self.token_url,
            &self.device_url,
            &self.revoke_url,
        ];
        for url in all.into_iter().flatten() {
            let url = safe_address(url, "secrets", HINT)?;
            if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
                return Err(ConfigError::new(
                    format!("{url} is not an address that a provider could have"),
                    HINT,
                ));
            }
        }
        let can_sign_in = self.auth_url.is_some() || self.device_url.is_some();
        if self.token_url.is_none() || !can_sign_in {
            return Err(ConfigError::new(
                "it is not said where one signs in, and where tokens are handed out",
                HINT,
            ));
        }
        let is_scope = |scope: &String| {
            // RFC 6749, 3.3: without spaces, quotes and backslashes.
            !scope.is_empty()
                && scope
                    .bytes()
                    .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(ConfigError::new(
                format!("“{scope}” is not one scope"),
                "--scope ONE --scope ANOTHER",
            ));
        }
        // What signing in itself says is not for settings to change.
        let own = [
            "client_id",
            "client_secret",
            "redirect_uri",
            "response_type",
            "state",
            "scope",
            "code_challenge",
            "code_challenge_method",
        ];
        if let Some(name) = self.params.keys().find(|name| own.contains(&name.as_str())) {
            return Err(ConfigError::new(
                format!("“{name}” is said by Deputy itself"),
                "leave it out of --param",
            ));
        }
        Ok(self)
    }

    fn fill(&mut self, known: &Known) {
        let fill = |field: &mut Option<String>, known: Option<&str>| {
            if field.is_none() {
                *field = known.map(str::to_owned);
            }
        };
        fill(&mut self.auth_url, Some(known.auth_url));
        fill(&mut self.token_url, Some(known.token_url));
        fill(&mut self.device_url, Some(known.device_url));
        fill(&mut self.revoke_url, known.revoke_url);
        for (name, value) in known.params {
            let entry = self.params.entry((*name).to_owned());
            entry.or_insert_with(|| (*value).to_owned());
        }
        self.client_auth.get_or_insert(known.client_auth);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn checked(config: Value) -> Result<OauthConfig, ConfigError> {
        serde_json::from_value::<OauthConfig>(config)
            .unwrap()
            .checked()
    }

    #[test]
    fn a_known_provider_needs_no_addresses_and_can_be_told_otherwise() {
        let google =
            checked(json!({"provider": "google", "client_id": "me", "params": {"prompt": "none"}}))
                .unwrap();
        assert_eq!(
            google.token_url.as_deref(),
            Some("https://oauth2.googleapis.com/token")
        );
        assert_eq!(google.params["prompt"], "none");
        assert_eq!(google.params["access_type"], "offline");
        // What is kept is checked again as it is.
        assert_eq!(google.clone().checked().unwrap(), google);
        for known in KNOWN {
            assert!(checked(json!({"provider": known.name, "client_id": "me"})).is_ok());
        }
    }

    #[test]
    fn secrets_go_nowhere_in_the_clear_and_nonsense_is_refused() {
        let with = |more: Value| {
            let mut config = json!({"client_id": "me", "auth_url": "https://a.example/auth", "token_url": "https://a.example/token"});
            let more = more.as_object().unwrap().clone();
            config.as_object_mut().unwrap().extend(more);
            checked(config)
        };
        assert!(with(json!({})).is_ok());
        assert!(with(json!({"token_url": "http://127.0.0.1:1/token"})).is_ok());
        for refused in [
            json!({"token_url": "http://a.example/token"}),
            json!({"revoke_url": "http://a.example/revoke"}),
            json!({"device_url": "nonsense"}),
            json!({"auth_url": "https://me:secret@a.example/auth"}),
            json!({"auth_url": null}),
            json!({"token_url": null}),
            json!({"client_id": ""}),
            json!({"provider": "nobody"}),
            json!({"scopes": ["two scopes"]}),
            json!({"params": {"state": "mine"}}),
        ] {
            assert!(with(refused.clone()).is_err(), "{refused}");
        }
    }
}
