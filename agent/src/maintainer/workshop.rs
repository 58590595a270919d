//! What a repairing model may call: look around, propose, ask for more, give up. A proposal is
//! checked and replayed before anybody relies on it.

use super::change::Wanted;
use super::check;
use super::deploy::{self, Fix};
use super::gather::{Material, short};
use crate::executor::{Parts, Program, Recorded, dry_run_within, examine};
use crate::intent::{self, Contract};
use crate::models::{Step, ToolCall, ToolSpec, Toolbox, outside};
use crate::store::{Durability, events, tasks};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The most that a model reads of one look around, in characters.
const LONGEST_RESULT: usize = 24_000;
/// How long one look around may take.
const LONGEST_EVAL: Duration = Duration::from_secs(120);
/// The longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

/// What a repair leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Repaired {
    /// A script that passed everything.
    Fix(Fix),
    /// The model says that it cannot be done, and why.
    GivenUp(String),
}

/// The tools of one repair.
pub(super) struct Workshop {
    pub(super) parts: Arc<Parts>,
    pub(super) task: i64,
    pub(super) material: Material,
    /// What the user must decide about the contract; set when the conversation is to wait for it.
    pub(super) wanted: Option<Wanted>,
}

impl Toolbox for Workshop {
    type Done = Repaired;

    fn specs(&self) -> Vec<ToolSpec> {
        let spec = |name: &str, description: &str, properties: Value, required: &[&str]| ToolSpec {
            name: name.to_owned(),
            description: description.to_owned(),
            input: json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false}),
        };
        let reason = |text: &str| json!({"type": "string", "description": text});
        vec![
            spec(
                "eval",
                "Look around: the body of an async function with `ctx` and `tools`. Reads are real, effects are only simulated and listed. Return what you want to see.",
                json!({"code": {"type": "string", "description": "JavaScript; `return` what you want to see."}}),
                &["code"],
            ),
            spec(
                "propose_fix",
                "Propose the whole new script. It is checked and replayed; a refusal says what is wrong.",
                json!({"script": {"type": "string", "description": "The whole ES module."}, "reason": reason("One plain sentence for the user: why the change was needed.")}),
                &["script", "reason"],
            ),
            spec(
                "needs_contract_change",
                "The automation cannot do its work within its contract. The user sees what would change and decides.",
                json!({"contract": {"type": "object", "description": "The whole new contract."}, "reason": reason("One plain sentence for the user: why it needs more.")}),
                &["contract", "reason"],
            ),
            spec(
                "give_up",
                "It cannot be mended here, or the script is not to blame. The user is asked.",
                json!({"reason": reason("One plain sentence for the user.")}),
                &["reason"],
            ),
        ]
    }

    async fn call(&mut self, call: &ToolCall) -> Step<Repaired> {
        let text = |key: &str| {
            let text = call.input[key].as_str().unwrap_or_default().trim();
            Some(text.to_owned()).filter(|text| !text.is_empty())
        };
        let reason = text("reason").map(|r| r.chars().take(LONGEST_REASON).collect::<String>());
        match call.name.as_str() {
            "eval" => match text("code") {
                Some(code) => self.eval(&code).await,
                None => Step::error("`code` is missing"),
            },
            "propose_fix" => match (text("script"), reason) {
                (Some(script), Some(reason)) => self.propose(Fix { script, reason }).await,
                _ => Step::error("`script` and `reason` are both needed"),
            },
            "needs_contract_change" => match reason {
                Some(reason) => self.contract(&call.input["contract"], reason),
                None => Step::error("`contract` and `reason` are both needed"),
            },
            "give_up" => Step::Finish(Repaired::GivenUp(
                reason.unwrap_or_else(|| "no reason given".to_owned()),
            )),
            other => Step::error(format!(
                "there is no tool “{other}”; yours are eval, propose_fix, needs_contract_change and give_up"
            )),
        }
    }
}

impl Workshop {
    async fn eval(&self, code: &str) -> Step<Repaired> {
        let Some(first) = self.material.failed.first() else {
            return Step::error("the run is not there any more");
        };
        let script = format!("export default async function main(ctx) {{\n{code}\n}}");
        let program = self.program(script);
        let rehearsal = first.rehearsal(program, self.parts.clock.now());
        let running = dry_run_within(&self.parts, &rehearsal, None);
        let Ok(run) = tokio::time::timeout(LONGEST_EVAL, running).await else {
            return Step::error(format!("it took longer than {} s", LONGEST_EVAL.as_secs()));
        };
        if let Some(error) = &run.preview.error {
            let code = run.preview.error_code.as_deref().unwrap_or_default();
            let shown = outside(&short(&json!(error), LONGEST_RESULT), "the script's error");
            return Step::error(format!("it failed ({code}): {shown}"));
        }
        let seen =
            json!({"result": run.preview.result, "logs": run.logs, "effects": run.preview.effects});
        Step::ok(outside(&short(&seen, LONGEST_RESULT), "eval"))
    }

    /// The contract with another script.
    fn program(&self, script: String) -> Arc<Program> {
        let present = &self.material.program;
        Arc::new(Program::new(
            present.automation,
            &present.name,
            present.contract.clone(),
            script,
        ))
    }

    async fn propose(&mut self, fix: Fix) -> Step<Repaired> {
        let present = &self.material.program;
        let version = self.material.repair.script_version;
        let diff = deploy::diff(&present.script, &fix.script, version, version + 1);
        let data = json!({"reason": fix.reason, "diff": diff});
        self.note("repair_proposed", data).await;
        let refused = check::refused(
            &fix.script,
            &present.script,
            &present.contract,
            self.parts.registry,
        );
        self.note("repair_checked", json!({"refused": refused}))
            .await;
        if let Some(refused) = refused {
            return Step::error(format!("Refused, and nothing was replayed: {refused}"));
        }
        let runs: Vec<&Recorded> = self
            .material
            .failed
            .iter()
            .chain(&self.material.good)
            .collect();
        let replayed = replay(&self.parts, &self.program(fix.script.clone()), &runs).await;
        self.note("repair_replayed", replayed.shown).await;
        match replayed.refused {
            Some(refused) => {
                let shown = outside(&self.parts.redactor.text(&refused), "replay");
                Step::error(format!("Refused by the replay:\n{shown}"))
            }
            None => Step::Finish(Repaired::Fix(fix)),
        }
    }

    fn contract(&mut self, proposed: &Value, reason: String) -> Step<Repaired> {
        let known = self.parts.registry.known_operations();
        let contract = match intent::parse(proposed, &known) {
            Ok(contract) => contract,
            Err(errors) => {
                let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
                return Step::error(format!("the contract is not valid: {}", all.join("; ")));
            }
        };
        let change = self.material.repair.change.as_ref();
        if let Some(accepted) = change.and_then(|change| change.accepted) {
            return Step::ok(format!(
                "The user has accepted; contract version {accepted} is in force. Propose the fix under it."
            ));
        }
        let present = &self.material.program.contract;
        match intent::diff(present, &contract).verdict.as_str() {
            "wider" | "both" => {}
            _ => {
                return Step::error(
                    "this contract allows nothing more than the present one; propose a fix within it",
                );
            }
        }
        if let Some(wide) = newly_unlimited(present, &contract, &self.parts) {
            return Step::error(format!(
                "{wide} would be allowed without limit; name what it needs"
            ));
        }
        self.wanted = Some(Wanted { contract, reason });
        Step::Wait
    }

    /// Writes a stage down as an event of the run, with what the repair has cost so far.
    async fn note(&self, kind: &'static str, data: Value) {
        let (task, automation) = (self.task, self.material.automation);
        let run = self.material.repair.runs.first().copied();
        let now = self.parts.clock.now();
        let mut data = self.parts.redactor.json(&data);
        let written = self
            .parts
            .store
            .write(Durability::Ordered, move |db: &Connection| {
                data["task"] = json!(task);
                data["cost_micros"] = json!(tasks::cost(db, task)?);
                events::record(db, now, kind, Some(automation), run, &data)
            })
            .await;
        if let Err(error) = written {
            // The stage itself can be made again; its record is for people.
            tracing::warn!(task, kind, %error, "a stage of a repair could not be written down");
        }
    }
}

/// What replaying a script came to.
pub(super) struct ReplayedAll {
    /// The first refusal.
    pub(super) refused: Option<String>,
    /// For the event.
    pub(super) shown: Value,
}

/// Holds a script against runs, in the sandbox; the first refusal ends it.
pub(super) async fn replay(
    parts: &Arc<Parts>,
    program: &Arc<Program>,
    runs: &[&Recorded],
) -> ReplayedAll {
    let (mut steps, mut missing, mut seen) = (0, Vec::new(), Vec::new());
    let mut refused = None;
    for run in runs {
        let examined = examine(parts, program, run).await;
        steps += examined.steps;
        missing.extend(examined.missing.into_iter().map(|effect| effect.title));
        seen.push(crate::store::Key::Run.id(run.run.key));
        refused = examined.refused;
        if refused.is_some() {
            break;
        }
    }
    let shown = json!({"runs": seen, "steps": steps, "missing": missing, "refused": refused});
    ReplayedAll { refused, shown }
}

/// An operation with effects whose resources a new contract no longer limits.
fn newly_unlimited(before: &Contract, after: &Contract, parts: &Parts) -> Option<String> {
    after
        .capabilities
        .iter()
        .find_map(|(operation, resources)| {
            let effect = parts
                .registry
                .get(operation)
                .is_none_or(|entry| entry.classes.iter().any(|class| class.is_effect()));
            let wide = |contract: &Contract| {
                contract
                    .capabilities
                    .get(operation)
                    .is_some_and(|resources| resources.values().flatten().any(|value| value == "*"))
            };
            let newly = resources.values().flatten().any(|value| value == "*") && !wide(before);
            (effect && newly).then(|| operation.clone())
        })
}
