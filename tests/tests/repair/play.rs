//! Plays a case against a real agent, typed commands, real web servers and a scripted provider.

use crate::case::{Case, CaseStep, Then};
use deputy_model_server::{ModelServer, Script};
use deputy_protocol::model::Run;
use deputy_protocol::{RunState, WaitingFor};
use deputy_tests::{Agent, Home, HttpServer, Output, Page, bundle, wait_until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// The effects that a case may have: paths below `/out/`.
const OUT: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c"];

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    answers: usize,
    runs: usize,
    pub(crate) repairs: usize,
    pub(crate) refusals: usize,
    pub(crate) taken_back: usize,
    items: usize,
    pub(crate) effects: u64,
    pub(crate) outside: u64,
    pub(crate) repeated: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.runs += other.runs;
        self.repairs += other.repairs;
        self.refusals += other.refusals;
        self.taken_back += other.taken_back;
        self.items += other.items;
        self.effects += other.effects;
        self.outside += other.outside;
        self.repeated += other.repeated;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answers of the model, {} runs, {} repairs deployed, {} proposals refused, {} versions taken back, {} items for people, {} effects arrived, {} outside the contract, {} repeated",
            self.answers,
            self.runs,
            self.repairs,
            self.refusals,
            self.taken_back,
            self.items,
            self.effects,
            self.outside,
            self.repeated
        )
    }
}

struct Stage {
    name: String,
    home: Home,
    agent: Option<Agent>,
    runtime: tokio::runtime::Runtime,
    server: ModelServer,
    web: HttpServer,
    other: HttpServer,
    automation: String,
}

/// Plays a case.
pub(crate) fn play(text: &str) -> Figures {
    let (web, other) = (HttpServer::new(), HttpServer::new());
    let case = crate::read(
        text,
        &[
            ("{{http}}", &format!("http://{}", web.host())),
            ("{{host}}", &web.host()),
            ("{{other}}", &format!("http://{}", other.host())),
            ("{{other_host}}", &other.host()),
        ],
    );
    for id in OUT {
        web.put(&format!("/out/{id}"), Page::new("text/plain", "ok"));
        other.put(&format!("/out/{id}"), Page::new("text/plain", "ok"));
    }
    let mut stage = set(&case, web, other);
    for (n, step) in case.steps.iter().enumerate() {
        stage.step(n, step);
    }
    let (figures, server, _runtime) = stage.end();
    // After it all: what the model was asked broke no rule, and it was asked for all it had to say.
    server.finish();
    figures
}

fn set(case: &Case, web: HttpServer, other: HttpServer) -> Stage {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let lines = case.steps.iter().flat_map(|step| step.model.clone());
    let script = Script::Lines(lines.collect());
    let server = runtime.block_on(ModelServer::start(script)).unwrap();
    if let Some(first) = case.steps.first() {
        serve(&web, first);
    }
    let home = Home::new();
    let agent = home.start();
    // Installed before there is a model: the dry run needs none.
    let automation = home.install(bundle(&case.name, case.contract.clone(), &case.script));
    if !case.no_model {
        let url = server.url();
        let words = [
            "model",
            "set",
            "--provider",
            &case.provider,
            "--base-url",
            &url,
            "--model",
            "scripted",
            "--key-stdin",
        ];
        home.cli_with_input(&words, "sk-scripted-key").done();
    }
    let cool_down = ("repair.cool_down_ms".to_owned(), json!(0));
    for (name, value) in case
        .settings
        .iter()
        .map(|(n, v)| (n.clone(), v.clone()))
        .chain([cool_down])
    {
        home.cli(&["config", "set", &name, &value.to_string()])
            .done();
    }
    Stage {
        name: case.name.clone(),
        home,
        agent: Some(agent),
        runtime,
        server,
        web,
        other,
        automation,
    }
}

fn serve(web: &HttpServer, step: &CaseStep) {
    for (path, text) in &step.pages {
        web.put(path, Page::new("application/json", text.as_str()));
    }
}

impl Stage {
    fn step(&mut self, n: usize, step: &CaseStep) {
        serve(&self.web, step);
        let asked = self.server.asked().len();
        if let Some(text) = &step.say {
            let words = ["delegate", text, "--automation", &self.automation];
            self.home.cli(&words).done();
        } else if let Some(choice) = &step.answer {
            let need = self.home.needs().into_iter().next().expect("an open item");
            self.home.cli(&["need", "answer", &need.id, choice]).done();
        } else if step.run {
            let words = ["automation", "run", &self.automation, "--no-wait"];
            self.home.cli(&words).done();
        }
        let interrupted = step
            .crash_at
            .or(step.pause_at)
            .or(step.archive_at)
            .or(step.cancel_at);
        if let Some(at) = interrupted {
            wait_until("the model is asked", || {
                (self.server.asked().len() >= asked + at).then_some(())
            });
        }
        if step.crash_at.is_some() {
            self.agent.take().unwrap().kill9();
            self.agent = Some(self.home.start());
        }
        if step.pause_at.is_some() {
            self.act("pause");
        }
        if step.archive_at.is_some() {
            self.act("archive");
        }
        if step.cancel_at.is_some() {
            let run = self.latest().id;
            self.home.cli(&["run", "cancel", &run]).done();
        }
        let what = format!("{}, step {n}", self.name);
        let run = self.settled(&what);
        self.check(&step.then, &run, &what);
    }

    fn act(&self, act: &str) -> Output {
        self.home.cli(&["automation", act, &self.automation]).done()
    }

    fn latest(&self) -> Run {
        let runs = self.home.runs(Some(&self.automation));
        runs.into_iter().next().expect("a run")
    }

    /// The latest run once it has ended or waits for a person, and nothing else is under way.
    fn settled(&self, what: &str) -> Run {
        wait_until(what, || {
            let runs = self.home.runs(Some(&self.automation));
            let resting = |run: &Run| match run.state {
                RunState::Succeeded | RunState::Failed | RunState::Cancelled => true,
                RunState::Waiting => {
                    !matches!(run.waiting_for, Some(WaitingFor::Retry | WaitingFor::Timer))
                }
                RunState::Queued | RunState::Running => false,
            };
            if runs.iter().all(resting) {
                runs.into_iter().next()
            } else {
                None
            }
        })
    }

    fn check(&self, then: &Then, run: &Run, what: &str) {
        let shown = self.home.cli(&["run", "show", &run.id]).done();
        let what = format!("{what}: {}", shown.json);
        if let Some(state) = &then.state {
            assert_eq!(run.state.as_str(), state, "{what}");
        }
        if let Some(word) = &then.waiting_for {
            assert_eq!(
                run.waiting_for.map(WaitingFor::as_str),
                Some(word.as_str()),
                "{what}"
            );
        }
        if let Some(class) = &then.failure_class {
            assert_eq!(shown.text("failure_class"), class, "{what}");
        }
        if let Some(out) = &then.out {
            assert_eq!(self.arrived(), *out, "{what}");
        }
        let needs = self.home.needs();
        if let Some(kinds) = &then.needs {
            let found: Vec<&str> = needs.iter().map(|need| need.kind.as_str()).collect();
            assert_eq!(found, *kinds, "{what}");
        }
        if !then.need_says.is_empty() {
            let need = needs.first().expect("an open item");
            let text = format!("{} {}", need.title, need.detail);
            for words in &then.need_says {
                assert!(text.contains(words.as_str()), "lacks “{words}”: {text}");
            }
        }
        let automation = self
            .home
            .cli(&["automation", "show", &self.automation])
            .done();
        for (field, expected) in [
            ("script_version", then.script_version),
            ("contract_version", then.contract_version),
        ] {
            if let Some(expected) = expected {
                assert_eq!(automation.json[field], json!(expected), "{field}: {what}");
            }
        }
        if let Some(state) = &then.automation {
            assert_eq!(automation.text("state"), state, "{what}");
        }
        let kinds: Vec<&str> = texts(&shown.json["events"], "kind");
        let mut seen = kinds.iter();
        for kind in &then.events {
            assert!(
                seen.any(|k| k == kind),
                "{kind} is not in order in {kinds:?}: {what}"
            );
        }
        for kind in &then.no_events {
            assert!(!kinds.contains(&kind.as_str()), "{kind}: {what}");
        }
        if !then.chat_says.is_empty() {
            let chat = self.home.cli(&["chat", &self.automation]).done();
            let text = chat.json.to_string();
            for words in &then.chat_says {
                assert!(text.contains(words.as_str()), "lacks “{words}”: {text}");
            }
        }
        if let Some(asked) = then.asked {
            assert_eq!(self.server.asked().len(), asked, "{what}");
        }
    }

    fn arrived(&self) -> BTreeMap<String, u64> {
        OUT.iter()
            .map(|id| ((*id).to_owned(), self.web.hits(&format!("/out/{id}"))))
            .filter(|(_, times)| *times > 0)
            .collect()
    }

    /// What arrived, against the ledger: each effect on record arrives at most once, and nothing else.
    fn end(self) -> (Figures, ModelServer, tokio::runtime::Runtime) {
        let outputs = self.home.cli(&["outputs"]).done();
        let mut on_record: BTreeMap<String, u64> = BTreeMap::new();
        let runs = self.home.runs(Some(&self.automation));
        let mut figures = Figures {
            answers: self.server.asked().len(),
            runs: runs.len(),
            ..Figures::default()
        };
        for output in outputs.json.as_array().unwrap() {
            if output["tool"] == "web.request" && output["state"] == "done" {
                let title = output["title"].as_str().unwrap();
                let id = title.rsplit("/out/").next().unwrap_or_default();
                let id: String = id.chars().take_while(char::is_ascii_alphanumeric).collect();
                *on_record.entry(id).or_default() += 1;
            }
        }
        for (id, times) in self.arrived() {
            figures.effects += times;
            let once = on_record.get(&id).copied().unwrap_or(0);
            figures.repeated += times.saturating_sub(once);
        }
        for path in OUT.iter().map(|id| format!("/out/{id}")) {
            figures.outside += self.other.hits(&path);
        }
        for path in ["/", "/steal", "/items.json"] {
            figures.outside += self.other.hits(path);
        }
        for run in &runs {
            let shown = self.home.cli(&["run", "show", &run.id]).done();
            let kinds = texts(&shown.json["events"], "kind");
            let count = |kind: &str| kinds.iter().filter(|k| **k == kind).count();
            figures.repairs += count("repair_deployed");
            figures.taken_back += count("script_rolled_back");
            let events = shown.json["events"].as_array().unwrap().iter();
            figures.refusals += events
                .filter(|e| {
                    matches!(
                        e["kind"].as_str(),
                        Some("repair_checked" | "repair_replayed")
                    ) && !e["data"]["refused"].is_null()
                })
                .count();
        }
        let needs = self.home.cli(&["needs"]).done();
        figures.items = needs.json.as_array().map_or(0, Vec::len);
        (figures, self.server, self.runtime)
    }
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item[field].as_str())
        .collect()
}
