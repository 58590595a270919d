//! Messages of any length over Noise messages.
//!
//! On the stream each Noise message has its length before it (two bytes, big-endian). Its plaintext
//! is one byte that says what it is, and content: a part of a message with more to come, the last
//! part, a new key for what follows, or goodbye. Noise counts the messages of each direction, so one
//! that is changed, repeated, left out or put elsewhere cannot be opened.

use super::{MAX_BODY, MAX_NOISE, SessionError};
use snow::{HandshakeState, TransportState};

const PART: u8 = 0;
const LAST: u8 = 1;
const REKEY: u8 = 2;
const GOODBYE: u8 = 3;

/// What a Noise message can hold besides its tag and our byte.
const MAX_PART: usize = MAX_NOISE - 16 - 1;

/// After so many messages a direction gets a new key.
const REKEY_AFTER: u64 = 1 << 16;

/// After so many milliseconds a direction gets a new key with its next message.
const REKEY_AFTER_MS: u64 = 3_600_000;

/// What came of bytes that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message.
    Message(Vec<u8>),
    /// The other side said goodbye: what it had to say has all arrived.
    Goodbye,
}

/// A session. After an error nothing more can be read.
pub struct Session {
    state: TransportState,
    hash: [u8; 32],
    /// Bytes that arrived and are not a whole Noise message yet.
    waiting: Vec<u8>,
    /// The plaintext of the one Noise message that is sealed or opened right now; kept, since memory that
    /// is new each time costs as much as the cipher.
    plain: Vec<u8>,
    /// Parts of the message that is arriving.
    parts: Vec<u8>,
    sent: u64,
    keyed_at_ms: Option<u64>,
    received: u64,
    /// How many Noise messages have been opened, under whichever key.
    opened: u64,
    over: Option<SessionError>,
    ended: bool,
}

impl Session {
    pub(super) fn new(state: HandshakeState) -> Result<Self, SessionError> {
        let hash = state
            .get_handshake_hash()
            .try_into()
            .map_err(|_| SessionError::Handshake)?;
        let state = state
            .into_transport_mode()
            .map_err(|_| SessionError::Handshake)?;
        Ok(Self {
            state,
            hash,
            waiting: Vec::new(),
            plain: Vec::new(),
            parts: Vec::new(),
            sent: 0,
            keyed_at_ms: None,
            received: 0,
            opened: 0,
            over: None,
            ended: false,
        })
    }

    /// The same on both sides of this session and of no other (Noise, section 11.2).
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Seals a message; the bytes go out in this order. `now_ms` is any clock that goes on.
    pub fn seal(&mut self, body: &[u8], now_ms: u64) -> Result<Vec<u8>, SessionError> {
        if body.len() > MAX_BODY {
            return Err(SessionError::TooLong);
        }
        let mut out = Vec::with_capacity(body.len() + body.len() / MAX_PART * 19 + 64);
        let since = *self.keyed_at_ms.get_or_insert(now_ms);
        if self.sent >= REKEY_AFTER || now_ms.saturating_sub(since) >= REKEY_AFTER_MS {
            self.write(REKEY, &[], &mut out)?;
            self.state.rekey_outgoing();
            self.sent = 0;
            self.keyed_at_ms = Some(now_ms);
        }
        let mut rest = body;
        while rest.len() > MAX_PART {
            let (part, more) = rest.split_at(MAX_PART);
            self.write(PART, part, &mut out)?;
            rest = more;
        }
        self.write(LAST, rest, &mut out)?;
        Ok(out)
    }

    /// Says that nothing more will come; the bytes go out last.
    pub fn goodbye(&mut self) -> Result<Vec<u8>, SessionError> {
        let mut out = Vec::new();
        self.write(GOODBYE, &[], &mut out)?;
        Ok(out)
    }

    fn write(&mut self, what: u8, content: &[u8], out: &mut Vec<u8>) -> Result<(), SessionError> {
        self.plain.clear();
        self.plain.push(what);
        self.plain.extend_from_slice(content);
        let start = out.len();
        out.resize(start + 2 + self.plain.len() + 16, 0);
        let length = self
            .state
            .write_message(&self.plain, &mut out[start + 2..])
            .map_err(|_| SessionError::Protocol("a message could not be sealed"))?;
        let announced = u16::try_from(length).map_err(|_| SessionError::TooLong)?;
        out[start..start + 2].copy_from_slice(&announced.to_be_bytes());
        out.truncate(start + 2 + length);
        self.sent += 1;
        Ok(())
    }

    /// Takes bytes that arrived, as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.over.is_none() {
            self.waiting.extend_from_slice(bytes);
        }
    }

    /// The number of the Noise message that has begun to arrive and is not whole. The length before it
    /// is not sealed: whoever carries the stream can announce what never comes, and all that does come
    /// then counts as part of it. So a message that stays under way for long is no sign of life.
    pub fn under_way(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.opened)
    }

    /// The next message, if a whole one has arrived. An error ends the session.
    pub fn pull(&mut self) -> Result<Option<Received>, SessionError> {
        if let Some(over) = &self.over {
            return Err(over.clone());
        }
        let next = self.take();
        if let Err(error) = &next {
            self.over = Some(error.clone());
            self.waiting = Vec::new();
            self.parts = Vec::new();
        }
        next
    }

    /// The stream has ended: an error unless the other side had said goodbye.
    pub fn end(&self) -> Result<(), SessionError> {
        match (&self.over, self.ended) {
            (Some(over), _) => Err(over.clone()),
            (None, true) if self.waiting.is_empty() => Ok(()),
            (None, _) => Err(SessionError::CutOff),
        }
    }

    fn take(&mut self) -> Result<Option<Received>, SessionError> {
        let mut read = 0;
        let mut found = None;
        while found.is_none() {
            let rest = &self.waiting[read..];
            let [high, low, body @ ..] = rest else { break };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(sealed) = body.get(..length) else {
                break;
            };
            if self.ended {
                return Err(SessionError::Protocol("a message after goodbye"));
            }
            if self.plain.len() < length {
                self.plain.resize(length, 0);
            }
            let opened = self
                .state
                .read_message(sealed, &mut self.plain[..length])
                .map_err(|_| SessionError::Tampered)?;
            read += 2 + length;
            found = self.opened(opened)?;
        }
        self.waiting.drain(..read);
        Ok(found)
    }

    /// What the first `length` bytes of the plaintext say.
    fn opened(&mut self, length: usize) -> Result<Option<Received>, SessionError> {
        let [what, content @ ..] = &self.plain[..length] else {
            return Err(SessionError::Protocol("an empty message"));
        };
        self.received += 1;
        self.opened += 1;
        match *what {
            PART | LAST => {
                if self.parts.len() + content.len() > MAX_BODY {
                    return Err(SessionError::TooLong);
                }
                if self.received > 2 * REKEY_AFTER {
                    return Err(SessionError::Protocol("a key is used for too long"));
                }
                self.parts.extend_from_slice(content);
                let whole = *what == LAST;
                Ok(whole.then(|| Received::Message(std::mem::take(&mut self.parts))))
            }
            REKEY if content.is_empty() && self.parts.is_empty() => {
                self.state.rekey_incoming();
                self.received = 0;
                Ok(None)
            }
            GOODBYE if content.is_empty() && self.parts.is_empty() => {
                self.ended = true;
                Ok(Some(Received::Goodbye))
            }
            _ => Err(SessionError::Protocol("an unknown message")),
        }
    }
}
