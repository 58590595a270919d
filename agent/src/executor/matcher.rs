//! How the journal of earlier attempts answers the calls of a new one. Pure.
//!
//! A resumed run executes its script from the top. Each call is held against the entry of its
//! number: an entry with an end answers it, in the recorded order of ends; one without is executed,
//! looked up, or waits. A call that differs from its entry is nondeterminism and never executed.

use crate::store::steps::{StepOutcome, StepRow};
use deputy_protocol::{StepState, Time};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What is to be done about a call.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The journal does not know it: go through the gate and do it.
    New,
    /// The journal has its end; [`Matcher::next`] will deliver it in its turn.
    Recorded,
    /// Its end is known but the script never saw it: it takes its place in the order now.
    Ready(StepOutcome),
    /// The last attempt failed because of it, or a person said so: do it again.
    Again(Box<StepRow>),
    /// Its intent is on disk and its end is not: the process died in between.
    Interrupted(Box<StepRow>),
    /// It still waits, for a time or a person.
    Parked(Box<StepRow>),
    /// It is not the call that the journal has: nothing may be executed.
    Differs {
        /// In words, what the journal has.
        expected: String,
        /// In words, what the script does now.
        found: String,
    },
}

/// An end to be handed to the script.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) seq: u32,
    pub(super) outcome: StepOutcome,
    pub(super) logical_at: Time,
}

/// The journal of earlier attempts, consumed by the calls of a new one.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    entries: HashMap<u32, StepRow>,
    /// Numbers of entries with a place in the order of ends, by that place.
    order: VecDeque<u32>,
    called: HashMap<u32, ()>,
    highest_settled: u32,
}

impl Matcher {
    pub(super) fn new(journal: Vec<StepRow>) -> Self {
        let mut by_place = BTreeMap::new();
        let mut highest_settled = 0;
        for entry in &journal {
            if let Some(place) = entry.settled
                && entry.outcome.is_some()
                && !entry.again
            {
                by_place.insert((place, entry.seq), entry.seq);
                highest_settled = highest_settled.max(place);
            }
        }
        Self {
            order: by_place.into_values().collect(),
            entries: journal
                .into_iter()
                .map(|entry| (entry.seq, entry))
                .collect(),
            called: HashMap::new(),
            highest_settled,
        }
    }

    /// The highest place in the order of ends that the journal holds.
    pub(super) fn highest_settled(&self) -> u32 {
        self.highest_settled
    }

    /// Holds a call against the journal.
    pub(super) fn on_call(&mut self, seq: u32, tool: &str, digest: &str) -> Verdict {
        let Some(entry) = self.entries.get(&seq) else {
            return Verdict::New;
        };
        if entry.tool != tool || entry.digest != digest {
            return Verdict::Differs {
                expected: format!("{} (arguments {})", entry.tool, entry.digest),
                found: format!("{tool} (arguments {digest})"),
            };
        }
        if entry.again {
            return Verdict::Again(Box::new(entry.clone()));
        }
        match (&entry.outcome, entry.settled) {
            (Some(_), Some(_)) => {
                self.called.insert(seq, ());
                Verdict::Recorded
            }
            (Some(outcome), None) => Verdict::Ready(outcome.clone()),
            (None, _) => match entry.state {
                StepState::Intent | StepState::Done | StepState::Failed | StepState::Skipped => {
                    Verdict::Interrupted(Box::new(entry.clone()))
                }
                StepState::Waiting | StepState::InDoubt => Verdict::Parked(Box::new(entry.clone())),
            },
        }
    }

    /// Whether recorded ends are still to be delivered; ends of this attempt wait for them.
    pub(super) fn replaying(&self) -> bool {
        !self.order.is_empty()
    }

    /// The next recorded end, if its call has been made.
    pub(super) fn next(&mut self) -> Option<Delivery> {
        let seq = *self.order.front()?;
        self.called.remove(&seq)?;
        self.order.pop_front();
        let entry = self.entries.get(&seq)?;
        Some(Delivery {
            seq,
            outcome: entry.outcome.clone()?,
            logical_at: entry.logical_at.unwrap_or_default(),
        })
    }

    /// Entries whose ends were never asked for, in words: what a new script leaves out.
    pub(super) fn left_over(&self) -> Vec<String> {
        self.order
            .iter()
            .filter(|seq| !self.called.contains_key(seq))
            .filter_map(|seq| self.entries.get(seq))
            .map(|entry| {
                format!(
                    "step {}: {} is in the journal and was not called",
                    entry.seq, entry.tool
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use deputy_protocol::EffectClass;
    use serde_json::Value;
    use serde_json::value::RawValue;

    fn entry(seq: u32, state: StepState, end: Option<&str>, settled: Option<u32>) -> StepRow {
        StepRow {
            seq,
            tool: "web.fetch".to_owned(),
            class: EffectClass::Read,
            effect_key: None,
            digest: format!("d{seq}"),
            state,
            outcome: end
                .map(|json| StepOutcome::Ok(RawValue::from_string(json.to_owned()).unwrap())),
            settled,
            again: false,
            grant: Default::default(),
            prepared: Value::Null,
            logical_at: Some(Time(i64::from(seq) * 100)),
            wake_at: None,
        }
    }

    fn call(matcher: &mut Matcher, seq: u32) -> Verdict {
        matcher.on_call(seq, "web.fetch", &format!("d{seq}"))
    }

    #[test]
    fn ends_are_delivered_in_the_recorded_order_whatever_the_order_of_calls() {
        let mut matcher = Matcher::new(vec![
            entry(1, StepState::Done, Some("1"), Some(3)),
            entry(2, StepState::Done, Some("2"), Some(1)),
            entry(3, StepState::Done, Some("3"), Some(2)),
        ]);
        assert!(matches!(call(&mut matcher, 1), Verdict::Recorded));
        assert!(
            matcher.next().is_none(),
            "step 2 comes first and was not called yet"
        );
        assert!(matches!(call(&mut matcher, 2), Verdict::Recorded));
        assert_eq!(matcher.next().unwrap().seq, 2);
        assert!(matcher.next().is_none());
        assert!(matches!(call(&mut matcher, 3), Verdict::Recorded));
        assert_eq!(matcher.next().unwrap().seq, 3);
        assert_eq!(matcher.next().unwrap().seq, 1);
        assert!(!matcher.replaying());
    }

    #[test]
    fn a_call_that_differs_from_its_entry_is_never_executed() {
        let mut matcher = Matcher::new(vec![entry(1, StepState::Done, Some("1"), Some(1))]);
        assert!(matches!(
            matcher.on_call(1, "web.fetch", "other"),
            Verdict::Differs { .. }
        ));
        assert!(matches!(
            matcher.on_call(1, "mail.send", "d1"),
            Verdict::Differs { .. }
        ));
    }

    #[test]
    fn an_intent_without_an_end_is_an_interruption() {
        let mut matcher = Matcher::new(vec![entry(1, StepState::Intent, None, None)]);
        assert!(matches!(call(&mut matcher, 1), Verdict::Interrupted(_)));
    }

    #[test]
    fn an_end_the_script_never_saw_takes_its_place_now() {
        let mut matcher = Matcher::new(vec![entry(1, StepState::Done, Some("1"), None)]);
        assert!(matches!(call(&mut matcher, 1), Verdict::Ready(_)));
        assert!(!matcher.replaying());
    }

    #[test]
    fn a_step_to_be_done_again_gives_up_its_place() {
        let mut failed = entry(1, StepState::Failed, Some("1"), Some(1));
        failed.again = true;
        let mut matcher = Matcher::new(vec![failed, entry(2, StepState::Done, Some("2"), Some(2))]);
        assert!(matches!(call(&mut matcher, 1), Verdict::Again(_)));
        assert!(matches!(call(&mut matcher, 2), Verdict::Recorded));
        assert_eq!(matcher.next().unwrap().seq, 2);
    }

    #[test]
    fn what_waits_for_a_person_goes_on_waiting() {
        for state in [StepState::Waiting, StepState::InDoubt] {
            let mut matcher = Matcher::new(vec![entry(1, state, None, None)]);
            assert!(
                matches!(call(&mut matcher, 1), Verdict::Parked(_)),
                "{state}"
            );
        }
    }

    #[test]
    fn an_unknown_number_is_new() {
        assert!(matches!(
            call(&mut Matcher::new(Vec::new()), 1),
            Verdict::New
        ));
    }

    #[test]
    fn what_was_never_called_is_named() {
        let matcher = Matcher::new(vec![entry(1, StepState::Done, Some("1"), Some(1))]);
        assert_eq!(
            matcher.left_over(),
            ["step 1: web.fetch is in the journal and was not called"]
        );
    }
}
