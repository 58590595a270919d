//! Proposals: rows. One proposal of an automation is open at a time.

use super::{Bundle, Checked};
use crate::store::{Key, StoreError, automations, chats};
use deputy_protocol::model::{Doubt, Preview};
use deputy_protocol::{AutomationState, Time};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

/// A proposal as it is kept.
#[derive(Clone, Debug)]
pub struct ProposalRow {
    /// Its key.
    pub key: i64,
    /// The automation that it makes or changes.
    pub automation: i64,
    /// `proposed`, `accepted`, `declined` or `superseded`.
    pub state: String,
    /// What is proposed.
    pub bundle: Bundle,
    /// What the dry run did.
    pub preview: Preview,
    /// What must be confirmed one by one.
    pub doubts: Vec<Doubt>,
}

/// Writes a proposal, in the place of an open one of the same automation.
pub fn put(
    db: &Connection,
    automation: i64,
    checked: &Checked,
    now: Time,
) -> Result<i64, StoreError> {
    automations::close_proposals(db, automation)?;
    let bundle = Bundle {
        contract: serde_json::to_value(&checked.contract)
            .map_err(|e| StoreError::corrupt("contract", e))?,
        ..checked.bundle.clone()
    };
    db.execute(
        "INSERT INTO proposals (automation, state, bundle, preview, doubts, created_at) VALUES (?1,'proposed',?2,?3,?4,?5)",
        params![
            automation,
            json!(bundle).to_string(),
            json!(checked.preview).to_string(),
            json!(checked.doubts).to_string(),
            now.0
        ],
    )?;
    let key = db.last_insert_rowid();
    let draft =
        automations::row(db, automation)?.is_some_and(|row| row.state == AutomationState::Draft);
    if draft {
        let contract = &checked.contract;
        automations::describe(
            db,
            automation,
            &bundle.name,
            &contract.purpose,
            &contract.timezone,
        )?;
    }
    let data = json!({"proposal": Key::Proposal.id(key), "title": bundle.name, "text": checked.contract.purpose});
    chats::append(
        db,
        Some(automation),
        "proposal",
        chats::Author::Deputy,
        &data,
        now,
    )?;
    Ok(key)
}

/// One proposal.
pub fn get(db: &Connection, key: i64) -> Result<Option<ProposalRow>, StoreError> {
    let found: Option<(i64, String, String, String, String)> = db
        .prepare_cached(
            "SELECT automation, state, bundle, preview, doubts FROM proposals WHERE id=?1",
        )?
        .query_row([key], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
        })
        .optional()?;
    let Some((automation, state, bundle, preview, doubts)) = found else {
        return Ok(None);
    };
    let corrupt = |e: serde_json::Error| StoreError::corrupt("proposal", e);
    Ok(Some(ProposalRow {
        key,
        automation,
        state,
        bundle: serde_json::from_str(&bundle).map_err(corrupt)?,
        preview: serde_json::from_str(&preview).map_err(corrupt)?,
        doubts: serde_json::from_str(&doubts).map_err(corrupt)?,
    }))
}

/// The open proposal of an automation.
pub fn open_of(db: &Connection, automation: i64) -> Result<Option<ProposalRow>, StoreError> {
    let key: Option<i64> = db
        .prepare_cached(
            "SELECT id FROM proposals WHERE automation=?1 AND state='proposed' ORDER BY id DESC LIMIT 1",
        )?
        .query_row([automation], |r| r.get(0))
        .optional()?;
    key.map_or(Ok(None), |key| get(db, key))
}
