//! The language that a script may use keeps the rules of ECMAScript, seen in the real worker.
//! Each file of `conformance/` is one area; its checks are named after the rule that they hold to.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "worker/mod.rs"]
mod worker;

use std::path::Path;
use worker::{echo, play, pool, start};

/// Rules that do not hold: area, name of the check, reason.
const KNOWN: &[(&str, &str, &str)] = &[];

const PRELUDE: &str = r#"
const checks = [];
const check = (name, run) => checks.push([name, run]);
const same = (a, b) => { if (!Object.is(a, b)) throw new Error(`${String(a)} is not ${String(b)}`); };
const deep = (a, b) => same(JSON.stringify(a), JSON.stringify(b));
const throws = (type, run) => {
  let error;
  try { run(); } catch (e) { error = e; }
  if (!(error instanceof type)) throw new Error(`no ${type.name} but ${String(error)}`);
};
"#;

const MAIN: &str = r"
export default async function main() {
  let passed = 0;
  const failed = [], why = [];
  for (const [name, run] of checks) {
    try { await run(); passed += 1; } catch (e) { failed.push(name); why.push(String(e)); }
  }
  return { passed, failed, why };
}
";

#[tokio::test]
async fn scripts_find_the_language_that_the_standard_describes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let pool = pool();
    let mut total = 0;
    for file in &files {
        let area = file.file_stem().unwrap().to_str().unwrap();
        let checks = std::fs::read_to_string(file).unwrap();
        let written = checks.matches("\ncheck(").count();
        let mut script = start(&format!("{PRELUDE}\n{checks}\n{MAIN}"));
        script.limits.cpu_ms = 5_000;
        let result = play(&pool, script, echo).await.result();
        let failed: Vec<&str> = result["failed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        let known: Vec<&str> = KNOWN
            .iter()
            .filter(|(of, ..)| *of == area)
            .map(|(_, name, _)| *name)
            .collect();
        assert_eq!(failed, known, "{area}: {}", result["why"]);
        let passed = usize::try_from(result["passed"].as_u64().unwrap()).unwrap();
        assert!(written > 0, "{area} has no checks");
        assert_eq!(
            passed + failed.len(),
            written,
            "{area} ran other checks than it has"
        );
        total += written;
    }
    println!(
        "{} areas, {total} checks, {} known deviations",
        files.len(),
        KNOWN.len()
    );
    for (area, name, reason) in KNOWN {
        println!("known: {area}: {name}: {reason}");
    }
}
