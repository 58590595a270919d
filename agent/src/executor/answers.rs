//! What a person's answer to an action-needed item does to the runs that wait for it.

use super::ending::REFUSED_BY_USER;
use super::finish::{open_need, resume_automation};
use crate::intent::{self, Contract, widen};
use crate::needs::{ALLOW_ALWAYS, APPROVE_ALWAYS};
use crate::store::needs::NeedRow;
use crate::store::steps::{self, Grant, StepOutcome};
use crate::store::{StoreError, automations, chats, events, ledger, needs, runs};
use crate::tools::{ToolError, registry, split_once};
use deputy_protocol::{
    AutomationState, FailureClass, InputState, NeedKind, RunState, StepState, Time, WaitingFor,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

/// What there is to do after an answer was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Automations whose queue is to be looked at.
    pub automations: Vec<i64>,
}

/// Applies an answer. `choice` is one of the item's choices. Everything an answer does is one
/// transaction with the answer itself, journaled with who gave it.
pub fn answer(
    db: &Connection,
    need: &NeedRow,
    choice: &str,
    note: Option<&str>,
    by: &str,
    now: Time,
) -> Result<Option<Resumed>, StoreError> {
    if !needs::answer(db, need.key, choice, note, by, now)? {
        return Ok(None);
    }
    events::record(
        db,
        now,
        "need_answered",
        need.automation,
        need.run,
        &json!({"need": crate::store::Key::Need.id(need.key), "kind": need.kind.as_str(), "answer": choice, "by": by, "note": note}),
    )?;
    match need.kind {
        NeedKind::InDoubt => in_doubt(db, need, choice, now)?,
        // A tool met the border by itself; there is no call to allow, only a run to try again.
        NeedKind::Permission if matches!(choice, "retry" | "dismiss") => {
            again(db, need, choice, now)?
        }
        NeedKind::Approval | NeedKind::Permission => allowed(db, need, choice, now)?,
        NeedKind::Auth => resume_waiting(db, need, choice, WaitingFor::Auth, now)?,
        NeedKind::Precondition => resume_waiting(db, need, choice, WaitingFor::Precondition, now)?,
        NeedKind::Poison | NeedKind::Logic | NeedKind::Limit | NeedKind::Unknown => {
            again(db, need, choice, now)?
        }
        NeedKind::ContractChange => crate::maintainer::answered(db, need, choice, now)?,
        NeedKind::Restored => super::restored::answered(db, need, choice, now)?,
        NeedKind::Question | NeedKind::Stalled => {}
    }
    // An item may stand for several automations, so whoever has something to go on with is looked at.
    let automations = db
        .prepare_cached(
            "SELECT DISTINCT automation FROM runs WHERE state='queued'
             UNION SELECT DISTINCT target_id FROM inbox WHERE state='pending' AND target='automation'
             UNION SELECT ?1 WHERE ?1 IS NOT NULL",
        )?
        .query_map([need.automation], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(Some(Resumed { automations }))
}

fn requeue(db: &Connection, run: i64) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE runs SET state='queued', waiting_for=NULL, waiting_until=NULL WHERE id=?1 AND state='waiting'",
    )?
    .execute([run])?;
    Ok(())
}

fn in_doubt(db: &Connection, need: &NeedRow, choice: &str, now: Time) -> Result<(), StoreError> {
    let (Some(run), Some(seq), Some(automation)) = (need.run, need.seq, need.automation) else {
        return Ok(());
    };
    // From the journal: what the item shows is redacted.
    let Some((tool, key)) = steps::effect(db, run, seq)? else {
        return Ok(());
    };
    let (tool, key) = (tool.as_str(), key.as_str());
    match choice {
        "happened" => {
            let outcome = need.detail["assumed_outcome"].to_string();
            set_outcome(db, run, seq, StepState::Done, &outcome)?;
            ledger::end(db, automation, tool, key, StepState::Done, Some(&outcome))?;
        }
        "skip" => {
            set_outcome(db, run, seq, StepState::Skipped, "null")?;
            ledger::end(db, automation, tool, key, StepState::Skipped, Some("null"))?;
        }
        "redo" => {
            // Known not to have happened: the key is free for this very call.
            steps::again(db, run, seq)?;
            steps::set_state(db, run, seq, StepState::Failed)?;
            ledger::end(db, automation, tool, key, StepState::Failed, None)?;
        }
        _ => {
            return stop(
                db,
                run,
                "stopped by the user: nobody knows whether the effect happened",
                now,
            );
        }
    }
    requeue(db, run)?;
    // Other runs may wait for the same effect; each looks for itself.
    db.prepare_cached(
        "UPDATE runs SET state='queued', waiting_for=NULL, waiting_until=NULL
         WHERE automation=?1 AND state='waiting' AND waiting_for='in_doubt'
           AND NOT EXISTS (SELECT 1 FROM needs n WHERE n.run=runs.id AND n.state='open')",
    )?
    .execute([automation])?;
    Ok(())
}

fn set_outcome(
    db: &Connection,
    run: i64,
    seq: u32,
    state: StepState,
    outcome: &str,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE steps SET state=?2, outcome=?3, settled=NULL, again=0 WHERE id=?1")?
        .execute(params![steps::key(run, seq), state.as_str(), outcome])?;
    Ok(())
}

/// The contract that an automation goes by.
pub(super) fn present_contract(
    db: &Connection,
    automation: i64,
) -> Result<Option<Contract>, StoreError> {
    let Some(row) = automations::row(db, automation)? else {
        return Ok(None);
    };
    let text = automations::contract(db, automation, row.contract_version)?;
    text.map(|(text, _)| {
        serde_json::from_str(&text).map_err(|e| StoreError::corrupt("contract", e))
    })
    .transpose()
}

/// The contract that lets a call pass from now on. `detail` says why it did not: `refused` or `rule`.
pub(super) fn wider(
    present: &Contract,
    detail: &Value,
    tool: &str,
    args: Value,
) -> Option<Contract> {
    let (args, _) = split_once(args).ok()?;
    let checked = registry().get(tool)?.check(args).ok()?;
    if let Some(clause) = detail["rule"]["clause"].as_str() {
        return widen::approve(present, clause, tool, &checked.resources);
    }
    match detail["refused"]["code"].as_str()? {
        "not_listed" | "resource" => widen::allow(present, tool, &checked.resources),
        _ => None,
    }
}

/// Makes a new contract version that lets this call and those like it pass.
fn always(db: &Connection, need: &NeedRow, now: Time) -> Result<(), StoreError> {
    let (Some(run), Some(seq), Some(automation)) = (need.run, need.seq, need.automation) else {
        return Ok(());
    };
    // From the journal: what the item shows is redacted.
    let args = steps::args(db, run, seq)?.unwrap_or(Value::Null);
    let tool = need.detail["call"]["tool"].as_str().unwrap_or_default();
    let Some(present) = present_contract(db, automation)? else {
        return Ok(());
    };
    // The contract may have changed since it was asked; what it allows by now needs no change.
    let Some(wider) = wider(&present, &need.detail, tool, args) else {
        return Ok(());
    };
    let text = serde_json::to_string(&wider).map_err(|e| StoreError::corrupt("contract", e))?;
    let reason = format!(
        "{} was answered “always”",
        crate::store::Key::Need.id(need.key)
    );
    let digest = intent::digest(&wider);
    let version = automations::add_contract(db, automation, &text, &digest, &reason, now)?;
    let diff = intent::diff(&present, &wider);
    let words: Vec<&str> = diff.changes.iter().map(|c| c.text.as_str()).collect();
    let words = words.join(" ");
    events::record(
        db,
        now,
        "contract_changed",
        Some(automation),
        need.run,
        &json!({"version": version, "because": reason, "diff": diff}),
    )?;
    let line = json!({"title": format!("Contract version {version}"), "text": words});
    let by = chats::Author::Deputy;
    chats::append(db, Some(automation), "reply", by, &line, now)?;
    Ok(())
}

fn allowed(db: &Connection, need: &NeedRow, choice: &str, now: Time) -> Result<(), StoreError> {
    let (Some(run), Some(seq)) = (need.run, need.seq) else {
        return Ok(());
    };
    let grant = match choice {
        "approve" | APPROVE_ALWAYS => Grant::Approved,
        "allow_once" | ALLOW_ALWAYS => Grant::AllowedOnce,
        _ => Grant::None,
    };
    if matches!(choice, APPROVE_ALWAYS | ALLOW_ALWAYS) {
        always(db, need, now)?;
    }
    if grant != Grant::None {
        steps::grant(db, run, seq, grant)?;
    } else {
        let class = if need.kind == NeedKind::Approval {
            FailureClass::Approval
        } else {
            FailureClass::Permission
        };
        let tool = need.detail["call"]["tool"].as_str().unwrap_or_default();
        let error = ToolError::not_done(
            class,
            REFUSED_BY_USER,
            tool,
            "the user said no; nothing was done",
        );
        let (state, json) = steps::encode(&StepOutcome::Err(error))?;
        set_outcome(db, run, seq, state, &json)?;
    }
    requeue(db, run)
}

/// Resumes all runs that wait for the same thing, and their automations.
fn resume_waiting(
    db: &Connection,
    need: &NeedRow,
    choice: &str,
    waiting_for: WaitingFor,
    now: Time,
) -> Result<(), StoreError> {
    if choice == "stop" {
        return match need.run {
            Some(run) => stop(db, run, "stopped by the user", now),
            None => Ok(()),
        };
    }
    let connection = need.detail["failure"]["connection"].as_str();
    let mut query = db.prepare_cached(
        "SELECT id, automation FROM runs WHERE state='waiting' AND waiting_for=?1
           AND CASE WHEN ?2 IS NULL THEN automation=?3 ELSE json_extract(failure, '$.connection')=?2 END",
    )?;
    let waiting: Vec<(i64, i64)> = query
        .query_map(
            params![waiting_for.as_str(), connection, need.automation],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    for (run, automation) in waiting {
        requeue(db, run)?;
        wake_automation(db, automation, now)?;
    }
    // Those that follow a mailbox of the connection wait for it without a run.
    let mut query = db.prepare_cached(
        "SELECT DISTINCT automation FROM triggers
         WHERE kind='mail' AND json_extract(spec,'$.mail.connection')=?1
         UNION SELECT ?2 WHERE ?2 IS NOT NULL",
    )?;
    let resting: Vec<i64> = query
        .query_map(params![connection, need.automation], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for automation in resting {
        wake_automation(db, automation, now)?;
    }
    Ok(())
}

fn wake_automation(db: &Connection, automation: i64, now: Time) -> Result<(), StoreError> {
    let Some(row) = automations::row(db, automation)? else {
        return Ok(());
    };
    let on_purpose = matches!(
        row.paused_because.as_deref(),
        Some(automations::PAUSED_BY_USER | automations::PAUSED_AFTER_RESTORE)
    );
    if row.state == AutomationState::Paused && !on_purpose {
        // What was due while something was needed is made up for as `on_missed` says.
        resume_automation(db, automation, false, now)?;
    }
    Ok(())
}

/// Lets a failed or held run go on from its journal, or leaves it.
fn again(db: &Connection, need: &NeedRow, choice: &str, now: Time) -> Result<(), StoreError> {
    let Some(run) = need.run else { return Ok(()) };
    if choice != "retry" {
        let Some(row) = runs::row(db, run)? else {
            return Ok(());
        };
        if row.state == RunState::Waiting {
            return stop(db, run, "stopped by the user", now);
        }
        return Ok(());
    }
    for run in failed_alike(db, need, run)? {
        match need.kind {
            NeedKind::Logic | NeedKind::Limit => again_afresh(db, run, now)?,
            _ => try_again(db, run)?,
        }
    }
    match need.automation {
        Some(automation) => wake_automation(db, automation, now),
        None => Ok(()),
    }
}

/// The run of an item, and those that failed the same way while it was open: they share the item.
fn failed_alike(db: &Connection, need: &NeedRow, run: i64) -> Result<Vec<i64>, StoreError> {
    let Some(fingerprint) = need.detail["failure"]["fingerprint"].as_str() else {
        return Ok(vec![run]);
    };
    let runs = db
        .prepare_cached(
            "SELECT id FROM runs WHERE automation=?1 AND id>=?2 AND state IN ('failed','waiting')
               AND json_extract(failure, '$.fingerprint')=?3 ORDER BY id",
        )?
        .query_map(params![need.automation, run, fingerprint], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(runs)
}

/// Lets a run go on whose script failed by itself. Replayed as it was it would fail the same way, so
/// it begins anew, under a repaired script if there is one, by the content of its journal: what was
/// read after the last effect is read afresh, and no effect is repeated.
fn again_afresh(db: &Connection, run: i64, now: Time) -> Result<(), StoreError> {
    let Some(row) = runs::row(db, run)? else {
        return Ok(());
    };
    let journal = steps::journal(db, run)?;
    let last_effect = journal
        .iter()
        .filter(|step| step.class.is_effect() && step.state != StepState::Failed)
        .map(|step| step.seq)
        .max();
    // A script that the user changed may do the same things in other words; only a repair was held
    // against what such runs had done.
    let script = crate::maintainer::successor(db, row.automation, row.script_version)?;
    let contract = match automations::row(db, row.automation)? {
        Some(automation) if script != row.script_version => automation.contract_version,
        Some(_) | None => row.contract_version,
    };
    let under = Under { script, contract };
    resume_anew(db, &row, under, last_effect.unwrap_or(0), now)
}

/// The versions that a run begins anew under.
#[derive(Clone, Copy, Debug)]
pub struct Under {
    /// The script's.
    pub script: u32,
    /// The contract's.
    pub contract: u32,
}

/// Lets a run that failed or waits begin anew, by the content of its journal; reads after
/// `reads_until` are made afresh.
pub fn resume_anew(
    db: &Connection,
    run: &runs::RunRow,
    under: Under,
    reads_until: u32,
    now: Time,
) -> Result<(), StoreError> {
    let after = steps::last(db, run.key)?;
    let Under { script, contract } = under;
    runs::resume_by_content(db, run, script, contract, after, reads_until)?;
    claim_input(db, run.key)?;
    // What a person was to allow is asked again if the script still wants it; a doubt stays open.
    db.prepare_cached(
        "UPDATE needs SET state='withdrawn', answered_at=?2
         WHERE state='open' AND run=?1 AND kind IN ('approval','permission')",
    )?
    .execute(params![run.key, now.0])?;
    events::record(
        db,
        now,
        "run_resumed",
        Some(run.automation),
        Some(run.key),
        &json!({"because": "by_content", "script_version": script, "contract_version": contract, "after_step": after, "reads_until_step": reads_until}),
    )
}

fn try_again(db: &Connection, run: i64) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE runs SET state='queued', waiting_for=NULL, waiting_until=NULL, ended_at=NULL, failure_class=NULL,
                failure=NULL, retries=0, crashes=0, crashed_at_step=NULL
         WHERE id=?1 AND state IN ('failed','waiting')",
    )?
    .execute([run])?;
    claim_input(db, run)
}

fn claim_input(db: &Connection, run: i64) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE inbox SET state=?2 WHERE id=(SELECT input FROM runs WHERE id=?1) AND state=?3",
    )?
    .execute(params![
        run,
        InputState::Claimed.as_str(),
        InputState::Failed.as_str()
    ])?;
    Ok(())
}

/// Ends a waiting run for the user.
pub(super) fn stop(db: &Connection, run: i64, why: &str, now: Time) -> Result<(), StoreError> {
    let changed = db
        .prepare_cached(
            "UPDATE runs SET state='cancelled', ended_at=?2, waiting_for=NULL, waiting_until=NULL, failure=?3
             WHERE id=?1 AND state IN ('queued','waiting','failed')",
        )?
        .execute(params![run, now.0, json!({"message": why}).to_string()])?;
    if changed == 1 {
        db.prepare_cached(
            "UPDATE inbox SET state='skipped', reason=?2, lease_until=NULL WHERE id=(SELECT input FROM runs WHERE id=?1)",
        )?
        .execute(params![run, why])?;
        needs::withdraw(db, Some(run), None, now)?;
        let automation = runs::row(db, run)?.map(|r| r.automation);
        events::record(
            db,
            now,
            "run_ended",
            automation,
            Some(run),
            &json!({"state": "cancelled", "because": why}),
        )?;
        ask_for_the_others(db, run, now)?;
    }
    Ok(())
}

/// A run that was stopped may have been the one that an item was about for all that wait for the
/// same: asks again for the next of them, so that none waits without anybody being asked.
fn ask_for_the_others(db: &Connection, stopped: i64, now: Time) -> Result<(), StoreError> {
    let Some(asked) = needs::latest_shared(db, stopped)? else {
        return Ok(());
    };
    let failure = &asked.need.detail["failure"];
    let next: Option<i64> = db
        .prepare_cached(
            "SELECT id FROM runs WHERE state='waiting' AND waiting_for=?1
               AND json_extract(failure, '$.connection') IS ?2
               AND (?2 IS NOT NULL OR automation=?3)
               AND (?1<>'precondition' OR json_extract(failure, '$.fingerprint') IS ?4)
             ORDER BY id LIMIT 1",
        )?
        .query_row(
            params![
                asked.need.kind.as_str(),
                failure["connection"].as_str(),
                asked.need.automation,
                failure["fingerprint"].as_str()
            ],
            |r| r.get(0),
        )
        .optional()?;
    let Some(next) = next else { return Ok(()) };
    let automation = runs::row(db, next)?.map(|row| row.automation);
    let need = needs::NewNeed {
        kind: asked.need.kind,
        dedupe: asked.need.dedupe,
        title: asked.title,
        automation,
        run: Some(next),
        seq: None,
        choices: asked.need.choices,
        detail: asked.need.detail,
    };
    open_need(db, &need, now)
}

/// Cancels a run that is not at work right now. False when it is, or has ended.
pub fn cancel_idle(db: &Connection, run: i64, now: Time) -> Result<bool, StoreError> {
    let Some(row) = runs::row(db, run)? else {
        return Ok(false);
    };
    if !matches!(row.state, RunState::Queued | RunState::Waiting) {
        return Ok(false);
    }
    stop(db, run, "cancelled by the user", now)?;
    Ok(true)
}

/// Cancels every run of an automation that is not at work right now, and withdraws what the
/// automation asked, except what others wait for, too.
pub fn cancel_all_idle(
    db: &Connection,
    automation: i64,
    why: &str,
    now: Time,
) -> Result<(), StoreError> {
    let idle: Vec<i64> = db
        .prepare_cached(
            "SELECT id FROM runs WHERE automation=?1 AND state IN ('queued','waiting') ORDER BY id",
        )?
        .query_map([automation], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for run in idle {
        stop(db, run, why, now)?;
    }
    needs::withdraw_of_automation(db, automation, now)?;
    Ok(())
}
