//! A dry run: reads for real, simulates effects, and says what it would have done.

use super::calls::{self, Prepared, RunFacts};
use super::rehearse::{DryRun, Finale, RecordedStep, Rehearsal, Stage, Within, perform};
use super::{Parts, intend};
use crate::gate::{self, CallCost, GateCall, NoCounts, Verdict};
use crate::intent::{Contract, covers};
use crate::sandbox::{Call, LogLine};
use crate::store::runs::RunRow;
use crate::store::steps::{NewStep, StepOutcome};
use crate::tools::{CallInfo, Kind, ResourceKind, ToolError, split_once};
use deputy_protocol::model::{Preview, PreviewEffect};
use deputy_protocol::{EffectClass, FailureClass, RunState, Time};
use serde_json::{Value, json};
use std::sync::Arc;

/// Runs a script with real reads and simulated effects.
pub async fn dry_run(parts: &Arc<Parts>, rehearsal: &Rehearsal) -> Preview {
    dry_run_within(parts, rehearsal, None).await.preview
}

/// Runs a script with real reads and simulated effects, held to more than its own contract.
pub async fn dry_run_within(
    parts: &Arc<Parts>,
    rehearsal: &Rehearsal,
    within: Option<&Within>,
) -> DryRun {
    let run = RunRow {
        key: 0,
        automation: rehearsal.program.automation,
        input: 0,
        state: RunState::Running,
        script_version: 0,
        contract_version: 0,
        state_version: 0,
        attempt: 1,
        retries: 0,
        crashes: 0,
        crashed_at_step: None,
        epoch: 0,
        seed: rehearsal.seed,
        due_at: rehearsal.now,
        logical_start: Some(rehearsal.now),
        resumptions: Vec::new(),
    };
    let facts = RunFacts {
        run,
        timezone: rehearsal.program.contract.timezone.clone(),
        program: Arc::clone(&rehearsal.program),
        logical_start: rehearsal.now,
    };
    let mut stage = DryStage {
        parts,
        facts,
        now: rehearsal.now,
        within,
        run: DryRun {
            private: within.is_some_and(|within| within.private),
            ..DryRun::default()
        },
    };
    let finale = perform(parts, rehearsal, &mut stage).await;
    let mut run = stage.run;
    let preview = &mut run.preview;
    match finale {
        Finale::Done(result) => {
            preview.state = "ok".to_owned();
            preview.result = parts.redactor.json(&result);
        }
        Finale::Failed { code, message } => {
            preview.state = "failed".to_owned();
            preview.error = Some(message);
            preview.error_code = Some(code);
        }
    }
    run
}

struct DryStage<'a> {
    parts: &'a Arc<Parts>,
    facts: RunFacts,
    now: Time,
    within: Option<&'a Within>,
    run: DryRun,
}

impl Stage for DryStage<'_> {
    async fn answer(&mut self, call: &Call) -> Result<(StepOutcome, Time), String> {
        let args = calls::parse(&call.args);
        let answered = self.answer_to(call, args.clone()).await?;
        self.run.steps.push(RecordedStep {
            tool: call.tool.clone(),
            args,
            outcome: recorded(&answered.0),
        });
        Ok(answered)
    }

    fn log(&mut self, lines: Vec<LogLine>) {
        let redactor = &self.parts.redactor;
        self.run
            .logs
            .extend(lines.into_iter().map(|line| redactor.text(&line.message)));
    }
}

/// An end as a fixture keeps it.
pub(super) fn recorded(outcome: &StepOutcome) -> Value {
    match outcome {
        StepOutcome::Ok(json) => calls::parse(json),
        StepOutcome::Err(error) => json!({"$error": error}),
    }
}

impl DryStage<'_> {
    async fn answer_to(&mut self, call: &Call, args: Value) -> Result<(StepOutcome, Time), String> {
        match call.tool.as_str() {
            "ctx.sleep" => {
                if let Some(until) = args["until"].as_str().and_then(|t| t.parse::<Time>().ok()) {
                    self.now = self.now.max(until);
                }
                return Ok((StepOutcome::Ok(intend::null()), self.now));
            }
            "ctx.emit" => {
                let title = format!(
                    "New input: {} {}",
                    args["topic"].as_str().unwrap_or(""),
                    args["id"]
                );
                self.effect(&call.tool, title, &args);
                self.run.emitted.push(args);
                return Ok((StepOutcome::Ok(intend::null()), self.now));
            }
            _ => {}
        }
        let Some(entry) = self.parts.registry.get(&call.tool) else {
            let error = ToolError::not_done(
                FailureClass::Logic,
                "unknown_tool",
                &call.tool,
                "there is no such tool",
            );
            return Ok((StepOutcome::Err(error), self.now));
        };
        let checked = split_once(args.clone()).and_then(|(args, _)| entry.check(args));
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => return Ok((StepOutcome::Err(error), self.now)),
        };
        // What a model is asked in a rehearsal is paid for like any other answer.
        let cost = match checked.paid.clone() {
            Some(paid) => (self.parts.store)
                .read(move |db| crate::models::at_most(db, &paid))
                .await
                .map_err(|e| e.to_string())?,
            None => CallCost::Free,
        };
        let question = GateCall {
            operation: &call.tool,
            class: checked.class,
            resources: &checked.resources,
            cost,
        };
        let permissions = self.parts.programs.permissions();
        let held_to = std::iter::once(&self.facts.program.contract).chain(self.held_to());
        for contract in held_to {
            match gate::decide(&permissions, contract, &question, &NoCounts, self.now) {
                Verdict::Refused(refusal) => return Err(self.refused(contract, &refusal)),
                Verdict::Allowed | Verdict::NeedsApproval(_) => {}
            }
        }
        let step = NewStep {
            run: 0,
            seq: call.id,
            tool: call.tool.clone(),
            class: checked.class,
            effect_key: checked.class.is_effect().then(|| "dry-run".to_owned()),
            digest: String::new(),
            args: String::new(),
            started_at: self.now,
            attempt: 1,
        };
        let mut info = calls::call_info(self.parts, &self.facts, &step, self.now);
        if let Some(contract) = self.held_to() {
            hold(&mut info, contract, &call.tool);
        }
        if checked.class.is_effect() {
            self.effect(&call.tool, checked.title.clone(), &args);
            let outcome = calls::outcome(Ok(entry.assumed(&checked.input, &info)), entry.name);
            return Ok((outcome, self.now));
        }
        let title = self.parts.redactor.text(&checked.title);
        self.run.preview.reads.push(title);
        self.run.private |= checked.class == EffectClass::Read && crate::planner::is_private(entry);
        if entry.kind == Kind::Local {
            let (input, info, name) = (checked.input, info, entry.name);
            let result = self
                .parts
                .store
                .read(move |db| Ok(entry.apply_local(input, &info, db)))
                .await
                .map_err(|e| e.to_string())?;
            return Ok((calls::outcome(result, name), self.now));
        }
        let prepared = Prepared {
            step,
            checked,
            info,
            grant: Default::default(),
            prepared: Value::Null,
        };
        let result = entry
            .run_outside(prepared.checked.input, &prepared.info, &self.parts.env)
            .await;
        Ok((calls::outcome(result, entry.name), self.now))
    }
}

/// Narrows what a tool looks at by itself (redirects, private addresses, links) to a second contract.
fn hold(info: &mut CallInfo, contract: &Contract, operation: &str) {
    let both = |kind: ResourceKind, own: &[String]| -> Vec<String> {
        let resources = contract.capabilities.get(operation);
        let held = resources.and_then(|resources| resources.get(&kind));
        let held = held.map_or(&[][..], Vec::as_slice);
        let within = |values: &[String], value: &str| values.iter().any(|v| covers(kind, v, value));
        let narrower = own.iter().filter(|value| within(held, value));
        narrower
            .chain(held.iter().filter(|value| within(own, value)))
            .cloned()
            .collect()
    };
    info.allowed_hosts = both(ResourceKind::Hosts, &info.allowed_hosts);
    info.granted_folders = both(ResourceKind::Folders, &info.granted_folders);
    // A private address is asked only where both name it.
    let named = contract
        .capabilities
        .get(operation)
        .and_then(|resources| resources.get(&ResourceKind::Hosts));
    info.literal_hosts
        .retain(|host| named.is_some_and(|named| named.contains(host)));
}

impl DryStage<'_> {
    /// The second contract that holds now.
    fn held_to(&self) -> Option<&Contract> {
        let within = self.within?;
        Some(if self.run.private {
            &within.closed
        } else {
            &within.open
        })
    }

    fn refused(&self, contract: &Contract, refusal: &gate::Refusal) -> String {
        let is_planning = self
            .within
            .is_some_and(|within| *contract == within.open || *contract == within.closed);
        if !is_planning || refusal.code == gate::GLOBALLY_DENIED {
            return refusal.message.clone();
        }
        let what = refusal.message.replace("the contract", "planning");
        let is_host = refusal
            .resource
            .as_ref()
            .is_some_and(|resource| resource.kind == ResourceKind::Hosts);
        if is_host && self.run.private {
            format!(
                "{what}: once something private was read, only what the user named may be asked; ask the user to name it if it is needed"
            )
        } else {
            format!("{what}: the user has not named it; ask if it is needed")
        }
    }

    fn effect(&mut self, tool: &str, title: String, args: &Value) {
        self.run.preview.effects.push(PreviewEffect {
            tool: tool.to_owned(),
            title: self.parts.redactor.text(&title),
            args: self.parts.redactor.json(args),
        });
    }
}
