//! The two handshakes. A device that is known reconnects with `IK`: one round trip, and both sides
//! are proven. A device that pairs does the same with the link's secret mixed into its first message
//! (`IKpsk1`), so that the agent refuses a stranger before it does anything.
//!
//! The first message carries no command: whoever recorded it could send it again.

use super::{MAX_NOISE, Opening, PublicKey, Session, SessionError, StaticKey};
use crate::link::RouteId;
use serde::{Deserialize, Serialize};
use snow::params::NoiseParams;
#[cfg(not(target_family = "wasm"))]
use snow::resolvers::{DefaultResolver, FallbackResolver, RingResolver};
use snow::{Builder, HandshakeState};

/// What a session begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A device that is known comes back.
    Known,
    /// A device wants to be known.
    Pairing,
}

impl Kind {
    /// As a byte.
    pub fn number(self) -> u8 {
        match self {
            Self::Known => 1,
            Self::Pairing => 2,
        }
    }

    /// From a byte.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Known),
            2 => Some(Self::Pairing),
            _ => None,
        }
    }

    fn pattern(self) -> &'static str {
        match self {
            Self::Known => "Noise_IK_25519_ChaChaPoly_BLAKE2s",
            Self::Pairing => "Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s",
        }
    }
}

/// What each side says of itself within the handshake, sealed. Unknown fields are tolerated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduced {
    /// E.g. `deputy/0.1.0`.
    #[serde(default)]
    pub software: String,
    /// A device's name, as its owner sees it, when it pairs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it can do beyond this version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// A device that wants to hear what happens says after which event; negative means from now on.
    /// Whoever sends a recorded first message again cannot read what is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<i64>,
}

/// The longest introduction, in bytes.
const MAX_INTRODUCTION: usize = 4_096;

/// What both sides must agree about before anything: version, kind, and the route that was dialled.
fn prologue(opening: Opening, route: &RouteId) -> Vec<u8> {
    let mut prologue = b"deputy session".to_vec();
    prologue.extend_from_slice(&opening.encode());
    prologue.extend_from_slice(&route.0);
    prologue
}

/// What a handshake is done with.
pub(super) struct Terms<'a> {
    pub(super) kind: Kind,
    pub(super) prologue: &'a [u8],
    pub(super) key: &'a StaticKey,
    pub(super) secret: Option<&'a [u8; 32]>,
    /// For test vectors alone; else a fresh one is made.
    pub(super) ephemeral: Option<&'a [u8; 32]>,
}

impl<'a> Terms<'a> {
    /// The device's side, at its beginning.
    pub(super) fn initiate(self, agent: &PublicKey) -> Result<HandshakeState, SessionError> {
        let builder = self.builder()?.remote_public_key(&agent.0);
        let state = builder.and_then(Builder::build_initiator);
        state.map_err(|_| SessionError::Handshake)
    }

    /// The agent's side, at its beginning.
    pub(super) fn respond(self) -> Result<HandshakeState, SessionError> {
        let state = self.builder()?.build_responder();
        state.map_err(|_| SessionError::Handshake)
    }

    fn builder(self) -> Result<Builder<'a>, SessionError> {
        let failed = |_| SessionError::Handshake;
        let params = self.kind.pattern().parse().map_err(failed)?;
        let mut builder = builder_of(params)
            .prologue(self.prologue)
            .and_then(|b| b.local_private_key(self.key.expose()))
            .map_err(failed)?;
        if let Some(ephemeral) = self.ephemeral {
            builder = builder.fixed_ephemeral_key_for_testing_only(ephemeral);
        }
        match (self.kind, self.secret) {
            (Kind::Known, None) => Ok(builder),
            (Kind::Pairing, Some(secret)) => builder.psk(1, secret).map_err(failed),
            _ => Err(SessionError::Protocol("a secret belongs to pairing alone")),
        }
    }
}

/// With `ring`'s cipher, where there is one: it takes two thirds of the portable one's time.
#[cfg(not(target_family = "wasm"))]
fn builder_of<'a>(params: NoiseParams) -> Builder<'a> {
    let (fast, all) = (RingResolver, DefaultResolver);
    let resolver = FallbackResolver::new(Box::new(fast), Box::new(all));
    Builder::with_resolver(params, Box::new(resolver))
}

#[cfg(target_family = "wasm")]
fn builder_of<'a>(params: NoiseParams) -> Builder<'a> {
    Builder::new(params)
}

/// A Noise message with its length before it.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    framed
}

fn write(state: &mut HandshakeState, said: &Introduced) -> Result<Vec<u8>, SessionError> {
    let said = serde_json::to_vec(said).map_err(|_| SessionError::Handshake)?;
    if said.len() > MAX_INTRODUCTION {
        return Err(SessionError::TooLong);
    }
    Ok(framed(&seal(state, &said)?))
}

fn read(state: &mut HandshakeState, message: &[u8]) -> Result<Introduced, SessionError> {
    serde_json::from_slice(&open(state, message)?)
        .map_err(|_| SessionError::Protocol("an introduction that is no JSON"))
}

/// The next message of the handshake, with this payload.
pub(super) fn seal(state: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, SessionError> {
    let mut message = vec![0; payload.len() + 256];
    let length = state
        .write_message(payload, &mut message)
        .map_err(|_| SessionError::Handshake)?;
    message.truncate(length);
    Ok(message)
}

/// The payload of the next message of the handshake.
pub(super) fn open(state: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, SessionError> {
    if message.len() > MAX_HANDSHAKE {
        return Err(SessionError::TooLong);
    }
    let mut payload = vec![0; message.len()];
    let length = state
        .read_message(message, &mut payload)
        .map_err(|_| SessionError::Handshake)?;
    payload.truncate(length);
    Ok(payload)
}

/// The device's side, waiting for the agent's answer.
pub struct Initiator {
    state: HandshakeState,
}

impl Initiator {
    /// Begins. The bytes go out first: the opening and the first message.
    pub fn new(
        kind: Kind,
        key: &StaticKey,
        agent: &PublicKey,
        route: &RouteId,
        secret: Option<&[u8; 32]>,
        said: &Introduced,
    ) -> Result<(Self, Vec<u8>), SessionError> {
        Self::with_ephemeral(kind, key, agent, route, secret, said, None)
    }

    /// With a fixed ephemeral key: for test vectors alone.
    pub(super) fn with_ephemeral(
        kind: Kind,
        key: &StaticKey,
        agent: &PublicKey,
        route: &RouteId,
        secret: Option<&[u8; 32]>,
        said: &Introduced,
        ephemeral: Option<&[u8; 32]>,
    ) -> Result<(Self, Vec<u8>), SessionError> {
        let opening = Opening::of(kind);
        let prologue = prologue(opening, route);
        let terms = Terms {
            kind,
            prologue: &prologue,
            key,
            secret,
            ephemeral,
        };
        let mut state = terms.initiate(agent)?;
        let mut bytes = opening.encode().to_vec();
        bytes.extend(write(&mut state, said)?);
        Ok((Self { state }, bytes))
    }

    /// Takes the agent's message (without its length): the session, and what the agent said of itself.
    pub fn finish(mut self, message: &[u8]) -> Result<(Session, Introduced), SessionError> {
        let said = read(&mut self.state, message)?;
        Ok((Session::new(self.state)?, said))
    }
}

/// The agent's side, once it has read a first message that is good.
pub struct Responder {
    state: HandshakeState,
    device: PublicKey,
    said: Introduced,
}

impl Responder {
    /// Reads a device's first message (without its length). Nothing has been answered yet, and
    /// nothing need be: a device that is not known is dropped here.
    pub fn new(
        opening: Opening,
        key: &StaticKey,
        route: &RouteId,
        secret: Option<&[u8; 32]>,
        message: &[u8],
    ) -> Result<Self, SessionError> {
        Self::with_ephemeral(opening, key, route, secret, message, None)
    }

    pub(super) fn with_ephemeral(
        opening: Opening,
        key: &StaticKey,
        route: &RouteId,
        secret: Option<&[u8; 32]>,
        message: &[u8],
        ephemeral: Option<&[u8; 32]>,
    ) -> Result<Self, SessionError> {
        let prologue = prologue(opening, route);
        let terms = Terms {
            kind: opening.kind,
            prologue: &prologue,
            key,
            secret,
            ephemeral,
        };
        let mut state = terms.respond()?;
        let said = read(&mut state, message)?;
        let device = state
            .get_remote_static()
            .and_then(|key| key.try_into().ok())
            .map(PublicKey)
            .ok_or(SessionError::Handshake)?;
        Ok(Self {
            state,
            device,
            said,
        })
    }

    /// The device's key: it is proven by the time a first message of the session can be opened.
    pub fn device(&self) -> PublicKey {
        self.device
    }

    /// What the device said of itself.
    pub fn said(&self) -> &Introduced {
        &self.said
    }

    /// Answers: the bytes go out, and the session has begun.
    pub fn finish(mut self, said: &Introduced) -> Result<(Session, Vec<u8>), SessionError> {
        let bytes = write(&mut self.state, said)?;
        Ok((Session::new(self.state)?, bytes))
    }
}

/// The largest length that a handshake message may announce.
pub const MAX_HANDSHAKE: usize = MAX_INTRODUCTION + 256;

const _: () = assert!(MAX_HANDSHAKE < MAX_NOISE);
