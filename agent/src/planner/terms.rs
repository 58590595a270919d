//! What planning itself may do: a contract like any other, asked at the same gate.
//!
//! Reads are real within what the user allows while planning: public web pages, the user's
//! connections and notes, and files in folders that the user's words name. Effects are simulated, so
//! all of them may be tried. Once something private was read, only hosts that the user named may be
//! asked: an address can carry away what was read.

use super::Sources;
use crate::executor::Within;
use crate::intent::{Contract, Resources};
use crate::tools::{Registry, ResourceKind};
use std::collections::BTreeMap;

/// The contracts that planning is held to.
pub(super) fn within(sources: &Sources, registry: &Registry, zone: &str, private: bool) -> Within {
    let named = sources.hosts();
    let mut open = named.clone();
    open.push("*".to_owned());
    Within {
        open: contract(sources, registry, zone, open),
        closed: contract(sources, registry, zone, named),
        private,
    }
}

fn contract(sources: &Sources, registry: &Registry, zone: &str, hosts: Vec<String>) -> Contract {
    let folders = sources.folders();
    let capabilities = registry.entries().map(|entry| {
        // An operation that may be either is judged call by call; as long as its effects are only
        // simulated, what it reads is what counts.
        let simulated = entry.classes.iter().all(|class| class.is_effect());
        let granted = entry.resources.iter().map(|kind| {
            let values = match kind {
                _ if simulated => vec!["*".to_owned()],
                ResourceKind::Hosts => hosts.clone(),
                ResourceKind::Folders => folders.clone(),
                ResourceKind::Connections => sources.connections.clone(),
                ResourceKind::Recipients | ResourceKind::Calendars => vec!["*".to_owned()],
            };
            (*kind, values)
        });
        (entry.name.to_owned(), granted.collect::<Resources>())
    });
    Contract {
        contract: crate::intent::CONTRACT_VERSION,
        purpose: "Look around while planning".to_owned(),
        timezone: zone.to_owned(),
        params: serde_json::Map::new(),
        triggers: Vec::new(),
        capabilities: capabilities.collect::<BTreeMap<_, _>>(),
        invariants: Vec::new(),
        requires_approval: Vec::new(),
        on_missed: Default::default(),
        overlap: Default::default(),
        retries: Default::default(),
        success: None,
        budget: None,
        assumptions: Vec::new(),
        non_goals: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::gate::{CallCost, GateCall, NoCounts, Permissions, Verdict, decide};
    use crate::tools::{Resource, registry};
    use deputy_protocol::{EffectClass, Time};

    fn allowed(contract: &Contract, operation: &str, kind: ResourceKind, value: &str) -> bool {
        let entry = registry().get(operation).unwrap();
        let class = *entry.classes.first().unwrap_or(&EffectClass::Opaque);
        let resources = [Resource::new(kind, value)];
        let call = GateCall {
            operation,
            class,
            resources: &resources,
            cost: CallCost::Free,
        };
        decide(&Permissions::default(), contract, &call, &NoCounts, Time(0)) == Verdict::Allowed
    }

    #[test]
    fn the_web_is_open_until_something_private_was_read() {
        let sources = Sources {
            words: vec!["look at https://a.org and in /srv/in".to_owned()],
            ..Sources::default()
        };
        let within = within(&sources, registry(), "UTC", false);
        let asks = |contract, host| allowed(contract, "web.fetch", ResourceKind::Hosts, host);
        assert!(asks(&within.open, "elsewhere.net:443"));
        assert!(!asks(&within.closed, "elsewhere.net:443"));
        assert!(asks(&within.closed, "a.org:443"));
        let reads = |path| allowed(&within.open, "files.read", ResourceKind::Folders, path);
        assert!(reads("/srv/in/x"));
        assert!(!reads("/srv/secret"));
    }
}
