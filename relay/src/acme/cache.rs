//! What a relay keeps on disk, only when its operator names a folder: the account's key, and the
//! certificate with its key. Each is one file, readable for its owner alone, and replaced whole.

use super::account::Account;
use crate::error::RelayError;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const ACCOUNT: &str = "account.pem";
const CERTIFICATE: &str = "certificate.pem";

/// A folder that the operator named.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Makes the folder if it is not there, and sees that it can be written to: a relay that finds
    /// out only after it ordered a certificate would order another one at each start.
    pub(super) fn open(folder: &Path) -> Result<Self, RelayError> {
        let bad = |error: std::io::Error| {
            RelayError::Config(format!(
                "cannot keep a certificate in {}: {error}. Give --acme-cache a folder that the relay may write to, or leave it out",
                folder.display()
            ))
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder).map_err(bad)?;
        tempfile::NamedTempFile::new_in(folder).map_err(bad)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The account's key, made and written when there is none.
    pub(super) fn account(&self) -> Result<Account, RelayError> {
        let path = self.folder.join(ACCOUNT);
        if path.exists() {
            return Account::read(&path);
        }
        let account = Account::new()?;
        self.write(ACCOUNT, &account.pem()).map_err(|error| {
            RelayError::Config(format!("cannot write {}: {error}", path.display()))
        })?;
        Ok(account)
    }

    /// The certificate that came from `directory`, as it was written; `None` without one.
    pub(super) fn certificate(&self, directory: &str) -> std::io::Result<Option<String>> {
        match fs::read_to_string(self.folder.join(CERTIFICATE)) {
            Ok(text) => Ok(text
                .split_once('\n')
                .filter(|(first, _)| *first == origin(directory))
                .map(|(_, pem)| pem.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a certificate from `directory`, its key first.
    pub(super) fn keep(&self, directory: &str, pem: &str) -> std::io::Result<()> {
        self.write(CERTIFICATE, &format!("{}\n{pem}", origin(directory)))
    }

    /// A temporary file is its owner's alone from the start.
    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(self.folder.join(name))?;
        fs::File::open(&self.folder)?.sync_all()
    }
}

/// A test authority's certificate must not be taken for a real one.
fn origin(directory: &str) -> String {
    format!("# from {directory}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_its_owner_can_read_it_and_nothing_else_lies_there() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("acme");
        let cache = Cache::open(&folder).unwrap();
        let first = cache.account().unwrap();
        cache.keep("https://one", "key and chain").unwrap();
        cache.keep("https://one", "another key and chain").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(mode(&entry.path()), 0o600);
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, [ACCOUNT, CERTIFICATE]);
        let again = Cache::open(&folder).unwrap();
        assert_eq!(again.account().unwrap().pem(), first.pem());
        let kept = again.certificate("https://one").unwrap();
        assert_eq!(kept.as_deref(), Some("another key and chain"));
    }

    #[test]
    fn another_authoritys_certificate_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        assert_eq!(cache.certificate("https://one").unwrap(), None);
        cache.keep("https://staging", "pem").unwrap();
        assert_eq!(cache.certificate("https://one").unwrap(), None);
        assert!(cache.certificate("https://staging").unwrap().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_told_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Cache::open(&file.join("acme")).unwrap_err().to_string();
        assert!(error.contains("--acme-cache"), "{error}");
    }
}
