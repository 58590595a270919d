//! Whether a failed run may be repaired without asking anybody, and when. Pure: one function, every
//! reason a word.

use deputy_protocol::{AutomationState, FailureClass, Time};

/// How much may be tried; settings, with these defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Attempts for failures that are alike.
    pub(super) per_failure: u32,
    /// Attempts for an automation within 24 hours.
    pub(super) per_day: u32,
    /// Money for an automation within 24 hours, in micro-USD.
    pub(super) cost_per_day_micros: i64,
    /// How long after a first attempt that failed the second may begin, in milliseconds; it doubles.
    pub(super) cool_down_ms: i64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            per_failure: 3,
            per_day: 5,
            cost_per_day_micros: 1_000_000,
            cool_down_ms: 5 * 60_000,
        }
    }
}

/// What is known about a failure and the repairs before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) class: FailureClass,
    /// The sandbox's process died.
    pub(super) crash: bool,
    pub(super) automation: AutomationState,
    pub(super) has_model: bool,
    /// A person was asked about a failure like this one and has not answered.
    pub(super) asked: bool,
    /// Attempts for failures that are alike.
    pub(super) attempts: u32,
    /// When the last of those began.
    pub(super) last_attempt: Option<Time>,
    /// Attempts for the automation within 24 hours.
    pub(super) attempts_today: u32,
    /// Their cost, in micro-USD.
    pub(super) cost_today_micros: i64,
    pub(super) now: Time,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Repair, not before this time.
    Repair { not_before: Time },
    /// Leave it to a person.
    Leave(Why),
}

/// Why a failure is left to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// No change of a script mends it.
    Class,
    /// The automation does not run.
    NotActive,
    /// No model is set up.
    NoModel,
    /// A person was asked already.
    Asked,
    /// Failures like this were tried to mend too often.
    TooOften,
    /// Too much was tried today.
    TooMuchToday,
    /// Too much was spent today.
    TooDear,
}

impl Why {
    /// For the item; `None` where there is nothing to say about repair.
    pub(super) fn words(self) -> Option<&'static str> {
        match self {
            Self::Class | Self::NoModel => None,
            Self::NotActive => Some("It is not repaired while the automation is paused."),
            Self::Asked => Some("It is not repaired while an item about the same failure is open."),
            Self::TooOften => {
                Some("It was repaired as often as it may be, and fails the same way.")
            }
            Self::TooMuchToday => {
                Some("The automation was repaired as often as it may be within 24 hours.")
            }
            Self::TooDear => {
                Some("Repairs of the automation cost as much as they may within 24 hours.")
            }
        }
    }
}

/// Decides about a failure.
pub(super) fn decide(facts: &Facts, allowance: &Allowance) -> Decision {
    let per_failure = match facts.class {
        FailureClass::Logic => allowance.per_failure,
        FailureClass::Limit => allowance.per_failure.min(1),
        FailureClass::Transient
        | FailureClass::Auth
        | FailureClass::Permission
        | FailureClass::Approval
        | FailureClass::Precondition
        | FailureClass::InDoubt
        | FailureClass::Unknown => return Decision::Leave(Why::Class),
    };
    if facts.crash {
        return Decision::Leave(Why::Class);
    }
    let reasons = [
        (!facts.has_model, Why::NoModel),
        (facts.automation != AutomationState::Active, Why::NotActive),
        (facts.asked, Why::Asked),
        (facts.attempts >= per_failure, Why::TooOften),
        (facts.attempts_today >= allowance.per_day, Why::TooMuchToday),
        (
            facts.cost_today_micros >= allowance.cost_per_day_micros,
            Why::TooDear,
        ),
    ];
    if let Some((_, why)) = reasons.into_iter().find(|(holds, _)| *holds) {
        return Decision::Leave(why);
    }
    let not_before = match facts.last_attempt {
        Some(last) => last.plus_ms(cool_down(allowance, facts.attempts)),
        None => facts.now,
    };
    Decision::Repair {
        not_before: not_before.max(facts.now),
    }
}

/// How long after the latest of so many attempts the next may begin.
fn cool_down(allowance: &Allowance, attempts: u32) -> i64 {
    let doubled = 1i64 << attempts.saturating_sub(1).min(20);
    allowance.cool_down_ms.saturating_mul(doubled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: i64 = 60_000;

    fn facts() -> Facts {
        Facts {
            class: FailureClass::Logic,
            crash: false,
            automation: AutomationState::Active,
            has_model: true,
            asked: false,
            attempts: 0,
            last_attempt: None,
            attempts_today: 0,
            cost_today_micros: 0,
            now: Time(0),
        }
    }

    fn decided(change: impl Fn(&mut Facts)) -> Decision {
        let mut facts = facts();
        change(&mut facts);
        decide(&facts, &Allowance::default())
    }

    const NOW: Decision = Decision::Repair {
        not_before: Time(0),
    };

    #[test]
    fn only_what_a_script_can_mend_is_repaired() {
        for class in FailureClass::ALL {
            let expected = match class {
                FailureClass::Logic | FailureClass::Limit => NOW,
                FailureClass::Transient
                | FailureClass::Auth
                | FailureClass::Permission
                | FailureClass::Approval
                | FailureClass::Precondition
                | FailureClass::InDoubt
                | FailureClass::Unknown => Decision::Leave(Why::Class),
            };
            assert_eq!(decided(|f| f.class = *class), expected, "{class}");
        }
    }

    #[test]
    fn each_border_has_its_reason() {
        type Change = fn(&mut Facts);
        let table: [(Change, Decision); 13] = [
            (|_| {}, NOW),
            (|f| f.crash = true, Decision::Leave(Why::Class)),
            (|f| f.has_model = false, Decision::Leave(Why::NoModel)),
            (
                |f| f.automation = AutomationState::Paused,
                Decision::Leave(Why::NotActive),
            ),
            (
                |f| f.automation = AutomationState::Draft,
                Decision::Leave(Why::NotActive),
            ),
            (
                |f| f.automation = AutomationState::Archived,
                Decision::Leave(Why::NotActive),
            ),
            (|f| f.asked = true, Decision::Leave(Why::Asked)),
            (|f| f.attempts = 2, NOW),
            (|f| f.attempts = 3, Decision::Leave(Why::TooOften)),
            (|f| f.attempts_today = 4, NOW),
            (|f| f.attempts_today = 5, Decision::Leave(Why::TooMuchToday)),
            (|f| f.cost_today_micros = 999_999, NOW),
            (
                |f| f.cost_today_micros = 1_000_000,
                Decision::Leave(Why::TooDear),
            ),
        ];
        for (row, (change, expected)) in table.iter().enumerate() {
            assert_eq!(decided(change), *expected, "row {row}");
        }
    }

    #[test]
    fn a_limit_is_repaired_once() {
        let after = |attempts| {
            decided(|f| {
                f.class = FailureClass::Limit;
                f.attempts = attempts;
            })
        };
        assert_eq!(after(0), NOW);
        assert_eq!(after(1), Decision::Leave(Why::TooOften));
    }

    #[test]
    fn the_cool_down_doubles_from_five_minutes_and_never_lies_in_the_past() {
        let after = |attempts, ago: i64| {
            decided(|f| {
                f.attempts = attempts;
                f.last_attempt = Some(Time(-ago));
            })
        };
        let at = |minutes: i64| Decision::Repair {
            not_before: Time(minutes * MIN),
        };
        assert_eq!(after(1, 0), at(5));
        assert_eq!(after(2, 0), at(10));
        assert_eq!(after(2, 4 * MIN), at(6));
        assert_eq!(after(2, 60 * MIN), at(0));
    }

    #[test]
    fn without_a_model_nothing_is_said_about_repair() {
        assert!(Why::NoModel.words().is_none());
        assert!(Why::TooOften.words().is_some());
    }
}
