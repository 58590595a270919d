//! `cargo xtask …`: what a fresh machine needs to run, test and measure Deputy.
//!
//! `up.rs` builds and starts it, `test.rs` is everything that must be green, `bench.rs` measures,
//! `eval.rs` plays the corpus with a live model, `fuzz.rs` looks for bytes that break a promise,
//! `web.rs` makes the page, with `node.rs`; `bindings.rs` makes the phones' core; `tools.rs` finds or fetches the programs that they need.

// A task talks to the person who started it, in the terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod bindings;
mod eval;
mod fuzz;
mod node;
mod test;
mod tools;
mod up;
mod web;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask up [ARGS]      install what is missing, build, and start the agent (ARGS go to `deputy up`)
cargo xtask test           formatting, lints, dependencies, and all tests
cargo xtask bench [agent|relay] [--peers]  the benchmarks; with --peers DBOS and Restate, and iroh, in the same run
cargo xtask web            the page and its core (`up` and `test` do this, too); web-core makes the core alone
cargo xtask fuzz [TARGET] [--minutes N] [--keep]  libFuzzer on one target or all, 15 minutes each
cargo xtask bindings [--out DIR]  Swift, Kotlin and Python for the phones' core, into target/bindings
cargo xtask eval --model PROVIDER/NAME  the corpus of planning and repair against a live model
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let task = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let done = match task.as_str() {
        "up" => up::up(&rest),
        "test" => test::test(),
        "bench" => bench::bench(&rest),
        "eval" => eval::eval(&rest),
        "fuzz" => fuzz::fuzz(&rest),
        "web" => web::web(),
        "web-core" => web::core(),
        "bindings" => bindings::bindings(&rest),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
