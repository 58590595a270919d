//! Runs, inputs, outputs, replays, chats.

use super::apply::stored;
use super::{Answer, Control, key, not_found};
use crate::executor::{self, Rehearsal};
use crate::store::inbox::{self, NewInput};
use crate::store::{Durability, Key, automations, chats, events, ledger, needs, runs, steps};
use deputy_protocol::control::Response;
use deputy_protocol::model::{InputDetail, Replay, RunDetail};
use deputy_protocol::{AutomationState, ErrorBody, InputState, RunState, SourceKind};
use rusqlite::params;
use serde_json::Value;

fn state_word<T>(word: Option<&str>, parse: fn(&str) -> Option<T>) -> Answer<Option<T>> {
    word.map(|word| {
        parse(word).ok_or_else(|| ErrorBody::new("usage", format!("“{word}” is not a state"), ""))
    })
    .transpose()
}

fn optional(kind: Key, id: Option<String>) -> Answer<Option<i64>> {
    id.map(|id| key(kind, &id)).transpose()
}

impl Control {
    pub(super) async fn automation_run(
        &self,
        id: &str,
        input: Option<Value>,
        wait: bool,
    ) -> Answer<Response> {
        let automation = key(Key::Automation, id)?;
        let (parts, now) = (&self.executor.parts, self.now());
        let mut changes = parts.store.events();
        let put = stored(
            parts
                .store
                .write(Durability::Synced, move |db| {
                    let Some(row) = automations::row(db, automation)? else {
                        return Ok(None);
                    };
                    if !matches!(row.state, AutomationState::Active | AutomationState::Paused) {
                        return Ok(Some(Err(row.state)));
                    }
                    let input = NewInput {
                        automation,
                        source: SourceKind::Manual,
                        source_id: "cli".to_owned(),
                        topic: None,
                        dedupe: format!("manual:{}", inbox::unique(db, now)?),
                        title: "started by hand".to_owned(),
                        payload: input.unwrap_or(Value::Null),
                        due_at: now,
                        caused_by: None,
                    };
                    Ok(Some(Ok(inbox::put(db, &input)?.key())))
                })
                .await,
        )?;
        let item = match put.ok_or_else(|| not_found("automation", id))? {
            Ok(item) => item,
            Err(state) => {
                let message = format!("the automation is {state}; nothing was started");
                return Err(ErrorBody::new(
                    "wrong_state",
                    message,
                    "accept its proposal first",
                ));
            }
        };
        parts.arrivals.announce(automation);
        loop {
            changes.mark_unchanged();
            let run = stored(
                parts
                    .store
                    .glance(|db| Ok(runs::of_input(db, item)?.pop()))
                    .await,
            )?;
            if let Some(run) = run {
                let asks = run.waiting_for.is_some_and(|w| {
                    use deputy_protocol::WaitingFor as W;
                    !matches!(w, W::Timer | W::Retry)
                });
                let ended = matches!(
                    run.state,
                    RunState::Succeeded | RunState::Failed | RunState::Cancelled
                );
                if !wait || ended || (run.state == RunState::Waiting && asks) {
                    return Ok(Response::Run(Box::new(run)));
                }
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                () = parts.stopping.cancelled() => break,
            }
        }
        Err(ErrorBody::new(
            "stopping",
            "the agent stops; the run goes on at its next start",
            "deputy up",
        ))
    }

    pub(super) async fn runs(
        &self,
        automation: Option<String>,
        state: Option<String>,
        before: Option<String>,
        limit: u32,
    ) -> Answer<Response> {
        let automation = optional(Key::Automation, automation)?;
        let before = optional(Key::Run, before)?;
        let state = state_word(state.as_deref(), RunState::parse)?;
        stored(
            self.executor
                .parts
                .store
                .read(move |db| runs::list(db, automation, state, before, limit))
                .await,
        )
        .map(Response::Runs)
    }

    pub(super) async fn run_show(&self, id: &str) -> Answer<Response> {
        let run = key(Key::Run, id)?;
        let redactor = std::sync::Arc::clone(&self.executor.parts.redactor);
        let found = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let Some(view) = runs::get(db, run)? else {
                        return Ok(None);
                    };
                    let mut journal = steps::view(db, run)?;
                    for step in &mut journal {
                        step.outcome = redactor.json(&step.outcome);
                    }
                    let mut events = events::of_run(db, run)?;
                    for event in &mut events {
                        event.data = redactor.json(&event.data);
                    }
                    Ok(Some(RunDetail {
                        run: view,
                        events,
                        journal,
                        needs: needs::of_run(db, run)?,
                    }))
                })
                .await,
        )?;
        found
            .map(|detail| Response::RunDetail(Box::new(detail)))
            .ok_or_else(|| not_found("run", id))
    }

    pub(super) async fn run_cancel(&self, id: &str) -> Answer<Response> {
        let (run, now) = (key(Key::Run, id)?, self.now());
        let parts = &self.executor.parts;
        let mut changes = parts.store.changes();
        loop {
            changes.mark_unchanged();
            let view = stored(
                parts
                    .store
                    .write(Durability::Synced, move |db| {
                        executor::cancel_idle(db, run, now)?;
                        runs::get(db, run)
                    })
                    .await,
            )?
            .ok_or_else(|| not_found("run", id))?;
            if view.state != RunState::Running {
                if let Ok(automation) = key(Key::Automation, &view.automation) {
                    parts.arrivals.announce(automation);
                }
                return Ok(Response::Run(Box::new(view)));
            }
            self.executor.cancel(run);
            if changes.changed().await.is_err() {
                return Err(ErrorBody::new("stopping", "the agent stops", ""));
            }
        }
    }

    pub(super) async fn inputs(
        &self,
        automation: Option<String>,
        state: Option<String>,
        limit: u32,
    ) -> Answer<Response> {
        let automation = optional(Key::Automation, automation)?;
        let state = state_word(state.as_deref(), InputState::parse)?;
        let redactor = std::sync::Arc::clone(&self.executor.parts.redactor);
        let mut inputs = stored(
            self.executor
                .parts
                .store
                .read(move |db| inbox::list(db, automation, state, limit))
                .await,
        )?;
        for input in &mut inputs {
            input.payload = redactor.json(&input.payload);
        }
        Ok(Response::Inputs(inputs))
    }

    pub(super) async fn input_show(&self, id: &str) -> Answer<Response> {
        let input = key(Key::Input, id)?;
        let redactor = std::sync::Arc::clone(&self.executor.parts.redactor);
        let found = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let Some(mut view) = inbox::get(db, input)? else {
                        return Ok(None);
                    };
                    view.payload = redactor.json(&view.payload);
                    Ok(Some(InputDetail {
                        input: view,
                        runs: runs::of_input(db, input)?,
                        outputs: ledger::of_input(db, input)?,
                        emitted: inbox::caused(db, input)?,
                    }))
                })
                .await,
        )?;
        found
            .map(|detail| Response::Input(Box::new(detail)))
            .ok_or_else(|| not_found("input", id))
    }

    pub(super) async fn input_skip(&self, id: &str) -> Answer<Response> {
        let input = key(Key::Input, id)?;
        let skipped = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    Ok(db.execute(
                        "UPDATE inbox SET state='skipped', reason='skipped by the user' WHERE id=?1 AND state IN ('pending','failed')",
                        [input],
                    )?)
                })
                .await,
        )?;
        if skipped == 0 {
            return Err(ErrorBody::new(
                "wrong_state",
                format!("the input {id} is not waiting and has not failed; nothing was changed"),
                "a run under way is ended by `deputy run cancel`",
            ));
        }
        self.input_show(id).await
    }

    pub(super) async fn input_again(&self, id: &str, effects_again: bool) -> Answer<Response> {
        let input = key(Key::Input, id)?;
        let automation = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    let changed = db.execute(
                        "UPDATE inbox SET state='pending', reason=NULL, epoch=epoch+?2
                         WHERE id=?1 AND state IN ('done','failed','skipped')
                           AND target_id NOT IN (SELECT id FROM automations WHERE state='archived')",
                        params![input, effects_again],
                    )?;
                    if changed == 0 {
                        return Ok(None);
                    }
                    Ok(Some(db.query_row(
                        "SELECT target_id FROM inbox WHERE id=?1",
                        [input],
                        |r| r.get::<_, i64>(0),
                    )?))
                })
                .await,
        )?;
        let Some(automation) = automation else {
            return Err(ErrorBody::new(
                "wrong_state",
                format!(
                    "the input {id} is still being worked on, or its automation is archived; nothing was changed"
                ),
                "",
            ));
        };
        self.executor.parts.arrivals.announce(automation);
        self.input_show(id).await
    }

    pub(super) async fn outputs(&self, automation: Option<String>, limit: u32) -> Answer<Response> {
        let automation = optional(Key::Automation, automation)?;
        stored(
            self.executor
                .parts
                .store
                .read(move |db| ledger::list(db, automation, limit))
                .await,
        )
        .map(Response::Outputs)
    }

    pub(super) async fn chat(
        &self,
        automation: Option<String>,
        after: i64,
        limit: u32,
    ) -> Answer<Response> {
        let automation = optional(Key::Automation, automation)?;
        stored(
            self.executor
                .parts
                .store
                .read(move |db| chats::after(db, automation, after, limit))
                .await,
        )
        .map(Response::Chat)
    }

    pub(super) async fn replay(&self, id: &str, script: Option<String>) -> Answer<Response> {
        let run = key(Key::Run, id)?;
        let parts = std::sync::Arc::clone(&self.executor.parts);
        let found = stored(
            self.executor
                .parts
                .store
                .read(move |db| {
                    let (Some(row), Some(view)) = (runs::row(db, run)?, runs::get(db, run)?) else {
                        return Ok(None);
                    };
                    let program = parts.programs.load(
                        db,
                        row.automation,
                        row.contract_version,
                        row.script_version,
                    )?;
                    let input = inbox::get(db, row.input)?;
                    let state = automations::state(db, row.automation, row.state_version)
                        .unwrap_or_else(|_| "{}".into());
                    Ok(Some((
                        row,
                        view,
                        program,
                        input,
                        state,
                        steps::journal(db, run)?,
                    )))
                })
                .await,
        )?;
        let (row, view, program, input, state, journal) =
            found.ok_or_else(|| not_found("run", id))?;
        let same_script = script.is_none();
        let program = match script {
            Some(script) => std::sync::Arc::new(executor::Program::new(
                row.automation,
                &program.name,
                program.contract.clone(),
                script,
            )),
            None => program,
        };
        let rehearsal = Rehearsal {
            program,
            input: input.as_ref().map_or(Value::Null, |i| i.payload.clone()),
            topic: input.as_ref().and_then(|i| i.topic.clone()),
            source: input.map_or(SourceKind::Manual, |i| i.source),
            state: serde_json::from_str(&state).unwrap_or_default(),
            seed: row.seed,
            now: row.logical_start.unwrap_or(row.due_at),
            of: Some(executor::Of::run(&row)),
        };
        let recorded = view
            .result
            .filter(|_| same_script && view.state == RunState::Succeeded);
        let replayed = executor::replay(
            &self.executor.parts,
            &rehearsal,
            journal,
            row.epoch,
            recorded,
        )
        .await;
        Ok(Response::Replay(Box::new(Replay {
            id: id.to_owned(),
            same: replayed.differences.is_empty(),
            differences: replayed.differences,
            steps: replayed.steps,
            result: replayed.result,
        })))
    }
}
