//! Commands that were applied. That one was is written in the same transaction as what it does, so
//! that no crash can part the two; its answer follows when there is one.

use super::StoreError;
use deputy_protocol::Time;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// For how long a command's id counts.
const REMEMBERED_MS: i64 = 7 * 86_400_000;

/// A command that is being applied.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its id.
    pub id: Arc<str>,
    /// When it came.
    pub at: Time,
}

tokio::task_local! {
    /// What the task's writes belong to.
    static APPLYING: Command;
}

/// What is known of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing was written for it.
    Not,
    /// Something was, and the agent ended before it could answer.
    Unanswered,
    /// It was answered so (JSON).
    Answered(String),
}

/// Does what `work` does as this command: its first write, and each later one, marks the command as
/// applied. Tasks that `work` starts are not part of it.
pub async fn applying<F: Future>(command: Command, work: F) -> F::Output {
    APPLYING.scope(command, work).await
}

/// The command that the present task applies.
pub(super) fn present() -> Option<Command> {
    APPLYING.try_with(Clone::clone).ok()
}

pub(super) fn mark(db: &Connection, command: &Command) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR IGNORE INTO commands (id, applied_at, reply) VALUES (?1,?2,'')")?
        .execute(params![&*command.id, command.at.0])?;
    Ok(())
}

/// Whether a command was applied before.
pub fn applied(db: &Connection, id: &str) -> Result<Applied, StoreError> {
    let reply: Option<String> = db
        .prepare_cached("SELECT reply FROM commands WHERE id=?1")?
        .query_row([id], |r| r.get(0))
        .optional()?;
    Ok(match reply {
        None => Applied::Not,
        Some(reply) if reply.is_empty() => Applied::Unanswered,
        Some(reply) => Applied::Answered(reply),
    })
}

/// Keeps a command's answer, and forgets those of long ago.
pub fn answered(db: &Connection, command: &Command, reply: &str) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO commands (id, applied_at, reply) VALUES (?1,?2,?3)
         ON CONFLICT (id) DO UPDATE SET reply=excluded.reply",
    )?
    .execute(params![&*command.id, command.at.0, reply])?;
    db.prepare_cached("DELETE FROM commands WHERE applied_at<?1")?
        .execute([command.at.0 - REMEMBERED_MS])?;
    Ok(())
}
