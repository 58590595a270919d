//! The gate: one function in front of every tool call, in executor, planner and maintainer alike.
//! What the contract does not list is refused; in doubt it asks. Pure: what happened before is
//! counted by whoever calls, through [`LedgerCounts`].

use crate::intent::{ApprovalCondition, Contract, Invariant, Per, clock_time, covered, covers};
use crate::tools::{Resource, ResourceKind};
use deputy_protocol::{EffectClass, Time};
use jiff::ToSpan;
use serde::Serialize;

#[cfg(test)]
mod properties;

/// A call that asks to pass.
#[derive(Clone, Copy, Debug)]
pub struct GateCall<'a> {
    /// `namespace.operation`.
    pub operation: &'a str,
    /// Its effect class.
    pub class: EffectClass,
    /// What it touches.
    pub resources: &'a [Resource],
    /// What it costs at most.
    pub cost: CallCost,
}

/// What a call costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallCost {
    /// Nothing.
    #[default]
    Free,
    /// So many micro-USD, or less.
    AtMost(u64),
    /// Something, but nobody knows how much.
    Unknown,
}

/// Over what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The run that calls.
    Run,
    /// From (inclusive) to (exclusive).
    Between {
        /// The first instant.
        from: Time,
        /// The first instant after it.
        to: Time,
    },
}

/// What happened before. An effect repeated with its own key counts once.
pub trait LedgerCounts {
    /// Calls of all operations that a pattern names (see [`names`]), as far as they happened or may
    /// have happened.
    fn effects(&self, pattern: &str, window: Window) -> u64;
    /// Money spent, in micro-USD.
    fn cost_micros(&self, window: Window) -> u64;
}

/// For contracts without clauses that count.
#[derive(Clone, Copy, Debug)]
pub struct NoCounts;

impl LedgerCounts for NoCounts {
    fn effects(&self, _pattern: &str, _window: Window) -> u64 {
        0
    }

    fn cost_micros(&self, _window: Window) -> u64 {
        0
    }
}

/// What no automation may do, whatever its contract says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Operations, or `namespace.*`.
    pub denied_operations: Vec<String>,
}

/// The code of a refusal that no person's word on a single call opens.
pub const GLOBALLY_DENIED: &str = "globally_denied";

/// The code of a refusal because the money that the contract allows would not be enough.
pub const MAX_COST: &str = "max_cost";

/// The code of a refusal because nobody knows what the call costs, and the contract says how much
/// it may be.
pub const PRICE_UNKNOWN: &str = "price_unknown";

/// Why a call may not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `globally_denied`, `never`, `not_listed`, `resource`, `hours`, `max`, `max_cost`,
    /// `price_unknown`.
    pub code: &'static str,
    /// Where in the contract, e.g. `capabilities.web.fetch.hosts`.
    pub clause: String,
    /// A sentence.
    pub message: String,
    /// The resource that is not covered, if that is why.
    pub resource: Option<Resource>,
}

/// Why a call waits for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApprovalNeeded {
    /// Which rule, e.g. `requires_approval[0]`.
    pub clause: String,
    /// A sentence.
    pub message: String,
}

/// The gate's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may pass.
    Allowed,
    /// It may not.
    Refused(Refusal),
    /// Only with a person's approval.
    NeedsApproval(ApprovalNeeded),
}

fn refused(code: &'static str, clause: impl Into<String>, message: impl Into<String>) -> Verdict {
    Verdict::Refused(Refusal {
        code,
        clause: clause.into(),
        message: message.into(),
        resource: None,
    })
}

/// Whether a pattern (`namespace.operation` or `namespace.*`) names an operation.
pub fn names(pattern: &str, operation: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(namespace) => operation
            .split_once('.')
            .is_some_and(|(ns, _)| ns == namespace),
        None => pattern == operation,
    }
}

/// Decides whether a call may pass now.
pub fn decide(
    permissions: &Permissions,
    contract: &Contract,
    call: &GateCall<'_>,
    counts: &dyn LedgerCounts,
    now: Time,
) -> Verdict {
    let operation = call.operation;
    if let Some(pattern) = permissions
        .denied_operations
        .iter()
        .find(|p| names(p, operation))
    {
        return refused(
            GLOBALLY_DENIED,
            "permissions",
            format!("{pattern} is denied for every automation"),
        );
    }
    for (i, invariant) in contract.invariants.iter().enumerate() {
        if let Invariant::Never(never) = invariant
            && names(&never.never, operation)
        {
            return refused(
                "never",
                format!("invariants[{i}]"),
                format!("the contract says never {}", never.never),
            );
        }
    }
    // Pure operations touch nothing, so there is nothing to grant.
    if call.class == EffectClass::Pure {
        return Verdict::Allowed;
    }
    if let Some(verdict) = uncovered(contract, call) {
        return verdict;
    }
    for (i, invariant) in contract.invariants.iter().enumerate() {
        if let Some((code, message)) = broken(invariant, contract, call, counts, now) {
            return refused(code, format!("invariants[{i}]"), message);
        }
    }
    if let Some(cap) = contract.budget.and_then(|budget| budget.cost_micros)
        && let Some((code, message)) = too_dear(cap, Per::Run, contract, call.cost, counts, now)
    {
        return refused(code, "budget.cost_micros", message);
    }
    approval(contract, call, counts)
}

fn uncovered(contract: &Contract, call: &GateCall<'_>) -> Option<Verdict> {
    let operation = call.operation;
    let Some(granted) = contract.capabilities.get(operation) else {
        let clause = format!("capabilities.{operation}");
        return Some(refused(
            "not_listed",
            clause,
            format!("the contract does not list {operation}"),
        ));
    };
    let resource = call.resources.iter().find(|resource| {
        !granted
            .get(&resource.kind)
            .is_some_and(|values| covered(values, resource))
    })?;
    let clause = format!("capabilities.{operation}.{}", resource.kind.as_str());
    Some(Verdict::Refused(Refusal {
        code: "resource",
        message: format!(
            "the contract does not let {operation} touch {}",
            resource.value
        ),
        clause,
        resource: Some(resource.clone()),
    }))
}

fn broken(
    invariant: &Invariant,
    contract: &Contract,
    call: &GateCall<'_>,
    counts: &dyn LedgerCounts,
    now: Time,
) -> Option<(&'static str, String)> {
    let operation = call.operation;
    match invariant {
        Invariant::Never(_) => None,
        Invariant::OnlyBetween(hours) if names(&hours.of, operation) => {
            let (from, to) = (
                clock_time(&hours.only_between.0),
                clock_time(&hours.only_between.1),
            );
            let inside = match (from, to, minute_of_day(contract, now)) {
                (Some(from), Some(to), Some(minute)) if from <= to => (from..to).contains(&minute),
                (Some(from), Some(to), Some(minute)) => minute >= from || minute < to,
                // A time that cannot be told is not inside.
                _ => false,
            };
            (!inside).then(|| {
                let (from, to) = &hours.only_between;
                (
                    "hours",
                    format!("{operation} is only allowed between {from} and {to}"),
                )
            })
        }
        Invariant::Max(max) if names(&max.of, operation) => {
            let count = match window(contract, max.per, now) {
                Some(window) => counts.effects(&max.of, window),
                None => u64::MAX,
            };
            (count >= max.max).then(|| {
                (
                    "max",
                    format!(
                        "{} was done {count} times; the contract allows {} a {}",
                        max.of,
                        max.max,
                        word(max.per)
                    ),
                )
            })
        }
        Invariant::MaxCost(cost) => too_dear(
            cost.max_cost_micros,
            cost.per,
            contract,
            call.cost,
            counts,
            now,
        ),
        Invariant::OnlyBetween(_) | Invariant::Max(_) => None,
    }
}

/// Whether a call could cost more than is left of a cap. What costs nothing always fits.
fn too_dear(
    cap: u64,
    per: Per,
    contract: &Contract,
    cost: CallCost,
    counts: &dyn LedgerCounts,
    now: Time,
) -> Option<(&'static str, String)> {
    let at_most = match cost {
        CallCost::Free | CallCost::AtMost(0) => return None,
        CallCost::AtMost(micros) => micros,
        CallCost::Unknown => {
            return Some((
                PRICE_UNKNOWN,
                format!(
                    "the contract allows {} a {}, and nobody knows what this model costs",
                    usd(cap),
                    word(per)
                ),
            ));
        }
    };
    let spent = match window(contract, per, now) {
        Some(window) => counts.cost_micros(window),
        None => u64::MAX,
    };
    (spent.saturating_add(at_most) > cap).then(|| {
        (
            MAX_COST,
            format!(
                "the contract allows {} a {}; {} are spent or set aside, and this call could cost up to {}",
                usd(cap),
                word(per),
                usd(spent),
                usd(at_most)
            ),
        )
    })
}

fn usd(micros: u64) -> String {
    format!("{:.4} USD", micros as f64 / 1e6)
}

fn word(per: Per) -> &'static str {
    match per {
        Per::Run => "run",
        Per::Hour => "hour",
        Per::Day => "day",
        Per::Month => "month",
    }
}

fn zoned(contract: &Contract, now: Time) -> Option<jiff::Zoned> {
    let zone = jiff::tz::TimeZone::get(&contract.timezone).ok()?;
    Some(now.to_timestamp().to_zoned(zone))
}

fn minute_of_day(contract: &Contract, now: Time) -> Option<u16> {
    let zoned = zoned(contract, now)?;
    Some(u16::try_from(zoned.hour()).ok()? * 60 + u16::try_from(zoned.minute()).ok()?)
}

/// The clock hour, calendar day or month around `now`, in the contract's zone.
fn window(contract: &Contract, per: Per, now: Time) -> Option<Window> {
    let zoned = match per {
        Per::Run => return Some(Window::Run),
        Per::Hour | Per::Day | Per::Month => zoned(contract, now)?,
    };
    let (from, to) = match per {
        Per::Run => return Some(Window::Run),
        Per::Hour => {
            let from = zoned
                .round(
                    jiff::ZonedRound::new()
                        .smallest(jiff::Unit::Hour)
                        .mode(jiff::RoundMode::Trunc),
                )
                .ok()?;
            let to = from.checked_add(1.hour()).ok()?;
            (from, to)
        }
        Per::Day => {
            let from = zoned.start_of_day().ok()?;
            let to = from.checked_add(1.day()).ok()?.start_of_day().ok()?;
            (from, to)
        }
        Per::Month => {
            let from = zoned.first_of_month().ok()?.start_of_day().ok()?;
            let to = from.checked_add(1.month()).ok()?.start_of_day().ok()?;
            (from, to)
        }
    };
    Some(Window::Between {
        from: from.timestamp().into(),
        to: to.timestamp().into(),
    })
}

fn approval(contract: &Contract, call: &GateCall<'_>, counts: &dyn LedgerCounts) -> Verdict {
    for (i, rule) in contract.requires_approval.iter().enumerate() {
        if !names(&rule.of, call.operation) {
            continue;
        }
        let reason = match &rule.when {
            None => Some(format!("the contract wants your approval for {}", rule.of)),
            Some(when) => applies(&rule.of, when, call, counts),
        };
        if let Some(message) = reason {
            return Verdict::NeedsApproval(ApprovalNeeded {
                clause: format!("requires_approval[{i}]"),
                message,
            });
        }
    }
    Verdict::Allowed
}

fn applies(
    of: &str,
    when: &ApprovalCondition,
    call: &GateCall<'_>,
    counts: &dyn LedgerCounts,
) -> Option<String> {
    for (kind, inside) in [
        (ResourceKind::Recipients, &when.recipients_outside),
        (ResourceKind::Hosts, &when.hosts_outside),
        (ResourceKind::Folders, &when.folders_outside),
    ] {
        if inside.is_empty() {
            continue;
        }
        let outside = call
            .resources
            .iter()
            .filter(|resource| resource.kind == kind)
            .find(|resource| {
                !inside
                    .iter()
                    .any(|granted| covers(kind, granted, &resource.value))
            });
        if let Some(resource) = outside {
            return Some(format!(
                "{} is outside {}",
                resource.value,
                inside.join(", ")
            ));
        }
    }
    let limit = when.more_than?;
    let count = counts.effects(of, Window::Run);
    (count >= limit).then(|| {
        format!(
            "this would be number {} of {of} in this run",
            count.saturating_add(1),
        )
    })
}
