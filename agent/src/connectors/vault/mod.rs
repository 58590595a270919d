//! The vault: secrets sealed with XChaCha20-Poly1305 under a key that is not in the database.
//!
//! The key is in a file of mode 0600 beside the database. A platform keyring is not used yet (on
//! Linux its usual service is a desktop's; see chapter 13). Each secret is bound to its id and the
//! key's version, so that rows cannot be exchanged.

use crate::store::StoreError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rusqlite::{Connection, OptionalExtension, params};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use zeroize::Zeroizing;

/// The key file's name in the data directory.
const KEY_FILE: &str = "vault.key";

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file can be read by others.
    #[error("{0} can be read by others (mode {1:o}); the vault stays closed. Give it mode 600")]
    Exposed(String, u32),
    /// The key file is not one.
    #[error("{0} is not a vault key; the vault stays closed")]
    BadKey(String),
    /// The file system refused.
    #[error("the vault's key cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// A secret does not open with this key.
    #[error("a secret does not open with this machine's key; enter it again with `deputy connect`")]
    WrongKey,
    /// No randomness.
    #[error("the system gives no randomness")]
    Random,
}

/// A sealed secret.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The key's version.
    pub key_version: u32,
    /// 24 bytes, used once.
    pub nonce: Vec<u8>,
    /// The secret and its tag.
    pub ciphertext: Vec<u8>,
}

type Keys = Vec<(u32, Zeroizing<[u8; 32]>)>;

/// The open vault.
pub struct Vault {
    path: PathBuf,
    /// The present key last; earlier ones only while a rotation is under way.
    keys: RwLock<Keys>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    let got = rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty());
    (got == Ok(N)).then_some(bytes).ok_or(VaultError::Random)
}

impl Vault {
    /// Opens the vault of a data directory, making its key if there is none.
    pub fn open(home: &Path) -> Result<Self, VaultError> {
        let path = home.join(KEY_FILE);
        let keys = if path.exists() {
            read_keys(&path)?
        } else {
            vec![(1, Zeroizing::new(random()?))]
        };
        let vault = Self {
            keys: RwLock::new(keys),
            path,
        };
        if !vault.path.exists() {
            vault.save(&vault.read())?;
        }
        Ok(vault)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the keys: a new file, on disk, in place of the old one.
    fn save(&self, keys: &Keys) -> Result<(), VaultError> {
        let home = self.path.parent().unwrap_or_else(|| Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(home)?;
        for (version, key) in keys {
            let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
            writeln!(file, "{version} {}", Zeroizing::new(hex).as_str())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|e| e.error)?;
        std::fs::File::open(home)?.sync_all()?;
        Ok(())
    }

    /// Seals a secret under its id.
    pub fn seal(&self, id: &str, secret: &str) -> Result<Sealed, VaultError> {
        let keys = self.read();
        let (key_version, key) = keys.last().ok_or(VaultError::WrongKey)?;
        let nonce: [u8; 24] = random()?;
        let ciphertext = XChaCha20Poly1305::new(key.as_slice().into())
            .encrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: secret.as_bytes(),
                    aad: binding(id, *key_version).as_bytes(),
                },
            )
            .map_err(|_| VaultError::WrongKey)?;
        Ok(Sealed {
            key_version: *key_version,
            nonce: nonce.to_vec(),
            ciphertext,
        })
    }

    /// Opens a sealed secret.
    pub fn unseal(&self, id: &str, sealed: &Sealed) -> Result<Zeroizing<String>, VaultError> {
        let keys = self.read();
        let (version, key) = keys
            .iter()
            .find(|(version, _)| *version == sealed.key_version)
            .ok_or(VaultError::WrongKey)?;
        if sealed.nonce.len() != 24 {
            return Err(VaultError::WrongKey);
        }
        let plain = XChaCha20Poly1305::new(key.as_slice().into())
            .decrypt(
                XNonce::from_slice(&sealed.nonce),
                Payload {
                    msg: &sealed.ciphertext,
                    aad: binding(id, *version).as_bytes(),
                },
            )
            .map_err(|_| VaultError::WrongKey)?;
        String::from_utf8(plain)
            .map(Zeroizing::new)
            .map_err(|_| VaultError::WrongKey)
    }
}

fn binding(id: &str, version: u32) -> String {
    format!("deputy vault {version} {id}")
}

fn read_keys(path: &Path) -> Result<Keys, VaultError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(VaultError::Exposed(path.display().to_string(), mode));
        }
    }
    let text = Zeroizing::new(std::fs::read_to_string(path)?);
    let keys: Option<Keys> = text.lines().map(parse_key).collect();
    keys.filter(|keys| !keys.is_empty())
        .ok_or_else(|| VaultError::BadKey(path.display().to_string()))
}

fn parse_key(line: &str) -> Option<(u32, Zeroizing<[u8; 32]>)> {
    let (version, hex) = line.split_once(' ')?;
    let mut key = Zeroizing::new([0; 32]);
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (i, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
    }
    Some((version.parse().ok()?, key))
}

/// Keeps a sealed secret.
pub fn put_secret(db: &Connection, id: &str, sealed: &Sealed) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO secrets (id, key_version, nonce, ciphertext) VALUES (?1,?2,?3,?4)
         ON CONFLICT (id) DO UPDATE SET key_version=excluded.key_version, nonce=excluded.nonce, ciphertext=excluded.ciphertext",
    )?
    .execute(params![id, sealed.key_version, sealed.nonce, sealed.ciphertext])?;
    Ok(())
}

fn row(r: &rusqlite::Row<'_>) -> rusqlite::Result<Sealed> {
    Ok(Sealed {
        key_version: r.get(0)?,
        nonce: r.get(1)?,
        ciphertext: r.get(2)?,
    })
}

/// The secret of an id.
pub fn secret(
    db: &Connection,
    vault: &Vault,
    id: &str,
) -> Result<Result<Zeroizing<String>, VaultError>, StoreError> {
    let sealed = db
        .prepare_cached("SELECT key_version, nonce, ciphertext FROM secrets WHERE id=?1")?
        .query_row([id], row)
        .optional()?;
    Ok(sealed
        .ok_or(VaultError::WrongKey)
        .and_then(|sealed| vault.unseal(id, &sealed)))
}

/// Seals every secret anew under a new key. Both keys are on disk until the rows are, so that a
/// crash at any point leaves every secret readable. Returns how many there were.
pub fn rotate(db: &Connection, vault: &Vault) -> Result<usize, StoreError> {
    let failed = |e: VaultError| StoreError::corrupt("secret", e);
    let rows: Vec<(String, Sealed)> = db
        .prepare("SELECT id, key_version, nonce, ciphertext FROM secrets")?
        .query_map([], |r| {
            Ok((
                r.get(0)?,
                Sealed {
                    key_version: r.get(1)?,
                    nonce: r.get(2)?,
                    ciphertext: r.get(3)?,
                },
            ))
        })?
        .collect::<Result<_, _>>()?;
    let opened: Vec<(String, Zeroizing<String>)> = rows
        .into_iter()
        .map(|(id, sealed)| {
            vault
                .unseal(&id, &sealed)
                .map(|secret| (id, secret))
                .map_err(failed)
        })
        .collect::<Result<_, _>>()?;
    {
        let mut keys = vault.keys.write().unwrap_or_else(PoisonError::into_inner);
        let next = keys.last().map_or(1, |(version, _)| version + 1);
        let mut more = keys.clone();
        more.push((next, Zeroizing::new(random().map_err(failed)?)));
        vault.save(&more).map_err(failed)?;
        *keys = more;
    }
    for (id, secret) in &opened {
        put_secret(db, id, &vault.seal(id, secret).map_err(failed)?)?;
    }
    Ok(opened.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_opens_only_under_its_own_id_and_key() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let vault = Vault::open(home.path()).unwrap();
        let sealed = vault.seal("a", "hunter2").unwrap();
        assert_eq!(*vault.unseal("a", &sealed).unwrap(), "hunter2");
        assert!(vault.unseal("b", &sealed).is_err());
        assert!(
            Vault::open(other.path())
                .unwrap()
                .unseal("a", &sealed)
                .is_err()
        );
        assert_eq!(
            *Vault::open(home.path())
                .unwrap()
                .unseal("a", &sealed)
                .unwrap(),
            "hunter2"
        );
        assert!(!sealed.ciphertext.windows(7).any(|w| w == b"hunter2"));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        Vault::open(home.path()).unwrap();
        let path = home.path().join(KEY_FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let message = Vault::open(home.path()).unwrap_err().to_string();
        assert!(message.contains("600"), "{message}");
    }

    #[test]
    fn rotation_keeps_every_secret_readable() {
        let home = tempfile::tempdir().unwrap();
        let vault = Vault::open(home.path()).unwrap();
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE secrets (id TEXT PRIMARY KEY, key_version INTEGER, nonce BLOB, ciphertext BLOB)").unwrap();
        put_secret(&db, "a", &vault.seal("a", "one").unwrap()).unwrap();
        assert_eq!(rotate(&db, &vault).unwrap(), 1);
        assert_eq!(*secret(&db, &vault, "a").unwrap().unwrap(), "one");
        assert_eq!(
            *secret(&db, &Vault::open(home.path()).unwrap(), "a")
                .unwrap()
                .unwrap(),
            "one"
        );
    }
}
