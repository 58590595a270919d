//! Planning tasks: rows. A task is made with the words that it is for; it runs, waits for an answer,
//! and ends. Its conversation is a thread of its own.

use crate::store::{Key, StoreError, chats, events};
use deputy_protocol::Time;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It is at work, or will be at the next start.
    Running,
    /// The user must answer first.
    Waiting,
    /// It led to a proposal.
    Done,
    /// It led to nothing.
    Failed,
    /// It was called off.
    Cancelled,
}

impl TaskState {
    /// As it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Waiting,
            Self::Done,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// What a task carries along.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskDetail {
    /// The user's words that began it.
    pub text: String,
    /// The user's zone.
    pub timezone: String,
    /// Whether the user has accepted in advance what is without doubt.
    pub accept: bool,
    /// Whether it has read something private.
    pub private: bool,
    /// The proposal that it led to.
    pub proposal: Option<i64>,
    /// Why it led to nothing.
    pub error: Option<deputy_protocol::ErrorBody>,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its key.
    pub key: i64,
    /// The automation that it makes or changes.
    pub automation: i64,
    /// Its conversation, once begun.
    pub thread: Option<i64>,
    /// Where it is.
    pub state: TaskState,
    /// What it carries along.
    pub detail: TaskDetail,
}

const COLUMNS: &str = "id, automation, thread, state, detail";

fn task(r: &rusqlite::Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        key: r.get(0)?,
        automation: r.get(1)?,
        thread: r.get(2)?,
        state: TaskState::parse(&r.get::<_, String>(3)?).unwrap_or(TaskState::Failed),
        detail: serde_json::from_str(&r.get::<_, String>(4)?).unwrap_or_default(),
    })
}

/// Makes a task that runs.
pub fn insert(
    db: &Connection,
    automation: i64,
    detail: &TaskDetail,
    at: Time,
) -> Result<i64, StoreError> {
    db.prepare_cached(
        "INSERT INTO tasks (kind, automation, state, detail, created_at) VALUES ('plan',?1,'running',?2,?3)",
    )?
    .execute(params![automation, json!(detail).to_string(), at.0])?;
    let task = db.last_insert_rowid();
    begin_run(db, task, at)?;
    Ok(task)
}

/// One task.
pub fn get(db: &Connection, key: i64) -> Result<Option<Task>, StoreError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM tasks WHERE id=?1 AND kind='plan'"
        ))?
        .query_row([key], task)
        .optional()?;
    Ok(found)
}

/// The task of an automation that runs or waits.
pub fn open_of(db: &Connection, automation: i64) -> Result<Option<Task>, StoreError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM tasks WHERE kind='plan' AND automation=?1
               AND state IN ('running','waiting') ORDER BY id DESC LIMIT 1"
        ))?
        .query_row([automation], task)
        .optional()?;
    Ok(found)
}

/// The tasks that were at work when the process ended.
pub fn running(db: &Connection) -> Result<Vec<i64>, StoreError> {
    let tasks = db
        .prepare_cached("SELECT id FROM tasks WHERE kind='plan' AND state='running' ORDER BY id")?
        .query_map([], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(tasks)
}

/// Opens a sitting.
pub fn begin_run(db: &Connection, task: i64, at: Time) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO task_runs (task, state, detail, started_at) VALUES (?1,'running','{}',?2)",
    )?
    .execute(params![task, at.0])?;
    Ok(())
}

/// Gives a task its conversation.
pub fn set_thread(db: &Connection, task: i64, thread: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE tasks SET thread=?2 WHERE id=?1")?
        .execute(params![task, thread])?;
    Ok(())
}

/// Writes what a task carries along.
pub fn set_detail(db: &Connection, task: i64, detail: &TaskDetail) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE tasks SET detail=?2 WHERE id=?1")?
        .execute(params![task, json!(detail).to_string()])?;
    Ok(())
}

/// Moves an open task on, and closes its sitting when it does not run any more. False when the task
/// was not open.
pub fn set_state(
    db: &Connection,
    task: &Task,
    state: TaskState,
    at: Time,
) -> Result<bool, StoreError> {
    let changed = db
        .prepare_cached(
            "UPDATE tasks SET state=?2, detail=?3 WHERE id=?1 AND state IN ('running','waiting')",
        )?
        .execute(params![
            task.key,
            state.as_str(),
            json!(task.detail).to_string()
        ])?;
    if changed == 0 {
        return Ok(false);
    }
    if state == TaskState::Running {
        begin_run(db, task.key, at)?;
    } else {
        db.prepare_cached(
            "UPDATE task_runs SET state=?2, ended_at=?3 WHERE task=?1 AND ended_at IS NULL",
        )?
        .execute(params![task.key, state.as_str(), at.0])?;
    }
    let data = json!({"task": Key::Task.id(task.key), "state": state.as_str()});
    events::record(db, at, "task_changed", Some(task.automation), None, &data)?;
    Ok(true)
}

/// A line about how planning goes on.
pub fn tell(
    db: &Connection,
    task: &Task,
    kind: &str,
    title: &str,
    text: &str,
    at: Time,
) -> Result<(), StoreError> {
    let data = json!({"task": Key::Task.id(task.key), "title": title, "text": text});
    chats::append(
        db,
        Some(task.automation),
        kind,
        chats::Author::Deputy,
        &data,
        at,
    )?;
    Ok(())
}

/// What the user has said and answered in an automation's chat, oldest first.
pub fn words(db: &Connection, automation: i64) -> Result<Vec<String>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT e.data FROM chat_events e JOIN chats c ON c.id=e.chat
         WHERE c.automation=?1 AND e.author='user' ORDER BY e.seq",
    )?;
    let mut rows = query.query([automation])?;
    let mut words = Vec::new();
    while let Some(row) = rows.next()? {
        let data: Value = serde_json::from_str(&row.get::<_, String>(0)?).unwrap_or_default();
        if let Some(text) = data["text"].as_str() {
            words.push(text.to_owned());
        }
    }
    Ok(words)
}
