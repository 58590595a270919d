//! The transaction after an attempt: what became of the run, its input and its state, and what
//! people must be asked, all at once.

use super::Parts;
use super::answers;
use super::ask::About;
use super::attempt::{AttemptReport, End, Left};
use super::calls::{Ask, Reason, RunFacts};
use super::ending::{self, Failure, Next, Past};
use crate::maintainer::{self, Broken, Considered};
use crate::needs;
use crate::store::needs::NewNeed;
use crate::store::{
    Durability, Key, StoreError, automations, chats, events, needs as need_rows, steps, triggers,
};
use deputy_protocol::model::{Choice, ContractDiff};
use deputy_protocol::{
    AutomationState, FailureClass, InputState, NeedKind, RunState, StepState, Time, WaitingFor,
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::sync::Arc;

/// Writes an attempt's end, trying again for as long as the store cannot take it: a run whose end
/// is not written would be in nobody's hands.
pub(super) async fn finish(parts: &Arc<Parts>, facts: &Arc<RunFacts>, left: Left) -> AttemptReport {
    if matches!(left.end, End::Interrupted) {
        return interrupted(parts, facts).await;
    }
    let left = Arc::new(left);
    let random = crate::failure::random_fraction();
    let mut pause_ms = 200;
    loop {
        let (job_parts, job_facts, job_left) =
            (Arc::clone(parts), Arc::clone(facts), Arc::clone(&left));
        let now = parts.clock.now();
        // A run that is over, or asks somebody, is told to others; only what others may have been
        // told is synced at once.
        let written = parts
            .store
            .write(Durability::Ordered, move |db| {
                write_end(db, &job_parts, &job_facts, &job_left, now, random)
            })
            .await;
        match written {
            Ok(report) => {
                if report == AttemptReport::Waiting {
                    parts.arrivals.repairs_changed();
                }
                return report;
            }
            Err(StoreError::Stopped) => return AttemptReport::Interrupted,
            Err(error) => {
                tracing::error!(run = facts.run.key, %error, "the end of a run cannot be written yet; trying again");
                tokio::select! {
                    () = tokio::time::sleep(std::time::Duration::from_millis(pause_ms)) => {}
                    () = parts.stopping.cancelled() => return AttemptReport::Interrupted,
                }
                pause_ms = (pause_ms * 2).min(30_000);
            }
        }
    }
}

async fn interrupted(parts: &Arc<Parts>, facts: &Arc<RunFacts>) -> AttemptReport {
    let run = facts.run.key;
    // Not a crash: the run goes on where it is, and the attempt is not held against it.
    let written = parts
        .store
        .write(Durability::Ordered, move |db| {
            db.execute(
                "UPDATE runs SET state='queued' WHERE id=?1 AND state='running'",
                [run],
            )?;
            Ok(())
        })
        .await;
    if let Err(error) = written {
        tracing::warn!(run, %error, "an interrupted run is recovered at the next start");
    }
    AttemptReport::Interrupted
}

fn write_end(
    db: &Connection,
    parts: &Parts,
    facts: &RunFacts,
    left: &Left,
    now: Time,
    random: f64,
) -> Result<AttemptReport, StoreError> {
    let run = facts.run.key;
    let busy = i64::try_from(left.busy.as_micros()).unwrap_or(i64::MAX);
    db.prepare_cached("UPDATE runs SET busy_us=busy_us+?2, steps=max(steps,?3) WHERE id=?1")?
        .execute(params![run, busy, left.steps])?;
    let archived = automations::row(db, facts.run.automation)?
        .is_some_and(|row| row.state == AutomationState::Archived);
    if archived && !matches!(left.end, End::Done { .. }) {
        // Nothing of an archived automation goes on later, so nothing is left to wait for.
        return cancelled_in_doubt(db, parts, facts, left, "the automation was archived", now);
    }
    match &left.end {
        End::Done { result, state } => {
            automations::change_state(db, facts.run.automation, state)?;
            maintainer::succeeded(db, &facts.run, now)?;
            end_run(db, facts, RunState::Succeeded, Some(result.get()), now)?;
            Ok(AttemptReport::Ended)
        }
        End::Cancelled => cancelled_in_doubt(db, parts, facts, left, "cancelled by the user", now),
        End::Parked => parked(db, parts, facts, left, now),
        // The doubt is settled first; the run then fails the same way again, from its journal.
        End::Failed(_) if doubtful(left).next().is_some() => parked(db, parts, facts, left, now),
        End::Failed(failure) => failed(db, parts, facts, failure, now, random),
        End::Lost(error) => {
            let mut failure = Failure::new(
                FailureClass::Transient,
                if error.is_full() {
                    "disk_full"
                } else {
                    "store"
                },
                format!("{error}; nothing was done that is not on record"),
            );
            failure.retry_after_ms = Some(5_000);
            failed(db, parts, facts, &failure, now, random)
        }
        End::Interrupted => Ok(AttemptReport::Interrupted),
    }
}

fn end_run(
    db: &Connection,
    facts: &RunFacts,
    state: RunState,
    result: Option<&str>,
    now: Time,
) -> Result<(), StoreError> {
    let run = &facts.run;
    db.prepare_cached(
        "UPDATE runs SET state=?2, result=?3, ended_at=?4, waiting_for=NULL, waiting_until=NULL, crashes=0 WHERE id=?1",
    )?
    .execute(params![run.key, state.as_str(), result, now.0])?;
    let input = if state == RunState::Succeeded {
        InputState::Done
    } else {
        InputState::Failed
    };
    db.prepare_cached("UPDATE inbox SET state=?2, lease_until=NULL WHERE id=?1")?
        .execute(params![run.input, input.as_str()])?;
    events::record(
        db,
        now,
        "run_ended",
        Some(run.automation),
        Some(run.key),
        &json!({"state": state.as_str(), "attempt": run.attempt}),
    )
}

/// Ends a run that the user does not want, and withdraws what it asked.
pub(super) fn cancelled(
    db: &Connection,
    facts: &RunFacts,
    why: &str,
    now: Time,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE runs SET failure=?2 WHERE id=?1")?
        .execute(params![facts.run.key, json!({"message": why}).to_string()])?;
    need_rows::withdraw(db, Some(facts.run.key), None, now)?;
    end_run(db, facts, RunState::Cancelled, None, now)
}

fn parked(
    db: &Connection,
    parts: &Parts,
    facts: &RunFacts,
    left: &Left,
    now: Time,
) -> Result<AttemptReport, StoreError> {
    // What a person must do comes before what merely takes time.
    let waiting_for = left
        .asks
        .first()
        .map_or(WaitingFor::Timer, |ask| ask.waiting_for);
    let mut answered = false;
    for ask in &left.asks {
        if steps::answered(db, facts.run.key, ask.seq)? {
            answered = true;
        } else {
            open_ask(db, parts, facts, ask, needs::choices, now)?;
        }
    }
    if answered {
        // The answer came while the attempt was under way and found nothing to wake.
        db.prepare_cached("UPDATE runs SET state='queued' WHERE id=?1")?
            .execute([facts.run.key])?;
        return Ok(AttemptReport::Waiting);
    }
    let behind_live = left
        .asks
        .iter()
        .any(|ask| matches!(ask.reason, Reason::Behind { run, .. } if run != facts.run.key));
    // Another run holds the effect: look again soon, in case it ends without anybody being asked.
    let until = if behind_live {
        Some(
            left.wake_at
                .map_or(now.plus_ms(1_000), |at| at.min(now.plus_ms(1_000))),
        )
    } else {
        left.wake_at
    };
    wait(db, facts, waiting_for, until, None, now)?;
    Ok(AttemptReport::Waiting)
}

fn wait(
    db: &Connection,
    facts: &RunFacts,
    waiting_for: WaitingFor,
    until: Option<Time>,
    failure: Option<&Failure>,
    now: Time,
) -> Result<(), StoreError> {
    let run = &facts.run;
    db.prepare_cached(
        "UPDATE runs SET state='waiting', waiting_for=?2, waiting_until=?3, failure_class=?4, failure=?5 WHERE id=?1",
    )?
    .execute(params![
        run.key,
        waiting_for.as_str(),
        until.map(|t| t.0),
        failure.map(|f| f.class.as_str()),
        failure.map(|f| evidence(f).to_string()),
    ])?;
    events::record(
        db,
        now,
        "run_waiting",
        Some(run.automation),
        Some(run.key),
        &json!({"waiting_for": waiting_for.as_str(), "until": until, "failure": failure.map(evidence), "attempt": run.attempt}),
    )
}

/// The name of “the same failure again”.
fn fingerprint(failure: &Failure) -> String {
    crate::failure::fingerprint(
        failure.class,
        &failure.code,
        failure.tool.as_deref().unwrap_or(""),
        failure.stack.lines().next().unwrap_or(""),
    )
}

/// What is kept and shown about a failure.
fn evidence(failure: &Failure) -> Value {
    json!({
        "class": failure.class.as_str(),
        "code": failure.code,
        "message": failure.message,
        "stack": failure.stack,
        "step": failure.seq,
        "tool": failure.tool,
        "crash": failure.crash,
        "connection": failure.connection,
        "fingerprint": fingerprint(failure),
        "alike": crate::failure::likeness(
            failure.class,
            &failure.code,
            failure.tool.as_deref().unwrap_or(""),
            &failure.message,
        ),
    })
}

/// Ends a run for good. What nobody knows about is asked all the same; only doing it now is no
/// choice any more.
fn cancelled_in_doubt(
    db: &Connection,
    parts: &Parts,
    facts: &RunFacts,
    left: &Left,
    why: &str,
    now: Time,
) -> Result<AttemptReport, StoreError> {
    cancelled(db, facts, why, now)?;
    for ask in doubtful(left) {
        open_ask(db, parts, facts, ask, needs::choices_after_the_end, now)?;
    }
    Ok(AttemptReport::Ended)
}

/// The questions about effects that may have happened.
fn doubtful(left: &Left) -> impl Iterator<Item = &Ask> {
    left.asks
        .iter()
        .filter(|ask| matches!(ask.reason, Reason::InDoubt { .. }))
}

fn open_ask(
    db: &Connection,
    parts: &Parts,
    facts: &RunFacts,
    ask: &Ask,
    choices: fn(NeedKind) -> Vec<Choice>,
    now: Time,
) -> Result<(), StoreError> {
    let args: Value = serde_json::from_str(&ask.step.args).unwrap_or(Value::Null);
    let call = json!({
        "tool": ask.step.tool, "title": ask.title, "args": args,
        "step": ask.step.seq, "effect_key": ask.step.effect_key,
    });
    let name = &facts.program.name;
    let always = always(db, facts, ask)?;
    let choices = match (&ask.reason, &always) {
        (Reason::Refused(_) | Reason::Approval(_), None) => needs::choices_for_once,
        _ => choices,
    };
    let (kind, dedupe, title, mut detail) = match &ask.reason {
        Reason::Refused(refusal) => (
            NeedKind::Permission,
            format!("permission:{}:{}", facts.run.key, ask.seq),
            format!("“{name}” wants to do something it may not: {}", ask.title),
            json!({"call": call, "refused": refusal}),
        ),
        Reason::Approval(needed) => (
            NeedKind::Approval,
            format!("approval:{}:{}", facts.run.key, ask.seq),
            format!("“{name}” asks for approval: {}", ask.title),
            json!({"call": call, "rule": needed}),
        ),
        Reason::InDoubt { assumed, message } => (
            NeedKind::InDoubt,
            in_doubt_key(facts.run.key, ask.seq),
            format!("Did this happen? {}", ask.title),
            json!({"call": call, "message": message, "assumed_outcome": assumed}),
        ),
        // The step that holds the effect has asked, or will.
        Reason::Behind { .. } => return Ok(()),
    };
    if let Some(diff) = always {
        detail["always"] = json!(diff);
    }
    let need = NewNeed {
        kind,
        dedupe,
        title: parts.redactor.text(&title),
        automation: Some(facts.run.automation),
        run: Some(facts.run.key),
        seq: Some(ask.seq),
        choices: choices(kind),
        detail: parts.redactor.json(&detail),
    };
    open_need(db, &need, now)
}

/// What answering “always” would change of the contract that the automation goes by now.
fn always(
    db: &Connection,
    facts: &RunFacts,
    ask: &Ask,
) -> Result<Option<ContractDiff>, StoreError> {
    let reason = match &ask.reason {
        Reason::Refused(refusal) => json!({"refused": refusal}),
        Reason::Approval(needed) => json!({"rule": needed}),
        Reason::InDoubt { .. } | Reason::Behind { .. } => return Ok(None),
    };
    let args = serde_json::from_str(&ask.step.args).unwrap_or(Value::Null);
    let Some(present) = answers::present_contract(db, facts.run.automation)? else {
        return Ok(None);
    };
    let wider = answers::wider(&present, &reason, &ask.step.tool, args);
    Ok(wider.map(|wider| crate::intent::diff(&present, &wider)))
}

/// The dedupe key of the item about a step in doubt.
pub(super) fn in_doubt_key(run: i64, seq: u32) -> String {
    format!("in_doubt:{run}:{seq}")
}

/// Opens an item once, with the event and the chat line that tell of it.
pub fn open_need(db: &Connection, need: &NewNeed, now: Time) -> Result<(), StoreError> {
    let Some(key) = need_rows::open(db, need, now)? else {
        return Ok(());
    };
    let data = json!({"need": Key::Need.id(key), "kind": need.kind.as_str(), "title": need.title});
    events::record(db, now, "need_opened", need.automation, need.run, &data)?;
    chats::append(
        db,
        need.automation,
        "need_opened",
        chats::Author::Deputy,
        &data,
        now,
    )?;
    Ok(())
}

/// Pauses an active automation because something is needed.
pub fn pause_automation(
    db: &Connection,
    automation: i64,
    because: &str,
    now: Time,
) -> Result<(), StoreError> {
    let Some(row) = automations::row(db, automation)? else {
        return Ok(());
    };
    if row.state == AutomationState::Active {
        automations::set_state(db, automation, AutomationState::Paused, Some(because))?;
        triggers::rest(db, automation)?;
        events::record(
            db,
            now,
            "automation_paused",
            Some(automation),
            None,
            &json!({"because": because}),
        )?;
    }
    Ok(())
}

/// Has an automation go on. With `forget`, times that passed while it was paused are not made up for.
pub fn resume_automation(
    db: &Connection,
    automation: i64,
    forget: bool,
    now: Time,
) -> Result<(), StoreError> {
    automations::set_state(db, automation, AutomationState::Active, None)?;
    triggers::wake(db, automation, now, forget)?;
    crate::scheduler::renew_leases(db, automation, now)?;
    let data = json!({});
    events::record(db, now, "automation_resumed", Some(automation), None, &data)
}

fn failed(
    db: &Connection,
    parts: &Parts,
    facts: &RunFacts,
    failure: &Failure,
    now: Time,
    random: f64,
) -> Result<AttemptReport, StoreError> {
    let run = &facts.run;
    let crashes = count_crash(db, facts, failure)?;
    let past = Past {
        retries: run.retries,
        crashes,
        policy: facts.program.contract.retries,
    };
    match ending::after_failure(failure, past, now, random) {
        Next::Retry { at } => {
            retry_step(db, run.key, failure)?;
            if !failure.crash {
                db.prepare_cached("UPDATE runs SET retries=retries+1 WHERE id=?1")?
                    .execute([run.key])?;
            }
            wait(db, facts, WaitingFor::Retry, Some(at), Some(failure), now)?;
            Ok(AttemptReport::Waiting)
        }
        Next::HoldAndAsk {
            kind,
            waiting_for,
            pause,
        } => {
            retry_step(db, run.key, failure)?;
            wait(db, facts, waiting_for, None, Some(failure), now)?;
            let about = About {
                name: &facts.program.name,
                automation: run.automation,
                run: run.key,
                evidence: &evidence(failure),
                note: None,
            };
            about.open(db, &parts.redactor, kind, now)?;
            if pause {
                pause_automation(db, run.automation, &failure.message, now)?;
            }
            Ok(AttemptReport::Waiting)
        }
        Next::FailAndAsk { kind, pause } => {
            retry_step(db, run.key, failure)?;
            let broken = Broken {
                automation: run.automation,
                run: run.key,
                script_version: run.script_version,
                class: failure.class,
                evidence: evidence(failure),
            };
            let note = match maintainer::consider(db, &broken, now)? {
                Considered::Repairing => {
                    wait(db, facts, WaitingFor::Retry, None, Some(failure), now)?;
                    return Ok(AttemptReport::Waiting);
                }
                Considered::NotRepaired(why) => why,
            };
            write_failure(db, run.key, failure)?;
            end_run(db, facts, RunState::Failed, None, now)?;
            let about = About {
                name: &facts.program.name,
                automation: run.automation,
                run: run.key,
                evidence: &broken.evidence,
                note: note.as_deref(),
            };
            about.open(db, &parts.redactor, kind, now)?;
            if pause {
                pause_automation(db, run.automation, &failure.message, now)?;
            }
            Ok(AttemptReport::Ended)
        }
        Next::Cancel => {
            cancelled(db, facts, &failure.message, now)?;
            Ok(AttemptReport::Ended)
        }
        Next::Fail => {
            write_failure(db, run.key, failure)?;
            end_run(db, facts, RunState::Failed, None, now)?;
            Ok(AttemptReport::Ended)
        }
    }
}

fn write_failure(db: &Connection, run: i64, failure: &Failure) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE runs SET failure_class=?2, failure=?3 WHERE id=?1")?
        .execute(params![
            run,
            failure.class.as_str(),
            evidence(failure).to_string()
        ])?;
    Ok(())
}

/// The step that failed the attempt is executed again by the next one; an effect only when it
/// provably did not happen (its end says so), else its intent stands and is gone about by class.
fn retry_step(db: &Connection, run: i64, failure: &Failure) -> Result<(), StoreError> {
    let Some(seq) = failure.seq else {
        return Ok(());
    };
    db.prepare_cached("UPDATE steps SET again=1, settled=NULL WHERE id=?1 AND state=?2")?
        .execute(params![steps::key(run, seq), StepState::Failed.as_str()])?;
    Ok(())
}

fn count_crash(db: &Connection, facts: &RunFacts, failure: &Failure) -> Result<u32, StoreError> {
    if !failure.crash {
        return Ok(0);
    }
    note_crash(
        db,
        facts.run.key,
        facts.run.crashes,
        facts.run.crashed_at_step,
    )
}

/// Counts a crash of a run; only crashes in a row at the same step add up.
pub(super) fn note_crash(
    db: &Connection,
    run: i64,
    crashes: u32,
    crashed_at_step: Option<u32>,
) -> Result<u32, StoreError> {
    let step = steps::count(db, run)?;
    let crashes = if crashed_at_step == Some(step) {
        crashes + 1
    } else {
        1
    };
    db.prepare_cached("UPDATE runs SET crashes=?2, crashed_at_step=?3 WHERE id=?1")?
        .execute(params![run, crashes, step])?;
    Ok(crashes)
}
