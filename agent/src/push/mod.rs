//! Pushes: a person hears of an action-needed item although no app or page of theirs is open.
//!
//! `rules.rs` (pure) says what is told alone, together, or later; `outgoing.rs` turns what is due
//! into one push; `web.rs` seals for browsers (RFC 8291) and `vapid.rs` says who sends (RFC 8292);
//! `service.rs` is the loop. What was told to whom is in [`crate::store::pushes`].
//!
//! An item is pushed to a device once, in whatever state the agent ends: before a push goes out it is
//! written down, and one that may or may not have gone out goes out again under the same id, which
//! the push service (by its topic) and the device (by the id) take for the same one.

mod outgoing;
mod rules;
mod service;
mod vapid;
mod web;

pub use service::Pusher;
pub use vapid::VapidError;

use crate::store::{Store, StoreError, settings};
use deputy_protocol::push::{PushTarget, Quiet};
use url::Url;

/// The setting that names push services in private networks.
pub const HOSTS_SETTING: &str = "push_hosts";

/// The hosts of [`HOSTS_SETTING`].
pub async fn named_hosts(store: &Store) -> Result<Vec<String>, StoreError> {
    let named = store.read(|db| settings::get(db, HOSTS_SETTING)).await?;
    let named = named.and_then(|named| serde_json::from_value(named).ok());
    Ok(named.unwrap_or_default())
}

/// The longest address of a push service, in bytes.
const MAX_ENDPOINT: usize = 2_048;

/// What a push service is called, for people.
pub fn service_name(target: &PushTarget) -> String {
    match target {
        PushTarget::Web { endpoint, .. } => Url::parse(endpoint)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default(),
        PushTarget::Apns { .. } => "Apple".to_owned(),
        PushTarget::Fcm { .. } => "Google".to_owned(),
    }
}

/// Why a device cannot be reached where it says; `named` are the hosts of [`HOSTS_SETTING`].
pub fn check(target: &PushTarget, quiet: Option<&Quiet>, named: &[String]) -> Result<(), String> {
    if let Some(quiet) = quiet {
        rules::hours(quiet)?;
    }
    match target {
        PushTarget::Web {
            endpoint,
            p256dh,
            auth,
        } => {
            if endpoint.len() > MAX_ENDPOINT {
                return Err("the address of the push service is too long".to_owned());
            }
            web::Subscription::read(p256dh, auth)?;
            let url = Url::parse(endpoint).map_err(|e| format!("“{endpoint}”: {e}"))?;
            crate::tools::push_client(&url, named).map(drop)
        }
        PushTarget::Apns { token } | PushTarget::Fcm { token } => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
            if token.is_empty() || token.len() > 1_024 || !token.chars().all(plain) {
                return Err("this is no name of a device at a push service".to_owned());
            }
            Ok(())
        }
    }
}
