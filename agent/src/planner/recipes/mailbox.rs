//! “Tell me when a mail from … arrives”, “every weekday at 8, mail me … the new invoices in my inbox”.

use super::super::words::{after, alternatives, mails, quoted, tokens};
use super::super::{Bundle, when};
use super::{Draft, Unplanned, missing};
use serde_json::json;

/// What makes a sentence one about a mailbox.
const SIGNS: &[&str] = &[
    "inbox",
    "mailbox",
    "new mail",
    "new email",
    "new e-mail",
    "unread",
    "a mail ",
    "an email ",
    "an e-mail ",
    "mails from",
    "emails from",
    "mails about",
    "emails about",
    "mail arrives",
    "email arrives",
];

/// What a sentence must say, too: that somebody wants to be told.
const TELLS: &[&str] = &[
    "tell",
    "notify",
    "let me know",
    "inform",
    "alert",
    "watch",
    "show me",
    "send me",
    "mail ",
];

/// What it must not say: more is wanted than to be told.
const DOES_MORE: &[&str] = &[
    "write",
    "draft",
    "answer",
    "reply",
    "respond",
    "forward",
    "delete",
    "move",
    "archive",
    "unsubscribe",
    "summar",
    "translate",
];

/// Whether a sentence, in small letters, is about mails that are to be told of and nothing else.
pub(super) fn is_meant(lower: &str) -> bool {
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    says(SIGNS) && says(TELLS) && !says(DOES_MORE)
}

/// Words that name mails, and not what they are about.
const MAILS: &[&str] = &[
    "mail", "mails", "email", "emails", "e-mail", "e-mails", "message", "messages", "one", "ones",
    "unread",
];

impl Draft<'_> {
    pub(super) fn mailbox(mut self) -> Result<Bundle, Unplanned> {
        let from = self.sender();
        let words = self.subjects();
        let folder = "INBOX";
        let by_mail = [
            "mail me",
            "mail it",
            "mail them",
            "by mail",
            "by email",
            "by e-mail",
        ];
        let to = { mails(self.text).into_iter() }.find(|address| Some(address) != from.as_ref());
        let through = if to.is_some() || by_mail.iter().any(|sign| self.lower.contains(sign)) {
            let to = to.ok_or_else(|| {
                missing(
                    "To which address shall I mail it?",
                    "name it in the sentence, e.g. “mail me@example.org …”",
                )
            })?;
            self.capabilities.insert(
                "mail.send".to_owned(),
                json!({"connections": ["mail"], "recipients": [to]}),
            );
            self.params.insert("to".to_owned(), json!(to));
            "mail"
        } else {
            self.capabilities
                .insert("notify.send".to_owned(), json!({}));
            "notify"
        };
        let limit = format!("{through}.send");
        self.invariants
            .push(json!({"max": 100, "of": limit, "per": "day"}));
        for operation in ["mail.search", "mail.get"] {
            self.capabilities
                .insert(operation.to_owned(), json!({"connections": ["mail"]}));
        }
        self.assumptions
            .push("The mailbox is the one of the connection named “mail”".to_owned());
        let mut name = "Mails".to_owned();
        if let Some(from) = &from {
            name = format!("{name} from {from}");
        }
        if words.is_empty() {
            self.assumptions.push("Whatever a mail is about".to_owned());
        } else {
            name = format!("{name} about {}", words.join(", "));
            let quoted: Vec<String> = words.iter().map(|word| format!("“{word}”")).collect();
            self.assumptions.push(format!(
                "Subjects are searched for {}, in any case",
                quoted.join(" or ")
            ));
        }
        let said = when::parse(self.text, self.zone, self.now)
            .map_err(|message| missing(&message, "say it another way"))?;
        let together = said.is_some();
        let trigger = match said {
            Some(found) => {
                self.assumptions
                    .push("Each time tells what came since the one before, together".to_owned());
                found.trigger
            }
            None => {
                self.assumptions.push(
                    "Each is told as it comes; those that are there already do not count"
                        .to_owned(),
                );
                json!({"mail": {"connection": "mail", "folder": folder}})
            }
        };
        let params = json!({"connection": "mail", "folder": folder, "from": from, "words": words,
            "through": through, "together": together});
        if let serde_json::Value::Object(params) = params {
            self.params.extend(params);
        }
        Ok(self.finish(
            name,
            include_str!("../../../recipes/mail-watch.js"),
            trigger,
        ))
    }

    /// Whom the mails are to be from, in small letters: an address, a domain, or a name.
    fn sender(&self) -> Option<String> {
        let said = after(self.text, &[" from "])?;
        let said = until(
            said,
            &[
                " about ", " with ", " arrives", " arrive", " comes", " come in",
            ],
        );
        if said.is_empty()
            || ["this", "my", "the"]
                .iter()
                .any(|word| said.starts_with(word))
        {
            return None;
        }
        let named = quoted(said).into_iter().next();
        let named = named.or_else(|| mails(said).into_iter().next());
        Some(named.unwrap_or_else(|| said.to_owned()).to_lowercase())
    }

    /// Words of which a subject must have one, in small letters and without the plural's s.
    fn subjects(&self) -> Vec<String> {
        // “tell me about mails about …”: the last says what they are about.
        let last = self.text.to_ascii_lowercase().rfind(" about ").unwrap_or(0);
        let about = after(
            &self.text[last..],
            &[
                " about ",
                " mentions ",
                " mentioning ",
                " with the subject ",
                " says ",
            ],
        );
        let about = match about {
            Some(said) => until(
                said,
                &[" from ", " arrives", " arrive", " comes", " come in"],
            ),
            // “the new invoices in my inbox”
            None => match after(self.text, &[" new "]) {
                Some(said) => until(
                    said,
                    &[
                        " from ", " in my ", " in the ", " of my ", " arrive", " come",
                    ],
                ),
                None => return Vec::new(),
            },
        };
        let words = alternatives(about).into_iter().map(|word| {
            let word = word.to_lowercase();
            match word.strip_suffix('s') {
                Some(one) if one.len() > 3 && !one.ends_with('s') => one.to_owned(),
                _ => word,
            }
        });
        words
            .filter(|word| !tokens(word).any(|token| MAILS.contains(&token)))
            .collect()
    }
}

/// A text up to the first of some phrases.
fn until<'a>(text: &'a str, phrases: &[&str]) -> &'a str {
    // Of the same length as the text, so that places in it are places in the text.
    let lower = text.to_ascii_lowercase();
    let end = { phrases.iter() }
        .filter_map(|phrase| lower.find(phrase))
        .min();
    text[..end.unwrap_or(text.len())].trim()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::planner::plan;
    use deputy_protocol::Time;

    #[test]
    fn sentences_about_a_mailbox_say_whom_and_what_and_when() {
        let inbox = json!({"mail": {"connection": "mail", "folder": "INBOX"}});
        for (text, from, words, trigger) in [
            (
                "tell me when a mail from billing@shop.test arrives",
                json!("billing@shop.test"),
                json!([]),
                inbox.clone(),
            ),
            (
                "tell me about new mails from Ann about “the garden”",
                json!("ann"),
                json!(["the garden"]),
                inbox.clone(),
            ),
            (
                "every weekday at 8, mail me@example.org the new invoices from this inbox",
                json!(null),
                json!(["invoice"]),
                json!({"cron": "0 8 * * 1-5"}),
            ),
            (
                "tell me when an email about invoices or receipts from @shop.test comes",
                json!("@shop.test"),
                json!(["invoice", "receipt"]),
                inbox.clone(),
            ),
            ("notify me of new mail", json!(null), json!([]), inbox),
        ] {
            let bundle = plan(text, "UTC", Time(1_800_000_000_000))
                .unwrap_or_else(|e| panic!("{text}: {}", e.message));
            let contract = &bundle.contract;
            assert_eq!(contract["params"]["from"], from, "{text}");
            assert_eq!(contract["params"]["words"], words, "{text}");
            assert_eq!(contract["triggers"][0], trigger, "{text}");
            let known = crate::tools::registry().known_operations();
            crate::intent::parse(contract, &known).unwrap();
        }
        let mailed = plan(
            "mail it to me@example.org when an email from billing@shop.test arrives",
            "UTC",
            Time(0),
        );
        assert_eq!(mailed.unwrap().contract["params"]["to"], "me@example.org");
        for text in [
            "write a poem about my mailbox",
            "answer each new mail from Ann",
            "summarize the unread mails in my inbox and tell me",
        ] {
            assert_eq!(
                plan(text, "UTC", Time(0)).unwrap_err().code,
                "cannot_plan",
                "{text}"
            );
        }
        let unknown = plan("mail me the new invoices in my inbox", "UTC", Time(0));
        assert_eq!(unknown.unwrap_err().code, "question");
    }
}
