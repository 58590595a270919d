//! The store: one SQLite database, the source of truth for everything the agent knows.
//!
//! `writer.rs` is the one writer with group commit and the durability rule; `readers.rs` the pool
//! of readers; `schema.rs` opens, migrates and backs up; `restore.rs` puts a copy back; `keys.rs` the ids people
//! see;
//! `migrations/*.sql` the schema. Queries stand beside their use, in the rooms above.

pub mod automations;
pub mod chats;
pub mod commands;
pub mod connections;
pub mod costs;
pub mod devices;
pub mod events;
pub mod inbox;
mod keys;
pub mod ledger;
pub mod needs;
pub mod pushes;
mod readers;
pub mod restore;
pub mod runs;
mod schema;
pub mod settings;
pub mod steps;
pub mod tasks;
pub mod threads;
pub mod triggers;
mod writer;

pub use keys::{Key, KeyError};
pub(crate) use schema::back_up;
pub use schema::{DATABASE, Lock, SCHEMA_VERSION};
pub use writer::{Durability, Lost};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused a statement.
    #[error("the database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No space left: nothing of the transaction was written.
    #[error("the disk is full; nothing of this was written, and what was written before is safe")]
    Full,
    /// The database cannot be written to.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// Written by a newer Deputy.
    #[error(
        "this data was written by a newer Deputy (schema {found}, this one knows {known}); it was not touched"
    )]
    Newer {
        /// The schema found.
        found: i64,
        /// The schema this build knows.
        known: i64,
    },
    /// Another agent has it open.
    #[error("another agent (process {pid}) is using {home}; one data directory has one agent")]
    Locked {
        /// The data directory.
        home: String,
        /// The other agent's process id, if it wrote one.
        pid: String,
    },
    /// The file system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// An earlier write of the same run was lost, so this one must not stand.
    #[error("an earlier entry of this run's journal could not be written: {0}")]
    JournalGap(String),
    /// A stored value that this build cannot read.
    #[error("a stored {what} cannot be read: {message}")]
    Corrupt {
        /// What kind of value.
        what: &'static str,
        /// Why.
        message: String,
    },
    /// The writer has stopped (the agent is going down).
    #[error("the agent is stopping; nothing of this was written")]
    Stopped,
}

impl StoreError {
    /// A stored value that cannot be read.
    pub fn corrupt(what: &'static str, message: impl std::fmt::Display) -> Self {
        Self::Corrupt {
            what,
            message: message.to_string(),
        }
    }

    /// Names the kinds that people can act on, for a raw error of SQLite.
    pub(crate) fn from_sqlite(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::ReadOnly) => Self::ReadOnly(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }

    /// Names the kinds that people can act on, for an error of the file system.
    pub(crate) fn from_io(what: String, source: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                Self::ReadOnly(format!("{what}: {source}"))
            }
            _ => Self::Io { what, source },
        }
    }

    /// Whether it says that there is no room.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full => true,
            Self::Sqlite(e) => e.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            _ => false,
        }
    }
}

/// The store, shared by all rooms.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: writer::Writer,
    readers: readers::Readers,
    home: PathBuf,
    // Held for as long as the store lives; see `schema::lock`.
    _lock: schema::Lock,
}

impl Store {
    /// Opens the database of a data directory, creating or migrating it, and takes the directory's
    /// lock. Fails without touching anything when another agent has it or a newer one wrote it.
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        let lock = schema::lock(home)?;
        let path = home.join(DATABASE);
        let connection = schema::open(&path)?;
        Ok(Self {
            inner: Arc::new(Inner {
                writer: writer::Writer::start(connection)?,
                readers: readers::Readers::new(path),
                home: home.to_owned(),
                _lock: lock,
            }),
        })
    }

    /// Takes a data directory without opening its database, for as long as the file lives.
    pub fn lock(home: &Path) -> Result<Lock, StoreError> {
        schema::lock(home)
    }

    /// The data directory.
    pub fn home(&self) -> &Path {
        &self.inner.home
    }

    /// Applies `job` in a transaction with others that wait at the same time, and answers when it
    /// is committed; with [`Durability::Synced`], when it is on disk. A failing job changes nothing.
    /// In a task that applies a command, the command counts as applied with it.
    pub async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let command = commands::present();
        let job = move |db: &rusqlite::Connection| {
            let done = job(db)?;
            if let Some(command) = command {
                commands::mark(db, &command)?;
            }
            Ok(done)
        };
        self.submit(durability, job)
            .await
            .unwrap_or(Err(StoreError::Stopped))
    }

    /// Like [`Store::write`], but the job is in the queue when this returns, so that the order of
    /// calls is the order of writes; the answer is awaited by whoever wants it.
    pub fn submit<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> tokio::sync::oneshot::Receiver<Result<T, StoreError>> {
        self.inner.writer.submit(durability, job)
    }

    /// Applies `job` some time soon, before anything written later. If it fails, `lost` is set, and
    /// whoever shares `lost` must not go on.
    pub fn write_behind(
        &self,
        lost: &Lost,
        job: impl FnOnce(&rusqlite::Connection) -> Result<(), StoreError> + Send + 'static,
    ) {
        self.inner.writer.write_behind(lost, job);
    }

    /// Runs a query on a reader.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let _turn = self.inner.readers.turn().await;
        tokio::task::spawn_blocking(move || store.inner.readers.with(query))
            .await
            .map_err(|_| StoreError::Stopped)?
    }

    /// Runs a query that finds a few rows by their keys, where it is called: handing it to another
    /// thread would take longer than the query. Waits its turn like [`Store::read`].
    pub async fn glance<T>(
        &self,
        query: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _turn = self.inner.readers.turn().await;
        self.inner.readers.with(query)
    }

    /// Changes whenever anything may have been committed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.writer.changes()
    }

    /// Changes whenever events were committed; its value is of no meaning, what there is to know is
    /// in `events`. A step of a run is no event, so this is the quieter of the two.
    pub fn events(&self) -> watch::Receiver<i64> {
        self.inner.writer.events()
    }
}
