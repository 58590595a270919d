//! `deputy-relay`: reads its arguments, starts the relay, and obeys signals.

mod arguments;

use arguments::{Arguments, LogFormat};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser;
use deputy_relay::{CertificateSource, Relay, RelayError};
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(&arguments);
    raise_file_limit();
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| RelayError::Config(format!("cannot start: {error}")))
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), RelayError> {
    let config = arguments.into_config()?;
    let own = matches!(config.certificate, CertificateSource::SelfSigned);
    let signals = |kind| {
        signal(kind).map_err(|error| RelayError::Config(format!("cannot take signals: {error}")))
    };
    let mut hang_up = signals(SignalKind::hangup())?;
    let mut terminate = signals(SignalKind::terminate())?;
    let mut interrupt = signals(SignalKind::interrupt())?;

    let relay = Relay::start(config)?;
    tracing::info!(listen = %relay.address(), admin = ?relay.admin_address(), "ready");
    if own {
        tracing::info!(
            sha256 = URL_SAFE_NO_PAD.encode(relay.certificate_hash()),
            "certificate of its own"
        );
    }
    if let Some(sha256) = relay.page_hash() {
        tracing::info!(sha256, "serves the page");
    }
    loop {
        tokio::select! {
            // The outcome is in the log.
            _ = hang_up.recv() => drop(relay.reload_certificate()),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    tracing::info!("stopping gently; a second signal stops at once");
    tokio::select! {
        () = relay.drain() => {}
        () = either(&mut terminate, &mut interrupt) => {}
    }
    tracing::info!("stopped");
    Ok(())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn start_log(arguments: &Arguments) {
    // Only the relay's own words: libraries may name addresses in theirs.
    let filter =
        EnvFilter::try_new(&arguments.log).unwrap_or_else(|_| EnvFilter::new("deputy_relay=info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    match arguments.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Each WebSocket is a file; the usual soft limit is 1,024.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With less, fewer connections fit; that is no reason not to start.
    let _ = setrlimit(Resource::Nofile, limit);
}
