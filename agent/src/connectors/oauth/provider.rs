//! What is said to a provider: with one client that follows nobody elsewhere, reads no more than it
//! must, and can tell whether a refusal is for good.

use super::{ClientAuth, OauthConfig};
use crate::clock::BoxFuture;
use crate::connectors::{ConfigError, body, with_causes};
use crate::tools::http_client;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::Response;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use oauth2::basic::BasicClient;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, ClientId, ClientSecret, DeviceAuthorizationUrl,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, ErrorResponseType, HttpRequest, HttpResponse,
    RequestTokenError, StandardErrorResponse, TokenUrl,
};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// How long a provider may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that it may say.
const MAX_ANSWER: usize = 1 << 20;

/// What comes between us and a provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// It was not reached, or did not say all.
    #[error("{0}")]
    Unreachable(String),
    /// It says more than it should.
    #[error("it answered with more than {MAX_ANSWER} bytes")]
    TooMuch,
}

/// The client to providers.
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new() -> Result<Self, Lost> {
        let client = http_client().timeout(PATIENCE).build();
        client
            .map(Self)
            .map_err(|e| Lost::Unreachable(e.to_string()))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Lost> {
        let lost = |e: reqwest::Error| Lost::Unreachable(with_causes(&e.without_url()));
        let request = reqwest::Request::try_from(request).map_err(lost)?;
        let mut response = self.0.execute(request).await.map_err(lost)?;
        let body = body(&mut response, MAX_ANSWER).await.map_err(lost)?;
        let mut answer = Response::new(body.ok_or(Lost::TooMuch)?);
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        // GitHub refuses with the status 200.
        *answer.status_mut() = match response.status() {
            status if status.is_success() && refusal(answer.body()).is_some() => {
                hyper::StatusCode::BAD_REQUEST
            }
            status => status,
        };
        Ok(answer)
    }
}

/// The word with which an answer refuses, if it does.
fn refusal(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    if answer.get("access_token").is_some() {
        return None;
    }
    Some(answer.get("error")?.as_str()?.to_owned())
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Lost;
    type Future = BoxFuture<'c, Result<HttpResponse, Lost>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// A provider's client, with the addresses that these settings have.
pub(super) type Provider =
    BasicClient<EndpointMaybeSet, EndpointMaybeSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A client of the provider that the settings name.
pub(super) fn provider(
    config: &OauthConfig,
    secret: Option<&str>,
) -> Result<Provider, url::ParseError> {
    let token_url = config.token_url.clone().unwrap_or_default();
    let mut client = BasicClient::new(ClientId::new(config.client_id.clone()));
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    let auth_type = match config.client_auth {
        Some(ClientAuth::Post) => AuthType::RequestBody,
        Some(ClientAuth::Basic) | None => AuthType::BasicAuth,
    };
    Ok(client
        .set_auth_type(auth_type)
        .set_token_uri(TokenUrl::new(token_url)?)
        .set_auth_uri_option(config.auth_url.clone().map(AuthUrl::new).transpose()?)
        .set_device_authorization_url_option(
            { config.device_url.clone() }
                .map(DeviceAuthorizationUrl::new)
                .transpose()?,
        ))
}

/// Why a provider gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ungiven {
    /// It says no: the same would be refused again.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// It was not reached, or is not itself: later it may say yes.
    #[error("the provider was not reached: {0}")]
    Unreachable(String),
}

/// Sorts what came of asking. Only the provider's own word is a refusal; whatever else stands between (a
/// gateway's page, a network's sign-in page) may be gone in a moment.
pub(super) fn ungiven<T>(error: RequestTokenError<Lost, StandardErrorResponse<T>>) -> Ungiven
where
    T: ErrorResponseType + std::fmt::Display + 'static,
{
    match error {
        RequestTokenError::ServerResponse(said) => {
            let word = serde_json::to_value(said.error()).unwrap_or_default();
            sorted(word.as_str().unwrap_or_default(), &said.to_string())
        }
        RequestTokenError::Request(lost) => Ungiven::Unreachable(lost.to_string()),
        RequestTokenError::Parse(error, _) => {
            Ungiven::Unreachable(format!("its answer cannot be read: {error}"))
        }
        RequestTokenError::Other(message) => Ungiven::Unreachable(message),
    }
}

fn sorted(error: &str, said: &str) -> Ungiven {
    match error {
        "server_error" | "temporarily_unavailable" | "slow_down" | "rate_limit_exceeded" => {
            Ungiven::Unreachable(said.to_owned())
        }
        _ => Ungiven::Refused(said.to_owned()),
    }
}

/// Gives a token back ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009#section-2.1)): by hand, since the
/// library does so over `https` alone, and a provider may be on this machine.
pub(super) async fn give_back(
    config: &OauthConfig,
    secret: Option<&str>,
    revoke_url: &str,
    hint: &str,
    token: &str,
) -> Result<(), String> {
    let form = |pairs: &[(&str, &str)]| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs).finish()
    };
    let mut said = vec![("token", token), ("token_type_hint", hint)];
    let mut request =
        hyper::Request::post(revoke_url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match (secret, config.client_auth) {
        (Some(secret), Some(ClientAuth::Basic) | None) => {
            let encode = |text: &str| form(&[("", text)]).split_off(1);
            let both = format!("{}:{}", encode(&config.client_id), encode(secret));
            let both = BASE64_STANDARD.encode(both);
            request = request.header(AUTHORIZATION, format!("Basic {both}"));
        }
        (Some(secret), Some(ClientAuth::Post)) => {
            said.extend([
                ("client_id", config.client_id.as_str()),
                ("client_secret", secret),
            ]);
        }
        (None, _) => said.push(("client_id", &config.client_id)),
    }
    let request = request.body(form(&said).into_bytes());
    let http = Http::new().map_err(|e| e.to_string())?;
    let answer = http.send(request.map_err(|e| e.to_string())?).await;
    let answer = answer.map_err(|e| e.to_string())?;
    match (answer.status(), refusal(answer.body())) {
        (status, None) if status.is_success() => Ok(()),
        (status, refusal) => Err(refusal.unwrap_or_else(|| status.to_string())),
    }
}

/// What a provider says of itself (RFC 8414, OpenID Connect Discovery 1.0): what we need of it.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// Fills in, in a connection's settings, what an issuer that they name says of itself. Settings without
/// one stay as they are, and so does what they say themselves.
pub(crate) async fn discover(config: &mut Value) -> Result<(), ConfigError> {
    let Some(mut oauth) = OauthConfig::of(config) else {
        return Ok(());
    };
    let Some(issuer) = oauth.issuer.clone().filter(|_| oauth.token_url.is_none()) else {
        return Ok(());
    };
    let hint = "--issuer URL as the provider calls itself, or --auth-url and --token-url";
    let base = crate::connectors::safe_address(&issuer, "secrets", hint)?;
    let known = asked(&base)
        .await
        .map_err(|e| ConfigError::new(format!("{issuer} says nothing of itself: {e}"), hint))?;
    // Who answers for another could send tokens anywhere (RFC 8414, 3.3).
    if known.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
        return Err(ConfigError::new(
            format!("{issuer} calls itself {}", known.issuer),
            hint,
        ));
    }
    oauth.auth_url = oauth.auth_url.or(known.authorization_endpoint);
    oauth.token_url = known.token_endpoint;
    oauth.device_url = oauth.device_url.or(known.device_authorization_endpoint);
    oauth.revoke_url = oauth.revoke_url.or(known.revocation_endpoint);
    let methods = known.token_endpoint_auth_methods_supported;
    let takes = |method: &str| methods.iter().any(|known| known == method);
    let auth = if takes("client_secret_post") && !takes("client_secret_basic") {
        ClientAuth::Post
    } else {
        ClientAuth::Basic
    };
    oauth.client_auth.get_or_insert(auth);
    config["oauth"] =
        serde_json::to_value(oauth).map_err(|e| ConfigError::new(e.to_string(), hint))?;
    Ok(())
}

/// Asks at both places where an issuer may say it: OpenID Connect puts the words behind the issuer's
/// path, OAuth in front of it.
async fn asked(issuer: &Url) -> Result<Metadata, String> {
    let http = Http::new().map_err(|e| e.to_string())?;
    let path = issuer.path().trim_end_matches('/');
    let places = [
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/oauth-authorization-server{path}"),
    ];
    let mut why = String::new();
    for place in places {
        let mut url = issuer.clone();
        url.set_path(&place);
        let request = hyper::Request::get(url.as_str()).body(Vec::new());
        let request = request.map_err(|e| e.to_string())?;
        match http.send(request).await {
            Ok(answer) if answer.status().is_success() => {
                match serde_json::from_slice(answer.body()) {
                    Ok(metadata) => return Ok(metadata),
                    Err(error) => why = format!("{url} cannot be read: {error}"),
                }
            }
            Ok(answer) => why = format!("{url} answered with {}", answer.status()),
            Err(error) => why = format!("{url} cannot be reached: {error}"),
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_providers_own_word_is_a_refusal() {
        for word in ["invalid_grant", "invalid_client", "access_denied", "else"] {
            assert!(matches!(sorted(word, "x"), Ungiven::Refused(_)), "{word}");
        }
        for word in ["server_error", "temporarily_unavailable", "slow_down"] {
            assert!(
                matches!(sorted(word, "x"), Ungiven::Unreachable(_)),
                "{word}"
            );
        }
    }

    #[test]
    fn a_refusal_with_the_status_200_is_one() {
        assert_eq!(
            refusal(br#"{"error":"bad_verification_code"}"#).as_deref(),
            Some("bad_verification_code")
        );
        assert_eq!(refusal(br#"{"access_token":"a","error":"x"}"#), None);
        assert_eq!(refusal(b"<html>"), None);
        assert_eq!(refusal(br#"{"device_code":"a"}"#), None);
    }
}
