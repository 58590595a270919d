//! The user's own devices.

use super::{Key, StoreError, events, pushes};
use deputy_protocol::Time;
use deputy_protocol::model::Device;
use deputy_protocol::remote::{Right, Rights};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

/// A device as the agent knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// Its key.
    pub key: i64,
    /// Its name.
    pub name: String,
    /// Its public key.
    pub public_key: [u8; 32],
    /// What its routes are made of.
    pub salt: [u8; 32],
    /// What it may do.
    pub rights: Rights,
    /// When it was paired.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

impl DeviceRow {
    /// As clients see it.
    pub fn shown(&self, is_here: bool) -> Device {
        Device {
            id: Key::Device.id(self.key),
            name: self.name.clone(),
            rights: self.rights,
            created_at: self.created_at,
            revoked_at: self.revoked_at,
            is_here,
            push: None,
        }
    }
}

const COLUMNS: &str = "id, name, public_key, salt, rights, created_at, revoked_at";

fn row(r: &Row<'_>) -> rusqlite::Result<DeviceRow> {
    let rights: String = r.get(4)?;
    Ok(DeviceRow {
        key: r.get(0)?,
        name: r.get(1)?,
        public_key: r.get(2)?,
        salt: r.get(3)?,
        rights: Rights::of(rights.split(',').filter_map(Right::parse)),
        created_at: Time(r.get(5)?),
        revoked_at: r.get::<_, Option<i64>>(6)?.map(Time),
    })
}

/// Writes a new device down; its key.
pub fn add(
    db: &Connection,
    name: &str,
    public_key: &[u8; 32],
    salt: &[u8; 32],
    rights: Rights,
    at: Time,
) -> Result<DeviceRow, StoreError> {
    let added = db
        .prepare_cached(&format!(
            "INSERT INTO devices (name, public_key, salt, rights, created_at)
             VALUES (?1,?2,?3,?4,?5) RETURNING {COLUMNS}"
        ))?
        .query_row(
            params![name, public_key, salt, rights.to_string(), at.0],
            row,
        )?;
    changed(db, added.key, "paired", at)?;
    Ok(added)
}

/// The other devices hear of it.
pub(super) fn changed(db: &Connection, key: i64, what: &str, at: Time) -> Result<(), StoreError> {
    let data = json!({"device": Key::Device.id(key), "state": what});
    events::record(db, at, "device_changed", None, None, &data)
}

/// All of them, revoked ones too, oldest first.
pub fn list(db: &Connection) -> Result<Vec<DeviceRow>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM devices WHERE salt IS NOT NULL ORDER BY id"
    ))?;
    let rows = query.query_map([], row)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// One of them.
pub fn by_key(db: &Connection, key: i64) -> Result<Option<DeviceRow>, StoreError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM devices WHERE id=?1"))?
        .query_row([key], row)
        .optional()?;
    Ok(found)
}

/// Revokes all; how many were not revoked before.
pub fn revoke_all(db: &Connection, at: Time) -> Result<usize, StoreError> {
    let revoked = db
        .prepare_cached("UPDATE devices SET revoked_at=?1 WHERE revoked_at IS NULL")?
        .execute([at.0])?;
    db.execute_batch("DELETE FROM pushes; DELETE FROM push_targets;")?;
    Ok(revoked)
}

/// Revokes one. Whether it was not revoked before.
pub fn revoke(db: &Connection, key: i64, at: Time) -> Result<bool, StoreError> {
    let revoked = db
        .prepare_cached("UPDATE devices SET revoked_at=?2 WHERE id=?1 AND revoked_at IS NULL")?
        .execute(params![key, at.0])?
        == 1;
    if revoked {
        pushes::unsubscribe(db, key, at)?;
        changed(db, key, "revoked", at)?;
    }
    Ok(revoked)
}
