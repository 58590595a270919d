//! Signing in at the provider of a connection by OAuth, and what that ends: whoever waited for it goes on.

use super::apply::stored;
use super::{Answer, Control};
use crate::connectors::oauth::{Answered, NoSignIn, Way};
use crate::connectors::{OauthConfig, is_local};
use crate::store::needs;
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use deputy_protocol::model::SignIn;

/// Where a browser comes back to, on the agent's listener.
pub(crate) const CALLBACK: &str = "oauth/callback";

/// Who answers a need by signing in.
const BY: &str = "sign-in";

fn shown(sign_in: SignIn) -> Response {
    Response::SignIn(Box::new(sign_in))
}

fn refused(error: NoSignIn) -> ErrorBody {
    let (code, hint) = match &error {
        NoSignIn::Over => (
            "sign_in_over",
            "`deputy connection sign-in NAME` begins another",
        ),
        NoSignIn::Impossible(_) => (
            "sign_in_impossible",
            "`deputy connections` shows how it is connected; `deputy connect` changes that",
        ),
        NoSignIn::Kept(_) => ("vault", "`deputy doctor` tells more"),
    };
    ErrorBody::new(code, format!("{error}. Nothing was begun"), hint)
}

impl Control {
    pub(super) async fn sign_in(&self, id: &str, device: bool) -> Answer<Response> {
        let row = self.find_connection(id).await?;
        let Some(config) = OauthConfig::of(&row.config) else {
            return Err(ErrorBody::new(
                "no_oauth",
                format!(
                    "“{}” is not by OAuth, so there is nobody to sign in with; nothing was begun",
                    row.name
                ),
                "`deputy connect` again gives it another password, token or key",
            ));
        };
        let way = if device {
            Way::Device
        } else {
            Way::Here(self.callback()?)
        };
        let begun = self.oauth.sign_in(row, config, way).await;
        let begun = begun.map_err(refused)?;
        if device {
            let (control, id) = (self.clone(), begun.id.clone());
            let stopping = self.executor.parts.stopping.clone();
            self.executor.parts.conversations.spawn(async move {
                tokio::select! {
                    answered = control.oauth.sign_in_elsewhere(&id) => {
                        if let Some(answered) = answered {
                            control.signed_in(answered).await;
                        }
                    }
                    () = stopping.cancelled() => {}
                }
            });
        }
        Ok(shown(begun))
    }

    /// The address that a browser on this machine comes back to.
    fn callback(&self) -> Answer<String> {
        let is_here = |url: &String| url::Url::parse(url).is_ok_and(|url| is_local(&url));
        match self.listen_url().filter(is_here) {
            Some(base) => Ok(format!("{}/{CALLBACK}", base.trim_end_matches('/'))),
            None => Err(ErrorBody::new(
                "no_listener",
                "a browser could not come back here: the agent does not listen on this machine's own address. Nothing was begun",
                "deputy connection sign-in NAME --device, or `deputy config set listen 127.0.0.1:7434` and a new start",
            )),
        }
    }

    pub(super) async fn sign_in_wait(&self, id: &str, seen: &str) -> Answer<Response> {
        let stopping = &self.executor.parts.stopping;
        let changed = tokio::select! {
            changed = self.oauth.sign_in_changed(id, seen) => changed,
            () = stopping.cancelled() => Err(NoSignIn::Over),
        };
        changed.map(shown).map_err(refused)
    }

    pub(super) async fn sign_in_answer(&self, url: &str) -> Answer<Response> {
        let query = url.split_once('?').map_or(url, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        match self.sign_in_query(query).await {
            Some(sign_in) => Ok(shown(sign_in)),
            None => Err(ErrorBody::new(
                "sign_in_over",
                "no sign-in waits for this address: each is good once, for ten minutes. Nothing was taken of it",
                "`deputy connection sign-in NAME` begins another",
            )),
        }
    }

    /// Takes the query of the address that a browser came back to. What came of it; `None` when nobody
    /// waits for that.
    pub(crate) async fn sign_in_query(&self, query: &str) -> Option<SignIn> {
        let answered = self.oauth.sign_in_answered(query).await?;
        let id = answered.id.clone();
        self.signed_in(answered).await;
        self.oauth.sign_in_changed(&id, "waiting").await.ok()
    }

    /// After a sign-in: tries the connection, has those go on that waited for it, and tells.
    async fn signed_in(&self, answered: Answered) {
        let Answered {
            id,
            connection,
            result,
        } = answered;
        let result = match result {
            Err(why) => Err(self.executor.parts.redactor.text(&why)),
            Ok(told) => match self.connection_check(&connection).await {
                Ok(Response::Connection(view)) if view.state == "ok" => {
                    self.go_on_with(&connection).await;
                    let told = (!told.is_empty()).then_some(told);
                    let told: Vec<String> = view.message.into_iter().chain(told).collect();
                    Ok(told.join(" "))
                }
                Ok(Response::Connection(view)) => Err(format!(
                    "the sign-in is kept, but the connection does not work with it: {}",
                    view.message.unwrap_or(view.state)
                )),
                Ok(_) => Err("the connection could not be tried".to_owned()),
                Err(error) => Err(error.message),
            },
        };
        self.oauth.sign_in_ended(&id, result);
    }

    /// Answers what waits for the connection: that is what one signs in for.
    async fn go_on_with(&self, connection: &str) {
        let dedupe = format!("auth:{connection}");
        let store = &self.executor.parts.store;
        let open = store.read(move |db| needs::of_dedupe(db, &dedupe)).await;
        let answered = match stored(open) {
            Ok(Some(need)) => self
                .need_answer(&need, "retry".to_owned(), None, BY)
                .await
                .map(drop),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        // Somebody else may have been faster; the item is there to be answered otherwise.
        if let Err(error) = answered {
            tracing::warn!(%error.message, "what waits for a connection was not answered");
        }
    }
}
