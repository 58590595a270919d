//! What a contract must fulfil beyond its form: values that can be meant, and resources of the kinds
//! that each operation knows.

use super::parse::{ContractError, KnownOperations, error, unknown};
use super::{Contract, Invariant, Overlap, Trigger};
use crate::tools::ResourceKind;

/// Checks what the shape alone does not say.
pub fn check(contract: &Contract, known: &KnownOperations) -> Vec<ContractError> {
    let mut errors = Vec::new();
    if contract.purpose.trim().is_empty() {
        errors.push(error(
            "contract_invalid",
            "purpose",
            "the purpose is empty",
            "say in a sentence what should happen",
        ));
    }
    let zone = jiff::tz::TimeZone::get(&contract.timezone);
    if zone.is_err() {
        let hint = "use an IANA name such as Europe/Berlin or UTC";
        errors.push(error(
            "unknown_timezone",
            "timezone",
            format!("“{}” is not a time zone", contract.timezone),
            hint,
        ));
    }
    for (i, trigger) in contract.triggers.iter().enumerate() {
        check_trigger(trigger, &format!("triggers[{i}]"), &mut errors);
        if contract.triggers[..i].contains(trigger) {
            errors.push(error(
                "contract_invalid",
                format!("triggers[{i}]"),
                "the same trigger stands here twice",
                "",
            ));
        }
    }
    for (operation, resources) in &contract.capabilities {
        check_capability(operation, resources, known, &mut errors);
    }
    for (i, invariant) in contract.invariants.iter().enumerate() {
        check_invariant(invariant, &format!("invariants[{i}]"), known, &mut errors);
    }
    for (i, rule) in contract.requires_approval.iter().enumerate() {
        check_pattern(
            &rule.of,
            &format!("requires_approval[{i}].of"),
            known,
            &mut errors,
        );
    }
    if let Some(budget) = &contract.budget {
        check_budget(budget, &mut errors);
    }
    if contract.overlap == Overlap::Parallel(0) {
        errors.push(error(
            "contract_invalid",
            "overlap.parallel",
            "0 runs at a time would never run",
            "use 1 or more",
        ));
    }
    errors
}

/// The bounds of each limit: what a run needs at the least, and what one run may take from the
/// machine at the most (the sandbox's process is held to 2 GiB in all).
fn check_budget(budget: &super::Budget, errors: &mut Vec<ContractError>) {
    let bounds = [
        ("heap_bytes", budget.heap_bytes, 1 << 20, 1 << 30),
        ("cpu_ms", budget.cpu_ms, 1, 600_000),
        ("wall_ms", budget.wall_ms, 1, 86_400_000),
        ("steps", budget.steps.map(u64::from), 1, 100_000),
        ("result_bytes", budget.result_bytes, 1, 64 << 20),
        ("total_bytes", budget.total_bytes, 1, 512 << 20),
    ];
    for (name, value, least, most) in bounds {
        if let Some(value) = value
            && !(least..=most).contains(&value)
        {
            errors.push(error(
                "contract_invalid",
                format!("budget.{name}"),
                format!("{value} is not between {least} and {most}"),
                "leave it out for the default",
            ));
        }
    }
}

fn check_trigger(trigger: &Trigger, path: &str, errors: &mut Vec<ContractError>) {
    match trigger {
        Trigger::Cron(cron) => {
            let path = format!("{path}.cron");
            match crate::scheduler::CronPattern::parse(&cron.cron) {
                Ok(pattern) if pattern.ever_fires() => {}
                Ok(_) => errors.push(error(
                    "cron_never_fires",
                    path,
                    format!("“{}” matches no date, so it would never run", cron.cron),
                    "check day and month",
                )),
                Err(message) => errors.push(error(
                    "cron_invalid",
                    path,
                    format!("“{}” is not a cron pattern: {message}", cron.cron),
                    "five fields: minute hour day month weekday, e.g. 0 8 * * 1-5",
                )),
            }
        }
        Trigger::Every(every) if every.every_ms < 1_000 => errors.push(error(
            "contract_invalid",
            format!("{path}.every_ms"),
            format!("{} ms is shorter than a second", every.every_ms),
            "use 1000 or more",
        )),
        Trigger::At(at) if at.at.parse::<deputy_protocol::Time>().is_err() => errors.push(error(
            "contract_invalid",
            format!("{path}.at"),
            format!("“{}” is not a time", at.at),
            "use RFC 3339, e.g. 2027-01-01T08:00:00Z",
        )),
        Trigger::Event(event) if event.event.is_empty() => {
            errors.push(error(
                "contract_invalid",
                format!("{path}.event"),
                "the topic is empty",
                "",
            ));
        }
        Trigger::Webhook(hook)
            if hook.webhook.is_empty()
                || !hook
                    .webhook
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) =>
        {
            errors.push(error(
                "contract_invalid",
                format!("{path}.webhook"),
                "a webhook's name is made of letters, digits, - _ and .",
                "",
            ));
        }
        Trigger::File(file) if expand_home(&file.file).is_none() => errors.push(error(
            "contract_invalid",
            format!("{path}.file"),
            "a watched folder is an absolute path or begins with ~/",
            "",
        )),
        Trigger::Manual(manual) if !manual.manual => {
            errors.push(error(
                "contract_invalid",
                format!("{path}.manual"),
                "this is always true",
                "leave it out instead",
            ));
        }
        Trigger::Mail(mail) if mail.mail.connection.is_empty() || mail.mail.folder.is_empty() => {
            errors.push(error(
                "contract_invalid",
                path,
                "a mail trigger names a connection and a folder",
                "{\"mail\": {\"connection\": \"mail\", \"folder\": \"INBOX\"}}",
            ));
        }
        Trigger::Every(_)
        | Trigger::At(_)
        | Trigger::Event(_)
        | Trigger::Webhook(_)
        | Trigger::File(_)
        | Trigger::Mail(_)
        | Trigger::Manual(_) => {}
    }
}

/// A path with `~` replaced by the home directory; `None` unless it is absolute then, without `..`.
pub fn expand_home(path: &str) -> Option<String> {
    let expanded = match path.strip_prefix("~") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", std::env::home_dir()?.to_str()?)
        }
        _ => path.to_owned(),
    };
    let ok = expanded.starts_with('/') && !expanded.split('/').any(|part| part == "..");
    // Of nothing but slashes it is the root, however many.
    ok.then(|| match expanded.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    })
}

fn check_capability(
    operation: &str,
    resources: &super::Resources,
    known: &KnownOperations,
    errors: &mut Vec<ContractError>,
) {
    let path = format!("capabilities.{operation}");
    let Some(kinds) = known.get(operation) else {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let mut e = unknown(path, operation, &names);
        e.code = "unknown_operation";
        e.message = format!("there is no tool operation “{operation}”");
        if !e.hint.starts_with("did you mean") {
            e.hint = "`deputy tools` lists them".to_owned();
        }
        errors.push(e);
        return;
    };
    for (kind, values) in resources {
        let path = format!("{path}.{}", kind.as_str());
        if !kinds.contains(kind) {
            let takes: Vec<&str> = kinds.iter().map(|k| k.as_str()).collect();
            let hint = if takes.is_empty() {
                "it touches none".to_owned()
            } else {
                format!("it takes: {}", takes.join(", "))
            };
            let mut e = error(
                "contract_invalid",
                path,
                format!("{operation} touches no {}", kind.as_str()),
                "",
            );
            e.hint = hint;
            errors.push(e);
            continue;
        }
        for value in values.iter().filter(|value| *value != "*") {
            if let Some(message) = malformed(*kind, value) {
                errors.push(error(
                    "contract_invalid",
                    path.clone(),
                    format!("“{value}” {message}"),
                    "",
                ));
            }
        }
    }
}

fn malformed(kind: ResourceKind, value: &str) -> Option<&'static str> {
    match kind {
        ResourceKind::Hosts => {
            let bad = value.is_empty() || value.contains(['/', '@', ' ', '?', '#']);
            bad.then_some("is not a host; write example.org, example.org:8080 or *.example.org, without https://")
        }
        ResourceKind::Recipients => {
            let (local, domain) = value.rsplit_once('@').unwrap_or(("", ""));
            let bad = domain.is_empty()
                || local.contains(char::is_whitespace)
                || domain.contains(char::is_whitespace);
            bad.then_some("is neither a mail address nor a domain such as @example.org")
        }
        ResourceKind::Folders => expand_home(value)
            .is_none()
            .then_some("is not an absolute path (or one with ~/), without “..”"),
        ResourceKind::Connections | ResourceKind::Calendars => {
            value.is_empty().then_some("is empty")
        }
    }
}

fn check_pattern(
    pattern: &str,
    path: &str,
    known: &KnownOperations,
    errors: &mut Vec<ContractError>,
) {
    let found = match pattern.strip_suffix(".*") {
        Some(namespace) => known
            .keys()
            .any(|op| op.split('.').next() == Some(namespace)),
        None => known.contains_key(pattern),
    };
    if !found {
        let message = format!("there is no tool operation “{pattern}”");
        errors.push(error(
            "unknown_operation",
            path,
            message,
            "`deputy tools` lists them",
        ));
    }
}

fn check_invariant(
    invariant: &Invariant,
    path: &str,
    known: &KnownOperations,
    errors: &mut Vec<ContractError>,
) {
    match invariant {
        Invariant::Max(max) => check_pattern(&max.of, &format!("{path}.of"), known, errors),
        Invariant::Never(never) => {
            check_pattern(&never.never, &format!("{path}.never"), known, errors)
        }
        Invariant::OnlyBetween(hours) => {
            check_pattern(&hours.of, &format!("{path}.of"), known, errors);
            for time in [&hours.only_between.0, &hours.only_between.1] {
                if super::clock_time(time).is_none() {
                    let message = format!("“{time}” is not a time of day");
                    errors.push(error(
                        "contract_invalid",
                        format!("{path}.only_between"),
                        message,
                        "use HH:MM",
                    ));
                }
            }
        }
        Invariant::MaxCost(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_of_nothing_but_slashes_is_the_root() {
        for path in ["/", "//", "///"] {
            assert_eq!(expand_home(path).as_deref(), Some("/"));
        }
        assert_eq!(expand_home("/a//").as_deref(), Some("/a"));
        assert_eq!(expand_home(""), None);
        assert_eq!(expand_home("/a/../b"), None);
    }
}
