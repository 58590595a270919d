//! Questions and answers over the wire, against a provider that checks every request.

#![allow(clippy::unwrap_used)]

mod answers;
mod failures;
mod loops;

use super::*;
use crate::clock::SystemClock;
use deputy_model_server::{ModelServer, Rules, Script};
use serde_json::Value;

/// Every wire format, with a model whose price is in the table.
const APIS: [(&str, &str); 3] = [
    ("anthropic", "claude-sonnet-4-5"),
    ("openai", "gpt-5-mini"),
    ("gemini", "gemini-2.5-flash"),
];

/// The key of every test; it must show up nowhere but at the provider.
const KEY: &str = "sk-very-secret-0123456789";

/// A store, a vault and the way to a model.
struct House {
    models: Models,
    store: Store,
    clock: SharedClock,
    home: tempfile::TempDir,
}

/// Asks again only where a test says so.
fn quick() -> Patience {
    Patience {
        first: Duration::from_secs(30),
        silence: Duration::from_secs(30),
        whole: Duration::from_secs(30),
        retries: Retries {
            max: 0,
            first_ms: 1,
            max_ms: 2,
        },
        longest_wait_ms: 3_000,
    }
}

fn again(times: u32) -> Patience {
    let mut patience = quick();
    patience.retries.max = times;
    patience
}

fn empty_house(clock: SharedClock, patience: Patience) -> House {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let models = Models::new(
        store.clone(),
        Arc::new(Vault::open(home.path(), &crate::connectors::Unlock::default()).unwrap()),
        Arc::new(Redactor::default()),
        Arc::clone(&clock),
        patience,
    )
    .unwrap();
    House {
        models,
        store,
        clock,
        home,
    }
}

async fn house_at(url: &str, api: (&str, &str), patience: Patience) -> House {
    let house = empty_house(Arc::new(SystemClock), patience);
    let settings = ModelSettings::parse(api.0, Some(url), api.1).unwrap();
    house.models.set(settings, Some(KEY)).await.unwrap();
    house
}

/// A provider with a script, and a house that is set up for it.
async fn scripted(
    api: (&str, &str),
    patience: Patience,
    script: impl Into<Script>,
) -> (ModelServer, House) {
    let rules = Rules {
        key: Some(KEY.to_owned()),
        model: Some(api.1.to_owned()),
        ..Rules::default()
    };
    let server = ModelServer::with_rules(rules, script).await.unwrap();
    let house = house_at(&server.url(), api, patience).await;
    (server, house)
}

fn plan() -> Charge {
    Charge {
        automation: None,
        run: None,
        task: None,
        purpose: Purpose::Plan,
    }
}

fn question(text: &str) -> Question {
    Question {
        system: "You help.".to_owned(),
        turns: vec![Turn::user(text)],
        max_tokens: 100,
        ..Question::default()
    }
}

fn weather() -> ToolSpec {
    ToolSpec {
        name: "weather".to_owned(),
        description: "What the weather is in a place.".to_owned(),
        input: json!({"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}),
    }
}

impl House {
    async fn ask(&self, question: Question) -> Result<Reply, ModelError> {
        let never = CancellationToken::new();
        self.models.ask(question, plan(), &never).await
    }

    /// What was paid: model, purpose, units, micro-USD.
    async fn paid(&self) -> Vec<(String, String, Value, i64)> {
        let read = self.store.read(|db| {
            let mut query =
                db.prepare("SELECT model, purpose, units, cost_micros FROM costs ORDER BY id")?;
            let rows = query.query_map([], |r| {
                let units: String = r.get(2)?;
                Ok((
                    r.get(0)?,
                    r.get(1)?,
                    serde_json::from_str(&units).unwrap(),
                    r.get(3)?,
                ))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        read.await.unwrap()
    }
}
