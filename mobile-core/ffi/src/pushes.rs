//! Being told while no app is open: through Apple's or Google's service, or a UnifiedPush distributor.

use crate::agent::Agent;
use crate::answer::content;
use crate::error::AgentError;
use crate::plain::{Time, words};
use crate::status::Device;
use deputy_mobile_core::PairedDevice;
use deputy_protocol::push as protocol;
use deputy_protocol::remote::Ask;
use serde::{Deserialize, Serialize};

/// Where this device is reached.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PushTarget {
    /// By Apple's service; a relay of the agent's must be the app publisher's.
    Apns {
        /// What `didRegisterForRemoteNotifications` gave, in hexadecimal.
        token: String,
    },
    /// By Google's service; a relay of the agent's must be the app publisher's.
    Fcm {
        /// What `getToken` gave.
        token: String,
    },
    /// By a UnifiedPush distributor, straight from the agent.
    UnifiedPush {
        /// Where messages go.
        endpoint: String,
        /// The connector's P-256 key, in base64url.
        p256dh: String,
        /// The connector's authentication secret, in base64url.
        auth: String,
    },
}

/// The hours of each day in which nothing is pushed; it comes when they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct Quiet {
    /// From, e.g. `22:00`.
    pub from: String,
    /// Until, e.g. `07:00`.
    pub to: String,
    /// IANA zone.
    pub timezone: String,
}

/// How a device is reached by pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct PushState {
    /// `web`, `apns` or `fcm`.
    pub provider: String,
    /// The push service's name.
    pub service: String,
    /// Since when the device has wanted pushes.
    pub since: Time,
    /// Its quiet hours.
    #[serde(default)]
    pub quiet: Option<Quiet>,
    /// When the push service last took one.
    #[serde(default)]
    pub reached_at: Option<Time>,
    /// Since when none was taken.
    #[serde(default)]
    pub not_reached_since: Option<Time>,
    /// Why not.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Whether the push service knows the device no more: subscribe again.
    #[serde(default)]
    pub is_gone: bool,
}

words! {
    /// What a push is about.
    PushKind {
        /// An item was opened.
        Need = "need",
        /// More were opened than can be told one by one.
        Several = "several",
        /// What was shown of an item, or of several, goes.
        Settled = "settled",
        /// Somebody wanted to see whether pushes come through.
        Test = "test",
    }
}

/// What a push tells. The same may come twice: by `id` and `at` it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct PushContent {
    /// The push.
    pub id: String,
    /// What it is about.
    pub kind: PushKind,
    /// The item, to open by a tap.
    #[serde(default)]
    pub need: Option<String>,
    /// A line.
    #[serde(default)]
    pub title: String,
    /// Some more.
    #[serde(default)]
    pub text: String,
    /// When it was first written down.
    pub at: Time,
}

/// Opens what Apple's or Google's service brought (the field with the envelope, in base64url) with
/// the bytes that are kept of the pairing. `BadDevice`, or `Unreadable` when it is not of this device's
/// agent; an app with several agents tries each. What a UnifiedPush connector brings is open already:
/// see [`read_push`].
#[uniffi::export]
pub fn open_push(device: Vec<u8>, envelope: String) -> Result<PushContent, AgentError> {
    let device: PairedDevice =
        serde_json::from_slice(&device).map_err(|_| AgentError::bad_device())?;
    let content = device.open_push(&envelope);
    let content = content.map_err(|e| AgentError::unreadable(&e.to_string()))?;
    let content = serde_json::to_value(content).and_then(serde_json::from_value);
    content.map_err(|e| AgentError::unreadable(&e.to_string()))
}

/// Reads what a UnifiedPush connector brought, which has opened it itself.
#[uniffi::export]
pub fn read_push(content: Vec<u8>) -> Result<PushContent, AgentError> {
    serde_json::from_slice(&content).map_err(|e| AgentError::unreadable(&e.to_string()))
}

#[uniffi::export]
impl Agent {
    /// The key by which a UnifiedPush distributor knows this agent.
    pub async fn push_key(&self) -> Result<String, AgentError> {
        content(self.asked(Ask::PushKey).await?, "push_key")
    }

    /// This device wants pushes there, in place of what it wanted before. To be said at each start of
    /// the app, when the platform gives another token, and when the quiet hours change.
    pub async fn push_subscribe(
        &self,
        target: PushTarget,
        quiet: Option<Quiet>,
    ) -> Result<Device, AgentError> {
        let target = match target {
            PushTarget::Apns { token } => protocol::PushTarget::Apns { token },
            PushTarget::Fcm { token } => protocol::PushTarget::Fcm { token },
            PushTarget::UnifiedPush {
                endpoint,
                p256dh,
                auth,
            } => protocol::PushTarget::Web {
                endpoint,
                p256dh,
                auth,
            },
        };
        let quiet = quiet.map(|quiet| protocol::Quiet {
            from: quiet.from,
            to: quiet.to,
            timezone: quiet.timezone,
        });
        let asked = self.asked(Ask::PushSubscribe { target, quiet }).await?;
        content(asked, "device")
    }

    /// This device wants none.
    pub async fn push_unsubscribe(&self) -> Result<Device, AgentError> {
        content(self.asked(Ask::PushUnsubscribe).await?, "device")
    }

    /// Has something pushed to this device, to see whether it comes through.
    pub async fn push_test(&self) -> Result<Device, AgentError> {
        content(self.asked(Ask::PushTest).await?, "device")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::Value;

    /// What another implementation has sealed (`docs/wire/vectors/push.json`).
    #[test]
    fn an_envelope_is_opened_by_its_device_alone() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/wire/vectors/push.json"
        );
        let v: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let hex = |name: &str| -> Vec<u8> {
            let text = v[name].as_str().unwrap();
            let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
            (0..text.len()).step_by(2).map(byte).collect()
        };
        let agent = deputy_protocol::session::PublicKey(hex("agent_public").try_into().unwrap());
        let device = |secret: &[u8]| {
            let device = serde_json::json!({"id": "d1", "agent": agent, "relays": [],
                "rights": ["view"], "secret": secret});
            serde_json::to_vec(&device).unwrap()
        };
        let envelope = URL_SAFE_NO_PAD.encode(hex("envelope"));
        let told = open_push(device(&hex("device_private")), envelope.clone()).unwrap();
        assert_eq!(told.need.as_deref(), Some("n4"));
        assert_eq!(read_push(hex("content")).unwrap(), told);
        let other = open_push(device(&[7; 32]), envelope.clone());
        assert!(matches!(other, Err(AgentError::Unreadable { .. })));
        let none = open_push(b"{}".to_vec(), envelope);
        assert!(matches!(none, Err(AgentError::BadDevice { .. })));
    }
}
