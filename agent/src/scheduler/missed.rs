//! What to do about due times that passed. Pure. The next time is always computed from the rule and
//! now; the past is decided by `on_missed`.

use super::Schedule;
use crate::intent::OnMissed;
use deputy_protocol::Time;

/// A tick this late is not missed yet: a restart of a few seconds loses nothing, whatever the
/// policy. In milliseconds.
pub const GRACE_MS: i64 = 60_000;

/// What a trigger comes to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePlan {
    /// Due times to fire for, oldest first.
    pub fire: Vec<Time>,
    /// How many due times are passed over, at least.
    pub skipped: u64,
    /// The next due time after now.
    pub next: Option<Time>,
}

/// Decides about the due times after `handled` (the last one that was decided about, or when the
/// trigger became active) up to `now`. When the clock was set back, times up to `handled` that are
/// in the future again are not fired a second time by their unique keys.
pub fn due(schedule: &Schedule, handled: Time, now: Time, policy: OnMissed) -> DuePlan {
    let next = schedule.next_after(now);
    if handled >= now {
        return DuePlan {
            fire: Vec::new(),
            skipped: 0,
            next,
        };
    }
    let recent = now.plus_ms(-GRACE_MS).max(handled);
    let (in_time, _) =
        schedule.between(recent, now, usize::try_from(GRACE_MS / 1_000).unwrap_or(60));
    let cap = match policy {
        OnMissed::Skip => 0,
        OnMissed::Latest => 1,
        OnMissed::All(n) => n as usize,
    };
    let (mut missed, count) = schedule.between(handled, recent, cap.max(1));
    // `latest` means one run after a downtime, not one for the downtime and one for now.
    let keep = if policy == OnMissed::Latest && !in_time.is_empty() {
        0
    } else {
        cap
    };
    let drop = missed.len().saturating_sub(keep);
    missed.drain(..drop);
    let skipped = count.saturating_sub(missed.len() as u64);
    missed.extend(in_time);
    DuePlan {
        fire: missed,
        skipped,
        next,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::CronPattern;
    use super::*;
    use jiff::tz::TimeZone;

    fn hourly() -> Schedule {
        Schedule::Cron(
            Box::new(CronPattern::parse("0 * * * *").unwrap()),
            TimeZone::UTC,
        )
    }

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn fired(handled: &str, now: &str, policy: OnMissed) -> Vec<String> {
        due(&hourly(), at(handled), at(now), policy)
            .fire
            .iter()
            .map(|t| format!("{:.0}", t.to_timestamp()))
            .collect()
    }

    #[test]
    fn thirty_days_asleep_under_each_policy() {
        let (slept, woke) = ("2026-06-01T00:00:00Z", "2026-07-01T00:30:00Z");
        assert_eq!(
            fired(slept, woke, OnMissed::Latest),
            ["2026-07-01T00:00:00Z"]
        );
        assert_eq!(fired(slept, woke, OnMissed::Skip), Vec::<String>::new());
        assert_eq!(
            fired(slept, woke, OnMissed::All(3)),
            [
                "2026-06-30T22:00:00Z",
                "2026-06-30T23:00:00Z",
                "2026-07-01T00:00:00Z"
            ]
        );
    }

    // openclaw/openclaw #33092: a two-second restart at the due time skipped the job.
    #[test]
    fn a_restart_of_two_seconds_at_the_due_time_loses_nothing_under_any_policy() {
        for policy in [OnMissed::Latest, OnMissed::Skip, OnMissed::All(5)] {
            assert_eq!(
                fired("2026-06-01T00:00:00Z", "2026-06-01T01:00:02Z", policy),
                ["2026-06-01T01:00:00Z"],
                "{policy:?}"
            );
        }
    }

    // openclaw/openclaw #42640: all jobs of the day ran again after a restart.
    #[test]
    fn what_was_handled_is_not_handled_again() {
        for policy in [OnMissed::Latest, OnMissed::Skip, OnMissed::All(5)] {
            assert!(fired("2026-06-01T01:00:00Z", "2026-06-01T01:30:00Z", policy).is_empty());
        }
    }

    // n8n-io/n8n #23906, #28423, #34628: one missed tick silenced a schedule for up to a year.
    #[test]
    fn a_missed_tick_silences_nothing() {
        for policy in [OnMissed::Latest, OnMissed::Skip, OnMissed::All(5)] {
            let plan = due(
                &hourly(),
                at("2026-06-01T00:00:00Z"),
                at("2026-06-01T05:10:00Z"),
                policy,
            );
            assert_eq!(plan.next, Some(at("2026-06-01T06:00:00Z")));
        }
    }

    #[test]
    fn a_clock_set_back_by_hours_goes_on_from_now() {
        let plan = due(
            &hourly(),
            at("2026-06-01T12:00:00Z"),
            at("2026-06-01T08:10:00Z"),
            OnMissed::Latest,
        );
        assert_eq!(
            plan,
            DuePlan {
                fire: vec![],
                skipped: 0,
                next: Some(at("2026-06-01T09:00:00Z"))
            }
        );
    }

    #[test]
    fn one_shots_fire_late_rather_than_never() {
        let once = Schedule::At(at("2026-06-01T01:00:00Z"));
        let plan = due(
            &once,
            at("2026-06-01T00:00:00Z"),
            at("2026-06-09T00:00:00Z"),
            OnMissed::Latest,
        );
        assert_eq!(
            plan,
            DuePlan {
                fire: vec![at("2026-06-01T01:00:00Z")],
                skipped: 0,
                next: None
            }
        );
    }
}
