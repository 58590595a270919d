//! Reads a contract strictly: every problem is named with its place, and nothing is half understood.

use super::{Contract, Invariant, Overlap, Trigger};
use crate::tools::ResourceKind;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The version of the format that this build knows.
pub const CONTRACT_VERSION: u32 = 1;

/// What is wrong with a contract, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(path))]
pub struct ContractError {
    /// Stable code.
    pub code: &'static str,
    /// Where, e.g. `triggers[0].cron`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
}

fn place(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}

fn error(
    code: &'static str,
    path: impl Into<String>,
    message: impl Into<String>,
    hint: &str,
) -> ContractError {
    ContractError {
        code,
        path: path.into(),
        message: message.into(),
        hint: hint.to_owned(),
    }
}

/// The operations that exist, each with the kinds of resource it touches.
pub type KnownOperations = BTreeMap<String, Vec<ResourceKind>>;

/// Reads a contract's JSON. All problems found are returned.
pub fn parse(json: &Value, known: &KnownOperations) -> Result<Contract, Vec<ContractError>> {
    let Some(object) = json.as_object() else {
        return Err(vec![error(
            "contract_invalid",
            "",
            "a contract is a JSON object",
            "",
        )]);
    };
    match object.get("contract").and_then(Value::as_u64) {
        Some(version) if version == u64::from(CONTRACT_VERSION) => {}
        Some(version) => {
            return Err(vec![error(
                "contract_version",
                "contract",
                format!(
                    "this contract has version {version}; this Deputy understands version {CONTRACT_VERSION}"
                ),
                "update Deputy, or write the contract in the older version",
            )]);
        }
        None => {
            return Err(vec![error(
                "contract_version",
                "contract",
                "the version is missing",
                "add \"contract\": 1",
            )]);
        }
    }
    let mut errors = unknown_keys(object);
    if !errors.is_empty() {
        return Err(errors);
    }
    let contract: Contract = serde_json::from_value(json.clone()).map_err(|e| {
        vec![error(
            "contract_invalid",
            "",
            e.to_string(),
            "see docs/10-intent-contract.md",
        )]
    })?;
    errors.extend(check(&contract, known));
    if errors.is_empty() {
        Ok(contract)
    } else {
        Err(errors)
    }
}

const TOP: &[&str] = &[
    "contract",
    "purpose",
    "timezone",
    "params",
    "triggers",
    "capabilities",
    "invariants",
    "requires_approval",
    "on_missed",
    "overlap",
    "retries",
    "success",
    "budget",
    "assumptions",
    "non_goals",
];

/// Each shape of a trigger or invariant by the key that tells it, with the keys it may have.
const TRIGGERS: &[(&str, &[&str])] = &[
    ("cron", &["cron"]),
    ("every_ms", &["every_ms"]),
    ("at", &["at"]),
    ("event", &["event"]),
    ("webhook", &["webhook"]),
    ("file", &["file"]),
    ("mail", &["mail"]),
    ("manual", &["manual"]),
];
const INVARIANTS: &[(&str, &[&str])] = &[
    ("max", &["max", "of", "per"]),
    ("never", &["never"]),
    ("only_between", &["only_between", "of"]),
    ("max_cost_micros", &["max_cost_micros", "per"]),
];

fn unknown_keys(object: &Map<String, Value>) -> Vec<ContractError> {
    let mut errors = Vec::new();
    for key in object.keys().filter(|key| !TOP.contains(&key.as_str())) {
        errors.push(unknown(key.clone(), key, TOP));
    }
    for (name, shapes) in [("triggers", TRIGGERS), ("invariants", INVARIANTS)] {
        for (i, item) in object
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            let path = format!("{name}[{i}]");
            let Some(fields) = item.as_object() else {
                errors.push(error(
                    "contract_invalid",
                    path,
                    "this must be an object",
                    "",
                ));
                continue;
            };
            match shapes.iter().find(|(tell, _)| fields.contains_key(*tell)) {
                Some((_, allowed)) => {
                    for key in fields.keys().filter(|key| !allowed.contains(&key.as_str())) {
                        errors.push(unknown(format!("{path}.{key}"), key, allowed));
                    }
                }
                None => {
                    let tells: Vec<&str> = shapes.iter().map(|(tell, _)| *tell).collect();
                    let found = fields.keys().next().map_or("", String::as_str);
                    errors.push(unknown(path, found, &tells));
                }
            }
        }
    }
    errors
}

fn unknown(path: String, key: &str, allowed: &[&str]) -> ContractError {
    let near = allowed
        .iter()
        .map(|candidate| (distance(key, candidate), *candidate))
        .min()
        .filter(|(d, candidate)| *d <= 1 + candidate.len() / 4);
    let hint = match near {
        Some((_, candidate)) => format!("did you mean “{candidate}”?"),
        None => format!("known here: {}", allowed.join(", ")),
    };
    error(
        "unknown_key",
        path,
        format!("“{key}” is not known here; a contract is never half understood"),
        &hint,
    )
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = usize::from(ca != *cb);
            let next = (diagonal + cost).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

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
        Trigger::Mail(_) => errors.push(error(
            "not_supported",
            path,
            "mail triggers are not built yet in this version",
            "use a schedule and mail.search once that is there",
        )),
        Trigger::Every(_)
        | Trigger::At(_)
        | Trigger::Event(_)
        | Trigger::Webhook(_)
        | Trigger::File(_)
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
    ok.then(|| {
        if expanded.len() > 1 {
            expanded.trim_end_matches('/').to_owned()
        } else {
            expanded
        }
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
    use serde_json::json;

    fn known() -> KnownOperations {
        use ResourceKind::*;
        [
            ("web.fetch", vec![Hosts]),
            ("mail.send", vec![Connections, Recipients]),
            ("files.write", vec![Folders]),
            ("notify.send", vec![]),
        ]
        .into_iter()
        .map(|(name, kinds)| (name.to_owned(), kinds))
        .collect()
    }

    fn codes(contract: Value) -> Vec<(&'static str, String)> {
        match parse(&contract, &known()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|e| (e.code, e.path)).collect(),
        }
    }

    #[test]
    fn a_good_contract_is_read() {
        let contract = json!({
            "contract": 1, "purpose": "p", "timezone": "Europe/Berlin",
            "triggers": [{"cron": "0 8 * * 1-5"}, {"every_ms": 600_000}, {"manual": true}],
            "capabilities": {"web.fetch": {"hosts": ["example.org", "*.example.org", "127.0.0.1:80"]},
                             "mail.send": {"connections": ["mail"], "recipients": ["a@b.c", "@example.org"]}},
            "invariants": [{"max": 10, "of": "mail.send", "per": "day"}, {"never": "files.*"},
                           {"only_between": ["07:00", "22:00"], "of": "mail.send"}],
            "on_missed": {"all": 3}, "overlap": "queue",
        });
        assert_eq!(codes(contract), []);
    }

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let base = json!({"contract": 1, "purpose": "p"});
        let with = |key: &str, value: Value| {
            let mut contract = base.clone();
            contract[key] = value;
            codes(contract)
        };
        let table = [
            ("purpos", json!("x"), "unknown_key", "purpos"),
            ("contract", json!(2), "contract_version", "contract"),
            ("purpose", json!(" "), "contract_invalid", "purpose"),
            (
                "timezone",
                json!("Mars/Base"),
                "unknown_timezone",
                "timezone",
            ),
            (
                "triggers",
                json!([{"crn": "x"}]),
                "unknown_key",
                "triggers[0]",
            ),
            (
                "triggers",
                json!([{"cron": "0 8 * * *", "tz": "x"}]),
                "unknown_key",
                "triggers[0].tz",
            ),
            (
                "triggers",
                json!([{"cron": "nonsense"}]),
                "cron_invalid",
                "triggers[0].cron",
            ),
            (
                "triggers",
                json!([{"cron": "0 0 30 2 *"}]),
                "cron_never_fires",
                "triggers[0].cron",
            ),
            (
                "triggers",
                json!([{"every_ms": 10}]),
                "contract_invalid",
                "triggers[0].every_ms",
            ),
            (
                "triggers",
                json!([{"at": "soon"}]),
                "contract_invalid",
                "triggers[0].at",
            ),
            (
                "triggers",
                json!([{"file": "inbox"}]),
                "contract_invalid",
                "triggers[0].file",
            ),
            (
                "triggers",
                json!([{"manual": true}, {"manual": true}]),
                "contract_invalid",
                "triggers[1]",
            ),
            (
                "capabilities",
                json!({"web.fech": {}}),
                "unknown_operation",
                "capabilities.web.fech",
            ),
            (
                "capabilities",
                json!({"web.fetch": {"folders": ["/a"]}}),
                "contract_invalid",
                "capabilities.web.fetch.folders",
            ),
            (
                "capabilities",
                json!({"web.fetch": {"hosts": ["https://a.b"]}}),
                "contract_invalid",
                "capabilities.web.fetch.hosts",
            ),
            (
                "capabilities",
                json!({"files.write": {"folders": ["/a/../b"]}}),
                "contract_invalid",
                "capabilities.files.write.folders",
            ),
            (
                "capabilities",
                json!({"mail.send": {"recipients": ["nobody"]}}),
                "contract_invalid",
                "capabilities.mail.send.recipients",
            ),
            (
                "invariants",
                json!([{"never": "rockets.launch"}]),
                "unknown_operation",
                "invariants[0].never",
            ),
            (
                "invariants",
                json!([{"only_between": ["7", "25:00"], "of": "mail.send"}]),
                "contract_invalid",
                "invariants[0].only_between",
            ),
            (
                "overlap",
                json!({"parallel": 0}),
                "contract_invalid",
                "overlap.parallel",
            ),
        ];
        for (key, value, code, path) in table {
            let found = with(key, value.clone());
            assert!(
                found.contains(&(code, path.to_owned())),
                "{key}: {value} gave {found:?}"
            );
        }
    }

    #[test]
    fn a_misspelt_key_is_met_with_the_right_one() {
        let errors = parse(
            &json!({"contract": 1, "purpose": "p", "trigers": []}),
            &known(),
        )
        .unwrap_err();
        assert_eq!(errors[0].hint, "did you mean “triggers”?");
    }
}
