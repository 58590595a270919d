//! What a planned bundle must pass before anybody is asked to accept it. Each check that fails is
//! said to the model, with what was refused and why, so that it can mend it.

use super::provenance::{self, Sources};
use super::script::{self, Reading};
use super::{Bundle, Fixture, FixtureStep, terms};
use crate::executor::{
    DryRun, Parts, Program, RecordedStep, Rehearsal, dry_run_within, replay_fixture,
};
use crate::intent::{self, Contract};
use crate::models::outside;
use crate::tools::{Kind, Registry};
use deputy_protocol::SourceKind;
use deputy_protocol::model::{Doubt, Preview};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// A recorded dry run larger than this is not kept as a fixture, in bytes of its results.
const LARGEST_FIXTURE: usize = 512 << 10;

/// How long a dry run may take; slow pages have time-outs of their own.
const LONGEST: Duration = Duration::from_secs(120);

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[{check}] {message}")]
pub struct Refused {
    /// `bundle`, `contract`, `script`, `coverage`, `minimal`, `cost`, `trigger`, `dry_run`,
    /// `fixture`.
    pub check: &'static str,
    /// What was refused and why. May hold text from outside, inside a marked block.
    pub message: String,
}

fn refused(check: &'static str, message: impl Into<String>) -> Refused {
    Refused {
        check,
        message: message.into(),
    }
}

/// A bundle that passed.
#[derive(Clone, Debug)]
pub struct Checked {
    /// With its recorded fixture.
    pub bundle: Bundle,
    /// Its contract.
    pub contract: Contract,
    /// What the dry run did.
    pub preview: Preview,
    /// What must be confirmed one by one.
    pub doubts: Vec<Doubt>,
}

/// What a bundle is checked against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    /// What the user has named.
    pub sources: &'a Sources,
    /// The user's zone.
    pub zone: &'a str,
}

/// Checks a bundle. `private` says whether planning has read something private, and is set when the
/// dry run does: even a failed one may tell the model what it has read.
pub(super) async fn check(
    parts: &Arc<Parts>,
    bundle: &Value,
    terms: Terms<'_>,
    private: &mut bool,
) -> Result<Checked, Vec<Refused>> {
    let (bundle, contract) = read(parts.registry, bundle)?;
    let now = parts.clock.now();
    let rehearsal = |topic: Option<String>, input: Value| Rehearsal {
        program: Arc::new(Program::new(
            0,
            &bundle.name,
            contract.clone(),
            bundle.script.clone(),
        )),
        input,
        source: if topic.is_some() {
            SourceKind::Emit
        } else {
            SourceKind::Manual
        },
        topic,
        state: BTreeMap::new(),
        seed: *blake3::hash(bundle.script.as_bytes()).as_bytes(),
        of: None,
        now,
    };
    let input = bundle
        .fixtures
        .first()
        .map_or(Value::Null, |fixture| fixture.input.clone());
    let main = rehearsal(None, input);
    let run = green(parts, &main, terms, private).await?;
    let mut preview = run.preview.clone();
    // What is emitted is handled in runs of its own: the first item of each topic shows how.
    let mut seen = HashSet::new();
    for item in &run.emitted {
        let topic = item["topic"].as_str().unwrap_or_default();
        if seen.insert(topic) {
            let handled = rehearsal(Some(topic.to_owned()), item["payload"].clone());
            let handled = green(parts, &handled, terms, private).await?;
            preview.effects.extend(handled.preview.effects);
            preview.reads.extend(handled.preview.reads);
        }
    }
    let fixtures = record(parts, &main, &run).await?;
    let doubts = provenance::doubts(&contract, parts.registry, terms.sources);
    Ok(Checked {
        bundle: Bundle { fixtures, ..bundle },
        contract,
        preview,
        doubts,
    })
}

/// Everything that can be said without running anything.
fn read(registry: &Registry, bundle: &Value) -> Result<(Bundle, Contract), Vec<Refused>> {
    let bundle = Bundle::parse(bundle).map_err(|e| vec![refused("bundle", e.to_string())])?;
    let mut problems = Vec::new();
    let reading = script::read(&bundle.script, registry);
    problems.extend(
        reading
            .problems
            .iter()
            .map(|problem| refused("script", problem.to_string())),
    );
    let parsed = intent::parse(&bundle.contract, &registry.known_operations());
    let contract = match parsed {
        Ok(contract) => contract,
        Err(errors) => {
            problems.extend(errors.into_iter().map(|error| {
                let hint = if error.hint.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", error.hint)
                };
                refused("contract", format!("{error}{hint}"))
            }));
            return Err(problems);
        }
    };
    problems.extend(fits(&contract, &reading, registry));
    if problems.is_empty() {
        Ok((bundle, contract))
    } else {
        Err(problems)
    }
}

/// The contract lists what the script calls, and no more.
fn fits(contract: &Contract, reading: &Reading, registry: &Registry) -> Vec<Refused> {
    let mut problems = Vec::new();
    for operation in &reading.operations {
        let needs_grant = registry
            .get(operation)
            .is_some_and(|entry| entry.kind != Kind::Pure);
        if needs_grant && !contract.capabilities.contains_key(operation) {
            let message = format!("the script calls {operation}, which the contract does not list");
            problems.push(refused("coverage", message));
        }
    }
    // What a broken script calls is not known.
    let read_whole = reading.problems.is_empty();
    for operation in contract.capabilities.keys().filter(|_| read_whole) {
        if !reading.operations.contains(operation) {
            let message = format!(
                "the contract lists {operation}, which the script never calls; a contract allows no more than is needed"
            );
            problems.push(refused("minimal", message));
        }
    }
    let is_paid = |operation: &&String| registry.get(operation).is_some_and(|entry| entry.is_paid);
    if let Some(operation) = contract.capabilities.keys().find(is_paid)
        && !contract.caps_cost()
    {
        let message = format!(
            "{operation} costs money, and the contract does not say how much may be spent: add {{\"max_cost_micros\": N, \"per\": \"day\"}} to its invariants, or a budget with cost_micros for each run"
        );
        problems.push(refused("cost", message));
    }
    if contract.triggers.is_empty() {
        let message = "the contract has no trigger, so nothing would ever start it; at least {\"manual\": true}";
        problems.push(refused("trigger", message));
    }
    problems
}

async fn green(
    parts: &Arc<Parts>,
    rehearsal: &Rehearsal,
    terms: Terms<'_>,
    private: &mut bool,
) -> Result<DryRun, Vec<Refused>> {
    let within = terms::within(terms.sources, parts.registry, terms.zone, *private);
    let running = dry_run_within(parts, rehearsal, Some(&within));
    let Ok(run) = tokio::time::timeout(LONGEST, running).await else {
        // What it read until then is not known.
        *private = true;
        let message = format!("the dry run took longer than {} s", LONGEST.as_secs());
        return Err(vec![refused("dry_run", message)]);
    };
    *private |= run.private;
    if run.preview.state == "ok" {
        return Ok(run);
    }
    let code = run.preview.error_code.as_deref().unwrap_or_default();
    let error = outside(
        run.preview.error.as_deref().unwrap_or_default(),
        "the script's error",
    );
    let topic = match &rehearsal.topic {
        Some(topic) => format!(" of the handler for “{topic}”"),
        None => String::new(),
    };
    let message = format!("the dry run{topic} failed ({code}): {error}");
    Err(vec![refused("dry_run", message)])
}

/// Makes a fixture of a dry run, and proves that it replays.
async fn record(
    parts: &Arc<Parts>,
    rehearsal: &Rehearsal,
    run: &DryRun,
) -> Result<Vec<Fixture>, Vec<Refused>> {
    let size: usize = run.steps.iter().map(|s| s.outcome.to_string().len()).sum();
    if size > LARGEST_FIXTURE {
        return Ok(Vec::new());
    }
    let redactor = &parts.redactor;
    let steps: Vec<RecordedStep> = run
        .steps
        .iter()
        .map(|step| RecordedStep {
            tool: step.tool.clone(),
            args: redactor.json(&step.args),
            outcome: redactor.json(&step.outcome),
        })
        .collect();
    let result = &run.preview.result;
    let differences = replay_fixture(parts, rehearsal, &steps, result).await;
    if let Some(first) = differences.first() {
        let message = format!(
            "the recorded dry run cannot be replayed: {first}. A script must do the same for the same input"
        );
        return Err(vec![refused("fixture", message)]);
    }
    let steps = steps.into_iter().map(|step| FixtureStep {
        tool: step.tool,
        args: step.args,
        outcome: step.outcome,
    });
    Ok(vec![Fixture {
        name: "dry run".to_owned(),
        input: rehearsal.input.clone(),
        steps: steps.collect(),
        result: result.clone(),
    }])
}

/// What is wrong with the script of a bundle that a user brings: tools and globals that do not exist.
/// Everything else about it is the user's business, and the gate's.
pub fn unknown_names(registry: &Registry, script: &str) -> Vec<String> {
    script::read(script, registry)
        .problems
        .iter()
        .filter(|problem| matches!(problem.rule, "unknown_tool" | "unknown_global"))
        .map(ToString::to_string)
        .collect()
}

/// The operations that a script names.
pub fn named_operations(registry: &Registry, script: &str) -> std::collections::BTreeSet<String> {
    script::read(script, registry).operations
}

/// All refusals, as the model reads them.
pub(super) fn for_the_model(problems: &[Refused]) -> String {
    let lines: Vec<String> = problems.iter().map(|p| format!("- {p}")).collect();
    format!(
        "Refused; nobody was asked yet. Mend this and propose again:\n{}",
        lines.join("\n")
    )
}

/// The checks that failed, for people.
pub(super) fn names(problems: &[Refused]) -> Value {
    let mut names: Vec<&str> = problems.iter().map(|p| p.check).collect();
    names.dedup();
    json!(names)
}
