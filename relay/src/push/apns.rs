//! Apple Push Notification service: its provider API over HTTP/2, with a signing key.
//! <https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns>

use super::Verdict;
use super::jwt::{Key, unix};
use crate::error::RelayError;
use deputy_protocol::link::Push;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// Apple wants a token that is younger than an hour, and not a new one more often than each 20
/// minutes.
const TOKEN_AGE: Duration = Duration::from_secs(40 * 60);

/// How to speak for an app.
#[derive(Clone, Debug)]
pub struct Apns {
    /// The signing key, a `.p8` file.
    pub key: PathBuf,
    /// Its id.
    pub key_id: String,
    /// The publisher's team.
    pub team_id: String,
    /// The app's bundle id.
    pub topic: String,
    /// `https://api.push.apple.com`, or `https://api.sandbox.push.apple.com` for development builds.
    pub server: String,
}

pub(super) struct Service {
    config: Apns,
    key: Key,
    token: Mutex<Option<(String, SystemTime)>>,
}

impl Service {
    pub(super) fn new(config: &Apns) -> Result<Self, RelayError> {
        let bad = |error: String| {
            RelayError::Config(format!(
                "cannot use the key {} for APNs: {error}",
                config.key.display()
            ))
        };
        let pem = std::fs::read(&config.key).map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            config: config.clone(),
            key: Key::es256(&pem).map_err(bad)?,
            token: Mutex::new(None),
        })
    }

    pub(super) async fn deliver(
        &self,
        client: &reqwest::Client,
        push: &Push,
    ) -> Result<Verdict, reqwest::Error> {
        let now = SystemTime::now();
        let Some(token) = self.token(now) else {
            return Ok(failed("the relay could not sign"));
        };
        let expiration = match push.ttl_s {
            0 => 0,
            ttl => unix(now) + u64::from(ttl),
        };
        // The words are the same for everything: what it is about is in the envelope, which the app
        // opens before it shows anything.
        let body = json!({
            "aps": { "alert": { "title": "Deputy" }, "mutable-content": 1, "sound": "default" },
            "deputy": push.body,
        });
        let response = client
            .post(format!("{}/3/device/{}", self.config.server, push.device))
            .version(reqwest::Version::HTTP_2)
            .bearer_auth(token)
            .header("apns-topic", &self.config.topic)
            .header("apns-push-type", "alert")
            .header("apns-priority", if push.urgent { "10" } else { "5" })
            .header("apns-expiration", expiration)
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
        let said: Said = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        if said.reason == "ExpiredProviderToken" {
            // Another try signs anew.
            *self.lock() = None;
        }
        let gone = matches!(
            said.reason.as_str(),
            "Unregistered" | "ExpiredToken" | "BadDeviceToken"
        );
        Ok(Verdict {
            status,
            reason: said.reason,
            gone,
        })
    }

    fn token(&self, now: SystemTime) -> Option<String> {
        let mut kept = self.lock();
        if let Some((token, made)) = &*kept
            && now.duration_since(*made).is_ok_and(|age| age < TOKEN_AGE)
        {
            return Some(token.clone());
        }
        let claims = json!({ "iss": self.config.team_id, "iat": unix(now) });
        let token = self
            .key
            .token(json!({ "kid": self.config.key_id }), &claims)?;
        *kept = Some((token.clone(), now));
        Some(token)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(String, SystemTime)>> {
        self.token.lock().unwrap_or_else(|e| e.into_inner())
    }
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    reason: String,
}

fn failed(reason: &str) -> Verdict {
    Verdict {
        status: 500,
        reason: reason.to_owned(),
        gone: false,
    }
}
