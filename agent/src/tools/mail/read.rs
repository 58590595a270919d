//! `mail.search` and `mail.get`: what is in a mailbox. Nothing is changed by it; a mail that was new stays new.

use super::message::{self, Content, Summary};
use super::{connection, find, gone, inbox, mail_day, not_done, of_connection, of_mail};
use crate::clock::BoxFuture;
use crate::connectors::imap::{Mail, Mailbox, quoted};
use crate::connectors::mail_client::MailFailure;
use crate::tools::time::instant;
use crate::tools::{
    CallInfo, Operation, OutsideEnv, OutsideOperation, Resource, ResourceKind, ToolError,
};
use deputy_protocol::{EffectClass, FailureClass, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most mails that one search tells.
const MOST: u32 = 200;

/// The most mails that are looked at for one search.
const LOOKED_AT: usize = 1_000;

/// How many are asked of the mailbox at a time.
const PIECE: usize = 100;

const DAY_MS: i64 = 86_400_000;

fn some() -> u32 {
    50
}

/// `mail.search`
pub(crate) struct Search;

/// Which mails. All that is given must hold.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchInput {
    /// The name of a connection of kind `mail` with a mailbox.
    connection: String,
    /// The folder, as the mail program shows it; with the server's separator between levels.
    #[serde(default = "inbox")]
    folder: String,
    /// The sender's name or address contains this, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// A recipient's name or address contains this, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The subject contains this, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The header or the text contains this, as the server understands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The mailbox got it then or later: a time or a day, in the automation's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// The mailbox got it before that time or day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Only what nobody has read.
    #[serde(default)]
    unread: bool,
    /// At most so many, 1 to 200.
    #[serde(default = "some")]
    limit: u32,
}

/// What was found.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct SearchOutput {
    /// The newest first.
    messages: Vec<Summary>,
    /// There are older ones that were not told.
    more: bool,
}

impl Operation for Search {
    type Input = SearchInput;
    type Output = SearchOutput;
    const NAME: &'static str = "mail.search";
    const SUMMARY: &'static str =
        "Finds mails in a mailbox, the newest first, and marks nothing as read.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn resources(input: &SearchInput) -> Result<Vec<Resource>, ToolError> {
        if !(1..=MOST).contains(&input.limit) {
            let message = format!("`limit` is 1 to {MOST}");
            return Err(ToolError::invalid_input(Self::NAME, message));
        }
        Ok(of_connection(&input.connection))
    }

    fn title(input: &SearchInput) -> String {
        format!("Look for mails in {} of {}", input.folder, input.connection)
    }
}

/// A search, as the server and as this side understands it.
struct Wanted {
    query: String,
    from: Option<String>,
    to: Option<String>,
    subject: Option<String>,
    since: Option<Time>,
    before: Option<Time>,
}

impl Wanted {
    fn new(input: &SearchInput, timezone: &str) -> Result<Self, ToolError> {
        let bad = |message: String| ToolError::invalid_input(Search::NAME, message);
        let time = |text: &Option<String>| {
            let read = text.as_deref().map(|text| instant(text, timezone));
            read.transpose().map_err(bad)
        };
        let mut query = String::new();
        // What is not ASCII is told apart here: servers differ in how they compare it.
        let mut own = |key: &str, text: &Option<String>| match text {
            Some(text) if text.is_ascii() => {
                let quoted = quoted(text).map_err(|f| not_done(Search::NAME, f, "search"))?;
                query = format!("{query} {key} {quoted}");
                Ok::<_, ToolError>(None)
            }
            other => Ok(other.as_ref().map(|text| text.to_lowercase())),
        };
        let (from, to) = (own("FROM", &input.from)?, own("TO", &input.to)?);
        let subject = own("SUBJECT", &input.subject)?;
        let (since, before) = (time(&input.since)?, time(&input.before)?);
        let mut charset = "";
        if let Some(text) = &input.text {
            let quoted = quoted(text).map_err(|f| not_done(Search::NAME, f, "search"))?;
            query = format!("{query} TEXT {quoted}");
            if !text.is_ascii() {
                charset = "CHARSET UTF-8 ";
            }
        }
        if input.unread {
            query.push_str(" UNSEEN");
        }
        // The server knows days, of a zone of its own.
        if let Some(since) = since {
            query = format!("{query} SINCE {}", mail_day(since.plus_ms(-DAY_MS)));
        }
        if let Some(before) = before {
            query = format!("{query} BEFORE {}", mail_day(before.plus_ms(2 * DAY_MS)));
        }
        if query.is_empty() {
            query.push_str(" ALL");
        }
        Ok(Self {
            query: format!("{charset}{}", query.trim_start()),
            from,
            to,
            subject,
            since,
            before,
        })
    }

    fn is(&self, mail: &Mail, summary: &Summary) -> bool {
        let person = |wanted: &str, person: &message::Person| {
            let name = person.name.as_deref().unwrap_or_default().to_lowercase();
            name.contains(wanted) || person.address.contains(wanted)
        };
        let holds = |wanted: &Option<String>, people: &[message::Person]| {
            { wanted.as_ref() }.is_none_or(|text| people.iter().any(|p| person(text, p)))
        };
        holds(&self.from, summary.from.as_slice())
            && holds(&self.to, &summary.to)
            && { self.subject.as_ref() }
                .is_none_or(|text| summary.subject.to_lowercase().contains(text.as_str()))
            && self
                .since
                .is_none_or(|at| mail.received.is_none_or(|got| got >= at))
            && self
                .before
                .is_none_or(|at| mail.received.is_none_or(|got| got < at))
    }
}

impl OutsideOperation for Search {
    fn run<'a>(
        input: SearchInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<SearchOutput, ToolError>> {
        Box::pin(async move {
            let wanted = Wanted::new(&input, &call.timezone)?;
            let connection = connection(Self::NAME, &input.connection, env).await?;
            let searching = async {
                let mut mailbox = Mailbox::open(&connection).await?;
                let found = search(&mut mailbox, &input, &wanted).await?;
                mailbox.close().await;
                Ok(found)
            };
            searching
                .await
                .map_err(|failure| not_done(Self::NAME, failure, "search"))
        })
    }
}

async fn search(
    mailbox: &mut Mailbox,
    input: &SearchInput,
    wanted: &Wanted,
) -> Result<SearchOutput, MailFailure> {
    let folder = mailbox.examine(&input.folder).await?;
    let found = mailbox.search(&wanted.query).await?;
    let limit = usize::try_from(input.limit).unwrap_or(usize::MAX);
    let (mut messages, mut looked_at) = (Vec::new(), 0);
    let mut newest_first = found.rchunks(PIECE.min(limit.max(1)));
    while messages.len() < limit
        && looked_at < LOOKED_AT
        && let Some(piece) = newest_first.next()
    {
        looked_at += piece.len();
        for mail in mailbox.mails(piece).await?.iter().rev() {
            let summary = message::summary(folder.validity, mail);
            if wanted.is(mail, &summary) {
                messages.push(summary);
            }
        }
    }
    let more = messages.len() > limit || looked_at < found.len();
    messages.truncate(limit);
    Ok(SearchOutput { messages, more })
}

/// `mail.get`
pub(crate) struct Get;

/// Which mail.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetInput {
    /// The name of a connection of kind `mail` with a mailbox.
    connection: String,
    /// The folder that it is in.
    #[serde(default = "inbox")]
    folder: String,
    /// Its id, from `mail.search` or the trigger.
    id: String,
    /// With the content of the files in it.
    #[serde(default)]
    attachments: bool,
}

impl Operation for Get {
    type Input = GetInput;
    type Output = Content;
    const NAME: &'static str = "mail.get";
    const SUMMARY: &'static str =
        "Gets a mail with its text and the files in it, and does not mark it as read.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn resources(input: &GetInput) -> Result<Vec<Resource>, ToolError> {
        of_mail(Self::NAME, &input.connection, &input.id)
    }

    fn title(input: &GetInput) -> String {
        format!(
            "Read mail {} in {} of {}",
            input.id, input.folder, input.connection
        )
    }
}

impl OutsideOperation for Get {
    fn run<'a>(
        input: GetInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Content, ToolError>> {
        Box::pin(async move {
            let connection = connection(Self::NAME, &input.connection, env).await?;
            let getting = async {
                let mut mailbox = Mailbox::open(&connection).await?;
                let found = get(&mut mailbox, &input, call.max_result_bytes).await?;
                mailbox.close().await;
                Ok(found)
            };
            match getting.await {
                Ok(Got::Mail(content)) => Ok(*content),
                Ok(Got::TooLarge(size)) => Err(ToolError::not_done(
                    FailureClass::Logic,
                    "too_large",
                    Self::NAME,
                    format!(
                        "the mail has {size} bytes, more than the {} that a result may have",
                        call.max_result_bytes
                    ),
                )),
                Err(failure) => Err(not_done(Self::NAME, failure, "get")),
            }
        })
    }
}

enum Got {
    Mail(Box<Content>),
    TooLarge(u64),
}

async fn get(mailbox: &mut Mailbox, input: &GetInput, at_most: u64) -> Result<Got, MailFailure> {
    let gone = || gone(&input.id, &input.folder);
    let validity = mailbox.examine(&input.folder).await?.validity;
    let mail = find(mailbox, validity, &input.id).await?;
    let mail = mail.ok_or_else(gone)?;
    if mail.size > at_most {
        return Ok(Got::TooLarge(mail.size));
    }
    let Some(raw) = mailbox.content(mail.uid).await? else {
        return Err(gone());
    };
    let content = message::content(validity, &mail, &raw, input.attachments);
    Ok(Got::Mail(Box::new(content)))
}
