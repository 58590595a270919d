//! The live model, and the house that a case is played in.

use deputy_protocol::control::Request;
use deputy_tests::{Agent, Home, HttpServer, Page};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The model that is looked at.
pub(crate) struct Model {
    provider: String,
    name: String,
    base_url: Option<String>,
    key: Option<String>,
}

impl Model {
    pub(crate) fn new(
        provider: &str,
        name: &str,
        base_url: Option<String>,
    ) -> Result<Self, String> {
        let known = ["anthropic", "openai", "gemini", "ollama"];
        if !known.contains(&provider) || name.is_empty() {
            return Err(format!(
                "“{provider}/{name}” is not a model of {}",
                known.join(", ")
            ));
        }
        let variable = variable(provider);
        Ok(Self {
            provider: provider.to_owned(),
            name: name.to_owned(),
            base_url,
            key: variable.and_then(|name| std::env::var(name).ok()),
        })
    }

    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.provider, self.name)
    }

    /// The variable that its key is missing in.
    pub(crate) fn missing_key(&self) -> Option<&'static str> {
        let wanted = variable(&self.provider)?;
        (self.key.is_none() && self.base_url.is_none()).then_some(wanted)
    }

    /// Sets it up.
    pub(crate) fn set(&self, home: &Home) {
        let mut words = vec![
            "model",
            "set",
            "--provider",
            &self.provider,
            "--model",
            &self.name,
        ];
        if let Some(url) = &self.base_url {
            words.extend(["--base-url", url]);
        }
        match &self.key {
            Some(key) => {
                words.push("--key-stdin");
                home.cli_with_input(&words, key).done();
            }
            None => {
                home.cli(&words).done();
            }
        }
    }
}

fn variable(provider: &str) -> Option<&'static str> {
    match provider {
        "anthropic" => Some("ANTHROPIC_API_KEY"),
        "openai" => Some("OPENAI_API_KEY"),
        "gemini" => Some("GEMINI_API_KEY"),
        _ => None,
    }
}

/// A case without what its model says and what must come of it.
pub(crate) fn outset(case: &Value) -> String {
    let mut case = case.clone();
    for name in ["name", "provider", "settings"] {
        case.as_object_mut().map(|case| case.remove(name));
    }
    for step in case["steps"].as_array_mut().into_iter().flatten() {
        for name in ["model", "then"] {
            step.as_object_mut().map(|step| step.remove(name));
        }
    }
    case.to_string()
}

/// An agent of its own, and the two web servers that cases speak of.
pub(crate) struct House {
    pub(crate) home: Home,
    pub(crate) web: HttpServer,
    pub(crate) other: HttpServer,
    pub(crate) dir: tempfile::TempDir,
    _agent: Agent,
    began: Instant,
}

impl House {
    pub(crate) fn open() -> Self {
        let home = Home::new();
        Self {
            _agent: home.start(),
            home,
            web: HttpServer::new(),
            other: HttpServer::new(),
            dir: tempfile::tempdir().expect("a folder"),
            began: Instant::now(),
        }
    }

    /// A case with its places filled in.
    pub(crate) fn filled(&self, case: &Value) -> Value {
        let dir = self.dir.path().canonicalize().expect("a folder");
        let mut text = case.to_string();
        for (place, value) in [
            ("{{http}}", format!("http://{}", self.web.host())),
            ("{{host}}", self.web.host()),
            ("{{other}}", format!("http://{}", self.other.host())),
            ("{{other_host}}", self.other.host()),
            ("{{dir}}", dir.display().to_string()),
        ] {
            text = text.replace(place, &value);
        }
        serde_json::from_str(&text).expect("places are plain text")
    }

    /// Serves pages: text, or the kinds that cases of planning have.
    pub(crate) fn serve(&self, pages: &Value) {
        for (path, page) in pages.as_object().into_iter().flatten() {
            let of = |kind: &str| page[kind].as_str();
            let page = if let Some(text) = page.as_str() {
                Page::new("application/json", text)
            } else if let Some(body) = of("html") {
                Page::html(body)
            } else if let Some(text) = of("text") {
                Page::new("text/plain; charset=utf-8", text)
            } else if let Some(items) = page["feed"].as_array() {
                let item = |item: &Value, at: usize| item[at].as_str().unwrap_or("").to_owned();
                let items: Vec<(String, String)> =
                    items.iter().map(|i| (item(i, 0), item(i, 1))).collect();
                let items: Vec<(&str, &str)> = items
                    .iter()
                    .map(|(id, title)| (id.as_str(), title.as_str()))
                    .collect();
                Page::feed(&items)
            } else {
                Page {
                    status: 500,
                    ..Page::new("text/plain", "no")
                }
            };
            self.web.put(path, page);
        }
    }

    pub(crate) fn put_files(&self, files: &Value) {
        for (name, content) in files.as_object().into_iter().flatten() {
            let path = self.dir.path().join(name);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).expect("a folder");
            }
            std::fs::write(path, content.as_str().unwrap_or_default()).expect("a file");
        }
    }

    pub(crate) fn connect_mail(&self, mail: &Value) {
        for (name, from) in mail.as_object().into_iter().flatten() {
            // Nothing listens there.
            let config =
                json!({"smtp_host": "127.0.0.1", "smtp_port": 1, "tls": "none", "from": from});
            let request = Request::Connect {
                kind: "mail".to_owned(),
                name: name.clone(),
                config,
                secret: None,
            };
            self.home.ask(request).expect("a connection");
        }
    }

    /// Answers of the model and what they cost.
    pub(crate) fn paid(&self) -> (u64, i64) {
        let costs = self.home.cli(&["costs", "--by", "model"]);
        let lines = costs.json.as_array().cloned().unwrap_or_default();
        lines.iter().fold((0, 0), |(calls, micros), line| {
            (
                calls + line["calls"].as_u64().unwrap_or(0),
                micros + line["cost_micros"].as_i64().unwrap_or(0),
            )
        })
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Looks until something is so, for as long as planning may take.
    pub(crate) fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let end = Instant::now() + Duration::from_secs(900);
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if Instant::now() > end {
                return None;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}
