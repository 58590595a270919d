//! Pushes: where devices are reached, what each was told, and what is still to be told. When that is
//! is decided in the room `push`.

use super::{Key, StoreError, devices};
use deputy_protocol::Time;
use deputy_protocol::push::{PushState, PushTarget, Quiet};
use deputy_protocol::remote::Right;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::HashMap;

/// Where a device is reached.
#[derive(Clone, Debug)]
pub struct TargetRow {
    /// The device.
    pub device: i64,
    /// Its public key.
    pub public_key: [u8; 32],
    /// Where.
    pub target: PushTarget,
    /// When not.
    pub quiet: Option<Quiet>,
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::corrupt("push target", e))
}

/// The device wants pushes there. What it has not been told yet is due now.
pub fn subscribe(
    db: &Connection,
    device: i64,
    target: &PushTarget,
    quiet: Option<&Quiet>,
    at: Time,
) -> Result<(), StoreError> {
    let text = |e| StoreError::corrupt("push target", e);
    let target = serde_json::to_string(target).map_err(text)?;
    let quiet = quiet.map(serde_json::to_string).transpose().map_err(text)?;
    db.prepare_cached(
        "INSERT INTO push_targets (device, target, quiet, since) VALUES (?1,?2,?3,?4)
         ON CONFLICT (device) DO UPDATE SET target=excluded.target, quiet=excluded.quiet,
           not_reached_since=NULL, trouble=NULL, is_gone=0",
    )?
    .execute(params![device, target, quiet, at.0])?;
    db.prepare_cached("UPDATE pushes SET due_at=?2, attempts=0 WHERE device=?1 AND state='due'")?
        .execute(params![device, at.0])?;
    devices::changed(db, device, "pushes_wanted", at)
}

/// The device wants none any more: what it was told is forgotten.
pub fn unsubscribe(db: &Connection, device: i64, at: Time) -> Result<(), StoreError> {
    let had = db
        .prepare_cached("DELETE FROM push_targets WHERE device=?1")?
        .execute([device])?;
    db.prepare_cached("DELETE FROM pushes WHERE device=?1")?
        .execute([device])?;
    if had > 0 {
        devices::changed(db, device, "pushes_not_wanted", at)?;
    }
    Ok(())
}

/// Something to see whether pushes come through.
pub fn test(db: &Connection, device: i64, at: Time) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO pushes (device, kind, state, due_at, created_at) VALUES (?1,'test','due',?2,?2)",
    )?
    .execute(params![device, at.0])?;
    Ok(())
}

/// How each device is reached.
pub fn states(db: &Connection) -> Result<HashMap<i64, PushState>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT device, target, quiet, since, reached_at, not_reached_since, trouble, is_gone
         FROM push_targets",
    )?;
    let mut rows = query.query([])?;
    let mut all = HashMap::new();
    while let Some(row) = rows.next()? {
        let target: PushTarget = json(&row.get::<_, String>(1)?)?;
        let quiet: Option<String> = row.get(2)?;
        let state = PushState {
            provider: target.provider().to_owned(),
            service: crate::push::service_name(&target),
            since: Time(row.get(3)?),
            quiet: quiet.as_deref().map(json).transpose()?,
            reached_at: row.get::<_, Option<i64>>(4)?.map(Time),
            not_reached_since: row.get::<_, Option<i64>>(5)?.map(Time),
            trouble: row.get(6)?,
            is_gone: row.get(7)?,
        };
        all.insert(row.get(0)?, state);
    }
    Ok(all)
}

/// Whether any device wants pushes.
pub fn are_wanted(db: &Connection) -> Result<bool, StoreError> {
    let wanted = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM push_targets)")?
        .query_row([], |r| r.get(0))?;
    Ok(wanted)
}

/// What was on its way when the agent ended goes out once more, under the same id; what is long over
/// is forgotten.
pub fn recover(db: &Connection, at: Time, kept_ms: i64) -> Result<(), StoreError> {
    db.execute(
        "UPDATE pushes SET state='due', due_at=?1 WHERE state='sending'",
        [at.0],
    )?;
    db.execute(
        "DELETE FROM pushes WHERE ended_at<?1 AND several IS NULL AND kind<>'several'
           AND NOT EXISTS (SELECT 1 FROM needs n WHERE n.id=pushes.need AND n.state='open')",
        [at.0 - kept_ms],
    )?;
    Ok(())
}

/// Open items of which a device was not told.
const UNTOLD: &str = "FROM needs n JOIN push_targets t ON n.created_at>=t.since
     WHERE n.state='open'
       AND NOT EXISTS (SELECT 1 FROM pushes p WHERE p.device=t.device AND p.kind='need' AND p.need=n.id)";

/// Items of which a device was told, or may have been, that are open no more. A device that answered
/// an item itself knows.
const OVER: &str = "FROM pushes p JOIN needs n ON n.id=p.need
     JOIN push_targets t ON t.device=p.device
     WHERE p.kind='need' AND p.several IS NULL AND n.state<>'open'
       AND (p.state IN ('sending','sent') OR (p.state='dropped' AND p.attempts>0))
       AND coalesce(n.answered_by,'')<>'device d'||p.device
       AND NOT EXISTS (SELECT 1 FROM pushes s WHERE s.device=p.device AND s.kind='settled' AND s.need=p.need)";

/// Pushes of several items of which none is open any more.
const ALL_OVER: &str = "FROM pushes p JOIN push_targets t ON t.device=p.device
     WHERE p.kind='several' AND p.state IN ('sending','sent')
       AND NOT EXISTS (SELECT 1 FROM pushes c JOIN needs n ON n.id=c.need
                       WHERE c.several=p.id AND n.state='open')
       AND NOT EXISTS (SELECT 1 FROM pushes s WHERE s.kind='settled' AND s.several=p.id)";

/// Items that were to be pushed and are open no more.
const NEEDLESS: &str = "FROM needs n WHERE n.id=pushes.need AND n.state<>'open'";

/// Whether [`plan`] would do anything.
pub fn is_behind(db: &Connection) -> Result<bool, StoreError> {
    let behind = db
        .prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 {UNTOLD}) OR EXISTS (SELECT 1 {OVER}) OR EXISTS (SELECT 1 {ALL_OVER})
               OR EXISTS (SELECT 1 FROM pushes WHERE state='due' AND kind='need' AND EXISTS (SELECT 1 {NEEDLESS}))"
        ))?
        .query_row([], |r| r.get(0))?;
    Ok(behind)
}

/// Brings the list of what is to be pushed up to what there is. An item is pushed `gather_ms` after
/// it was seen, so that what comes together is told together.
pub fn plan(db: &Connection, at: Time, gather_ms: i64) -> Result<(), StoreError> {
    let run = |sql: &str, due: i64| -> Result<(), StoreError> {
        db.prepare_cached(sql)?.execute(params![due, at.0])?;
        Ok(())
    };
    run(
        &format!(
            "UPDATE pushes SET state='dropped', ended_at=?1+0*?2 WHERE state='due' AND kind='need' AND EXISTS (SELECT 1 {NEEDLESS})"
        ),
        at.0,
    )?;
    run(
        &format!(
            "INSERT INTO pushes (device, kind, need, state, due_at, created_at)
             SELECT t.device, 'need', n.id, 'due', ?1, ?2 {UNTOLD} ORDER BY n.id"
        ),
        at.0 + gather_ms,
    )?;
    run(
        &format!(
            "INSERT INTO pushes (device, kind, need, state, due_at, created_at)
             SELECT p.device, 'settled', p.need, 'due', ?1, ?2 {OVER} ORDER BY p.id"
        ),
        at.0,
    )?;
    run(
        &format!(
            "INSERT INTO pushes (device, kind, several, state, due_at, created_at)
             SELECT p.device, 'settled', p.id, 'due', ?1, ?2 {ALL_OVER} ORDER BY p.id"
        ),
        at.0,
    )
}

/// Which devices have something due, and when there is more.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// Devices with something due now.
    pub due: Vec<i64>,
    /// When something else is.
    pub next: Option<Time>,
}

/// Looks at what waits to be pushed to devices whose push service knows them.
pub fn waiting(db: &Connection, now: Time) -> Result<Waiting, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT p.device, min(p.due_at) FROM pushes p JOIN push_targets t ON t.device=p.device
         WHERE p.state='due' AND t.is_gone=0 GROUP BY p.device",
    )?;
    let mut rows = query.query([])?;
    let mut waiting = Waiting::default();
    while let Some(row) = rows.next()? {
        let at = Time(row.get(1)?);
        if at <= now {
            waiting.due.push(row.get(0)?);
        } else if waiting.next.is_none_or(|next| at < next) {
            waiting.next = Some(at);
        }
    }
    Ok(waiting)
}

/// Where a device is reached; `None` when it is not to be.
pub fn target(db: &Connection, device: i64) -> Result<Option<TargetRow>, StoreError> {
    let Some(known) = devices::by_key(db, device)? else {
        return Ok(None);
    };
    if known.revoked_at.is_some() || !known.rights.has(Right::View) {
        return Ok(None);
    }
    let found: Option<(String, Option<String>)> = db
        .prepare_cached("SELECT target, quiet FROM push_targets WHERE device=?1 AND is_gone=0")?
        .query_row([device], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((target, quiet)) = found else {
        return Ok(None);
    };
    Ok(Some(TargetRow {
        device,
        public_key: known.public_key,
        target: json(&target)?,
        quiet: quiet.as_deref().map(json).transpose()?,
    }))
}

/// A push that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRow {
    /// Its key.
    pub key: i64,
    /// `need`, `several`, `settled` or `test`.
    pub kind: String,
    /// The item.
    pub need: Option<i64>,
    /// The push of several that it takes back.
    pub several: Option<i64>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written down.
    pub created_at: Time,
}

fn due_row(r: &Row<'_>) -> rusqlite::Result<DueRow> {
    Ok(DueRow {
        key: r.get(0)?,
        kind: r.get(1)?,
        need: r.get(2)?,
        several: r.get(3)?,
        attempts: r.get(4)?,
        created_at: Time(r.get(5)?),
    })
}

/// What is due for a device, in the order in which it is to be told.
pub fn due(db: &Connection, device: i64, now: Time) -> Result<Vec<DueRow>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT id, kind, need, several, attempts, created_at FROM pushes
         WHERE device=?1 AND state='due' AND due_at<=?2 ORDER BY id",
    )?;
    let rows = query
        .query_map(params![device, now.0], due_row)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// How many items a device was told of, each by a push of its own, since a time.
pub fn told_since(db: &Connection, device: i64, since: Time) -> Result<usize, StoreError> {
    let told: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM pushes WHERE device=?1 AND kind='need' AND several IS NULL
               AND state='sent' AND ended_at>?2",
        )?
        .query_row(params![device, since.0], |r| r.get(0))?;
    Ok(usize::try_from(told).unwrap_or(0))
}

/// When a device was last told of several items at once.
pub fn last_several(db: &Connection, device: i64) -> Result<Option<Time>, StoreError> {
    let last: Option<i64> = db
        .prepare_cached("SELECT max(created_at) FROM pushes WHERE device=?1 AND kind='several'")?
        .query_row([device], |r| r.get(0))?;
    Ok(last.map(Time))
}

/// Tells a device of these items by one push; its key.
pub fn together(
    db: &Connection,
    device: i64,
    items: &[DueRow],
    at: Time,
) -> Result<DueRow, StoreError> {
    let several = db
        .prepare_cached(
            "INSERT INTO pushes (device, kind, state, due_at, created_at)
             VALUES (?1,'several','due',?2,?2) RETURNING id, kind, need, several, attempts, created_at",
        )?
        .query_row(params![device, at.0], due_row)?;
    for item in items {
        db.prepare_cached("UPDATE pushes SET state='sent', several=?2, ended_at=?3 WHERE id=?1")?
            .execute(params![item.key, several.key, at.0])?;
    }
    Ok(several)
}

/// The titles of the open items of a push of several, newest first.
pub fn titles_of(db: &Connection, several: i64) -> Result<Vec<String>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT n.title FROM pushes c JOIN needs n ON n.id=c.need
         WHERE c.several=?1 AND n.state='open' ORDER BY n.id DESC",
    )?;
    let titles = query
        .query_map([several], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(titles)
}

/// The title of an open item, and the name of its automation.
pub fn said_of(db: &Connection, need: i64) -> Result<Option<(String, Option<String>)>, StoreError> {
    let said = db
        .prepare_cached(
            "SELECT n.title, a.name FROM needs n LEFT JOIN automations a ON a.id=n.automation
             WHERE n.id=?1 AND n.state='open'",
        )?
        .query_row([need], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    Ok(said)
}

/// These wait until then.
pub fn postpone(db: &Connection, pushes: &[DueRow], until: Time) -> Result<(), StoreError> {
    for push in pushes {
        db.prepare_cached("UPDATE pushes SET due_at=?2 WHERE id=?1")?
            .execute(params![push.key, until.0])?;
    }
    Ok(())
}

/// It is on its way.
pub fn sending(db: &Connection, push: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE pushes SET state='sending', attempts=attempts+1 WHERE id=?1")?
        .execute([push])?;
    Ok(())
}

/// It will not be sent.
pub fn dropped(db: &Connection, push: i64, at: Time) -> Result<(), StoreError> {
    end(db, push, "dropped", at)
}

fn end(db: &Connection, push: i64, state: &str, at: Time) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE pushes SET state=?2, ended_at=?3 WHERE id=?1")?
        .execute(params![push, state, at.0])?;
    Ok(())
}

/// The push service has taken it.
pub fn sent(db: &Connection, device: i64, push: i64, at: Time) -> Result<(), StoreError> {
    end(db, push, "sent", at)?;
    // Told to others where it says something that they do not know, or somebody waits for it.
    let is_news: Option<bool> = db
        .prepare_cached(
            "SELECT not_reached_since IS NOT NULL OR reached_at IS NULL
               OR EXISTS (SELECT 1 FROM pushes WHERE id=?2 AND kind='test')
             FROM push_targets WHERE device=?1",
        )?
        .query_row([device, push], |r| r.get(0))
        .optional()?;
    db.prepare_cached(
        "UPDATE push_targets SET reached_at=?2, not_reached_since=NULL, trouble=NULL WHERE device=?1",
    )?
    .execute(params![device, at.0])?;
    if is_news == Some(true) {
        devices::changed(db, device, "reached", at)?;
    }
    Ok(())
}

/// What becomes of a push that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// It is tried again then.
    Again(Time),
    /// It is not.
    Never,
    /// The push service knows the device no more; the push waits for the device to subscribe again.
    Gone,
}

/// The push service has not taken it.
pub fn not_sent(
    db: &Connection,
    device: i64,
    push: i64,
    untaken: Untaken,
    trouble: &str,
    at: Time,
) -> Result<(), StoreError> {
    match untaken {
        Untaken::Never => end(db, push, "failed", at)?,
        Untaken::Again(due) => {
            db.prepare_cached("UPDATE pushes SET state='due' WHERE id=?1 AND state='sending'")?
                .execute([push])?;
            // The others wait with it: they go the same way, and keep their order.
            db.prepare_cached(
                "UPDATE pushes SET due_at=max(due_at,?2) WHERE device=?1 AND state='due'",
            )?
            .execute(params![device, due.0])?;
        }
        Untaken::Gone => {
            db.prepare_cached("UPDATE pushes SET state='due' WHERE id=?1 AND state='sending'")?
                .execute([push])?;
        }
    }
    let known: Option<Option<i64>> = db
        .prepare_cached("SELECT not_reached_since FROM push_targets WHERE device=?1")?
        .query_row([device], |r| r.get(0))
        .optional()?;
    db.prepare_cached(
        "UPDATE push_targets SET not_reached_since=coalesce(not_reached_since,?2), trouble=?3,
           is_gone=max(is_gone,?4) WHERE device=?1",
    )?
    .execute(params![device, at.0, trouble, untaken == Untaken::Gone])?;
    if known == Some(None) || (known.is_some() && untaken == Untaken::Gone) {
        devices::changed(db, device, "not_reached", at)?;
    }
    Ok(())
}

/// A push as clients and push services see it.
pub fn id(push: i64) -> String {
    format!("u{push}")
}

/// The id of an item.
pub fn need_id(need: i64) -> String {
    Key::Need.id(need)
}
