//! Firebase Cloud Messaging: its HTTP v1 API, with a service account.
//! <https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send>

use super::Verdict;
use super::jwt::{Key, unix};
use crate::error::RelayError;
use deputy_protocol::link::Push;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// How long before its end an access token is renewed.
const AHEAD: Duration = Duration::from_secs(300);

/// How to speak for an app.
#[derive(Clone, Debug)]
pub struct Fcm {
    /// The service account, the JSON file that Google hands out.
    pub account: PathBuf,
    /// `https://fcm.googleapis.com`.
    pub server: String,
}

/// What is used of a service account's file.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    client_email: String,
    private_key: String,
    token_uri: String,
}

pub(super) struct Service {
    server: String,
    account: Account,
    key: Key,
    /// Held while a new one is fetched, so that a storm fetches one.
    access: Mutex<Option<(String, SystemTime)>>,
}

impl Service {
    pub(super) fn new(config: &Fcm) -> Result<Self, RelayError> {
        let bad = |error: String| {
            RelayError::Config(format!(
                "cannot use the service account {} for FCM: {error}",
                config.account.display()
            ))
        };
        let text = std::fs::read(&config.account).map_err(|error| bad(error.to_string()))?;
        let account: Account =
            serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        let key = Key::rs256(account.private_key.as_bytes()).map_err(bad)?;
        Ok(Self {
            server: config.server.clone(),
            account,
            key,
            access: Mutex::new(None),
        })
    }

    pub(super) async fn deliver(
        &self,
        client: &reqwest::Client,
        push: &Push,
    ) -> Result<Verdict, reqwest::Error> {
        let access = match self.access(client).await? {
            Ok(access) => access,
            Err(verdict) => return Ok(verdict),
        };
        let body = json!({ "message": {
            "token": push.device,
            "data": { "deputy": push.body },
            "android": {
                "priority": if push.urgent { "HIGH" } else { "NORMAL" },
                "ttl": format!("{}s", push.ttl_s),
            },
        }});
        let response = client
            .post(format!(
                "{}/v1/projects/{}/messages:send",
                self.server, self.account.project_id
            ))
            .bearer_auth(access)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(Verdict {
                status,
                reason: String::new(),
                gone: false,
            });
        }
        if status == 401 {
            // Revoked before its time: another try fetches a new one.
            *self.access.lock().await = None;
        }
        let said: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        let reason = reason(&said["error"]);
        Ok(Verdict {
            status,
            gone: reason == "UNREGISTERED",
            reason,
        })
    }

    /// An access token for the service, or the verdict when Google gives none.
    async fn access(
        &self,
        client: &reqwest::Client,
    ) -> Result<Result<String, Verdict>, reqwest::Error> {
        let mut kept = self.access.lock().await;
        let now = SystemTime::now();
        if let Some((access, until)) = &*kept
            && now + AHEAD < *until
        {
            return Ok(Ok(access.clone()));
        }
        let claims = json!({
            "iss": self.account.client_email,
            "scope": SCOPE,
            "aud": self.account.token_uri,
            "iat": unix(now),
            "exp": unix(now) + 3600,
        });
        let Some(assertion) = self.key.token(json!({}), &claims) else {
            return Ok(Err(failed(500, "the relay could not sign")));
        };
        // Both are plain letters in a form: nothing to escape but the colons and slashes here.
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        );
        let response = client
            .post(&self.account.token_uri)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await?;
        let status = response.status().as_u16();
        let granted: Option<Granted> = serde_json::from_slice(&response.bytes().await?).ok();
        let Some(granted) = granted.filter(|_| status == 200) else {
            return Ok(Err(failed(
                status,
                "Google does not accept the service account",
            )));
        };
        let until = now + Duration::from_secs(granted.expires_in);
        *kept = Some((granted.access_token.clone(), until));
        Ok(Ok(granted.access_token))
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

/// FCM's own code if there is one, else that of Google's APIs.
fn reason(error: &Value) -> String {
    let own = error["details"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|d| d["errorCode"].as_str());
    own.or(error["status"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn failed(status: u16, reason: &str) -> Verdict {
    Verdict {
        status,
        reason: reason.to_owned(),
        gone: false,
    }
}
