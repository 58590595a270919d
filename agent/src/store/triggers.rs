//! Triggers of the active contracts: rows. What they mean is in the room `scheduler`.

use super::StoreError;
use deputy_protocol::Time;
use rusqlite::{Connection, params};
use serde_json::Value;

/// A trigger of an automation.
#[derive(Clone, Debug)]
pub struct TriggerRow {
    /// The automation.
    pub automation: i64,
    /// Its place in the contract.
    pub position: u32,
    /// The trigger as in the contract.
    pub spec: Value,
    /// Where intervals are counted from.
    pub anchor_at: Time,
    /// Up to when due times were decided about.
    pub last_handled: Time,
    /// The secret of a webhook.
    pub token: Option<String>,
}

/// Replaces the triggers of an automation whole, so that no state of an old one outlives it.
pub fn replace(
    db: &Connection,
    automation: i64,
    rows: &[(TriggerRow, Option<Time>)],
) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM triggers WHERE automation=?1")?
        .execute([automation])?;
    for (row, next) in rows {
        let kind = row
            .spec
            .as_object()
            .and_then(|o| o.keys().next())
            .map_or("manual", String::as_str);
        db.prepare_cached(
            "INSERT INTO triggers (automation, position, kind, spec, anchor_at, last_handled, next_due_at, token)
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
        )?
        .execute(params![
            automation,
            row.position,
            kind,
            row.spec.to_string(),
            row.anchor_at.0,
            row.last_handled.0,
            next.map(|t| t.0),
            row.token,
        ])?;
    }
    Ok(())
}

/// The triggers of an automation, in the contract's order.
pub fn of(db: &Connection, automation: i64) -> Result<Vec<TriggerRow>, StoreError> {
    select(db, "WHERE automation=?1 ORDER BY position", automation)
}

/// The triggers of a kind of all active automations.
pub fn of_active(db: &Connection, kind: &str) -> Result<Vec<TriggerRow>, StoreError> {
    select(
        db,
        "WHERE kind=?1 AND automation IN (SELECT id FROM automations WHERE state='active')
         ORDER BY automation, position",
        kind,
    )
}

/// The triggers that are due.
pub fn due(db: &Connection, now: Time) -> Result<Vec<TriggerRow>, StoreError> {
    select(
        db,
        "WHERE next_due_at<=?1 ORDER BY next_due_at LIMIT 512",
        now.0,
    )
}

fn select(
    db: &Connection,
    which: &str,
    parameter: impl rusqlite::ToSql,
) -> Result<Vec<TriggerRow>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT automation, position, spec, anchor_at, last_handled, token FROM triggers {which}"
    ))?;
    let mut rows = query.query([parameter])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        found.push(TriggerRow {
            automation: r.get(0)?,
            position: r.get(1)?,
            spec: serde_json::from_str(&r.get::<_, String>(2)?)
                .map_err(|e| StoreError::corrupt("trigger", e))?,
            anchor_at: Time(r.get(3)?),
            last_handled: Time(r.get::<_, Option<i64>>(4)?.unwrap_or(0)),
            token: r.get(5)?,
        });
    }
    Ok(found)
}

/// Records up to when a trigger's times were decided about, and when it is due next.
pub fn handled(
    db: &Connection,
    automation: i64,
    position: u32,
    upto: Time,
    next: Option<Time>,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE triggers SET last_handled=?3, next_due_at=?4 WHERE automation=?1 AND position=?2",
    )?
    .execute(params![automation, position, upto.0, next.map(|t| t.0)])?;
    Ok(())
}

/// Rests an automation's triggers: they are not due any more.
pub fn rest(db: &Connection, automation: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE triggers SET next_due_at=NULL WHERE automation=?1")?
        .execute([automation])?;
    Ok(())
}

/// Has an automation's triggers looked at now. With `forget`, times that passed while they rested
/// are not made up for.
pub fn wake(db: &Connection, automation: i64, now: Time, forget: bool) -> Result<(), StoreError> {
    if forget {
        db.prepare_cached(
            "UPDATE triggers SET last_handled=max(last_handled, ?2) WHERE automation=?1",
        )?
        .execute(params![automation, now.0])?;
    }
    db.prepare_cached(
        "UPDATE triggers SET next_due_at=?2 WHERE automation=?1 AND kind IN ('cron','every_ms','at')",
    )?
    .execute(params![automation, now.0])?;
    Ok(())
}

/// Goes on from now when the clock was set back behind what was decided about. Ticks that were
/// fired are known by their keys; those that were passed over come again at their time.
pub fn set_back(db: &Connection, now: Time) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE triggers SET last_handled=?1, next_due_at=?1
         WHERE last_handled>?1 AND next_due_at IS NOT NULL AND kind IN ('cron','every_ms','at')",
    )?
    .execute([now.0])?;
    Ok(())
}

/// The earliest due time of all triggers.
pub fn next_due(db: &Connection) -> Result<Option<Time>, StoreError> {
    let earliest: Option<i64> = db
        .prepare_cached("SELECT min(next_due_at) FROM triggers WHERE next_due_at IS NOT NULL")?
        .query_row([], |r| r.get(0))?;
    Ok(earliest.map(Time))
}

/// The earliest time at which the scheduler has something to do: a trigger is due, a run wakes, an
/// item becomes available, or a lease ends.
pub fn next_wake(db: &Connection, now: Time) -> Result<Option<Time>, StoreError> {
    let earliest: Option<i64> = db
        .prepare_cached(
            "SELECT min(t) FROM (SELECT min(next_due_at) AS t FROM triggers WHERE next_due_at IS NOT NULL
             UNION ALL SELECT min(waiting_until) FROM runs WHERE waiting_until IS NOT NULL
             UNION ALL SELECT min(available_at) FROM inbox WHERE state='pending' AND available_at>?1
             UNION ALL SELECT min(lease_until) FROM inbox WHERE state='pending' AND lease_until IS NOT NULL)",
        )?
        .query_row([now.0], |r| r.get(0))?;
    Ok(earliest.map(Time))
}
