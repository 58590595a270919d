//! Delegation: the user's words go to a recipe where one says it all, else to the planner with a
//! model, as a task that may ask and is answered.

use super::apply::stored;
use super::{Answer, Control, key, not_found};
use crate::intent;
use crate::planner::task::{self, TaskDetail, TaskState};
use crate::planner::{self, BUNDLE_VERSION, Bundle, Command, Driven};
use crate::store::{Durability, Key, StoreError, automations, needs};
use deputy_protocol::control::Response;
use deputy_protocol::model::{Preview, Proposal, Question};
use deputy_protocol::{AutomationState, ErrorBody};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

impl Control {
    pub(super) async fn delegate(
        &self,
        text: String,
        automation: Option<String>,
        accept: bool,
        timezone: Option<String>,
    ) -> Answer<Response> {
        if text.trim().is_empty() {
            return Err(ErrorBody::new(
                "question",
                "Nothing was said, so nothing was set up",
                "say in a sentence what should happen",
            ));
        }
        if let Some(zone) = &timezone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            return Err(ErrorBody::new(
                "unknown_timezone",
                format!("“{zone}” is not a time zone"),
                "use an IANA name such as Europe/Berlin",
            ));
        }
        match automation {
            Some(id) => self.change_by_words(&id, text, accept, timezone).await,
            None => self.delegate_anew(text, accept, timezone).await,
        }
    }

    async fn delegate_anew(
        &self,
        text: String,
        accept: bool,
        timezone: Option<String>,
    ) -> Answer<Response> {
        let timezone = timezone.unwrap_or_else(|| {
            jiff::tz::TimeZone::system()
                .iana_name()
                .unwrap_or("UTC")
                .to_owned()
        });
        let has_model = stored(self.models.configured().await)?.is_some();
        match planner::plan(&text, &timezone, self.now()) {
            Ok(bundle) if !has_model || planner::says_it_all(&text, &bundle) => {
                self.propose(None, bundle, accept, json!({"text": text}))
                    .await
            }
            Ok(_) | Err(_) if has_model => self.begin_task(None, text, accept, timezone).await,
            Ok(bundle) => {
                self.propose(None, bundle, accept, json!({"text": text}))
                    .await
            }
            Err(unplanned) => Err(ErrorBody::new(
                unplanned.code,
                unplanned.message,
                unplanned.hint,
            )),
        }
    }

    async fn change_by_words(
        &self,
        id: &str,
        text: String,
        accept: bool,
        timezone: Option<String>,
    ) -> Answer<Response> {
        let automation = key(Key::Automation, id)?;
        let read = self.executor.parts.store.read(move |db| {
            let row = automations::row(db, automation)?;
            Ok((
                row,
                task::open_of(db, automation)?,
                open_question(db, automation)?,
            ))
        });
        let (row, task, question) = stored(read.await)?;
        let row = row.ok_or_else(|| not_found("automation", id))?;
        if row.state == AutomationState::Archived {
            return Err(ErrorBody::new(
                "wrong_state",
                format!("{id} is archived and is not changed any more"),
                "delegate it anew",
            ));
        }
        if let (Some(task), Some(item)) = (&task, question) {
            // What is said while a question is open answers it.
            let by = "cli";
            self.answer_question(&Key::Need.id(item), "answer".to_owned(), Some(text), by)
                .await?;
            return self.drive(task.key).await;
        }
        if let Some(task) = task {
            let task = Key::Task.id(task.key);
            return Err(ErrorBody::new(
                "busy",
                format!("{id} is being planned right now ({task}); nothing was changed"),
                format!("wait for it, or `deputy proposal decline {task}` calls it off"),
            ));
        }
        if planner::command(&text) == Some(Command::PreviousVersion) {
            return self.previous_version(id, automation, accept, text).await;
        }
        if stored(self.models.configured().await)?.is_none() {
            return Err(ErrorBody::new(
                "not_supported",
                "changing an automation by words needs a model, and none is set up; nothing was changed. Without one, “undo” brings the version before the last change back",
                "deputy model set --provider P --model NAME --key-stdin",
            ));
        }
        let timezone = timezone.unwrap_or(row.timezone);
        self.begin_task(Some(automation), text, accept, timezone)
            .await
    }

    /// Proposes what the automation was before its last change.
    async fn previous_version(
        &self,
        id: &str,
        automation: i64,
        accept: bool,
        text: String,
    ) -> Answer<Response> {
        let read = self
            .executor
            .parts
            .store
            .read(move |db| before_last_change(db, automation));
        let Some(bundle) = stored(read.await)? else {
            return Err(ErrorBody::new(
                "no_previous_version",
                format!("{id} has no version before this one; nothing was changed"),
                "`deputy automation pause` rests it, `deputy automation archive` ends it",
            ));
        };
        self.propose(Some(automation), bundle, accept, json!({"text": text}))
            .await
    }

    async fn begin_task(
        &self,
        automation: Option<i64>,
        text: String,
        accept: bool,
        timezone: String,
    ) -> Answer<Response> {
        let now = self.now();
        let detail = TaskDetail {
            text,
            timezone,
            accept,
            ..TaskDetail::default()
        };
        let begun = self
            .executor
            .parts
            .store
            .write(Durability::Synced, move |db| {
                planner::begin(db, automation, &detail, now)
            });
        self.drive(stored(begun.await)?).await
    }

    /// Drives a task on its own, so that it goes on when whoever asked hangs up, and waits for where
    /// it comes to.
    async fn drive(&self, task: i64) -> Answer<Response> {
        let (sender, came_to) = tokio::sync::oneshot::channel();
        self.drive_apart(task, Some(sender));
        came_to.await.unwrap_or_else(|_| Err(left(task)))
    }

    fn drive_apart(&self, task: i64, tell: Option<tokio::sync::oneshot::Sender<Answer<Response>>>) {
        let control = self.clone();
        self.planning.spawn(async move {
            let came_to = control.come_to(task).await;
            match tell {
                // Whoever asked may have hung up; what came of it is in the chat.
                Some(tell) => drop(tell.send(came_to)),
                None => {
                    if let Err(error) = came_to {
                        tracing::info!(task, code = error.code, "planning came to no proposal");
                    }
                }
            }
        });
    }

    async fn come_to(&self, task: i64) -> Answer<Response> {
        match stored(self.planner.drive(task).await)? {
            Driven::Proposed(proposal) => {
                let read = self
                    .executor
                    .parts
                    .store
                    .read(move |db| task::get(db, task));
                let accept = stored(read.await)?.is_some_and(|task| task.detail.accept);
                self.proposed(proposal, accept).await
            }
            Driven::Asked => self.asked(task).await,
            Driven::Ended(error) => Err(error),
            Driven::Left => Err(left(task)),
        }
    }

    /// Goes on with the tasks that were at work when the process ended.
    pub(crate) async fn resume_tasks(&self) -> Result<(), StoreError> {
        for task in self.executor.parts.store.read(task::running).await? {
            self.drive_apart(task, None);
        }
        Ok(())
    }

    /// Waits until no task is at work any more; they end by themselves when the agent stops.
    pub(crate) async fn planning_settled(&self) {
        self.planning.close();
        self.planning.wait().await;
    }

    /// Answers a question and lets its task go on by itself.
    pub(super) async fn need_answer_question(
        &self,
        id: &str,
        choice: String,
        note: Option<String>,
        by: &str,
    ) -> Answer<Response> {
        if let Some(task) = self.answer_question(id, choice, note, by).await? {
            self.drive_apart(task, None);
        }
        self.need_show(id).await
    }

    async fn answer_question(
        &self,
        id: &str,
        choice: String,
        note: Option<String>,
        by: &str,
    ) -> Answer<Option<i64>> {
        let item = key(Key::Need, id)?;
        let read = self
            .executor
            .parts
            .store
            .read(move |db| needs::row(db, item));
        let row = stored(read.await)?.ok_or_else(|| not_found("need", id))?;
        let label = row.choices.iter().find(|c| c.id == choice);
        let note = note.filter(|note| !note.trim().is_empty());
        let answer = match (label, &note) {
            (Some(_), Some(note)) if choice == "answer" => note.clone(),
            (Some(_), None) if choice == "answer" => {
                return Err(ErrorBody::new(
                    "usage",
                    format!("the answer to {id} is missing; nothing was changed"),
                    format!("deputy need answer {id} answer --note \"TEXT\""),
                ));
            }
            (Some(label), None) => label.label.clone(),
            (Some(label), Some(note)) => format!("{}. {note}", label.label),
            (None, _) => {
                return Err(ErrorBody::new(
                    "no_such_choice",
                    format!("“{choice}” is not a choice of {id}; nothing was changed"),
                    "`deputy need show` lists them",
                ));
            }
        };
        let (now, by) = (self.now(), by.to_owned());
        let written = self
            .executor
            .parts
            .store
            .write(Durability::Synced, move |db| {
                let note = note.as_deref();
                if crate::executor::answer(db, &row, &choice, note, &by, now)?.is_none() {
                    return Ok(None);
                }
                planner::answered(db, &row, &answer, now).map(Some)
            });
        stored(written.await)?.ok_or_else(|| {
            ErrorBody::new(
                "not_open",
                format!("{id} was answered already; nothing was changed"),
                "",
            )
        })
    }

    /// A task that waits for an answer, as clients see it.
    async fn asked(&self, task: i64) -> Answer<Response> {
        let read = self.executor.parts.store.read(move |db| {
            let Some(task) = task::get(db, task)? else {
                return Ok(None);
            };
            let Some(item) = open_question(db, task.automation)? else {
                return Ok(Some((task, None)));
            };
            Ok(Some((task, needs::get(db, item)?)))
        });
        let found = stored(read.await)?;
        let (task, need) = found.ok_or_else(|| not_found("task", &Key::Task.id(task)))?;
        if task.state != TaskState::Waiting && need.is_none() {
            return Err(left(task.key));
        }
        let question = need.map(|need| Question {
            question: need.title,
            choices: need.detail["choices"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            item: Some(need.id),
        });
        Ok(Response::Proposal(Box::new(Proposal {
            id: Key::Task.id(task.key),
            automation: Key::Automation.id(task.automation),
            name: task.detail.text.chars().take(60).collect(),
            state: "question".to_owned(),
            contract: Value::Null,
            plain_words: Vec::new(),
            preview: Preview {
                state: "none".to_owned(),
                ..Preview::default()
            },
            doubts: Vec::new(),
            diff: None,
            question,
        })))
    }
}

/// What is said when the agent stops, or something else is said to the same task meanwhile.
fn left(task: i64) -> ErrorBody {
    ErrorBody::new(
        "interrupted",
        format!(
            "planning has not ended yet; {} goes on by itself, after a stop at the next start, and pays for no answer twice",
            Key::Task.id(task)
        ),
        "`deputy chat` shows how it goes on",
    )
}

/// The open question about an automation.
fn open_question(db: &Connection, automation: i64) -> Result<Option<i64>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT id FROM needs WHERE automation=?1 AND state='open' AND kind='question' ORDER BY id DESC LIMIT 1",
        )?
        .query_row([automation], |r| r.get(0))
        .optional()?;
    Ok(found)
}

/// The contract and script before the last change, whichever of them it changed.
fn before_last_change(db: &Connection, automation: i64) -> Result<Option<Bundle>, StoreError> {
    let (Some(row), Some((contract_at, script_at))) = (
        automations::row(db, automation)?,
        automations::versions_at(db, automation)?,
    ) else {
        return Ok(None);
    };
    let step = |version: u32, changed: bool| {
        if changed {
            version.checked_sub(1).filter(|version| *version > 0)
        } else {
            Some(version)
        }
    };
    let contract_version = step(row.contract_version, contract_at >= script_at);
    let script_version = step(row.script_version, script_at >= contract_at);
    let (Some(contract_version), Some(script_version)) = (contract_version, script_version) else {
        return Ok(None);
    };
    let contract = automations::contract(db, automation, contract_version)?;
    let script = automations::script(db, automation, script_version)?;
    let (Some((contract, _)), Some((script, fixtures))) = (contract, script) else {
        return Ok(None);
    };
    let contract: intent::Contract =
        serde_json::from_str(&contract).map_err(|e| StoreError::corrupt("contract", e))?;
    Ok(Some(Bundle {
        bundle: BUNDLE_VERSION,
        name: row.name,
        contract: serde_json::to_value(&contract).unwrap_or_default(),
        script,
        fixtures: serde_json::from_value(fixtures).unwrap_or_default(),
    }))
}
