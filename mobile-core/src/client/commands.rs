//! Commands on their way: each is applied once at the agent, however often it is sent, for its id
//! goes with it. Here they wait for a line, are sent again in each session until there is an answer,
//! and stay to be seen until they are forgotten.

use super::Now;
use deputy_protocol::ErrorBody;
use deputy_protocol::remote::Ask;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;

/// How many commands without an answer there may be.
const MOST: usize = 256;

/// How many with one are kept when nobody forgets them.
const MOST_ANSWERED: usize = 64;

/// For how long after its first sending a command is sent again, ms: the agent knows its id for
/// seven days, and a day is for clocks that differ.
const SENDABLE_MS: i64 = 6 * 86_400_000;

/// Where a command stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CommandState {
    /// Not sent yet: it can be withdrawn.
    Waiting,
    /// Sent, and not answered. Sent again with the next session.
    Sent,
    /// Applied; what the agent answered.
    Applied {
        /// The answer, a [`Response`](deputy_protocol::control::Response) as JSON; null when it was
        /// lost.
        answer: Value,
    },
    /// Not applied, and why.
    Refused {
        /// What the agent said.
        error: ErrorBody,
    },
    /// It was sent, and whether it was applied will not be known any more: look at what is there.
    Unknown {
        /// Why.
        error: ErrorBody,
    },
}

impl CommandState {
    /// Whether there is nothing more to come.
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Sent)
    }
}

/// A command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Names it here and at the agent.
    pub id: String,
    /// What is to be done.
    pub ask: Ask,
    /// When the person said so, ms since 1970.
    pub at_ms: i64,
    /// When it was first sent.
    #[serde(default)]
    pub first_sent_ms: Option<i64>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: CommandState,
}

/// Why a command or question was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// This device lacks the right.
    #[error("this device may not do this: pair it again with more rights; nothing was done")]
    NotAllowed,
    /// It is a question.
    #[error("this is a question, not a command")]
    NotACommand,
    /// It is a command.
    #[error("this is a command, not a question")]
    NotAQuestion,
    /// Too many wait.
    #[error("256 commands wait for the agent already; nothing was added")]
    Full,
    /// The platform gives no random numbers.
    #[error("this device has no random numbers, so nothing can be sent safely; nothing was done")]
    NoRandomness,
}

/// All of them, oldest first.
#[derive(Default)]
pub(super) struct Commands {
    all: Vec<Command>,
    /// Those that were sent in this session.
    on_line: HashSet<String>,
}

impl Commands {
    pub(super) fn restored(all: Vec<Command>, now: Now) -> Self {
        let mut commands = Self {
            all,
            on_line: HashSet::new(),
        };
        commands.give_up_old(now);
        commands
    }

    pub(super) fn all(&self) -> Vec<Command> {
        self.all.clone()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Command> {
        self.all.iter().find(|command| command.id == id)
    }

    pub(super) fn add(&mut self, ask: Ask, now: Now) -> Result<String, CommandError> {
        if !ask.is_command() {
            return Err(CommandError::NotACommand);
        }
        let open = self.all.iter().filter(|c| !c.state.is_settled()).count();
        if open >= MOST {
            return Err(CommandError::Full);
        }
        let id = fresh_id()?;
        self.all.push(Command {
            id: id.clone(),
            ask,
            at_ms: now.unix_ms,
            first_sent_ms: None,
            state: CommandState::Waiting,
        });
        Ok(id)
    }

    /// The next command to send; it counts as sent from here on. One about a thing waits until the
    /// one before it about the same thing is answered, so that they are applied in order.
    pub(super) fn next_to_send(&mut self, now: Now) -> Option<(String, Ask)> {
        self.give_up_old(now);
        let mut blocked = HashSet::new();
        let found = self.all.iter_mut().find(|command| {
            if command.state.is_settled() {
                return false;
            }
            let is_free = subject(&command.ask).is_none_or(|subject| blocked.insert(subject));
            is_free && !self.on_line.contains(&command.id)
        })?;
        found.first_sent_ms.get_or_insert(now.unix_ms);
        found.state = CommandState::Sent;
        self.on_line.insert(found.id.clone());
        Some((found.id.clone(), found.ask.clone()))
    }

    /// The answer to a command: the ids of those that are forgotten to make room. `None` when it is
    /// no command's, or of one that has its answer.
    pub(super) fn answered(
        &mut self,
        id: &str,
        answer: Result<Value, ErrorBody>,
    ) -> Option<Vec<String>> {
        self.on_line.remove(id);
        let command = self.all.iter_mut().find(|command| command.id == id)?;
        if command.state.is_settled() {
            return None;
        }
        command.state = match answer {
            Ok(answer) => CommandState::Applied { answer },
            Err(error) if error.code == "answer_lost" => CommandState::Applied {
                answer: Value::Null,
            },
            Err(error) if error.code == "internal" => CommandState::Unknown { error },
            Err(error) => CommandState::Refused { error },
        };
        let settled = self.all.iter().filter(|c| c.state.is_settled()).count();
        // Nobody has seen the fate of this one yet, however old it is.
        let is_old = |c: &Command| c.state.is_settled() && c.id != id;
        let surplus = settled.saturating_sub(MOST_ANSWERED);
        let old: Vec<String> = { self.all.iter().filter(|c| is_old(c)) }
            .take(surplus)
            .map(|c| c.id.clone())
            .collect();
        self.all.retain(|c| !old.contains(&c.id));
        Some(old)
    }

    /// The session is over: what had no answer is sent again in the next.
    pub(super) fn line_lost(&mut self) {
        self.on_line.clear();
    }

    pub(super) fn withdraw(&mut self, id: &str) -> bool {
        let before = self.all.len();
        self.all
            .retain(|c| c.id != id || c.state != CommandState::Waiting);
        self.all.len() < before
    }

    pub(super) fn forget(&mut self, id: &str) -> bool {
        let before = self.all.len();
        self.all.retain(|c| c.id != id || !c.state.is_settled());
        self.all.len() < before
    }

    /// The agent may have forgotten what was sent long ago, and would apply it a second time.
    fn give_up_old(&mut self, now: Now) {
        for command in &mut self.all {
            let is_old = { command.first_sent_ms }
                .is_some_and(|first| now.unix_ms.saturating_sub(first) > SENDABLE_MS);
            if is_old && !command.state.is_settled() && !self.on_line.contains(&command.id) {
                command.state = CommandState::Unknown {
                    error: ErrorBody::new(
                        "answer_lost",
                        "this was sent days ago and never answered; it may or may not have been applied, and is not sent again",
                        "look at what is there, and say it again if it is missing",
                    ),
                };
            }
        }
    }
}

/// What a command is about.
fn subject(ask: &Ask) -> Option<String> {
    match ask {
        Ask::AutomationPause { automation }
        | Ask::AutomationResume { automation }
        | Ask::AutomationArchive { automation }
        | Ask::AutomationRun { automation } => Some(automation.clone()),
        Ask::RunCancel { run } => Some(run.clone()),
        Ask::InputSkip { input } | Ask::InputAgain { input, .. } => Some(input.clone()),
        Ask::ProposalAccept { proposal, .. } | Ask::ProposalDecline { proposal } => {
            Some(proposal.clone())
        }
        Ask::NeedAnswer { item, .. } => Some(item.clone()),
        // Planning takes long, and what is said of one automation has nothing to do with another.
        Ask::Say { automation, .. } => Some(format!("say {}", automation.as_deref().unwrap_or(""))),
        _ => None,
    }
}

/// 16 random bytes, in hexadecimal.
fn fresh_id() -> Result<String, CommandError> {
    use std::fmt::Write;
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| CommandError::NoRandomness)?;
    Ok(bytes.iter().fold(String::new(), |mut id, byte| {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    }))
}
