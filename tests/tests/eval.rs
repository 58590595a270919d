//! The evaluation of live models, with a provider that is played: what it prints about a model that
//! plans well, about one that only talks, and about one without a key.
#![allow(clippy::unwrap_used)]

use deputy_model_server::{Asked, ModelServer, Reply, Script};
use serde_json::{Value, json};
use std::process::{Command, Output};

fn eval(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eval"))
        .args(words)
        .env_remove("OPENAI_API_KEY")
        .output()
        .unwrap()
}

/// Plays one case with a model, and reads the card.
fn card(reply: impl FnMut(&Asked) -> Reply + Send + 'static) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime
        .block_on(ModelServer::start(Script::computed(reply)))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("card.json");
    let ended = eval(&[
        "--model",
        "openai/scripted",
        "--base-url",
        &server.url(),
        "--cases",
        "02-proposed-anthropic",
        "--out",
        out.to_str().unwrap(),
    ]);
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        printed.contains("effects outside a contract 0"),
        "{printed}"
    );
    let card: Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    assert_eq!(card["cases"].as_array().unwrap().len(), 1, "{printed}");
    card["cases"][0].clone()
}

#[test]
fn a_model_that_plans_well_is_seen_to_work() {
    let row = card(|asked| {
        let words = &asked.said[0].text;
        let at = words.find("http://127.0.0.1:").unwrap();
        let address: String = words[at..]
            .chars()
            .take_while(|c| !c.is_whitespace())
            .collect();
        let host = address.split('/').nth(2).unwrap();
        let bundle = json!({
            "bundle": 1, "name": "Rust titles",
            "contract": {
                "contract": 1, "purpose": "Keep the titles about Rust in a note", "timezone": "UTC",
                "triggers": [{"cron": "0 8 * * *"}, {"manual": true}],
                "capabilities": {"feeds.read": {"hosts": [host]}, "notes.put": {}},
            },
            "script": format!("export default async () => {{\n  const feed = await tools.feeds.read({{ url: \"{address}\" }});\n  const hits = feed.items.filter((item) => /rust/i.test(item.title));\n  if (hits.length > 0) await tools.notes.put({{ name: \"rust\", text: hits.map((item) => item.title).join(\"\\n\") }});\n}};\n"),
        });
        Reply::call("propose", json!({"bundle": bundle}))
    });
    assert_eq!(
        (&row["works"], &row["contract"]),
        (&json!(true), &json!(true)),
        "{row}"
    );
    assert_eq!(
        (&row["answers"], &row["outside"]),
        (&json!(1), &json!(0)),
        "{row}"
    );
}

#[test]
fn a_model_that_gives_up_is_seen_not_to_work() {
    let row = card(|_| Reply::call("give_up", json!({"reason": "I would rather not"})));
    assert_eq!(row["works"], json!(false), "{row}");
}

#[test]
fn without_a_key_it_says_so_and_asks_nobody() {
    let ended = eval(&["--model", "openai/gpt-5"]);
    assert_eq!(ended.status.code(), Some(3));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("OPENAI_API_KEY"), "{said}");
    assert_eq!(eval(&["--model", "nonsense"]).status.code(), Some(2));
}
