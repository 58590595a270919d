//! `cargo xtask up`: from a checkout to a running agent.

use crate::tools::{Done, cargo, compiler, root, run};
use std::process::Command;

/// Builds the agent and starts it in the foreground.
pub(crate) fn up(args: &[String]) -> Done {
    compiler()?;
    if let Err(error) = crate::web::web() {
        println!(
            "\nThe page cannot be built here, so the agent comes without it: {error}\n\
             The command line has everything that it has.\n"
        );
    }
    run(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "deputy-agent",
        "--bin",
        "deputy",
    ]))?;
    let deputy = root().join("target/release/deputy");
    println!(
        "\nThe command is {}; put it on your PATH to call it `deputy`.\n",
        deputy.display()
    );
    run(Command::new(deputy).arg("up").args(args))
}
