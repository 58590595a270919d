//! Of what is due for a device, the one push that goes out next.

use super::rules::{STORM, Telling, quiet_until, telling};
use crate::store::StoreError;
use crate::store::pushes::{self, DueRow, TargetRow};
use deputy_protocol::Time;
use deputy_protocol::push::{PushContent, PushKind};
use rusqlite::Connection;

/// A push on its way.
pub(super) struct Outgoing {
    pub(super) row: DueRow,
    pub(super) to: TargetRow,
    pub(super) content: PushContent,
}

impl Outgoing {
    /// Whether the device should be woken for it.
    pub(super) fn is_urgent(&self) -> bool {
        self.row.kind != "settled"
    }

    /// What it is about: a later push about the same takes the place of an earlier one that was not
    /// delivered yet.
    pub(super) fn topic(&self) -> String {
        match (self.row.need, self.row.kind.as_str()) {
            (Some(need), _) => format!("{} {}", self.to.device, pushes::need_id(need)),
            (None, "test") => format!("{} {}", self.to.device, pushes::id(self.row.key)),
            (None, _) => format!("{} several", self.to.device),
        }
    }
}

/// Takes the next push of a device, marked as on its way; `None` when nothing is to go out now. In
/// the transaction in which it is called.
pub(super) fn next(
    db: &Connection,
    device: i64,
    now: Time,
) -> Result<Option<Outgoing>, StoreError> {
    let Some(to) = pushes::target(db, device)? else {
        return Ok(None);
    };
    loop {
        let due = pushes::due(db, device, now)?;
        let Some(first) = due.first().cloned() else {
            return Ok(None);
        };
        // What takes something back makes no sound, and a test is asked for.
        let of_items = |row: &DueRow| matches!(row.kind.as_str(), "need" | "several");
        let items: Vec<DueRow> = due.iter().filter(|row| of_items(row)).cloned().collect();
        if !items.is_empty()
            && let Some(until) = quiet_until(to.quiet.as_ref(), now)
        {
            pushes::postpone(db, &items, until)?;
            continue;
        }
        let row = if first.kind == "need" {
            let alone: Vec<DueRow> = due.into_iter().filter(|row| row.kind == "need").collect();
            let recent = pushes::told_since(db, device, Time(now.0 - STORM))?;
            let last = pushes::last_several(db, device)?;
            match telling(alone.len(), recent, last, now) {
                Telling::Alone => first,
                Telling::Together => pushes::together(db, device, &alone, now)?,
                Telling::Later(until) => {
                    pushes::postpone(db, &alone, until)?;
                    continue;
                }
            }
        } else {
            first
        };
        let Some(content) = content(db, &row)? else {
            pushes::dropped(db, row.key, now)?;
            continue;
        };
        pushes::sending(db, row.key)?;
        return Ok(Some(Outgoing { row, to, content }));
    }
}

/// What a push tells; `None` when there is nothing to tell any more.
fn content(db: &Connection, row: &DueRow) -> Result<Option<PushContent>, StoreError> {
    let said = |kind, title: String, text: String| PushContent {
        id: pushes::id(row.key),
        kind,
        need: row.need.map(pushes::need_id),
        title,
        text,
        at: row.created_at,
    };
    Ok(match row.kind.as_str() {
        "need" => {
            let open = row.need.map(|need| pushes::said_of(db, need)).transpose()?;
            open.flatten().map(|(title, automation)| {
                let from = automation.unwrap_or_else(|| "Deputy".to_owned());
                said(PushKind::Need, from, title)
            })
        }
        "several" => {
            let titles = pushes::titles_of(db, row.key)?;
            match titles.as_slice() {
                [] => None,
                [only] => Some(said(
                    PushKind::Several,
                    "One thing needs you".to_owned(),
                    only.clone(),
                )),
                more => Some(said(
                    PushKind::Several,
                    format!("{} things need you", more.len()),
                    more.iter().take(3).cloned().collect::<Vec<_>>().join("\n"),
                )),
            }
        }
        "test" => Some(said(
            PushKind::Test,
            "Deputy reaches this device".to_owned(),
            "What needs you will be told like this.".to_owned(),
        )),
        _ => Some(said(PushKind::Settled, String::new(), String::new())),
    })
}
