//! What stands in an event ([RFC 5545](https://www.rfc-editor.org/rfc/rfc5545)): read with its
//! repetitions, made, and changed without losing what is not ours.

use calcard::common::timezone::Tz;
use calcard::common::{IanaString, PartialDateTime};
use calcard::icalendar::utils::strip_mailto_scheme;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarParameter,
    ICalendarProperty, ICalendarValue, ICalendarValueType,
};
use deputy_protocol::Time;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many times one event may take place, counted from its first: a daily one of 27 years.
const MOST: usize = 10_000;

/// One time that an event takes place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Event {
    /// What names it in its calendar. All the times of one that repeats have the same.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) title: String,
    /// When it begins: `2026-12-01T08:00:00Z`, or `2026-12-01` when it is about whole days.
    pub(crate) starts_at: String,
    /// When it ends; of whole days the day after the last.
    pub(crate) ends_at: String,
    /// It is about whole days.
    pub(crate) all_day: bool,
    /// It repeats.
    pub(crate) repeats: bool,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// `CONFIRMED`, `TENTATIVE` or `CANCELLED`, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// The address of who called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organizer: Option<String>,
    /// The addresses of who is invited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attendees: Vec<String>,
}

/// Between which times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// In the time that all clocks share, seconds since 1970.
    Times(i64, i64),
    /// Whole days, from the first to the one after the last.
    Days(Date, Date),
}

impl When {
    /// Reads both ends: two days, or two times; a time that names no zone is one of `zone`. The same time
    /// for both is an event without length; one day, without its end, is that day.
    pub(crate) fn read(starts_at: &str, ends_at: Option<&str>, zone: &str) -> Result<Self, String> {
        if let Ok(first) = starts_at.parse::<Date>()
            && starts_at.len() == 10
        {
            let after = match ends_at {
                Some(text) if text.len() == 10 => text.parse::<Date>().ok(),
                Some(_) => None,
                None => first.tomorrow().ok(),
            };
            return match after {
                Some(after) if after > first => Ok(Self::Days(first, after)),
                _ => Err(format!(
                    "whole days end with the day after the last, later than {starts_at}"
                )),
            };
        }
        let from = moment(starts_at, zone)?;
        let to = match ends_at {
            Some(text) => moment(text, zone)?,
            None => from,
        };
        if to < from {
            return Err(format!(
                "it would end at {} before it begins",
                ends_at.unwrap_or("")
            ));
        }
        Ok(Self::Times(from, to))
    }
}

/// A time, in seconds since 1970.
pub(crate) fn moment(text: &str, zone: &str) -> Result<i64, String> {
    let wrong = || {
        format!(
            "“{text}” is neither a day (2026-12-01) nor a time (2026-12-01T09:00, 2026-12-01T08:00:00Z)"
        )
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_second());
    }
    let local: DateTime = text.parse().map_err(|_| wrong())?;
    let zone = TimeZone::get(zone).map_err(|e| e.to_string())?;
    let at = local.to_zoned(zone).map_err(|_| wrong())?;
    Ok(at.timestamp().as_second())
}

/// As iCalendar writes a time that all clocks share.
pub(crate) fn stamp(seconds: i64) -> Result<String, String> {
    let at = Timestamp::from_second(seconds).map_err(|e| e.to_string())?;
    Ok(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn text_of(component: &ICalendarComponent, property: &ICalendarProperty) -> Option<String> {
    let values = &component.property(property)?.values;
    // Many write a comma as it is, which makes several texts of one.
    let texts: Vec<&str> = values.iter().filter_map(ICalendarValue::as_text).collect();
    let text = texts.join(",");
    (!text.is_empty()).then_some(text)
}

fn address(entry: &ICalendarEntry) -> Option<String> {
    let text = entry.values.first()?.as_text()?;
    Some(strip_mailto_scheme(text).to_owned())
}

fn is_all_day(component: &ICalendarComponent) -> bool {
    let start = component.property(&ICalendarProperty::Dtstart);
    let value = start.and_then(|start| start.values.first());
    matches!(value, Some(ICalendarValue::PartialDateTime(at)) if at.hour.is_none())
}

fn shown(
    component: &ICalendarComponent,
    id: &str,
    repeats: bool,
    (from, to): (i64, i64),
    zone: &TimeZone,
) -> Result<Event, String> {
    let all_day = is_all_day(component);
    let write = |seconds: i64| {
        let at = Timestamp::from_second(seconds).map_err(|e| e.to_string())?;
        Ok::<_, String>(if all_day {
            at.to_zoned(zone.clone()).date().to_string()
        } else {
            at.to_string()
        })
    };
    Ok(Event {
        id: id.to_owned(),
        title: text_of(component, &ICalendarProperty::Summary).unwrap_or_default(),
        starts_at: write(from)?,
        ends_at: write(to)?,
        all_day,
        repeats,
        location: text_of(component, &ICalendarProperty::Location),
        description: text_of(component, &ICalendarProperty::Description),
        status: component.status().map(|status| status.as_str().to_owned()),
        organizer: { component.property(&ICalendarProperty::Organizer) }.and_then(address),
        attendees: { component.properties(&ICalendarProperty::Attendee) }
            .filter_map(address)
            .collect(),
    })
}

fn parsed(text: &str) -> Result<ICalendar, String> {
    ICalendar::parse(text).map_err(|_| "it is not an event that can be read".to_owned())
}

fn is_event(component: &ICalendarComponent) -> bool {
    component.component_type == ICalendarComponentType::VEvent
}

/// The times that an event takes place, of those that overlap `from` to `to` (seconds), in order.
pub(crate) fn occurrences(
    text: &str,
    id: &str,
    zone: &str,
    (from, to): (i64, i64),
) -> Result<Vec<Event>, String> {
    let calendar = parsed(text)?;
    let default: Tz = zone.parse().unwrap_or_default();
    let own = TimeZone::get(zone).map_err(|e| e.to_string())?;
    let repeats = calendar
        .components
        .iter()
        .any(|component| is_event(component) && component.is_recurrent());
    let expanded = calendar.expand_dates(default, MOST);
    let mut events = Vec::new();
    for event in &expanded.events {
        let component = calendar.component_by_id(event.comp_id);
        let Some(component) = component.filter(|component| is_event(component)) else {
            continue;
        };
        let (starts, ends) = event.timestamps();
        // One without length is on at its time.
        if starts < to && (ends > from || (starts == ends && starts >= from)) {
            events.push((starts, shown(component, id, repeats, (starts, ends), &own)?));
        }
    }
    events.sort_by_key(|(starts, _)| *starts);
    Ok(events.into_iter().map(|(_, event)| event).collect())
}

/// An event by itself: the first time that it takes place.
pub(crate) fn only(text: &str, id: &str, zone: &str) -> Result<Event, String> {
    let all = occurrences(text, id, zone, (i64::MIN, i64::MAX))?;
    all.into_iter()
        .next()
        .ok_or_else(|| "it never takes place".to_owned())
}

/// What names an event everywhere.
pub(crate) fn uid(text: &str) -> Option<String> {
    let calendar = parsed(text).ok()?;
    let event = calendar.components.iter().find(|c| is_event(c))?;
    event.uid().map(str::to_owned)
}

/// What an event is made of, or what of it is changed. An empty text takes a field away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given<'a> {
    pub(crate) title: Option<&'a str>,
    pub(crate) when: Option<When>,
    pub(crate) location: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
}

fn day(date: Date) -> PartialDateTime {
    PartialDateTime {
        year: u16::try_from(date.year()).ok(),
        month: u8::try_from(date.month()).ok(),
        day: u8::try_from(date.day()).ok(),
        ..PartialDateTime::default()
    }
}

fn ends(when: When) -> [(ICalendarProperty, PartialDateTime, bool); 2] {
    match when {
        When::Times(from, to) => [
            (
                ICalendarProperty::Dtstart,
                PartialDateTime::from_utc_timestamp(from),
                false,
            ),
            (
                ICalendarProperty::Dtend,
                PartialDateTime::from_utc_timestamp(to),
                false,
            ),
        ],
        When::Days(first, after) => [
            (ICalendarProperty::Dtstart, day(first), true),
            (ICalendarProperty::Dtend, day(after), true),
        ],
    }
}

fn put(component: &mut ICalendarComponent, given: &Given<'_>) {
    let texts = [
        (ICalendarProperty::Summary, given.title),
        (ICalendarProperty::Location, given.location),
        (ICalendarProperty::Description, given.description),
    ];
    for (property, text) in texts {
        let Some(text) = text else { continue };
        component.entries.retain(|entry| entry.name != property);
        if !text.is_empty() {
            component.add_property(property, ICalendarValue::Text(text.to_owned()));
        }
    }
    if let Some(when) = given.when {
        let times = [
            ICalendarProperty::Dtstart,
            ICalendarProperty::Dtend,
            ICalendarProperty::Duration,
        ];
        component
            .entries
            .retain(|entry| !times.contains(&entry.name));
        for (property, at, is_day) in ends(when) {
            let params = is_day.then(|| ICalendarParameter::value(ICalendarValueType::Date));
            component.add_property_with_params(property, params, at);
        }
    }
}

/// A new event.
pub(crate) fn made(uid: &str, given: &Given<'_>, now: Time) -> String {
    let stamped = PartialDateTime::from_utc_timestamp(now.0.div_euclid(1_000));
    let mut calendar = ICalendarComponent::new(ICalendarComponentType::VCalendar);
    calendar.add_property(
        ICalendarProperty::Version,
        ICalendarValue::Text("2.0".to_owned()),
    );
    calendar.add_property(
        ICalendarProperty::Prodid,
        ICalendarValue::Text("-//Deputy//Deputy//EN".to_owned()),
    );
    calendar.component_ids = vec![1];
    let mut event = ICalendarComponent::new(ICalendarComponentType::VEvent);
    event.add_uid(uid);
    event.add_dtstamp(stamped);
    put(&mut event, given);
    ICalendar {
        components: vec![calendar, event],
    }
    .to_string()
}

/// An event with what is given in place of what it had; all else stays as it is. Refused where a change
/// would reach others than the user.
pub(crate) fn change(text: &str, given: &Given<'_>, now: Time) -> Result<String, String> {
    let mut calendar = parsed(text)?;
    let mut events = calendar.components.iter_mut().filter(|c| is_event(c));
    let event = events.next().ok_or("there is no event in it")?;
    if events.next().is_some() || event.is_recurrent() {
        return Err(
            "it repeats, and changing it would change every time that it takes place".to_owned(),
        );
    }
    put(event, given);
    let stamped = PartialDateTime::from_utc_timestamp(now.0.div_euclid(1_000));
    let marks = [
        ICalendarProperty::Dtstamp,
        ICalendarProperty::LastModified,
        ICalendarProperty::Sequence,
    ];
    let sequence = { event.property(&ICalendarProperty::Sequence) }
        .and_then(|entry| entry.values.first()?.as_integer())
        .unwrap_or(0);
    event.entries.retain(|entry| !marks.contains(&entry.name));
    event.add_dtstamp(stamped.clone());
    event.add_property(ICalendarProperty::LastModified, stamped);
    event.add_sequence(sequence + 1);
    Ok(calendar.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn whole(lines: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\n{}END:VEVENT\r\nEND:VCALENDAR\r\n",
            lines.replace('\n', "\r\n")
        )
    }

    #[test]
    fn a_comma_that_nobody_escaped_is_one() {
        let text =
            whole("SUMMARY:Team, later; maybe\nDTSTART:20261203T090000Z\nDTEND:20261203T093000Z\n");
        let event = only(&text, "1.ics", "UTC").unwrap();
        assert_eq!(event.title, "Team, later; maybe");
    }

    #[test]
    fn one_time_of_many_may_be_another() {
        let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:4\r\nSUMMARY:Team\r\nDTSTART:20261207T090000Z\r\nDTEND:20261207T093000Z\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\nEXDATE:20261214T090000Z\r\nEND:VEVENT\r\n\
            BEGIN:VEVENT\r\nUID:4\r\nSUMMARY:Later\r\nRECURRENCE-ID:20261221T090000Z\r\nDTSTART:20261222T140000Z\r\nDTEND:20261222T143000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let all = occurrences(text, "4.ics", "UTC", (i64::MIN, i64::MAX)).unwrap();
        let seen: Vec<_> = { all.iter() }
            .map(|e| (e.title.as_str(), e.starts_at.as_str(), e.repeats))
            .collect();
        assert_eq!(
            seen,
            [
                ("Team", "2026-12-07T09:00:00Z", true),
                ("Later", "2026-12-22T14:00:00Z", true),
                ("Team", "2026-12-28T09:00:00Z", true),
            ]
        );
    }

    #[test]
    fn days_are_whole_and_times_are_of_the_zone_unless_they_say_another() {
        let read = |from: &str, to: Option<&str>| When::read(from, to, "Europe/Berlin");
        let times = |from, to| Ok(When::Times(from, to));
        assert_eq!(
            read("2026-12-01T09:00", Some("2026-12-01T08:30:00Z")),
            times(1_796_112_000, 1_796_113_800)
        );
        assert_eq!(
            read("2026-07-01T09:00:00+02:00", None),
            times(1_782_889_200, 1_782_889_200)
        );
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(
            read("2026-12-31", None),
            Ok(When::Days(day("2026-12-31"), day("2027-01-01")))
        );
        for (from, to) in [
            ("tomorrow", None),
            ("2026-02-30", None),
            ("2026-12-01", Some("2026-12-01")),
            ("2026-12-01", Some("2026-12-02T09:00")),
            ("2026-12-01T09:00", Some("2026-12-01T08:00")),
        ] {
            assert!(read(from, to).is_err(), "{from} {to:?}");
        }
    }

    #[test]
    fn a_rule_that_never_ends_or_never_comes_true_is_bounded() {
        for rule in [
            "FREQ=SECONDLY",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=300",
            "FREQ=YEARLY;BYWEEKNO=54",
        ] {
            let text = whole(&format!(
                "SUMMARY:x\nDTSTART:20260101T000000Z\nDURATION:PT1M\nRRULE:{rule}\n"
            ));
            let found = occurrences(&text, "1.ics", "UTC", (i64::MIN, i64::MAX));
            assert!(found.is_ok_and(|all| all.len() <= MOST + 1), "{rule}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_an_event_says_is_read_or_refused(
            lines in "((DTSTART|DTEND|DURATION|RRULE|EXDATE|RDATE|RECURRENCE-ID|SUMMARY|STATUS)(;TZID=[A-Z/a-z]{0,6}|;VALUE=DATE)?:[0-9TZP:;,=A-Z-]{0,24}\n){0,6}",
        ) {
            let _ = occurrences(&whole(&lines), "1.ics", "Europe/Berlin", (0, i64::MAX));
            let given = Given { title: Some("x"), ..Given::default() };
            let _ = change(&whole(&lines), &given, Time(0));
        }
    }
}
