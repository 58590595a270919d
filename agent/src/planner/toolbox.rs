//! What a planning model may call: look around, ask, propose, give up.

use super::checks::{self, Checked, Terms};
use super::task::{self, Task};
use super::{Sources, terms};
use crate::executor::{DryRun, Parts, Program, Rehearsal, dry_run_within};
use crate::models::{Step, ToolCall, ToolSpec, Toolbox, outside};
use crate::needs;
use crate::store::needs::NewNeed;
use crate::store::{Durability, Key, StoreError, chats, events, needs as need_rows};
use deputy_protocol::model::Choice;
use deputy_protocol::{NeedKind, SourceKind};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The most that a model reads of one look around, in characters.
const LONGEST_RESULT: usize = 24_000;
/// The longest question, in characters.
const LONGEST_QUESTION: usize = 2_000;
/// The most choices of a question.
const MOST_CHOICES: usize = 12;
/// How long one look around may take.
const LONGEST_EVAL: Duration = Duration::from_secs(120);

/// What planning leads to.
#[derive(Clone, Debug)]
pub(super) enum Planned {
    /// Something that can be accepted.
    Bundle(Box<Checked>),
    /// The model says that it cannot be done, and why.
    GivenUp(String),
}

/// The tools of one task.
pub(super) struct PlanTools {
    pub(super) parts: Arc<Parts>,
    pub(super) task: Task,
    pub(super) sources: Sources,
}

fn spec(name: &str, description: &str, properties: Value, required: &[&str]) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input: json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false}),
    }
}

impl Toolbox for PlanTools {
    type Done = Planned;

    fn specs(&self) -> Vec<ToolSpec> {
        vec![
            spec(
                "eval",
                "Look around: the body of an async function with `ctx` and `tools`. Reads are real, effects are only simulated and listed. Return what you want to see, and no more of it than you need.",
                json!({"code": {"type": "string", "description": "JavaScript; `return` what you want to see."}}),
                &["code"],
            ),
            spec(
                "ask",
                "Ask the user what only the user can know. One question at a time, with choices where there are few.",
                json!({"question": {"type": "string"}, "choices": {"type": "array", "items": {"type": "string"}, "description": "Possible answers; may be empty."}}),
                &["question"],
            ),
            spec(
                "propose",
                "Propose the automation: it is checked, rehearsed, and shown to the user, who accepts or declines.",
                json!({"bundle": {"type": "object", "description": "{\"bundle\": 1, \"name\", \"contract\", \"script\"}; \"fixtures\": [{\"name\", \"input\"}] gives the dry run an input."}}),
                &["bundle"],
            ),
            spec(
                "give_up",
                "Say that it cannot be done with these tools, and why, in a sentence for the user.",
                json!({"reason": {"type": "string"}}),
                &["reason"],
            ),
        ]
    }

    async fn call(&mut self, call: &ToolCall) -> Step<Planned> {
        let text = |field: &str| {
            call.input[field]
                .as_str()
                .map(str::trim)
                .unwrap_or_default()
        };
        match call.name.as_str() {
            "eval" if !text("code").is_empty() => self.eval(text("code")).await,
            "eval" => Step::error("eval needs `code`, a string that is not empty"),
            "ask" if !text("question").is_empty() => self.ask(&call.input).await,
            "ask" => Step::error("ask needs `question`, a string that is not empty"),
            "propose" => self.propose(&call.input["bundle"]).await,
            "give_up" if !text("reason").is_empty() => {
                Step::Finish(Planned::GivenUp(text("reason").to_owned()))
            }
            "give_up" => Step::error("give_up needs `reason`, a sentence for the user"),
            other => Step::error(format!(
                "there is no tool “{other}” here; there are eval, ask, propose and give_up. Tools of scripts are called inside eval, as tools.namespace.operation({{…}})"
            )),
        }
    }
}

impl PlanTools {
    async fn eval(&mut self, code: &str) -> Step<Planned> {
        let script = format!("export default async function main(ctx) {{ {code}\n}}\n");
        let zone = self.task.detail.timezone.clone();
        let private = self.task.detail.private;
        let within = terms::within(&self.sources, self.parts.registry, &zone, private);
        let rehearsal = Rehearsal {
            program: Arc::new(Program::new(
                self.task.automation,
                "planning",
                within.open.clone(),
                script.clone(),
            )),
            input: Value::Null,
            topic: None,
            source: SourceKind::Manual,
            state: BTreeMap::new(),
            seed: *blake3::hash(script.as_bytes()).as_bytes(),
            of: None,
            now: self.parts.clock.now(),
        };
        let running = dry_run_within(&self.parts, &rehearsal, Some(&within));
        let Ok(run) = tokio::time::timeout(LONGEST_EVAL, running).await else {
            // What it read until then is not known.
            self.task.detail.private = true;
            return Step::error(format!("it took longer than {} s", LONGEST_EVAL.as_secs()));
        };
        self.task.detail.private |= run.private;
        if let Err(error) = self.note_look(&run).await {
            return Step::error(format!("this could not be written down: {error}"));
        }
        if let Some(error) = &run.preview.error {
            let code = run.preview.error_code.as_deref().unwrap_or_default();
            let shown = outside(&short(error), "the script's error");
            return Step::error(format!("it failed ({code}): {shown}"));
        }
        let seen =
            json!({"result": run.preview.result, "logs": run.logs, "effects": run.preview.effects});
        Step::ok(outside(&short(&seen.to_string()), "eval"))
    }

    async fn note_look(&self, run: &DryRun) -> Result<(), StoreError> {
        let (task, at) = (self.task.clone(), self.parts.clock.now());
        let looked = if run.preview.reads.is_empty() {
            "Tried some code".to_owned()
        } else {
            run.preview.reads.join("; ")
        };
        let looked: String = looked.chars().take(300).collect();
        let write = move |db: &Connection| {
            task::set_detail(db, task.key, &task.detail)?;
            task::tell(db, &task, "progress", "Looking around", &looked, at)
        };
        self.parts.store.write(Durability::Synced, write).await
    }

    async fn ask(&mut self, input: &Value) -> Step<Planned> {
        let question: String = input["question"]
            .as_str()
            .unwrap_or_default()
            .trim()
            .chars()
            .take(LONGEST_QUESTION)
            .collect();
        let choices = match &input["choices"] {
            Value::Null => Vec::new(),
            Value::Array(all) if all.len() <= MOST_CHOICES && all.iter().all(Value::is_string) => {
                all.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            }
            _ => {
                return Step::error(format!(
                    "`choices` is a list of at most {MOST_CHOICES} strings"
                ));
            }
        };
        let (task, now) = (self.task.clone(), self.parts.clock.now());
        let asked = self
            .parts
            .store
            .write(Durability::Synced, move |db| {
                asked(db, &task, &question, choices, now)
            })
            .await;
        match asked {
            Ok(Asked::Waiting) => Step::Wait,
            Ok(Asked::Answered(answer)) => {
                self.sources.words.push(answer.clone());
                Step::ok(format!("The user answers: {answer}"))
            }
            Ok(Asked::Withdrawn) => Step::error("the question was withdrawn"),
            Err(error) => Step::error(format!("the question could not be put: {error}")),
        }
    }

    async fn propose(&mut self, bundle: &Value) -> Step<Planned> {
        // Some models write the bundle as text.
        let read = bundle.as_str().map(serde_json::from_str::<Value>);
        let bundle = match &read {
            None => bundle,
            Some(Ok(bundle)) => bundle,
            Some(Err(error)) => {
                return Step::error(format!("`bundle` is not JSON: {error}"));
            }
        };
        let terms = Terms {
            sources: &self.sources,
            zone: &self.task.detail.timezone,
        };
        let mut private = self.task.detail.private;
        let checked = checks::check(&self.parts, bundle, terms, &mut private).await;
        self.task.detail.private = private;
        match checked {
            Ok(checked) => Step::Finish(Planned::Bundle(Box::new(checked))),
            Err(problems) => {
                let (task, at) = (self.task.clone(), self.parts.clock.now());
                let names = checks::names(&problems).to_string();
                let text = format!("A draft did not pass these checks: {names}");
                let told = self.parts.store.write(Durability::Synced, move |db| {
                    task::set_detail(db, task.key, &task.detail)?;
                    task::tell(db, &task, "progress", "Mending a draft", &text, at)
                });
                if let Err(error) = told.await {
                    return Step::error(format!("this could not be written down: {error}"));
                }
                Step::error(checks::for_the_model(&problems))
            }
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST_RESULT) {
        Some((at, _)) => format!(
            "{}… (cut off: {} characters in all; return less)",
            &text[..at],
            text.chars().count()
        ),
        None => text.to_owned(),
    }
}

enum Asked {
    Waiting,
    Answered(String),
    Withdrawn,
}

/// The dedupe key of a question: the same question of a task is one item.
fn question_key(task: i64, question: &str, choices: &[String]) -> String {
    let digest = blake3::hash(json!([question, choices]).to_string().as_bytes()).to_hex();
    format!("question:{task}:{}", &digest[..16])
}

/// Looks a question up, or puts it.
fn asked(
    db: &Connection,
    task: &Task,
    question: &str,
    choices: Vec<String>,
    now: deputy_protocol::Time,
) -> Result<Asked, StoreError> {
    let dedupe = question_key(task.key, question, &choices);
    let known: Option<(String, Option<String>)> = db
        .prepare_cached(
            "SELECT state, json_extract(detail,'$.answer') FROM needs WHERE dedupe=?1 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([&dedupe], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    match known {
        Some((state, Some(answer))) if state == "answered" => return Ok(Asked::Answered(answer)),
        Some((state, _)) if state == "open" => return Ok(Asked::Waiting),
        Some(_) => return Ok(Asked::Withdrawn),
        None => {}
    }
    let listed = choices.iter().enumerate().map(|(at, label)| Choice {
        id: (at + 1).to_string(),
        label: label.clone(),
    });
    let task_id = Key::Task.id(task.key);
    let need = NewNeed {
        kind: NeedKind::Question,
        dedupe,
        title: question.to_owned(),
        automation: Some(task.automation),
        run: None,
        seq: None,
        choices: listed.chain(needs::choices(NeedKind::Question)).collect(),
        detail: json!({"task": task_id, "question": question, "choices": choices}),
    };
    let Some(key) = need_rows::open(db, &need, now)? else {
        return Ok(Asked::Waiting);
    };
    let id = Key::Need.id(key);
    let data = json!({"need": id, "kind": need.kind.as_str(), "title": question});
    events::record(db, now, "need_opened", need.automation, None, &data)?;
    let line = json!({"task": task_id, "need": id, "title": question, "text": choices.join(" / "), "choices": choices});
    chats::append(
        db,
        need.automation,
        "question",
        chats::Author::Deputy,
        &line,
        now,
    )?;
    Ok(Asked::Waiting)
}
