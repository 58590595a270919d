//! Connections to the outside.

use super::apply::{done, stored};
use super::{Answer, Control, not_found};
use crate::connectors::{self, OauthConfig, Wanted, oauth};
use crate::store::connections::{self, ConnectionRow};
use crate::store::{Durability, Key};
use deputy_protocol::control::{Response, VaultProtection};
use deputy_protocol::{ErrorBody, FailureClass};
use serde_json::Value;

impl Control {
    pub(super) async fn connections(&self) -> Answer<Response> {
        stored(self.executor.parts.store.read(connections::list).await).map(Response::Connections)
    }

    pub(super) async fn connect(
        &self,
        kind: String,
        name: String,
        mut config: Value,
        secret: Option<String>,
    ) -> Answer<Response> {
        let invalid = |e: connectors::ConfigError| {
            ErrorBody::new(
                "connection_invalid",
                format!("{e}. Nothing was saved"),
                e.hint(),
            )
        };
        oauth::discover(&mut config).await.map_err(invalid)?;
        let config = connectors::check_config(&kind, &config).map_err(invalid)?;
        if name.is_empty() || name.len() > 60 {
            return Err(ErrorBody::new(
                "connection_invalid",
                "a connection needs a name of up to 60 characters",
                "--name NAME",
            ));
        }
        let (now, vault) = (self.now(), std::sync::Arc::clone(&self.vault));
        if let Some(secret) = &secret {
            self.executor.parts.redactor.learn(secret);
        }
        let connection = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let id = format!("connection:{name}");
                    if let Some(secret) = &secret {
                        match vault.seal(&id, secret) {
                            Ok(sealed) => connectors::put_secret(db, &id, &sealed)?,
                            Err(error) => return Ok(Err(error)),
                        }
                    }
                    let id = secret.as_ref().map(|_| id.as_str());
                    let before = connections::by_name(db, &name)?;
                    // What was handed out to another client is of no use to this one, and the secret of
                    // another client, or a password, is nothing that its provider may hear.
                    if let Some(before) = before
                        && OauthConfig::of(&before.config) != OauthConfig::of(&config)
                    {
                        oauth::forget(db, &name)?;
                        if id.is_none() {
                            connections::forget_secret(db, before.key)?;
                        }
                    }
                    connections::upsert(db, &kind, &name, &config, id, now).map(Ok)
                })
                .await,
        )?
        .map_err(vault_error)?;
        // Whoever follows a mailbox of it begins anew.
        self.executor.parts.arrivals.times_changed();
        self.connection_check(&Key::Connection.id(connection)).await
    }

    pub(super) async fn find_connection(&self, id: &str) -> Answer<ConnectionRow> {
        let wanted = id.to_owned();
        stored(
            self.executor
                .parts
                .store
                .read(move |db| match Key::Connection.parse(&wanted) {
                    Ok(key) => connections::by_key(db, key),
                    Err(_) => connections::by_name(db, &wanted),
                })
                .await,
        )?
        .ok_or_else(|| not_found("connection", id))
    }

    pub(super) async fn connection_check(&self, id: &str) -> Answer<Response> {
        let row = self.find_connection(id).await?;
        let opened = self
            .executor
            .parts
            .env
            .connections
            .open("connection.check", &row.name)
            .await;
        let (state, message) = match opened {
            Ok(connection) => connectors::check(&connection).await,
            Err(error) if error.class == FailureClass::Auth => ("auth".to_owned(), error.message),
            Err(error) => ("failing".to_owned(), error.message),
        };
        let (key, now, message) = (
            row.key,
            self.now(),
            self.executor.parts.redactor.text(&message),
        );
        let view = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    connections::set_state(db, key, &state, Some(&message), now)?;
                    Ok(connections::list(db)?
                        .into_iter()
                        .find(|c| c.id == Key::Connection.id(key)))
                })
                .await,
        )?;
        view.map(|view| Response::Connection(Box::new(view)))
            .ok_or_else(|| not_found("connection", id))
    }

    pub(super) async fn connection_revoke(&self, id: &str) -> Answer<Response> {
        let row = self.find_connection(id).await?;
        let given_back = self.oauth.give_back(&row).await;
        stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    oauth::forget(db, &row.name)?;
                    connections::forget_secret(db, row.key)?;
                    // The name becomes free again; what was done through it stays on record.
                    db.execute("DELETE FROM connections WHERE id=?1", [row.key])?;
                    Ok(())
                })
                .await,
        )?;
        self.executor.parts.arrivals.times_changed();
        let gone = "The connection and its secret are gone from this machine.";
        Ok(done(id, format!("{gone} {given_back}").trim_end()))
    }

    pub(super) async fn vault_rotate(&self) -> Answer<Response> {
        let store = &self.executor.parts.store;
        let vault = std::sync::Arc::clone(&self.vault);
        let rotating = store.write(Durability::Synced, move |db| connectors::rotate(db, &vault));
        let n = stored(rotating.await)?;
        let vault = std::sync::Arc::clone(&self.vault);
        stored(
            store
                .read(move |db| connectors::give_up_old_keys(db, &vault))
                .await,
        )?;
        Ok(done(
            "vault",
            format!(
                "{n} secret(s) were sealed anew under a new key, and the old key is gone: secrets in earlier backups cannot be opened any more."
            ),
        ))
    }

    pub(super) fn vault_show(&self) -> Response {
        done(
            "vault",
            format!(
                "The vault's key in {} is protected by {}.",
                self.vault.key_file().display(),
                self.vault.protected_by()
            ),
        )
    }

    pub(super) async fn vault_protect(
        &self,
        by: VaultProtection,
        passphrase: Option<String>,
    ) -> Answer<Response> {
        let passphrase = passphrase.map(zeroize::Zeroizing::new);
        let wanted = match (by, passphrase) {
            (VaultProtection::File, None) => Wanted::File,
            (VaultProtection::Keyring, None) => Wanted::Keyring,
            (VaultProtection::Passphrase, Some(passphrase)) => {
                self.executor.parts.redactor.learn(&passphrase);
                Wanted::Passphrase(passphrase)
            }
            (VaultProtection::Passphrase, None)
            | (VaultProtection::File | VaultProtection::Keyring, Some(_)) => {
                return Err(ErrorBody::new(
                    "invalid_request",
                    "a passphrase goes with protection by passphrase, and only with that",
                    "deputy vault protect passphrase --passphrase-stdin",
                ));
            }
        };
        let vault = std::sync::Arc::clone(&self.vault);
        // Argon2 takes its time, and a keyring may ask a person.
        let protected = tokio::task::spawn_blocking(move || vault.protect(&wanted)).await;
        match protected {
            Ok(Ok(())) => Ok(done(
                "vault",
                format!(
                    "The vault's key is now protected by {}. Run `deputy vault rotate` if others may have read the key before.",
                    self.vault.protected_by()
                ),
            )),
            Ok(Err(error)) => Err(ErrorBody::new(
                "vault",
                error.to_string(),
                "the vault is protected as before, and every secret can be read",
            )),
            Err(error) => Err(ErrorBody::new("vault", error.to_string(), "try again")),
        }
    }
}

fn vault_error(error: connectors::VaultError) -> ErrorBody {
    ErrorBody::new(
        "vault",
        format!("{error}. Nothing was saved"),
        "`deputy doctor` tells more",
    )
}
