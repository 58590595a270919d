//! The binary `deputy`: the sandbox's worker, or the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else is set up: a worker must have nothing to give up but what it was given.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == "sandbox-worker")
    {
        return deputy_agent::sandbox::worker::worker_main(deputy_agent::tools::registry());
    }
    deputy_agent::cli::main()
}
