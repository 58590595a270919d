//! Chats: what the user sees, append-only. Any client can rebuild its view from a sequence number.

use super::{Key, StoreError, events};
use deputy_protocol::Time;
use deputy_protocol::model::ChatEvent;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

/// Who says a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The user.
    User,
    /// Deputy.
    Deputy,
}

impl Author {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Deputy => "deputy",
        }
    }
}

/// Appends a line to an automation's chat, or to the general one.
pub fn append(
    db: &Connection,
    automation: Option<i64>,
    kind: &str,
    author: Author,
    data: &Value,
    at: Time,
) -> Result<i64, StoreError> {
    let chat = chat(db, automation, at)?;
    db.prepare_cached(
        "INSERT INTO chat_events (chat, at, kind, author, data) VALUES (?1,?2,?3,?4,?5)",
    )?
    .execute(params![chat, at.0, kind, author.as_str(), data.to_string()])?;
    let seq = db.last_insert_rowid();
    events::record(
        db,
        at,
        "chat",
        automation,
        None,
        &serde_json::json!({"chat_seq": seq, "kind": kind}),
    )?;
    Ok(seq)
}

fn chat(db: &Connection, automation: Option<i64>, at: Time) -> Result<i64, StoreError> {
    let known = db
        .prepare_cached("SELECT id FROM chats WHERE automation IS ?1")?
        .query_row([automation], |r| r.get(0))
        .optional()?;
    if let Some(key) = known {
        return Ok(key);
    }
    db.prepare_cached("INSERT INTO chats (automation, created_at) VALUES (?1,?2)")?
        .execute(params![automation, at.0])?;
    Ok(db.last_insert_rowid())
}

/// The latest lines after a sequence number, oldest first; of one chat, or of all.
pub fn after(
    db: &Connection,
    automation: Option<i64>,
    seq: i64,
    limit: u32,
) -> Result<Vec<ChatEvent>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT e.seq, e.at, c.automation, e.kind, e.author, e.data FROM chat_events e JOIN chats c ON c.id=e.chat
         WHERE e.seq>?1 AND (?2 IS NULL OR c.automation=?2) ORDER BY e.seq DESC LIMIT ?3",
    )?;
    let mut lines: Vec<ChatEvent> = query
        .query_map(params![seq, automation, limit], |r| {
            Ok(ChatEvent {
                seq: r.get(0)?,
                at: Time(r.get(1)?),
                automation: r.get::<_, Option<i64>>(2)?.map(|k| Key::Automation.id(k)),
                kind: r.get(3)?,
                author: r.get(4)?,
                data: serde_json::from_str(&r.get::<_, String>(5)?).unwrap_or(Value::Null),
            })
        })?
        .collect::<Result<_, _>>()?;
    lines.reverse();
    Ok(lines)
}
