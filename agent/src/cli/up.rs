//! `deputy up`: the agent in the foreground.

use super::args::UpArgs;
use super::{Exit, print};
use crate::clock::SystemClock;
use crate::connectors::{Keyring, Unlock};
use crate::remote::{Door, RelayChoice};
use crate::sandbox::PoolConfig;
use crate::{Agent, AgentConfig};
use deputy_protocol::ErrorBody;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The data directory: `DEPUTY_HOME`, else the platform's place.
pub(super) fn home() -> Result<PathBuf, ErrorBody> {
    if let Some(home) = std::env::var_os("DEPUTY_HOME").filter(|home| !home.is_empty()) {
        return Ok(PathBuf::from(home));
    }
    let unknown = || {
        ErrorBody::new(
            "no_home",
            "there is no home directory to keep data in",
            "set DEPUTY_HOME",
        )
    };
    if cfg!(target_os = "macos") {
        let user = std::env::home_dir().ok_or_else(unknown)?;
        return Ok(user.join("Library/Application Support/deputy"));
    }
    match std::env::var_os("XDG_DATA_HOME").filter(|dir| Path::new(dir).is_absolute()) {
        Some(data) => Ok(PathBuf::from(data).join("deputy")),
        None => Ok(std::env::home_dir()
            .ok_or_else(unknown)?
            .join(".local/share/deputy")),
    }
}

/// The relays that were typed.
pub(super) fn relays(typed: &[String]) -> Result<Vec<RelayChoice>, ErrorBody> {
    let relays: Result<_, String> = typed.iter().map(|relay| relay.parse()).collect();
    relays.map_err(|wrong| ErrorBody::new("usage", wrong, "--relay relay.example.org"))
}

/// Runs the agent until it is told to stop.
pub(super) fn up(args: &UpArgs, json: bool) -> Exit {
    let relays = match relays(&args.relay) {
        Ok(relays) => relays,
        Err(error) => return print::error(&error, json, Exit::Usage),
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("DEPUTY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // The client crate logs what providers answer, past the redactor.
    let filter = match "genai=off".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One is enough for what only waits, and a second one costs a wake-up for each step.
        .worker_threads(1)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(args, relays, json)),
        Err(error) => {
            let error = ErrorBody::new("runtime", format!("the agent cannot start: {error}"), "");
            print::error(&error, json, Exit::Failed)
        }
    }
}

async fn serve(args: &UpArgs, relays: Vec<RelayChoice>, json: bool) -> Exit {
    let home = match home() {
        Ok(home) => home,
        Err(error) => return print::error(&error, json, Exit::Failed),
    };
    let exe = match std::env::current_exe() {
        Ok(exe) => exe,
        Err(error) => {
            let error = ErrorBody::new(
                "sandbox",
                format!("the binary cannot find itself: {error}"),
                "reinstall Deputy",
            );
            return print::error(&error, json, Exit::Failed);
        }
    };
    let config = AgentConfig {
        home: home.clone(),
        pool: PoolConfig::new(exe),
        clock: Arc::new(SystemClock),
        unlock: unlock(),
    };
    let agent = match Agent::start(config).await {
        Ok(agent) => agent,
        Err(error) => return print::error(&start_error(&error), json, Exit::Failed),
    };
    let Listening {
        webhooks,
        socket,
        signals,
    } = match Listening::open(&agent, args.listen, &home).await {
        Ok(listening) => listening,
        Err(error) => {
            agent.stop().await;
            return print::error(&error, json, Exit::Failed);
        }
    };
    let door: Arc<dyn Door> = Arc::new(agent.control.clone());
    agent.control.remote.link(relays, &door);
    let server = tokio::spawn(crate::control::serve(
        agent.control.clone(),
        socket,
        home.clone(),
    ));
    // Whoever reads "running" may ask or stop the agent at once.
    greet(&home, webhooks, json);
    if let Some(at) = webhooks.filter(|at| at.ip().is_loopback())
        && !json
        && !args.no_open
    {
        let opened = super::open::open(&agent.control.remote, &home, at).await;
        let _ = match opened {
            true => writeln!(io::stdout(), "The page opens in your browser: http://{at}"),
            false => writeln!(
                io::stdout(),
                "The page: http://{at} (`deputy pair` lets a browser in)"
            ),
        };
    }
    tokio::select! {
        () = signalled(signals) => {},
        () = agent.stopping() => {},
    }
    if !json {
        let _ = writeln!(
            io::stdout(),
            "\nStopping: runs under way go on at the next start."
        );
    }
    agent.stop().await;
    match server.await {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

/// What hears others on this machine: all of it is open before it says that it runs.
struct Listening {
    webhooks: Option<SocketAddr>,
    socket: UnixListener,
    signals: [Signal; 2],
}

impl Listening {
    async fn open(
        agent: &Agent,
        listen: Option<SocketAddr>,
        home: &Path,
    ) -> Result<Self, ErrorBody> {
        let failed = |code: &str, what: &str, error: io::Error, hint: &str| {
            let message = format!(
                "{what}: {error}; the agent stopped again, and runs under way go on at the next start"
            );
            ErrorBody::new(code, message, hint)
        };
        Ok(Self {
            webhooks: crate::web::start(agent.control.clone(), listen)
                .await
                .map_err(|error| {
                    let hint = "choose another address with --listen, or leave it out";
                    failed("listen", "the agent cannot listen there", error, hint)
                })?,
            socket: crate::control::bind(home).map_err(|error| {
                let hint = "is the data directory's path too long, or read-only?";
                failed("socket", "the local socket cannot be opened", error, hint)
            })?,
            signals: signals().map_err(|error| {
                let hint = "start it again";
                failed("signals", "the agent cannot be told to stop", error, hint)
            })?,
        })
    }
}

/// What opens the vault: `DEPUTY_PASSPHRASE`, a prompt, or the keyring. A data directory of its own
/// (`DEPUTY_HOME`) is not put under the user's keyring unless `deputy vault protect` says so.
fn unlock() -> Unlock {
    let ask = || rpassword::prompt_password("The vault's passphrase: ");
    Unlock {
        passphrase: std::env::var("DEPUTY_PASSPHRASE")
            .ok()
            .filter(|passphrase| !passphrase.is_empty())
            .map(zeroize::Zeroizing::new),
        ask: io::stdin().is_terminal().then_some(ask),
        keyring: Keyring::of_platform(),
        new_in_keyring: std::env::var_os("DEPUTY_HOME").is_none(),
    }
}

fn start_error(error: &crate::AgentError) -> ErrorBody {
    use crate::AgentError;
    use crate::store::StoreError;
    let (code, hint) = match error {
        AgentError::Store(StoreError::Locked { .. }) => (
            "already_running",
            "use that one, or stop it with `deputy stop`; another data directory is chosen by DEPUTY_HOME",
        ),
        AgentError::Store(StoreError::Newer { .. }) => (
            "newer_data",
            "update Deputy, or restore a backup made by this version",
        ),
        AgentError::Store(StoreError::ReadOnly(_)) => (
            "read_only",
            "make the data directory writable for this user",
        ),
        AgentError::Store(StoreError::Full) => {
            ("disk_full", "make room on the disk of the data directory")
        }
        AgentError::Store(_) => (
            "store",
            "restore a backup with `deputy restore FILE`, or choose another DEPUTY_HOME",
        ),
        AgentError::Model(_) => ("model", "reinstall Deputy; no data was touched"),
        AgentError::Vault(_) => ("vault", "the message says what to do; no secret was lost"),
    };
    ErrorBody::new(code, format!("the agent did not start: {error}"), hint)
}

fn greet(home: &Path, listens: Option<SocketAddr>, json: bool) {
    let mut out = io::stdout();
    // Without a reader there is nobody to greet.
    let _ = if json {
        writeln!(
            out,
            "{}",
            serde_json::json!({"id": "agent", "state": "running", "home": home, "pid": std::process::id(),
                "listen": listens.map(|at| format!("http://{at}"))})
        )
    } else {
        writeln!(
            out,
            "Deputy {} is at work. Its data: {}\n\n\
             In another terminal, say what should happen:\n\n  \
             deputy delegate \"tell me when the feed at https://blog.rust-lang.org/feed.xml mentions async, every hour\"\n  \
             deputy delegate \"remind me every weekday at 9 to stand up\"\n\n\
             deputy needs shows what needs you, deputy chat what happened. {}",
            env!("CARGO_PKG_VERSION"),
            home.display(),
            if io::stdin().is_terminal() {
                "Ctrl-C stops the agent."
            } else {
                ""
            },
        )
    };
    let _ = out.flush();
}

/// From here on the two signals that stop the agent wait for [`signalled`] and kill nothing. Until
/// then Ctrl-C ends a start that waits for a passphrase.
fn signals() -> io::Result<[Signal; 2]> {
    Ok([
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ])
}

async fn signalled([mut terminate, mut interrupt]: [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {},
        _ = interrupt.recv() => {},
    }
}
