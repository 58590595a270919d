//! The command line: each command builds a control request, sends it to the running agent and
//! prints the answer. `args.rs` is what can be typed, `requests.rs` what it asks for, `client.rs`
//! the local socket, `print.rs` what people see, `up.rs` the agent itself, `service` the same at
//! login, `pair.rs` and `remote.rs` devices elsewhere, `connect.rs` and `sign_in.rs` connections.

mod args;
mod client;
mod connect;
mod open;
mod pair;
mod print;
mod remote;
mod requests;
mod restore;
mod service;
mod sign_in;
mod up;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use deputy_protocol::{RunState, WaitingFor};
use std::io::Write;
use std::process::ExitCode;

/// What the binary exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotRunning = 3,
    NeedsPerson = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Runs a command and returns its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    let json = cli.json;
    match cli.command {
        None => {
            let _ = Cli::command().print_help();
            Exit::Usage.into()
        }
        Some(Command::Up(up)) => up::up(&up, json).into(),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "deputy", &mut std::io::stdout());
            Exit::Done.into()
        }
        Some(Command::Restore { file }) => {
            at_home(json, |home| restore::restore(home, &file, json)).into()
        }
        Some(Command::Contract(args::Contract::Schema)) => {
            let schema = serde_json::to_string_pretty(&crate::intent::schema()).unwrap_or_default();
            // A reader that went away has seen what it wanted.
            let _ = writeln!(std::io::stdout(), "{schema}");
            Exit::Done.into()
        }
        Some(Command::Service(asked)) => {
            at_home(json, |home| service::service(home, asked, json)).into()
        }
        Some(Command::Pair(args)) => at_home(json, |home| {
            let came = pair::converse(home, &args, json);
            exit_after(came, json, "deputy pair")
        })
        .into(),
        Some(Command::Connection(args::Connection::SignIn(args))) => at_home(json, |home| {
            let came = sign_in::sign_in(home, args, json);
            exit_after(came, json, "deputy connection sign-in NAME")
        })
        .into(),
        Some(Command::Remote(args)) => {
            // What stands behind the command is part of it, this flag too.
            let json = json || args.command.iter().any(|word| word == "--json");
            at_home(json, |home| remote::remote(home, args, json)).into()
        }
        Some(command) => run(command, json).into(),
    }
}

fn usage(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done;
    }
    if std::env::args().any(|arg| arg == "--json") {
        let text = error.render().to_string();
        let message = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        return print::error(
            &ErrorBody::new("usage", message, "`deputy help` shows what can be typed"),
            true,
            Exit::Usage,
        );
    }
    let _ = error.print();
    Exit::Usage
}

fn at_home(json: bool, act: impl FnOnce(&std::path::Path) -> Exit) -> Exit {
    match up::home() {
        Ok(home) => act(&home),
        Err(error) => print::error(&error, json, Exit::Failed),
    }
}

/// Prints an answer.
fn show(response: &Response, json: bool) -> Exit {
    let mut out = std::io::stdout().lock();
    let written = if json {
        print::json(&mut out, response)
    } else {
        print::human(&mut out, response)
    };
    // A reader that went away has seen what it wanted.
    let _ = written.and_then(|()| out.flush());
    exit_of(response)
}

fn run(command: Command, json: bool) -> Exit {
    let request = match requests::request(command) {
        Ok(request) => request,
        Err(error) => return print::error(&error, json, Exit::Usage),
    };
    let home = match up::home() {
        Ok(home) => home,
        Err(error) => return print::error(&error, json, Exit::Failed),
    };
    if matches!(request, deputy_protocol::control::Request::Follow { .. }) {
        return follow(&home, request, json);
    }
    let asked = client::ask(&home, request).and_then(|response| {
        let shown = show(&response, json);
        match &response {
            Response::Connection(connection)
                if sign_in::is_wanted(connection) && sign_in::is_person(json) =>
            {
                sign_in::to(&home, connection)
            }
            _ => Ok(shown),
        }
    });
    exit_after(asked, json, "`deputy status` says whether the agent runs")
}

/// What a conversation with the agent ends with, told where it failed. `again` is what to do when the
/// line broke.
fn exit_after(came: Result<Exit, client::AskError>, json: bool, again: &str) -> Exit {
    match came {
        Ok(exit) => exit,
        Err(client::AskError::NotRunning(home)) => {
            print::error(&client::not_running(&home), json, Exit::NotRunning)
        }
        Err(client::AskError::Refused(error)) => {
            let exit = match error.code.as_str() {
                "usage" => Exit::Usage,
                "doubts" | "question" => Exit::NeedsPerson,
                _ => Exit::Failed,
            };
            print::error(&error, json, exit)
        }
        Err(client::AskError::Broken(message)) => {
            let error = ErrorBody::new("connection_lost", message, again);
            print::error(&error, json, Exit::Failed)
        }
    }
}

fn follow(home: &std::path::Path, request: deputy_protocol::control::Request, json: bool) -> Exit {
    let result = client::follow(home, request, |event| {
        let mut out = std::io::stdout().lock();
        let written = if json {
            serde_json::to_writer(&mut out, &event)
                .map_err(std::io::Error::from)
                .and_then(|()| writeln!(out))
        } else {
            print::event(&mut out, &event)
        };
        written.and_then(|()| out.flush()).is_ok()
    });
    match result {
        Ok(()) => Exit::Done,
        Err(client::AskError::NotRunning(home)) => {
            print::error(&client::not_running(&home), json, Exit::NotRunning)
        }
        Err(client::AskError::Refused(error)) => print::error(&error, json, Exit::Failed),
        Err(client::AskError::Broken(_)) => Exit::Done,
    }
}

/// Done, failed, or done as far as it goes without a person.
fn exit_of(response: &Response) -> Exit {
    match response {
        Response::Proposal(proposal)
            if matches!(proposal.state.as_str(), "proposed" | "question") =>
        {
            Exit::NeedsPerson
        }
        Response::Run(run) => match run.state {
            RunState::Failed => Exit::Failed,
            RunState::Waiting
                if !matches!(run.waiting_for, Some(WaitingFor::Timer | WaitingFor::Retry)) =>
            {
                Exit::NeedsPerson
            }
            RunState::Queued
            | RunState::Running
            | RunState::Waiting
            | RunState::Succeeded
            | RunState::Cancelled => Exit::Done,
        },
        Response::Connection(connection) if sign_in::is_wanted(connection) => Exit::NeedsPerson,
        Response::Connection(connection) if connection.state != "ok" => Exit::Failed,
        Response::Findings(findings) if findings.iter().any(|f| f.level == "problem") => {
            Exit::Failed
        }
        Response::Replay(replay) if !replay.same => Exit::Failed,
        _ => Exit::Done,
    }
}
