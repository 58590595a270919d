//! `cargo xtask bench`: figures, beside the floors and peers of the same machine.

use crate::tools::{Done, cargo, compiler, find, root, run};
use std::process::Command;

/// Runs the benchmarks; with `--peers` also DBOS and Restate, installed into `target/`.
pub(crate) fn bench(args: &[String]) -> Done {
    compiler()?;
    for bench in ["runs", "idle"] {
        run(cargo(&["bench", "--package", "deputy-agent", "--bench"]).arg(bench))?;
    }
    if args.iter().any(|arg| arg == "--peers") {
        let python = find("python3").ok_or("python3 is missing; the peers need it")?;
        run(Command::new(python).arg(root().join("tests/peers/compare.py")))?;
    }
    Ok(())
}
