//! Where a device is reached, and how that goes.

use crate::Time;
use serde::{Deserialize, Serialize};

/// Where a device is reached by pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum PushTarget {
    /// A browser's push service, or a UnifiedPush distributor: a subscription of the Push API.
    Web {
        /// Where messages go.
        endpoint: String,
        /// The browser's P-256 key, uncompressed, in base64url (RFC 8291, 3.1).
        p256dh: String,
        /// The browser's authentication secret, 16 bytes in base64url (RFC 8291, 3.2).
        auth: String,
    },
    /// Apple's, through a relay that is allowed to.
    Apns {
        /// Apple's name for the app on this device.
        token: String,
    },
    /// Google's, through a relay that is allowed to.
    Fcm {
        /// Google's name for the app on this device.
        token: String,
    },
}

impl PushTarget {
    /// The provider's word.
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Web { .. } => "web",
            Self::Apns { .. } => "apns",
            Self::Fcm { .. } => "fcm",
        }
    }
}

/// The hours of each day in which nothing is pushed; what would have been is pushed when they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// From, `22:00`.
    pub from: String,
    /// Until, `07:00`; the next day's when it is not after `from`.
    pub to: String,
    /// IANA zone.
    pub timezone: String,
}

/// How a device is reached by pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushState {
    /// `web`, `apns` or `fcm`.
    pub provider: String,
    /// The push service's name.
    pub service: String,
    /// Since when the device has wanted pushes.
    pub since: Time,
    /// Its quiet hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// When the push service last took a push for it.
    #[serde(default)]
    pub reached_at: Option<Time>,
    /// Since when none has been taken. Absent when the last one was.
    #[serde(default)]
    pub not_reached_since: Option<Time>,
    /// What the push service, or the way to it, said.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Whether the push service knows the device no more, so that nothing is sent until the device
    /// asks for pushes again.
    #[serde(default)]
    pub is_gone: bool,
}
