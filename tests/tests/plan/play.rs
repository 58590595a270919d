//! Plays a case against a real agent, typed commands, a real web server and a scripted provider.

use crate::case::{Case, CaseStep, CaseText, ServedPage, Then};
use crate::figures::{Figures, covers};
use deputy_model_server::{ModelServer, Script};
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::ChatEvent;
use deputy_tests::{Agent, Home, HttpServer, Output, Page, wait_until};
use serde_json::{Value, json};
use std::path::Path;

struct Stage {
    name: String,
    home: Home,
    agent: Option<Agent>,
    runtime: tokio::runtime::Runtime,
    server: ModelServer,
    dir: tempfile::TempDir,
    automation: Option<String>,
    /// The id that `proposal` takes.
    proposal: Option<String>,
    figures: Figures,
}

/// Plays a case.
pub(crate) fn play(text: &CaseText) -> Figures {
    let (web, other) = (HttpServer::new(), HttpServer::new());
    let dir = tempfile::tempdir().unwrap();
    let canonical = dir.path().canonicalize().unwrap();
    let case = text.filled(&[
        ("{{http}}", &format!("http://{}", web.host())),
        ("{{host}}", &web.host()),
        ("{{other}}", &format!("http://{}", other.host())),
        ("{{other_host}}", &other.host()),
        ("{{dir}}", canonical.to_str().unwrap()),
    ]);
    serve(&case, &web);
    for (name, content) in &case.files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let mut stage = set(&case, dir);
    for step in &case.steps {
        stage.step(step);
    }
    assert_eq!(
        total_hits(&other),
        case.other_hits,
        "{}: the server that nobody named was asked",
        case.name
    );
    let (figures, server, _runtime) = stage.end();
    // After it all: what the model was asked broke no rule, and it was asked for all it had to say.
    server.finish();
    figures
}

fn total_hits(server: &HttpServer) -> u64 {
    ["/", "/x", "/steal", "/page", "/feed.xml"]
        .iter()
        .map(|path| server.hits(path))
        .sum()
}

fn serve(case: &Case, web: &HttpServer) {
    for (path, page) in &case.pages {
        let page = match page {
            ServedPage::Html(body) => Page::html(body),
            ServedPage::Text(body) => Page::new("text/plain; charset=utf-8", body.as_str()),
            ServedPage::Feed(items) => {
                let items: Vec<(&str, &str)> = items
                    .iter()
                    .map(|(id, title)| (id.as_str(), title.as_str()))
                    .collect();
                Page::feed(&items)
            }
            ServedPage::Status(status) => Page {
                status: *status,
                ..Page::new("text/plain", "no")
            },
        };
        web.put(path, page);
    }
}

fn set(case: &Case, dir: tempfile::TempDir) -> Stage {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let lines = case.steps.iter().flat_map(|step| step.model.clone());
    let script = Script::Lines(lines.collect());
    let server = runtime.block_on(ModelServer::start(script)).unwrap();
    let home = Home::new();
    let agent = home.start();
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
    for (name, value) in &case.settings {
        home.cli(&["config", "set", name, &value.to_string()])
            .done();
    }
    for operation in &case.denied {
        home.cli(&["permissions", "--deny", operation]).done();
    }
    for (name, from) in &case.mail {
        // Nothing listens there: a mail that went out would fail loudly.
        let request = Request::Connect {
            kind: "mail".to_owned(),
            name: name.clone(),
            config: json!({"smtp_host": "127.0.0.1", "smtp_port": 1, "tls": "none", "from": from}),
            secret: None,
        };
        home.ask(request).unwrap();
    }
    Stage {
        name: case.name.clone(),
        home,
        agent: Some(agent),
        runtime,
        server,
        dir,
        automation: None,
        proposal: None,
        figures: Figures::default(),
    }
}

impl Stage {
    fn step(&mut self, step: &CaseStep) {
        let seen = self.last_line();
        let asked = self.server.asked().len();
        let output = if let Some(text) = &step.say {
            self.say(step, text, asked)
        } else if let Some(choice) = &step.answer {
            Some(self.answer(step, choice))
        } else if let Some(confirmed) = &step.accept {
            Some(self.accept(confirmed))
        } else if step.decline {
            let id = self.proposal.clone().unwrap();
            Some(self.home.cli(&["proposal", "decline", &id]))
        } else if let Some(bundle) = &step.install {
            let file = self.home.write_bundle(bundle);
            let mut words = vec!["install", file.to_str().unwrap()];
            words.extend(step.yes.then_some("--yes"));
            Some(self.home.cli(&words))
        } else {
            assert!(step.run, "{}: a step says what is done", self.name);
            let id = self.automation.clone().unwrap();
            self.figures.runs += 1;
            Some(self.home.cli(&["automation", "run", &id]))
        };
        let plans = output.is_none() || (step.answer.is_some() && !step.model.is_empty());
        let came_to = if plans {
            self.come_to(seen, step.then.state.as_deref())
        } else {
            output.unwrap()
        };
        self.note(&came_to);
        self.check(&step.then, &came_to);
        self.count_outside();
    }

    /// Says something, and kills the agent or calls the task off in the middle if the case says so.
    /// `None` when what comes of it is to be read from the chat.
    fn say(&mut self, step: &CaseStep, text: &str, asked: usize) -> Option<Output> {
        let mut words = vec!["delegate", text, "--timezone", "UTC"];
        words.extend(step.yes.then_some("--yes"));
        if step.to_it {
            words.extend(["--automation", self.automation.as_deref().unwrap()]);
        }
        let Some(at) = step.crash_at.or(step.cancel_at) else {
            return Some(self.home.cli(&words));
        };
        let path = self.home.path().to_owned();
        let said: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let typing = std::thread::spawn(move || {
            let words: Vec<&str> = said.iter().map(String::as_str).collect();
            Home::at(path).cli(&words)
        });
        wait_until("the model is asked", || {
            (self.server.asked().len() >= asked + at).then_some(())
        });
        if step.cancel_at.is_some() {
            let task = self.task();
            self.home.cli(&["proposal", "decline", &task]).done();
            return Some(typing.join().unwrap());
        }
        self.agent.take().unwrap().kill9();
        typing.join().unwrap();
        self.agent = Some(self.home.start());
        None
    }

    fn task(&self) -> String {
        let lines = self.chat();
        let task = lines
            .iter()
            .rev()
            .find_map(|line| line.data["task"].as_str());
        task.map_or_else(|| "t1".to_owned(), str::to_owned)
    }

    fn answer(&self, step: &CaseStep, choice: &str) -> Output {
        let need = self.home.needs().into_iter().next().expect("an open item");
        let mut words = vec!["need", "answer", &need.id, choice];
        if let Some(note) = &step.note {
            words.extend(["--note", note]);
        }
        self.home.cli(&words)
    }

    fn accept(&self, confirmed: &[String]) -> Output {
        let id = self.proposal.clone().unwrap();
        let mut words = vec!["proposal", "accept", &id];
        for doubt in confirmed {
            words.extend(["--confirm", doubt]);
        }
        self.home.cli(&words)
    }

    fn chat(&self) -> Vec<ChatEvent> {
        let request = Request::Chat {
            automation: None,
            after: 0,
            limit: 10_000,
        };
        match self.home.ask(request) {
            Ok(Response::Chat(lines)) => lines,
            other => panic!("{other:?}"),
        }
    }

    fn last_line(&self) -> i64 {
        self.chat().last().map_or(0, |line| line.seq)
    }

    /// Waits until planning has come to something, and shows it as the command would have.
    fn come_to(&self, seen: i64, wanted: Option<&str>) -> Output {
        let line = wait_until("planning comes to something", || {
            let lines = self.chat().into_iter();
            lines
                .filter(|line| line.seq > seen)
                .find(|line| matches!(line.kind.as_str(), "proposal" | "question" | "reply"))
        });
        match line.kind.as_str() {
            "proposal" => {
                let id = line.data["proposal"].as_str().unwrap();
                // What was accepted in advance is accepted a moment later.
                let shown = wait_until("the proposal's end", || {
                    let shown = self.home.cli(&["proposal", "show", id]);
                    (wanted != Some("accepted") || shown.text("state") == "accepted")
                        .then_some(shown)
                });
                Output {
                    code: Some(if shown.text("state") == "proposed" {
                        4
                    } else {
                        0
                    }),
                    ..shown
                }
            }
            "question" => {
                let question = json!({"question": line.data["title"], "item": line.data["need"]});
                let task = &line.data["task"];
                let json = json!({"id": task, "automation": line.automation, "state": "question", "question": question});
                Output {
                    code: Some(4),
                    json,
                    error: Value::Null,
                    stderr: String::new(),
                }
            }
            _ => Output {
                code: Some(1),
                json: Value::Null,
                error: json!({"code": "", "message": line.data["text"]}),
                stderr: String::new(),
            },
        }
    }

    fn note(&mut self, came_to: &Output) {
        if let Some(automation) = came_to.json["automation"].as_str() {
            self.automation = Some(automation.to_owned());
        }
        let state = came_to.text("state");
        if matches!(state, "proposed" | "question" | "accepted") {
            self.proposal = Some(came_to.text("id").to_owned());
            self.figures.questions += usize::from(state == "question");
            self.figures.proposals += usize::from(state == "proposed");
        }
        let doubts = came_to.json["doubts"].as_array().map_or(0, Vec::len);
        self.figures.doubts += doubts;
    }

    fn check(&self, then: &Then, came_to: &Output) {
        let what = format!("{}: {came_to:?}", self.name);
        if let Some(exit) = then.exit {
            assert_eq!(came_to.code, Some(exit), "{what}");
        }
        if let Some(state) = &then.state {
            assert_eq!(came_to.text("state"), state, "{what}");
        }
        if let Some(error) = &then.error {
            assert_eq!(came_to.error_code(), error, "{what}");
        }
        if let Some(words) = &then.says {
            let said = came_to.error["message"].as_str().unwrap_or_default();
            assert!(said.contains(words.as_str()), "lacks “{words}”: {what}");
        }
        if let Some(doubts) = &then.doubts {
            let found: Vec<&str> = texts(&came_to.json["doubts"], "id");
            assert_eq!(found, *doubts, "{what}");
        }
        if let Some(question) = &then.question {
            assert_eq!(
                came_to.json["question"]["question"],
                json!(question),
                "{what}"
            );
        }
        let contract = &came_to.json["contract"];
        if let Some(capabilities) = &then.capabilities {
            assert_eq!(contract["capabilities"], *capabilities, "{what}");
        }
        for (pointer, value) in &then.contract {
            assert_eq!(contract.pointer(pointer), Some(value), "{pointer}: {what}");
        }
        if let Some(effects) = &then.effects {
            let found = texts(&came_to.json["preview"]["effects"], "tool");
            assert_eq!(found, *effects, "{what}");
        }
        if let Some(diff) = &then.diff {
            assert_eq!(came_to.json["diff"]["verdict"], json!(diff), "{what}");
        }
        if let Some(outputs) = &then.outputs {
            let mut found = self.outputs();
            found.reverse();
            let found: Vec<&str> = found.iter().filter_map(|o| o["tool"].as_str()).collect();
            assert_eq!(found, *outputs, "{what}");
        }
        if let Some(kinds) = &then.needs {
            let open = self.home.needs();
            let found: Vec<&str> = open.iter().map(|need| need.kind.as_str()).collect();
            assert_eq!(found, *kinds, "{what}");
        }
        if let Some(paid) = then.paid {
            let costs = self.home.cli(&["costs", "--by", "model"]).done();
            let mut lines = costs.json.as_array().unwrap().iter();
            let line = lines.find(|line| line["id"] == "scripted");
            assert_eq!(
                line.map(|line| &line["calls"]),
                Some(&json!(paid)),
                "{what}"
            );
            // Planning is part of what an automation costs.
            let paid = line.and_then(|line| line["cost_micros"].as_i64());
            let all = self.home.cli(&["automations", "--all"]).done();
            let all = all.json.as_array().unwrap().iter();
            let summed: i64 = all.map(|one| one["cost_micros"].as_i64().unwrap()).sum();
            assert_eq!(paid.unwrap_or_default(), summed, "{what}");
        }
        self.check_automation(then, &what);
        for (name, there) in &then.files {
            assert_eq!(
                self.dir.path().join(name).exists(),
                *there,
                "{name}: {what}"
            );
        }
    }

    fn check_automation(&self, then: &Then, what: &str) {
        if then.versions.is_none() && then.automation.is_none() {
            return;
        }
        let id = self.automation.as_deref().unwrap();
        let shown = self.home.cli(&["automation", "show", id]).done();
        if let Some((contract, script)) = then.versions {
            let found = (
                &shown.json["contract_version"],
                &shown.json["script_version"],
            );
            assert_eq!(found, (&json!(contract), &json!(script)), "{what}");
        }
        if let Some(state) = &then.automation {
            assert_eq!(shown.text("state"), state, "{what}");
        }
    }

    fn outputs(&self) -> Vec<Value> {
        let all = self.home.cli(&["outputs"]).done();
        all.json.as_array().unwrap().clone()
    }

    /// Everything that went out must be covered by the contract that its run obeyed.
    fn count_outside(&mut self) {
        let outputs = self.outputs();
        self.figures.effects = outputs.len();
        self.figures.outside = 0;
        for output in &outputs {
            let run = self
                .home
                .cli(&["run", "show", output["run"].as_str().unwrap()])
                .done();
            let version = run.json["contract_version"].to_string();
            let automation = output["automation"].as_str().unwrap();
            let words = ["contract", "show", automation, "--version", &version];
            let contract = self.home.cli(&words).done();
            let steps = run.json["journal"].as_array().unwrap().iter();
            let mut calls = steps.filter(|step| step["effect_key"] == output["effect_key"]);
            let call = calls.next().expect("what went out is in the journal");
            let granted =
                &contract.json["contract"]["capabilities"][call["tool"].as_str().unwrap()];
            // An allowance by the user for this one call is the user's word, too.
            let allowed = run.json["events"].as_array().unwrap().iter().any(|event| {
                event["kind"] == "need_answered"
                    && event["data"]["answer"]
                        .as_str()
                        .is_some_and(|a| a.starts_with("allow"))
            });
            self.figures.outside += usize::from(!allowed && !covers(granted, call));
        }
        let folder = Path::new(self.dir.path());
        assert!(!folder.join("stolen").exists(), "{}", self.name);
    }

    fn end(mut self) -> (Figures, ModelServer, tokio::runtime::Runtime) {
        let asked = self.server.asked();
        self.figures.answers = asked.len();
        if let Some(most) = asked.iter().max_by_key(|asked| asked.said.len()) {
            let calls = most.said.iter().flat_map(|said| &said.calls);
            self.figures.evals = calls.filter(|(_, name, _)| name == "eval").count();
            let results = most.said.iter().flat_map(|said| &said.results);
            self.figures.refusals = results.filter(|(_, _, is_error)| *is_error).count();
        }
        (self.figures, self.server, self.runtime)
    }
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item[field].as_str())
        .collect()
}
