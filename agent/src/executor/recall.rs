//! How the journal of earlier scripts answers the calls of another one: by content. Pure.
//!
//! A repaired script resumes the same run, but its calls have other numbers. A read is known by its
//! tool and arguments, an effect by its effect key, a sleep by how many came before it. Whatever was
//! done is never done again: what is not known here still has to pass the ledger.

use super::ending::REFUSED_BY_USER;
use super::keys::Occurrences;
use crate::store::runs::Resumption;
use crate::store::steps::{NewStep, StepOutcome, StepRow};
use deputy_protocol::StepState;
use std::collections::HashMap;

/// The call by which a script sleeps.
pub(super) const SLEEP: &str = "ctx.sleep";

/// What earlier scripts know of a call.
#[derive(Debug)]
pub(super) enum Recall {
    /// Its end.
    Ended(Box<StepRow>),
    /// That it was begun: what a person allowed of it, what was noted for looking it up, and when a
    /// sleep ends. Whether it may be done is the ledger's to say.
    Open(Box<StepRow>),
    /// Nothing.
    Nothing,
}

/// The journal of earlier scripts of a run.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Reads and sleeps by tool, digest of arguments (none for sleeps) and occurrence. `None` when a
    /// later script's read is to be made afresh.
    reads: HashMap<(String, String, u32), Option<StepRow>>,
    effects: HashMap<(String, String), StepRow>,
}

impl Earlier {
    /// From the entries before the present script's first, in order. Where several scripts made the
    /// same call, the latest counts.
    pub(super) fn new(rows: Vec<StepRow>, resumptions: &[Resumption]) -> Self {
        let mut earlier = Self::default();
        let mut seen: HashMap<usize, Occurrences> = HashMap::new();
        for row in rows {
            if let Some(key) = &row.effect_key {
                earlier.effects.insert((row.tool.clone(), key.clone()), row);
                continue;
            }
            let script = resumptions.iter().take_while(|r| r.after < row.seq).count();
            let alike = if row.tool == SLEEP { "" } else { &row.digest };
            let occurrence = seen.entry(script).or_default().next(&row.tool, alike);
            let afresh = row.tool != SLEEP
                && (row.again
                    || resumptions
                        .iter()
                        .skip(script)
                        .any(|r| row.seq > r.reads_until));
            let place = (row.tool.clone(), alike.to_owned(), occurrence);
            earlier.reads.insert(place, Some(row).filter(|_| !afresh));
        }
        earlier
    }

    /// What is known of a call; `occurrence` counts equal calls before it by the present script.
    pub(super) fn recall(&self, step: &NewStep, occurrence: u32) -> Recall {
        let found = match &step.effect_key {
            Some(key) => self
                .effects
                .get(&(step.tool.clone(), key.clone()))
                // Other arguments under the same key: the ledger refuses, if it was done.
                .filter(|row| row.digest == step.digest),
            None => {
                let alike = if step.tool == SLEEP { "" } else { &step.digest };
                let place = (step.tool.clone(), alike.to_owned(), occurrence);
                self.reads.get(&place).and_then(Option::as_ref)
            }
        };
        let Some(row) = found else {
            return Recall::Nothing;
        };
        let ended = match row.state {
            StepState::Done | StepState::Skipped => row.outcome.is_some(),
            // A failed effect did not happen, and is tried again, unless a person said no to it.
            StepState::Failed => match &row.outcome {
                Some(StepOutcome::Err(error)) => {
                    row.effect_key.is_none() || error.code == REFUSED_BY_USER
                }
                Some(StepOutcome::Ok(_)) | None => false,
            },
            StepState::Intent | StepState::Waiting | StepState::InDoubt => false,
        };
        let row = Box::new(row.clone());
        if ended && !row.again {
            Recall::Ended(row)
        } else {
            Recall::Open(row)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::executor::keys::effect_key;
    use crate::store::steps::Grant;
    use crate::tools::ToolError;
    use deputy_protocol::{EffectClass, FailureClass, Time};
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;
    use std::collections::HashSet;

    fn row(seq: u32, tool: &str, key: Option<&str>, digest: &str, state: StepState) -> StepRow {
        let json = RawValue::from_string(seq.to_string()).unwrap();
        StepRow {
            seq,
            tool: tool.to_owned(),
            class: if key.is_some() {
                EffectClass::Opaque
            } else {
                EffectClass::Read
            },
            effect_key: key.map(str::to_owned),
            digest: digest.to_owned(),
            state,
            outcome: match state {
                StepState::Done | StepState::Skipped => Some(StepOutcome::Ok(json)),
                StepState::Failed => Some(StepOutcome::Err(ToolError::not_done(
                    FailureClass::Logic,
                    "x",
                    tool,
                    "y",
                ))),
                StepState::Intent | StepState::Waiting | StepState::InDoubt => None,
            },
            settled: Some(seq),
            again: false,
            grant: Grant::None,
            prepared: Value::Null,
            logical_at: Some(Time(i64::from(seq))),
            wake_at: None,
        }
    }

    fn call(tool: &str, key: Option<&str>, digest: &str) -> NewStep {
        NewStep {
            run: 1,
            seq: 100,
            tool: tool.to_owned(),
            class: EffectClass::Read,
            effect_key: key.map(str::to_owned),
            digest: digest.to_owned(),
            args: String::new(),
            started_at: Time(0),
            attempt: 2,
        }
    }

    fn once(after: u32, reads_until: u32) -> Vec<Resumption> {
        vec![Resumption { after, reads_until }]
    }

    fn seen(recall: Recall) -> String {
        match recall {
            Recall::Ended(row) => format!("ended {}", row.seq),
            Recall::Open(row) => format!("open {}", row.seq),
            Recall::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn each_state_of_an_earlier_effect_has_its_answer() {
        for (state, expected) in [
            (StepState::Done, "ended 1"),
            (StepState::Skipped, "ended 1"),
            (StepState::Failed, "open 1"),
            (StepState::Intent, "open 1"),
            (StepState::Waiting, "open 1"),
            (StepState::InDoubt, "open 1"),
        ] {
            let rows = vec![row(1, "mail.send", Some("k"), "d", state)];
            let earlier = Earlier::new(rows, &once(1, 1));
            let recall = |key, digest| seen(earlier.recall(&call("mail.send", key, digest), 0));
            assert_eq!(recall(Some("k"), "d"), expected, "{state}");
            assert_eq!(
                recall(Some("k"), "other"),
                "nothing",
                "other arguments are for the ledger"
            );
            assert_eq!(recall(Some("l"), "d"), "nothing");
        }
    }

    #[test]
    fn what_a_person_refused_stays_refused() {
        let mut refused = row(1, "mail.send", Some("k"), "d", StepState::Failed);
        refused.outcome = Some(StepOutcome::Err(ToolError::not_done(
            FailureClass::Permission,
            REFUSED_BY_USER,
            "mail.send",
            "no",
        )));
        let earlier = Earlier::new(vec![refused], &once(1, 1));
        let recall = earlier.recall(&call("mail.send", Some("k"), "d"), 0);
        assert_eq!(seen(recall), "ended 1");
    }

    #[test]
    fn the_nth_equal_read_is_the_nth_equal_read() {
        let read = |seq| row(seq, "web.fetch", None, "d", StepState::Done);
        let earlier = Earlier::new(vec![read(1), read(2)], &once(2, 2));
        let recall = |n| seen(earlier.recall(&call("web.fetch", None, "d"), n));
        assert_eq!(
            [recall(0), recall(1), recall(2)],
            ["ended 1", "ended 2", "nothing"]
        );
    }

    #[test]
    fn a_sleep_is_known_by_its_place_among_sleeps_and_keeps_its_end() {
        let rows = vec![
            row(1, SLEEP, None, "until noon", StepState::Done),
            row(2, SLEEP, None, "until night", StepState::Waiting),
        ];
        let earlier = Earlier::new(rows, &once(2, 0));
        let recall = |n| seen(earlier.recall(&call(SLEEP, None, "another time"), n));
        assert_eq!(
            [recall(0), recall(1), recall(2)],
            ["ended 1", "open 2", "nothing"]
        );
    }

    #[test]
    fn reads_after_the_given_entry_are_made_afresh_even_where_an_older_script_made_them_too() {
        let read = |seq| row(seq, "web.fetch", None, "d", StepState::Done);
        let resumptions = [
            Resumption {
                after: 1,
                reads_until: 1,
            },
            Resumption {
                after: 2,
                reads_until: 0,
            },
        ];
        let earlier = Earlier::new(vec![read(1), read(2)], &resumptions);
        assert_eq!(
            seen(earlier.recall(&call("web.fetch", None, "d"), 0)),
            "nothing"
        );
    }

    #[test]
    fn the_step_that_failed_the_attempt_is_asked_again() {
        let mut failed = row(1, "web.fetch", None, "d", StepState::Failed);
        let kept = Earlier::new(vec![failed.clone()], &once(1, 1));
        assert_eq!(
            seen(kept.recall(&call("web.fetch", None, "d"), 0)),
            "ended 1"
        );
        failed.again = true;
        let again = Earlier::new(vec![failed], &once(1, 1));
        assert_eq!(
            seen(again.recall(&call("web.fetch", None, "d"), 0)),
            "nothing"
        );
    }

    #[test]
    fn of_several_scripts_the_latest_counts() {
        let rows = vec![
            row(1, "web.fetch", None, "d", StepState::Done),
            row(2, "web.fetch", None, "d", StepState::Done),
        ];
        let resumptions = [
            Resumption {
                after: 1,
                reads_until: 1,
            },
            Resumption {
                after: 2,
                reads_until: 2,
            },
        ];
        let earlier = Earlier::new(rows, &resumptions);
        assert_eq!(
            seen(earlier.recall(&call("web.fetch", None, "d"), 0)),
            "ended 2"
        );
        assert_eq!(
            seen(earlier.recall(&call("web.fetch", None, "d"), 1)),
            "nothing"
        );
    }

    /// What a script of the property does, one after the other.
    #[derive(Clone, Debug)]
    enum Op {
        Read(u8),
        /// Its arguments, and its `once`.
        Effect(u8, Option<u8>),
        Sleep,
    }

    /// How an effect's attempt turns out, chosen at random.
    #[derive(Clone, Copy, Debug)]
    enum Fate {
        Happened,
        Refused,
        /// The process dies; whether it happened, nobody knows.
        CutOff {
            happened: bool,
        },
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0u8..4).prop_map(Op::Read),
            (0u8..4, proptest::option::of(0u8..3)).prop_map(|(a, k)| Op::Effect(a, k)),
            Just(Op::Sleep),
        ]
    }

    fn fate() -> impl Strategy<Value = Fate> {
        prop_oneof![
            6 => Just(Fate::Happened),
            1 => Just(Fate::Refused),
            1 => any::<bool>().prop_map(|happened| Fate::CutOff { happened }),
        ]
    }

    /// The world outside, the run's journal and the automation's ledger (with the rules of `intend`).
    #[derive(Default)]
    struct World {
        journal: Vec<StepRow>,
        resumptions: Vec<Resumption>,
        ledger: HashMap<String, (StepState, String)>,
        happened: Vec<(String, String)>,
        slept: u32,
        sleeps_asked: u32,
    }

    impl World {
        /// Runs a script until it is cut off, and says how far it came.
        fn run(&mut self, script: &[Op], fates: &mut impl Iterator<Item = Fate>) {
            let after = u32::try_from(self.journal.len()).unwrap();
            if after > 0 {
                self.resumptions.push(Resumption {
                    after,
                    reads_until: after,
                });
            }
            let earlier = Earlier::new(self.journal.clone(), &self.resumptions);
            let (mut occurrences, mut seq, mut sleeps) = (Occurrences::default(), after, 0);
            for op in script {
                seq += 1;
                let (tool, digest, once) = match op {
                    Op::Read(a) => ("web.fetch", format!("a{a}"), None),
                    // As for real, the digest is of all arguments, `once` among them.
                    Op::Effect(a, k) => (
                        "web.request",
                        format!("a{a} {k:?}"),
                        k.map(|k| format!("k{k}")),
                    ),
                    Op::Sleep => (SLEEP, format!("at {seq}"), None),
                };
                let alike = if tool == SLEEP { "" } else { &digest };
                let occurrence = occurrences.next(tool, alike);
                let key = matches!(op, Op::Effect(..))
                    .then(|| effect_key(once.as_deref(), 0, &[7; 32], tool, &digest, occurrence));
                let step = call(tool, key.as_deref(), &digest);
                let state = match earlier.recall(&step, occurrence) {
                    Recall::Ended(row) => row.state,
                    Recall::Open(_) | Recall::Nothing => match &key {
                        None if tool == SLEEP => {
                            self.slept += 1;
                            StepState::Done
                        }
                        None => StepState::Done,
                        Some(key) => match self.effect(key, &digest, fates) {
                            Some(state) => state,
                            // A conflict of keys: the script fails here.
                            None => return,
                        },
                    },
                };
                sleeps += u32::from(tool == SLEEP);
                self.sleeps_asked = self.sleeps_asked.max(sleeps);
                self.journal
                    .push(row(seq, tool, key.as_deref(), &digest, state));
                if matches!(state, StepState::Intent | StepState::InDoubt) {
                    return;
                }
            }
        }

        fn effect(
            &mut self,
            key: &str,
            digest: &str,
            fates: &mut impl Iterator<Item = Fate>,
        ) -> Option<StepState> {
            match self.ledger.get(key) {
                Some((state, known)) if *state != StepState::Failed && known != digest => {
                    return None;
                }
                Some((StepState::Done | StepState::Skipped, _)) => return Some(StepState::Done),
                Some((StepState::Intent | StepState::InDoubt | StepState::Waiting, _)) => {
                    return Some(StepState::InDoubt);
                }
                Some((StepState::Failed, _)) | None => {}
            }
            let state = match fates.next().unwrap_or(Fate::Happened) {
                Fate::Happened => {
                    self.happened.push((key.to_owned(), digest.to_owned()));
                    StepState::Done
                }
                Fate::Refused => StepState::Failed,
                Fate::CutOff { happened } => {
                    if happened {
                        self.happened.push((key.to_owned(), digest.to_owned()));
                    }
                    StepState::Intent
                }
            };
            self.ledger
                .insert(key.to_owned(), (state, digest.to_owned()));
            Some(state)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// Whatever the scripts and wherever each is cut off: no effect happens twice, none happens
        /// under a key that another one had, and no more is slept than one script asks for.
        #[test]
        fn another_script_never_repeats_an_effect(
            scripts in proptest::collection::vec(proptest::collection::vec(op(), 0..12), 1..5),
            cuts in proptest::collection::vec(0usize..12, 5),
            fates in proptest::collection::vec(fate(), 0..30),
        ) {
            let mut world = World::default();
            let mut fates = fates.into_iter();
            for (script, cut) in scripts.iter().zip(&cuts) {
                // Cut off: what happens to a script that fails half way.
                world.run(&script[..script.len().min(cut + 1)], &mut fates);
            }
            let keys: HashSet<&str> = world.happened.iter().map(|(key, _)| key.as_str()).collect();
            prop_assert_eq!(keys.len(), world.happened.len(), "twice: {:?}", world.happened);
            prop_assert!(world.slept <= world.sleeps_asked, "slept {} of {}", world.slept, world.sleeps_asked);
        }

        /// The same script after the same journal does nothing anew, except for what failed.
        #[test]
        fn the_same_script_again_does_nothing_that_was_done(script in proptest::collection::vec(op(), 0..12)) {
            let mut world = World::default();
            world.run(&script, &mut std::iter::empty());
            let (happened, slept) = (world.happened.len(), world.slept);
            world.run(&script, &mut std::iter::empty());
            prop_assert_eq!(world.happened.len(), happened);
            prop_assert_eq!(world.slept, slept);
        }
    }
}
