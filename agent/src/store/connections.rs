//! Connections: rows and views. Their secrets are in the vault, under `secret`.

use super::{Key, StoreError};
use deputy_protocol::Time;
use deputy_protocol::model::ConnectionInfo;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

/// A connection as the agent uses it.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// Its key.
    pub key: i64,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub config: Value,
    /// The vault's id of its secret.
    pub secret: Option<String>,
    /// Its state.
    pub state: String,
}

fn row(r: &Row<'_>) -> rusqlite::Result<ConnectionRow> {
    Ok(ConnectionRow {
        key: r.get(0)?,
        kind: r.get(1)?,
        name: r.get(2)?,
        config: serde_json::from_str(&r.get::<_, String>(3)?).unwrap_or(Value::Null),
        secret: r.get(4)?,
        state: r.get(5)?,
    })
}

/// The connection of a name.
pub fn by_name(db: &Connection, name: &str) -> Result<Option<ConnectionRow>, StoreError> {
    let found = db
        .prepare_cached("SELECT id, kind, name, config, secret, state FROM connections WHERE name=?1 AND state<>'revoked'")?
        .query_row([name], row)
        .optional()?;
    Ok(found)
}

/// The connection of a key.
pub fn by_key(db: &Connection, key: i64) -> Result<Option<ConnectionRow>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT id, kind, name, config, secret, state FROM connections WHERE id=?1",
        )?
        .query_row([key], row)
        .optional()?;
    Ok(found)
}

/// Makes or renews the connection of a name.
pub fn upsert(
    db: &Connection,
    kind: &str,
    name: &str,
    config: &Value,
    secret: Option<&str>,
    at: Time,
) -> Result<i64, StoreError> {
    let key = db
        .prepare_cached(
            "INSERT INTO connections (kind, name, config, secret, state, created_at) VALUES (?1,?2,?3,?4,'unchecked',?5)
             ON CONFLICT (name) DO UPDATE SET kind=excluded.kind, config=excluded.config,
                 secret=coalesce(excluded.secret, secret), state='unchecked', message=NULL RETURNING id",
        )?
        .query_row(params![kind, name, config.to_string(), secret, at.0], |r| r.get(0))?;
    Ok(key)
}

/// Forgets the secret of a connection.
pub fn forget_secret(db: &Connection, key: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM secrets WHERE id=(SELECT secret FROM connections WHERE id=?1)")?
        .execute([key])?;
    db.prepare_cached("UPDATE connections SET secret=NULL WHERE id=?1")?
        .execute([key])?;
    Ok(())
}

/// Records what the last real check or use showed.
pub fn set_state(
    db: &Connection,
    key: i64,
    state: &str,
    message: Option<&str>,
    at: Time,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE connections SET state=?2, message=?3, checked_at=?4 WHERE id=?1")?
        .execute(params![key, state, message, at.0])?;
    Ok(())
}

/// All that are not revoked, as clients see them.
pub fn list(db: &Connection) -> Result<Vec<ConnectionInfo>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT id, kind, name, config, state, message, checked_at FROM connections WHERE state<>'revoked' ORDER BY id",
    )?;
    let rows = query
        .query_map([], |r| {
            Ok(ConnectionInfo {
                id: Key::Connection.id(r.get(0)?),
                kind: r.get(1)?,
                name: r.get(2)?,
                config: serde_json::from_str(&r.get::<_, String>(3)?).unwrap_or(Value::Null),
                state: r.get(4)?,
                message: r.get(5)?,
                checked_at: r.get::<_, Option<i64>>(6)?.map(Time),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}
