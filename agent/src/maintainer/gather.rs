//! What the maintainer's model is told of a failed run. Everything that came from outside stands in
//! marked blocks; secrets are taken out.

use super::repairs::Repair;
use crate::executor::{Parts, Program, Recorded, recorded};
use crate::intent;
use crate::models::{OUTSIDE_RULE, outside};
use crate::observe::Redactor;
use crate::store::{Key, StoreError, automations, runs, steps};
use crate::tools::declarations;
use deputy_protocol::Time;
use deputy_protocol::model::Step;
use rusqlite::Connection;
use serde_json::Value;
use std::fmt::Write;
use std::sync::Arc;

/// How many runs that went well a script is held against.
const GOOD_RUNS: u32 = 5;

/// The most characters of an outcome that a model reads, and of the last one before the failure.
const OUTCOME: usize = 1_500;
const LAST_OUTCOME: usize = 12_000;

/// The most characters of a journal that a model reads.
const JOURNAL: usize = 60_000;

/// Everything that a repair works with.
pub(super) struct Material {
    pub(super) automation: i64,
    pub(super) repair: Repair,
    pub(super) thread: Option<i64>,
    /// The script that failed, under the contract as it is now.
    pub(super) program: Arc<Program>,
    /// The runs that wait.
    pub(super) failed: Vec<Recorded>,
    /// The latest runs that went well.
    pub(super) good: Vec<Recorded>,
    /// The first message.
    pub(super) brief: String,
}

/// What the model is told first.
pub(super) fn system() -> String {
    format!("{}\n{OUTSIDE_RULE}\n", include_str!("system.md"))
}

/// Reads everything. `None` when the run or its automation is not there any more.
pub(super) fn gather(
    db: &Connection,
    parts: &Parts,
    task: i64,
) -> Result<Option<Material>, StoreError> {
    let Some(row) = crate::store::tasks::row(db, task)? else {
        return Ok(None);
    };
    let repair = Repair::read(&row)?;
    let Some(automation) = row
        .automation
        .map_or(Ok(None), |key| automations::row(db, key))?
    else {
        return Ok(None);
    };
    let program = parts.programs.load(
        db,
        automation.key,
        automation.contract_version,
        repair.script_version,
    )?;
    let mut failed = Vec::new();
    for run in &repair.runs {
        failed.extend(recorded(db, *run)?);
    }
    let Some(first) = failed.first() else {
        return Ok(None);
    };
    let good = good_runs(db, automation.key)?;
    let brief = brief(db, parts, &repair, &program, first.run.key, &good)?;
    Ok(Some(Material {
        automation: automation.key,
        thread: row.thread,
        program,
        failed,
        good,
        brief,
        repair,
    }))
}

/// The latest runs that went well and whose journals are kept.
fn good_runs(db: &Connection, automation: i64) -> Result<Vec<Recorded>, StoreError> {
    let keys: Vec<(i64, u32)> = db
        .prepare_cached(
            "SELECT id, steps FROM runs WHERE automation=?1 AND state='succeeded' ORDER BY id DESC LIMIT ?2",
        )?
        .query_map((automation, GOOD_RUNS), |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut good = Vec::new();
    for (key, steps) in keys {
        good.extend(recorded(db, key)?.filter(|run| run.is_whole(steps)));
    }
    Ok(good)
}

fn brief(
    db: &Connection,
    parts: &Parts,
    repair: &Repair,
    program: &Program,
    run: i64,
    good: &[Recorded],
) -> Result<String, StoreError> {
    let redactor = &parts.redactor;
    let mut text = String::new();
    let failure = &repair.failure;
    let word = |key: &str| failure[key].as_str().unwrap_or_default();
    let error = format!(
        "{} ({} {})\n{}",
        word("message"),
        word("class"),
        word("code"),
        word("stack")
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "The automation “{}” failed in run {}. What went wrong:\n\n{}\n",
        program.name,
        Key::Run.id(run),
        outside(&redactor.text(&error), "the failed run's error")
    );
    let contract = serde_json::to_string_pretty(&program.contract)
        .map_err(|e| StoreError::corrupt("contract", e))?;
    let words: Vec<String> = intent::plain_words(&program.contract)
        .into_iter()
        .map(|clause| clause.text)
        .collect();
    let words = words.join("\n");
    let _ = writeln!(
        text,
        "Its contract, in words and as it is kept:\n\n{words}\n\n```json\n{contract}\n```\n"
    );
    let _ = writeln!(
        text,
        "Its script (version {}):\n\n```js\n{}\n```\n",
        repair.script_version,
        redactor.text(&program.script)
    );
    let _ = writeln!(
        text,
        "The journal of the failed run, step by step:\n\n{}\n",
        journal(&steps::view(db, run)?, redactor)
    );
    if let Some(before) = good.first() {
        let reads: Vec<Step> = steps::view(db, before.run.key)?
            .into_iter()
            .filter(|step| !step.effect_class.is_effect())
            .collect();
        let _ = writeln!(
            text,
            "What the last run that went well ({}) had read:\n\n{}\n",
            Key::Run.id(before.run.key),
            journal(&reads, redactor)
        );
    }
    for (n, earlier) in repair.earlier.iter().enumerate() {
        let _ = writeln!(
            text,
            "Attempt {} at this repair came to nothing: {}\n",
            n + 1,
            outside(&redactor.text(earlier), "an earlier attempt")
        );
    }
    let _ = writeln!(
        text,
        "The tools:\n\n```ts\n{}\n```\n\nFind out why, and propose a fix.",
        declarations(parts.registry)
    );
    Ok(text)
}

fn journal(all: &[Step], redactor: &Redactor) -> String {
    if all.is_empty() {
        return "(nothing was called)".to_owned();
    }
    let last = all.iter().rposition(|step| !step.outcome.is_null());
    let mut text = String::new();
    for (n, step) in all.iter().enumerate() {
        let longest = if Some(n) == last {
            LAST_OUTCOME
        } else {
            OUTCOME
        };
        let seen = format!(
            "arguments: {}\noutcome: {}",
            short(&redactor.json(&step.args), OUTCOME),
            short(&redactor.json(&step.outcome), longest)
        );
        let _ = writeln!(
            text,
            "{}. {} [{}, {}]\n{}",
            step.seq,
            step.tool,
            step.effect_class,
            step.state,
            outside(&seen, &step.tool)
        );
        if text.len() > JOURNAL && n + 1 < all.len() {
            let _ = writeln!(text, "({} more steps)", all.len() - n - 1);
            break;
        }
    }
    text
}

/// A value's text, cut where it gets too long.
pub(super) fn short(value: &Value, longest: usize) -> String {
    let text = value.to_string();
    let count = text.chars().count();
    if count <= longest {
        return text;
    }
    let head: String = text.chars().take(longest).collect();
    format!("{head}… ({} more characters)", count - longest)
}

/// The present time's rest of the money for repairs, in micro-USD.
pub(super) fn money_left(db: &Connection, automation: i64, now: Time) -> Result<i64, StoreError> {
    let cap = super::repairs::allowance(db)?.cost_per_day_micros;
    Ok(cap - super::repairs::cost_today(db, automation, now)?)
}

/// The runs of a repair that wait now and were not held against a fix yet.
pub(super) fn newcomers(db: &Connection, runs: &[i64]) -> Result<Vec<Recorded>, StoreError> {
    let mut found = Vec::new();
    for run in runs {
        if runs::row(db, *run)?.is_some() {
            found.extend(recorded(db, *run)?);
        }
    }
    Ok(found)
}
