//! `cargo xtask eval`: the corpus against a live model.

use crate::tools::{Done, cargo, compiler, run};

/// Builds the agent, and plays the corpus with it.
pub(crate) fn eval(args: &[String]) -> Done {
    compiler()?;
    run(&mut cargo(&[
        "build",
        "--package",
        "deputy-agent",
        "--bin",
        "deputy",
    ]))?;
    run(cargo(&[
        "run",
        "--quiet",
        "--package",
        "deputy-tests",
        "--bin",
        "eval",
        "--",
    ])
    .args(args))
}
