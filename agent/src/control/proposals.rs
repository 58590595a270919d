//! Delegation: words or a bundle become a proposal, and an accepted proposal an automation.

use super::apply::stored;
use super::{Answer, Control, key, not_found};
use crate::executor::{Program, Rehearsal, dry_run};
use crate::intent::{self, Contract};
use crate::planner::{Bundle, BundleError};
use crate::scheduler;
use crate::store::automations::NewScript;
use crate::store::{Durability, Key, automations, chats, events};
use deputy_protocol::control::Response;
use deputy_protocol::model::{Doubt, Preview, Proposal};
use deputy_protocol::{AutomationState, ErrorBody, SourceKind};
use rusqlite::{OptionalExtension, params};
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
        self.propose(bundle, accept, Value::Null).await
    }

    /// Checks, rehearses and keeps a proposal; accepts it at once when asked and nothing is doubtful.
    pub(super) async fn propose(
        &self,
        bundle: Bundle,
        accept: bool,
        said: Value,
    ) -> Answer<Response> {
        let contract = self.read_contract(&bundle.contract)?;
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
        let doubts = self.doubts(&contract);
        let (now, purpose) = (self.now(), contract.purpose.clone());
        let row = json!({"bundle": bundle.bundle, "name": bundle.name, "contract": contract, "script": bundle.script, "fixtures": bundle.fixtures});
        let (stored_preview, stored_doubts) = (json!(preview), json!(doubts));
        let (name, zone) = (bundle.name.clone(), contract.timezone.clone());
        let (automation, proposal) = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let automation = automations::insert(db, &name, &purpose, &zone, now)?;
                    db.execute(
                        "INSERT INTO proposals (automation, state, bundle, preview, doubts, created_at) VALUES (?1,'proposed',?2,?3,?4,?5)",
                        params![automation, row.to_string(), stored_preview.to_string(), stored_doubts.to_string(), now.0],
                    )?;
                    let proposal = db.last_insert_rowid();
                    if !said.is_null() {
                        chats::append(db, Some(automation), "user_message", chats::Author::User, &said, now)?;
                    }
                    let data = json!({"proposal": Key::Proposal.id(proposal), "title": name, "text": purpose});
                    chats::append(db, Some(automation), "proposal", chats::Author::Deputy, &data, now)?;
                    Ok((automation, proposal))
                })
                .await,
        )?;
        let id = Key::Proposal.id(proposal);
        if accept && doubts.is_empty() {
            return self.accept(&id, &[]).await;
        }
        Ok(Response::Proposal(Box::new(view(
            &id,
            automation,
            "proposed",
            &bundle.name,
            &contract,
            preview,
            doubts,
        ))))
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
            now: self.now(),
        };
        dry_run(&self.executor.parts, &rehearsal).await
    }

    /// Everything that is allowed without limit on an effect must be confirmed by itself.
    fn doubts(&self, contract: &Contract) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for (operation, resources) in &contract.capabilities {
            let effect = self
                .executor
                .parts
                .registry
                .get(operation)
                .is_none_or(|entry| entry.classes.iter().any(|class| class.is_effect()));
            for (kind, values) in resources {
                if effect && values.iter().any(|v| v == "*") {
                    doubts.push(Doubt {
                        id: format!("{operation}.{}", kind.as_str()),
                        message: format!(
                            "{operation} may touch any {}: nothing limits it",
                            kind.as_str()
                        ),
                    });
                }
            }
        }
        doubts
    }

    pub(super) async fn accept(&self, id: &str, confirm: &[String]) -> Answer<Response> {
        let (automation, bundle, preview, doubts) = self.open_proposal(id).await?;
        let missing: Vec<&str> = doubts
            .iter()
            .map(|d| d.id.as_str())
            .filter(|d| !confirm.iter().any(|c| c == d))
            .collect();
        if !missing.is_empty() {
            return Err(ErrorBody::new(
                "doubts",
                format!(
                    "these must be confirmed one by one: {}. Nothing was accepted",
                    missing.join(", ")
                ),
                format!(
                    "deputy proposal accept {id} {}",
                    missing
                        .iter()
                        .map(|d| format!("--confirm {d}"))
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
            ));
        }
        let contract = self.read_contract(&bundle.contract)?;
        let (proposal, now) = (key(Key::Proposal, id)?, self.now());
        let (accepted, script) = (contract.clone(), bundle.script.clone());
        let fixtures = json!(bundle.fixtures);
        let accepted_here = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let changed = db.execute(
                        "UPDATE proposals SET state='accepted' WHERE id=?1 AND state='proposed'",
                        [proposal],
                    )?;
                    if changed == 0 {
                        return Ok(false);
                    }
                    let text = serde_json::to_string(&accepted)
                        .map_err(|e| crate::store::StoreError::corrupt("contract", e))?;
                    automations::add_contract(
                        db,
                        automation,
                        &text,
                        &intent::digest(&accepted),
                        "accepted by the user",
                        now,
                    )?;
                    let digest = blake3::hash(script.as_bytes()).to_hex()[..32].to_owned();
                    let new = NewScript {
                        script: &script,
                        fixtures: &fixtures,
                        digest: &digest,
                        reason: "accepted by the user",
                    };
                    automations::add_script(db, automation, &new, now)?;
                    automations::set_state(db, automation, AutomationState::Active, None)?;
                    scheduler::activate(db, automation, &accepted, now, token)?;
                    let data = json!({"proposal": Key::Proposal.id(proposal)});
                    events::record(
                        db,
                        now,
                        "automation_accepted",
                        Some(automation),
                        None,
                        &data,
                    )?;
                    let line = json!({"title": "Delegated", "text": "I take it from here."});
                    chats::append(
                        db,
                        Some(automation),
                        "reply",
                        chats::Author::Deputy,
                        &line,
                        now,
                    )?;
                    Ok(true)
                })
                .await,
        )?;
        if !accepted_here {
            return Err(ErrorBody::new(
                "not_open",
                format!("the proposal {id} is not open any more"),
                "",
            ));
        }
        self.executor.parts.arrivals.times_changed();
        self.executor.parts.arrivals.announce(automation);
        let view = view(
            id,
            automation,
            "accepted",
            &bundle.name,
            &contract,
            preview,
            Vec::new(),
        );
        Ok(Response::Proposal(Box::new(view)))
    }

    pub(super) async fn decline(&self, id: &str) -> Answer<Response> {
        let (automation, bundle, preview, doubts) = self.open_proposal(id).await?;
        let contract = self.read_contract(&bundle.contract)?;
        let proposal = key(Key::Proposal, id)?;
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
        let view = view(
            id,
            automation,
            "declined",
            &bundle.name,
            &contract,
            preview,
            doubts,
        );
        Ok(Response::Proposal(Box::new(view)))
    }

    async fn open_proposal(&self, id: &str) -> Answer<(i64, Bundle, Preview, Vec<Doubt>)> {
        let proposal = key(Key::Proposal, id)?;
        let row: Option<(i64, String, String, String, String)> = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    Ok(db
                        .prepare_cached("SELECT automation, state, bundle, preview, doubts FROM proposals WHERE id=?1")?
                        .query_row([proposal], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))
                        .optional()?)
                })
                .await,
        )?;
        let (automation, state, bundle, preview, doubts) =
            row.ok_or_else(|| not_found("proposal", id))?;
        if state != "proposed" {
            return Err(ErrorBody::new(
                "not_open",
                format!("the proposal {id} is {state}"),
                "",
            ));
        }
        let corrupt = |e: serde_json::Error| {
            ErrorBody::new("store", format!("the proposal cannot be read: {e}"), "")
        };
        Ok((
            automation,
            serde_json::from_str(&bundle).map_err(corrupt)?,
            serde_json::from_str(&preview).map_err(corrupt)?,
            serde_json::from_str(&doubts).map_err(corrupt)?,
        ))
    }

    pub(super) async fn delegate(
        &self,
        text: String,
        automation: Option<String>,
        accept: bool,
        timezone: Option<String>,
    ) -> Answer<Response> {
        if automation.is_some() {
            return Err(ErrorBody::new(
                "not_supported",
                "changing an automation by words needs a model, which is not built yet; nothing was changed",
                "archive it and delegate anew in one sentence",
            ));
        }
        let timezone = timezone.unwrap_or_else(|| {
            jiff::tz::TimeZone::system()
                .iana_name()
                .unwrap_or("UTC")
                .to_owned()
        });
        if jiff::tz::TimeZone::get(&timezone).is_err() {
            return Err(ErrorBody::new(
                "unknown_timezone",
                format!("“{timezone}” is not a time zone"),
                "use an IANA name such as Europe/Berlin",
            ));
        }
        match crate::planner::plan(&text, &timezone, self.now()) {
            Ok(bundle) => self.propose(bundle, accept, json!({"text": text})).await,
            Err(unplanned) => Err(ErrorBody::new(
                unplanned.code,
                unplanned.message,
                unplanned.hint,
            )),
        }
    }
}

/// A webhook's secret.
fn token() -> String {
    let mut bytes = [0; 24];
    // The kernel's generator does not fail once the system is up.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    blake3::hash(&bytes).to_hex()[..32].to_owned()
}

fn view(
    id: &str,
    automation: i64,
    state: &str,
    name: &str,
    contract: &Contract,
    preview: Preview,
    doubts: Vec<Doubt>,
) -> Proposal {
    Proposal {
        id: id.to_owned(),
        automation: Key::Automation.id(automation),
        name: name.to_owned(),
        state: state.to_owned(),
        contract: serde_json::to_value(contract).unwrap_or_default(),
        plain_words: intent::plain_words(contract),
        preview,
        doubts,
        diff: None,
        question: None,
    }
}
