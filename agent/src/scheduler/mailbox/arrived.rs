//! Which mails are new for a trigger, and the items that are made of them.

use super::{Ended, Following, Place, Task, place};
use crate::connectors::imap::{Folder, Mail};
use crate::store::inbox::{self, NewInput, Put};
use crate::store::{Durability, StoreError, automations, triggers};
use crate::tools::limits::TITLE;
use crate::tools::mail_summary;
use deputy_protocol::{AutomationState, SourceKind, Time};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// From where on mails are new for a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Those with a number above this.
    After(u32),
    /// Those that the mailbox got then or later.
    Since(Time),
}

impl Start {
    pub(super) fn after(&self) -> Option<u32> {
        match self {
            Self::After(uid) => Some(*uid),
            Self::Since(_) => None,
        }
    }

    pub(super) fn since(&self) -> Option<Time> {
        match self {
            Self::After(_) => None,
            Self::Since(time) => Some(*time),
        }
    }

    fn is_before(self, mail: &Mail) -> bool {
        match self {
            Self::After(uid) => mail.uid > uid,
            Self::Since(time) => mail.received.is_none_or(|received| received >= time),
        }
    }
}

/// Whether there was room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    All,
    Full,
}

enum Reported {
    New,
    Known,
    Full,
}

impl Task {
    /// From where on mails are new for each trigger, by what it was told last.
    pub(super) async fn starts(
        &self,
        validity: u32,
    ) -> Result<BTreeMap<Following, Start>, StoreError> {
        let (triggers, place) = (self.triggers.clone(), self.place.clone());
        self.parts
            .store
            .read(move |db| {
                let mut starts = BTreeMap::new();
                for trigger in triggers {
                    let start = start(db, &trigger, &dedupe(&place, &format!("{validity}-")))?;
                    starts.insert(trigger, start);
                }
                Ok(starts)
            })
            .await
    }

    /// Puts an item for each mail and each trigger for which it is new. What is begun is ended, whatever
    /// becomes of the task: an item that nobody announced would wait for the next one.
    pub(super) async fn tell(
        &self,
        folder: Folder,
        mails: Vec<Mail>,
        starts: &BTreeMap<Following, Start>,
    ) -> Result<Told, Ended> {
        let (parts, place, starts) = (self.parts.clone(), self.place.clone(), starts.clone());
        let telling = tokio::spawn(async move {
            let now = parts.clock.now();
            let (arrived, told) = parts
                .store
                .write(Durability::Ordered, move |db| {
                    let mut arrived = BTreeSet::new();
                    for mail in &mails {
                        for (trigger, start) in &starts {
                            if !start.is_before(mail) {
                                continue;
                            }
                            match put(db, &place, trigger, folder, mail, now)? {
                                Reported::New => drop(arrived.insert(trigger.automation)),
                                Reported::Known => {}
                                Reported::Full => return Ok((arrived, Told::Full)),
                            }
                        }
                    }
                    Ok((arrived, Told::All))
                })
                .await?;
            for automation in arrived {
                parts.arrivals.announce(automation);
            }
            Ok::<_, StoreError>(told)
        });
        match telling.await {
            Ok(told) => Ok(told?),
            Err(error) => Err(Ended::Later(error.to_string())),
        }
    }

    /// Whether somebody still wants mails told.
    pub(super) async fn is_wanted(&self) -> bool {
        let triggers = self.triggers.clone();
        let read = self.parts.store.read(move |db| {
            for trigger in &triggers {
                if active(db, trigger.automation)?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        read.await.unwrap_or(false)
    }
}

fn put(
    db: &Connection,
    at: &Place,
    trigger: &Following,
    folder: Folder,
    mail: &Mail,
    now: Time,
) -> Result<Reported, StoreError> {
    let same = |row: &triggers::TriggerRow| {
        row.position == trigger.position
            && row.anchor_at == trigger.since
            && place(&row.spec).as_ref() == Some(at)
    };
    // What rests looks for itself when it is followed again.
    if active(db, trigger.automation)?.is_none()
        || !triggers::of(db, trigger.automation)?.iter().any(same)
    {
        return Ok(Reported::Known);
    }
    let summary = mail_summary(folder.validity, mail);
    let dedupe = dedupe(at, summary["id"].as_str().unwrap_or_default());
    let subject = summary["subject"].as_str().unwrap_or_default();
    let title = format!("mail: {subject}").chars().take(TITLE).collect();
    let mut payload = json!({"connection": at.0, "folder": at.1});
    if let (Value::Object(payload), Value::Object(summary)) = (&mut payload, summary) {
        payload.extend(summary);
    }
    let put = inbox::put_if_room(
        db,
        &NewInput {
            automation: trigger.automation,
            source: SourceKind::Mail,
            source_id: trigger.position.to_string(),
            topic: None,
            dedupe,
            title,
            payload,
            due_at: now,
            caused_by: None,
        },
    )?;
    Ok(match put {
        Some(Put::New(_)) => Reported::New,
        Some(Put::Known(_)) => Reported::Known,
        None => Reported::Full,
    })
}

/// Where a trigger goes on: after the last mail that it was told of. When the server has numbered the
/// folder anew, or it is another folder, what the mailbox got after that mail.
fn start(db: &Connection, trigger: &Following, prefix: &str) -> Result<Start, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT dedupe, json_extract(payload,'$.received') FROM inbox
         WHERE target='automation' AND target_id=?1 AND source='mail' AND source_id=?2 AND due_at>=?3
         ORDER BY id DESC LIMIT 1",
    )?;
    let mut rows = query.query((
        trigger.automation,
        trigger.position.to_string(),
        trigger.since.0,
    ))?;
    // A mailbox tells whole seconds.
    let first = Start::Since(Time(trigger.since.0 - trigger.since.0.rem_euclid(1_000)));
    let Some(row) = rows.next()? else {
        return Ok(first);
    };
    let (dedupe, received): (String, Option<String>) = (row.get(0)?, row.get(1)?);
    if let Some(uid) = dedupe.strip_prefix(prefix).and_then(|uid| uid.parse().ok()) {
        return Ok(Start::After(uid));
    }
    let received: Option<Time> = received.and_then(|time| time.parse().ok());
    Ok(received.map_or(first, |time| Start::Since(time.plus_ms(1_000))))
}

fn dedupe((connection, folder): &Place, id: &str) -> String {
    format!("mail:{connection}:{folder}:{id}")
}

/// The name of an automation, if it is active.
pub(super) fn active(db: &Connection, automation: i64) -> Result<Option<String>, StoreError> {
    let row = automations::row(db, automation)?;
    let active = row.filter(|row| row.state == AutomationState::Active);
    Ok(active.map(|row| row.name))
}
