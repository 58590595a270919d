//! A conversation, kept message by message: whatever was said is on disk before the next thing is
//! said, so that a crash resumes the same conversation and pays for no answer twice.

use super::talk::{Reply, Turn, Usage};
use crate::clock::SharedClock;
use crate::store::{Durability, Store, StoreError, threads};
use serde_json::{Value, json};

/// What Deputy says, once, to a model that stops without calling a tool.
pub(super) const REMINDER: &str = "Nothing has come of this yet: nobody reads this text. Go on with \
one of your tools; if it cannot be done, say so with the tool for giving up.";

/// What was used since the user last spoke.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Answers.
    pub turns: u32,
    /// Tokens read and written.
    pub tokens: u64,
    /// Micro-USD.
    pub cost_micros: i64,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    turn: Turn,
    usage: Usage,
    cost_micros: i64,
}

/// Where a conversation is kept.
#[derive(Clone)]
struct Thread {
    key: i64,
    store: Store,
    clock: SharedClock,
}

/// A conversation with a model.
pub struct Conversation {
    system: String,
    entries: Vec<Entry>,
    kept: Option<Thread>,
}

impl Conversation {
    /// A conversation that is not kept: for evaluations and for single questions.
    pub fn unkept(system: impl Into<String>) -> Self {
        Self {
            system: system.into(),
            entries: Vec::new(),
            kept: None,
        }
    }

    /// Begins a conversation in a thread of its own.
    pub async fn begin(
        store: &Store,
        clock: &SharedClock,
        automation: Option<i64>,
        system: impl Into<String>,
    ) -> Result<Self, StoreError> {
        let system = system.into();
        let (at, said) = (clock.now(), json!({"text": system}));
        let key = store
            .write(Durability::Synced, move |db| {
                let key = threads::begin(db, automation, at)?;
                threads::append(db, key, "system", &said, at)?;
                Ok(key)
            })
            .await?;
        Ok(Self {
            kept: Some(Thread {
                key,
                store: store.clone(),
                clock: clock.clone(),
            }),
            ..Self::unkept(system)
        })
    }

    /// Takes a thread up where it was left.
    pub async fn resume(
        store: &Store,
        clock: &SharedClock,
        thread: i64,
    ) -> Result<Self, StoreError> {
        let messages = store.read(move |db| threads::messages(db, thread)).await?;
        let mut conversation = Self::unkept("");
        for (role, content) in messages {
            if role == "system" {
                conversation.system = content["text"].as_str().unwrap_or_default().to_owned();
            } else {
                conversation.entries.push(read(&content)?);
            }
        }
        conversation.kept = Some(Thread {
            key: thread,
            store: store.clone(),
            clock: clock.clone(),
        });
        Ok(conversation)
    }

    /// The thread's key, when it is kept.
    pub fn thread(&self) -> Option<i64> {
        self.kept.as_ref().map(|thread| thread.key)
    }

    /// What the model is told first.
    pub fn system(&self) -> &str {
        &self.system
    }

    /// What was said, oldest first.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &Turn> + ExactSizeIterator {
        self.entries.iter().map(|entry| &entry.turn)
    }

    /// The user says something.
    pub async fn say(&mut self, text: impl Into<String>) -> Result<(), StoreError> {
        self.push(Turn::user(text)).await
    }

    /// Adds a turn that cost nothing; it is on disk when this returns.
    pub async fn push(&mut self, turn: Turn) -> Result<(), StoreError> {
        self.keep(Entry {
            turn,
            usage: Usage::default(),
            cost_micros: 0,
        })
        .await
    }

    /// Adds a model's answer; it is on disk when this returns.
    pub async fn answered(&mut self, reply: &Reply) -> Result<(), StoreError> {
        self.keep(Entry {
            turn: reply.turn(),
            usage: reply.usage,
            cost_micros: reply.cost_micros,
        })
        .await
    }

    async fn keep(&mut self, entry: Entry) -> Result<(), StoreError> {
        let writing = self.kept.as_ref().map(|thread| {
            let (key, at) = (thread.key, thread.clock.now());
            let (role, content) = written(&entry);
            thread.store.submit(Durability::Synced, move |db| {
                threads::append(db, key, role, &content, at)
            })
        });
        // The write is in the queue: whoever drops this future must find the entry here too.
        self.entries.push(entry);
        if let Some(writing) = writing {
            let kept = writing.await.unwrap_or(Err(StoreError::Stopped));
            if kept.is_err() {
                self.entries.pop();
            }
            kept?;
        }
        Ok(())
    }

    /// What was used since the user last spoke; a reminder of Deputy's does not count as speaking.
    pub fn spent(&self) -> Spent {
        let since = self
            .entries
            .iter()
            .rposition(|entry| is_user(&entry.turn))
            .map_or(0, |at| at + 1);
        let mut spent = Spent::default();
        for entry in &self.entries[since..] {
            if matches!(entry.turn, Turn::Model { .. }) {
                spent.turns += 1;
            }
            spent.tokens = spent.tokens.saturating_add(entry.usage.total());
            spent.cost_micros = spent.cost_micros.saturating_add(entry.cost_micros);
        }
        spent
    }
}

fn is_user(turn: &Turn) -> bool {
    matches!(turn, Turn::User { text, .. } if text != REMINDER)
}

fn written(entry: &Entry) -> (&'static str, Value) {
    let turn = serde_json::to_value(&entry.turn).unwrap_or_default();
    match entry.turn {
        Turn::User { .. } => ("user", json!({"turn": turn})),
        Turn::Results(_) => ("results", json!({"turn": turn})),
        Turn::Model { .. } => (
            "model",
            json!({"turn": turn, "usage": entry.usage, "cost_micros": entry.cost_micros}),
        ),
    }
}

fn read(content: &Value) -> Result<Entry, StoreError> {
    let corrupt = |e| StoreError::corrupt("message", e);
    Ok(Entry {
        turn: serde_json::from_value(content["turn"].clone()).map_err(corrupt)?,
        usage: match content.get("usage") {
            Some(usage) => serde_json::from_value(usage.clone()).map_err(corrupt)?,
            None => Usage::default(),
        },
        cost_micros: content["cost_micros"].as_i64().unwrap_or(0),
    })
}
