//! `deputy remote`: the same commands, from another machine, through a relay.

use super::args::{Cli, RemoteArgs};
use super::{Exit, print, requests, show};
use clap::Parser;
use deputy_mobile_core::client::PairingTrouble;
use deputy_mobile_core::native::pair;
use deputy_mobile_core::{ClientError, PairedDevice, RemoteAgent};
use deputy_protocol::ErrorBody;
use deputy_protocol::remote::Ask;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a device's pairing is kept, in the data directory.
const FILE: &str = "remote.json";

fn file(home: &Path) -> PathBuf {
    home.join(FILE)
}

fn keep(home: &Path, device: &PairedDevice) -> Result<(), ErrorBody> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |e: std::io::Error| {
        let message = format!("the pairing cannot be kept: {e}");
        ErrorBody::new(
            "unwritable",
            message,
            "make the data directory writable, and pair again",
        )
    };
    std::fs::create_dir_all(home).map_err(failed)?;
    let text = serde_json::to_vec(device).map_err(|e| failed(e.into()))?;
    // Written beside and moved, so that a pairing is there whole or not at all.
    let new = home.join(format!("{FILE}.new"));
    let _ = std::fs::remove_file(&new);
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .map_err(failed)?;
    out.write_all(&text)
        .and_then(|()| out.sync_all())
        .map_err(failed)?;
    std::fs::rename(&new, file(home)).map_err(failed)
}

fn kept(home: &Path) -> Result<PairedDevice, ErrorBody> {
    let hint = "deputy remote --link LINK pairs it; `deputy pair` at the agent shows a link";
    let text = std::fs::read(file(home)).map_err(|_| {
        ErrorBody::new(
            "not_paired",
            "this machine is paired with no agent; nothing was done",
            hint,
        )
    })?;
    serde_json::from_slice(&text).map_err(|e| {
        ErrorBody::new(
            "not_paired",
            format!("the pairing cannot be read: {e}"),
            hint,
        )
    })
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // The kernel's generator does not fail once the system is up.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes
}

fn client_error(error: ClientError) -> ErrorBody {
    let message = error.to_string();
    match error {
        ClientError::Refused(error) => error,
        ClientError::NotKnown => ErrorBody::new("not_known", message, "deputy remote --link LINK"),
        ClientError::Unreachable(_) => ErrorBody::new(
            "unreachable",
            message,
            "is the agent running, with this relay?",
        ),
        ClientError::Session(_) | ClientError::Unreadable(_) => {
            ErrorBody::new("session", message, "try again")
        }
    }
}

pub(super) fn remote(home: &Path, args: RemoteArgs, json: bool) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = ErrorBody::new("runtime", error.to_string(), "");
            return print::error(&error, json, Exit::Failed);
        }
    };
    match runtime.block_on(converse(home, args, json)) {
        Ok(exit) => exit,
        Err(error) => {
            let exit = match error.code.as_str() {
                "usage" => Exit::Usage,
                "unreachable" => Exit::NotRunning,
                "doubts" | "question" => Exit::NeedsPerson,
                _ => Exit::Failed,
            };
            print::error(&error, json, exit)
        }
    }
}

async fn converse(home: &Path, args: RemoteArgs, json: bool) -> Result<Exit, ErrorBody> {
    let mut agent = match &args.link {
        Some(link) => pair_with(home, link, args.name.as_deref(), json).await?,
        None => RemoteAgent::connect(&kept(home)?)
            .await
            .map_err(client_error)?,
    };
    if args.command.is_empty() {
        if args.link.is_none() {
            agent.close().await;
            let error = ErrorBody::new("usage", "what should be asked?", "deputy remote needs");
            return Err(error);
        }
        agent.close().await;
        return Ok(Exit::Done);
    }
    let words = ["deputy".to_owned()].into_iter().chain(args.command);
    let cli = Cli::try_parse_from(words)
        .map_err(|e| ErrorBody::new("usage", e.to_string().trim().to_owned(), "deputy help"))?;
    let command = cli
        .command
        .ok_or_else(|| ErrorBody::new("usage", "what should be asked?", "deputy remote needs"))?;
    let request = requests::request(command)?;
    let ask = Ask::from_request(request).ok_or_else(|| {
        let message = "this cannot be asked from afar; nothing was done";
        ErrorBody::new("not_allowed", message, "run it on the agent's own machine")
    })?;
    let id: String = random()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let answered = agent.ask(&id, &ask).await;
    agent.close().await;
    Ok(show(&answered.map_err(client_error)?, json || cli.json))
}

fn pairing_error(error: PairingTrouble) -> ErrorBody {
    let (code, hint) = match error {
        PairingTrouble::Link(_) => ("link", "deputy pair"),
        PairingTrouble::Unreachable(_) => ("unreachable", "is the agent running, with this relay?"),
        PairingTrouble::NotTaken | PairingTrouble::Refused => ("not_known", "deputy pair"),
        PairingTrouble::OtherVersion | PairingTrouble::NoRandomness | PairingTrouble::Broken(_) => {
            ("session", "try again")
        }
    };
    ErrorBody::new(code, error.to_string(), hint)
}

async fn pair_with(
    home: &Path,
    link: &str,
    name: Option<&str>,
    json: bool,
) -> Result<RemoteAgent, ErrorBody> {
    let host = rustix::system::uname();
    let own = host.nodename().to_string_lossy().into_owned();
    let comparing = pair(link, name.unwrap_or(&own))
        .await
        .map_err(pairing_error)?;
    // Told on standard error, so that the one document on standard output is the answer.
    let _ = writeln!(
        std::io::stderr(),
        "The agent must show these words, too: {}\nSay so there; waiting …",
        comparing.phrase
    );
    let device = comparing.finish().await.map_err(pairing_error)?;
    keep(home, &device)?;
    if !json {
        let _ = writeln!(
            std::io::stderr(),
            "Paired as {} ({}).",
            device.id,
            device.rights
        );
    }
    RemoteAgent::connect(&device).await.map_err(client_error)
}
