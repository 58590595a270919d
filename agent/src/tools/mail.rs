//! `mail`: sending through a connection of that kind, one command at a time, so that it is known
//! at which point a failure came: only after the message's last byte is its fate unknown.

use super::{
    Bytes, CallInfo, OpenConnection, Operation, OutsideEnv, OutsideOperation, Reconciled, Resource,
    ResourceKind, ToolError,
};
use crate::clock::BoxFuture;
use crate::connectors::mail_client::{MailConfig, MailFailure, failure, open, within};
use deputy_protocol::{EffectClass, FailureClass};
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
pub(super) struct Send;

/// A mail to send.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendInput {
    /// The name of a connection of kind `mail`.
    connection: String,
    /// Addresses.
    to: Vec<String>,
    /// Further addresses that all see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cc: Vec<String>,
    /// Further addresses that nobody sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bcc: Vec<String>,
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

/// A file that goes along with a mail.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Its name.
    name: String,
    /// Its media type, e.g. `application/pdf`.
    content_type: String,
    /// Its content.
    bytes: Bytes,
}

/// What was sent.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SendOutput {
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

fn message_id(call: &CallInfo) -> String {
    format!("<{}@deputy.invalid>", call.effect_id)
}

impl OutsideOperation for Send {
    fn run<'a>(
        input: SendInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<SendOutput, ToolError>> {
        Box::pin(async move {
            let connection = env.connections.open(Self::NAME, &input.connection).await?;
            send(&input, call, &connection).await
        })
    }

    fn reconcile<'a>(
        _input: SendInput,
        _call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<SendOutput>> {
        // SMTP alone cannot look a message up; the mailbox (IMAP) is not built yet.
        Box::pin(async { Reconciled::Unknowable })
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
    if connection.kind != "mail" {
        let message = format!(
            "the connection “{}” is of kind {}, not mail",
            connection.name, connection.kind
        );
        return Err(ToolError::invalid_input(Send::NAME, message));
    }
    let (config, mut smtp) = open(connection).await.map_err(|f| not_sent(f, "connect"))?;
    let timeout = Duration::from_millis(config.timeout_ms);
    let message = compose(input, call, &config)?.formatted();
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
            MailFailure::Unreachable(why) | MailFailure::Config(why) => unknown(&why),
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
    let error =
        |class, code: &str, message: String| ToolError::not_done(class, code, Send::NAME, message);
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
            "tls",
            format!("the connection's settings do not work: {message}"),
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

/// The message, the same bytes for the same effect.
fn compose(input: &SendInput, call: &CallInfo, config: &MailConfig) -> Result<Message, ToolError> {
    let bad = |e: &dyn std::fmt::Display| ToolError::invalid_input(Send::NAME, e.to_string());
    let mailbox = |text: &String| address(text).map(|address| Mailbox::new(None, address));
    let millis = u64::try_from(call.now.0).unwrap_or(0);
    let mut builder = Message::builder()
        .from(Mailbox::new(None, address(&config.from)?))
        .subject(input.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(message_id(call)));
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
