//! Cron patterns in civil time, and how civil times become instants: a time in a daylight-saving
//! gap fires once at the gap's end, an ambiguous one once, at the first of the two.

use deputy_protocol::Time;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, ToSpan};

/// A cron pattern: minute hour day month weekday, optionally with seconds in front.
#[derive(Clone, Debug)]
pub struct CronPattern {
    cron: croner::Cron,
}

/// How many civil matches are looked at before a search gives up.
const LOOK_AHEAD: usize = 4_000;

impl CronPattern {
    /// Reads a pattern. The error is a sentence.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let cron = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Optional)
            .dom_and_dow(false)
            .build()
            .parse(pattern)
            .map_err(|e| e.to_string())?;
        Ok(Self { cron })
    }

    /// Whether it matches any date at all.
    pub fn ever_fires(&self) -> bool {
        self.next_civil(jiff::civil::date(2024, 1, 1).at(0, 0, 0, 0))
            .is_some()
    }

    /// The first match strictly after a civil time.
    fn next_civil(&self, after: DateTime) -> Option<DateTime> {
        // Patterns are evaluated as if in UTC, where every civil time exists exactly once.
        let zoned = TimeZone::UTC.to_zoned(after).ok()?;
        self.cron
            .find_next_occurrence(&zoned, false)
            .ok()
            .map(|found| found.datetime())
    }

    /// The first instant strictly after `after` at which it fires in a zone.
    pub fn next_after(&self, after: Time, zone: &TimeZone) -> Option<Time> {
        // A gap can push a civil time forward by hours, a fold can make one come twice: begin well
        // before, and take the first instant that is after.
        let local = zone.to_datetime(after.to_timestamp());
        let mut civil = local.checked_sub(3.hours()).ok()?;
        let mut best: Option<Time> = None;
        for _ in 0..LOOK_AHEAD {
            let Some(next) = self.next_civil(civil) else {
                break;
            };
            civil = next;
            if let Some(at) = instant(next, zone)
                && at > after
            {
                best = Some(best.map_or(at, |b| b.min(at)));
            }
            // Within a day after a hit nothing earlier can come any more.
            if best.is_some() && next > local.checked_add(26.hours()).ok()? {
                break;
            }
            if let Some(at) = best
                && next
                    > zone
                        .to_datetime(at.to_timestamp())
                        .checked_add(3.hours())
                        .ok()?
            {
                break;
            }
        }
        best
    }
}

/// The instant of a civil time.
fn instant(civil: DateTime, zone: &TimeZone) -> Option<Time> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    let timestamp = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous().ok()?,
        // The first of the two.
        AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
        AmbiguousOffset::Gap { before, .. } => {
            // The gap's end is the transition itself: the first instant with the new offset.
            let inside = before.to_timestamp(civil).ok()?;
            let transition = zone
                .preceding(inside.checked_add(SignedDuration::from_millis(1)).ok()?)
                .next()?;
            transition.timestamp()
        }
    };
    Some(timestamp.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn times(pattern: &str, zone: &str, after: &str, n: usize) -> Vec<String> {
        let (pattern, zone) = (
            CronPattern::parse(pattern).unwrap(),
            TimeZone::get(zone).unwrap(),
        );
        let mut at: Time = after.parse().unwrap();
        (0..n)
            .map(|_| {
                at = pattern.next_after(at, &zone).unwrap();
                format!("{:.0}", at.to_timestamp())
            })
            .collect()
    }

    #[test]
    fn a_tick_in_a_gap_fires_once_at_its_end_and_an_ambiguous_one_once_at_the_first() {
        // Berlin, 29 March 2026: 02:00 to 03:00 is missing; 25 October: 02:00 to 03:00 comes twice.
        let spring = times("30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", 2);
        assert_eq!(spring, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        let autumn = times("30 2 * * *", "Europe/Berlin", "2026-10-24T02:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn gaps_of_two_hours_and_of_thirty_minutes() {
        // Troll jumps from 01:00 to 03:00 on 29 March 2026; Lord Howe from 02:00 to 02:30 on 4 October.
        assert_eq!(
            times("30 1 * * *", "Antarctica/Troll", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-29T23:30:00Z"]
        );
        assert_eq!(
            times(
                "15 2 * * *",
                "Australia/Lord_Howe",
                "2026-10-03T00:00:00Z",
                2
            ),
            ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]
        );
        // Lord Howe falls back from 02:00 to 01:30 on 5 April 2026.
        assert_eq!(
            times(
                "45 1 * * *",
                "Australia/Lord_Howe",
                "2026-04-04T00:00:00Z",
                2
            ),
            ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]
        );
    }

    #[test]
    fn several_ticks_in_one_gap_are_one() {
        let ticks = times("*/20 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3);
        assert_eq!(
            ticks,
            [
                "2026-03-29T01:00:00Z",
                "2026-03-30T00:00:00Z",
                "2026-03-30T00:20:00Z"
            ]
        );
    }

    #[test]
    fn a_day_that_a_zone_skipped_fires_when_it_ends() {
        // Samoa had no 30 December 2011.
        let ticks = times("0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", 1);
        assert_eq!(ticks, ["2011-12-30T10:00:00Z"]);
    }

    #[test]
    fn leap_days_come_and_impossible_days_never() {
        assert_eq!(
            times("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1),
            ["2028-02-29T00:00:00Z"]
        );
        assert!(!CronPattern::parse("0 0 30 2 *").unwrap().ever_fires());
        assert!(
            !CronPattern::parse("0 0 31 4,6,9,11 *")
                .unwrap()
                .ever_fires()
        );
    }

    #[test]
    fn next_is_later_and_agrees_with_a_scan_of_every_minute() {
        for zone in [
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Antarctica/Troll",
            "Asia/Kolkata",
        ] {
            let tz = TimeZone::get(zone).unwrap();
            for (from, days) in [
                ("2026-03-27T00:00:00Z", 4),
                ("2026-10-23T00:00:00Z", 4),
                ("2026-04-03T12:00:00Z", 3),
            ] {
                let start: Time = from.parse().unwrap();
                for (minute, hour) in [(30, 2), (0, 3), (15, 2), (59, 1), (0, 0)] {
                    let pattern = CronPattern::parse(&format!("{minute} {hour} * * *")).unwrap();
                    // Independent: walk the instants; a civil minute counts when first seen; one that is
                    // never seen counts at the first minute after it on that day.
                    let mut expected = Vec::new();
                    let mut seen_day = None;
                    for m in 1..days * 1440 {
                        let at = start.plus_ms(m * 60_000);
                        let local = tz.to_datetime(at.to_timestamp());
                        let due =
                            (i64::from(local.hour()), i64::from(local.minute())) >= (hour, minute);
                        if due && seen_day != Some(local.date()) {
                            let before = tz.to_datetime(at.plus_ms(-60_000).to_timestamp());
                            let fresh = before.date() != local.date()
                                || (i64::from(before.hour()), i64::from(before.minute()))
                                    < (hour, minute);
                            if fresh && (hour, minute) != (0, 0)
                                || (local.hour(), local.minute()) == (0, 0)
                            {
                                expected.push(at);
                            }
                            seen_day = Some(local.date());
                        }
                    }
                    let mut found = Vec::new();
                    let mut at = start;
                    while let Some(next) = pattern.next_after(at, &tz) {
                        assert!(next > at);
                        if next.since(start) >= days * 86_400_000 {
                            break;
                        }
                        found.push(next);
                        at = next;
                    }
                    assert_eq!(found, expected, "{minute} {hour} in {zone} from {from}");
                }
            }
        }
    }
}
