//! When to ask the certificate authority: for a renewal, and again after it failed. Without clock
//! and without chance: both are handed in.

use std::time::{Duration, SystemTime};

/// The longest that an authority's *Retry-After* is followed.
const MOST_TOLD: Duration = Duration::from_secs(24 * 3600);
/// How long to let another relay of the name go first.
const TURN: Steps = Steps {
    first: Duration::from_secs(8),
    most: Duration::from_secs(60),
};
/// Of a certificate's life, the part by which renewals are spread.
const SPREAD: f64 = 0.03;

/// From when until when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
}

impl Validity {
    /// When to order the next: at two thirds of its life or shortly before, so that relays that
    /// started together do not all ask together. `chance` is in 0..1.
    pub(crate) fn renewal(&self, chance: f64) -> SystemTime {
        let life = self.until.duration_since(self.from).unwrap_or_default();
        self.from + life.mul_f64(2.0 / 3.0 - SPREAD * chance)
    }

    /// Seconds until it ends; negative when it has ended.
    pub(crate) fn seconds_left(&self, now: SystemTime) -> i64 {
        let whole = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        match self.until.duration_since(now) {
            Ok(left) => whole(left),
            Err(over) => -whole(over.duration()),
        }
    }
}

/// What an order failed on: what decides how soon to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The authority did not answer, or not as one. Costs nobody anything.
    Unreachable,
    /// Another relay of the name is at it, which takes some seconds.
    Busy,
    /// It said no, or all was for nothing. Authorities count these, and shut out who has too many of them.
    Refused,
}

/// How long to wait after a failure: twice as long each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub most: Duration,
}

/// How patiently an authority is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// When it cannot be reached.
    pub unreachable: Steps,
    /// When it says no.
    pub refused: Steps,
}

impl Default for Pace {
    /// Let's Encrypt takes five failed checks of a name in an hour; these make no more.
    fn default() -> Self {
        Self {
            unreachable: Steps {
                first: Duration::from_secs(10),
                most: Duration::from_secs(30 * 60),
            },
            refused: Steps {
                first: Duration::from_secs(4 * 60),
                most: Duration::from_secs(4 * 3600),
            },
        }
    }
}

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures {
    last: Option<Failure>,
    in_a_row: u32,
}

impl Failures {
    /// Counts one, and says how long to wait: half to one and a half times the step, by `chance`
    /// (in 0..1), so that relays of one name come apart; `told` (the authority's own word) when
    /// that is longer.
    pub(crate) fn wait(
        &mut self,
        failure: Failure,
        pace: &Pace,
        told: Option<Duration>,
        chance: f64,
    ) -> Duration {
        self.in_a_row = match self.last {
            Some(last) if last == failure => self.in_a_row.saturating_add(1),
            _ => 1,
        };
        self.last = Some(failure);
        let steps = match failure {
            Failure::Unreachable => pace.unreachable,
            Failure::Busy => TURN,
            Failure::Refused => pace.refused,
        };
        let doubled = 2_u32.saturating_pow(self.in_a_row - 1);
        let step = steps.first.saturating_mul(doubled).min(steps.most);
        let told = told.unwrap_or_default().min(MOST_TOLD);
        step.mul_f64(0.5 + chance).max(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const MIDDLE: f64 = 0.5;

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_life_is_left_or_a_little_more() {
        let from = SystemTime::UNIX_EPOCH;
        for days in [6, 90, 365] {
            let life = DAY * days;
            let validity = Validity {
                from,
                until: from + life,
            };
            for (chance, part) in [(0.0, 2.0 / 3.0), (0.999, 2.0 / 3.0 - SPREAD)] {
                let after = validity.renewal(chance).duration_since(from);
                let aim = life.mul_f64(part).as_secs_f64();
                let off = after.unwrap_or_default().as_secs_f64() - aim;
                assert!(off.abs() < life.as_secs_f64() / 1000.0, "{off}");
            }
        }
    }

    #[test]
    fn what_is_left_is_negative_once_it_is_over() {
        let from = SystemTime::UNIX_EPOCH;
        let until = from + DAY;
        let validity = Validity { from, until };
        assert_eq!(validity.seconds_left(from), 86_400);
        assert_eq!(validity.seconds_left(until + Duration::from_secs(5)), -5);
    }

    #[test]
    fn waits_double_up_to_a_most_and_start_anew_for_another_failure() {
        let (pace, mut failures) = (Pace::default(), Failures::default());
        let mut wait = |failure| failures.wait(failure, &pace, None, MIDDLE).as_secs();
        let refused: Vec<u64> = (0..9).map(|_| wait(Failure::Refused)).collect();
        assert_eq!(
            refused,
            [240, 480, 960, 1920, 3840, 7680, 14_400, 14_400, 14_400]
        );
        assert_eq!(wait(Failure::Unreachable), 10);
        assert_eq!(wait(Failure::Unreachable), 20);
        assert_eq!(wait(Failure::Refused), 240);
        for _ in 0..100 {
            assert!(wait(Failure::Refused) <= 14_400);
        }
    }

    #[test]
    fn even_with_the_luck_to_be_early_an_hour_sees_five_refusals_at_most() {
        let (pace, mut failures) = (Pace::default(), Failures::default());
        let (mut at, mut tries) = (Duration::ZERO, 0);
        while at < Duration::from_secs(3600) {
            tries += 1;
            at += failures.wait(Failure::Refused, &pace, None, 0.0);
        }
        assert!(tries <= 5, "{tries}");
        assert!(failures.in_a_row > 3);
    }

    #[test]
    fn the_authoritys_own_word_is_followed_within_reason() {
        let pace = Pace::default();
        let wait = |told| Failures::default().wait(Failure::Refused, &pace, told, MIDDLE);
        assert_eq!(wait(Some(DAY / 4)), DAY / 4);
        assert_eq!(wait(Some(DAY * 7)), DAY);
        assert_eq!(wait(Some(Duration::from_secs(1))), Duration::from_secs(240));
    }
}
