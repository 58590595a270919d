//! What a task begins with and goes on with: the user's words and answers, what there is already, and
//! what the user has named.

use super::task::{self, Task, TaskDetail, TaskState};
use super::work::{BUDGET_SETTING, PlanBudget};
use super::{Brief, Present, Sources, proposal, words};
use crate::intent::Contract;
use crate::models::Budget;
use crate::store::{Key, StoreError, automations, chats, connections, needs, settings};
use deputy_protocol::model::ConnectionInfo;
use deputy_protocol::{AutomationState, Time};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// Takes an answer over into its task, in the transaction of the answer. Returns the task, which
/// goes on from here.
pub fn answered(
    db: &Connection,
    need: &needs::NeedRow,
    answer: &str,
    now: Time,
) -> Result<Option<i64>, StoreError> {
    let id = need.detail["task"].as_str().unwrap_or_default();
    let Some(task) = Key::Task.parse(id).ok().map(|key| task::get(db, key)) else {
        return Ok(None);
    };
    let Some(task) = task? else { return Ok(None) };
    db.prepare_cached("UPDATE needs SET detail=json_set(detail,'$.answer',?2) WHERE id=?1")?
        .execute(params![need.key, answer])?;
    let said = json!({"text": answer, "need": Key::Need.id(need.key)});
    chats::append(
        db,
        Some(task.automation),
        "user_message",
        chats::Author::User,
        &said,
        now,
    )?;
    let runs = task::set_state(db, &task, TaskState::Running, now)?;
    Ok(runs.then_some(task.key))
}

/// Makes a task of the user's words, for a new automation or one that is there.
pub fn begin(
    db: &Connection,
    automation: Option<i64>,
    detail: &TaskDetail,
    now: Time,
) -> Result<i64, StoreError> {
    let automation = match automation {
        Some(automation) => automation,
        None => {
            let name: String = detail.text.chars().take(60).collect();
            automations::insert(db, &name, &detail.text, &detail.timezone, now)?
        }
    };
    chats::append(
        db,
        Some(automation),
        "user_message",
        chats::Author::User,
        &json!({"text": detail.text}),
        now,
    )?;
    task::insert(db, automation, detail, now)
}

pub(super) type Loaded = (Task, Brief, Sources, Budget);

pub(super) fn load(db: &Connection, key: i64) -> Result<Option<Loaded>, StoreError> {
    let Some(task) = task::get(db, key)? else {
        return Ok(None);
    };
    let Some(row) = automations::row(db, task.automation)? else {
        return Ok(None);
    };
    let accepted = row.state != AutomationState::Draft;
    let present = if accepted {
        current(db, task.automation)?
    } else {
        proposal::open_of(db, task.automation)?.and_then(|open| {
            Some(Present {
                name: open.bundle.name,
                contract: serde_json::from_value(open.bundle.contract).ok()?,
                script: open.bundle.script,
                accepted: false,
            })
        })
    };
    let known = connections::list(db)?;
    let address = |config: &Value| {
        let from = config["from"].as_str()?;
        words::tokens(from).find_map(words::recipient)
    };
    let kind = |c: &ConnectionInfo| match (c.kind.as_str(), c.config["imap_host"].is_string()) {
        ("mail", true) => "mail, to send and to read".to_owned(),
        ("mail", false) => "mail, only to send".to_owned(),
        ("http", _) => format!(
            "http, a web service at {}",
            c.config["base_url"].as_str().unwrap_or_default()
        ),
        ("calendar", _) => format!("calendar. {}", c.message.as_deref().unwrap_or_default()),
        (other, _) => other.to_owned(),
    };
    let mut before = task::words(db, task.automation)?;
    let sources = Sources {
        words: before.clone(),
        connections: known.iter().map(|c| c.name.clone()).collect(),
        addresses: known.iter().filter_map(|c| address(&c.config)).collect(),
        accepted: present
            .as_ref()
            .filter(|present| present.accepted)
            .map(|present| present.contract.clone()),
    };
    // The last ones are the words of this task, and answers that its conversation holds.
    if let Some(at) = before.iter().rposition(|words| *words == task.detail.text) {
        before.truncate(at);
    }
    let brief = Brief {
        now: Time(0),
        zone: task.detail.timezone.clone(),
        connections: known
            .iter()
            .map(|c| (c.name.clone(), kind(c), address(&c.config)))
            .collect(),
        present,
        before,
        text: task.detail.text.clone(),
    };
    let budget: PlanBudget = settings::get(db, BUDGET_SETTING)?
        // What the setting holds was checked when it was set.
        .and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default();
    let budget = Budget {
        turns: budget.turns,
        tokens: budget.tokens,
        wall_ms: budget.wall_ms,
        cost_micros: budget.cost_micros,
    };
    Ok(Some((task, brief, sources, budget)))
}

/// The contract and script that an automation goes by.
pub fn current(db: &Connection, automation: i64) -> Result<Option<Present>, StoreError> {
    let Some(row) = automations::row(db, automation)? else {
        return Ok(None);
    };
    let contract = automations::contract(db, automation, row.contract_version)?;
    let script = automations::script(db, automation, row.script_version)?;
    let (Some((contract, _)), Some((script, _))) = (contract, script) else {
        return Ok(None);
    };
    let contract: Contract =
        serde_json::from_str(&contract).map_err(|e| StoreError::corrupt("contract", e))?;
    Ok(Some(Present {
        name: row.name,
        contract,
        script,
        accepted: true,
    }))
}
