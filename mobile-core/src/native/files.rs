//! Where an app keeps what outlives it.

use crate::client::Kept;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Keeps sealed bytes.
pub trait Keeper: Send + Sync {
    /// Keeps these in place of what was there before; on disk when it returns.
    fn keep(&self, what: Kept, sealed: &[u8]) -> io::Result<()>;

    /// What is kept; `None` when there is nothing.
    fn kept(&self, what: Kept) -> io::Result<Option<Vec<u8>>>;
}

/// Keeps them as files of a directory.
#[derive(Clone, Debug)]
pub struct Files {
    directory: PathBuf,
}

impl Files {
    /// In a directory, which is made when it is not there.
    pub fn in_directory(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        std::fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    fn path(&self, what: Kept) -> PathBuf {
        self.directory.join(format!("{}.sealed", what.as_str()))
    }
}

impl Keeper for Files {
    fn keep(&self, what: Kept, sealed: &[u8]) -> io::Result<()> {
        let path = self.path(what);
        // Written beside and moved, so that it is there whole or as it was.
        let new = path.with_extension("new");
        let mut file = std::fs::File::create(&new)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        sync_directory(&self.directory)
    }

    fn kept(&self, what: Kept) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.path(what)) {
            Ok(sealed) => Ok(Some(sealed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}
