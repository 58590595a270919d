//! Every message of the link. JSON objects with a `type`; unknown fields are ignored, unknown
//! types become [`Message::Unknown`], so that a newer side can say more.

use super::proof::{Nonce, Proof};
use super::refusal::Refusal;
use super::route::{RouteId, RouteKey, Salt};
use serde::{Deserialize, Serialize};

/// One message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// To the relay, first on every link.
    Hello(Hello),
    /// From the relay: the hello was understood.
    Welcome(Welcome),
    /// From either side: no, why, and what to do.
    Refused(Refusal),
    /// Agent to relay: these routes are mine.
    Register(Register),
    /// Relay to agent: they are reachable now.
    Registered(Registered),
    /// Agent to relay: these routes are revoked.
    Unregister(Unregister),
    /// Relay to agent: they are gone, and every stream of theirs is cut.
    Unregistered(Unregistered),
    /// Client to relay: join me with this route.
    Dial(Dial),
    /// Relay to agent: somebody dials this route.
    Incoming(Incoming),
    /// Agent to relay, on a WebSocket of its own: the stream that `incoming` asked for.
    Accept(Accept),
    /// Agent to relay: there will be no stream for that `incoming`.
    Decline(Decline),
    /// Agent to client, first on a joined stream: all that follows is between the two.
    Connected(Connected),
    /// Agent to relay: hand this to a push service.
    Push(Push),
    /// Relay to agent: what the push service said.
    Pushed(Pushed),
    /// Relay to everybody: this relay is about to stop.
    GoingAway(GoingAway),
    /// Relay to agent: a newer link of the same route key took over.
    Displaced(Displaced),
    /// Something that a newer version says. Ignored.
    #[serde(other)]
    Unknown,
}

/// What the connecting side is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To register routes. Gets a challenge.
    Agent,
    /// To dial.
    Client,
    /// To take one announced dial over a WebSocket of its own.
    Acceptor,
}

/// Who connects, and what it understands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The versions of the link protocol that it speaks.
    pub versions: Vec<u32>,
    /// What it is here for.
    pub role: Role,
    /// Optional abilities that it would use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Name and version of the software, for the relay's count of versions. Empty when not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub software: String,
    /// The access token of a private relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// What holds on this link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that both speak from here on.
    pub version: u32,
    /// The abilities that both have.
    #[serde(default)]
    pub features: Vec<String>,
    /// For agents: what their registrations must answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// The limits that the relay keeps.
    #[serde(default)]
    pub limits: Limits,
}

/// What a registration must answer; see [`super::RegisterTerms`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Challenge {
    /// An X25519 key made for this link.
    pub key: RouteKey,
    /// A number used once.
    pub nonce: Nonce,
}

/// What a relay allows on a link. Zero: not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Routes that one link may hold.
    pub routes: u32,
    /// Streams that one route may have at a time.
    pub streams: u32,
    /// A joined stream on which nothing moves for this long is cut, in milliseconds.
    pub idle_ms: u64,
}

/// Routes that an agent owns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Register {
    /// The request's number: greater than that of every earlier request of this link.
    pub id: u64,
    /// The key from which the routes are derived.
    pub route_key: RouteKey,
    /// The relay's host name as the agent dialled it, in lower case, without port.
    pub relay: String,
    /// A salt for each route. The relay derives the routes itself, so nobody can name another's.
    pub salts: Vec<Salt>,
    /// The answer to the challenge.
    pub proof: Proof,
}

/// The routes of a [`Register`] are reachable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registered {
    /// The request's number.
    pub id: u64,
    /// As the relay derived them, in the order of the salts.
    pub routes: Vec<RouteId>,
}

/// Routes that shall not be reached any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unregister {
    /// The request's number.
    pub id: u64,
    /// Routes of this link; others are ignored.
    pub routes: Vec<RouteId>,
}

/// The routes of an [`Unregister`] are gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unregistered {
    /// The request's number.
    pub id: u64,
}

/// A client wants to be joined with an agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dial {
    /// The agent's route for this client.
    pub route: RouteId,
}

/// Somebody dials a route of this agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incoming {
    /// The route.
    pub route: RouteId,
    /// Over WebSocket: what to send back in [`Accept`]. Over QUIC the stream that brings this
    /// message is the one to answer on, and there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// The stream that an [`Incoming`] asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accept {
    /// The ticket of that message. Good once, and only for some seconds.
    pub ticket: String,
}

/// An [`Incoming`] is not taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decline {
    /// The ticket of that message.
    pub ticket: String,
}

/// The two ends are joined.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Connected {}

/// A push service that a relay can speak to for its agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Apple's.
    Apns,
    /// Google's.
    Fcm,
    /// One that this build does not know.
    #[serde(other)]
    Other,
}

/// A sealed envelope for a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    /// The request's number.
    pub id: u64,
    /// Who delivers.
    pub provider: Provider,
    /// The provider's name for the device.
    pub device: String,
    /// The sealed bytes in base64url without padding. The relay adds nothing to them.
    pub body: String,
    /// Whether the device should be woken at once.
    #[serde(default)]
    pub urgent: bool,
    /// How long the provider may try, in seconds.
    #[serde(default)]
    pub ttl_s: u32,
}

/// What the push service said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pushed {
    /// The request's number.
    pub id: u64,
    /// The provider's HTTP status.
    pub status: u16,
    /// The provider's own word for the reason; empty when it took the message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The provider says that this device is no more: forget it.
    #[serde(default)]
    pub gone: bool,
}

/// The relay is about to stop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoingAway {
    /// Joined streams are cut after this long, in milliseconds. New ones are refused from now on.
    pub grace_ms: u64,
    /// Where else to go, as `host:port`; empty: come back to the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
}

/// A newer link of the same route key registered some of this link's routes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Displaced {
    /// The routes that went.
    pub routes: Vec<RouteId>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn unknown_fields_and_types_are_tolerated() {
        let text = r#"{"type":"dial","route":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","colour":"green"}"#;
        assert!(matches!(serde_json::from_str(text), Ok(Message::Dial(_))));
        let text = r#"{"type":"teleport","to":{"x":[1,2]}}"#;
        assert!(matches!(serde_json::from_str(text), Ok(Message::Unknown)));
        let text = r#"{"type":"refused","code":"too_blue","message":"No."}"#;
        assert!(matches!(
            serde_json::from_str(text),
            Ok(Message::Refused(_))
        ));
    }

    #[test]
    fn a_hello_needs_little() {
        let text = r#"{"type":"hello","versions":[1],"role":"client"}"#;
        let Ok(Message::Hello(hello)) = serde_json::from_str(text) else {
            panic!("not a hello");
        };
        assert!(hello.access_token.is_none() && hello.features.is_empty());
        assert_eq!(serde_json::to_string(&Message::Hello(hello)).unwrap(), text);
    }
}
