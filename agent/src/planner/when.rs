//! “every weekday at 8”, “every 10 minutes”, “tomorrow at noon”: triggers from words. Pure.

use deputy_protocol::Time;
use jiff::ToSpan;
use jiff::civil::Weekday;
use serde_json::{Value, json};

/// When something should happen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct When {
    /// A trigger as in a contract.
    pub(super) trigger: Value,
    /// Whether the sentence said so, or it is a default.
    pub(super) stated: bool,
}

const DAYS: [(&str, u8); 7] = [
    ("sunday", 0),
    ("monday", 1),
    ("tuesday", 2),
    ("wednesday", 3),
    ("thursday", 4),
    ("friday", 5),
    ("saturday", 6),
];

/// What a sentence says about when; `Err` for what it says and cannot be done.
pub(super) fn parse(text: &str, zone: &str, now: Time) -> Result<Option<When>, String> {
    let lower = text.to_lowercase();
    let tokens: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|t| t.trim_end_matches(['.', '!']))
        .filter(|t| !t.is_empty())
        .collect();
    if lower.contains("every other") {
        return Err(
            "“every other” cannot be said as a schedule yet; say “every 2 days” or name the days"
                .to_owned(),
        );
    }
    let stated = |trigger: Value| {
        Ok(Some(When {
            trigger,
            stated: true,
        }))
    };
    if let Some(ms) = interval(&tokens) {
        return stated(json!({"every_ms": ms}));
    }
    let clock = clock(&tokens);
    if let Some(days) = recurring_days(&tokens, &lower) {
        let (hours, minute) = times(&tokens)
            .or_else(|| clock.map(|(h, m)| (vec![h], m)))
            .unwrap_or_else(|| {
                (
                    vec![if lower.contains("night") {
                        2
                    } else if lower.contains("evening") {
                        18
                    } else {
                        8
                    }],
                    0,
                )
            });
        let hours: Vec<String> = hours.iter().map(u8::to_string).collect();
        return stated(json!({"cron": format!("{minute} {} {days}", hours.join(","))}));
    }
    once(&tokens, &lower, clock, zone, now)
}

/// “every 10 minutes”, “every hour”, “hourly”.
fn interval(tokens: &[&str]) -> Option<u64> {
    if tokens.contains(&"hourly") {
        return Some(3_600_000);
    }
    let at = tokens.iter().position(|t| *t == "every" || *t == "each")?;
    let next = tokens.get(at + 1)?;
    let (n, unit) = match number(next) {
        Some(n) => (n, *tokens.get(at + 2)?),
        None => (1, *next),
    };
    let ms = match unit.trim_end_matches('s') {
        "second" | "sec" => 1_000,
        "minute" | "min" => 60_000,
        "hour" => 3_600_000,
        "day" if n > 1 => 86_400_000,
        _ => return None,
    };
    n.checked_mul(ms).filter(|ms| *ms >= 1_000)
}

fn number(word: &str) -> Option<u64> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    word.parse()
        .ok()
        .or_else(|| WORDS.iter().position(|w| *w == word).map(|n| n as u64))
        .filter(|n| *n > 0)
}

/// Day of month, month and weekday of a recurring rule.
fn recurring_days(tokens: &[&str], lower: &str) -> Option<String> {
    if lower.contains("of each month")
        || lower.contains("of every month")
        || lower.contains("monthly")
    {
        let day = tokens.iter().find_map(|t| {
            t.strip_suffix("st")
                .or(t.strip_suffix("nd"))
                .or(t.strip_suffix("rd"))
                .or(t.strip_suffix("th"))?
                .parse::<u8>()
                .ok()
        });
        return Some(format!(
            "{} * *",
            day.filter(|d| (1..=31).contains(d)).unwrap_or(1)
        ));
    }
    let every = tokens
        .iter()
        .position(|t| *t == "every" || *t == "each" || *t == "on");
    if tokens.iter().any(|t| matches!(*t, "daily" | "nightly")) {
        return Some("* * *".to_owned());
    }
    let at = every?;
    let rest = &tokens[at + 1..];
    match *rest.first()? {
        "weekday" | "workday" | "weekdays" => return Some("* * 1-5".to_owned()),
        "day" | "morning" | "evening" | "night" => return Some("* * *".to_owned()),
        "weekend" | "weekends" => return Some("* * 0,6".to_owned()),
        _ => {}
    }
    let days: Vec<String> = rest
        .iter()
        .take_while(|t| **t == "and" || **t == "or" || day_of_week(t).is_some())
        .filter_map(|t| day_of_week(t))
        .map(|d| d.to_string())
        .collect();
    // “on friday” is once, “on fridays” and “every friday” recur.
    let recurs = tokens[at] != "on" || rest.first().is_some_and(|t| t.ends_with('s'));
    (!days.is_empty() && recurs).then(|| format!("* * {}", days.join(",")))
}

fn day_of_week(word: &str) -> Option<u8> {
    let word = word.trim_end_matches('s');
    DAYS.iter()
        .find(|(name, _)| *name == word || (word.len() >= 3 && name.starts_with(word)))
        .map(|(_, n)| *n)
}

/// “at 8”, “at 18:30”, “at 8am”, “at noon”.
fn clock(tokens: &[&str]) -> Option<(u8, u8)> {
    tokens
        .iter()
        .enumerate()
        .filter(|(_, t)| **t == "at")
        .find_map(|(i, _)| {
            let word = tokens.get(i + 1)?;
            clock_word(word, tokens.get(i + 2).copied())
        })
}

fn clock_word(word: &str, next: Option<&str>) -> Option<(u8, u8)> {
    match word {
        "noon" => return Some((12, 0)),
        "midnight" => return Some((0, 0)),
        _ => {}
    }
    let suffix = if word.ends_with("am") || next == Some("am") {
        Some(false)
    } else if word.ends_with("pm") || next == Some("pm") {
        Some(true)
    } else {
        None
    };
    let digits = word.trim_end_matches("am").trim_end_matches("pm");
    let (hour, minute) = match digits.split_once([':', '.']) {
        Some((h, m)) => (h.parse::<u8>().ok()?, m.parse::<u8>().ok()?),
        None => (digits.parse::<u8>().ok()?, 0),
    };
    let hour = match suffix {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    (hour < 24 && minute < 60).then_some((hour, minute))
}

/// “at 8am and 6pm”: several hours with one minute.
fn times(tokens: &[&str]) -> Option<(Vec<u8>, u8)> {
    let at = tokens.iter().position(|t| *t == "at")?;
    let (first, minute) = clock_word(tokens.get(at + 1)?, None)?;
    if tokens.get(at + 2) != Some(&"and") {
        return None;
    }
    let (second, other) = clock_word(tokens.get(at + 3)?, None)?;
    (minute == other).then_some((vec![first, second], minute))
}

/// “tomorrow at 9”, “in 2 hours”, “on 24 December at 9”, “on friday at 10”.
fn once(
    tokens: &[&str],
    lower: &str,
    clock: Option<(u8, u8)>,
    zone: &str,
    now: Time,
) -> Result<Option<When>, String> {
    let tz = jiff::tz::TimeZone::get(zone).map_err(|e| e.to_string())?;
    let here = now.to_timestamp().to_zoned(tz.clone());
    let at = |date: jiff::civil::Date, (hour, minute): (u8, u8)| -> Result<Option<When>, String> {
        let civil = date.at(hour.cast_signed(), minute.cast_signed(), 0, 0);
        let zoned = civil.to_zoned(tz.clone()).map_err(|e| e.to_string())?;
        Ok(Some(When {
            trigger: json!({"at": Time::from(zoned.timestamp())}),
            stated: true,
        }))
    };
    if let Some(i) = tokens.iter().position(|t| *t == "in")
        && let (Some(n), Some(unit)) =
            (tokens.get(i + 1).and_then(|t| number(t)), tokens.get(i + 2))
    {
        let n = i64::try_from(n).map_err(|e| e.to_string())?;
        let later = match unit.trim_end_matches('s') {
            "minute" | "min" => here.checked_add(n.minutes()),
            "hour" => here.checked_add(n.hours()),
            "day" => here.checked_add(n.days()),
            "week" => here.checked_add(n.weeks()),
            _ => return Ok(None),
        };
        let later = later.map_err(|e| e.to_string())?;
        return Ok(Some(When {
            trigger: json!({"at": Time::from(later.timestamp())}),
            stated: true,
        }));
    }
    let nine = clock.unwrap_or((9, 0));
    if tokens.contains(&"tomorrow") {
        return at(here.date().tomorrow().map_err(|e| e.to_string())?, nine);
    }
    if let Some(date) = calendar_date(tokens, here.date()) {
        return at(date, nine);
    }
    if let Some(i) = tokens.iter().position(|t| *t == "on" || *t == "next")
        && let Some(day) = tokens.get(i + 1).and_then(|t| day_of_week(t))
    {
        let weekday =
            Weekday::from_sunday_zero_offset(day.cast_signed()).map_err(|e| e.to_string())?;
        return at(
            here.date()
                .nth_weekday(1, weekday)
                .map_err(|e| e.to_string())?,
            nine,
        );
    }
    let today = lower.contains("today") || lower.contains("tonight");
    match clock {
        Some(time) => {
            let soon = here
                .date()
                .at(time.0.cast_signed(), time.1.cast_signed(), 0, 0);
            let date = if soon > here.datetime() || today {
                here.date()
            } else {
                here.date().tomorrow().map_err(|e| e.to_string())?
            };
            at(date, time)
        }
        None => Ok(None),
    }
}

/// “24 December”, “December 24”, “2027-01-05”.
fn calendar_date(tokens: &[&str], today: jiff::civil::Date) -> Option<jiff::civil::Date> {
    if let Some(date) = tokens
        .iter()
        .find_map(|t| t.parse::<jiff::civil::Date>().ok())
    {
        return Some(date);
    }
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let (i, month) = tokens.iter().enumerate().find_map(|(i, t)| {
        MONTHS
            .iter()
            .position(|m| m == t || (t.len() == 3 && m.starts_with(t)))
            .map(|m| (i, m + 1))
    })?;
    let day_of = |t: &&str| {
        t.trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .parse::<i8>()
            .ok()
    };
    let day = i
        .checked_sub(1)
        .and_then(|before| tokens.get(before))
        .and_then(day_of)
        .or_else(|| tokens.get(i + 1).and_then(day_of))?;
    let month = i8::try_from(month).ok()?;
    let date = jiff::civil::Date::new(today.year(), month, day).ok()?;
    if date >= today {
        Some(date)
    } else {
        jiff::civil::Date::new(today.year() + 1, month, day).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(text: &str) -> Value {
        // A Tuesday afternoon.
        let now = "2026-11-24T13:00:00Z".parse().unwrap();
        parse(text, "Europe/Berlin", now)
            .unwrap()
            .map_or(Value::Null, |w| w.trigger)
    }

    #[test]
    fn words_become_triggers() {
        for (text, trigger) in [
            ("every minute", json!({"every_ms": 60_000})),
            ("every 10 minutes", json!({"every_ms": 600_000})),
            ("every two hours", json!({"every_ms": 7_200_000})),
            ("hourly", json!({"every_ms": 3_600_000})),
            ("every weekday at 8", json!({"cron": "0 8 * * 1-5"})),
            (
                "every weekday at 8, mail me",
                json!({"cron": "0 8 * * 1-5"}),
            ),
            ("daily at 18:30", json!({"cron": "30 18 * * *"})),
            ("every day at 8am and 6pm", json!({"cron": "0 8,18 * * *"})),
            (
                "every monday and thursday at 9",
                json!({"cron": "0 9 * * 1,4"}),
            ),
            ("every sunday at 10", json!({"cron": "0 10 * * 0"})),
            ("on fridays at 5pm", json!({"cron": "0 17 * * 5"})),
            (
                "on the 1st of each month at 7",
                json!({"cron": "0 7 1 * *"}),
            ),
            ("every night", json!({"cron": "0 2 * * *"})),
            (
                "tomorrow at noon",
                json!({"at": "2026-11-25T11:00:00.000Z"}),
            ),
            ("in 2 hours", json!({"at": "2026-11-24T15:00:00.000Z"})),
            (
                "on 24 December at 9",
                json!({"at": "2026-12-24T08:00:00.000Z"}),
            ),
            ("on friday at 10", json!({"at": "2026-11-27T09:00:00.000Z"})),
            ("at 13:00", json!({"at": "2026-11-25T12:00:00.000Z"})),
            ("some day", Value::Null),
        ] {
            assert_eq!(said(text), trigger, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused_and_not_guessed() {
        assert!(parse("every other week", "UTC", Time(0)).is_err());
    }
}
