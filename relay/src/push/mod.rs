//! Push for agents: hands sealed envelopes to Apple's and Google's services, with the publisher's
//! credentials, and gives back what they say. Adds nothing to an envelope and keeps nothing of it.
//!
//! `apns.rs` and `fcm.rs` are the two services, `jwt.rs` signs what they want signed.

mod apns;
mod fcm;
mod jwt;

pub use apns::Apns;
pub use fcm::Fcm;

use crate::error::RelayError;
use crate::http;
use crate::hub::Pusher;
use deputy_link::Trust;
use deputy_protocol::link::{Provider, Push, Pushed, Refusal, RefusalCode};
use std::pin::Pin;
use std::time::Duration;

/// How long a service may take.
const ANSWER: Duration = Duration::from_secs(20);
/// The longest envelope: what both services take, less what is around it.
const MAX_BODY: usize = 3500;
const MAX_DEVICE: usize = 1024;

/// The services that a relay can reach.
#[derive(Clone, Debug)]
pub struct PushConfig {
    /// Apple's.
    pub apns: Option<Apns>,
    /// Google's.
    pub fcm: Option<Fcm>,
    /// Whom it believes to be the services.
    pub trust: Trust,
}

/// The services, with their connections.
pub(crate) struct Gateway {
    client: reqwest::Client,
    apns: Option<apns::Service>,
    fcm: Option<fcm::Service>,
}

/// What a service answered.
struct Verdict {
    status: u16,
    reason: String,
    gone: bool,
}

impl Gateway {
    /// Reads the credentials.
    pub(crate) fn new(config: &PushConfig) -> Result<Self, RelayError> {
        let setup = |error: &dyn std::fmt::Display| {
            RelayError::Config(format!("cannot set up push: {error}"))
        };
        let client = http::client(&config.trust, &[b"h2"], ANSWER).map_err(|e| setup(&e))?;
        Ok(Self {
            client,
            apns: config.apns.as_ref().map(apns::Service::new).transpose()?,
            fcm: config.fcm.as_ref().map(fcm::Service::new).transpose()?,
        })
    }

    async fn deliver(&self, push: &Push) -> Result<Pushed, Refusal> {
        check(push)?;
        let unsupported = || Refusal::new(RefusalCode::Unsupported);
        let verdict = match push.provider {
            Provider::Apns => {
                self.apns
                    .as_ref()
                    .ok_or_else(unsupported)?
                    .deliver(&self.client, push)
                    .await
            }
            Provider::Fcm => {
                self.fcm
                    .as_ref()
                    .ok_or_else(unsupported)?
                    .deliver(&self.client, push)
                    .await
            }
            Provider::Other => return Err(unsupported()),
        };
        let verdict = verdict.map_err(|error| {
            // Its address in the error would name the device.
            let error = error.without_url();
            tracing::warn!(%error, "a push service cannot be reached");
            Refusal {
                hint: "It is tried again later.".to_owned(),
                ..Refusal::because(
                    RefusalCode::Timeout,
                    "The push service cannot be reached, so the device was not woken.",
                )
            }
        })?;
        Ok(Pushed {
            id: push.id,
            status: verdict.status,
            reason: verdict.reason,
            gone: verdict.gone,
        })
    }
}

impl Pusher for Gateway {
    fn push<'a>(
        &'a self,
        push: &'a Push,
    ) -> Pin<Box<dyn Future<Output = Result<Pushed, Refusal>> + Send + 'a>> {
        Box::pin(self.deliver(push))
    }
}

/// Only what cannot be mistaken for something else in a URL or in JSON goes out.
fn check(push: &Push) -> Result<(), Refusal> {
    let plain = |text: &str, also: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    let device = match push.provider {
        Provider::Apns => plain(&push.device, ""),
        Provider::Fcm | Provider::Other => plain(&push.device, "-_:"),
    };
    if device
        && push.device.len() <= MAX_DEVICE
        && plain(&push.body, "-_")
        && push.body.len() <= MAX_BODY
    {
        return Ok(());
    }
    Err(Refusal::because(
        RefusalCode::Malformed,
        "The device's name or the envelope is not in the form that push services take, so nothing was sent.",
    ))
}
