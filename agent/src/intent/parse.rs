//! Reads a contract strictly: every problem is named with its place, and nothing is half understood.

use super::Contract;
use super::check::check;
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

pub(super) fn error(
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

pub(super) fn unknown(path: String, key: &str, allowed: &[&str]) -> ContractError {
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
