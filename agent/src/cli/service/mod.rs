//! `deputy service`: the agent at login, kept running by the platform's own service manager.
//!
//! `systemd.rs` and `launchd.rs` say what those two want; here is what they have in common. A service
//! that does not come up is taken away again: an agent that fails at each login helps nobody.

mod launchd;
mod systemd;

use super::{Exit, client, print, up};
use clap::{Args, Subcommand};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Request;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long the agent may take until it answers: its first start makes a database.
const PATIENCE: Duration = Duration::from_secs(30);

/// What of the shell's environment the service is given as well. Never the passphrase: it would stand
/// in a file.
const HANDED_ON: &[&str] = &["DEPUTY_HOME", "XDG_DATA_HOME", "DEPUTY_LOG"];

#[derive(Subcommand)]
pub(super) enum Service {
    /// Start the agent now and at each login, and again when it fails.
    Install(InstallArgs),
    /// Stop it, and start it at login no more. Its data stay.
    Uninstall,
    /// Whether it is installed, and whether it runs.
    Status,
}

#[derive(Args)]
pub(super) struct InstallArgs {
    /// As for `deputy up`: where local webhooks are taken.
    #[arg(long, value_name = "ADDR")]
    listen: Option<std::net::SocketAddr>,
    /// As for `deputy up`: a relay through which devices elsewhere reach this agent.
    #[arg(long, value_name = "RELAY")]
    relay: Vec<String>,
}

/// What the service manager is to start.
struct Job {
    program: PathBuf,
    /// Its arguments.
    words: Vec<String>,
    /// Names and values.
    environment: Vec<(String, String)>,
    /// Where the agent's data are.
    home: PathBuf,
}

/// A service manager of the platform.
trait Manager {
    /// The file that tells the manager of the job.
    fn file(&self) -> PathBuf;
    /// What is in the file. Fails for words that the file cannot hold.
    fn text(&self, job: &Job) -> Result<String, String>;
    /// Reads the file again, and starts the job now and at each login.
    fn start(&self) -> Result<(), String>;
    /// Stops the job, and starts it at login no more; the file may be gone after that.
    fn stop(&self) -> Result<(), String>;
    /// Learns that the file is gone.
    fn forget(&self) -> Result<(), String>;
    /// Whether the job is started at login, and whether it runs.
    fn state(&self) -> State;
    /// Where a person reads why it does not run.
    fn log(&self) -> String;
    /// What a person should know of a service of this manager.
    fn remark(&self) -> &'static str;
}

#[derive(Clone, Copy)]
struct State {
    enabled: bool,
    running: bool,
}

/// Does what is asked of the service.
pub(super) fn service(home: &Path, asked: Service, json: bool) -> Exit {
    let done = manager().and_then(|manager| {
        let manager = manager.as_ref();
        match asked {
            Service::Install(args) => install(manager, home, args),
            Service::Uninstall => uninstall(manager, home),
            Service::Status => Ok(status(manager)),
        }
    });
    match done {
        Ok((message, mut document)) => {
            document["id"] = "service".into();
            document["message"] = message.clone().into();
            let mut out = std::io::stdout();
            // A reader that went away has seen what it wanted.
            let _ = match json {
                true => writeln!(out, "{document}"),
                false => writeln!(out, "{message}"),
            };
            Exit::Done
        }
        Err(error) => {
            let exit = match error.code.as_str() {
                "usage" => Exit::Usage,
                _ => Exit::Failed,
            };
            print::error(&error, json, exit)
        }
    }
}

fn manager() -> Result<Box<dyn Manager>, ErrorBody> {
    if cfg!(target_os = "macos") {
        let user = std::env::home_dir().ok_or_else(none)?;
        return Ok(Box::new(launchd::Launchd::new(&user)));
    }
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(".config")))
        .ok_or_else(none)?;
    let systemd = systemd::Systemd::new(&config);
    systemd.is_there().map_err(|why| {
        let mut error = none();
        error.message += &format!(" ({why})");
        error
    })?;
    Ok(Box::new(systemd))
}

fn none() -> ErrorBody {
    ErrorBody::new(
        "no_service_manager",
        "this user has no service manager that Deputy knows (systemd or launchd); nothing was changed",
        "let whatever starts your programs run `deputy up --no-open`",
    )
}

type Said = (String, Value);

fn install(manager: &dyn Manager, home: &Path, args: InstallArgs) -> Result<Said, ErrorBody> {
    let job = job(home, args)?;
    let failed = |what: String, hint: &str| {
        ErrorBody::new(
            "service",
            format!("{what}; the service is not installed"),
            hint,
        )
    };
    let text = manager
        .text(&job)
        .map_err(|why| failed(why, "choose other words or paths"))?;
    if !manager.state().running && client::ask(home, Request::Status).is_ok() {
        return Err(ErrorBody::new(
            "already_running",
            format!(
                "an agent runs on {} already, and two cannot; nothing was changed",
                home.display()
            ),
            "stop it with `deputy stop`, then install the service",
        ));
    }
    let file = manager.file();
    let before = std::fs::read(&file).ok();
    let installed = write(&file, text.as_bytes())
        .map_err(|e| format!("{} cannot be written: {e}", file.display()))
        .and_then(|()| manager.start())
        .and_then(|()| answers(manager, home));
    if let Err(why) = installed {
        // Whatever was there before is put back; that it cannot be started either is told below.
        let _ = manager.stop();
        let again = match before {
            Some(before) => write(&file, &before).is_ok() && manager.start().is_ok(),
            None => {
                let _ = std::fs::remove_file(&file);
                let _ = manager.forget();
                false
            }
        };
        let what = match again {
            true => format!("{why}. The service that was there before goes on"),
            false => why,
        };
        let hint = format!(
            "{} says why; a vault with a passphrase cannot be opened by a service (`deputy vault protect` changes that)",
            manager.log()
        );
        return Err(failed(what, &hint));
    }
    let message = format!(
        "Deputy runs, and starts at each login. Its data: {}. {}",
        job.home.display(),
        manager.remark()
    );
    Ok((message, document(manager, manager.state())))
}

fn uninstall(manager: &dyn Manager, home: &Path) -> Result<Said, ErrorBody> {
    let file = manager.file();
    if !file.exists() {
        return Ok((
            "No service is installed.".into(),
            document(manager, manager.state()),
        ));
    }
    let failed = |why: String| {
        ErrorBody::new(
            "service",
            format!("the service was not taken away: {why}"),
            manager.log(),
        )
    };
    manager.stop().map_err(failed)?;
    std::fs::remove_file(&file)
        .map_err(|e| failed(format!("{} cannot be removed: {e}", file.display())))?;
    manager.forget().map_err(failed)?;
    let message = format!(
        "Deputy stopped, and starts at login no more. Its data stay in {}.",
        home.display()
    );
    Ok((message, document(manager, manager.state())))
}

fn status(manager: &dyn Manager) -> Said {
    let state = manager.state();
    let message = match (manager.file().exists(), state.running) {
        (false, _) => "No service is installed: `deputy service install` makes one.".to_owned(),
        (true, true) => "The service runs.".to_owned(),
        (true, false) => format!(
            "The service is installed but does not run. {} says why.",
            manager.log()
        ),
    };
    (message, document(manager, state))
}

fn document(manager: &dyn Manager, State { enabled, running }: State) -> Value {
    let file = manager.file();
    let installed = file.exists();
    json!({"installed": installed, "enabled": installed && enabled, "running": installed && running, "file": file})
}

fn job(home: &Path, args: InstallArgs) -> Result<Job, ErrorBody> {
    let unknown = |e: std::io::Error| {
        let message =
            format!("the binary cannot find itself or its data: {e}; nothing was changed");
        ErrorBody::new("service", message, "reinstall Deputy")
    };
    let program = std::env::current_exe().map_err(unknown)?;
    let home = std::path::absolute(home).map_err(unknown)?;
    let mut words = vec!["up".to_owned(), "--no-open".to_owned()];
    if let Some(listen) = args.listen {
        words.extend(["--listen".to_owned(), listen.to_string()]);
    }
    up::relays(&args.relay)?;
    for relay in args.relay {
        words.extend(["--relay".to_owned(), relay]);
    }
    let environment = (HANDED_ON.iter())
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .filter(|(_, value)| !value.is_empty())
        // The service starts in another directory than this one.
        .map(|(name, value)| match name.as_str() {
            "DEPUTY_HOME" => (name, home.display().to_string()),
            _ => (name, value),
        })
        .collect();
    Ok(Job {
        program,
        words,
        environment,
        home,
    })
}

/// Waits until the agent answers, or has ended again.
fn answers(manager: &dyn Manager, home: &Path) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    let mut ended = 0;
    while client::ask(home, Request::Status).is_err() {
        // A manager may need a moment before it says that it runs.
        ended = if manager.state().running {
            0
        } else {
            ended + 1
        };
        if ended > 10 {
            return Err("the agent was started, and ended again at once".to_owned());
        }
        if Instant::now() >= deadline {
            return Err("the agent was started, but does not answer".to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Writes a file whole or not at all.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.persist(file)?;
    Ok(())
}

/// Runs a program of the service manager; what it says on failure is the error.
fn run(program: &str, words: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(words)
        .output()
        .map_err(|e| format!("{program} cannot be run: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("`{program} {}` failed: {said}", words.join(" ")))
}
