//! Mail triggers: an item for each mail that arrives in a folder of a mailbox.
//!
//! Each folder is followed by a task of its own: the server says when something came (`IDLE`, RFC 2177), and
//! one that cannot is asked every five minutes. A mail's number in its folder is in the dedupe key, so a
//! restart fires for nothing twice; what came while nobody watched is seen when watching begins, from the
//! last mail that was told, or else as far as it came after the contract was accepted. What a person
//! must do (a password, a folder that is gone) pauses the automations and asks; a server that is
//! away is looked for again, and told of when it stays away.
//!
//! This file follows; `arrived.rs` says which mails are new and makes items of them; `trouble.rs` tells a
//! person.

mod arrived;
mod trouble;

use crate::connectors::imap::Mailbox;
use crate::connectors::mail_client::MailFailure;
use crate::executor::Parts;
use crate::store::{StoreError, connections, triggers};
use crate::tools::mail_day;
use arrived::{Start, Told};
use deputy_protocol::{FailureClass, NeedKind, Time};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a server is waited for that says when something comes. Below the half hour after which one
/// may hang up on who is idle (RFC 2177).
const IDLE: Duration = Duration::from_secs(25 * 60);

/// How often one is asked that cannot say so.
const ASKING: Duration = Duration::from_secs(5 * 60);

/// The pauses before a server that is away is looked for again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// For how long a server may be away before a person is told.
const AWAY: Duration = Duration::from_secs(3_600);

/// How long mails wait when an automation's queue is full.
const FULL_PAUSE: Duration = Duration::from_secs(60);

/// How many mails are told at once.
const PIECE: usize = 100;

/// A trigger that follows a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Following {
    automation: i64,
    position: u32,
    /// Since when it counts; mails that came earlier are not its business.
    since: Time,
}

/// A connection's name and a folder.
type Place = (String, String);

/// What is to be followed: for each folder the connection's settings, and the triggers.
type Wanted = BTreeMap<Place, (String, BTreeSet<Following>)>;

struct Follower {
    of: (String, BTreeSet<Following>),
    _stop: DropGuard,
}

/// The watch over all mailboxes, to be run once.
pub struct MailWatch {
    parts: Arc<Parts>,
    changes: watch::Receiver<u64>,
    followers: BTreeMap<Place, Follower>,
}

impl MailWatch {
    /// A watch for the triggers in the store; it looks at them again whenever they change.
    pub fn new(parts: Arc<Parts>) -> Self {
        Self {
            changes: parts.arrivals.triggers(),
            parts,
            followers: BTreeMap::new(),
        }
    }

    /// Runs until the agent stops.
    pub async fn run(mut self) {
        let stopping = self.parts.stopping.clone();
        self.changes.mark_changed();
        loop {
            tokio::select! {
                changed = self.changes.changed() => if changed.is_err() { return },
                () = stopping.cancelled() => return,
            }
            match self.parts.store.read(wanted).await {
                Ok(wanted) => self.follow(wanted),
                Err(StoreError::Stopped) => return,
                Err(error) => {
                    tracing::error!(%error, "mail triggers cannot be looked at; trying again soon");
                    tokio::time::sleep(PAUSES.0).await;
                    self.changes.mark_changed();
                }
            }
        }
    }

    /// Follows what the active contracts say, and nothing else.
    fn follow(&mut self, wanted: Wanted) {
        self.followers
            .retain(|place, follower| wanted.get(place) == Some(&follower.of));
        for (place, of) in wanted {
            if self.followers.contains_key(&place) {
                continue;
            }
            let stop = self.parts.stopping.child_token();
            let task = Task {
                parts: Arc::clone(&self.parts),
                place: place.clone(),
                triggers: of.1.clone(),
                stop: stop.clone(),
            };
            tokio::spawn(task.run());
            let _stop = stop.drop_guard();
            self.followers.insert(place, Follower { of, _stop });
        }
    }
}

/// One folder that is followed.
#[derive(Clone)]
struct Task {
    parts: Arc<Parts>,
    place: Place,
    triggers: BTreeSet<Following>,
    stop: CancellationToken,
}

/// Why following ended.
enum Ended {
    /// The server is away, or the queue is full: again later.
    Later(String),
    /// Only a person can go on.
    Asks(NeedKind, String),
    Store(StoreError),
}

impl From<MailFailure> for Ended {
    fn from(failure: MailFailure) -> Self {
        match failure {
            MailFailure::Auth(message) => Self::Asks(NeedKind::Auth, message),
            MailFailure::Config(message) | MailFailure::Missing(message) => {
                Self::Asks(NeedKind::Precondition, message)
            }
            MailFailure::Unreachable(message)
            | MailFailure::Gone(message)
            | MailFailure::Denied(message)
            | MailFailure::Refused { message, .. } => Self::Later(message),
        }
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What is known of a server that may be away.
struct Patience {
    /// When it was there last.
    there: Instant,
    /// How long to wait until it is looked for again.
    pause: Duration,
    /// A person was told that it is away; or that may have been so before a restart.
    may_be_told: bool,
    is_told: bool,
}

impl Task {
    async fn run(self) {
        let mut changes = self.parts.arrivals.triggers();
        let mut patience = Patience {
            there: Instant::now(),
            pause: PAUSES.0,
            may_be_told: true,
            is_told: false,
        };
        loop {
            let ended = tokio::select! {
                ended = self.follow(&mut patience) => ended,
                () = self.stop.cancelled() => return,
            };
            let Err(ended) = ended else { return };
            let is_asked = match ended {
                Ended::Later(why) => {
                    tracing::debug!(connection = self.place.0, why, "a mailbox is not followed");
                    if patience.there.elapsed() >= AWAY && !patience.is_told {
                        patience.is_told = self.is_away(&why).await.is_ok();
                        patience.may_be_told = true;
                    }
                    false
                }
                Ended::Asks(kind, why) => {
                    let asked = self.ask(kind, &why).await;
                    if let Err(error) = &asked {
                        tracing::error!(%error, "a mailbox's trouble cannot be told yet");
                    }
                    asked.is_ok()
                }
                Ended::Store(StoreError::Stopped) => return,
                Ended::Store(error) => {
                    tracing::error!(%error, "arrived mail cannot be told; trying again soon");
                    false
                }
            };
            // Once a person was asked, nothing is tried that nobody asked for: a wrong password that is
            // tried again and again locks an account.
            while is_asked && !self.is_wanted().await {
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() { return },
                    () = self.stop.cancelled() => return,
                }
            }
            if is_asked {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(patience.pause) => {}
                () = self.stop.cancelled() => return,
            }
            patience.pause = (patience.pause * 2).min(PAUSES.1);
        }
    }

    /// Follows the folder until something is in the way.
    async fn follow(&self, patience: &mut Patience) -> Result<(), Ended> {
        let (name, folder) = &self.place;
        let opened = self.parts.env.connections.open("mail trigger", name).await;
        let connection = opened.map_err(|error| match error.class {
            FailureClass::Transient => Ended::Later(error.message),
            FailureClass::Auth => Ended::Asks(NeedKind::Auth, error.message),
            _ => Ended::Asks(NeedKind::Precondition, error.message),
        })?;
        if connection.kind != "mail" {
            let message = format!("the connection “{name}” is of kind {}", connection.kind);
            return Err(Ended::Asks(NeedKind::Precondition, message));
        }
        let mut mailbox = Mailbox::open(&connection).await?;
        // The last mail that was there, in a folder of this validity.
        let mut seen: Option<(u32, u32)> = None;
        loop {
            let now = mailbox.examine(folder).await?;
            patience.there = Instant::now();
            patience.pause = PAUSES.0;
            if std::mem::take(&mut patience.may_be_told) {
                self.is_there().await?;
                patience.is_told = false;
            }
            let starts = match seen {
                Some((validity, last)) if validity == now.validity => self.all(Start::After(last)),
                _ => self.starts(now.validity).await?,
            };
            let mut last = now.next.saturating_sub(1);
            let found = new_mails(&mut mailbox, &starts).await?;
            for piece in found.chunks(PIECE) {
                let mails = mailbox.mails(piece).await?;
                last = last.max(piece.last().copied().unwrap_or(0));
                if self.tell(now, mails, &starts).await? == Told::Full {
                    mailbox.close().await;
                    patience.pause = FULL_PAUSE;
                    return Err(Ended::Later("the queue is full".to_owned()));
                }
            }
            seen = Some((now.validity, last));
            mailbox = mailbox.wait(IDLE, ASKING).await?;
        }
    }

    fn all(&self, start: Start) -> BTreeMap<Following, Start> {
        let each = self.triggers.iter().map(|trigger| (trigger.clone(), start));
        each.collect()
    }
}

/// The numbers of the mails that may be new for one of the triggers, in order.
async fn new_mails(
    mailbox: &mut Mailbox,
    starts: &BTreeMap<Following, Start>,
) -> Result<Vec<u32>, MailFailure> {
    let mut found = BTreeSet::new();
    let after = starts.values().filter_map(Start::after).min();
    if let Some(after) = after {
        let query = format!("UID {}:*", after.saturating_add(1));
        let later = mailbox.search(&query).await?;
        // `*` is the last mail, however small its number.
        found.extend(later.into_iter().filter(|uid| *uid > after));
    }
    if let Some(since) = starts.values().filter_map(Start::since).min() {
        // The server knows days, of a zone of its own.
        let query = format!("SINCE {}", mail_day(since.plus_ms(-86_400_000)));
        found.extend(mailbox.search(&query).await?);
    }
    Ok(found.into_iter().collect())
}

fn place(spec: &Value) -> Option<Place> {
    let (mail, text) = (&spec["mail"], |value: &Value| {
        value.as_str().map(str::to_owned)
    });
    Some((text(&mail["connection"])?, text(&mail["folder"])?))
}

/// The folders of the active automations' triggers.
fn wanted(db: &Connection) -> Result<Wanted, StoreError> {
    let mut folders = Wanted::new();
    for row in triggers::of_active(db, "mail")? {
        let Some(place) = place(&row.spec) else {
            continue;
        };
        let following = Following {
            automation: row.automation,
            position: row.position,
            since: row.anchor_at,
        };
        if let Some((_, triggers)) = folders.get_mut(&place) {
            triggers.insert(following);
            continue;
        }
        // Other settings are another mailbox, and what is revoked is followed no longer.
        let settings = connections::by_name(db, &place.0)?.map(|row| row.config.to_string());
        let triggers = BTreeSet::from([following]);
        folders.insert(place, (settings.unwrap_or_default(), triggers));
    }
    Ok(folders)
}
