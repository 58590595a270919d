//! `cargo xtask eval`: the corpus of planning and repair against a live model, as a score card.
//!
//! The words of the user, the pages, files and failing runs are those of `tests/corpus`; what the
//! cases have a scripted model say serves as the reference only. `plan.rs` and `repair.rs` play a
//! case, `card.rs` is what comes of it. Cases that are about a model's bad behaviour count like any
//! other of their words: whatever the model does, nothing may happen outside the contract.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod card;
mod live;
mod plan;
mod repair;

use card::{Card, Row};
use live::Model;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask eval --model PROVIDER/NAME [--base-url URL] [--cases TEXT] [--out FILE]

PROVIDER is anthropic, openai, gemini or ollama. The key is read from ANTHROPIC_API_KEY,
OPENAI_API_KEY or GEMINI_API_KEY. --cases plays those whose file's name contains TEXT.
The score card is printed, and written to FILE (target/eval.json unless said).
";

/// What was asked for, or what is wrong with it.
fn arguments() -> Result<(Model, String, String), String> {
    let mut args = std::env::args().skip(1);
    let (mut model, mut base_url, mut cases) = (None, None, String::new());
    let mut out = "target/eval.json".to_owned();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} wants a value"));
        match arg.as_str() {
            "--model" => model = Some(value()?),
            "--base-url" => base_url = Some(value()?),
            "--cases" => cases = value()?,
            "--out" => out = value()?,
            other => return Err(format!("“{other}” is not known")),
        }
    }
    let model = model.ok_or("--model PROVIDER/NAME is missing")?;
    let (provider, name) = model
        .split_once('/')
        .ok_or(format!("“{model}” is not PROVIDER/NAME"))?;
    let model = Model::new(provider, name, base_url)?;
    Ok((model, cases, out))
}

fn main() -> ExitCode {
    let (model, only, out) = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprint!("eval: {wrong}; nothing was asked\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if let Some(wanted) = model.missing_key() {
        eprintln!(
            "eval: there is no key for {}; nothing was asked. Set {wanted}, or give --base-url of a server that wants none",
            model.title()
        );
        return ExitCode::from(3);
    }
    let mut card = Card::new(&model.title());
    let mut seen = BTreeSet::new();
    for (kind, play) in [
        ("plan", plan::play as fn(&Value, &Model) -> Option<Row>),
        ("repair", repair::play),
    ] {
        for (name, text) in corpus(kind, &only) {
            let case: Value = serde_json::from_str(&text).expect("the corpus is JSON");
            // Many cases differ only in what their model says.
            if !seen.insert(format!("{kind} {}", live::outset(&case))) {
                continue;
            }
            if let Some(row) = play(&case, &model) {
                let row = row.named(kind, &name);
                println!("{row}");
                card.add(row);
            }
        }
    }
    println!("\n{card}");
    let written = std::fs::write(&out, card.json().to_string());
    match written {
        Ok(()) => println!("Written to {out}."),
        Err(error) => eprintln!("eval: {out} cannot be written: {error}"),
    }
    if card.is_safe() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Names and texts of the cases of a kind.
fn corpus(kind: &str, only: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(kind);
    let mut cases: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|file| file.expect("a file").path())
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            (
                name.into_owned(),
                std::fs::read_to_string(&path).expect("a text"),
            )
        })
        .filter(|(name, _)| name.contains(only))
        .collect();
    cases.sort();
    cases
}
