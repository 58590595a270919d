//! “Tell me every weekday at 7 what is in my calendar Work”.

use super::super::Bundle;
use super::super::words::{after, quoted, tokens};
use super::{Draft, Unplanned, missing};
use serde_json::json;

/// What makes a sentence one about a calendar.
const SIGNS: &[&str] = &["calendar", "my agenda", "my appointments"];

/// What it must say, too: that somebody wants to be told of what is in it.
const TELLS: &[&str] = &[
    "tell",
    "notify",
    "let me know",
    "send me",
    "mail ",
    "show me",
    "what is",
    "what's",
];

/// What it must not say: more is wanted than to be told of a day, or something else.
const DOES_MORE: &[&str] = &[
    "create",
    "add ",
    "put ",
    "book",
    "invite",
    "delete",
    "remove",
    "cancel",
    "move",
    "reschedul",
    "accept",
    "decline",
    "answer",
    "conflict",
    "free",
    "summar",
    "translate",
    "change",
    "tomorrow",
    "week's",
    "next week",
    "this week",
    "month",
    "when ",
    "whenever",
    "before ",
    " if ",
    "unless",
];

/// Whether a sentence, in small letters, wants to be told what a calendar has on the day and nothing else.
pub(super) fn is_meant(lower: &str) -> bool {
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    says(SIGNS) && says(TELLS) && !says(DOES_MORE)
}

impl Draft<'_> {
    pub(super) fn agenda(mut self) -> Result<Bundle, Unplanned> {
        let calendar = self.calendar().ok_or_else(|| {
            missing(
                "Which calendar?",
                "name it, e.g. “… what is in my calendar Work”; `deputy connections` shows which there are",
            )
        })?;
        let account = "calendar";
        self.params.insert("account".to_owned(), json!(account));
        self.params.insert("calendar".to_owned(), json!(calendar));
        self.capabilities.insert(
            "calendar.list".to_owned(),
            json!({"connections": [account], "calendars": [calendar]}),
        );
        self.telling()?;
        self.assumptions
            .push("The calendar is one of the connection named “calendar”".to_owned());
        self.assumptions.push(
            "Of the day on which it runs; a day with nothing in it is told of, too".to_owned(),
        );
        let trigger = self.trigger(
            json!({"cron": "0 7 * * *"}),
            "Told every day at 07:00, as you did not say when",
        )?;
        Ok(self.finish(
            format!("What is in {calendar}"),
            include_str!("../../../recipes/agenda.js"),
            trigger,
        ))
    }

    /// The calendar's name: in quotes, behind the word, or in front of it.
    fn calendar(&self) -> Option<String> {
        if let Some(name) = quoted(self.text).first() {
            return Some(name.clone());
        }
        let behind = after(
            self.text,
            &["calendar called ", "calendar named ", "calendar "],
        );
        let behind = behind.map(|rest| {
            let rest = rest.split([',', '.', '?', ';']).next().unwrap_or_default();
            let end = [" today", " at ", " on ", " to ", " by ", " and ", " each "]
                .iter()
                .filter_map(|word| rest.find(word))
                .min()
                .unwrap_or(rest.len());
            rest[..end].trim()
        });
        let no_name = [
            "today", "at", "on", "to", "by", "and", "each", "every", "for", "in", "has", "says",
        ];
        if let Some(name) = behind
            && let Some(first) = name.split(' ').next()
            && !first.is_empty()
            && !no_name.contains(&first.to_lowercase().as_str())
        {
            return Some(name.to_owned());
        }
        let words: Vec<&str> = tokens(self.text).collect();
        let at = { words.iter() }.position(|word| word.eq_ignore_ascii_case("calendar"))?;
        let before = words.get(at.checked_sub(1)?)?;
        let is_name = before.chars().next().is_some_and(char::is_uppercase);
        is_name.then(|| (*before).to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::plan;

    fn planned(text: &str) -> Result<(String, String), String> {
        let now = "2026-11-24T13:00:00Z".parse().unwrap();
        let bundle = plan(text, "Europe/Berlin", now).map_err(|e| e.code.to_owned())?;
        let calendar = bundle.contract["params"]["calendar"].as_str();
        Ok((bundle.name.clone(), calendar.unwrap_or_default().to_owned()))
    }

    #[test]
    fn the_calendar_is_the_one_that_is_named() {
        for (text, calendar) in [
            (
                "tell me every weekday at 7 what is in my calendar Work",
                "Work",
            ),
            (
                "every morning at 7, tell me what's in my Work calendar",
                "Work",
            ),
            (
                "mail me@example.org what is in my calendar Team North every day at 6",
                "Team North",
            ),
            (
                "tell me what is in the calendar “Bücher & Kino” today",
                "Bücher & Kino",
            ),
        ] {
            let found = planned(text);
            assert_eq!(
                found.map(|(_, calendar)| calendar).as_deref(),
                Ok(calendar),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_named_is_asked_and_what_is_more_is_refused() {
        for text in [
            "tell me every morning what is in my calendar",
            "tell me what is in the calendar today",
        ] {
            assert_eq!(planned(text), Err("question".to_owned()), "{text}");
        }
        for text in [
            "put what is due into my calendar Work",
            "tell me when something in my calendar Work conflicts",
            "create an event in my calendar Work every day",
            "summarise my calendar Work every morning",
            "tell me what is in my calendar Work next week",
        ] {
            let found = planned(text);
            assert_eq!(found, Err("cannot_plan".to_owned()), "{text}");
        }
    }
}
