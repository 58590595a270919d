//! `mail.move`, `mail.label` and `mail.draft`: what changes a mailbox. Nothing is ever deleted.

use super::message::summary;
use super::send::{File, SendInput, compose, message_id};
use super::{connection, find, gone, inbox, not_done, of_connection, of_mail};
use crate::clock::BoxFuture;
use crate::connectors::imap::{Mail, Mailbox};
use crate::connectors::mail_client::MailFailure;
use crate::tools::{
    CallInfo, OpenConnection, Operation, OutsideEnv, OutsideOperation, Reconciled, Resource,
    ResourceKind, ToolError,
};
use deputy_protocol::{EffectClass, FailureClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a change that failed means: a line that broke leaves open how far it came.
fn failed(tool: &str, failure: MailFailure) -> ToolError {
    match failure {
        MailFailure::Unreachable(why) => ToolError::unknown(
            FailureClass::Transient,
            "no_confirmation",
            tool,
            format!("the mail server did not confirm the change: {why}"),
        ),
        other => not_done(tool, other, "change"),
    }
}

/// Opens the folder for changes; `None` of a mail that is not there.
async fn hold(
    connection: &OpenConnection,
    folder: &str,
    id: &str,
) -> Result<(Mailbox, Option<Mail>), MailFailure> {
    let mut mailbox = Mailbox::open(connection).await?;
    let validity = mailbox.select(folder).await?;
    let found = find(&mut mailbox, validity, id).await?;
    Ok((mailbox, found))
}

/// The same of a mail that must be there.
async fn held(
    connection: &OpenConnection,
    folder: &str,
    id: &str,
) -> Result<(Mailbox, Mail), MailFailure> {
    let (mailbox, found) = hold(connection, folder, id).await?;
    found.map_or_else(|| Err(gone(id, folder)), |mail| Ok((mailbox, mail)))
}

/// `mail.move`
pub(crate) struct Move;

/// Which mail, and where to.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveInput {
    /// The name of a connection of kind `mail` with a mailbox.
    connection: String,
    /// The folder that it is in.
    #[serde(default = "inbox")]
    folder: String,
    /// Its id, from `mail.search` or the trigger.
    id: String,
    /// The folder that it goes to, which must be there.
    to: String,
}

/// Nothing: it is where it was to go. It has another id there.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Moved {}

impl Operation for Move {
    type Input = MoveInput;
    type Output = Moved;
    const NAME: &'static str = "mail.move";
    const SUMMARY: &'static str = "Moves a mail into another folder of its mailbox.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn resources(input: &MoveInput) -> Result<Vec<Resource>, ToolError> {
        if input.folder == input.to {
            return Err(ToolError::invalid_input(
                Self::NAME,
                "`to` is the folder that it is in",
            ));
        }
        of_mail(Self::NAME, &input.connection, &input.id)
    }

    fn title(input: &MoveInput) -> String {
        format!("Move a mail from {} to {}", input.folder, input.to)
    }
}

impl OutsideOperation for Move {
    /// Its Message-ID, by which it is found again where it went.
    fn prepare<'a>(
        input: MoveInput,
        _call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let connection = connection(Self::NAME, &input.connection, env).await?;
            let held = held(&connection, &input.folder, &input.id).await;
            let (mailbox, mail) =
                held.map_err(|failure| not_done(Self::NAME, failure, "look up"))?;
            mailbox.close().await;
            // Only the Message-ID is asked for: in which folder it is does not matter.
            Ok(json!({"message_id": summary(0, &mail).message_id}))
        })
    }

    fn run<'a>(
        input: MoveInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Moved, ToolError>> {
        Box::pin(async move {
            let connection = connection(Self::NAME, &input.connection, env).await?;
            let message_id = call.prepared["message_id"].as_str();
            let moving = async {
                let (mut mailbox, found) = hold(&connection, &input.folder, &input.id).await?;
                let is_there = match message_id {
                    Some(message_id) => mailbox.folder_has(&input.to, message_id).await?,
                    None => false,
                };
                match found {
                    Some(mail) => {
                        mailbox.select(&input.folder).await?;
                        mailbox.move_to(mail.uid, &input.to, is_there).await?;
                    }
                    // An earlier try got as far as this.
                    None if is_there => {}
                    None => return Err(gone(&input.id, &input.folder)),
                }
                mailbox.close().await;
                Ok(Moved {})
            };
            moving.await.map_err(|failure| failed(Self::NAME, failure))
        })
    }

    fn assumed(_input: &MoveInput, _call: &CallInfo) -> Value {
        json!({})
    }
}

/// `mail.label`
pub(crate) struct Label;

/// Which mail, and what it is marked with.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelInput {
    /// The name of a connection of kind `mail` with a mailbox.
    connection: String,
    /// The folder that it is in.
    #[serde(default = "inbox")]
    folder: String,
    /// Its id, from `mail.search` or the trigger.
    id: String,
    /// `read`, `flagged`, `answered`, or words of one's own (letters, digits, `$`, `-`, `_` and `.`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    add: Vec<String>,
    /// The same, to be taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remove: Vec<String>,
}

/// Nothing: it is marked so.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Labelled {}

/// What a label is called in IMAP (RFC 3501, 2.3.2).
fn flag(label: &str) -> Result<String, ToolError> {
    let is_own = |c: char| c.is_ascii_alphanumeric() || "$-_.".contains(c);
    match label {
        "read" => Ok("\\Seen".to_owned()),
        "flagged" => Ok("\\Flagged".to_owned()),
        "answered" => Ok("\\Answered".to_owned()),
        own if (1..=60).contains(&own.len()) && own.chars().all(is_own) => Ok(own.to_owned()),
        other => Err(ToolError::invalid_input(
            Label::NAME,
            format!(
                "“{other}” is no label: read, flagged, answered, or up to 60 letters, digits, $, -, _ and ."
            ),
        )),
    }
}

impl Operation for Label {
    type Input = LabelInput;
    type Output = Labelled;
    const NAME: &'static str = "mail.label";
    const SUMMARY: &'static str = "Marks a mail: as read, flagged, or with words of one's own.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn resources(input: &LabelInput) -> Result<Vec<Resource>, ToolError> {
        for label in input.add.iter().chain(&input.remove) {
            flag(label)?;
        }
        of_mail(Self::NAME, &input.connection, &input.id)
    }

    fn title(input: &LabelInput) -> String {
        let words = input.add.iter().map(|label| format!("+{label}"));
        let words = words.chain(input.remove.iter().map(|label| format!("-{label}")));
        let words: Vec<String> = words.collect();
        format!("Mark a mail in {}: {}", input.folder, words.join(" "))
    }
}

impl OutsideOperation for Label {
    fn run<'a>(
        input: LabelInput,
        _call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Labelled, ToolError>> {
        Box::pin(async move {
            let flags = |labels: &[String]| {
                labels
                    .iter()
                    .map(|label| flag(label))
                    .collect::<Result<Vec<_>, _>>()
            };
            let (add, remove) = (flags(&input.add)?, flags(&input.remove)?);
            let connection = connection(Self::NAME, &input.connection, env).await?;
            let marking = async {
                let (mut mailbox, mail) = held(&connection, &input.folder, &input.id).await?;
                mailbox.flag(mail.uid, &add, &remove).await?;
                mailbox.close().await;
                Ok(Labelled {})
            };
            marking.await.map_err(|failure| failed(Self::NAME, failure))
        })
    }

    fn assumed(_input: &LabelInput, _call: &CallInfo) -> Value {
        json!({})
    }
}

/// `mail.draft`
pub(crate) struct Draft;

/// A mail that a person may send.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftInput {
    /// The name of a connection of kind `mail` with a mailbox.
    connection: String,
    /// Addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    to: Vec<String>,
    /// Further addresses that all see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cc: Vec<String>,
    /// One line.
    subject: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    /// Files to go along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File>,
}

/// What was drafted.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Drafted {
    /// Its Message-ID.
    message_id: String,
}

impl Operation for Draft {
    type Input = DraftInput;
    type Output = Drafted;
    const NAME: &'static str = "mail.draft";
    const SUMMARY: &'static str = "Puts a mail into the folder for drafts, for a person to send.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Reconcilable];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn resources(input: &DraftInput) -> Result<Vec<Resource>, ToolError> {
        if input.subject.contains(['\r', '\n']) {
            return Err(ToolError::invalid_input(
                Self::NAME,
                "the subject is more than one line",
            ));
        }
        Ok(of_connection(&input.connection))
    }

    fn title(input: &DraftInput) -> String {
        format!("Draft of a mail: {}", input.subject)
    }
}

impl OutsideOperation for Draft {
    fn run<'a>(
        input: DraftInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Drafted, ToolError>> {
        Box::pin(async move {
            let connection = connection(Self::NAME, &input.connection, env).await?;
            let from = connection.config["from"].as_str().unwrap_or_default();
            let mail = SendInput {
                connection: input.connection,
                to: input.to,
                cc: input.cc,
                bcc: Vec::new(),
                subject: input.subject,
                text: input.text,
                html: input.html,
                attachments: input.attachments,
            };
            let mail = compose(&mail, call, from)?.formatted();
            let putting = async {
                let mut mailbox = Mailbox::open(&connection).await?;
                mailbox.put_draft(&mail).await?;
                mailbox.close().await;
                Ok(Drafted {
                    message_id: message_id(call),
                })
            };
            putting.await.map_err(|failure| failed(Self::NAME, failure))
        })
    }

    /// A draft is in its folder or it is not: nothing else puts it there.
    fn reconcile<'a>(
        input: DraftInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<Drafted>> {
        Box::pin(async move {
            let looked = async {
                let connection = connection(Self::NAME, &input.connection, env).await?;
                let looking = async {
                    let mut mailbox = Mailbox::open(&connection).await?;
                    let has = mailbox.has_draft(&message_id(call)).await?;
                    mailbox.close().await;
                    Ok(has)
                };
                let looked: Result<bool, MailFailure> = looking.await;
                looked.map_err(|failure| not_done(Self::NAME, failure, "look up"))
            };
            match looked.await {
                Ok(true) => Reconciled::Happened(Drafted {
                    message_id: message_id(call),
                }),
                Ok(false) => Reconciled::Absent,
                Err(error) => Reconciled::TryLater(error),
            }
        })
    }

    fn assumed(_input: &DraftInput, call: &CallInfo) -> Value {
        json!({"message_id": message_id(call)})
    }
}
