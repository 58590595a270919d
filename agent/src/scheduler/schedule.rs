//! When a trigger is due. Pure.

use super::CronPattern;
use crate::intent::Trigger;
use deputy_protocol::{SourceKind, Time};
use jiff::tz::TimeZone;

/// A trigger that is due at times.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// A cron pattern in a zone.
    Cron(Box<CronPattern>, TimeZone),
    /// An interval, counted from an anchor, so that it never drifts.
    Every {
        /// The interval, in milliseconds.
        every_ms: i64,
        /// Where counting begins.
        anchor: Time,
    },
    /// Once.
    At(Time),
}

impl Schedule {
    /// The schedule of a trigger; `None` for triggers that do not go by time.
    pub fn of(trigger: &Trigger, timezone: &str, anchor: Time) -> Result<Option<Self>, String> {
        Ok(match trigger {
            Trigger::Cron(cron) => {
                let zone = TimeZone::get(timezone).map_err(|e| e.to_string())?;
                Some(Self::Cron(Box::new(CronPattern::parse(&cron.cron)?), zone))
            }
            Trigger::Every(every) => {
                let every_ms = i64::try_from(every.every_ms.max(1)).unwrap_or(i64::MAX);
                Some(Self::Every { every_ms, anchor })
            }
            Trigger::At(at) => Some(Self::At(
                at.at.parse().map_err(|e: jiff::Error| e.to_string())?,
            )),
            Trigger::Event(_)
            | Trigger::Webhook(_)
            | Trigger::File(_)
            | Trigger::Mail(_)
            | Trigger::Manual(_) => None,
        })
    }

    /// Where its items come from.
    pub fn source(&self) -> SourceKind {
        match self {
            Self::Cron(..) => SourceKind::Cron,
            Self::Every { .. } => SourceKind::Every,
            Self::At(_) => SourceKind::At,
        }
    }

    /// The first due time strictly after `after`.
    pub fn next_after(&self, after: Time) -> Option<Time> {
        match self {
            Self::Cron(pattern, zone) => pattern.next_after(after, zone),
            Self::Every { every_ms, anchor } => {
                let passed = after.since(*anchor).div_euclid(*every_ms).max(0);
                Some(anchor.plus_ms((passed + 1).saturating_mul(*every_ms)))
            }
            Self::At(at) => (*at > after).then_some(*at),
        }
    }

    /// The due times in (`after`, `upto`], at most the latest `cap` of them, oldest first, with how
    /// many there were in all (counted up to a bound that keeps a year of minutes cheap).
    pub fn between(&self, after: Time, upto: Time, cap: usize) -> (Vec<Time>, u64) {
        if let Self::Every { every_ms, anchor } = self {
            let first = after.since(*anchor).div_euclid(*every_ms).max(0) + 1;
            let last = upto.since(*anchor).div_euclid(*every_ms);
            let count = u64::try_from(last - first + 1).unwrap_or(0);
            let take = i64::try_from(cap as u64)
                .unwrap_or(i64::MAX)
                .min(i64::try_from(count).unwrap_or(0));
            let times = (last - take + 1..=last)
                .map(|n| anchor.plus_ms(n * every_ms))
                .collect();
            return (times, count);
        }
        // The latest ones are near the end: look back in growing steps until there are enough.
        let mut span = 3_600_000i64;
        loop {
            let from = after.max(upto.plus_ms(-span));
            let mut times = std::collections::VecDeque::new();
            let mut at = from;
            let mut count = 0;
            while let Some(next) = self.next_after(at).filter(|next| *next <= upto) {
                times.push_back(next);
                count += 1;
                if times.len() > cap {
                    times.pop_front();
                }
                at = next;
            }
            if from == after || times.len() >= cap {
                return (times.into(), count);
            }
            span = span.saturating_mul(4);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn intervals_never_drift(every in 1_000i64..10_000_000, anchor in 0i64..1_000_000_000, after in 0i64..2_000_000_000) {
            let schedule = Schedule::Every { every_ms: every, anchor: Time(anchor) };
            let next = schedule.next_after(Time(after)).unwrap();
            prop_assert!(next.0 > after);
            prop_assert!(next.0 > anchor);
            prop_assert_eq!((next.0 - anchor) % every, 0);
            prop_assert!(next.0 - every <= after.max(anchor));
        }
    }

    #[test]
    fn the_latest_of_a_year_of_minutes_are_found_at_once() {
        let schedule = Schedule::Cron(
            Box::new(CronPattern::parse("* * * * *").unwrap()),
            TimeZone::UTC,
        );
        let now: Time = "2027-01-01T00:00:30Z".parse().unwrap();
        let (times, _) = schedule.between(now.plus_ms(-365 * 86_400_000), now, 2);
        let shown: Vec<String> = times
            .iter()
            .map(|t| format!("{:.0}", t.to_timestamp()))
            .collect();
        assert_eq!(shown, ["2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z"]);
    }
}
