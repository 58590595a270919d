//! Whether a recipe says all that a sentence says. Pure. With a model set up, a sentence that says
//! anything more than its recipe goes to the model: a recipe must not leave half of it out.

use super::Bundle;
use super::words::{quoted, tokens};

/// Words that carry no wish of their own in the sentences of the recipes.
const PLAIN: &[&str] = &[
    "a",
    "about",
    "above",
    "again",
    "ago",
    "all",
    "am",
    "an",
    "and",
    "answering",
    "any",
    "archive",
    "arrive",
    "arrives",
    "as",
    "at",
    "atom",
    "back",
    "backup",
    "below",
    "by",
    "change",
    "changed",
    "changes",
    "check",
    "clean",
    "come",
    "comes",
    "copies",
    "copy",
    "daily",
    "day",
    "days",
    "digest",
    "dollars",
    "down",
    "downloads",
    "drops",
    "e-mail",
    "e-mails",
    "each",
    "email",
    "emails",
    "eur",
    "euro",
    "euros",
    "evening",
    "every",
    "falls",
    "feed",
    "feeds",
    "file",
    "files",
    "folder",
    "for",
    "friday",
    "from",
    "get",
    "goes",
    "has",
    "hour",
    "hourly",
    "hours",
    "i",
    "if",
    "in",
    "inbox",
    "into",
    "is",
    "it",
    "items",
    "its",
    "keep",
    "know",
    "last",
    "latest",
    "let",
    "mail",
    "mailbox",
    "mails",
    "me",
    "mention",
    "mentioning",
    "mentions",
    "minute",
    "minutes",
    "monday",
    "month",
    "monthly",
    "morning",
    "mornings",
    "my",
    "new",
    "newest",
    "news",
    "noon",
    "notify",
    "o'clock",
    "of",
    "offline",
    "old",
    "older",
    "on",
    "once",
    "one",
    "or",
    "organise",
    "organize",
    "over",
    "page",
    "please",
    "pm",
    "post",
    "posts",
    "price",
    "receive",
    "remind",
    "reminder",
    "rises",
    "rss",
    "saturday",
    "second",
    "seconds",
    "send",
    "site",
    "sort",
    "stops",
    "sunday",
    "tell",
    "than",
    "that",
    "the",
    "there",
    "this",
    "through",
    "thursday",
    "tidy",
    "to",
    "today",
    "tomorrow",
    "tuesday",
    "type",
    "types",
    "uhr",
    "under",
    "unreachable",
    "unread",
    "up",
    "updated",
    "usd",
    "via",
    "watch",
    "website",
    "wednesday",
    "week",
    "weekday",
    "weekdays",
    "weekend",
    "weekly",
    "weeks",
    "when",
    "whenever",
    "with",
];

/// Whether every word is one of the recipe's own, or stands in its parameters.
pub fn says_it_all(text: &str, bundle: &Bundle) -> bool {
    let params = &bundle.contract["params"];
    // “mentions rust and mail it to Ann”: what was taken for a term may be half of the wish.
    let quoted = quoted(text);
    let terms = params.as_object().into_iter().flatten();
    let mut terms = terms.filter_map(|(_, value)| value.as_array()).flatten();
    let is_plain = |term: &str| !term.contains(' ') || quoted.iter().any(|q| q == term);
    if !terms.all(|term| term.as_str().is_none_or(is_plain)) {
        return false;
    }
    let params = params.to_string().to_lowercase();
    let taken: Vec<&str> = tokens(&params).collect();
    let lower = text.to_lowercase();
    tokens(&lower).all(|word| {
        PLAIN.contains(&word)
            || taken.contains(&word)
            || word
                .chars()
                .any(|c| c.is_ascii_digit() || "/@€$£.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use deputy_protocol::Time;

    fn all(text: &str) -> bool {
        let bundle = crate::planner::plan(text, "UTC", Time(1_800_000_000_000)).unwrap();
        says_it_all(text, &bundle)
    }

    #[test]
    fn a_plain_sentence_is_the_recipes() {
        for text in [
            "tell me when the feed at https://blog.example.org/feed.xml mentions async, every hour",
            "watch https://example.org/page for changes every 10 minutes",
            "tell me when https://example.org is down",
            "remind me tomorrow at 9 to call the dentist",
            "tidy ~/Downloads every day at 7",
            "tell me when the price at https://shop.example/x drops below 50 €",
        ] {
            assert!(all(text), "{text}");
        }
    }

    #[test]
    fn a_sentence_that_says_more_is_not() {
        for text in [
            "tell me when the feed at https://blog.example.org/feed.xml mentions async and append the links to a note",
            "watch https://example.org/page for changes and translate them into German",
            "tell me when the price at https://shop.example/x drops below 50 € unless it is out of stock",
        ] {
            assert!(!all(text), "{text}");
        }
    }
}
