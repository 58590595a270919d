//! The planner's and maintainer's conversations with a model: append-only, one row a message.

use super::StoreError;
use deputy_protocol::Time;
use rusqlite::{Connection, params};
use serde_json::Value;

/// Begins a thread.
pub fn begin(db: &Connection, automation: Option<i64>, at: Time) -> Result<i64, StoreError> {
    db.prepare_cached("INSERT INTO threads (automation, created_at) VALUES (?1,?2)")?
        .execute(params![automation, at.0])?;
    Ok(db.last_insert_rowid())
}

/// Appends a message.
pub fn append(
    db: &Connection,
    thread: i64,
    role: &str,
    content: &Value,
    at: Time,
) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO messages (thread, role, content, at) VALUES (?1,?2,?3,?4)")?
        .execute(params![thread, role, content.to_string(), at.0])?;
    Ok(())
}

/// A thread's messages (role, content), in order.
pub fn messages(db: &Connection, thread: i64) -> Result<Vec<(String, Value)>, StoreError> {
    let mut query =
        db.prepare_cached("SELECT role, content FROM messages WHERE thread=?1 ORDER BY id")?;
    let mut rows = query.query([thread])?;
    let mut messages = Vec::new();
    while let Some(r) = rows.next()? {
        let text: String = r.get(1)?;
        let content = serde_json::from_str(&text).map_err(|e| StoreError::corrupt("message", e))?;
        messages.push((r.get(0)?, content));
    }
    Ok(messages)
}
