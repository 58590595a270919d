//! What is told alone, together with others, or later. Pure.

use deputy_protocol::Time;
use deputy_protocol::push::Quiet;
use jiff::civil;
use jiff::tz::TimeZone;

/// How long items are gathered before the first is told, in milliseconds.
pub(super) const GATHER: i64 = 1_500;

/// How many items are told one by one within [`STORM`].
pub(super) const ALONE: usize = 3;

/// For how long items count together, and how often several are told at once, in milliseconds.
pub(super) const STORM: i64 = 60_000;

/// How items that are due are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// Each by itself.
    Alone,
    /// All by one push.
    Together,
    /// Not before that.
    Later(Time),
}

/// How `due` items are told to a device that was told of `recent` ones by themselves within
/// [`STORM`], and of several at once at `last`.
pub(super) fn telling(due: usize, recent: usize, last: Option<Time>, now: Time) -> Telling {
    if due + recent <= ALONE {
        return Telling::Alone;
    }
    match last.map(|last| Time(last.0 + STORM)) {
        Some(next) if next > now => Telling::Later(next),
        _ => Telling::Together,
    }
}

/// The hours of a quiet time: from, to, and where.
pub(super) fn hours(quiet: &Quiet) -> Result<(civil::Time, civil::Time, TimeZone), String> {
    let time = |text: &str| {
        civil::Time::strptime("%H:%M", text)
            .map_err(|_| format!("“{text}” is not a time of the day, as 22:00 is"))
    };
    let zone = TimeZone::get(&quiet.timezone)
        .map_err(|_| format!("“{}” is not the name of a time zone", quiet.timezone))?;
    Ok((time(&quiet.from)?, time(&quiet.to)?, zone))
}

/// When the quiet time ends in which `now` is; `None` outside of one. A time that begins and ends
/// together is none. One that cannot be read is none either: silence must not be for ever.
pub(super) fn quiet_until(quiet: Option<&Quiet>, now: Time) -> Option<Time> {
    let (from, to, zone) = hours(quiet?).ok()?;
    let here = jiff::Timestamp::from_millisecond(now.0)
        .ok()?
        .to_zoned(zone.clone());
    let (today, time) = (here.date(), here.time());
    let day = if from == to {
        return None;
    } else if from < to {
        (from <= time && time < to).then_some(today)?
    } else if time < to {
        today
    } else if time >= from {
        today.tomorrow().ok()?
    } else {
        return None;
    };
    let end = zone.to_zoned(day.to_datetime(to)).ok()?.timestamp();
    // Where the clocks are set within it, the end may have passed already.
    Some(Time(end.as_millisecond())).filter(|end| *end > now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn quiet(from: &str, to: &str) -> Quiet {
        Quiet {
            from: from.into(),
            to: to.into(),
            timezone: "Europe/Berlin".into(),
        }
    }

    #[test]
    fn a_few_are_told_alone_and_a_storm_at_once_and_not_again_for_a_while() {
        let now = at("2026-11-28T12:00:00Z");
        assert_eq!(telling(1, 0, None, now), Telling::Alone);
        assert_eq!(telling(3, 0, None, now), Telling::Alone);
        assert_eq!(telling(4, 0, None, now), Telling::Together);
        assert_eq!(telling(1, 3, None, now), Telling::Together);
        let last = Time(now.0 - 10_000);
        let later = Telling::Later(Time(last.0 + STORM));
        assert_eq!(telling(50, 0, Some(last), now), later);
        assert_eq!(telling(1, 0, Some(last), now), Telling::Alone);
        let long_ago = Time(now.0 - STORM);
        assert_eq!(telling(50, 0, Some(long_ago), now), Telling::Together);
    }

    #[test]
    fn a_night_is_quiet_until_its_end_in_the_users_zone() {
        let night = quiet("22:00", "07:00");
        let until = |now: &str| quiet_until(Some(&night), at(now));
        // Berlin is an hour ahead in winter.
        assert_eq!(until("2026-11-28T20:59:59Z"), None);
        assert_eq!(
            until("2026-11-28T21:00:00Z"),
            Some(at("2026-11-29T06:00:00Z"))
        );
        assert_eq!(
            until("2026-11-29T05:59:59Z"),
            Some(at("2026-11-29T06:00:00Z"))
        );
        assert_eq!(until("2026-11-29T06:00:00Z"), None);
        let noon = quiet("12:00", "13:30");
        assert_eq!(
            quiet_until(Some(&noon), at("2026-07-01T10:00:00Z")),
            Some(at("2026-07-01T11:30:00Z"))
        );
        assert_eq!(quiet_until(None, at("2026-07-01T10:00:00Z")), None);
    }

    #[test]
    fn a_quiet_time_over_a_change_of_clocks_ends_at_its_hour() {
        let night = quiet("22:00", "02:30");
        // 02:30 does not exist on that night; the gap ends at 03:00 summer time, and so does this.
        let end = quiet_until(Some(&night), at("2026-03-28T22:00:00Z")).unwrap();
        assert_eq!(end, at("2026-03-29T01:30:00Z"));
    }

    #[test]
    fn what_is_no_quiet_time_is_refused_and_silences_nothing() {
        for bad in [quiet("25:00", "07:00"), quiet("22", "07:00"), quiet("", "")] {
            assert!(hours(&bad).is_err());
            assert_eq!(quiet_until(Some(&bad), at("2026-11-28T23:00:00Z")), None);
        }
        let nowhere = Quiet {
            timezone: "Mars/Olympus".into(),
            ..quiet("22:00", "07:00")
        };
        assert!(hours(&nowhere).is_err());
        let never = quiet("22:00", "22:00");
        assert_eq!(quiet_until(Some(&never), at("2026-11-28T21:00:00Z")), None);
    }
}
