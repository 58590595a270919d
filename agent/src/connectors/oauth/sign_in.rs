//! How a person signs in: in a browser on this machine, whose answer comes back to the agent's own
//! listener ([RFC 8252](https://www.rfc-editor.org/rfc/rfc8252), with PKCE,
//! [RFC 7636](https://www.rfc-editor.org/rfc/rfc7636)), or on any other device by a short code
//! ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)). What is under way is in memory alone: a sign-in
//! that the agent's end interrupts is begun anew.

use super::OauthConfig;
use super::provider::{self, Http};
use super::tokens::{NoToken, Oauth, Tokens};
use crate::store::connections::ConnectionRow;
use deputy_protocol::Time;
use deputy_protocol::model::SignIn;
use oauth2::basic::BasicTokenResponse;
use oauth2::{
    AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    StandardDeviceAuthorizationResponse, TokenResponse,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a person may take.
const PATIENCE_MS: i64 = 600_000;

/// How a person signs in.
pub(crate) enum Way {
    /// In a browser that can reach this address of the agent's.
    Here(String),
    /// On any device.
    Device,
}

/// Why nobody signs in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSignIn {
    /// There is no such sign-in any more.
    #[error("this sign-in is over")]
    Over,
    /// The provider or the settings do not allow it.
    #[error("{0}")]
    Impossible(String),
    /// Keeping things failed.
    #[error(transparent)]
    Kept(#[from] NoToken),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    SignedIn(String),
    Refused(String),
}

/// What belongs to a sign-in until it was answered; each answer counts once.
enum Flow {
    Code {
        state: String,
        verifier: PkceCodeVerifier,
        redirect: RedirectUrl,
    },
    Device(Box<StandardDeviceAuthorizationResponse>),
}

struct Current {
    id: String,
    connection: ConnectionRow,
    config: OauthConfig,
    url: String,
    user_code: Option<String>,
    expires_at: Time,
    flow: Mutex<Option<Flow>>,
    stage: watch::Sender<Stage>,
}

impl Current {
    fn shown(&self, now: Time) -> SignIn {
        let (state, message) = match &*self.stage.borrow() {
            Stage::Waiting if now > self.expires_at => {
                ("expired", Some("Nobody signed in in time.".to_owned()))
            }
            Stage::Waiting => ("waiting", None),
            Stage::SignedIn(message) => ("signed_in", Some(message.clone())),
            Stage::Refused(message) => ("refused", Some(message.clone())),
        };
        SignIn {
            id: self.id.clone(),
            connection: self.connection.name.clone(),
            state: state.to_owned(),
            url: self.url.clone(),
            user_code: self.user_code.clone(),
            expires_at: self.expires_at,
            message,
        }
    }

    fn take(&self) -> Option<Flow> {
        locked(&self.flow).take()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sign-ins under way, one a connection at most.
#[derive(Default)]
pub(super) struct SignIns(Mutex<Vec<Arc<Current>>>);

/// A sign-in that a provider answered.
pub(crate) struct Answered {
    /// Its id.
    pub(crate) id: String,
    /// The connection's name.
    pub(crate) connection: String,
    /// What to tell besides that somebody is signed in, or why nobody is.
    pub(crate) result: Result<String, String>,
}

impl Oauth {
    /// Begins a sign-in; one of the same connection that was under way is over by that.
    pub(crate) async fn sign_in(
        &self,
        row: ConnectionRow,
        config: OauthConfig,
        way: Way,
    ) -> Result<SignIn, NoSignIn> {
        let impossible = |why: String| NoSignIn::Impossible(why);
        let (_, secret) = self.kept(&row).await?;
        let provider = provider::provider(&config, secret.as_ref().map(|s| s.as_str()))
            .map_err(|e| impossible(e.to_string()))?;
        let scopes = config.scopes.iter().cloned().map(Scope::new);
        let now = self.clock.now();
        let (flow, url, user_code, expires_at) = match way {
            Way::Here(redirect) => {
                let redirect = RedirectUrl::new(redirect).map_err(|e| impossible(e.to_string()))?;
                let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
                let asking = provider.authorize_url(CsrfToken::new_random).map_err(|_| {
                    impossible("its provider has no page to sign in at; use --device".to_owned())
                })?;
                let mut asking = asking
                    .add_scopes(scopes)
                    .set_redirect_uri(std::borrow::Cow::Borrowed(&redirect))
                    .set_pkce_challenge(challenge);
                for (name, value) in &config.params {
                    asking = asking.add_extra_param(name, value);
                }
                let (url, state) = asking.url();
                let flow = Flow::Code {
                    state: state.into_secret(),
                    verifier,
                    redirect,
                };
                (flow, String::from(url), None, now.plus_ms(PATIENCE_MS))
            }
            Way::Device => {
                let http = Http::new().map_err(|e| impossible(e.to_string()))?;
                let asking = provider.exchange_device_code().map_err(|_| {
                    impossible("its provider does not know signing in by a code".to_owned())
                })?;
                let asking = asking.add_scopes(scopes).request_async(&http);
                let details: StandardDeviceAuthorizationResponse = asking
                    .await
                    .map_err(|e| impossible(provider::ungiven(e).to_string()))?;
                let lasts = i64::try_from(details.expires_in().as_millis()).unwrap_or(PATIENCE_MS);
                let url = match details.verification_uri_complete() {
                    Some(complete) => complete.secret().clone(),
                    None => details.verification_uri().to_string(),
                };
                let code = details.user_code().secret().clone();
                let flow = Flow::Device(Box::new(details));
                (flow, url, Some(code), now.plus_ms(lasts))
            }
        };
        let current = Arc::new(Current {
            // A letter in front, so that nobody takes it for a flag.
            id: format!("s{}", CsrfToken::new_random().secret()),
            connection: row,
            config,
            url,
            user_code,
            expires_at,
            flow: Mutex::new(Some(flow)),
            stage: watch::Sender::new(Stage::Waiting),
        });
        let shown = current.shown(now);
        let mut all = locked(&self.sign_ins.0);
        all.retain(|other| {
            other.connection.key != current.connection.key && other.expires_at > now
        });
        all.push(current);
        Ok(shown)
    }

    fn find(&self, is_it: impl Fn(&Current) -> bool) -> Option<Arc<Current>> {
        let all = locked(&self.sign_ins.0);
        all.iter().find(|current| is_it(current)).cloned()
    }

    /// Where a sign-in has come to, as soon as that is not `seen` any more.
    pub(crate) async fn sign_in_changed(&self, id: &str, seen: &str) -> Result<SignIn, NoSignIn> {
        let mut stage = match self.find(|current| current.id == id) {
            Some(current) => current.stage.subscribe(),
            None => return Err(NoSignIn::Over),
        };
        loop {
            let now = self.clock.now();
            let current = self.find(|current| current.id == id);
            let current = current.ok_or(NoSignIn::Over)?;
            let shown = current.shown(now);
            // Whatever else it has come to is its end.
            if shown.state != seen || shown.state != "waiting" {
                return Ok(shown);
            }
            let expires_at = current.expires_at;
            drop(current);
            tokio::select! {
                changed = stage.changed() => if changed.is_err() {
                    return Err(NoSignIn::Over);
                },
                () = self.clock.until(expires_at.plus_ms(1), now) => {}
            }
        }
    }

    /// Takes what a provider said to the address that a browser was sent back to: the query. `None` when
    /// no sign-in waits for it.
    pub(crate) async fn sign_in_answered(&self, query: &str) -> Option<Answered> {
        let said = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, v)| v.into_owned())
        };
        let state = said("state")?;
        let now = self.clock.now();
        let current = self.find(|current| {
            let waits = matches!(&*locked(&current.flow), Some(Flow::Code { state: own, .. }) if *own == state);
            waits && current.expires_at > now
        })?;
        let Some(Flow::Code {
            verifier, redirect, ..
        }) = current.take()
        else {
            return None;
        };
        let result = match (said("code"), said("error")) {
            _ if is_of_another(&current.config, said("iss").as_deref()) => Err(
                "the answer came from another provider than was asked; nothing was taken of it"
                    .to_owned(),
            ),
            (Some(code), None) => {
                let given = self.exchanged(&current, code, verifier, redirect).await;
                self.received(&current, given).await
            }
            (_, error) => Err(refused(error, said("error_description"))),
        };
        Some(answered(&current, result))
    }

    /// Asks the provider, as often as it wants to be asked, until somebody has signed in on another device.
    pub(crate) async fn sign_in_elsewhere(&self, id: &str) -> Option<Answered> {
        let current = self.find(|current| current.id == id)?;
        let Some(Flow::Device(details)) = current.take() else {
            return None;
        };
        let given = self.polled(&current, &details).await;
        let result = self.received(&current, given).await;
        Some(answered(&current, result))
    }

    /// Tells whoever waits what came of a sign-in.
    pub(crate) fn sign_in_ended(&self, id: &str, result: Result<String, String>) {
        if let Some(current) = self.find(|current| current.id == id) {
            current.stage.send_replace(match result {
                Ok(message) => Stage::SignedIn(message),
                Err(message) => Stage::Refused(message),
            });
        }
    }

    async fn exchanged(
        &self,
        current: &Current,
        code: String,
        verifier: PkceCodeVerifier,
        redirect: RedirectUrl,
    ) -> Result<BasicTokenResponse, String> {
        let (provider, http) = self.ready(current).await?;
        let asking = provider
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(verifier)
            .set_redirect_uri(std::borrow::Cow::Owned(redirect));
        let given = asking.request_async(&http).await;
        given.map_err(|e| provider::ungiven(e).to_string())
    }

    async fn polled(
        &self,
        current: &Current,
        details: &StandardDeviceAuthorizationResponse,
    ) -> Result<BasicTokenResponse, String> {
        let (provider, http) = self.ready(current).await?;
        let asking = provider.exchange_device_access_token(details);
        let wait = |span: Duration| {
            let now = self.clock.now();
            let ms = i64::try_from(span.as_millis()).unwrap_or(PATIENCE_MS);
            self.clock.until(now.plus_ms(ms), now)
        };
        let given = asking.request_async(&http, wait, None).await;
        given.map_err(|e| provider::ungiven(e).to_string())
    }

    async fn ready(&self, current: &Current) -> Result<(provider::Provider, Http), String> {
        let (_, secret) = { self.kept(&current.connection).await }.map_err(|e| e.to_string())?;
        let secret = secret.as_ref().map(|s| s.as_str());
        let provider = provider::provider(&current.config, secret).map_err(|e| e.to_string())?;
        Ok((provider, Http::new().map_err(|e| e.to_string())?))
    }

    /// Keeps what was given. What to tell of it.
    async fn received(
        &self,
        current: &Current,
        given: Result<BasicTokenResponse, String>,
    ) -> Result<String, String> {
        let given = given?;
        let tokens = Tokens::given(&given, self.clock.now(), None);
        let kept = self
            .keep(&current.connection, &current.config, &tokens)
            .await;
        match kept {
            Ok(true) => {}
            Ok(false) => {
                return Err(
                    "the connection was changed meanwhile; nothing was taken. Sign in again"
                        .to_owned(),
                );
            }
            Err(error) => return Err(format!("what was given could not be kept: {error}")),
        }
        let mut told = Vec::new();
        if let Some(granted) = given.scopes() {
            let is_missing =
                |scope: &&String| !granted.iter().any(|g| g.as_str() == scope.as_str());
            let missing: Vec<&str> = { current.config.scopes.iter() }
                .filter(is_missing)
                .map(String::as_str)
                .collect();
            if !missing.is_empty() {
                told.push(format!("Not granted: {}.", missing.join(", ")));
            }
        }
        if given.expires_in().is_some() && !tokens.can_be_renewed() {
            told.push(
                "Its provider gave nothing to renew this with, so it will ask again when it is over: most want a scope such as offline_access for that.".to_owned(),
            );
        }
        Ok(told.join(" "))
    }
}

fn answered(current: &Current, result: Result<String, String>) -> Answered {
    Answered {
        id: current.id.clone(),
        connection: current.connection.name.clone(),
        result,
    }
}

/// Whether an answer names another issuer than the one that was asked (RFC 9207).
fn is_of_another(config: &OauthConfig, iss: Option<&str>) -> bool {
    match (&config.issuer, iss) {
        (Some(issuer), Some(iss)) => issuer.trim_end_matches('/') != iss.trim_end_matches('/'),
        _ => false,
    }
}

fn refused(error: Option<String>, description: Option<String>) -> String {
    match (error, description) {
        (Some(error), Some(description)) => {
            format!("the provider refused ({error}): {description}")
        }
        (Some(error), None) => format!("the provider refused ({error})"),
        (None, _) => "the provider's answer brings neither a code nor an error".to_owned(),
    }
}
