#![allow(clippy::unwrap_used)]
use super::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn plain() -> Unlock {
    Unlock::default()
}

fn with(passphrase: &str) -> Unlock {
    Unlock {
        passphrase: Some(Zeroizing::new(passphrase.to_owned())),
        ..Unlock::default()
    }
}

fn passphrase(text: &str) -> Wanted {
    Wanted::Passphrase(Zeroizing::new(text.to_owned()))
}

/// A command that is used like `secret-tool` and keeps its secrets in a folder.
fn keyring(folder: &TempDir) -> Unlock {
    let command = folder.path().join("secret-tool");
    let text = format!(
        "#!/bin/sh\ncd '{}' || exit 1\nfor entry; do :; done\ncase $1 in\nstore) cat > \"$entry\" ;;\nlookup) [ -f \"$entry\" ] && cat \"$entry\" ;;\nclear) rm \"$entry\" ;;\nesac\n",
        folder.path().display()
    );
    // Written by a process of its own: a program that another test starts at this moment would hold
    // this one's file open for writing, and what is open for writing cannot be run.
    let written = std::process::Command::new("sh")
        .args(["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""])
        .args([command.as_os_str(), text.as_ref()])
        .status();
    assert!(written.unwrap().success());
    Unlock {
        keyring: Some(Keyring::secret_tool(command)),
        new_in_keyring: true,
        ..Unlock::default()
    }
}

/// How many secrets a keyring of that kind keeps.
fn kept(folder: &TempDir) -> usize {
    std::fs::read_dir(folder.path()).unwrap().count() - 1
}

fn key_file(home: &TempDir) -> String {
    std::fs::read_to_string(home.path().join(KEY_FILE)).unwrap()
}

fn database() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE secrets (id TEXT PRIMARY KEY, key_version INTEGER NOT NULL, nonce BLOB NOT NULL, ciphertext BLOB NOT NULL)").unwrap();
    db
}

fn put(db: &Connection, vault: &Vault, id: &str, text: &str) {
    put_secret(db, id, &vault.seal(id, text).unwrap()).unwrap();
}

fn get(db: &Connection, vault: &Vault, id: &str) -> String {
    secret(db, vault, id).unwrap().unwrap().to_string()
}

#[test]
fn a_secret_opens_only_under_its_own_id_and_key() {
    let (home, other) = (home(), home());
    let vault = Vault::open(home.path(), &plain()).unwrap();
    let sealed = vault.seal("a", "hunter2").unwrap();
    assert_eq!(*vault.unseal("a", &sealed).unwrap(), "hunter2");
    assert!(vault.unseal("b", &sealed).is_err());
    let stranger = Vault::open(other.path(), &plain()).unwrap();
    assert!(stranger.unseal("a", &sealed).is_err());
    let again = Vault::open(home.path(), &plain()).unwrap();
    assert_eq!(*again.unseal("a", &sealed).unwrap(), "hunter2");
    assert!(!sealed.ciphertext.windows(7).any(|w| w == b"hunter2"));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let home = home();
    Vault::open(home.path(), &plain()).unwrap();
    let path = home.path().join(KEY_FILE);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let message = Vault::open(home.path(), &plain()).unwrap_err().to_string();
    assert!(message.contains("600"), "{message}");
}

#[test]
fn a_damaged_key_file_is_refused_and_left_alone() {
    let home = home();
    Vault::open(home.path(), &plain()).unwrap();
    for text in [
        "",
        "1 00",
        "{}",
        r#"{"vault":2,"protection":{"by":"file"},"keys":[]}"#,
        r#"{"vault":1,"protection":{"by":"file"},"keys":[{"version":1,"key":"AAAA"}]}"#,
    ] {
        std::fs::write(home.path().join(KEY_FILE), text).unwrap();
        assert!(
            matches!(
                Vault::open(home.path(), &plain()),
                Err(VaultError::BadKey(_))
            ),
            "{text}"
        );
        assert_eq!(key_file(&home), text);
    }
}

#[test]
fn a_passphrase_opens_the_vault_and_a_wrong_one_does_not() {
    let home = home();
    let vault = Vault::open(home.path(), &with("correct horse")).unwrap();
    let sealed = vault.seal("a", "hunter2").unwrap();
    let open = |unlock: &Unlock| Vault::open(home.path(), unlock);
    let before = key_file(&home);
    assert!(matches!(
        open(&with("wrong horse")),
        Err(VaultError::WrongPassphrase)
    ));
    assert!(matches!(open(&plain()), Err(VaultError::PassphraseWanted)));
    assert_eq!(key_file(&home), before);
    assert_eq!(
        *open(&with("correct horse"))
            .unwrap()
            .unseal("a", &sealed)
            .unwrap(),
        "hunter2"
    );
    let asked = Unlock {
        ask: Some(|| Ok("correct horse".to_owned())),
        ..Unlock::default()
    };
    assert_eq!(
        *open(&asked).unwrap().unseal("a", &sealed).unwrap(),
        "hunter2"
    );
    let message = open(&with("wrong horse")).unwrap_err().to_string();
    assert!(
        message.contains("does not open the vault") && !message.contains("horse"),
        "{message}"
    );
}

#[test]
fn a_passphrase_that_is_hardly_one_is_refused() {
    let home = home();
    assert!(matches!(
        Vault::open(home.path(), &with("short")),
        Err(VaultError::ShortPassphrase(8))
    ));
    assert!(!home.path().join(KEY_FILE).exists());
}

#[test]
fn a_file_that_asks_for_all_memory_is_refused() {
    let home = home();
    Vault::open(home.path(), &with("correct horse")).unwrap();
    let text = key_file(&home).replace("65536", "4294967295");
    std::fs::write(home.path().join(KEY_FILE), text).unwrap();
    assert!(matches!(
        Vault::open(home.path(), &with("correct horse")),
        Err(VaultError::BadKey(_))
    ));
}

#[test]
fn the_keyring_opens_the_vault_and_without_it_the_error_says_so() {
    let (home, folder) = (home(), home());
    let vault = Vault::open(home.path(), &keyring(&folder)).unwrap();
    assert_eq!(
        (vault.protected_by(), kept(&folder)),
        ("the platform's keyring", 1)
    );
    let sealed = vault.seal("a", "hunter2").unwrap();
    let again = Vault::open(home.path(), &keyring(&folder)).unwrap();
    assert_eq!(*again.unseal("a", &sealed).unwrap(), "hunter2");
    let before = key_file(&home);
    for unlock in [plain(), keyring(&self::home())] {
        let error = Vault::open(home.path(), &unlock).unwrap_err();
        assert!(matches!(error, VaultError::Keyring(_)), "{error}");
    }
    assert_eq!(key_file(&home), before);
}

#[test]
fn a_keyring_that_does_not_work_leaves_a_new_vault_its_file() {
    let home = home();
    for command in ["/bin/false", "/bin/true", "/nonexistent/secret-tool"] {
        let unlock = Unlock {
            keyring: Some(Keyring::secret_tool(command.into())),
            new_in_keyring: true,
            ..Unlock::default()
        };
        let vault = Vault::open(home.path(), &unlock).unwrap();
        assert_eq!(
            vault.protected_by(),
            "a file that only this user can read",
            "{command}"
        );
        assert!(vault.protect(&Wanted::Keyring).is_err(), "{command}");
        std::fs::remove_file(home.path().join(KEY_FILE)).unwrap();
    }
}

#[test]
fn protection_changes_and_the_secrets_stay() {
    let (home, folder) = (home(), home());
    let unlock = Unlock {
        passphrase: Some(Zeroizing::new("correct horse".to_owned())),
        new_in_keyring: false,
        ..keyring(&folder)
    };
    let vault = Vault::open(
        home.path(),
        &Unlock {
            passphrase: None,
            ..unlock.clone()
        },
    )
    .unwrap();
    let db = database();
    put(&db, &vault, "a", "hunter2");
    let plain_key = key_file(&home);
    for (wanted, in_keyring) in [
        (passphrase("correct horse"), 0),
        (Wanted::Keyring, 1),
        (Wanted::Keyring, 1),
        (passphrase("correct horse"), 0),
        (Wanted::File, 0),
    ] {
        vault.protect(&wanted).unwrap();
        assert_eq!(kept(&folder), in_keyring);
        assert_eq!(rotate(&db, &vault).unwrap(), 1);
        let again = Vault::open(home.path(), &unlock).unwrap();
        assert_eq!(get(&db, &again, "a"), "hunter2");
        assert_eq!(again.protected_by(), vault.protected_by());
    }
    assert!(vault.protect(&passphrase("short")).is_err());
    assert_eq!(
        get(&db, &Vault::open(home.path(), &plain()).unwrap(), "a"),
        "hunter2"
    );
    assert_ne!(key_file(&home), plain_key);
}

#[test]
fn a_sealed_key_file_shows_no_key() {
    let home = home();
    let vault = Vault::open(home.path(), &plain()).unwrap();
    let file: serde_json::Value = serde_json::from_str(&key_file(&home)).unwrap();
    let key = file["keys"][0]["key"].as_str().unwrap().to_owned();
    vault.protect(&passphrase("correct horse")).unwrap();
    assert!(!key_file(&home).contains(&key));
}

#[test]
fn after_a_renewal_is_written_the_old_keys_go() {
    let home = home();
    let vault = Vault::open(home.path(), &plain()).unwrap();
    let db = database();
    put(&db, &vault, "a", "one");
    put(&db, &vault, "b", "two");
    let old = secret_row(&db, "a");
    assert_eq!(rotate(&db, &vault).unwrap(), 2);
    assert_eq!(give_up_old_keys(&db, &vault).unwrap(), 1);
    assert_eq!(
        (get(&db, &vault, "a"), get(&db, &vault, "b")),
        ("one".into(), "two".into())
    );
    let again = Vault::open(home.path(), &plain()).unwrap();
    assert_eq!(get(&db, &again, "b"), "two");
    assert!(again.unseal("a", &old).is_err());
    assert_eq!(give_up_old_keys(&db, &again).unwrap(), 0);
}

fn secret_row(db: &Connection, id: &str) -> Sealed {
    db.query_row(
        "SELECT key_version, nonce, ciphertext FROM secrets WHERE id=?1",
        [id],
        row,
    )
    .unwrap()
}

#[test]
fn a_crash_at_any_point_of_a_renewal_leaves_every_secret_readable() {
    let home = home();
    let vault = Vault::open(home.path(), &plain()).unwrap();
    let mut db = database();
    put(&db, &vault, "a", "one");
    let readable = |db: &Connection| {
        // What a start after the crash does.
        let vault = Vault::open(home.path(), &plain()).unwrap();
        give_up_old_keys(db, &vault).unwrap();
        assert_eq!(
            get(db, &Vault::open(home.path(), &plain()).unwrap(), "a"),
            "one"
        );
        vault
    };
    // Before the rows are committed: the new key is there, the rows are the old ones.
    let transaction = db.transaction().unwrap();
    rotate(&transaction, &vault).unwrap();
    transaction.rollback().unwrap();
    let vault = readable(&db);
    // What is written then uses the new key; the old one stays for as long as it is needed.
    put(&db, &vault, "b", "two");
    assert_eq!(get(&db, &readable(&db), "b"), "two");
    // After they are, before the old keys went.
    rotate(&db, &vault).unwrap();
    assert_eq!(get(&db, &readable(&db), "b"), "two");
    // While the file is replaced: a new one lies half written beside it.
    std::fs::write(home.path().join(".tmpAbCdEf"), "{\"vault\":1,").unwrap();
    readable(&db);
}
