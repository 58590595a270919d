//! What a provider handed out. It is kept in the vault, and renewed before it is over: by one asker at a
//! time, since many providers take each refresh token once, and take a second use for theft.

use super::OauthConfig;
use super::provider::{self, Http, Ungiven};
use super::sign_in::SignIns;
use crate::clock::SharedClock;
use crate::connectors::{Vault, VaultError, kept_secret, put_secret};
use crate::observe::Redactor;
use crate::store::connections::{self, ConnectionRow};
use crate::store::{Durability, Store, StoreError};
use deputy_protocol::Time;
use oauth2::basic::BasicTokenResponse;
use oauth2::{RefreshToken, TokenResponse};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

/// How long before its end a token is renewed, at most: a request takes its time, and clocks differ.
const EARLY_MS: i64 = 60_000;

/// What was handed out.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Tokens {
    access: Zeroizing<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<Zeroizing<String>>,
    /// From when on it is renewed before it is used; never, when the provider did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renew_at: Option<Time>,
}

impl Tokens {
    /// From a provider's answer at a time; `before` is what it was renewed from.
    pub(super) fn given(answer: &BasicTokenResponse, now: Time, before: Option<&Self>) -> Self {
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        let fresh = answer
            .refresh_token()
            .map(|refresh| secret(refresh.secret()));
        Self {
            access: secret(answer.access_token().secret()),
            // Who sends none along means that the old one goes on (RFC 6749, 6).
            refresh: fresh.or_else(|| before?.refresh.clone()),
            renew_at: answer.expires_in().map(|lasts| {
                let lasts = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
                now.plus_ms(lasts.saturating_sub(EARLY_MS.min(lasts / 5)))
            }),
        }
    }

    pub(super) fn can_be_renewed(&self) -> bool {
        self.refresh.is_some()
    }

    fn secrets(&self) -> impl Iterator<Item = &Zeroizing<String>> {
        std::iter::once(&self.access).chain(&self.refresh)
    }
}

/// The vault's id of a connection's tokens.
pub(super) fn vault_id(name: &str) -> String {
    format!("oauth:{name}")
}

/// The secrets within what the vault keeps under an id: of tokens each by itself.
pub(crate) fn secrets_of(id: &str, kept: Zeroizing<String>) -> Vec<Zeroizing<String>> {
    let tokens = id
        .starts_with("oauth:")
        .then(|| serde_json::from_str::<Tokens>(&kept).ok());
    match tokens.flatten() {
        Some(tokens) => tokens.secrets().cloned().collect(),
        None => vec![kept],
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoToken {
    /// Somebody has to sign in.
    #[error("{0}; `deputy connection sign-in {1}`")]
    SignIn(String, String),
    /// The provider was not reached.
    #[error("the sign-in could not be renewed: {0}")]
    Unreachable(String),
    /// The vault does not open what it keeps.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tokens of all connections, and who is signing in.
pub struct Oauth {
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) clock: SharedClock,
    pub(super) sign_ins: SignIns,
    renewing: Mutex<HashMap<i64, Arc<tokio::sync::Mutex<()>>>>,
    at_work: TaskTracker,
}

impl Oauth {
    /// Of the connections of a store.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        redactor: Arc<Redactor>,
        clock: SharedClock,
    ) -> Self {
        Self {
            store,
            vault,
            redactor,
            clock,
            sign_ins: SignIns::default(),
            renewing: Mutex::default(),
            at_work: TaskTracker::new(),
        }
    }

    fn lock_of(&self, connection: i64) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(connection).or_default())
    }

    /// The tokens of a connection, and its client's secret.
    pub(super) async fn kept(
        &self,
        row: &ConnectionRow,
    ) -> Result<(Option<Tokens>, Option<Zeroizing<String>>), NoToken> {
        let (vault, name, secret) = (
            Arc::clone(&self.vault),
            row.name.clone(),
            row.secret.clone(),
        );
        let (tokens, secret) = self
            .store
            .read(move |db| {
                let tokens = kept_secret(db, &vault, &vault_id(&name))?;
                let secret = match secret {
                    Some(id) => kept_secret(db, &vault, &id)?,
                    None => None,
                };
                Ok((tokens, secret))
            })
            .await?;
        // What does not read is of no more use than what is not there.
        let tokens = tokens.transpose()?;
        let tokens = tokens.and_then(|text| serde_json::from_str::<Tokens>(&text).ok());
        for secret in tokens.iter().flat_map(Tokens::secrets) {
            self.redactor.learn_passing(&vault_id(&row.name), secret);
        }
        Ok((tokens, secret.transpose()?))
    }

    /// Keeps tokens, on disk, if the connection still is what they were asked for with.
    pub(super) async fn keep(
        &self,
        row: &ConnectionRow,
        config: &OauthConfig,
        tokens: &Tokens,
    ) -> Result<bool, NoToken> {
        for secret in tokens.secrets() {
            self.redactor.learn_passing(&vault_id(&row.name), secret);
        }
        let text = serde_json::to_string(tokens).map(Zeroizing::new);
        let text = text.map_err(|e| StoreError::corrupt("tokens", e))?;
        let (vault, config, connection) = (Arc::clone(&self.vault), config.clone(), row.key);
        let written = self
            .store
            .write(Durability::Synced, move |db| {
                let row = connections::by_key(db, connection)?;
                let row = row.filter(|row| OauthConfig::of(&row.config).as_ref() == Some(&config));
                let Some(row) = row else {
                    return Ok(Ok(false));
                };
                let id = vault_id(&row.name);
                match vault.seal(&id, &text) {
                    Ok(sealed) => put_secret(db, &id, &sealed)?,
                    Err(error) => return Ok(Err(error)),
                }
                Ok(Ok(true))
            })
            .await?;
        Ok(written?)
    }

    /// A token to use now. One that was `refused` is not given again.
    pub(crate) async fn token(
        self: &Arc<Self>,
        row: &ConnectionRow,
        config: &OauthConfig,
        refused: Option<&str>,
    ) -> Result<Zeroizing<String>, NoToken> {
        let lock = self.lock_of(row.key).lock_owned().await;
        let sign_in = |why: String| NoToken::SignIn(why, row.name.clone());
        let (tokens, secret) = self.kept(row).await?;
        let Some(tokens) = tokens else {
            return Err(sign_in(format!("nobody has signed in to “{}”", row.name)));
        };
        let now = self.clock.now();
        let is_over = tokens.renew_at.is_some_and(|at| at <= now);
        let is_refused = refused.is_some_and(|refused| *refused == **tokens.access);
        if !is_over && !is_refused {
            return Ok(tokens.access);
        }
        if !tokens.can_be_renewed() {
            return Err(sign_in(format!(
                "the sign-in to “{}” is over, and its provider gave nothing to renew it with",
                row.name
            )));
        }
        // By itself: a call that is given up in the middle must not lose what was handed out for it.
        let (all, row, config) = (Arc::clone(self), row.clone(), config.clone());
        let renewing = self.at_work.spawn(async move {
            let _one_at_a_time = lock;
            all.renew(&row, &config, &tokens, secret).await
        });
        renewing
            .await
            .unwrap_or_else(|e| Err(NoToken::Unreachable(e.to_string())))
    }

    async fn renew(
        &self,
        row: &ConnectionRow,
        config: &OauthConfig,
        tokens: &Tokens,
        secret: Option<Zeroizing<String>>,
    ) -> Result<Zeroizing<String>, NoToken> {
        let now = self.clock.now();
        let refresh = tokens.refresh.as_ref().map_or("", |refresh| refresh);
        let answer = renewed(config, secret, refresh).await;
        let answer = answer.map_err(|ungiven| match ungiven {
            Ungiven::Refused(said) => NoToken::SignIn(
                format!(
                    "the sign-in to “{}” is not renewed by its provider any more ({said})",
                    row.name
                ),
                row.name.clone(),
            ),
            Ungiven::Unreachable(why) => NoToken::Unreachable(why),
        })?;
        let fresh = Tokens::given(&answer, now, Some(tokens));
        // On disk before it is used: the provider may have given the old ones up.
        self.keep(row, config, &fresh).await?;
        tracing::debug!(connection = %row.name, "a sign-in was renewed");
        Ok(fresh.access)
    }

    /// Waits for what is being handed out, after which nothing more is asked for: within half a minute.
    pub(crate) async fn settled(&self) {
        self.at_work.close();
        self.at_work.wait().await;
    }

    /// Has a connection's token renewed before it is used again, since its service refused it.
    pub(crate) async fn distrust(&self, name: &str) -> Result<(), NoToken> {
        let wanted = name.to_owned();
        let row = { self.store.read(move |db| connections::by_name(db, &wanted)) }.await?;
        let Some((row, config)) = row.and_then(|row| {
            let config = OauthConfig::of(&row.config)?;
            Some((row, config))
        }) else {
            return Ok(());
        };
        let lock = self.lock_of(row.key);
        let _one_at_a_time = lock.lock().await;
        if let (Some(mut tokens), _) = self.kept(&row).await?
            && tokens.can_be_renewed()
        {
            tokens.renew_at = Some(Time(0));
            self.keep(&row, &config, &tokens).await?;
        }
        Ok(())
    }

    /// Gives a connection's tokens back to its provider. A sentence of what came of it; empty when there
    /// was nothing to give back.
    pub(crate) async fn give_back(&self, row: &ConnectionRow) -> String {
        let Some(config) = OauthConfig::of(&row.config) else {
            return String::new();
        };
        let Ok((Some(tokens), secret)) = self.kept(row).await else {
            return String::new();
        };
        let Some(revoke_url) = &config.revoke_url else {
            return "Its provider cannot be told: take the app's access away there, too."
                .to_owned();
        };
        // With the refresh token its access tokens are over, too (RFC 7009, 2.1).
        let (hint, token) = match &tokens.refresh {
            Some(refresh) => ("refresh_token", refresh),
            None => ("access_token", &tokens.access),
        };
        let secret = secret.as_ref().map(|secret| secret.as_str());
        match provider::give_back(&config, secret, revoke_url, hint, token).await {
            Ok(()) => "Its provider was told that the sign-in is over.".to_owned(),
            Err(why) => format!(
                "Its provider could not be told ({why}): take the app's access away there, too."
            ),
        }
    }
}

/// Forgets a connection's tokens.
pub(crate) fn forget(db: &Connection, name: &str) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM secrets WHERE id=?1")?
        .execute(params![vault_id(name)])?;
    Ok(())
}

async fn renewed(
    config: &OauthConfig,
    secret: Option<Zeroizing<String>>,
    refresh: &str,
) -> Result<BasicTokenResponse, Ungiven> {
    let secret = secret.as_ref().map(|secret| secret.as_str());
    let provider =
        provider::provider(config, secret).map_err(|e| Ungiven::Refused(e.to_string()))?;
    let http = Http::new().map_err(|e| Ungiven::Unreachable(e.to_string()))?;
    let refresh = RefreshToken::new(refresh.to_owned());
    let asking = provider.exchange_refresh_token(&refresh);
    asking.request_async(&http).await.map_err(provider::ungiven)
}
