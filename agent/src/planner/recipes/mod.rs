//! The built-in recipes: which sentence each takes, and the contract that it comes with. Nothing is
//! guessed: what fits no recipe is said, with how to set up a model.

mod agenda;
mod mailbox;

use super::words::{after, alternatives, mails, number_after, paths, quoted, urls};
use super::{BUNDLE_VERSION, Bundle, when};
use deputy_protocol::Time;
use serde_json::{Map, Value, json};

/// Why there is no plan.
#[derive(Debug)]
pub struct Unplanned {
    /// `question` (something is missing) or `cannot_plan`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
}

fn missing(message: &str, hint: &str) -> Unplanned {
    Unplanned {
        code: "question",
        message: message.to_owned(),
        hint: hint.to_owned(),
    }
}

/// Each recipe: its name, and what makes a sentence its own.
const RECIPES: &[(&str, &[&str])] = &[
    ("reminder", &["remind"]),
    ("backup-rotation", &["back up", "backup"]),
    (
        "folder-tidy",
        &["tidy", "clean up", "sort the files", "organise", "organize"],
    ),
    ("feed-digest", &["digest"]),
    (
        "price-watch",
        &[
            "price",
            "drops below",
            "falls below",
            "goes above",
            "rises above",
        ],
    ),
    (
        "feed-watch",
        &["feed", "rss", "atom", "new items", "new posts"],
    ),
    (
        "site-up",
        &[
            "is down",
            "goes down",
            "is offline",
            "stops answering",
            "is up",
            "is unreachable",
        ],
    ),
    (
        "page-change",
        &[
            "changes",
            "change on",
            "for changes",
            "is updated",
            "watch ",
        ],
    ),
];

const CAN_DO: &str = "Without a model I can: watch a feed for words, watch a page for changes or a price, tell when a \
    site is down, tell of mails that arrive, tell what a calendar has on the day, tidy a folder, back up a file, send a digest of feeds, remind you";

struct Draft<'a> {
    text: &'a str,
    lower: String,
    zone: &'a str,
    now: Time,
    params: Map<String, Value>,
    capabilities: Map<String, Value>,
    invariants: Vec<Value>,
    assumptions: Vec<String>,
}

/// Plans from words alone.
pub fn plan(text: &str, zone: &str, now: Time) -> Result<Bundle, Unplanned> {
    let lower = text.to_lowercase();
    let recipe = RECIPES
        .iter()
        .find(|(_, signs)| signs.iter().any(|sign| lower.contains(sign)))
        .map(|(name, _)| *name);
    // “watch my inbox for …” is about no page.
    let is_loose = matches!(recipe, None | Some("site-up" | "page-change"));
    let recipe = if is_loose && urls(text).is_empty() && mailbox::is_meant(&lower) {
        Some("mail-watch")
    } else if is_loose && urls(text).is_empty() && agenda::is_meant(&lower) {
        Some("agenda")
    } else {
        recipe
    };
    let draft = Draft {
        text,
        lower,
        zone,
        now,
        params: Map::new(),
        capabilities: Map::new(),
        invariants: Vec::new(),
        assumptions: Vec::new(),
    };
    match recipe {
        Some("reminder") => draft.reminder(),
        Some("backup-rotation") => draft.backup(),
        Some("folder-tidy") => draft.tidy(),
        Some("feed-digest") => draft.digest(),
        Some("price-watch") => draft.price(),
        Some("feed-watch") => draft.feed(),
        Some("mail-watch") => draft.mailbox(),
        Some("agenda") => draft.agenda(),
        Some("site-up") => draft.site_up(),
        Some("page-change") => draft.page(),
        _ => Err(Unplanned {
            code: "cannot_plan",
            message: format!(
                "I do not know how to do that without a model, so nothing was set up. {CAN_DO}."
            ),
            hint: "install a bundle with `deputy install FILE.json`, or say one of these"
                .to_owned(),
        }),
    }
}

fn host_of(url: &str) -> Result<String, Unplanned> {
    let parsed = url::Url::parse(url).map_err(|e| {
        missing(
            &format!("“{url}” is not an address: {e}"),
            "name it with http:// or https://",
        )
    })?;
    let host = parsed.host_str().unwrap_or_default().to_owned();
    Ok(match parsed.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

impl Draft<'_> {
    fn url(&self, what: &str) -> Result<String, Unplanned> {
        let found = urls(self.text);
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(missing(
                &format!("Which {what}? I found no address in that"),
                "name it, e.g. https://example.org/feed.xml",
            )),
            _ => Err(missing(
                &format!("Which {what}? There are several addresses in that"),
                "delegate one after the other",
            )),
        }
    }

    fn path(&self, at: usize, what: &str) -> Result<String, Unplanned> {
        let found = paths(self.text);
        let path = found.get(at).ok_or_else(|| {
            missing(
                &format!("Which {what}? I found no path in that"),
                "name it, e.g. ~/Downloads",
            )
        })?;
        crate::intent::expand_home(path).ok_or_else(|| {
            missing(
                &format!("“{path}” cannot be used as a path"),
                "name it in full, without “..”",
            )
        })
    }

    fn trigger(&mut self, default: Value, said: &str) -> Result<Value, Unplanned> {
        match when::parse(self.text, self.zone, self.now) {
            Ok(Some(found)) => Ok(found.trigger),
            Ok(None) => {
                self.assumptions.push(said.to_owned());
                Ok(default)
            }
            Err(message) => Err(missing(&message, "say it another way")),
        }
    }

    /// How the user wants to be told: by notification, or by mail when the sentence says so.
    fn telling(&mut self) -> Result<(), Unplanned> {
        let wants_mail = ["mail me", "email", "e-mail", "by mail", " mail "]
            .iter()
            .any(|w| self.lower.contains(w))
            || !mails(self.text).is_empty();
        if !wants_mail {
            self.params.insert("through".to_owned(), json!("notify"));
            self.capabilities
                .insert("notify.send".to_owned(), json!({}));
            self.invariants
                .push(json!({"max": 50, "of": "notify.send", "per": "day"}));
            return Ok(());
        }
        let to = mails(self.text).first().cloned().ok_or_else(|| {
            missing(
                "To which address shall I mail it?",
                "name it in the sentence, and set up a connection with `deputy connect mail`",
            )
        })?;
        self.params.insert("through".to_owned(), json!("mail"));
        self.params.insert("to".to_owned(), json!(to));
        self.params.insert("connection".to_owned(), json!("mail"));
        self.capabilities.insert(
            "mail.send".to_owned(),
            json!({"connections": ["mail"], "recipients": [to]}),
        );
        self.invariants
            .push(json!({"max": 50, "of": "mail.send", "per": "day"}));
        self.assumptions
            .push("Mail goes through the connection named “mail”".to_owned());
        Ok(())
    }

    fn finish(self, name: String, script: &str, trigger: Value) -> Bundle {
        Bundle {
            bundle: BUNDLE_VERSION,
            name,
            contract: json!({
                "contract": 1, "purpose": self.text.trim(), "timezone": self.zone, "params": self.params,
                "triggers": [trigger], "capabilities": self.capabilities, "invariants": self.invariants,
                "assumptions": self.assumptions,
            }),
            script: script.to_owned(),
            fixtures: Vec::new(),
        }
    }

    fn feed(mut self) -> Result<Bundle, Unplanned> {
        let url = self.url("feed")?;
        let host = host_of(&url)?;
        let about = after(
            self.text,
            &[
                "mentions ",
                "mention ",
                "mentioning ",
                " about ",
                "contains ",
                "containing ",
                "with the word ",
            ],
        );
        let keywords = about.map(alternatives).unwrap_or_default();
        if keywords.is_empty() {
            self.assumptions.push("Every new item counts".to_owned());
        } else {
            self.assumptions
                .push("Titles and summaries are searched, in any case".to_owned());
        }
        self.assumptions
            .push("Items that are there already count too, the newest 10 at most".to_owned());
        self.params.insert("url".to_owned(), json!(url));
        self.params.insert("keywords".to_owned(), json!(keywords));
        self.capabilities
            .insert("feeds.read".to_owned(), json!({"hosts": [host]}));
        self.telling()?;
        let trigger = self.trigger(
            json!({"every_ms": 3_600_000}),
            "Looked at every hour, as you did not say how often",
        )?;
        let about = if keywords.is_empty() {
            "new items".to_owned()
        } else {
            keywords.join(", ")
        };
        Ok(self.finish(
            format!("Feed of {host}: {about}"),
            include_str!("../../../recipes/feed-watch.js"),
            trigger,
        ))
    }

    fn digest(mut self) -> Result<Bundle, Unplanned> {
        let found = urls(self.text);
        if found.is_empty() {
            return Err(missing(
                "A digest of which feeds? I found no address in that",
                "name them, e.g. https://example.org/feed.xml",
            ));
        }
        let hosts = found
            .iter()
            .map(|url| host_of(url))
            .collect::<Result<Vec<_>, _>>()?;
        self.params.insert("urls".to_owned(), json!(found));
        self.capabilities
            .insert("feeds.read".to_owned(), json!({"hosts": hosts}));
        self.telling()?;
        let trigger = self.trigger(
            json!({"cron": "0 8 * * *"}),
            "Sent every day at 08:00, as you did not say when",
        )?;
        Ok(self.finish(
            format!("Digest of {}", hosts.join(", ")),
            include_str!("../../../recipes/feed-digest.js"),
            trigger,
        ))
    }

    fn page_params(&mut self, what: &str) -> Result<String, Unplanned> {
        let url = self.url(what)?;
        let host = host_of(&url)?;
        self.params.insert("url".to_owned(), json!(url));
        if let Some(selector) = after(self.text, &["selector "]) {
            let selector = quoted(selector)
                .first()
                .cloned()
                .unwrap_or_else(|| selector.to_owned());
            self.params.insert("selector".to_owned(), json!(selector));
        }
        self.capabilities
            .insert("web.fetch".to_owned(), json!({"hosts": [host]}));
        self.capabilities
            .insert("notify.send".to_owned(), json!({}));
        self.invariants
            .push(json!({"max": 50, "of": "notify.send", "per": "day"}));
        Ok(host)
    }

    fn page(mut self) -> Result<Bundle, Unplanned> {
        let host = self.page_params("page")?;
        self.assumptions
            .push("The first look only remembers what is there".to_owned());
        let trigger = self.trigger(
            json!({"every_ms": 3_600_000}),
            "Looked at every hour, as you did not say how often",
        )?;
        Ok(self.finish(
            format!("Changes on {host}"),
            include_str!("../../../recipes/page-change.js"),
            trigger,
        ))
    }

    fn site_up(mut self) -> Result<Bundle, Unplanned> {
        let host = self.page_params("site")?;
        self.assumptions
            .push("Two looks in a row must fail before it counts as down".to_owned());
        let trigger = self.trigger(
            json!({"every_ms": 300_000}),
            "Looked at every 5 minutes, as you did not say how often",
        )?;
        Ok(self.finish(
            format!("Is {host} up?"),
            include_str!("../../../recipes/site-up.js"),
            trigger,
        ))
    }

    fn price(mut self) -> Result<Bundle, Unplanned> {
        let host = self.page_params("page")?;
        let below = number_after(self.text, &["below", "under", "beneath"]);
        let above = number_after(self.text, &["above", "over", "exceeds"]);
        if below.is_none() && above.is_none() {
            return Err(missing(
                "Below or above which number?",
                "e.g. “… drops below 50 euros”",
            ));
        }
        for (name, value) in [("below", below), ("above", above)] {
            if let Some(value) = value {
                self.params.insert(name.to_owned(), json!(value));
            }
        }
        if !self.params.contains_key("selector") {
            self.assumptions
                .push("The first amount of money on the page is the price".to_owned());
        }
        let trigger = self.trigger(
            json!({"every_ms": 3_600_000}),
            "Looked at every hour, as you did not say how often",
        )?;
        Ok(self.finish(
            format!("Price at {host}"),
            include_str!("../../../recipes/price-watch.js"),
            trigger,
        ))
    }

    fn reminder(mut self) -> Result<Bundle, Unplanned> {
        let trigger = match when::parse(self.text, self.zone, self.now) {
            Ok(Some(found)) => found.trigger,
            Ok(None) => {
                return Err(missing(
                    "When shall I remind you?",
                    "e.g. “remind me tomorrow at 9 to call Ana”",
                ));
            }
            Err(message) => return Err(missing(&message, "say it another way")),
        };
        let what = quoted(self.text).first().cloned().or_else(|| {
            after(self.text, &[" to ", " about ", " of ", " that "]).map(str::to_owned)
        });
        let what = what.filter(|w| !w.is_empty()).ok_or_else(|| {
            missing(
                "Of what shall I remind you?",
                "e.g. “remind me tomorrow at 9 to call Ana”",
            )
        })?;
        self.params.insert("text".to_owned(), json!(what));
        self.capabilities
            .insert("notify.send".to_owned(), json!({}));
        self.invariants
            .push(json!({"max": 1, "of": "notify.send", "per": "run"}));
        Ok(self.finish(
            format!("Reminder: {what}"),
            include_str!("../../../recipes/reminder.js"),
            trigger,
        ))
    }

    fn tidy(mut self) -> Result<Bundle, Unplanned> {
        let folder = self.path(0, "folder")?;
        self.params.insert("folder".to_owned(), json!(folder));
        for operation in ["files.list", "files.move"] {
            self.capabilities
                .insert(operation.to_owned(), json!({"folders": [folder]}));
        }
        self.invariants.push(json!({"never": "files.trash"}));
        self.invariants
            .push(json!({"max": 500, "of": "files.move", "per": "day"}));
        self.assumptions.push(
            "Files go into subfolders by their kind; files changed in the last hour stay"
                .to_owned(),
        );
        let trigger = self.trigger(
            json!({"cron": "0 2 * * *"}),
            "Done every night at 02:00, as you did not say when",
        )?;
        Ok(self.finish(
            format!("Tidy {folder}"),
            include_str!("../../../recipes/folder-tidy.js"),
            trigger,
        ))
    }

    fn backup(mut self) -> Result<Bundle, Unplanned> {
        let (file, folder) = (
            self.path(0, "file")?,
            self.path(1, "folder for the copies")?,
        );
        let keep = number_after(self.text, &["keep", "keeping"])
            .map_or(7, |n| n as u64)
            .max(1);
        if !self.lower.contains("keep") {
            self.assumptions
                .push("The latest 7 copies are kept".to_owned());
        }
        self.params.insert("file".to_owned(), json!(file));
        self.params.insert("folder".to_owned(), json!(folder));
        self.params.insert("keep".to_owned(), json!(keep));
        self.capabilities
            .insert("files.copy".to_owned(), json!({"folders": [file, folder]}));
        for operation in ["files.list", "files.trash"] {
            self.capabilities
                .insert(operation.to_owned(), json!({"folders": [folder]}));
        }
        self.assumptions
            .push("Older copies go into the trash, never for good".to_owned());
        let trigger = self.trigger(
            json!({"cron": "0 2 * * *"}),
            "Done every night at 02:00, as you did not say when",
        )?;
        Ok(self.finish(
            format!("Back up {file}"),
            include_str!("../../../recipes/backup-rotation.js"),
            trigger,
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::intent;

    fn planned(text: &str) -> Result<Bundle, Unplanned> {
        plan(
            text,
            "Europe/Berlin",
            "2026-11-24T13:00:00Z".parse().unwrap(),
        )
    }

    #[test]
    fn sentences_become_contracts_that_can_be_read() {
        let known = crate::tools::registry().known_operations();
        for (text, trigger) in [
            (
                "tell me when the feed at http://127.0.0.1:8000/feed.xml mentions rust, every minute",
                json!({"every_ms": 60_000}),
            ),
            (
                "every weekday at 8, mail me@example.org the new items of https://blog.rust-lang.org/feed.xml",
                json!({"cron": "0 8 * * 1-5"}),
            ),
            (
                "watch https://example.org/pricing for changes every hour",
                json!({"every_ms": 3_600_000}),
            ),
            (
                "tell me when example.org is down",
                json!({"every_ms": 300_000}),
            ),
            (
                "tell me every weekday at 7 what is in my calendar Work",
                json!({"cron": "0 7 * * 1-5"}),
            ),
            ("tidy ~/Downloads every night", json!({"cron": "0 2 * * *"})),
            (
                "remind me to water the plants every sunday at 10",
                json!({"cron": "0 10 * * 0"}),
            ),
            (
                "remind me tomorrow at 9 to call Ana",
                json!({"at": "2026-11-25T08:00:00.000Z"}),
            ),
            (
                "back up ~/notes.txt to ~/Backups every day, keep 7",
                json!({"cron": "0 8 * * *"}),
            ),
            (
                "tell me when the price on https://shop.example/p/1 drops below 50 euros",
                json!({"every_ms": 3_600_000}),
            ),
            (
                "send me a digest of https://a.org/feed and https://b.org/feed every day at 7 to me@example.org",
                json!({"cron": "0 7 * * *"}),
            ),
        ] {
            let bundle = planned(text).unwrap_or_else(|e| panic!("{text}: {}", e.message));
            let contract =
                intent::parse(&bundle.contract, &known).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            assert_eq!(
                serde_json::to_value(&contract.triggers[0]).unwrap(),
                trigger,
                "{text}"
            );
            assert!(!bundle.contract.to_string().contains("\"*\""), "{text}");
        }
    }

    #[test]
    fn what_is_said_is_what_is_allowed() {
        let bundle = planned("tell me when the feed at http://127.0.0.1:8000/feed.xml mentions rust or “tokio now”, every minute").unwrap();
        assert_eq!(
            bundle.contract["capabilities"]["feeds.read"]["hosts"],
            json!(["127.0.0.1:8000"])
        );
        assert_eq!(bundle.contract["params"]["keywords"], json!(["tokio now"]));
        let reminder = planned("remind me tomorrow at 9 to call Ana").unwrap();
        assert_eq!(reminder.contract["params"]["text"], "call Ana");
    }

    #[test]
    fn what_is_missing_is_asked_and_what_is_unknown_is_refused() {
        for text in [
            "tell me when the feed mentions rust",
            "remind me to breathe",
            "tidy my things",
            "tell me when the price on https://a.org changes much",
        ] {
            assert_eq!(planned(text).unwrap_err().code, "question", "{text}");
        }
        for text in [
            "transfer money to Bob",
            "delete all my mails",
            "post this on a social network",
            "",
        ] {
            assert_eq!(planned(text).unwrap_err().code, "cannot_plan", "{text}");
        }
    }
}
