//! The way to the agent: which relay is dialled when, what becomes of it, and the session over it.

use super::backoff::Backoff;
use super::greeting::{Greeted, Greeting, Whom};
use super::{LineState, Now, Why};
use crate::PairedDevice;
use deputy_protocol::link::{CloseCode, RefusalCode};
use deputy_protocol::pairing::RelayPlace;
use deputy_protocol::session::{Introduced, Kind, Received, Session, SessionError};

/// How long a dial may take, with everything down to the relay, ms.
const DIAL: u64 = 25_000;

/// How long the agent may take to answer the handshake, ms.
const GREETING: u64 = 15_000;

/// After how long without a word the line is tried, ms.
const TRY: u64 = 45_000;

/// The same while an answer is awaited. An answer may take minutes; a sign of life does not.
const TRY_SOONER: u64 = 5_000;

/// How long a sign of life may take, ms.
const SILENCE: u64 = 6_000;

/// How long one piece of at most 64 KiB may be under way, ms. A relay that puts bytes of its own between
/// the agent's would else make this device deaf for as long as it likes, with signs of life.
const PIECE: u64 = 30_000;

/// After how long an agent of another version is asked again, ms. It may have been updated; and the answer
/// that says so is not sealed, so it may be a relay's word alone.
const OTHER_VERSION: u64 = 600_000;

/// The stages.
enum Phase {
    Resting,
    Waiting {
        until: u64,
        why: Why,
    },
    Dialling {
        greeting: Box<Greeting>,
        since: u64,
    },
    Greeting {
        greeting: Box<Greeting>,
        since: u64,
    },
    Open {
        session: Box<Session>,
        heard: u64,
        /// When what was asked first after it was last heard from was asked.
        asked: Option<u64>,
        /// When a sign of life was asked for, that has not come.
        tried: Option<u64>,
        /// The number of the piece that is arriving, and since when.
        piece: Option<(u64, u64)>,
    },
    NotKnown,
    OtherVersion {
        until: u64,
    },
}

/// Why a line is no more.
pub(super) enum Fell {
    /// It broke, or the agent stopped.
    Broken(String),
    /// The agent does not know this device (any more).
    NotKnown,
    /// No version in common.
    OtherVersion,
}

impl From<SessionError> for Fell {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Version { .. } => Self::OtherVersion,
            other => Self::Broken(other.to_string()),
        }
    }
}

/// A dial.
pub(super) struct Dialled {
    pub(super) attempt: u64,
    pub(super) place: RelayPlace,
    /// The first bytes of the handshake.
    pub(super) first: Vec<u8>,
}

/// Bytes for the stream of an attempt.
pub(super) type Sealed = (u64, Vec<u8>);

/// What bytes have brought.
pub(super) enum Heard {
    Nothing,
    Open(Box<Greeted>),
    Bytes,
}

/// The line.
pub(super) struct Line {
    phase: Phase,
    attempt: u64,
    backoff: Backoff,
    /// How many relays there are, at least 1.
    relays: usize,
    /// Which relay is next.
    place: usize,
    /// How many relays in a row brought nothing.
    in_vain: usize,
    /// What the agent said of itself.
    agent: Option<Introduced>,
    told: Option<LineState>,
}

impl Line {
    pub(super) fn new(relays: usize, now: Now) -> Self {
        Self {
            phase: Phase::Waiting {
                until: now.ticks,
                why: Why::Broken(String::new()),
            },
            attempt: 0,
            backoff: Backoff::default(),
            relays: relays.max(1),
            place: 0,
            in_vain: 0,
            agent: None,
            told: None,
        }
    }

    /// There are so many relays from now on.
    pub(super) fn relays_are(&mut self, count: usize) {
        self.relays = count.max(1);
        self.place = 0;
    }

    pub(super) fn state(&self) -> LineState {
        match &self.phase {
            Phase::Resting => LineState::Resting,
            Phase::Waiting { until, why } => match (why, self.attempt) {
                (_, 0) => LineState::Connecting,
                (why, _) => LineState::Away {
                    until: *until,
                    why: why.clone(),
                },
            },
            Phase::Dialling { .. } | Phase::Greeting { .. } => LineState::Connecting,
            Phase::Open { .. } => LineState::Open,
            Phase::NotKnown => LineState::NotKnown,
            Phase::OtherVersion { .. } => LineState::OtherVersion,
        }
    }

    /// The state, when it is another than the last time this was asked.
    pub(super) fn changed(&mut self) -> Option<LineState> {
        let state = self.state();
        if self.told.as_ref() == Some(&state) {
            return None;
        }
        self.told = Some(state.clone());
        Some(state)
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    pub(super) fn wake_at(&self) -> Option<u64> {
        match &self.phase {
            Phase::Waiting { until, .. } | Phase::OtherVersion { until } => Some(*until),
            Phase::Dialling { since, .. } => Some(since + DIAL),
            Phase::Greeting { since, .. } => Some(since + GREETING),
            Phase::Open {
                heard,
                asked,
                tried,
                piece,
                ..
            } => {
                let silent = match tried {
                    Some(tried) => tried + SILENCE,
                    None => try_at(*heard, *asked),
                };
                Some(piece.map_or(silent, |(_, since)| silent.min(since + PIECE)))
            }
            Phase::Resting | Phase::NotKnown => None,
        }
    }

    /// A dial, if it is time for one.
    pub(super) fn woken(
        &mut self,
        device: &PairedDevice,
        follow: Option<i64>,
        now: Now,
    ) -> Result<Option<Dialled>, (u64, Fell)> {
        let attempt = self.attempt;
        let silent = |what: &str| Err((attempt, Fell::Broken(format!("{what} does not answer"))));
        match &self.phase {
            Phase::Waiting { until, .. } | Phase::OtherVersion { until } if *until <= now.ticks => {
                let Some(place) = device.relays.get(self.place % self.relays) else {
                    self.phase = Phase::NotKnown;
                    return Ok(None);
                };
                let (greeting, first) =
                    greet(device, place, follow).map_err(|error| (attempt, error.into()))?;
                self.attempt += 1;
                self.phase = Phase::Dialling {
                    greeting: Box::new(greeting),
                    since: now.ticks,
                };
                Ok(Some(Dialled {
                    attempt: self.attempt,
                    place: place.clone(),
                    first,
                }))
            }
            Phase::Dialling { since, .. } if since + DIAL <= now.ticks => silent("the relay"),
            Phase::Greeting { since, .. } if since + GREETING <= now.ticks => silent("the agent"),
            Phase::Open {
                tried: Some(tried), ..
            } if tried + SILENCE <= now.ticks => silent("the agent"),
            Phase::Open {
                piece: Some((_, since)),
                ..
            } if since + PIECE <= now.ticks => {
                let why = "what arrives cannot be read".to_owned();
                Err((attempt, Fell::Broken(why)))
            }
            _ => Ok(None),
        }
    }

    /// Whether the line has been quiet for so long that a sign of life is to be asked for. It counts
    /// as asked for from here on.
    pub(super) fn is_to_be_tried(&mut self, now: Now) -> bool {
        match &mut self.phase {
            Phase::Open {
                heard,
                asked,
                tried: tried @ None,
                ..
            } if try_at(*heard, *asked) <= now.ticks => {
                *tried = Some(now.ticks);
                true
            }
            _ => false,
        }
    }

    /// The agent has been dialled, and told who dials; false when the stream is not wanted any more.
    pub(super) fn connected(&mut self, attempt: u64, now: Now) -> bool {
        if attempt != self.attempt {
            return false;
        }
        match std::mem::replace(&mut self.phase, Phase::Resting) {
            Phase::Dialling { greeting, .. } => {
                self.phase = Phase::Greeting {
                    greeting,
                    since: now.ticks,
                };
                true
            }
            other => {
                self.phase = other;
                false
            }
        }
    }

    /// A dial brought nothing: the next relay at once, and after all of them a pause. False when it
    /// is not the present one.
    pub(super) fn failed(
        &mut self,
        attempt: u64,
        refused: Option<RefusalCode>,
        why: &str,
        now: Now,
    ) -> bool {
        if attempt != self.attempt || !matches!(self.phase, Phase::Dialling { .. }) {
            return false;
        }
        let why = match refused {
            Some(_) => Why::Offline(why.to_owned()),
            None => Why::NoRelay(why.to_owned()),
        };
        self.wait(why, now);
        true
    }

    pub(super) fn received(&mut self, attempt: u64, bytes: &[u8], now: Now) -> Result<Heard, Fell> {
        if attempt != self.attempt {
            return Ok(Heard::Nothing);
        }
        match &mut self.phase {
            Phase::Greeting { greeting, .. } => Ok(match greeting.push(bytes)? {
                Some(greeted) => Heard::Open(Box::new(greeted)),
                None => Heard::Nothing,
            }),
            Phase::Open {
                session,
                heard,
                asked,
                tried,
                ..
            } => {
                session.push(bytes);
                *heard = now.ticks;
                *asked = None;
                *tried = None;
                Ok(Heard::Bytes)
            }
            _ => Ok(Heard::Nothing),
        }
    }

    pub(super) fn opened(&mut self, greeted: Greeted, now: Now) {
        self.phase = Phase::Open {
            session: Box::new(greeted.session),
            heard: now.ticks,
            asked: None,
            tried: None,
            piece: None,
        };
        self.agent = Some(greeted.agent);
        self.in_vain = 0;
        self.backoff.reset();
    }

    pub(super) fn next_message(&mut self, now: Now) -> Result<Option<Vec<u8>>, Fell> {
        let Phase::Open { session, piece, .. } = &mut self.phase else {
            return Ok(None);
        };
        match session.pull()? {
            Some(Received::Message(body)) => Ok(Some(body)),
            Some(Received::Goodbye) => Err(Fell::Broken("the agent has stopped".to_owned())),
            None => {
                let before = piece.take();
                *piece = session.under_way().map(|number| {
                    before
                        .filter(|(of, _)| *of == number)
                        .unwrap_or((number, now.ticks))
                });
                Ok(None)
            }
        }
    }

    /// Seals a message; `None` without a session.
    pub(super) fn seal(&mut self, body: &[u8], now: Now) -> Result<Option<Sealed>, (u64, Fell)> {
        let attempt = self.attempt;
        let Phase::Open { session, asked, .. } = &mut self.phase else {
            return Ok(None);
        };
        asked.get_or_insert(now.ticks);
        let sealed = session.seal(body, now.ticks);
        sealed
            .map(|bytes| Some((attempt, bytes)))
            .map_err(|error| (attempt, error.into()))
    }

    pub(super) fn goodbye(&mut self) -> Option<Vec<u8>> {
        match std::mem::replace(&mut self.phase, Phase::Resting) {
            Phase::Open { mut session, .. } => session.goodbye().ok(),
            _ => None,
        }
    }

    /// Why the line is no more; `None` when it was not the present one.
    pub(super) fn ended(&self, attempt: u64, code: Option<u64>) -> Option<Fell> {
        if attempt != self.attempt {
            return None;
        }
        let is = |wanted: CloseCode| code == Some(u64::from(wanted.number()));
        let known = match &self.phase {
            Phase::Greeting { .. } | Phase::Open { .. } => !is(CloseCode::Revoked),
            _ => return None,
        };
        Some(if known {
            Fell::Broken("the connection broke".to_owned())
        } else {
            Fell::NotKnown
        })
    }

    pub(super) fn fell(&mut self, fell: Fell, now: Now) {
        match fell {
            Fell::Broken(why) => self.wait(Why::Broken(why), now),
            Fell::NotKnown => self.phase = Phase::NotKnown,
            Fell::OtherVersion => {
                self.phase = Phase::OtherVersion {
                    until: now.ticks + OTHER_VERSION,
                };
            }
        }
    }

    fn wait(&mut self, why: Why, now: Now) {
        // A line that was open falls for reasons of its own: the same relay first.
        if !self.is_open() {
            self.place = self.place.wrapping_add(1);
            self.in_vain += 1;
        }
        let is_another_left = !self.in_vain.is_multiple_of(self.relays);
        let pause = if is_another_left {
            0
        } else {
            self.backoff.next(random())
        };
        self.phase = Phase::Waiting {
            until: now.ticks + pause,
            why,
        };
    }

    /// Lets go; the attempt that was under way or open, if one was.
    pub(super) fn rest(&mut self) -> Option<u64> {
        match self.phase {
            Phase::Open { .. } => Some(self.attempt),
            Phase::Dialling { .. } | Phase::Greeting { .. } => {
                self.phase = Phase::Resting;
                Some(self.attempt)
            }
            _ => {
                self.phase = Phase::Resting;
                None
            }
        }
    }

    /// Looks for the agent at once, unless it is there.
    pub(super) fn wake(&mut self, now: Now) {
        match &mut self.phase {
            Phase::Resting
            | Phase::NotKnown
            | Phase::OtherVersion { .. }
            | Phase::Waiting { .. } => {
                self.backoff.reset();
                self.phase = Phase::Waiting {
                    until: now.ticks,
                    why: Why::Broken(String::new()),
                };
            }
            // It may have died while the app slept: what is asked next tells.
            Phase::Open { heard, .. } => *heard = now.ticks.saturating_sub(TRY),
            Phase::Dialling { .. } | Phase::Greeting { .. } => {}
        }
    }

    /// Gives up what was under way over another network.
    pub(super) fn abandon(&mut self, now: Now) -> Option<u64> {
        let under_way = match self.phase {
            Phase::Resting | Phase::NotKnown => return None,
            Phase::Waiting { .. } | Phase::OtherVersion { .. } => None,
            _ => Some(self.attempt),
        };
        self.backoff.reset();
        self.phase = Phase::Waiting {
            until: now.ticks,
            why: Why::Broken("the network changed".to_owned()),
        };
        under_way
    }
}

/// A handshake of a device with its agent, and its first bytes.
fn greet(
    device: &PairedDevice,
    place: &RelayPlace,
    follow: Option<i64>,
) -> Result<(Greeting, Vec<u8>), SessionError> {
    let said = Introduced {
        software: crate::software(),
        follow,
        ..Introduced::default()
    };
    let whom = Whom {
        kind: Kind::Known,
        key: &device.key(),
        agent: &device.agent,
        route: &place.route,
        secret: None,
    };
    Greeting::new(&whom, &said)
}

/// When a line is tried that was last heard from at `heard`.
fn try_at(heard: u64, asked: Option<u64>) -> u64 {
    let sooner = asked.map_or(u64::MAX, |asked| asked + TRY_SOONER);
    sooner.min(heard + TRY)
}

/// Any number, for jitter alone.
fn random() -> u64 {
    getrandom::u64().unwrap_or(0)
}
