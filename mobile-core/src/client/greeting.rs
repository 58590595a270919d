//! The handshake, over any stream of bytes.

use deputy_protocol::link::RouteId;
use deputy_protocol::session::{
    Initiator, Introduced, Kind, MAX_HANDSHAKE, Opened, PublicKey, Session, SessionError, StaticKey,
};

/// A handshake under way.
pub(crate) struct Greeting {
    initiator: Option<Initiator>,
    arrived: Vec<u8>,
}

/// A handshake that is done.
pub(crate) struct Greeted {
    /// The session. It may hold messages already.
    pub(crate) session: Session,
    /// What the agent said of itself.
    pub(crate) agent: Introduced,
}

/// Whom to greet, and as what.
pub(crate) struct Whom<'a> {
    /// The kind of session.
    pub(crate) kind: Kind,
    /// The device's key.
    pub(crate) key: &'a StaticKey,
    /// The agent's.
    pub(crate) agent: &'a PublicKey,
    /// The route that was dialled.
    pub(crate) route: &'a RouteId,
    /// The pairing's, if it is one.
    pub(crate) secret: Option<&'a [u8; 32]>,
}

impl Greeting {
    /// Begins; the bytes go out first.
    pub(crate) fn new(whom: &Whom<'_>, said: &Introduced) -> Result<(Self, Vec<u8>), SessionError> {
        let (initiator, bytes) = Initiator::new(
            whom.kind,
            whom.key,
            whom.agent,
            whom.route,
            whom.secret,
            said,
        )?;
        let greeting = Self {
            initiator: Some(initiator),
            arrived: Vec::new(),
        };
        Ok((greeting, bytes))
    }

    /// Takes bytes that came; the session once there are enough of them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Greeted>, SessionError> {
        self.arrived.extend_from_slice(bytes);
        let Opened::Taken(opened) = Opened::read(&self.arrived)? else {
            return Ok(None);
        };
        let Some([high, low]) = self.arrived.get(opened..opened + 2) else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > MAX_HANDSHAKE {
            return Err(SessionError::TooLong);
        }
        let end = opened + 2 + length;
        let Some(message) = self.arrived.get(opened + 2..end) else {
            return Ok(None);
        };
        let initiator = self.initiator.take().ok_or(SessionError::Handshake)?;
        let (mut session, agent) = initiator.finish(message)?;
        session.push(&self.arrived[end..]);
        Ok(Some(Greeted { session, agent }))
    }
}
