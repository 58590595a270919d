//! Automations: lists, states, contracts.

use super::apply::stored;
use super::{Answer, Control, key, not_found};
use crate::executor;
use crate::intent::{self, Contract};
use crate::scheduler;
use crate::store::{Durability, Key, StoreError, automations, events, runs, triggers};
use deputy_protocol::control::Response;
use deputy_protocol::model::{AutomationDetail, ContractVersion, Webhook};
use deputy_protocol::{AutomationState, ErrorBody, RunState};
use serde_json::{Value, json};

fn read_contract(text: &str) -> Result<Contract, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::corrupt("contract", e))
}

impl Control {
    pub(super) async fn automations(&self, archived: bool) -> Answer<Response> {
        stored(
            self.executor
                .parts
                .store
                .read(move |db| automations::list(db, archived))
                .await,
        )
        .map(Response::Automations)
    }

    pub(super) async fn automation_show(&self, id: &str) -> Answer<Response> {
        let automation = key(Key::Automation, id)?;
        let (listen, shown) = (self.listen_url(), id.to_owned());
        let found = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let Some(view) = automations::get(db, automation)? else {
                        return Ok(None);
                    };
                    let contract = automations::contract(db, automation, view.contract_version)?;
                    let (contract, words) = match contract {
                        Some((text, _)) => {
                            let contract = read_contract(&text)?;
                            (
                                serde_json::to_value(&contract).unwrap_or_default(),
                                intent::plain_words(&contract),
                            )
                        }
                        None => (Value::Null, Vec::new()),
                    };
                    let script =
                        automations::script(db, automation, view.script_version)?.map(|(s, _)| s);
                    let webhooks = triggers::of(db, automation)?
                        .into_iter()
                        .filter_map(|row| {
                            let name = row.spec["webhook"].as_str()?.to_owned();
                            Some(Webhook {
                                url: listen
                                    .as_ref()
                                    .map(|base| format!("{base}/hooks/{shown}/{name}")),
                                name,
                                token: row.token?,
                            })
                        })
                        .collect();
                    Ok(Some(AutomationDetail {
                        automation: view,
                        contract,
                        plain_words: words,
                        script: script.unwrap_or_default(),
                        webhooks,
                        runs: runs::list(db, Some(automation), None, None, 10)?,
                    }))
                })
                .await,
        )?;
        found
            .map(|detail| Response::Automation(Box::new(detail)))
            .ok_or_else(|| not_found("automation", id))
    }

    async fn change(
        &self,
        id: &str,
        change: impl FnOnce(
            &rusqlite::Connection,
            i64,
            AutomationState,
        ) -> Result<Result<(), ErrorBody>, StoreError>
        + Send
        + 'static,
    ) -> Answer<Response> {
        let automation = key(Key::Automation, id)?;
        let changed = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let Some(row) = automations::row(db, automation)? else {
                        return Ok(None);
                    };
                    if let Err(refused) = change(db, automation, row.state)? {
                        return Ok(Some(Err(refused)));
                    }
                    Ok(automations::get(db, automation)?.map(Ok))
                })
                .await,
        )?;
        self.executor.parts.arrivals.times_changed();
        self.executor.parts.arrivals.announce(automation);
        match changed {
            Some(Ok(view)) => Ok(Response::AutomationChanged(Box::new(view))),
            Some(Err(refused)) => Err(refused),
            None => Err(not_found("automation", id)),
        }
    }

    pub(super) async fn automation_pause(&self, id: &str) -> Answer<Response> {
        let now = self.now();
        self.change(id, move |db, automation, state| {
            match state {
                AutomationState::Active => {}
                AutomationState::Paused => return Ok(Ok(())),
                AutomationState::Draft | AutomationState::Archived => {
                    return Ok(Err(wrong_state(state, "paused")));
                }
            }
            automations::set_state(
                db,
                automation,
                AutomationState::Paused,
                Some(automations::PAUSED_BY_USER),
            )?;
            triggers::rest(db, automation)?;
            events::record(
                db,
                now,
                "automation_paused",
                Some(automation),
                None,
                &json!({"because": automations::PAUSED_BY_USER}),
            )?;
            Ok(Ok(()))
        })
        .await
    }

    pub(super) async fn automation_resume(&self, id: &str) -> Answer<Response> {
        let now = self.now();
        self.change(id, move |db, automation, state| {
            match state {
                AutomationState::Paused => {}
                AutomationState::Active => return Ok(Ok(())),
                AutomationState::Draft | AutomationState::Archived => {
                    return Ok(Err(wrong_state(state, "resumed")));
                }
            }
            // The user paused it knowingly: what was due meanwhile is not made up for.
            executor::resume_automation(db, automation, true, now)?;
            Ok(Ok(()))
        })
        .await
    }

    pub(super) async fn automation_archive(&self, id: &str) -> Answer<Response> {
        let now = self.now();
        let archived = self
            .change(id, move |db, automation, _| {
                automations::set_state(db, automation, AutomationState::Archived, None)?;
                scheduler::deactivate(db, automation)?;
                db.execute(
                    "UPDATE inbox SET state='skipped', reason='the automation was archived'
                 WHERE target='automation' AND target_id=?1 AND state='pending'",
                    [automation],
                )?;
                executor::cancel_all_idle(db, automation, "the automation was archived", now)?;
                events::record(
                    db,
                    now,
                    "automation_archived",
                    Some(automation),
                    None,
                    &json!({}),
                )?;
                Ok(Ok(()))
            })
            .await?;
        let automation = key(Key::Automation, id)?;
        let planned = self
            .executor
            .parts
            .store
            .read(move |db| crate::planner::task::open_of(db, automation));
        if let Some(task) = stored(planned.await)? {
            stored(self.planner.cancel(task.key).await)?;
        }
        // What is at work right now comes to its end and is written down, and no further.
        let at_work = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    runs::list(db, Some(automation), Some(RunState::Running), None, 1_000)
                })
                .await,
        )?;
        for run in at_work {
            self.executor.cancel(key(Key::Run, &run.id)?);
        }
        Ok(archived)
    }

    pub(super) async fn contract_show(&self, id: &str, version: Option<u32>) -> Answer<Response> {
        let automation = key(Key::Automation, id)?;
        let found = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let Some(row) = automations::row(db, automation)? else {
                        return Ok(None);
                    };
                    let version = version.unwrap_or(row.contract_version);
                    let Some((text, created_at)) = automations::contract(db, automation, version)?
                    else {
                        return Ok(None);
                    };
                    let contract = read_contract(&text)?;
                    Ok(Some(ContractVersion {
                        id: Key::Automation.id(automation),
                        version,
                        created_at,
                        plain_words: intent::plain_words(&contract),
                        contract: serde_json::to_value(&contract).unwrap_or_default(),
                    }))
                })
                .await,
        )?;
        found
            .map(|c| Response::Contract(Box::new(c)))
            .ok_or_else(|| not_found("contract version of", id))
    }

    pub(super) async fn contract_diff(&self, id: &str, from: u32, to: u32) -> Answer<Response> {
        let automation = key(Key::Automation, id)?;
        let found = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let old = automations::contract(db, automation, from)?;
                    let new = automations::contract(db, automation, to)?;
                    match (old, new) {
                        (Some((old, _)), Some((new, _))) => Ok(Some(intent::diff(
                            &read_contract(&old)?,
                            &read_contract(&new)?,
                        ))),
                        _ => Ok(None),
                    }
                })
                .await,
        )?;
        found
            .map(Response::ContractDiff)
            .ok_or_else(|| not_found("contract version of", id))
    }
}

fn wrong_state(state: AutomationState, act: &str) -> ErrorBody {
    ErrorBody::new(
        "wrong_state",
        format!("the automation is {state} and cannot be {act}; nothing was changed"),
        "accept its proposal first, or delegate it anew",
    )
}
