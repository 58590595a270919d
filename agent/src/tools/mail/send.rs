//! `mail.send`: one command at a time, so that it is known at which point a failure came: only after
//! the message's last byte is its fate unknown. Then it is looked for in the mailbox, if there is one.

use super::{connection, not_done};
use crate::clock::BoxFuture;
use crate::connectors::imap;
use crate::connectors::mail_client::{MailConfig, MailFailure, failure, open, within};
use crate::tools::{
    Bytes, CallInfo, OpenConnection, Operation, OutsideEnv, OutsideOperation, Reconciled, Resource,
    ResourceKind, ToolError,
};
use deputy_protocol::{EffectClass, FailureClass};
use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::{Address, Message};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// `mail.send`
pub(crate) struct Send;

/// A mail to send.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendInput {
    /// The name of a connection of kind `mail`.
    pub(super) connection: String,
    /// Addresses.
    pub(super) to: Vec<String>,
    /// Further addresses that all see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cc: Vec<String>,
    /// Further addresses that nobody sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) bcc: Vec<String>,
    /// One line.
    pub(super) subject: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) html: Option<String>,
    /// Files to go along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<File>,
}

/// A file that goes along with a mail.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Its name.
    name: String,
    /// Its media type, e.g. `application/pdf`.
    content_type: String,
    /// Its content.
    bytes: Bytes,
}

/// What was sent.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct SendOutput {
    /// Its Message-ID.
    message_id: String,
}

fn addresses(input: &SendInput) -> impl Iterator<Item = &String> {
    input.to.iter().chain(&input.cc).chain(&input.bcc)
}

fn address(text: &str) -> Result<Address, ToolError> {
    text.parse().map_err(|_| {
        ToolError::invalid_input("mail.send", format!("“{text}” is not a mail address"))
    })
}

impl Operation for Send {
    type Input = SendInput;
    type Output = SendOutput;
    const NAME: &'static str = "mail.send";
    const SUMMARY: &'static str = "Sends a mail through a connection of kind mail.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Reconcilable];
    const RESOURCES: &'static [ResourceKind] =
        &[ResourceKind::Connections, ResourceKind::Recipients];

    fn resources(input: &SendInput) -> Result<Vec<Resource>, ToolError> {
        if input.to.is_empty() {
            return Err(ToolError::invalid_input(Self::NAME, "`to` is empty"));
        }
        if input.subject.contains(['\r', '\n']) {
            return Err(ToolError::invalid_input(
                Self::NAME,
                "the subject is more than one line",
            ));
        }
        let mut resources = vec![Resource::new(
            ResourceKind::Connections,
            input.connection.clone(),
        )];
        for text in addresses(input) {
            // As the server will see it, not as it was written.
            resources.push(Resource::new(
                ResourceKind::Recipients,
                address(text)?.to_string(),
            ));
        }
        Ok(resources)
    }

    fn title(input: &SendInput) -> String {
        format!("Mail to {}: {}", input.to.join(", "), input.subject)
    }
}

pub(super) fn message_id(call: &CallInfo) -> String {
    format!("<{}@deputy.invalid>", call.effect_id)
}

impl OutsideOperation for Send {
    fn run<'a>(
        input: SendInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<SendOutput, ToolError>> {
        Box::pin(async move {
            let connection = connection(Self::NAME, &input.connection, env).await?;
            send(&input, call, &connection).await
        })
    }

    /// A mail that lies in the mailbox was sent. One that does not may be on its way, or the server may keep
    /// none of what is sent: its absence proves nothing.
    fn reconcile<'a>(
        input: SendInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<SendOutput>> {
        Box::pin(async move {
            let looked = async {
                let connection = connection(Self::NAME, &input.connection, env).await?;
                if connection.config["imap_host"].is_null() {
                    return Ok(false);
                }
                let lies = lies_in_mailbox(&connection, &message_id(call)).await;
                lies.map_err(|failure| not_done(Self::NAME, failure, "look up"))
            };
            match looked.await {
                Ok(true) => Reconciled::Happened(SendOutput {
                    message_id: message_id(call),
                }),
                Ok(false) => Reconciled::Unknowable,
                Err(error) => Reconciled::TryLater(error),
            }
        })
    }

    fn assumed(_input: &SendInput, call: &CallInfo) -> Value {
        json!({"message_id": message_id(call)})
    }
}

async fn send(
    input: &SendInput,
    call: &CallInfo,
    connection: &OpenConnection,
) -> Result<SendOutput, ToolError> {
    let (config, mut smtp) = open(connection).await.map_err(|f| not_sent(f, "connect"))?;
    let timeout = Duration::from_millis(config.timeout_ms);
    let message = compose(input, call, &config.from)?.formatted();
    let sent = hand_over(&mut smtp, input, &config, &message, timeout).await;
    // A polite end is not worth waiting for.
    let _ = tokio::time::timeout(Duration::from_millis(500), smtp.abort()).await;
    sent?;
    Ok(SendOutput {
        message_id: message_id(call),
    })
}

async fn hand_over(
    smtp: &mut AsyncSmtpConnection,
    input: &SendInput,
    config: &MailConfig,
    message: &[u8],
    timeout: Duration,
) -> Result<(), ToolError> {
    let from = address(&config.from)?;
    within(timeout, smtp.command(Mail::new(Some(from), vec![])))
        .await
        .map_err(|f| not_sent(f, "sender"))?;
    for text in addresses(input) {
        // All or nothing: one refused recipient ends it before anything is sent.
        within(timeout, smtp.command(Rcpt::new(address(text)?, vec![])))
            .await
            .map_err(|f| not_sent(f, "recipient"))?;
    }
    within(timeout, smtp.command(Data))
        .await
        .map_err(|f| not_sent(f, "data"))?;
    match tokio::time::timeout(timeout, smtp.message(message)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(match failure(&error) {
            refused @ (MailFailure::Refused { .. } | MailFailure::Auth(_)) => {
                not_sent(refused, "message")
            }
            MailFailure::Unreachable(why)
            | MailFailure::Config(why)
            | MailFailure::Missing(why)
            | MailFailure::Gone(why)
            | MailFailure::Denied(why) => unknown(&why),
        }),
        Err(_) => Err(unknown(&format!(
            "no answer within {} ms",
            timeout.as_millis()
        ))),
    }
}

fn unknown(why: &str) -> ToolError {
    ToolError::unknown(
        FailureClass::Transient,
        "no_confirmation",
        Send::NAME,
        format!("the server did not confirm the mail after it was handed over: {why}"),
    )
}

fn not_sent(failure: MailFailure, stage: &str) -> ToolError {
    not_done(Send::NAME, failure, stage)
}

async fn lies_in_mailbox(
    connection: &OpenConnection,
    message_id: &str,
) -> Result<bool, MailFailure> {
    let mut mailbox = imap::Mailbox::open(connection).await?;
    let folders = mailbox.where_sent_mail_lies().await?;
    let lies = mailbox.has(&folders, message_id).await?;
    mailbox.close().await;
    Ok(lies)
}

/// The message, the same bytes for the same effect.
pub(super) fn compose(
    input: &SendInput,
    call: &CallInfo,
    from: &str,
) -> Result<Message, ToolError> {
    let bad = |e: &dyn std::fmt::Display| ToolError::invalid_input(Send::NAME, e.to_string());
    let mailbox = |text: &String| address(text).map(|address| Mailbox::new(None, address));
    let millis = u64::try_from(call.now.0).unwrap_or(0);
    let mut builder = Message::builder()
        .from(Mailbox::new(None, address(from)?))
        .subject(input.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(message_id(call)));
    if addresses(input).next().is_none() {
        // A draft that is addressed later is no less a mail.
        let own = Envelope::new(Some(address(from)?), vec![address(from)?]);
        builder = builder.envelope(own.map_err(|e| bad(&e))?);
    }
    for to in &input.to {
        builder = builder.to(mailbox(to)?);
    }
    for cc in &input.cc {
        builder = builder.cc(mailbox(cc)?);
    }
    let boundary = |part: &str| format!("{part}-{}", call.effect_id);
    let text = input.text.clone().unwrap_or_default();
    let body = match &input.html {
        Some(html) => MultiPart::alternative()
            .boundary(boundary("alternative"))
            .singlepart(SinglePart::plain(text))
            .singlepart(SinglePart::html(html.clone())),
        None if input.attachments.is_empty() => {
            return builder
                .singlepart(SinglePart::plain(text))
                .map_err(|e| bad(&e));
        }
        None => MultiPart::mixed()
            .boundary(boundary("text"))
            .singlepart(SinglePart::plain(text)),
    };
    if input.attachments.is_empty() {
        return builder.multipart(body).map_err(|e| bad(&e));
    }
    let mut mixed = MultiPart::mixed()
        .boundary(boundary("mixed"))
        .multipart(body);
    for file in &input.attachments {
        let kind = ContentType::parse(&file.content_type).map_err(|e| bad(&e))?;
        mixed =
            mixed.singlepart(Attachment::new(file.name.clone()).body(file.bytes.0.clone(), kind));
    }
    builder.multipart(mixed).map_err(|e| bad(&e))
}
