//! The file that holds the vault's keys, mode 0600 and always replaced whole: JSON, with the keys as
//! they are, or each sealed by a key that a passphrase or the keyring gives.

use super::{Key, Keyring, Open, Unlock, VaultError, decrypt, encrypt, random};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The shortest passphrase, in characters.
const SHORTEST: usize = 8;

/// How the keys shall be protected.
pub enum Wanted {
    /// By the file's mode alone.
    File,
    /// By a passphrase, asked for at each start.
    Passphrase(Zeroizing<String>),
    /// By the platform's keyring.
    Keyring,
}

/// What Argon2id costs.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The second choice of RFC 9106: 64 MiB, three passes, four lanes.
const COST: Cost = Cost {
    memory_kib: 64 << 10,
    passes: 3,
    lanes: 4,
};

/// More than this in a file is an error rather than a machine without memory.
const MOST: Cost = Cost {
    memory_kib: 1 << 20,
    passes: 16,
    lanes: 16,
};

/// How the keys are protected, with what opens them.
pub(super) enum Protection {
    File,
    Passphrase {
        salt: [u8; 16],
        cost: Cost,
        key: Key,
    },
    Keyring {
        entry: String,
        key: Key,
    },
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The format's version.
    vault: u32,
    protection: WrittenProtection,
    keys: Vec<WrittenKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
enum WrittenProtection {
    File,
    Passphrase { salt: String, argon2id: Cost },
    Keyring { entry: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    version: u32,
    /// In base64: the key, or nonce and sealed key.
    key: Zeroizing<String>,
}

const FORMAT: u32 = 1;

fn derive(passphrase: &str, salt: &[u8; 16], cost: Cost) -> Option<Key> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .ok()?;
    Some(key)
}

impl Protection {
    /// For a vault that is new: by the passphrase that was given, else by a keyring that works, else
    /// by the file's mode.
    pub(super) fn new_vault(unlock: &Unlock) -> Result<Self, VaultError> {
        if let Some(passphrase) = &unlock.passphrase {
            return Self::new(&Wanted::Passphrase(passphrase.clone()), None);
        }
        match unlock.keyring.as_ref().filter(|_| unlock.new_in_keyring) {
            None => Ok(Self::File),
            Some(keyring) => Self::new(&Wanted::Keyring, Some(keyring)).or_else(|error| {
                tracing::warn!(%error, "the vault's key is kept in a file that only this user can read");
                Ok(Self::File)
            }),
        }
    }

    pub(super) fn new(wanted: &Wanted, keyring: Option<&Keyring>) -> Result<Self, VaultError> {
        match wanted {
            Wanted::File => Ok(Self::File),
            Wanted::Passphrase(passphrase) => {
                if passphrase.chars().count() < SHORTEST {
                    return Err(VaultError::ShortPassphrase(SHORTEST));
                }
                let salt = random()?;
                let key = derive(passphrase, &salt, COST).ok_or(VaultError::WrongPassphrase)?;
                Ok(Self::Passphrase {
                    salt,
                    cost: COST,
                    key,
                })
            }
            Wanted::Keyring => {
                let keyring = keyring.ok_or_else(no_keyring)?;
                let name: [u8; 8] = random()?;
                let entry = name.iter().map(|b| format!("{b:02x}")).collect::<String>();
                let key = Zeroizing::new(random()?);
                keyring.keep(&entry, &STANDARD.encode(key.as_slice()))?;
                Ok(Self::Keyring { entry, key })
            }
        }
    }

    /// Takes what only this protection needed out of the keyring.
    pub(super) fn forget(&self, keyring: Option<&Keyring>) {
        if let (Self::Keyring { entry, .. }, Some(keyring)) = (self, keyring) {
            keyring.forget(entry);
        }
    }

    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::File => "a file that only this user can read",
            Self::Passphrase { .. } => "a passphrase",
            Self::Keyring { .. } => "the platform's keyring",
        }
    }

    fn key(&self) -> Option<&Key> {
        match self {
            Self::File => None,
            Self::Passphrase { key, .. } | Self::Keyring { key, .. } => Some(key),
        }
    }

    fn written(&self) -> WrittenProtection {
        match self {
            Self::File => WrittenProtection::File,
            Self::Passphrase { salt, cost, .. } => WrittenProtection::Passphrase {
                salt: STANDARD.encode(salt),
                argon2id: *cost,
            },
            Self::Keyring { entry, .. } => WrittenProtection::Keyring {
                entry: entry.clone(),
            },
        }
    }
}

fn no_keyring() -> VaultError {
    VaultError::Keyring(
        "there is none here (Linux: a Secret Service such as GNOME Keyring or KWallet, and the command secret-tool)"
            .to_owned(),
    )
}

/// Where the keys are.
pub(super) struct KeyFile(pub(super) PathBuf);

impl KeyFile {
    /// Reads and opens the keys; `None` when there is no file.
    pub(super) fn read(&self, unlock: &Unlock) -> Result<Option<Open>, VaultError> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => Zeroizing::new(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let bad = || VaultError::BadKey(self.0.display().to_string());
        let written: Written = serde_json::from_str(&text).map_err(|_| bad())?;
        if written.vault != FORMAT || written.keys.is_empty() {
            return Err(bad());
        }
        let (protection, wrong) = match written.protection {
            WrittenProtection::File => {
                private(&self.0)?;
                (Protection::File, bad())
            }
            WrittenProtection::Passphrase { salt, argon2id } => {
                let salt = STANDARD
                    .decode(salt)
                    .ok()
                    .and_then(|salt| salt.try_into().ok())
                    .filter(|_| {
                        argon2id.memory_kib <= MOST.memory_kib
                            && argon2id.passes <= MOST.passes
                            && argon2id.lanes <= MOST.lanes
                    })
                    .ok_or_else(bad)?;
                let passphrase = match (&unlock.passphrase, unlock.ask) {
                    (Some(given), _) => given.clone(),
                    (None, Some(ask)) => Zeroizing::new(ask()?),
                    (None, None) => return Err(VaultError::PassphraseWanted),
                };
                let protection = Protection::Passphrase {
                    key: derive(&passphrase, &salt, argon2id).ok_or_else(bad)?,
                    salt,
                    cost: argon2id,
                };
                (protection, VaultError::WrongPassphrase)
            }
            WrittenProtection::Keyring { entry } => {
                let keyring = unlock.keyring.as_ref().ok_or_else(no_keyring)?;
                let wrong = || {
                    VaultError::Keyring(
                        "it does not hold this vault's key; unlock the keyring that it was made with, or set vault.key aside and enter the secrets again"
                            .to_owned(),
                    )
                };
                let kept = keyring.look_up(&entry)?.ok_or_else(wrong)?;
                let key = decode_key(&kept).ok_or_else(wrong)?;
                (Protection::Keyring { entry, key }, wrong())
            }
        };
        let mut keys = Vec::new();
        for WrittenKey { version, key } in &written.keys {
            let opened = match protection.key() {
                None => decode_key(key),
                Some(by) => open_key(by, *version, key),
            };
            match opened {
                Some(key) => keys.push((*version, key)),
                None => return Err(wrong),
            }
        }
        keys.sort_by_key(|(version, _)| *version);
        Ok(Some(Open { keys, protection }))
    }

    /// Writes the keys: a new file, on disk, in place of the old one.
    pub(super) fn write(&self, open: &Open) -> Result<(), VaultError> {
        let mut keys = Vec::new();
        for (version, key) in &open.keys {
            let bytes = match open.protection.key() {
                None => Zeroizing::new(key.to_vec()),
                Some(by) => {
                    let (nonce, sealed) = encrypt(by, &binding(*version), key.as_slice())?;
                    Zeroizing::new([nonce.as_slice(), &sealed].concat())
                }
            };
            keys.push(WrittenKey {
                version: *version,
                key: Zeroizing::new(STANDARD.encode(bytes.as_slice())),
            });
        }
        let written = Written {
            vault: FORMAT,
            protection: open.protection.written(),
            keys,
        };
        let home = self.0.parent().unwrap_or_else(|| Path::new("."));
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(home)?;
        let text = Zeroizing::new(serde_json::to_string_pretty(&written).map_err(io::Error::from)?);
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.0).map_err(|e| e.error)?;
        std::fs::File::open(home)?.sync_all()?;
        Ok(())
    }
}

fn binding(version: u32) -> String {
    format!("deputy vault key {version}")
}

fn decode_key(text: &str) -> Option<Key> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn open_key(by: &Key, version: u32, text: &str) -> Option<Key> {
    let bytes = STANDARD.decode(text).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(24)?;
    let key = decrypt(by, &binding(version), nonce, sealed)?;
    key.as_slice().try_into().ok().map(Zeroizing::new)
}

/// Keys that are not sealed must be this user's alone.
fn private(path: &Path) -> Result<(), VaultError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(VaultError::Exposed(path.display().to_string(), mode));
        }
    }
    Ok(())
}
