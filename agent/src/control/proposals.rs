//! Proposals: a bundle is checked, rehearsed and kept; an accepted one becomes the automation, or
//! its next version.

use super::apply::{done, stored};
use super::{Answer, Control, key, not_found};
use crate::executor::{Program, Rehearsal, dry_run};
use crate::intent::{self, Contract};
use crate::planner::proposal::{self, ProposalRow};
use crate::planner::{Bundle, BundleError, Checked};
use crate::scheduler;
use crate::store::automations::NewScript;
use crate::store::{Durability, Key, StoreError, automations, chats, events, triggers};
use deputy_protocol::control::Response;
use deputy_protocol::model::{ContractDiff, Preview, Proposal};
use deputy_protocol::{AutomationState, ErrorBody, SourceKind, Time};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Control {
    pub(super) async fn install(&self, bundle: Value, accept: bool) -> Answer<Response> {
        let bundle = Bundle::parse(&bundle).map_err(|e| {
            let code = match e {
                BundleError::Version { .. } => "bundle_version",
                BundleError::Invalid(_) => "bundle_invalid",
            };
            ErrorBody::new(
                code,
                e.to_string(),
                "see docs/10-intent-contract.md, or update Deputy",
            )
        })?;
        self.propose(None, bundle, accept, Value::Null).await
    }

    /// Checks, rehearses and keeps what the user brings or a recipe makes; accepts it at once when
    /// asked and nothing is doubtful. Without an automation a new one is drafted.
    pub(super) async fn propose(
        &self,
        automation: Option<i64>,
        bundle: Bundle,
        accept: bool,
        said: Value,
    ) -> Answer<Response> {
        let checked = self.check(bundle).await?;
        let now = self.now();
        let kept = self
            .executor
            .parts
            .store
            .write(Durability::Synced, move |db| {
                let contract = &checked.contract;
                let automation = match automation {
                    Some(automation) => automation,
                    None => automations::insert(
                        db,
                        &checked.bundle.name,
                        &contract.purpose,
                        &contract.timezone,
                        now,
                    )?,
                };
                if !said.is_null() {
                    let by = chats::Author::User;
                    chats::append(db, Some(automation), "user_message", by, &said, now)?;
                }
                proposal::put(db, automation, &checked, now)
            });
        self.proposed(stored(kept.await)?, accept).await
    }

    /// A kept proposal: accepted at once when the user said so and nothing is doubtful, else shown.
    pub(super) async fn proposed(&self, proposal: i64, accept: bool) -> Answer<Response> {
        let id = Key::Proposal.id(proposal);
        let row = self.open_proposal(&id).await?;
        if accept && row.doubts.is_empty() {
            return self.accept(&id, &[]).await;
        }
        let contract = self.read_contract(&row.bundle.contract)?;
        let diff = self.against_present(row.automation, &contract).await?;
        Ok(shown(&row, "proposed", &contract, diff))
    }

    async fn check(&self, bundle: Bundle) -> Answer<Checked> {
        let contract = self.read_contract(&bundle.contract)?;
        let registry = self.executor.parts.registry;
        let unknown = crate::planner::unknown_names(registry, &bundle.script);
        if !unknown.is_empty() {
            return Err(ErrorBody::new(
                "script_invalid",
                format!(
                    "the script uses what does not exist: {}. Nothing was installed",
                    unknown.join("; ")
                ),
                "`deputy tools --types` shows what a script can use",
            ));
        }
        let preview = self.rehearse(&bundle, &contract).await;
        if let (Some(code), Some(message)) = (&preview.error_code, &preview.error)
            && matches!(code.as_str(), "syntax" | "no_handler")
        {
            let message = format!("the script cannot run: {message}. Nothing was installed");
            return Err(ErrorBody::new(
                "script_invalid",
                message,
                "mend the script and install it again",
            ));
        }
        let doubts = crate::planner::wide(&contract, registry);
        Ok(Checked {
            bundle,
            contract,
            preview,
            doubts,
        })
    }

    fn read_contract(&self, json: &Value) -> Answer<Contract> {
        intent::parse(json, &self.executor.parts.registry.known_operations()).map_err(|errors| {
            let code = errors.first().map_or("contract_invalid", |e| e.code);
            let message = errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ");
            let hint = errors
                .iter()
                .map(|e| e.hint.as_str())
                .find(|h| !h.is_empty())
                .unwrap_or_default();
            ErrorBody::new(
                code,
                format!("the contract was not accepted: {message}. Nothing was installed"),
                hint,
            )
        })
    }

    async fn rehearse(&self, bundle: &Bundle, contract: &Contract) -> Preview {
        let input = bundle
            .fixtures
            .first()
            .map_or(Value::Null, |f| f.input.clone());
        let rehearsal = Rehearsal {
            program: Arc::new(Program::new(
                0,
                &bundle.name,
                contract.clone(),
                bundle.script.clone(),
            )),
            input,
            topic: None,
            source: SourceKind::Manual,
            state: BTreeMap::new(),
            seed: *blake3::hash(bundle.script.as_bytes()).as_bytes(),
            of: None,
            now: self.now(),
        };
        dry_run(&self.executor.parts, &rehearsal).await
    }

    /// What a contract changes against the one that the automation goes by; `None` for a new one.
    async fn against_present(
        &self,
        automation: i64,
        contract: &Contract,
    ) -> Answer<Option<ContractDiff>> {
        let present = self.executor.parts.store.read(move |db| {
            let present = crate::planner::current(db, automation)?;
            Ok(present.map(|present| present.contract))
        });
        let present = stored(present.await)?;
        Ok(present.map(|present| intent::diff(&present, contract)))
    }

    pub(super) async fn accept(&self, id: &str, confirm: &[String]) -> Answer<Response> {
        let row = self.open_proposal(id).await?;
        let missing: Vec<&str> = row
            .doubts
            .iter()
            .map(|d| d.id.as_str())
            .filter(|d| !confirm.iter().any(|c| c == d))
            .collect();
        if !missing.is_empty() {
            let confirms: Vec<String> = missing.iter().map(|d| format!("--confirm {d}")).collect();
            return Err(ErrorBody::new(
                "doubts",
                format!(
                    "these must be confirmed one by one: {}. Nothing was accepted",
                    missing.join(", ")
                ),
                format!("deputy proposal accept {id} {}", confirms.join(" ")),
            ));
        }
        let contract = self.read_contract(&row.bundle.contract)?;
        let diff = self.against_present(row.automation, &contract).await?;
        let (automation, now) = (row.automation, self.now());
        let (adopted, accepted) = (row.clone(), contract.clone());
        let accepted_here = self
            .executor
            .parts
            .store
            .write(Durability::Synced, move |db| {
                adopt(db, &adopted, &accepted, now)
            });
        if !stored(accepted_here.await)? {
            return Err(ErrorBody::new(
                "not_open",
                format!("the proposal {id} is not open any more; nothing was changed"),
                "delegate it anew",
            ));
        }
        self.executor.parts.arrivals.times_changed();
        self.executor.parts.arrivals.announce(automation);
        let row = ProposalRow {
            doubts: Vec::new(),
            ..row
        };
        Ok(shown(&row, "accepted", &contract, diff))
    }

    /// Declines a proposal; with a task's id, calls the planning off.
    pub(super) async fn decline(&self, id: &str) -> Answer<Response> {
        if Key::Task.parse(id).is_ok() {
            return self.task_cancel(id).await;
        }
        let row = self.open_proposal(id).await?;
        let contract = self.read_contract(&row.bundle.contract)?;
        let (proposal, automation) = (row.key, row.automation);
        stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    db.execute(
                        "UPDATE proposals SET state='declined' WHERE id=?1 AND state='proposed'",
                        [proposal],
                    )?;
                    db.execute(
                        "UPDATE automations SET state='archived' WHERE id=?1 AND state='draft'",
                        [automation],
                    )?;
                    Ok(())
                })
                .await,
        )?;
        Ok(shown(&row, "declined", &contract, None))
    }

    pub(super) async fn task_cancel(&self, id: &str) -> Answer<Response> {
        let task = key(Key::Task, id)?;
        if stored(self.planner.cancel(task).await)? {
            return Ok(done(
                id,
                "Planning is called off; nothing was set up or changed.",
            ));
        }
        Err(ErrorBody::new(
            "not_open",
            format!("{id} is not at work and waits for nobody; nothing was changed"),
            "`deputy chat` shows what became of it",
        ))
    }

    pub(super) async fn proposal_show(&self, id: &str) -> Answer<Response> {
        let row = self.any_proposal(id).await?;
        let contract = self.read_contract(&row.bundle.contract)?;
        let diff = if row.state == "proposed" {
            self.against_present(row.automation, &contract).await?
        } else {
            None
        };
        let state = row.state.clone();
        Ok(shown(&row, &state, &contract, diff))
    }

    async fn any_proposal(&self, id: &str) -> Answer<ProposalRow> {
        let proposal = key(Key::Proposal, id)?;
        let read = self
            .executor
            .parts
            .store
            .read(move |db| proposal::get(db, proposal));
        stored(read.await)?.ok_or_else(|| not_found("proposal", id))
    }

    async fn open_proposal(&self, id: &str) -> Answer<ProposalRow> {
        let row = self.any_proposal(id).await?;
        if row.state != "proposed" {
            return Err(ErrorBody::new(
                "not_open",
                format!("the proposal {id} is {}", row.state),
                "",
            ));
        }
        Ok(row)
    }
}

/// Makes a proposal the automation's contract and script. False when it is not open any more.
fn adopt(
    db: &Connection,
    row: &ProposalRow,
    contract: &Contract,
    now: Time,
) -> Result<bool, StoreError> {
    let automation = row.automation;
    let Some(before) = automations::row(db, automation)? else {
        return Ok(false);
    };
    let changed = db.execute(
        "UPDATE proposals SET state='accepted' WHERE id=?1 AND state='proposed'",
        [row.key],
    )?;
    if changed == 0 || before.state == AutomationState::Archived {
        return Ok(false);
    }
    let reason = "accepted by the user";
    let text = serde_json::to_string(contract).map_err(|e| StoreError::corrupt("contract", e))?;
    let digest = intent::digest(contract);
    let contract_version = automations::add_contract(db, automation, &text, &digest, reason, now)?;
    let digest = blake3::hash(row.bundle.script.as_bytes()).to_hex()[..32].to_owned();
    let script = NewScript {
        script: &row.bundle.script,
        fixtures: &json!(row.bundle.fixtures),
        digest: &digest,
        reason,
    };
    let script_version = automations::add_script(db, automation, &script, now)?;
    automations::describe(
        db,
        automation,
        &row.bundle.name,
        &contract.purpose,
        &contract.timezone,
    )?;
    scheduler::activate(db, automation, contract, now, token)?;
    match before.state {
        AutomationState::Draft => {
            automations::set_state(db, automation, AutomationState::Active, None)?;
        }
        // What rests goes on resting, under its new contract.
        AutomationState::Paused => triggers::rest(db, automation)?,
        AutomationState::Active | AutomationState::Archived => {}
    }
    let is_new = before.state == AutomationState::Draft;
    let kind = if is_new {
        "automation_accepted"
    } else {
        "automation_changed"
    };
    let data = json!({
        "proposal": Key::Proposal.id(row.key),
        "contract_version": contract_version, "script_version": script_version,
    });
    events::record(db, now, kind, Some(automation), None, &data)?;
    let line = if is_new {
        json!({"title": "Delegated", "text": "I take it from here."})
    } else {
        json!({"title": "Changed", "text": format!("From the next run on I go by version {contract_version}.")})
    };
    let by = chats::Author::Deputy;
    chats::append(db, Some(automation), "reply", by, &line, now)?;
    Ok(true)
}

/// A webhook's secret.
fn token() -> String {
    let mut bytes = [0; 24];
    // The kernel's generator does not fail once the system is up.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    blake3::hash(&bytes).to_hex()[..32].to_owned()
}

fn shown(
    row: &ProposalRow,
    state: &str,
    contract: &Contract,
    diff: Option<ContractDiff>,
) -> Response {
    Response::Proposal(Box::new(Proposal {
        id: Key::Proposal.id(row.key),
        automation: Key::Automation.id(row.automation),
        name: row.bundle.name.clone(),
        state: state.to_owned(),
        contract: serde_json::to_value(contract).unwrap_or_default(),
        plain_words: intent::plain_words(contract),
        preview: row.preview.clone(),
        doubts: row.doubts.clone(),
        diff,
        question: None,
    }))
}
