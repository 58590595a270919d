//! A contract in plain words, clause by clause, each saying whether the host enforces it or it is
//! only understood.

use super::{ApprovalRule, Budget, Contract, Invariant, OnMissed, Overlap, Per, Retries, Trigger};
use crate::tools::ResourceKind;
use deputy_protocol::model::Clause;

fn clause(kind: &str, text: impl Into<String>, enforced: bool) -> Clause {
    Clause {
        kind: kind.to_owned(),
        text: text.into(),
        enforced,
        wide: false,
    }
}

/// Every clause of a contract.
pub fn plain_words(contract: &Contract) -> Vec<Clause> {
    let mut clauses = vec![clause("purpose", contract.purpose.clone(), false)];
    for trigger in &contract.triggers {
        clauses.push(clause(
            "trigger",
            trigger_words(trigger, &contract.timezone),
            true,
        ));
    }
    if contract.triggers.is_empty() {
        clauses.push(clause("trigger", "Runs only when you say so.", true));
    }
    for (operation, resources) in &contract.capabilities {
        let wide = resources.values().flatten().any(|value| value == "*");
        let granted = resources.iter().map(|(kind, values)| (*kind, &values[..]));
        let text = may("May", operation, granted);
        clauses.push(Clause {
            wide,
            ..clause("capability", text, true)
        });
    }
    if contract.capabilities.is_empty() {
        clauses.push(clause("capability", "May touch nothing outside.", true));
    }
    for invariant in &contract.invariants {
        clauses.push(clause("invariant", invariant_words(invariant), true));
    }
    for rule in &contract.requires_approval {
        clauses.push(clause("approval", approval_words(rule), true));
    }
    // What carries data is kept until it is begun: only times can be missed, or fall into a run.
    let is_timed = contract.triggers.iter().any(|trigger| {
        matches!(
            trigger,
            Trigger::Cron(_) | Trigger::Every(_) | Trigger::At(_)
        )
    });
    if is_timed {
        clauses.push(clause("policy", missed_words(contract.on_missed), true));
    }
    if is_timed || contract.overlap != Overlap::Skip {
        clauses.push(clause("policy", overlap_words(contract.overlap), true));
    }
    clauses.push(clause("policy", retry_words(contract.retries), true));
    clauses.extend(
        contract
            .budget
            .iter()
            .flat_map(budget_words)
            .map(|text| clause("budget", text, true)),
    );
    if let Some(success) = &contract.success {
        clauses.push(clause("success", format!("A good run: {success}"), false));
    }
    clauses.extend(
        contract
            .assumptions
            .iter()
            .map(|text| clause("assumption", format!("Assumed: {text}"), false)),
    );
    clauses.extend(
        contract
            .non_goals
            .iter()
            .map(|text| clause("non_goal", format!("Not meant: {text}"), false)),
    );
    clauses
}

/// What a clause about an operation and its resources says: `May now send mail to a@example.org.`
pub(super) fn may<'a>(
    how: &str,
    operation: &str,
    resources: impl IntoIterator<Item = (ResourceKind, &'a [String])>,
) -> String {
    let mut text = format!("{how} {}", verb(operation));
    for (kind, values) in resources {
        text += &format!(" {} {}", preposition(kind), list(values));
    }
    text + "."
}

pub(super) fn retry_words(retries: Retries) -> String {
    match retries.max {
        0 => "What fails for a passing reason is not tried again.".to_owned(),
        max => format!(
            "What fails for a passing reason is tried again up to {max} times, after {} at first and {} at the most.",
            span_words(retries.first_ms),
            span_words(retries.max_ms)
        ),
    }
}

fn span_words(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

/// Each limit of a run that differs from the defaults.
pub(super) fn budget_words(budget: &Budget) -> Vec<String> {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    [
        budget
            .heap_bytes
            .map(|n| format!("A run may use {} of memory.", mib(n))),
        budget
            .cpu_ms
            .map(|n| format!("A run may compute for {}.", span_words(n))),
        budget
            .wall_ms
            .map(|n| format!("A run may take {}, sleeps aside.", span_words(n))),
        budget
            .steps
            .map(|n| format!("A run may make {n} tool calls.")),
        budget
            .result_bytes
            .map(|n| format!("A tool may return {}.", mib(n))),
        budget
            .total_bytes
            .map(|n| format!("All tools of a run may return {}.", mib(n))),
        budget
            .cost_micros
            .map(|n| format!("A run's model calls may cost {:.4} USD.", n as f64 / 1e6)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn list(values: &[String]) -> String {
    match values {
        [] => "none".to_owned(),
        values if values.iter().any(|v| v == "*") => "anything".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn preposition(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Hosts => "at",
        ResourceKind::Folders => "in",
        ResourceKind::Recipients => "to",
        ResourceKind::Connections => "through",
        ResourceKind::Calendars => "in",
    }
}

/// What an operation does; one that nobody has words for is named.
fn verb(operation: &str) -> String {
    let words = match operation {
        "web.fetch" => "read pages",
        "web.request" => "send requests",
        "web.search" => "search the web",
        "http.get" => "read from web services",
        "http.request" => "send requests to web services",
        "feeds.read" => "read feeds",
        "calendar.list" => "list events",
        "calendar.get" => "read events",
        "calendar.create" => "create events",
        "calendar.update" => "change events",
        "calendar.delete" => "delete events",
        "mail.draft" => "draft mails",
        "mail.get" => "read mails",
        "mail.label" => "mark mails",
        "mail.move" => "move mails",
        "mail.search" => "look for mails",
        "mail.send" => "send mail",
        "notify.send" => "notify you",
        "notes.put" => "write notes",
        "notes.get" => "read notes",
        "notes.search" => "search your notes",
        "files.read" => "read files",
        "files.list" => "list files",
        "files.stat" => "look at files",
        "files.search" => "search files",
        "files.write" => "write files",
        "files.append" => "append to files",
        "files.move" => "move files",
        "files.copy" => "copy files",
        "files.trash" => "put files into the trash",
        "image.generate" => "have a model draw images",
        "llm.classify" => "have a model sort texts",
        "llm.describe" => "have a model describe images",
        "llm.extract" => "have a model read facts out of texts",
        "llm.generate" => "have a model write texts",
        "llm.judge" => "have a model judge texts",
        "llm.summarize" => "have a model summarize texts",
        "llm.translate" => "have a model translate texts",
        other => return format!("use {other}"),
    };
    words.to_owned()
}

pub(super) fn invariant_words(invariant: &Invariant) -> String {
    match invariant {
        Invariant::Max(max) => {
            let times = match max.max {
                1 => "Once".to_owned(),
                n => format!("{n} times"),
            };
            format!("{times} {} at the most: {}.", per(max.per), verb(&max.of))
        }
        Invariant::Never(never) => format!("May never {}.", verb(&never.never)),
        Invariant::OnlyBetween(hours) => {
            format!(
                "May only {} between {} and {}.",
                verb(&hours.of),
                hours.only_between.0,
                hours.only_between.1
            )
        }
        Invariant::MaxCost(cost) => {
            format!(
                "Costs at most {:.4} USD {}.",
                cost.max_cost_micros as f64 / 1e6,
                per(cost.per)
            )
        }
    }
}

fn per(per: Per) -> &'static str {
    match per {
        Per::Run => "a run",
        Per::Hour => "an hour",
        Per::Day => "a day",
        Per::Month => "a month",
    }
}

pub(super) fn approval_words(rule: &ApprovalRule) -> String {
    let Some(when) = &rule.when else {
        return format!("Asks you each time before it may {}.", verb(&rule.of));
    };
    let mut conditions = Vec::new();
    for (name, outside) in [
        ("a recipient", &when.recipients_outside),
        ("a host", &when.hosts_outside),
        ("a folder", &when.folders_outside),
    ] {
        if !outside.is_empty() {
            conditions.push(format!("{name} is outside {}", list(outside)));
        }
    }
    if let Some(n) = when.more_than {
        conditions.push(format!("it is more than {n} in a run"));
    }
    format!(
        "Asks you before {} when {}.",
        rule.of,
        conditions.join(" or ")
    )
}

pub(super) fn missed_words(policy: OnMissed) -> String {
    match policy {
        OnMissed::Latest => "After downtime, runs once for the latest missed time.".to_owned(),
        OnMissed::All(n) => format!("After downtime, runs for each missed time, up to {n}."),
        OnMissed::Skip => "After downtime, missed times are skipped.".to_owned(),
    }
}

pub(super) fn overlap_words(policy: Overlap) -> String {
    match policy {
        Overlap::Skip => "A time that falls into a run is skipped.".to_owned(),
        Overlap::Queue => "A time that falls into a run waits its turn.".to_owned(),
        Overlap::Parallel(n) => format!("Up to {n} runs at a time."),
    }
}

/// A trigger as a sentence.
pub fn trigger_words(trigger: &Trigger, timezone: &str) -> String {
    match trigger {
        Trigger::Cron(cron) => format!("{} ({timezone}).", cron_words(&cron.cron)),
        Trigger::Every(every) => format!("Every {}.", span(every.every_ms)),
        Trigger::At(at) => match at.at.parse::<deputy_protocol::Time>() {
            Ok(time) => match jiff::tz::TimeZone::get(timezone) {
                Ok(zone) => format!(
                    "Once, on {}.",
                    time.to_timestamp()
                        .to_zoned(zone)
                        .strftime("%-d %B %Y at %H:%M %Z")
                ),
                Err(_) => format!("Once, at {}.", at.at),
            },
            Err(_) => format!("Once, at {}.", at.at),
        },
        Trigger::Event(event) => format!("When the event “{}” is sent.", event.event),
        Trigger::Webhook(hook) => format!("When the local webhook “{}” is called.", hook.webhook),
        Trigger::File(file) => format!("When a file in {} is new or changes.", file.file),
        Trigger::Mail(mail) => format!(
            "When a mail arrives in {} of {}.",
            mail.mail.folder, mail.mail.connection
        ),
        Trigger::Manual(_) => "When you say so.".to_owned(),
    }
}

fn span(ms: u64) -> String {
    for (unit, name) in [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1_000, "second"),
    ] {
        if ms.is_multiple_of(unit) {
            let n = ms / unit;
            return if n == 1 {
                name.to_owned()
            } else {
                format!("{n} {name}s")
            };
        }
    }
    format!("{ms} milliseconds")
}

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

fn cron_words(pattern: &str) -> String {
    let fallback = || format!("At the times of “{pattern}”");
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return fallback();
    };
    if month != "*" {
        return fallback();
    }
    let (Ok(minute), hours) = (
        minute.parse::<u8>(),
        hour.split(',')
            .map(str::parse::<u8>)
            .collect::<Result<Vec<_>, _>>(),
    ) else {
        return fallback();
    };
    let Ok(hours) = hours else {
        return if hour == "*" && day == "*" && weekday == "*" {
            format!("Every hour at minute {minute}")
        } else {
            fallback()
        };
    };
    let at = list(
        &hours
            .iter()
            .map(|h| format!("{h:02}:{minute:02}"))
            .collect::<Vec<_>>(),
    );
    match (day, weekday) {
        ("*", "*") => format!("Every day at {at}"),
        ("*", "1-5") => format!("Every weekday at {at}"),
        ("*", days) => {
            let names: Option<Vec<String>> = days
                .split(',')
                .map(|d| {
                    d.parse::<usize>()
                        .ok()
                        .and_then(|d| DAYS.get(d % 7))
                        .map(|d| (*d).to_owned())
                })
                .collect();
            names.map_or_else(fallback, |names| format!("Every {} at {at}", list(&names)))
        }
        (day, "*") => day.parse::<u8>().map_or_else(
            |_| fallback(),
            |d| format!("On day {d} of each month at {at}"),
        ),
        _ => fallback(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn common_patterns_are_said_as_people_say_them() {
        for (pattern, words) in [
            ("0 8 * * 1-5", "Every weekday at 08:00"),
            ("30 18 * * *", "Every day at 18:30"),
            ("0 8,18 * * *", "Every day at 08:00 and 18:00"),
            ("0 9 * * 1,4", "Every Monday and Thursday at 09:00"),
            ("0 10 * * 0", "Every Sunday at 10:00"),
            ("0 9 1 * *", "On day 1 of each month at 09:00"),
            ("5 * * * *", "Every hour at minute 5"),
            ("*/5 1-3 * * *", "At the times of “*/5 1-3 * * *”"),
        ] {
            assert_eq!(cron_words(pattern), words);
        }
    }

    #[test]
    fn everything_that_leaves_the_sandbox_is_said_in_words() {
        let registry = crate::tools::registry();
        for operation in registry.host_names() {
            assert!(!verb(&operation).contains('.'), "{operation}");
        }
    }

    #[test]
    fn a_wide_grant_is_marked() {
        let contract: Contract = serde_json::from_value(serde_json::json!({
            "contract": 1, "purpose": "p", "capabilities": {"web.fetch": {"hosts": ["*"]}}
        }))
        .unwrap();
        let wide: Vec<String> = plain_words(&contract)
            .into_iter()
            .filter(|c| c.wide)
            .map(|c| c.text)
            .collect();
        assert_eq!(wide, ["May read pages at anything."]);
    }
}
