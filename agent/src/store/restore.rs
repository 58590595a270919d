//! A copy of the database in the present one's place.
//!
//! What happened after the copy was made is not in it, and what happened must not happen twice. So
//! what the present database still knows of that is carried over (effects, inputs, commands,
//! revoked devices, and which ids are taken), and the copy is marked: the agent that opens it next
//! holds everything and asks before it goes on (`executor/restored.rs`).

use super::schema::{self, DATABASE, Lock, SCHEMA_VERSION};
use super::{StoreError, settings};
use crate::fault;
use deputy_protocol::Time;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The setting that marks a copy which no agent has opened yet.
pub const RESTORED: &str = "restored";

/// What is known of a restored copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When the last thing happened that is in the copy.
    pub until: Option<Time>,
    /// When it was put in place.
    pub at: Time,
    /// Whether the effects since then were carried over from the database before.
    pub carried_over: bool,
}

/// What became of it.
#[derive(Debug)]
pub struct Restoration {
    /// Where the database before is kept, if there was one.
    pub kept: Option<PathBuf>,
    /// What the copy is marked with.
    pub mark: Restored,
}

/// Puts the copy `file` in the place of the database in `home`, whose lock is held. It is there whole
/// or not at all, whenever this is cut off. The database before is kept beside it.
///
/// # Errors
/// When the copy is not sound or cannot be written: then the present database is as it was.
pub fn restore(
    _lock: &Lock,
    home: &Path,
    file: &Path,
    now: Time,
) -> Result<Restoration, StoreError> {
    schema::check(file)?;
    let (present, coming) = (home.join(DATABASE), home.join("deputy.db.restoring"));
    remove(&coming)?;
    schema::back_up(&open_to_read(file)?, &coming)?;
    fault::point("restore.copied");
    let kept = keep(home, &present)?;
    fault::point("restore.kept");
    let db = schema::open(&coming)?;
    let carried_over = match &kept {
        Some(kept) => carry_over(&db, kept)?,
        None => false,
    };
    let until: Option<i64> = db.query_row("SELECT max(at) FROM events", [], |r| r.get(0))?;
    let mark = Restored {
        until: until.map(Time),
        at: now,
        carried_over,
    };
    let value = serde_json::to_value(&mark).map_err(|e| StoreError::corrupt("mark", e))?;
    settings::set(&db, RESTORED, &value)?;
    db.pragma_update(None, "journal_mode", "DELETE")?;
    db.close().map_err(|(_, error)| error)?;
    sync(&coming)?;
    fault::point("restore.ready");
    for suffix in ["-wal", "-shm"] {
        // All that is in it is in what was kept; it would be taken for the new database's.
        remove(&home.join(format!("{DATABASE}{suffix}")))?;
    }
    fault::point("restore.cleared");
    std::fs::rename(&coming, &present).map_err(io("putting the copy in place"))?;
    fault::point("restore.placed");
    sync(home)?;
    Ok(Restoration { kept, mark })
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> StoreError {
    let what = what.to_owned();
    move |source| StoreError::from_io(what, source)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(io(&format!("removing {}", path.display()))(e))
        }
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(io(&format!("writing {}", path.display())))
}

fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(path, flags).map_err(StoreError::from_sqlite)
}

/// Keeps a copy of the present database, with what its log holds: what cannot be read as a database
/// is kept file by file. `None` when there is none.
fn keep(home: &Path, present: &Path) -> Result<Option<PathBuf>, StoreError> {
    if !present.exists() {
        return Ok(None);
    }
    let mut kept = home.join("deputy.db.before-restore");
    let mut others = 1;
    while kept.exists() {
        others += 1;
        kept = home.join(format!("deputy.db.before-restore-{others}"));
    }
    let copied = { Connection::open(present).map_err(StoreError::from_sqlite) }.and_then(|db| {
        // Else its log would be needed until the very moment at which it is in the way.
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        schema::back_up(&db, &kept)
    });
    if copied.is_ok() {
        sync(&kept)?;
        return Ok(Some(kept));
    }
    for suffix in ["", "-wal"] {
        let named = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if named(present).exists() {
            std::fs::copy(named(present), named(&kept))
                .map_err(io("keeping the present database"))?;
        }
    }
    Ok(Some(kept))
}

/// Which automations are the same in both.
const SAME: &str = "SELECT a.id FROM main.automations a
     JOIN before.automations b ON b.id=a.id AND b.created_at=a.created_at";

/// An effect without an end belongs to an entry that the copy's journals do not have: to no run, so
/// that whoever wants it finds out first whether it happened.
const GONE: &str = "(state IN ('done','failed','skipped'))*";

/// Takes over from the database before what must not be forgotten. `false` when it cannot be read or
/// is about something else: then nothing was taken.
fn carry_over(db: &Connection, before: &Path) -> Result<bool, StoreError> {
    if !is_readable(before) {
        return Ok(false);
    }
    db.execute("ATTACH ?1 AS before", [before.display().to_string()])?;
    let installation = |name: &str| {
        let sql = format!("SELECT value FROM {name}.settings WHERE key='installation'");
        db.query_row(&sql, [], |r| r.get::<_, String>(0)).optional()
    };
    let own = installation("main")?;
    let is_same = own.is_some() && own == installation("before")?;
    if is_same {
        let transaction = db.unchecked_transaction()?;
        db.execute_batch(&format!(
            "INSERT INTO main.ledger (automation, tool, effect_key, args_digest, run, seq, state, title, outcome, caused_by, at)
             SELECT automation, tool, effect_key, args_digest, {GONE} run, {GONE} seq, state, title, outcome, caused_by, at
             FROM before.ledger WHERE automation IN ({SAME}) ORDER BY id
             ON CONFLICT (automation, tool, effect_key) DO UPDATE SET
               args_digest=excluded.args_digest, run=excluded.run, seq=excluded.seq,
               state=excluded.state, outcome=excluded.outcome, at=excluded.at
             WHERE main.ledger.state<>excluded.state;

             UPDATE main.inbox SET state=b.state, reason=b.reason, epoch=b.epoch
             FROM before.inbox b
             WHERE b.id=main.inbox.id AND b.target=main.inbox.target AND b.target_id=main.inbox.target_id
               AND b.dedupe=main.inbox.dedupe AND b.state IN ('done','failed','skipped');

             INSERT OR IGNORE INTO main.inbox
               (id, source, source_id, target, target_id, topic, dedupe, title, payload, state, due_at,
                available_at, run, reason, epoch)
             SELECT id, source, source_id, target, target_id, topic, dedupe, title, payload,
               CASE state WHEN 'claimed' THEN 'pending' ELSE state END, due_at, available_at,
               CASE state WHEN 'claimed' THEN NULL ELSE run END, reason, epoch
             FROM before.inbox WHERE target='automation' AND target_id IN ({SAME}) ORDER BY id;

             INSERT OR IGNORE INTO main.commands (id, applied_at, reply)
             SELECT id, applied_at, reply FROM before.commands;

             UPDATE main.devices SET revoked_at=b.revoked_at FROM before.devices b
             WHERE b.public_key=main.devices.public_key AND b.revoked_at IS NOT NULL
               AND main.devices.revoked_at IS NULL;

             INSERT INTO main.sqlite_sequence (name, seq)
             SELECT name, 0 FROM before.sqlite_sequence
             WHERE name NOT IN (SELECT name FROM main.sqlite_sequence);
             UPDATE main.sqlite_sequence SET seq=max(main.sqlite_sequence.seq, b.seq)
             FROM before.sqlite_sequence b WHERE b.name=main.sqlite_sequence.name;"
        ))
        .map_err(StoreError::from_sqlite)?;
        transaction.commit().map_err(StoreError::from_sqlite)?;
    }
    db.execute("DETACH before", [])?;
    Ok(is_same)
}

/// Whether a database is sound and of this build's schema.
fn is_readable(path: &Path) -> bool {
    let version = |db: &Connection| {
        db.query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0))
            .map_err(StoreError::from_sqlite)
    };
    let found = schema::check(path).and_then(|()| version(&open_to_read(path)?));
    found.is_ok_and(|found| found == SCHEMA_VERSION)
}
