//! Connections to the outside.

use super::apply::{done, stored};
use super::{Answer, Control, not_found};
use crate::connectors;
use crate::store::connections::{self, ConnectionRow};
use crate::store::{Durability, Key};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use serde_json::Value;

impl Control {
    pub(super) async fn connections(&self) -> Answer<Response> {
        stored(self.executor.parts.store.read(connections::list).await).map(Response::Connections)
    }

    pub(super) async fn connect(
        &self,
        kind: String,
        name: String,
        config: Value,
        secret: Option<String>,
    ) -> Answer<Response> {
        let config = connectors::check_config(&kind, &config).map_err(|e| {
            ErrorBody::new(
                "connection_invalid",
                format!("{e}. Nothing was saved"),
                e.hint(),
            )
        })?;
        if name.is_empty() || name.len() > 60 {
            return Err(ErrorBody::new(
                "connection_invalid",
                "a connection needs a name of up to 60 characters",
                "--name NAME",
            ));
        }
        let now = self.now();
        let sealed = match &secret {
            Some(secret) => {
                self.executor.parts.redactor.learn(secret);
                let id = format!("connection:{name}");
                let row = self.vault.seal(&id, secret).map_err(vault_error)?;
                Some((id, row))
            }
            None => None,
        };
        let connection = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let id = sealed.as_ref().map(|(id, _)| id.as_str());
                    if let Some((id, row)) = &sealed {
                        connectors::put_secret(db, id, row)?;
                    }
                    connections::upsert(db, &kind, &name, &config, id, now)
                })
                .await,
        )?;
        self.connection_check(&Key::Connection.id(connection)).await
    }

    async fn find(&self, id: &str) -> Answer<ConnectionRow> {
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
        let row = self.find(id).await?;
        let opened = self
            .executor
            .parts
            .env
            .connections
            .open("connection.check", &row.name)
            .await;
        let (state, message) = match opened {
            Ok(connection) => connectors::check(&connection).await,
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
        let row = self.find(id).await?;
        stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    if let Some(secret) = &row.secret {
                        db.execute("DELETE FROM secrets WHERE id=?1", [secret])?;
                    }
                    // The name becomes free again; what was done through it stays on record.
                    db.execute("DELETE FROM connections WHERE id=?1", [row.key])?;
                    Ok(())
                })
                .await,
        )?;
        Ok(done(
            id,
            "The connection and its secret are gone from this machine.",
        ))
    }

    pub(super) async fn vault_rotate(&self) -> Answer<Response> {
        let vault = std::sync::Arc::clone(&self.vault);
        let n = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| connectors::rotate(db, &vault))
                .await,
        )?;
        Ok(done(
            "vault",
            format!("{n} secret(s) were sealed anew under a new key."),
        ))
    }
}

fn vault_error(error: connectors::VaultError) -> ErrorBody {
    ErrorBody::new(
        "vault",
        format!("{error}. Nothing was saved"),
        "`deputy doctor` tells more",
    )
}
