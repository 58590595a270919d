//! What is in a mail: its header's fields and its content (RFC 5322, MIME), decoded to text.

use crate::connectors::imap::Mail;
use crate::tools::Bytes;
use deputy_protocol::Time;
use mail_parser::{Addr, Address, HeaderValue, Message, MessageParser, MimeHeaders, PartType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody, as a mail names them. Anybody can write anything there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Person {
    /// The name, if there is one.
    pub(crate) name: Option<String>,
    /// The address, in small letters.
    pub(crate) address: String,
}

/// What a mailbox says of a mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Summary {
    /// Names it in its folder, for `mail.get` and as `once`.
    pub(crate) id: String,
    /// Its Message-ID, with angle brackets, if it has one. Its sender chose it.
    pub(crate) message_id: Option<String>,
    /// Who says to have written it.
    pub(crate) from: Option<Person>,
    /// To whom.
    pub(crate) to: Vec<Person>,
    /// Its subject, decoded; empty when it has none.
    pub(crate) subject: String,
    /// When it says to have been written (RFC 3339).
    pub(crate) date: Option<String>,
    /// When the mailbox got it (RFC 3339).
    pub(crate) received: Option<String>,
    /// Nobody has read it.
    pub(crate) unread: bool,
    /// Bytes in all.
    pub(crate) size: u64,
}

/// A file in a mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Attached {
    /// Its name; empty when it has none. Its sender chose it: it may be no good as a file's.
    pub(crate) name: String,
    /// Its media type, as the sender says.
    pub(crate) content_type: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Its content, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<Bytes>,
}

/// What is in a mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Content {
    /// What a mailbox says of it.
    #[serde(flatten)]
    pub(crate) summary: Summary,
    /// Who else got it.
    pub(crate) cc: Vec<Person>,
    /// Where answers are to go, when it says so.
    pub(crate) reply_to: Vec<Person>,
    /// Message-IDs of the mails that it answers.
    pub(crate) in_reply_to: Vec<String>,
    /// Its text; made of the HTML when there is no other.
    pub(crate) text: String,
    /// Its HTML, if there is some.
    pub(crate) html: Option<String>,
    /// The files in it.
    pub(crate) attachments: Vec<Attached>,
}

/// The name of a mail in a folder of this validity.
pub(crate) fn id(validity: u32, uid: u32) -> String {
    format!("{validity}-{uid}")
}

/// Validity and number of a mail by its name.
pub(crate) fn numbers(id: &str) -> Option<(u32, u32)> {
    let (validity, uid) = id.split_once('-')?;
    Some((validity.parse().ok()?, uid.parse().ok()?))
}

/// What a mailbox says of a mail.
pub(crate) fn summary(validity: u32, mail: &Mail) -> Summary {
    let parsed = MessageParser::default().parse_headers(&mail.header);
    summed(validity, mail, parsed.as_ref())
}

/// What is in a mail, with the files' bytes or without.
pub(crate) fn content(validity: u32, mail: &Mail, raw: &[u8], with_bytes: bool) -> Content {
    let parsed = MessageParser::default().parse(raw);
    let summary = summed(validity, mail, parsed.as_ref());
    let Some(parsed) = parsed else {
        // Not even one field: whatever it is, it is text for whoever reads it.
        return Content {
            summary,
            cc: Vec::new(),
            reply_to: Vec::new(),
            in_reply_to: Vec::new(),
            text: String::from_utf8_lossy(raw).into_owned(),
            html: None,
            attachments: Vec::new(),
        };
    };
    let all = |bodies: Vec<std::borrow::Cow<'_, str>>| bodies.join("\n");
    let texts = (0..parsed.text_body_count()).filter_map(|n| parsed.body_text(n));
    // A mail of text alone has an HTML form made of it, which nobody wrote.
    let html = { parsed.html_bodies() }
        .filter_map(|part| match &part.body {
            PartType::Html(html) => Some(html.clone()),
            _ => None,
        })
        .collect::<Vec<_>>();
    Content {
        text: all(texts.collect()),
        html: (!html.is_empty()).then(|| all(html)),
        cc: people(parsed.cc()),
        reply_to: people(parsed.reply_to()),
        in_reply_to: ids(parsed.in_reply_to()),
        attachments: { parsed.attachments() }
            .map(|part| Attached {
                name: part.attachment_name().unwrap_or_default().to_owned(),
                content_type: content_type(part),
                size: part.contents().len() as u64,
                bytes: with_bytes.then(|| Bytes(part.contents().to_vec())),
            })
            .collect(),
        summary,
    }
}

fn content_type(part: &mail_parser::MessagePart<'_>) -> String {
    let Some(kind) = part.content_type() else {
        return "application/octet-stream".to_owned();
    };
    let subtype = kind.subtype().unwrap_or("octet-stream");
    format!("{}/{subtype}", kind.ctype()).to_ascii_lowercase()
}

fn summed(validity: u32, mail: &Mail, parsed: Option<&Message<'_>>) -> Summary {
    let date = { parsed.and_then(Message::date) }
        .map(|date| Time(date.to_timestamp().saturating_mul(1000)).to_string());
    Summary {
        id: id(validity, mail.uid),
        message_id: { parsed.and_then(Message::message_id) }.map(|id| format!("<{id}>")),
        from: { parsed.and_then(Message::from) }
            .and_then(|from| people(Some(from)).into_iter().next()),
        to: people(parsed.and_then(Message::to)),
        subject: { parsed.and_then(Message::subject) }
            .unwrap_or_default()
            .to_owned(),
        date,
        received: mail.received.map(|time| time.to_string()),
        unread: mail.is_unread,
        size: mail.size,
    }
}

fn people(address: Option<&Address<'_>>) -> Vec<Person> {
    let person = |addr: &Addr<'_>| {
        Some(Person {
            name: addr.name().map(str::to_owned),
            address: addr.address()?.to_lowercase(),
        })
    };
    address.map_or_else(Vec::new, |all| all.iter().filter_map(person).collect())
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    let whole = |id: &std::borrow::Cow<'_, str>| format!("<{id}>");
    match value {
        HeaderValue::Text(id) => vec![whole(id)],
        HeaderValue::TextList(ids) => ids.iter().map(whole).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn mail(raw: &[u8]) -> Mail {
        Mail {
            uid: 7,
            header: raw.to_vec(),
            received: Some(Time(1_700_000_000_000)),
            size: raw.len() as u64,
            is_unread: true,
        }
    }

    #[test]
    fn an_invoice_with_names_in_other_scripts_and_a_file_is_read_whole() {
        let raw = "From: =?UTF-8?B?R3LDvMOfZSBHbWJI?= <Billing@Example.ORG>\r\n\
            To: me@example.org, \"Two, Too\" <two@example.org>\r\nCc: boss@example.org\r\n\
            Subject: =?ISO-8859-1?Q?Rechnung_f=FCr_M=E4rz?=\r\n\
            Date: Fri, 27 Nov 2026 09:00:00 +0100\r\nMessage-ID: <a1@example.org>\r\n\
            In-Reply-To: <b2@example.org>\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=x\r\n\r\n\
            --x\r\nContent-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Betrag: 12,50 =A4 f=FCr M=E4rz\r\n\
            --x\r\nContent-Type: application/pdf; name=\"inv.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
            Content-Disposition: attachment; filename=\"inv.pdf\"\r\n\r\nJVBERi0=\r\n--x--\r\n";
        let read = content(3, &mail(raw.as_bytes()), raw.as_bytes(), true);
        let summary = &read.summary;
        assert_eq!((summary.id.as_str(), numbers("3-7")), ("3-7", Some((3, 7))));
        assert_eq!(summary.message_id.as_deref(), Some("<a1@example.org>"));
        let from = summary.from.as_ref().unwrap();
        assert_eq!(from.name.as_deref(), Some("Grüße GmbH"));
        assert_eq!(from.address, "billing@example.org");
        assert_eq!(summary.to[1].address, "two@example.org");
        assert_eq!(summary.to[1].name.as_deref(), Some("Two, Too"));
        assert_eq!(summary.subject, "Rechnung für März");
        assert_eq!(summary.date.as_deref(), Some("2026-11-27T08:00:00.000Z"));
        assert_eq!(read.cc[0].address, "boss@example.org");
        assert_eq!(read.in_reply_to, ["<b2@example.org>"]);
        assert!(read.text.contains("für März"), "{}", read.text);
        assert_eq!(read.html, None);
        let file = &read.attachments[0];
        assert_eq!(file.name, "inv.pdf");
        assert_eq!(file.content_type, "application/pdf");
        assert_eq!(file.bytes, Some(Bytes(b"%PDF-".to_vec())));
        // Of the header alone there is as much to tell.
        assert_eq!(super::summary(3, &mail(raw.as_bytes())), *summary);
    }

    #[test]
    fn of_html_alone_there_is_a_text_and_of_text_alone_no_html() {
        let raw = b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>Total <b>12</b></p>";
        let read = content(1, &mail(raw), raw, false);
        assert!(read.text.contains("Total 12"), "{}", read.text);
        assert_eq!(read.html.as_deref(), Some("<p>Total <b>12</b></p>"));
    }

    #[test]
    fn what_is_no_mail_is_read_as_far_as_it_goes() {
        for raw in [
            &b""[..],
            b"\r\n\r\n",
            b"\xff\xfe\x00",
            b"Subject",
            b": :\r\n",
        ] {
            let read = content(1, &mail(raw), raw, true);
            assert_eq!(read.summary.from, None);
            assert!(read.attachments.is_empty());
        }
    }

    proptest! {
        #[test]
        fn nothing_that_arrives_is_too_much(
            head in "(Subject|From|To|Date|Content-Type|Message-ID|x): [ -~\\r\\n;=?<>@\"]{0,80}",
            body in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let raw = [head.as_bytes(), b"\r\n\r\n", &body].concat();
            content(1, &mail(&raw), &raw, true);
            super::summary(1, &mail(&raw));
        }
    }
}
