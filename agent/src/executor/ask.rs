//! What a person is asked about a run that failed as a whole, from the evidence on record.

use super::ending;
use super::finish::{open_need, pause_automation};
use crate::needs;
use crate::observe::Redactor;
use crate::store::needs::NewNeed;
use crate::store::{StoreError, automations, events, runs};
use deputy_protocol::{FailureClass, InputState, NeedKind, RunState, Time};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

/// A failed run.
pub(super) struct About<'a> {
    pub(super) name: &'a str,
    pub(super) automation: i64,
    pub(super) run: i64,
    pub(super) evidence: &'a Value,
    /// Why it is not being repaired.
    pub(super) note: Option<&'a str>,
}

impl About<'_> {
    /// Opens the item, once for each failure that is alike.
    pub(super) fn open(
        &self,
        db: &Connection,
        redactor: &Redactor,
        kind: NeedKind,
        now: Time,
    ) -> Result<(), StoreError> {
        let (name, automation) = (self.name, self.automation);
        let word = |key: &str| self.evidence[key].as_str().unwrap_or_default();
        let (message, fingerprint) = (word("message"), word("fingerprint"));
        let (dedupe, title) = match kind {
            // One item a connection, however many runs wait for it.
            NeedKind::Auth => match self.evidence["connection"].as_str() {
                Some(connection) => (
                    format!("auth:{connection}"),
                    format!("The connection “{connection}” must be authorised again"),
                ),
                None => (
                    format!("auth:a{automation}"),
                    format!("“{name}” is not authorised: {message}"),
                ),
            },
            NeedKind::Precondition => (
                format!("precondition:a{automation}:{fingerprint}"),
                format!("Something that “{name}” relies on is missing: {message}"),
            ),
            NeedKind::Poison => (
                format!("poison:{}", self.run),
                format!(
                    "A run of “{name}” broke its process {} times at the same step",
                    ending::POISON
                ),
            ),
            NeedKind::Limit => (
                format!("limit:a{automation}:{fingerprint}"),
                format!("“{name}” went over a limit and was paused: {message}"),
            ),
            NeedKind::Permission => (
                format!("border:a{automation}:{fingerprint}"),
                format!("“{name}” wants to do something it may not: {message}"),
            ),
            NeedKind::Logic => (
                format!("logic:a{automation}:{fingerprint}"),
                format!("The script of “{name}” failed: {message}"),
            ),
            _ => (
                format!("unknown:a{automation}:{fingerprint}"),
                format!("“{name}” failed and was paused: {message}"),
            ),
        };
        let mut detail = json!({"failure": self.evidence});
        if let Some(note) = self.note {
            detail["repair"] = json!(note);
        }
        let need = NewNeed {
            kind,
            dedupe,
            title: redactor.text(&title),
            automation: Some(automation),
            run: Some(self.run),
            seq: self.evidence["step"]
                .as_u64()
                .and_then(|seq| u32::try_from(seq).ok()),
            choices: needs::choices_after(kind),
            detail: redactor.json(&detail),
        };
        open_need(db, &need, now)
    }
}

/// Ends a run as failed that waited to be repaired; with a note, a person is asked, once for all
/// that failed alike. False when it did not wait any more.
pub fn fail_waiting(
    db: &Connection,
    run: i64,
    note: Option<(&Redactor, &str)>,
    now: Time,
) -> Result<bool, StoreError> {
    let failure: Option<String> = db
        .prepare_cached(
            "UPDATE runs SET state='failed', ended_at=?2, waiting_for=NULL, waiting_until=NULL
             WHERE id=?1 AND state='waiting' RETURNING failure",
        )?
        .query_row(params![run, now.0], |r| r.get::<_, Option<String>>(0))
        .optional()?
        .flatten();
    let (Some(failure), Some(row)) = (failure, runs::row(db, run)?) else {
        return Ok(false);
    };
    db.prepare_cached("UPDATE inbox SET state=?2, lease_until=NULL WHERE id=?1")?
        .execute(params![row.input, InputState::Failed.as_str()])?;
    let data = json!({"state": RunState::Failed.as_str(), "attempt": row.attempt});
    events::record(db, now, "run_ended", Some(row.automation), Some(run), &data)?;
    let Some((redactor, note)) = note else {
        return Ok(true);
    };
    let evidence: Value =
        serde_json::from_str(&failure).map_err(|e| StoreError::corrupt("failure", e))?;
    let name = automations::row(db, row.automation)?.map_or_else(String::new, |a| a.name);
    let limit = evidence["class"] == FailureClass::Limit.as_str();
    let about = About {
        name: &name,
        automation: row.automation,
        run,
        evidence: &evidence,
        note: Some(note),
    };
    let kind = if limit {
        NeedKind::Limit
    } else {
        NeedKind::Logic
    };
    about.open(db, redactor, kind, now)?;
    if limit {
        let message = evidence["message"].as_str().unwrap_or_default();
        pause_automation(db, row.automation, message, now)?;
    }
    Ok(true)
}
