//! Where what an effect may touch comes from. Pure.
//!
//! A recipient, host, folder or connection on an effect must stem from the user's own words, the
//! user's settings and connections, or an answer to a question. What a page suggested, or the model
//! made up, is a doubt that is confirmed by itself; so is every `"*"`.

use super::words;
use crate::intent::{Contract, covers, expand_home};
use crate::tools::{Entry, Registry, ResourceKind};
use deputy_protocol::model::Doubt;

/// What the user has named, in one way or another.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The user's messages and answers in this chat.
    pub words: Vec<String>,
    /// Names of the user's connections.
    pub connections: Vec<String>,
    /// The user's own addresses, from those connections.
    pub addresses: Vec<String>,
    /// The contract that the user has accepted before, if this is a change.
    pub accepted: Option<Contract>,
}

/// What the words name of one kind, as contracts write it.
fn named(texts: &[String], kind: ResourceKind) -> Vec<String> {
    let texts = texts.iter().flat_map(|text| words::tokens(text));
    match kind {
        ResourceKind::Hosts => texts.filter_map(words::host).collect(),
        ResourceKind::Recipients => texts.filter_map(words::recipient).collect(),
        ResourceKind::Folders => texts
            .filter(|token| token.starts_with('/') || token.starts_with("~/"))
            .filter_map(expand_home)
            .collect(),
        ResourceKind::Connections | ResourceKind::Calendars => texts.map(str::to_owned).collect(),
    }
}

impl Sources {
    /// The hosts that the user has named.
    pub fn hosts(&self) -> Vec<String> {
        named(&self.words, ResourceKind::Hosts)
    }

    /// The folders and files that the user has named, as absolute paths.
    pub fn folders(&self) -> Vec<String> {
        named(&self.words, ResourceKind::Folders)
    }

    /// Whether a resource stems from the user.
    pub fn name(&self, operation: &str, kind: ResourceKind, value: &str) -> bool {
        let accepted = self
            .accepted
            .iter()
            .filter_map(|contract| contract.capabilities.get(operation)?.get(&kind))
            .flatten();
        if accepted.clone().any(|had| had == value) {
            return true;
        }
        if value == "*" {
            return false;
        }
        let known: &[String] = match kind {
            ResourceKind::Recipients => &self.addresses,
            ResourceKind::Connections => &self.connections,
            ResourceKind::Hosts | ResourceKind::Folders | ResourceKind::Calendars => &[],
        };
        let asked = if kind == ResourceKind::Folders {
            expand_home(value).unwrap_or_else(|| value.to_owned())
        } else {
            value.to_owned()
        };
        named(&self.words, kind)
            .iter()
            .chain(known)
            .chain(accepted.filter(|had| *had != "*"))
            .any(|had| had.eq_ignore_ascii_case(&asked) || covers(kind, had, &asked))
    }
}

fn is_effect(registry: &Registry, operation: &str) -> bool {
    // What is not known is not known to be harmless.
    registry
        .get(operation)
        .is_none_or(|entry| entry.classes.iter().any(|class| class.is_effect()))
}

/// Whether an operation shows what is the user's alone: files, notes, mailboxes.
pub fn is_private(operation: &Entry) -> bool {
    let kinds = [
        ResourceKind::Folders,
        ResourceKind::Connections,
        ResourceKind::Calendars,
    ];
    operation.name.starts_with("notes.")
        || operation.resources.iter().any(|kind| kinds.contains(kind))
}

/// Every `"*"` on an effect.
pub fn wide(contract: &Contract, registry: &Registry) -> Vec<Doubt> {
    doubtful(contract, registry, |_, _, value| value != "*")
}

/// Everything on an effect that does not stem from the user. Where a script reads what is the
/// user's alone, a host that it only reads from counts as well: an address can carry what was read.
pub(super) fn doubts(contract: &Contract, registry: &Registry, sources: &Sources) -> Vec<Doubt> {
    let mut doubts = doubtful(contract, registry, |operation, kind, value| {
        sources.name(operation, kind, value)
    });
    let reads = |operation: &str| {
        registry
            .get(operation)
            .filter(|_| !is_effect(registry, operation))
    };
    let sees_private = contract
        .capabilities
        .keys()
        .any(|operation| reads(operation).is_some_and(is_private));
    if !sees_private {
        return doubts;
    }
    for (operation, resources) in &contract.capabilities {
        if reads(operation).is_none() {
            continue;
        }
        for host in resources.get(&ResourceKind::Hosts).into_iter().flatten() {
            if !sources.name(operation, ResourceKind::Hosts, host) {
                doubts.push(Doubt {
                    id: id(operation, ResourceKind::Hosts, host),
                    message: format!(
                        "the script sees what is yours alone and may ask {host}, which you did not name: what it asks for can carry what it saw"
                    ),
                });
            }
        }
    }
    doubts
}

fn id(operation: &str, kind: ResourceKind, value: &str) -> String {
    if value == "*" {
        format!("{operation}.{}", kind.as_str())
    } else {
        format!("{operation}.{}:{value}", kind.as_str())
    }
}

fn doubtful(
    contract: &Contract,
    registry: &Registry,
    stems: impl Fn(&str, ResourceKind, &str) -> bool,
) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (operation, resources) in &contract.capabilities {
        if !is_effect(registry, operation) {
            continue;
        }
        for (kind, values) in resources {
            for value in values
                .iter()
                .filter(|value| !stems(operation, *kind, value))
            {
                let message = if value == "*" {
                    format!(
                        "{operation} may touch any {}: nothing limits it",
                        kind.as_str()
                    )
                } else {
                    format!(
                        "{operation} may touch {value}, which you did not name: it was found or made up while planning"
                    )
                };
                doubts.push(Doubt {
                    id: id(operation, *kind, value),
                    message,
                });
            }
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tools::registry;
    use serde_json::{Value, json};

    fn ids(words: &str, capabilities: Value) -> Vec<String> {
        let sources = Sources {
            words: vec![words.to_owned()],
            connections: vec!["mail".to_owned()],
            addresses: vec!["me@home.example".to_owned()],
            accepted: None,
        };
        let contract = json!({"contract": 1, "purpose": "p", "capabilities": capabilities});
        let contract: Contract = serde_json::from_value(contract).unwrap();
        doubts(&contract, registry(), &sources)
            .into_iter()
            .map(|doubt| doubt.id)
            .collect()
    }

    #[test]
    fn what_the_user_named_is_no_doubt_and_what_only_looks_like_it_is() {
        let table = [
            (
                "mail ann@a.org",
                "mail.send",
                "recipients",
                "ann@a.org",
                true,
            ),
            (
                "mail ANN@A.org!",
                "mail.send",
                "recipients",
                "ann@a.org",
                true,
            ),
            ("mail ann@a.org", "mail.send", "recipients", "@a.org", false),
            (
                "mail all of @a.org",
                "mail.send",
                "recipients",
                "bob@a.org",
                true,
            ),
            (
                "mail ann@a.org",
                "mail.send",
                "recipients",
                "ann@a.org.evil.net",
                false,
            ),
            (
                "mail ann@a.org",
                "mail.send",
                "recipients",
                "xann@a.org",
                false,
            ),
            (
                "mail me",
                "mail.send",
                "recipients",
                "me@home.example",
                true,
            ),
            ("mail me", "mail.send", "recipients", "*", false),
            ("mail me", "mail.send", "connections", "mail", true),
            ("mail me", "mail.send", "connections", "other", false),
            ("through other", "mail.send", "connections", "other", true),
            (
                "post to https://a.org/x",
                "web.request",
                "hosts",
                "a.org",
                true,
            ),
            ("post to a.org.", "web.request", "hosts", "a.org", true),
            (
                "post to https://a.org@evil.net/",
                "web.request",
                "hosts",
                "a.org",
                false,
            ),
            ("post to a.org", "web.request", "hosts", "*.a.org", false),
            ("post to a.org", "web.request", "hosts", "a.org:8080", false),
            (
                "post to http://127.0.0.1:80/x",
                "web.request",
                "hosts",
                "127.0.0.1",
                true,
            ),
            (
                "post to http://127.0.0.1:81/x",
                "web.request",
                "hosts",
                "127.0.0.1:81",
                true,
            ),
            ("ask ann@a.org", "web.request", "hosts", "a.org", false),
            (
                "write /srv/out",
                "files.write",
                "folders",
                "/srv/out/today",
                true,
            ),
            ("write /srv/out", "files.write", "folders", "/srv", false),
            (
                "write /srv/out",
                "files.write",
                "folders",
                "/srv/outside",
                false,
            ),
        ];
        for (words, operation, kind, value, stems) in table {
            let found = ids(words, json!({operation: {kind: [value]}}));
            assert_eq!(found.is_empty(), stems, "{words}: {value} gave {found:?}");
        }
    }

    #[test]
    fn reads_need_no_words_unless_the_script_sees_what_is_private() {
        let read = json!({"web.fetch": {"hosts": ["elsewhere.org"]}});
        assert!(ids("", read).is_empty());
        let both = json!({"web.fetch": {"hosts": ["elsewhere.org", "a.org"]}, "notes.get": {}});
        assert_eq!(ids("at a.org", both), ["web.fetch.hosts:elsewhere.org"]);
    }

    #[test]
    fn what_was_accepted_before_is_not_asked_again() {
        let contract = |value: &str| -> Contract {
            serde_json::from_value(json!({"contract": 1, "purpose": "p",
                "capabilities": {"mail.send": {"connections": ["mail"], "recipients": [value]}}}))
            .unwrap()
        };
        let sources = Sources {
            accepted: Some(contract("*")),
            connections: vec!["mail".to_owned()],
            ..Sources::default()
        };
        assert!(doubts(&contract("*"), registry(), &sources).is_empty());
        // Accepted as “any” is not named.
        assert_eq!(doubts(&contract("a@b.c"), registry(), &sources).len(), 1);
    }
}
