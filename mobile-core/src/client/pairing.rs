//! A device becomes known, without sockets and clocks, like the rest of the client.

use super::greeting::{Greeting, Whom};
use super::{Effect, Machine, Now};
use crate::PairedDevice;
use deputy_protocol::link::{CloseCode, RefusalCode};
use deputy_protocol::pairing::{LinkError, PairingLink, phrase};
use deputy_protocol::remote::Down;
use deputy_protocol::session::{Introduced, Kind, Received, Session, SessionError, StaticKey};
use std::collections::VecDeque;

/// How long a relay may take, ms.
const DIAL: u64 = 25_000;

/// How long the agent may take to answer the handshake, ms.
const GREETING: u64 = 15_000;

/// How long is waited before a device that lost the line looks again whether it was let in, ms.
const AGAIN: u64 = 2_000;

/// For how long an agent is looked for that no relay knows, ms: it may be about to link again, after
/// sleep or a restart.
const PATIENCE: u64 = 15_000;

/// Where a pairing stands.
#[derive(Clone, Debug)]
pub enum PairingState {
    /// The agent is being looked for.
    Connecting,
    /// The person compares this phrase with the agent's, and says so there.
    Compare(String),
    /// Done: what the device is from now on, to be kept where the platform keeps secrets.
    Paired(Box<PairedDevice>),
    /// It came to nothing.
    Failed(PairingTrouble),
}

/// Why a pairing came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingTrouble {
    /// The link is none, or no good.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// No relay of the link brought the agent.
    #[error("the agent cannot be reached: {0}")]
    Unreachable(String),
    /// The agent is silent to a link that was used.
    #[error(
        "the agent does not take this link: it was used already, or has expired. `deputy pair` shows a new one"
    )]
    NotTaken,
    /// The person said that the phrases differ, or nothing until the link expired: the agent ends
    /// both in the same way.
    #[error(
        "at the agent nobody said that the phrases are the same: nothing was paired. `deputy pair` shows a new link"
    )]
    Refused,
    /// The versions have nothing in common.
    #[error("app and agent have no version in common: update the older one")]
    OtherVersion,
    /// The platform gives no random numbers.
    #[error("this device has no random numbers, so it cannot have a key; nothing was paired")]
    NoRandomness,
    /// The line broke.
    #[error("the connection broke before the pairing was done: {0}. Begin again with a new link")]
    Broken(String),
}

enum Stage {
    Dialling {
        since: u64,
    },
    Greeting {
        greeting: Box<Greeting>,
        since: u64,
    },
    Comparing {
        session: Box<Session>,
    },
    /// The agent is not there, or the line broke while the person compared (then the word may be there
    /// without it): looked for again.
    Away {
        until: u64,
    },
    Over,
}

/// A pairing under way.
pub struct Pairing {
    link: PairingLink,
    key: StaticKey,
    name: String,
    place: usize,
    attempt: u64,
    since: u64,
    stage: Stage,
    state: PairingState,
    phrase: Option<String>,
    /// Why the line broke while the person compared; from then on it looks whether it was let in.
    lost: Option<String>,
    out: VecDeque<Effect>,
}

impl Pairing {
    /// Begins to pair with a link, under the name by which the person knows this device.
    ///
    /// # Errors
    /// What is wrong with the link. The agent's clock decides about its age; this device's is only
    /// asked for links that expired long ago.
    pub fn begin(link: &str, name: &str, now: Now) -> Result<Self, PairingTrouble> {
        let link = PairingLink::parse(link)?;
        link.check_time(u64::try_from(now.unix_ms).unwrap_or(0))?;
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| PairingTrouble::NoRandomness)?;
        let mut pairing = Self {
            link,
            key: StaticKey::from_bytes(secret),
            name: name.to_owned(),
            place: 0,
            attempt: 0,
            since: now.ticks,
            stage: Stage::Over,
            state: PairingState::Connecting,
            phrase: None,
            lost: None,
            out: VecDeque::new(),
        };
        pairing.dial("the link names no relay", now);
        Ok(pairing)
    }

    /// Where it stands.
    pub fn state(&self) -> &PairingState {
        &self.state
    }

    /// This side's phrase, from the comparison on; the agent's word may come right behind it.
    pub fn phrase(&self) -> Option<&str> {
        self.phrase.as_deref()
    }

    /// Gives it up.
    pub fn cancel(&mut self) {
        if !matches!(self.stage, Stage::Over) {
            self.fail(PairingTrouble::Broken("it was called off".to_owned()));
        }
    }

    fn dial(&mut self, last: &str, now: Now) {
        let Some(place) = self.link.relays.get(self.place) else {
            let unix_ms = u64::try_from(now.unix_ms).unwrap_or(0);
            let is_hopeful = match &self.lost {
                Some(_) => unix_ms < self.link.expires_at_ms,
                None => now.ticks < self.since + PATIENCE && !self.link.relays.is_empty(),
            };
            if is_hopeful {
                self.place = 0;
                self.stage = Stage::Away {
                    until: now.ticks + AGAIN,
                };
                return;
            }
            let trouble = match self.lost.take() {
                Some(lost) => PairingTrouble::Broken(lost),
                None => PairingTrouble::Unreachable(last.to_owned()),
            };
            return self.fail(trouble);
        };
        self.attempt += 1;
        self.stage = Stage::Dialling { since: now.ticks };
        self.out.push_back(Effect::Dial {
            attempt: self.attempt,
            place: place.clone(),
            // The first that says it uses the link up: it is said once, on the stream that is there.
            first: Vec::new(),
        });
    }

    /// The line broke: looks again, for as long as the link is good, whether the device was let in.
    fn look_again(&mut self, why: &str, now: Now) {
        let unix_ms = u64::try_from(now.unix_ms).unwrap_or(0);
        if unix_ms >= self.link.expires_at_ms {
            let why = self.lost.take().unwrap_or_else(|| why.to_owned());
            return self.fail(PairingTrouble::Broken(why));
        }
        self.hang_up();
        self.lost.get_or_insert_with(|| why.to_owned());
        self.place = 0;
        self.stage = Stage::Away {
            until: now.ticks + AGAIN,
        };
    }

    fn fail(&mut self, trouble: PairingTrouble) {
        self.state = PairingState::Failed(trouble);
        self.hang_up();
    }

    fn hang_up(&mut self) {
        self.stage = Stage::Over;
        self.out.push_back(Effect::HangUp {
            attempt: self.attempt,
        });
    }

    fn greet(&mut self, now: Now) -> Result<(), SessionError> {
        let Some(place) = self.link.relays.get(self.place) else {
            return Ok(());
        };
        let said = Introduced {
            software: crate::software(),
            name: self.name.clone(),
            ..Introduced::default()
        };
        let secret = self.link.secret.pre_shared_key();
        let is_pairing = self.lost.is_none();
        let whom = Whom {
            kind: if is_pairing {
                Kind::Pairing
            } else {
                Kind::Known
            },
            key: &self.key,
            agent: &self.link.agent,
            route: &place.route,
            secret: is_pairing.then_some(&secret),
        };
        let (greeting, bytes) = Greeting::new(&whom, &said)?;
        self.stage = Stage::Greeting {
            greeting: Box::new(greeting),
            since: now.ticks,
        };
        self.out.push_back(Effect::Send {
            attempt: self.attempt,
            bytes,
        });
        Ok(())
    }

    fn hear(&mut self, bytes: &[u8], now: Now) -> Result<(), SessionError> {
        match &mut self.stage {
            Stage::Greeting { greeting, .. } => {
                if let Some(greeted) = greeting.push(bytes)? {
                    self.stage = Stage::Comparing {
                        session: Box::new(greeted.session),
                    };
                }
            }
            Stage::Comparing { session } => session.push(bytes),
            Stage::Dialling { .. } | Stage::Away { .. } | Stage::Over => {}
        }
        while let Stage::Comparing { session } = &mut self.stage
            && let Some(received) = session.pull()?
        {
            // This side's own: what the other side says it shows proves nothing.
            let ours = phrase(session.hash());
            let Received::Message(body) = received else {
                self.look_again("the agent has stopped", now);
                break;
            };
            match serde_json::from_slice(&body) {
                Ok(Down::Compare { .. }) if self.lost.is_none() => {
                    self.phrase = Some(ours.clone());
                    self.state = PairingState::Compare(ours);
                }
                Ok(
                    Down::Paired {
                        device,
                        relays,
                        rights,
                    }
                    | Down::Relays {
                        relays,
                        device: Some(device),
                        rights: Some(rights),
                    },
                ) => {
                    let agent = self.link.agent;
                    let paired = PairedDevice::new(device, agent, relays, rights, &self.key);
                    self.state = PairingState::Paired(Box::new(paired));
                    self.hang_up();
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn broke(&mut self, error: SessionError, now: Now) {
        if self.lost.is_some() && !matches!(error, SessionError::Version { .. }) {
            return self.look_again("", now);
        }
        self.fail(match error {
            SessionError::Version { .. } => PairingTrouble::OtherVersion,
            other => PairingTrouble::Broken(other.to_string()),
        });
    }
}

impl Machine for Pairing {
    fn next_effect(&mut self) -> Option<Effect> {
        self.out.pop_front()
    }

    fn wake_at(&self) -> Option<u64> {
        match &self.stage {
            Stage::Dialling { since } => Some(since + DIAL),
            Stage::Greeting { since, .. } => Some(since + GREETING),
            // As long as the person needs: the agent ends it when the link expires.
            Stage::Comparing { .. } | Stage::Over => None,
            Stage::Away { until } => Some(*until),
        }
    }

    fn woken(&mut self, now: Now) {
        if self.wake_at().is_none_or(|at| now.ticks < at) {
            return;
        }
        match self.stage {
            Stage::Dialling { .. } => {
                let refused = None;
                self.failed(self.attempt, refused, "the relay does not answer", now);
            }
            Stage::Away { .. } => self.dial("the relay does not answer", now),
            _ if self.lost.is_some() => self.look_again("", now),
            _ => self.fail(PairingTrouble::NotTaken),
        }
    }

    fn connected(&mut self, attempt: u64, now: Now) {
        if attempt != self.attempt || !matches!(self.stage, Stage::Dialling { .. }) {
            return self.out.push_back(Effect::HangUp { attempt });
        }
        if let Err(error) = self.greet(now) {
            self.broke(error, now);
        }
    }

    fn failed(&mut self, attempt: u64, _refused: Option<RefusalCode>, why: &str, now: Now) {
        if attempt == self.attempt && matches!(self.stage, Stage::Dialling { .. }) {
            self.out.push_back(Effect::HangUp { attempt });
            self.place += 1;
            self.dial(why, now);
        }
    }

    fn received(&mut self, attempt: u64, bytes: &[u8], now: Now) {
        if attempt == self.attempt
            && let Err(error) = self.hear(bytes, now)
        {
            self.broke(error, now);
        }
    }

    fn ended(&mut self, attempt: u64, code: Option<u64>, now: Now) {
        if attempt != self.attempt {
            return;
        }
        let is = |wanted: CloseCode| code == Some(wanted.number().into());
        match self.stage {
            Stage::Greeting { .. } | Stage::Comparing { .. } if self.lost.is_some() => {
                self.look_again("", now);
            }
            Stage::Greeting { .. } => self.fail(PairingTrouble::NotTaken),
            // The agent resets the stream and gives the route back; either may be heard of first.
            Stage::Comparing { .. } if is(CloseCode::Refused) || is(CloseCode::Revoked) => {
                self.fail(PairingTrouble::Refused);
            }
            Stage::Comparing { .. } => {
                self.look_again("the agent went away, or the link expired", now);
            }
            Stage::Dialling { .. } | Stage::Away { .. } | Stage::Over => {}
        }
    }
}
