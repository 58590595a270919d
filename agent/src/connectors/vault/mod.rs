//! The vault: secrets sealed with XChaCha20-Poly1305 under keys that are not in the database.
//!
//! Each secret is bound to its id and the key's version, so that rows cannot be exchanged. The keys
//! are in a file beside the database (`key_file.rs`), as they are or themselves sealed: by a
//! passphrase (Argon2id), or by a key in the platform's keyring (`keyring.rs`). How they are
//! protected is changed, and keys are renewed, by replacing that file whole, so that a crash at any
//! point leaves every secret readable.

mod key_file;
mod keyring;

pub use key_file::Wanted;
pub use keyring::Keyring;

use super::oauth::secrets_of;
use crate::store::StoreError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use key_file::{KeyFile, Protection};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
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
    /// The vault has a passphrase and nobody said it.
    #[error(
        "the vault is protected by a passphrase; set DEPUTY_PASSPHRASE, or start the agent in a terminal and type it. Nothing was changed"
    )]
    PassphraseWanted,
    /// The wrong passphrase.
    #[error("this passphrase does not open the vault. Nothing was changed; try again")]
    WrongPassphrase,
    /// A passphrase that is none.
    #[error("a passphrase has at least {0} characters. Nothing was changed")]
    ShortPassphrase(usize),
    /// No keyring, or one that does not keep what it is given.
    #[error("the platform's keyring cannot be used: {0}. Nothing was changed")]
    Keyring(String),
}

/// How a vault is opened, and how a new one is protected.
#[derive(Clone, Default)]
pub struct Unlock {
    /// A passphrase that was given; it also protects a new vault.
    pub passphrase: Option<Zeroizing<String>>,
    /// Asks a person for the passphrase, when one is wanted and none was given.
    pub ask: Option<fn() -> std::io::Result<String>>,
    /// The keyring, if there is one.
    pub keyring: Option<Keyring>,
    /// Whether it protects a new vault when no passphrase was given, if it works.
    pub new_in_keyring: bool,
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

type Key = Zeroizing<[u8; 32]>;
type Keys = Vec<(u32, Key)>;

struct Open {
    /// The present key last; earlier ones only until no secret needs them.
    keys: Keys,
    protection: Protection,
}

/// The open vault.
pub struct Vault {
    file: KeyFile,
    keyring: Option<Keyring>,
    open: RwLock<Open>,
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

/// Seals bytes with a nonce of their own.
fn encrypt(key: &Key, binding: &str, plain: &[u8]) -> Result<([u8; 24], Vec<u8>), VaultError> {
    let nonce: [u8; 24] = random()?;
    let payload = Payload {
        msg: plain,
        aad: binding.as_bytes(),
    };
    let sealed = XChaCha20Poly1305::new(key.as_slice().into())
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| VaultError::WrongKey)?;
    Ok((nonce, sealed))
}

fn decrypt(key: &Key, binding: &str, nonce: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let payload = Payload {
        msg: sealed,
        aad: binding.as_bytes(),
    };
    let nonce: &[u8; 24] = nonce.try_into().ok()?;
    XChaCha20Poly1305::new(key.as_slice().into())
        .decrypt(XNonce::from_slice(nonce), payload)
        .ok()
        .map(Zeroizing::new)
}

impl Vault {
    /// Opens the vault of a data directory, making its key if there is none.
    pub fn open(home: &Path, unlock: &Unlock) -> Result<Self, VaultError> {
        let file = KeyFile(home.join(KEY_FILE));
        let open = match file.read(unlock)? {
            Some(open) => open,
            None => {
                let open = Open {
                    keys: vec![(1, Zeroizing::new(random()?))],
                    protection: Protection::new_vault(unlock)?,
                };
                file.write(&open)?;
                open
            }
        };
        Ok(Self {
            file,
            keyring: unlock.keyring.clone(),
            open: RwLock::new(open),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the keys are protected, a phrase for people.
    pub fn protected_by(&self) -> &'static str {
        self.read().protection.describe()
    }

    /// Where the keys are.
    pub fn key_file(&self) -> PathBuf {
        self.file.0.clone()
    }

    /// Protects the keys in another way. The secrets stay as they are. May take a second.
    pub fn protect(&self, wanted: &Wanted) -> Result<(), VaultError> {
        let mut open = self.write();
        let protection = Protection::new(wanted, self.keyring.as_ref())?;
        let new = Open {
            keys: open.keys.clone(),
            protection,
        };
        if let Err(error) = self.file.write(&new) {
            new.protection.forget(self.keyring.as_ref());
            return Err(error);
        }
        let old = std::mem::replace(&mut *open, new);
        old.protection.forget(self.keyring.as_ref());
        Ok(())
    }

    /// Seals a secret under its id. To be called where it is written, on the store's writer: a key is
    /// renewed there as well, and an old one given up only when nothing written needs it.
    pub fn seal(&self, id: &str, secret: &str) -> Result<Sealed, VaultError> {
        let open = self.read();
        let (key_version, key) = open.keys.last().ok_or(VaultError::WrongKey)?;
        let (nonce, ciphertext) = encrypt(key, &binding(id, *key_version), secret.as_bytes())?;
        Ok(Sealed {
            key_version: *key_version,
            nonce: nonce.to_vec(),
            ciphertext,
        })
    }

    /// Opens a sealed secret.
    pub fn unseal(&self, id: &str, sealed: &Sealed) -> Result<Zeroizing<String>, VaultError> {
        let open = self.read();
        let (version, key) = open
            .keys
            .iter()
            .find(|(version, _)| *version == sealed.key_version)
            .ok_or(VaultError::WrongKey)?;
        let binding = binding(id, *version);
        let plain = decrypt(key, &binding, &sealed.nonce, &sealed.ciphertext)
            .ok_or(VaultError::WrongKey)?;
        String::from_utf8(plain.to_vec())
            .map(Zeroizing::new)
            .map_err(|_| VaultError::WrongKey)
    }

    /// Adds a key, which is the present one from now on.
    fn renew(&self) -> Result<(), VaultError> {
        let mut open = self.write();
        let next = open.keys.last().map_or(1, |(version, _)| version + 1);
        open.keys.push((next, Zeroizing::new(random()?)));
        let written = self.file.write(&open);
        if written.is_err() {
            open.keys.pop();
        }
        written
    }

    /// Gives up the keys before a version, never the present one. Returns how many went.
    fn give_up_before(&self, version: u32) -> Result<usize, VaultError> {
        let mut open = self.write();
        let present = open.keys.last().map_or(0, |(version, _)| *version);
        let all = open.keys.clone();
        open.keys.retain(|(v, _)| *v >= version || *v == present);
        let gone = all.len() - open.keys.len();
        if gone > 0
            && let Err(error) = self.file.write(&open)
        {
            open.keys = all;
            return Err(error);
        }
        Ok(gone)
    }
}

fn binding(id: &str, version: u32) -> String {
    format!("deputy vault {version} {id}")
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

/// A secret, opened, or why it does not open.
type Opened = Result<Zeroizing<String>, VaultError>;

/// The secret of an id; `None` when none is kept.
pub fn kept_secret(db: &Connection, vault: &Vault, id: &str) -> Result<Option<Opened>, StoreError> {
    let sealed = db
        .prepare_cached("SELECT key_version, nonce, ciphertext FROM secrets WHERE id=?1")?
        .query_row([id], row)
        .optional()?;
    Ok(sealed.map(|sealed| vault.unseal(id, &sealed)))
}

/// The secret of an id, which must be there.
pub fn secret(db: &Connection, vault: &Vault, id: &str) -> Result<Opened, StoreError> {
    Ok(kept_secret(db, vault, id)?.unwrap_or(Err(VaultError::WrongKey)))
}

/// Every secret that opens.
pub fn opened(db: &Connection, vault: &Vault) -> Result<Vec<Zeroizing<String>>, StoreError> {
    Ok(sealed(db)?
        .iter()
        .filter_map(|(id, sealed)| Some((id, vault.unseal(id, sealed).ok()?)))
        .flat_map(|(id, kept)| secrets_of(id, kept))
        .collect())
}

fn sealed(db: &Connection) -> Result<Vec<(String, Sealed)>, StoreError> {
    let mut query = db.prepare("SELECT key_version, nonce, ciphertext, id FROM secrets")?;
    let rows = query.query_map([], |r| Ok((r.get(3)?, row(r)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Seals every secret anew under a new key. Both keys are on disk before the rows are written, so
/// that a crash at any point leaves every secret readable; `give_up_old_keys` follows when they are.
/// Returns how many secrets there were.
pub fn rotate(db: &Connection, vault: &Vault) -> Result<usize, StoreError> {
    let failed = |e: VaultError| StoreError::corrupt("secret", e);
    let opened: Vec<(String, Zeroizing<String>)> = sealed(db)?
        .into_iter()
        .map(|(id, sealed)| {
            let secret = vault.unseal(&id, &sealed).map_err(failed)?;
            Ok((id, secret))
        })
        .collect::<Result<_, StoreError>>()?;
    vault.renew().map_err(failed)?;
    for (id, secret) in &opened {
        put_secret(db, id, &vault.seal(id, secret).map_err(failed)?)?;
    }
    Ok(opened.len())
}

/// Gives up the keys that no secret needs any more. `db` must show what is committed and nothing
/// else (a reader): a secret's key only ever becomes newer, so what is committed is the oldest that
/// can be needed. Returns how many keys went.
pub fn give_up_old_keys(db: &Connection, vault: &Vault) -> Result<usize, StoreError> {
    let newest = vault.read().keys.last().map_or(0, |(version, _)| *version);
    let oldest: Option<u32> =
        db.query_row("SELECT min(key_version) FROM secrets", [], |r| r.get(0))?;
    vault
        .give_up_before(oldest.unwrap_or(newest))
        .map_err(|e| StoreError::corrupt("secret", e))
}

#[cfg(test)]
mod tests;
