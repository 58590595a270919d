//! `deputy connection sign-in`: shows where to sign in, opens it, and waits until somebody has.

use super::args::SignIn as Args;
use super::{Exit, client, open};
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::{ConnectionInfo, SignIn};
use std::io::IsTerminal;
use std::path::Path;

/// Whether a connection that was made wants somebody to sign in.
pub(super) fn is_wanted(connection: &ConnectionInfo) -> bool {
    connection.state == "auth" && connection.config.get("oauth").is_some()
}

/// Whether the one who asks is a person, who can go on to sign in.
pub(super) fn is_person(json: bool) -> bool {
    // Standard input may have brought a secret, and nothing more is read of it.
    !json && std::io::stdout().is_terminal()
}

/// Signs in to a connection that was just made.
pub(super) fn to(home: &Path, connection: &ConnectionInfo) -> Result<Exit, client::AskError> {
    let args = Args {
        id: Some(connection.id.clone()),
        device: false,
        no_open: false,
        answered: None,
        wait: None,
    };
    sign_in(home, args, false)
}

pub(super) fn sign_in(home: &Path, args: Args, json: bool) -> Result<Exit, client::AskError> {
    let waits = |id: &str| Request::ConnectionSignInWait {
        sign_in: id.to_owned(),
        seen: "waiting".to_owned(),
    };
    let request = match (args.answered, args.wait) {
        (Some(url), _) => Request::ConnectionSignInAnswer { url },
        (None, Some(id)) => waits(&id),
        (None, None) => Request::ConnectionSignIn {
            connection: args.id.unwrap_or_default(),
            device: args.device,
        },
    };
    let mut sign_in = ask(home, request)?;
    show(&sign_in, json);
    if sign_in.state == "waiting" {
        // A program reads the one answer that it gets, and asks again.
        if json {
            return Ok(Exit::NeedsPerson);
        }
        // Whoever types a code may do so elsewhere.
        if !args.device && !args.no_open && is_person(json) {
            open::show(home, &sign_in.url);
        }
        sign_in = ask(home, waits(&sign_in.id))?;
        show(&sign_in, json);
    }
    Ok(match sign_in.state.as_str() {
        "signed_in" => Exit::Done,
        _ => Exit::Failed,
    })
}

fn show(sign_in: &SignIn, json: bool) {
    super::show(&Response::SignIn(Box::new(sign_in.clone())), json);
}

fn ask(home: &Path, request: Request) -> Result<SignIn, client::AskError> {
    match client::ask(home, request)? {
        Response::SignIn(sign_in) => Ok(*sign_in),
        other => Err(client::AskError::Broken(format!(
            "an unexpected answer: {other:?}"
        ))),
    }
}
