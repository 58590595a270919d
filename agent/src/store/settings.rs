//! Settings: JSON values by key.

use super::StoreError;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

/// A setting; `None` when it was never set.
pub fn get(db: &Connection, key: &str) -> Result<Option<Value>, StoreError> {
    let text: Option<String> = db
        .prepare_cached("SELECT value FROM settings WHERE key=?1")?
        .query_row([key], |r| r.get(0))
        .optional()?;
    text.map(|t| serde_json::from_str(&t).map_err(|e| StoreError::corrupt("setting", e)))
        .transpose()
}

/// Sets a setting; `null` forgets it.
pub fn set(db: &Connection, key: &str, value: &Value) -> Result<(), StoreError> {
    if value.is_null() {
        db.prepare_cached("DELETE FROM settings WHERE key=?1")?
            .execute([key])?;
    } else {
        db.prepare_cached(
            "INSERT INTO settings (key, value) VALUES (?1,?2) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
        )?
        .execute(params![key, value.to_string()])?;
    }
    Ok(())
}

/// All settings that were set.
pub fn all(db: &Connection) -> Result<Map<String, Value>, StoreError> {
    let mut query = db.prepare_cached("SELECT key, value FROM settings ORDER BY key")?;
    let mut rows = query.query([])?;
    let mut map = Map::new();
    while let Some(r) = rows.next()? {
        map.insert(
            r.get(0)?,
            serde_json::from_str(&r.get::<_, String>(1)?).unwrap_or(Value::Null),
        );
    }
    Ok(map)
}
