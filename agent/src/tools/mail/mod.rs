//! `mail`: sending and reading through a connection of that kind. `send.rs` sends, one command at a time,
//! and looks a mail up that is in doubt; `read.rs` searches a mailbox and gets a mail, and
//! `message.rs` says what is in one.

mod change;
mod message;
mod read;
mod send;

pub(super) use change::{Draft, Label, Move};
pub(super) use read::{Get, Search};
pub(super) use send::Send;

use super::{OpenConnection, OutsideEnv, Resource, ResourceKind, ToolError};
use crate::connectors::imap::{Mail, Mailbox};
use crate::connectors::mail_client::MailFailure;
use deputy_protocol::{FailureClass, Time};
use serde_json::Value;

/// What a mailbox says of a mail, as `mail.search` tells it.
pub(crate) fn mail_summary(validity: u32, mail: &Mail) -> Value {
    serde_json::to_value(message::summary(validity, mail)).unwrap_or_default()
}

/// A day as IMAP writes it.
pub(crate) fn mail_day(time: Time) -> String {
    time.to_timestamp().strftime("%d-%b-%Y").to_string()
}

/// The folder of what names none.
fn inbox() -> String {
    "INBOX".to_owned()
}

/// What a call touches that is about one mail.
fn of_mail(tool: &str, connection: &str, id: &str) -> Result<Vec<Resource>, ToolError> {
    match message::numbers(id) {
        Some(_) => Ok(of_connection(connection)),
        None => Err(ToolError::invalid_input(
            tool,
            "`id` is the id of a mail from mail.search, such as 1700000000-42",
        )),
    }
}

fn of_connection(name: &str) -> Vec<Resource> {
    vec![Resource::new(ResourceKind::Connections, name.to_owned())]
}

/// The mail of an id in the folder that is open, of this validity; `None` when it is not there.
async fn find(mailbox: &mut Mailbox, validity: u32, id: &str) -> Result<Option<Mail>, MailFailure> {
    match message::numbers(id) {
        Some((of, uid)) if of == validity => Ok(mailbox.mails(&[uid]).await?.into_iter().next()),
        _ => Ok(None),
    }
}

/// That a mail is not where it is looked for.
fn gone(id: &str, folder: &str) -> MailFailure {
    MailFailure::Gone(format!(
        "mail {id} is not in “{folder}” any more: it was moved or deleted, or the server has numbered the folder's mails anew"
    ))
}

/// The connection of that name, if it is one for mail.
async fn connection(
    tool: &'static str,
    name: &str,
    env: &OutsideEnv,
) -> Result<OpenConnection, ToolError> {
    let connection = env.connections.open(tool, name).await?;
    if connection.kind == "mail" {
        return Ok(connection);
    }
    let message = format!(
        "the connection “{}” is of kind {}, not mail",
        connection.name, connection.kind
    );
    Err(ToolError::invalid_input(tool, message))
}

/// What a conversation that failed at a stage means for a call. Nothing was done.
fn not_done(tool: &str, failure: MailFailure, stage: &str) -> ToolError {
    let error =
        |class, code: &str, message: String| ToolError::not_done(class, code, tool, message);
    match failure {
        MailFailure::Auth(message) => error(
            FailureClass::Auth,
            "auth",
            format!("the mail server refused user name or password: {message}"),
        ),
        MailFailure::Unreachable(message) => error(
            FailureClass::Transient,
            "connect",
            format!("the mail server cannot be reached: {message}"),
        ),
        MailFailure::Config(message) => error(
            FailureClass::Precondition,
            "settings",
            format!("the connection's settings do not work: {message}"),
        ),
        MailFailure::Missing(message) => error(FailureClass::Precondition, "not_found", message),
        // Whoever wrote the script knows what to do without it.
        MailFailure::Gone(message) => error(FailureClass::Logic, "gone", message),
        MailFailure::Denied(message) => error(
            FailureClass::Logic,
            "refused",
            format!("the mail server refused ({stage}): {message}"),
        ),
        MailFailure::Refused { code, message } => {
            let class = match code {
                400..=499 => FailureClass::Transient,
                530 | 534 | 535 | 538 => FailureClass::Auth,
                550..=553 => FailureClass::Precondition,
                _ => FailureClass::Logic,
            };
            let message =
                format!("the mail server refused ({stage}, {code}): {message}; nothing was sent");
            ToolError {
                status: Some(code),
                ..error(class, "refused", message)
            }
        }
    }
}
