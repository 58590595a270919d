//! Reading the mailbox of a connection of kind `mail`, over IMAP (RFC 3501).
//!
//! Folders are opened by `EXAMINE` and mails fetched by `BODY.PEEK`: nothing is changed by being read, and
//! a mail that was new stays new. How much a server may say is bounded, and for how long it may be
//! silent. `change.rs` is what changes a mailbox, `line.rs` the bounded line.

mod change;
mod line;

use super::mail::{MailConfig, MailFailure, Tls, is_loopback};
use crate::tools::OpenConnection;
use async_imap::error::Error;
use async_imap::extensions::idle::IdleResponse;
use async_imap::types::{Fetch, Flag, NameAttribute};
use async_imap::{Client, Session};
use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use deputy_protocol::Time;
use futures_util::TryStreamExt;
use line::Line;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// The port on which IMAP begins with TLS.
pub(crate) const IMPLICIT_PORT: u16 = 993;

/// How many mails are asked for at once.
const AT_ONCE: usize = 100;

/// An open, authorised conversation.
pub(crate) struct Mailbox {
    session: Session<Line>,
    timeout: Duration,
    can: Can,
}

/// What a server can do beyond IMAP4rev1.
#[derive(Clone, Copy)]
struct Can {
    /// Say when something comes (`IDLE`, RFC 2177).
    idle: bool,
    /// Move mails (`MOVE`, RFC 6851).
    moves: bool,
    /// Remove one mail of those that are marked (`UIDPLUS`, RFC 4315).
    expunge_one: bool,
}

/// A folder as it is when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    /// The numbers of mails mean the same as long as this is the same.
    pub(crate) validity: u32,
    /// The number that the next mail will have, or a higher one.
    pub(crate) next: u32,
    /// How many mails there are.
    pub(crate) exists: u32,
}

/// What is known of a mail without its content.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// Its number in the folder.
    pub(crate) uid: u32,
    /// Its header, as it came.
    pub(crate) header: Vec<u8>,
    /// When the server got it.
    pub(crate) received: Option<Time>,
    /// Bytes in all.
    pub(crate) size: u64,
    /// Nobody has read it.
    pub(crate) is_unread: bool,
}

/// Shows a token in a password's place
/// ([XOAUTH2](https://developers.google.com/workspace/gmail/imap/xoauth2-protocol), which Google and
/// Microsoft take, as does Dovecot).
struct Xoauth2(Option<Zeroizing<String>>);

impl Xoauth2 {
    fn new(user: &str, token: &str) -> Self {
        let shown = format!("user={user}\x01auth=Bearer {token}\x01\x01");
        Self(Some(Zeroizing::new(shown)))
    }
}

impl async_imap::Authenticator for Xoauth2 {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        // A second challenge says why the token was refused; the refusal comes when that is heard.
        self.0
            .take()
            .map_or_else(String::new, |shown| shown.to_string())
    }
}

/// Settings that can be read with, or what is missing.
pub(crate) fn server(config: &MailConfig) -> Result<(&str, u16), MailFailure> {
    let Some(host) = &config.imap_host else {
        return Err(MailFailure::Config(
            "it has no mailbox to read: make it again with --imap-host".to_owned(),
        ));
    };
    let usual = if config.tls == Tls::None {
        143
    } else {
        IMPLICIT_PORT
    };
    Ok((host, config.imap_port.unwrap_or(usual)))
}

impl Mailbox {
    /// Logs in.
    pub(crate) async fn open(connection: &OpenConnection) -> Result<Self, MailFailure> {
        let config: MailConfig = serde_json::from_value(connection.config.clone())
            .map_err(|e| MailFailure::Config(e.to_string()))?;
        let timeout = Duration::from_millis(config.timeout_ms);
        let (host, port) = server(&config)?;
        let (Some(user), Some(secret)) = (&config.username, &connection.secret) else {
            return Err(MailFailure::Config(
                "a mailbox is read with a user name and a password: make it again with --username and --password-stdin".to_owned(),
            ));
        };
        let tcp = within(timeout, async {
            Ok(TcpStream::connect((host, port)).await?)
        })
        .await?;
        let is_implicit = config.tls != Tls::None && port == IMPLICIT_PORT;
        let client = match config.tls {
            Tls::None if is_loopback(host) => greeted(Line::new(tcp), timeout).await?,
            Tls::None => {
                return Err(MailFailure::Config(format!(
                    "without TLS the password would cross the network to {host} in the clear"
                )));
            }
            Tls::Starttls if !is_implicit => {
                let mut client = greeted(Line::new(tcp), timeout).await?;
                within(timeout, client.run_command_and_check_ok("STARTTLS", None)).await?;
                // Nothing that was said before counts any more.
                let line = client.into_inner();
                Client::new(within(timeout, secured(line, host)).await?)
            }
            Tls::Starttls | Tls::Implicit => {
                let line = within(timeout, secured(Line::new(tcp), host)).await?;
                greeted(line, timeout).await?
            }
        };
        let logging_in = async {
            match config.oauth {
                Some(_) => {
                    let shows = Xoauth2::new(user, secret);
                    client.authenticate("XOAUTH2", shows).await
                }
                None => client.login(user, secret.as_str()).await,
            }
        };
        let login = tokio::time::timeout(timeout, logging_in).await;
        let mut session = match login {
            Err(_) => return Err(silent(timeout)),
            Ok(Ok(session)) => session,
            Ok(Err((error, _))) => {
                return Err(match failure(error) {
                    MailFailure::Denied(message) => MailFailure::Auth(message),
                    other => other,
                });
            }
        };
        let capabilities = within(timeout, session.capabilities()).await?;
        Ok(Self {
            can: Can {
                idle: capabilities.has_str("IDLE"),
                moves: capabilities.has_str("MOVE"),
                expunge_one: capabilities.has_str("UIDPLUS"),
            },
            session,
            timeout,
        })
    }

    /// Opens a folder for reading. Its name as people write it.
    pub(crate) async fn examine(&mut self, folder: &str) -> Result<Folder, MailFailure> {
        let name = wire_name(folder);
        let opened = within(self.timeout, self.session.examine(&name)).await;
        let opened = opened.map_err(|failure| no_folder(folder, failure))?;
        let next = match opened.uid_next {
            Some(next) => next,
            // Servers before IMAP4rev1 leave it out.
            None => self.search("UID *").await?.last().map_or(1, |uid| uid + 1),
        };
        Ok(Folder {
            validity: opened.uid_validity.unwrap_or(0),
            next,
            exists: opened.exists,
        })
    }

    /// The numbers of the mails that a search finds, in order.
    pub(crate) async fn search(&mut self, query: &str) -> Result<Vec<u32>, MailFailure> {
        let found = within(self.timeout, self.session.uid_search(query)).await?;
        let mut found: Vec<u32> = found.into_iter().collect();
        found.sort_unstable();
        Ok(found)
    }

    /// What is known of mails without their content, in the order of their numbers. One that is gone
    /// meanwhile is not among them.
    pub(crate) async fn mails(&mut self, uids: &[u32]) -> Result<Vec<Mail>, MailFailure> {
        let mut mails = Vec::new();
        for some in uids.chunks(AT_ONCE) {
            let set: Vec<String> = some.iter().map(u32::to_string).collect();
            let what = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])";
            let fetching = async {
                let fetched = self.session.uid_fetch(set.join(","), what).await?;
                fetched.try_collect::<Vec<Fetch>>().await
            };
            let fetched = within(self.timeout, fetching).await?;
            mails.extend(fetched.iter().filter_map(mail));
        }
        mails.sort_by_key(|mail| mail.uid);
        mails.dedup_by_key(|mail| mail.uid);
        Ok(mails)
    }

    /// A whole mail; `None` when it is gone.
    pub(crate) async fn content(&mut self, uid: u32) -> Result<Option<Vec<u8>>, MailFailure> {
        let fetching = async {
            let fetched = self
                .session
                .uid_fetch(uid.to_string(), "BODY.PEEK[]")
                .await?;
            fetched.try_collect::<Vec<Fetch>>().await
        };
        let fetched = within(self.timeout, fetching).await?;
        let body = fetched.iter().find_map(|fetch| fetch.body());
        Ok(body.map(<[u8]>::to_vec))
    }

    /// The folders that the server marks for something (RFC 6154), as it names them.
    async fn marked(
        &mut self,
        is_marked: impl Fn(&NameAttribute<'_>) -> bool,
    ) -> Result<Vec<String>, MailFailure> {
        let listing = async {
            let names = self.session.list(Some(""), Some("*")).await?;
            names.try_collect::<Vec<_>>().await
        };
        let names = within(self.timeout, listing).await?;
        let marked = names
            .iter()
            .filter(|name| name.attributes().iter().any(&is_marked));
        Ok(marked.map(|name| name.name().to_owned()).collect())
    }

    /// The folders in which a mail that was sent may lie: those for sent mail and for all mail, and the
    /// inbox.
    pub(crate) async fn where_sent_mail_lies(&mut self) -> Result<Vec<String>, MailFailure> {
        let is_marked =
            |mark: &NameAttribute<'_>| matches!(mark, NameAttribute::Sent | NameAttribute::All);
        let mut folders = self.marked(is_marked).await?;
        folders.push("INBOX".to_owned());
        Ok(folders)
    }

    /// Whether the folder that is open has a mail of this Message-ID.
    async fn open_one_has(&mut self, message_id: &str) -> Result<bool, MailFailure> {
        let query = format!("HEADER Message-ID {}", quoted(message_id)?);
        Ok(!self.search(&query).await?.is_empty())
    }

    /// Whether one of these folders (named as the server names them) has a mail of this Message-ID.
    pub(crate) async fn has(
        &mut self,
        folders: &[String],
        message_id: &str,
    ) -> Result<bool, MailFailure> {
        for folder in folders {
            match within(self.timeout, self.session.examine(folder)).await {
                Ok(_) => {}
                // A folder that only holds others.
                Err(MailFailure::Denied(_)) => continue,
                Err(other) => return Err(other),
            }
            if self.open_one_has(message_id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits until the server says that something changed in the folder that is open, at most so long. A
    /// server that cannot say so is waited for as long as `otherwise`.
    pub(crate) async fn wait(
        self,
        at_most: Duration,
        otherwise: Duration,
    ) -> Result<Self, MailFailure> {
        let Self {
            session,
            timeout,
            can,
        } = self;
        if !can.idle {
            tokio::time::sleep(otherwise).await;
            return Ok(Self {
                session,
                timeout,
                can,
            });
        }
        let mut idle = session.idle();
        within(timeout, idle.init()).await?;
        {
            let (waiting, _interrupt) = idle.wait_with_timeout(at_most);
            match waiting.await.map_err(failure)? {
                IdleResponse::NewData(_) | IdleResponse::Timeout => {}
                IdleResponse::ManualInterrupt => {
                    return Err(MailFailure::Unreachable("the line broke".to_owned()));
                }
            }
        }
        let mut session = within(timeout, idle.done()).await?;
        // What it may say anew is bounded anew.
        session.get_mut().begin_anew();
        Ok(Self {
            session,
            timeout,
            can,
        })
    }

    /// A polite end, which is not worth waiting for.
    pub(crate) async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_millis(500), self.session.logout()).await;
    }
}

fn mail(fetch: &Fetch) -> Option<Mail> {
    Some(Mail {
        uid: fetch.uid?,
        header: fetch.header().unwrap_or_default().to_vec(),
        received: { fetch.internal_date() }.map(|date| Time(date.timestamp_millis())),
        size: fetch.size.unwrap_or(0).into(),
        is_unread: fetch.flags().all(|flag| flag != Flag::Seen),
    })
}

/// What it means that a folder cannot be opened.
fn no_folder(folder: &str, failure: MailFailure) -> MailFailure {
    match failure {
        MailFailure::Denied(message) => MailFailure::Missing(format!(
            "there is no folder “{folder}” in the mailbox ({message})"
        )),
        other => other,
    }
}

/// A text as a quoted string of IMAP.
pub(crate) fn quoted(text: &str) -> Result<String, MailFailure> {
    if text.contains(['\r', '\n', '\0']) {
        return Err(MailFailure::Denied(
            "what is looked for is more than one line".to_owned(),
        ));
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(format!("\"{escaped}\""))
}

/// The name of a folder as it goes over the wire: modified UTF-7 (RFC 3501, 5.1.3).
fn wire_name(folder: &str) -> String {
    let base64 = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
    let (mut name, mut odd) = (String::new(), Vec::new());
    let mut characters = folder.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '&' => name.push_str("&-"),
            ' '..='~' => name.push(character),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    odd.extend_from_slice(&unit.to_be_bytes());
                }
                if characters
                    .peek()
                    .is_none_or(|next| matches!(next, ' '..='~'))
                {
                    name.push('&');
                    base64.encode_string(&odd, &mut name);
                    name.push('-');
                    odd.clear();
                }
            }
        }
    }
    name
}

async fn greeted(line: Line, timeout: Duration) -> Result<Client<Line>, MailFailure> {
    let mut client = Client::new(line);
    let greeting = async { Ok(client.read_response().await?) };
    match within(timeout, greeting).await? {
        Some(_) => Ok(client),
        None => Err(MailFailure::Unreachable(
            "the server closed the conversation".to_owned(),
        )),
    }
}

async fn secured(line: Line, host: &str) -> Result<Line, Error> {
    let setup = |error: &dyn std::fmt::Display| std::io::Error::other(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new(provider.clone()).map_err(|e| setup(&e))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| setup(&e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|e| setup(&e))?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    Ok(Line::new(connector.connect(name, line).await?))
}

fn silent(timeout: Duration) -> MailFailure {
    MailFailure::Unreachable(format!("no answer within {} ms", timeout.as_millis()))
}

async fn within<T>(
    timeout: Duration,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, MailFailure> {
    match tokio::time::timeout(timeout, step).await {
        Ok(done) => done.map_err(failure),
        Err(_) => Err(silent(timeout)),
    }
}

/// Response codes (RFC 5530) of servers that could, but not now.
const NOT_NOW: &[&str] = &["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]"];

fn failure(error: Error) -> MailFailure {
    match error {
        Error::No(message) if NOT_NOW.iter().any(|code| message.contains(code)) => {
            MailFailure::Unreachable(message)
        }
        Error::No(message) | Error::Bad(message) => MailFailure::Denied(message),
        Error::Validate(error) => MailFailure::Denied(error.to_string()),
        Error::Io(error) => {
            let is_tls = { error.get_ref() }.is_some_and(|inner| inner.is::<rustls::Error>());
            if is_tls {
                MailFailure::Config(error.to_string())
            } else {
                MailFailure::Unreachable(error.to_string())
            }
        }
        other => MailFailure::Unreachable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The examples of RFC 3501, section 5.1.3.
    #[test]
    fn folders_go_over_the_wire_in_modified_utf7() {
        for (folder, name) in [
            ("INBOX", "INBOX"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Tom & Jerry", "Tom &- Jerry"),
            ("✉", "&Jwk-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(wire_name(folder), name);
        }
    }

    #[test]
    fn what_is_looked_for_cannot_become_a_command() {
        assert_eq!(quoted(r#"a "b\" c"#).unwrap(), r#""a \"b\\\" c""#);
        assert!(quoted("a\r\nA1 LOGOUT").is_err());
    }
}
