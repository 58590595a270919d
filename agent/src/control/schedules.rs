//! What `doctor` finds about the triggers of active automations: each has a next due time, or
//! something else that starts it and works.

use super::settings::finding;
use crate::intent::{Contract, Trigger, expand_home};
use crate::store::{Key, StoreError, automations, connections, triggers};
use deputy_protocol::Time;
use deputy_protocol::model::Finding;
use rusqlite::Connection;

/// A due time this far in the past was not looked at, in milliseconds.
const OVERDUE_MS: i64 = 60_000;

pub(super) fn schedules(
    db: &Connection,
    now: Time,
    listening: bool,
) -> Result<Vec<Finding>, StoreError> {
    let active: Vec<(i64, String, u32, Option<i64>)> = db
        .prepare(
            "SELECT a.id, a.name, a.contract_version, min(t.next_due_at) FROM automations a
             LEFT JOIN triggers t ON t.automation=a.id WHERE a.state='active'
             GROUP BY a.id ORDER BY a.id",
        )?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let mut findings = Vec::new();
    for (key, name, version, due) in active {
        let who = format!("{} “{name}”", Key::Automation.id(key));
        let Some((text, _)) = automations::contract(db, key, version)? else {
            findings.push(finding(
                "schedule",
                "problem",
                format!("{who} is active without a contract; it does not run."),
                "archive it and delegate it anew",
            ));
            continue;
        };
        let contract: Contract =
            serde_json::from_str(&text).map_err(|e| StoreError::corrupt("contract", e))?;
        findings.extend(by_time(&who, &contract, due.map(Time), now));
        findings.extend(from_outside(&who, &contract, listening));
        findings.extend(by_mail(db, &who, &contract)?);
        if triggers::of(db, key)?.len() != contract.triggers.len() {
            findings.push(finding(
                "schedule",
                "problem",
                format!("{who} does not have the triggers that its contract lists."),
                "pause and resume it; if that does not help, delegate it anew",
            ));
        }
    }
    Ok(findings)
}

fn by_time(who: &str, contract: &Contract, due: Option<Time>, now: Time) -> Option<Finding> {
    let timed = contract
        .triggers
        .iter()
        .any(|t| matches!(t, Trigger::Cron(_) | Trigger::Every(_) | Trigger::At(_)));
    Some(match due {
        Some(due) if now.since(due) > OVERDUE_MS => finding(
            "schedule",
            "problem",
            format!("{who} was due at {due} and nothing looked at it."),
            "look at `deputy runs`, then restart the agent",
        ),
        Some(due) => finding("schedule", "ok", format!("{who} is due next at {due}."), ""),
        None if timed => finding(
            "schedule",
            "warning",
            format!("{who} has no further due time."),
            "archive it if it is done",
        ),
        None => return None,
    })
}

/// A mailbox that a contract follows and that cannot be followed.
fn by_mail(db: &Connection, who: &str, contract: &Contract) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for trigger in &contract.triggers {
        let Trigger::Mail(mail) = trigger else {
            continue;
        };
        let name = &mail.mail.connection;
        let why = match connections::by_name(db, name)? {
            None => "is not there",
            Some(row) if row.config["imap_host"].is_null() => "has no mailbox",
            Some(row) if !matches!(row.state.as_str(), "ok" | "unchecked") => {
                "did not work when it was last tried"
            }
            Some(_) => continue,
        };
        findings.push(finding(
            "mailbox",
            "problem",
            format!("{who} waits for mail through the connection “{name}”, which {why}."),
            "`deputy connect mail` with --imap-host, then answer its item in `deputy needs`",
        ));
    }
    Ok(findings)
}

fn from_outside(who: &str, contract: &Contract, listening: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for trigger in &contract.triggers {
        match trigger {
            Trigger::Webhook(hook) if !listening => findings.push(finding(
                "webhook",
                "problem",
                format!(
                    "{who} waits for the webhook “{}”, and nothing listens.",
                    hook.webhook
                ),
                "`deputy config set listen` an address, then start the agent again",
            )),
            Trigger::File(file)
                if !expand_home(&file.file)
                    .is_some_and(|folder| std::path::Path::new(&folder).is_dir()) =>
            {
                findings.push(finding(
                    "folder",
                    "problem",
                    format!("{who} watches {}, which is not there.", file.file),
                    "make the folder, then answer its item in `deputy needs`",
                ));
            }
            Trigger::Webhook(_)
            | Trigger::File(_)
            | Trigger::Cron(_)
            | Trigger::Every(_)
            | Trigger::At(_)
            | Trigger::Event(_)
            | Trigger::Mail(_)
            | Trigger::Manual(_) => {}
        }
    }
    findings
}
