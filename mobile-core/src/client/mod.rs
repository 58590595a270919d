//! The client without sockets and clocks: what happened goes in, what is to be done comes out.
//!
//! A driver (`native` here, the browser's in `ui-web`) dials when it is told to, hands over the bytes
//! that come and sends those that it gets, keeps what is to be kept, and comes back at the time that
//! [`Client::wake_at`] names. Everything else is decided here, the same for every platform:
//! `line.rs` is the way to the agent with its back-off; `greeting.rs` the handshake; `commands.rs` the
//! commands that wait for an answer, through every broken line; `views.rs` what is shown, from
//! memory at first and fresh as soon as it can be; `kept.rs` what outlives the app, sealed;
//! `pairing.rs` how a device becomes known.

mod backoff;
mod commands;
mod effect;
mod greeting;
mod inside;
mod kept;
mod line;
mod pairing;
#[cfg(test)]
mod tests;
mod views;

pub use commands::{Command, CommandError, CommandState};
pub use effect::{Effect, LineState, Notice, Now, Trouble, Why};
#[cfg(feature = "native")]
pub(crate) use greeting::{Greeting, Whom};
pub use kept::{Kept, KeptError};
pub use pairing::{Pairing, PairingState, PairingTrouble};
pub use views::View;

use crate::PairedDevice;
use commands::Commands;
use deputy_protocol::link::RefusalCode;
use deputy_protocol::remote::Ask;
use inside::Questions;
use line::Line;
use std::collections::VecDeque;
use views::Views;

/// What a driver moves: it does the effects, and says what came of them.
pub trait Machine {
    /// What is to be done next, in this order; `None` when nothing is. What is behind an
    /// [`Effect::Keep`] waits until that is done.
    fn next_effect(&mut self) -> Option<Effect>;
    /// When to call [`Machine::woken`] at the latest, on the clock of [`Now::ticks`].
    fn wake_at(&self) -> Option<u64>;
    /// The time has come that [`Machine::wake_at`] named, or another.
    fn woken(&mut self, now: Now);
    /// A dial has brought a stream.
    fn connected(&mut self, attempt: u64, now: Now);
    /// A dial has brought nothing. `refused` is what the relay said, if it was there.
    fn failed(&mut self, attempt: u64, refused: Option<RefusalCode>, why: &str, now: Now);
    /// Bytes have come on a stream.
    fn received(&mut self, attempt: u64, bytes: &[u8], now: Now);
    /// A stream has ended: with a code when it was reset with one.
    fn ended(&mut self, attempt: u64, code: Option<u64>, now: Now);
}

/// A device's side of its agent. A driver moves it, see [`Machine`].
pub struct Client {
    device: PairedDevice,
    line: Line,
    commands: Commands,
    questions: Questions,
    views: Views,
    /// The last event that was told of; `None` before the first session.
    seen: Option<i64>,
    out: VecDeque<Effect>,
    next_id: u64,
    /// Views are kept when they have rested for a moment, not at each change.
    keep_views_at: Option<u64>,
}

/// How long views rest before they are kept, ms.
const KEEP_AFTER: u64 = 1_000;

impl Client {
    /// A client that begins to look for its agent at once. `kept` is what [`Effect::Keep`] gave
    /// before, in any order.
    ///
    /// # Errors
    /// What was kept and cannot be read. The client is there all the same and begins without it;
    /// commands that were in it are lost, which the person should be told.
    pub fn open(
        device: PairedDevice,
        kept: &[(Kept, Vec<u8>)],
        now: Now,
    ) -> (Self, Option<KeptError>) {
        let mut client = Self {
            line: Line::new(device.relays.len(), now),
            commands: Commands::default(),
            questions: Questions::default(),
            views: Views::default(),
            seen: None,
            out: VecDeque::new(),
            next_id: 0,
            keep_views_at: None,
            device,
        };
        let mut error = None;
        for (what, sealed) in kept {
            if let Err(e) = client.restore(*what, sealed, now) {
                error = Some(e);
            }
        }
        (client, error)
    }

    fn restore(&mut self, what: Kept, sealed: &[u8], now: Now) -> Result<(), KeptError> {
        let body = kept::open(&self.device, what, sealed)?;
        let unreadable = |_| KeptError::Unreadable;
        match what {
            Kept::Commands => {
                let commands = serde_json::from_slice(&body).map_err(unreadable)?;
                self.commands = Commands::restored(commands, now);
            }
            Kept::Views => {
                let (seen, views) = serde_json::from_slice(&body).map_err(unreadable)?;
                self.seen = seen;
                self.views = Views::restored(views);
            }
        }
        Ok(())
    }

    /// Whose client this is.
    pub fn device(&self) -> &PairedDevice {
        &self.device
    }

    /// How it stands with the agent.
    pub fn state(&self) -> LineState {
        self.line.state()
    }

    /// Has a command applied, once, as soon as the agent can be reached, however often the line
    /// breaks or the app is closed meanwhile. Its id; its fate is told as [`Notice::Command`].
    pub fn command(&mut self, ask: Ask, now: Now) -> Result<String, CommandError> {
        if !self.device.rights.has(ask.right()) {
            return Err(CommandError::NotAllowed);
        }
        let id = self.commands.add(ask, now)?;
        // Before it is sent and before it is said to be safe.
        self.keep_commands();
        self.tell_command(&id);
        self.send_commands(now);
        Ok(id)
    }

    /// All commands that are not forgotten, oldest first.
    pub fn commands(&self) -> Vec<Command> {
        self.commands.all()
    }

    /// Takes a command back that was never sent. False when it may have reached the agent.
    pub fn withdraw(&mut self, id: &str) -> bool {
        let withdrawn = self.commands.withdraw(id);
        if withdrawn {
            self.keep_commands();
            self.tell(Notice::Forgotten(id.to_owned()));
        }
        withdrawn
    }

    /// Forgets a command whose fate the person has seen. False while it has none.
    pub fn forget(&mut self, id: &str) -> bool {
        let forgotten = self.commands.forget(id);
        if forgotten {
            self.keep_commands();
            self.tell(Notice::Forgotten(id.to_owned()));
        }
        forgotten
    }

    /// Asks one question, answered as [`Notice::Answer`] with the token that this returns, within
    /// `patience_ms`, come what may. Commands are not asked so.
    pub fn ask(&mut self, ask: Ask, patience_ms: u64, now: Now) -> Result<u64, CommandError> {
        if ask.is_command() {
            return Err(CommandError::NotAQuestion);
        }
        if !self.device.rights.has(ask.right()) {
            return Err(CommandError::NotAllowed);
        }
        let token = self.fresh_number();
        self.questions.add(token, ask, now, patience_ms);
        self.send_questions(now);
        Ok(token)
    }

    /// Nobody waits for the answer to a question any more: it is not asked again, nor at all if it
    /// was not yet.
    pub fn drop_question(&mut self, token: u64) {
        self.questions.forget(token);
    }

    /// Keeps the answer to a question at hand and fresh, until [`Client::unwatch`]: told as
    /// [`Notice::View`] whenever it changes. Watching the same twice is watching it once.
    pub fn watch(&mut self, ask: Ask, now: Now) -> Result<(), CommandError> {
        if ask.is_command() {
            return Err(CommandError::NotAQuestion);
        }
        self.views.watch(ask);
        self.ask_views(now);
        Ok(())
    }

    /// Stops asking. The last answer is still kept for the next time.
    pub fn unwatch(&mut self, ask: &Ask) {
        self.views.unwatch(ask);
    }

    /// The last answer to a question that is or was watched.
    pub fn view(&self, ask: &Ask) -> Option<&View> {
        self.views.get(ask)
    }

    /// The app goes to sleep: the line is let go, nothing is asked until [`Client::resume`].
    pub fn suspend(&mut self) {
        self.keep_views();
        if let Some(attempt) = self.line.rest() {
            self.say_goodbye(attempt);
        }
        self.lost_line();
    }

    /// The app is seen again, or a push has come: looks for the agent at once.
    pub fn resume(&mut self, now: Now) {
        self.line.wake(now);
        self.line_woken(now);
    }

    /// The network is another: a line over the old one is not waited for.
    pub fn network_changed(&mut self, now: Now) {
        if let Some(attempt) = self.line.abandon(now) {
            self.out.push_back(Effect::HangUp { attempt });
        }
        self.out.push_back(Effect::NetworkChanged);
        self.lost_line();
        self.line_woken(now);
    }

    fn fresh_number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
