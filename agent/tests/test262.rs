//! The standard's own tests (test262), as many as are stored in `test262/`, each in a fresh run of
//! the real worker. `DEPUTY_TEST262=FOLDER` runs those of another folder made by `select.py`.
//!
//! A script is a module, so its code is strict and its declarations are its own; tests that need
//! anything else are not in the selection. What does not hold is listed with its reason in
//! `deviations.txt`; a test that is listed and holds fails here, so that the list stays true.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "worker/mod.rs"]
mod worker;

use deputy_agent::sandbox::{Pool, PoolConfig};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;
use worker::{Finale, echo, exe, play, start};

/// How many run at a time: more than there are cores here only wait.
const AT_ONCE: usize = 4;

/// What a test says about itself.
#[derive(Debug, Default, PartialEq)]
struct Head {
    includes: Vec<String>,
    is_async: bool,
    /// The name of the error that it must end with, and whether that is found while parsing.
    negative: Option<(String, bool)>,
}

/// Reads the comment at the top: of its YAML only what these tests use.
fn head(text: &str) -> Head {
    let head = text
        .split_once("/*---")
        .and_then(|(_, rest)| rest.split_once("---*/"))
        .map_or("", |(head, _)| head);
    let list = |name: &str| -> Vec<String> {
        head.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('['))
            .map(|list| list.trim_end_matches(']').split(','))
            .into_iter()
            .flatten()
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let field = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim().to_owned())
    };
    let negative = head.contains("\nnegative:").then(|| {
        let early = field("  phase:").is_some_and(|phase| phase != "runtime");
        (field("  type:").unwrap_or_default(), early)
    });
    Head {
        includes: list("includes:"),
        is_async: list("flags:").iter().any(|flag| flag == "async"),
        negative,
    }
}

/// The script that a test becomes: the harness, the test, and a handler that waits for its end.
fn script(harness: &BTreeMap<String, String>, head: &Head, test: &str) -> String {
    let mut script = String::new();
    let always = ["assert.js", "sta.js"].map(str::to_owned);
    for name in always.iter().chain(&head.includes) {
        script += &harness[name];
    }
    if head.is_async {
        script += "let $DONE; const $ended = new Promise((resolve, reject) => { $DONE = (error) => error === undefined ? resolve() : reject(error); });\n";
        script += test;
        script += "\nexport default () => $ended;\n";
    } else {
        script += test;
        script += "\nexport default () => {};\n";
    }
    script
}

/// Why a test does not hold; `None` when it does.
async fn trial(pool: &Pool, script: String, head: &Head) -> Option<String> {
    let mut start = start(&script);
    start.limits.cpu_ms = 10_000;
    let end = play(pool, start, echo).await.finale;
    match (&head.negative, end) {
        (None, Finale::Done(_)) => None,
        (None, Finale::Failed(failure)) => Some(format!("{}: {}", failure.code, failure.message)),
        (Some((_, true)), Finale::Failed(failure)) if failure.code == "syntax" => None,
        (Some((error, false)), Finale::Failed(failure))
            // Test262Error is no `Error`: it is told by its only field.
            if failure.message.starts_with(error.as_str())
                || error == "Test262Error" && failure.message.starts_with("{\"message\":") =>
        {
            None
        }
        (Some((error, _)), Finale::Failed(failure)) => {
            Some(format!("{} instead of {error}", failure.message))
        }
        (Some((error, _)), Finale::Done(_)) => Some(format!("no {error}")),
        (_, Finale::Died(died)) => Some(died.to_string()),
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Path and reason of each deviation; a path that ends in `/` stands for all below it.
fn deviations(folder: &Path) -> Vec<(String, String)> {
    std::fs::read_to_string(folder.join("deviations.txt"))
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (path, reason) = line.split_once(' ').unwrap();
            (path.to_owned(), reason.trim().to_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_hold_to_the_standards_own_tests() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/test262");
    let folder = std::env::var_os("DEPUTY_TEST262").map_or_else(|| own.clone(), PathBuf::from);
    let mut tests = Vec::new();
    files(&folder.join("test"), &mut tests);
    tests.sort();
    let mut helpers = Vec::new();
    files(&folder.join("harness"), &mut helpers);
    let harness: Arc<BTreeMap<String, String>> = Arc::new(
        helpers
            .iter()
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect(),
    );
    let pool = Pool::new(PoolConfig {
        max_workers: AT_ONCE,
        ..PoolConfig::new(exe())
    });
    let (mut under_way, mut failed) = (JoinSet::new(), BTreeMap::new());
    let mut names = BTreeSet::new();
    for path in tests {
        let name = path.strip_prefix(folder.join("test")).unwrap();
        let name = name.to_str().unwrap().to_owned();
        names.insert(name.clone());
        let (pool, harness) = (pool.clone(), Arc::clone(&harness));
        if under_way.len() == 2 * AT_ONCE {
            let (name, why): (String, Option<String>) =
                under_way.join_next().await.unwrap().unwrap();
            failed.extend(why.map(|why| (name, why)));
        }
        under_way.spawn(async move {
            let test = std::fs::read_to_string(path).unwrap();
            let head = head(&test);
            let why = trial(&pool, script(&harness, &head, &test), &head).await;
            (name, why)
        });
    }
    while let Some(ended) = under_way.join_next().await {
        let (name, why) = ended.unwrap();
        failed.extend(why.map(|why| (name, why)));
    }
    assert!(!names.is_empty());

    let deviations = deviations(&own);
    let listed = |name: &str| {
        deviations
            .iter()
            .any(|(path, _)| name == path || path.ends_with('/') && name.starts_with(path))
    };
    let unexpected: Vec<String> = failed
        .iter()
        .filter(|(name, _)| !listed(name))
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    let idle: Vec<&str> = deviations
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| {
            !failed
                .keys()
                .any(|name| name == path || path.ends_with('/') && name.starts_with(path))
        })
        .collect();
    println!(
        "test262: {} run, {} hold, {} deviate",
        names.len(),
        names.len() - failed.len(),
        failed.len()
    );
    assert!(
        unexpected.is_empty(),
        "{} do not hold:\n{}",
        unexpected.len(),
        unexpected.join("\n")
    );
    assert!(idle.is_empty(), "these are listed and hold: {idle:?}");
}

#[test]
fn the_head_of_a_test_is_read() {
    let text = "/*---\nflags: [async]\nincludes: [a.js, b.js]\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/\n";
    assert_eq!(
        head(text),
        Head {
            includes: vec!["a.js".to_owned(), "b.js".to_owned()],
            is_async: true,
            negative: Some(("SyntaxError".to_owned(), true)),
        }
    );
    assert_eq!(head("1;"), Head::default());
}
