//! Opening: the directory's lock, the schema's versions, forward migrations each in a transaction
//! with a copy of the database taken before.

use super::StoreError;
use rusqlite::Connection;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// The database's file name in the data directory.
pub const DATABASE: &str = "deputy.db";

/// Each migration, in order; a schema's version is how many of them were applied.
const MIGRATIONS: &[(&str, &str)] = &[
    ("first", include_str!("migrations/0001_first.sql")),
    (
        "resumptions",
        include_str!("migrations/0002_resumptions.sql"),
    ),
    ("devices", include_str!("migrations/0003_devices.sql")),
    ("pushes", include_str!("migrations/0004_pushes.sql")),
];

/// The schema that this build writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Marks the file as Deputy's, for `file` and for us ("Dpty").
const APPLICATION_ID: i64 = 0x4470_7479;

fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> StoreError {
    let what = what.into();
    move |source| StoreError::from_io(what, source)
}

/// A data directory that is this process's, until it is dropped.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a sandbox that is being started this very moment:
        // until it runs its own program, that process holds the same open file.
        let _ = self.0.unlock();
    }
}

/// Takes the data directory for this process, by its canonical path.
pub(super) fn lock(home: &Path) -> Result<Lock, StoreError> {
    std::fs::create_dir_all(home).map_err(io(format!(
        "creating the data directory {}",
        home.display()
    )))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A data directory on a read-only disk is reported where it matters: at the first write.
        let _ = std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o700));
    }
    let canonical = home
        .canonicalize()
        .map_err(io(format!("reading {}", home.display())))?;
    let path = canonical.join("agent.lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io(format!("opening {}", path.display())))?;
    take(&mut file, &canonical, &path)?;
    // The id is a courtesy for the message above; the lock itself is what counts.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()));
    Ok(Lock(file))
}

/// How long a lock is waited for whose agent is dead, or was this very process's.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// Locks the file. An agent that was killed while it started a sandbox leaves the lock to that
/// process until it runs its own program: a moment later it is free.
fn take(file: &mut File, home: &Path, path: &Path) -> Result<(), StoreError> {
    let deadline = Instant::now() + LAST_BREATH;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(e)) => {
                return Err(io(format!("locking {}", path.display()))(e));
            }
        }
        let mut pid = String::new();
        let _ = file
            .rewind()
            .and_then(|()| file.read_to_string(&mut pid).map(drop));
        let pid = pid.trim().to_owned();
        if is_alive(&pid) || Instant::now() >= deadline {
            return Err(StoreError::Locked {
                home: home.display().to_string(),
                pid,
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether another process that wrote its id is there; an id that cannot be read yet may be.
fn is_alive(pid: &str) -> bool {
    if pid.parse() == Ok(std::process::id()) {
        return false;
    }
    let known = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    known.is_none_or(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Opens the database for writing, migrated to [`SCHEMA_VERSION`].
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let existed = path.exists();
    let mut db = Connection::open(path).map_err(StoreError::from_sqlite)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    let found: i64 = db
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(StoreError::from_sqlite)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer {
            found,
            known: SCHEMA_VERSION,
        });
    }
    if existed && found > 0 && found < SCHEMA_VERSION {
        back_up(
            &db,
            &path.with_file_name(format!("deputy.db.before-schema-{}", found + 1)),
        )?;
    }
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
         PRAGMA cache_size=-6000; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=2000;
         PRAGMA journal_size_limit=67108864;",
    )
    .map_err(StoreError::from_sqlite)?;
    db.set_prepared_statement_cache_capacity(128);
    keep_plans(&db)?;
    migrate(&mut db, found, MIGRATIONS)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
            .map_err(io(format!("protecting {}", path.display())))?;
    }
    Ok(db)
}

/// Keeps a statement's plan whatever is bound to it. Otherwise SQLite, built with STAT4, prepares
/// statements with ranges anew for each new value.
pub(super) fn keep_plans(db: &Connection) -> Result<(), StoreError> {
    db.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG,
        true,
    )?;
    Ok(())
}

fn migrate(db: &mut Connection, from: i64, migrations: &[(&str, &str)]) -> Result<(), StoreError> {
    for (index, (_, sql)) in migrations
        .iter()
        .enumerate()
        .skip(usize::try_from(from).unwrap_or(0))
    {
        let version = index as i64 + 1;
        let transaction = db.transaction().map_err(StoreError::from_sqlite)?;
        transaction
            .execute_batch(sql)
            .map_err(StoreError::from_sqlite)?;
        transaction.execute_batch(&format!(
            "PRAGMA user_version={version}; PRAGMA application_id={APPLICATION_ID};"
        ))?;
        transaction.commit().map_err(StoreError::from_sqlite)?;
    }
    Ok(())
}

/// Whether a file is a sound database of this application, of a schema that this build knows.
pub(super) fn check(file: &Path) -> Result<(), StoreError> {
    let db = Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let pragma = |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |r| r.get::<_, i64>(0));
    if pragma("application_id")? != APPLICATION_ID {
        return Err(StoreError::corrupt(
            "backup",
            "the file is not one of Deputy's",
        ));
    }
    let found = pragma("user_version")?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer {
            found,
            known: SCHEMA_VERSION,
        });
    }
    let sound: String = db.query_row("PRAGMA integrity_check", [], |r| r.get(0))?;
    if sound == "ok" {
        Ok(())
    } else {
        Err(StoreError::corrupt("backup", sound))
    }
}

/// Copies the database as it is now, while it is open, for this user's eyes only.
pub(crate) fn back_up(db: &Connection, to: &Path) -> Result<(), StoreError> {
    let mut file = File::options();
    file.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(to)
        .map_err(io(format!("creating {}", to.display())))?;
    let mut copy = Connection::open(to)?;
    let backup = rusqlite::backup::Backup::new(db, &mut copy)?;
    backup.run_to_completion(1024, std::time::Duration::ZERO, None)?;
    drop(backup);
    copy.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_new_database_has_the_present_schema_and_no_errors() {
        let home = tempfile::tempdir().unwrap();
        let db = open(&home.path().join(DATABASE)).unwrap();
        let version: i64 = db
            .query_row("PRAGMA user_version", [], |r| r.get(0))
            .unwrap();
        assert_eq!(version, SCHEMA_VERSION);
        let check: String = db
            .query_row("PRAGMA integrity_check", [], |r| r.get(0))
            .unwrap();
        assert_eq!(check, "ok");
    }

    #[test]
    fn a_lock_that_was_let_go_is_free_while_a_child_still_has_its_file() {
        let home = tempfile::tempdir().unwrap();
        let held = lock(home.path()).unwrap();
        // What a process that was forked and has not yet run its program holds: the same open file.
        let inherited = held.0.try_clone().unwrap();
        drop(held);
        assert!(lock(home.path()).is_ok());
        drop(inherited);
    }

    #[test]
    fn every_table_is_strict() {
        let home = tempfile::tempdir().unwrap();
        let db = open(&home.path().join(DATABASE)).unwrap();
        let mut loose = db
            .prepare("SELECT name FROM pragma_table_list WHERE schema='main' AND type='table' AND strict=0 AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        let names: Vec<String> = loose
            .query_map([], |r| r.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(names, Vec::<String>::new());
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(DATABASE);
        open(&path)
            .unwrap()
            .execute_batch("PRAGMA user_version=999")
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(
            open(&path),
            Err(StoreError::Newer { found: 999, .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn an_older_database_is_copied_before_it_is_migrated() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(DATABASE);
        let mut db = open(&path).unwrap();
        db.execute(
            "INSERT INTO notes (name, text, updated_at) VALUES ('a', 'b', 0)",
            [],
        )
        .unwrap();
        back_up(&db, &home.path().join("copy.db")).unwrap();
        let next: Vec<(&str, &str)> = MIGRATIONS
            .iter()
            .copied()
            .chain([("next", "ALTER TABLE notes ADD COLUMN extra TEXT")])
            .collect();
        migrate(&mut db, SCHEMA_VERSION, &next).unwrap();
        let extra: Option<String> = db
            .query_row("SELECT extra FROM notes WHERE name='a'", [], |r| r.get(0))
            .unwrap();
        assert_eq!(extra, None);
        let copy = Connection::open(home.path().join("copy.db")).unwrap();
        let version: i64 = copy
            .query_row("PRAGMA user_version", [], |r| r.get(0))
            .unwrap();
        assert_eq!(version, SCHEMA_VERSION);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let mut db = open(&home.path().join(DATABASE)).unwrap();
        let bad: Vec<(&str, &str)> = MIGRATIONS
            .iter()
            .copied()
            .chain([("bad", "CREATE TABLE x (a TEXT) STRICT; SELECT nonsense;")])
            .collect();
        assert!(migrate(&mut db, SCHEMA_VERSION, &bad).is_err());
        let version: i64 = db
            .query_row("PRAGMA user_version", [], |r| r.get(0))
            .unwrap();
        assert_eq!(version, SCHEMA_VERSION);
        assert!(db.prepare("SELECT * FROM x").is_err());
    }

    // openclaw/openclaw #115979: two stores through a link ran everything twice.
    #[test]
    fn the_lock_of_a_dead_agent_is_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let mut dead = std::process::Command::new("true").spawn().unwrap();
        dead.wait().unwrap();
        let held = lock(home.path()).unwrap();
        std::fs::write(home.path().join("agent.lock"), dead.id().to_string()).unwrap();
        let waiting = home.path().to_owned();
        let waiter = std::thread::spawn(move || lock(&waiting).map(drop));
        drop(held);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn one_directory_has_one_agent_also_through_a_link() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        let held = lock(&real).unwrap();
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let error = lock(&link).unwrap_err();
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
        drop(held);
        lock(&link).unwrap();
    }
}
