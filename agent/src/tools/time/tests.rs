#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const BERLIN: &str = "Europe/Berlin";

fn run<O: PureOperation>(args: Value) -> Result<Value, ToolError> {
    O::run(serde_json::from_value(args).unwrap()).map(|out| serde_json::to_value(out).unwrap())
}

fn time_of(result: Result<Value, ToolError>) -> String {
    result.unwrap()["time"].as_str().unwrap().to_owned()
}

#[test]
fn a_time_is_read_in_the_usual_forms() {
    for (text, time) in [
        ("2027-01-31T08:00:00Z", "2027-01-31T08:00:00Z"),
        ("2027-01-31T08:00:00+02:00", "2027-01-31T06:00:00Z"),
        ("2027-01-31T08:00[Asia/Tokyo]", "2027-01-30T23:00:00Z"),
        ("2027-01-31T08:00", "2027-01-31T07:00:00Z"),
        (" 2027-01-31 08:00:01.5 ", "2027-01-31T07:00:01.5Z"),
        ("2027-07-01", "2027-06-30T22:00:00Z"),
        ("Sun, 31 Jan 2027 08:00:00 +0100", "2027-01-31T07:00:00Z"),
    ] {
        let read = run::<Parse>(json!({"text": text, "zone": BERLIN}));
        assert_eq!(time_of(read), time, "{text}");
    }
}

#[test]
fn a_time_is_read_by_a_format() {
    for (text, format, time) in [
        ("31.01.2027 08:00", "%d.%m.%Y %H:%M", "2027-01-31T07:00:00Z"),
        ("31.01.2027", "%d.%m.%Y", "2027-01-30T23:00:00Z"),
        ("1800000000", "%s", "2027-01-15T08:00:00Z"),
        (
            "31/Jan/2027:08:00:00 +0000",
            "%d/%b/%Y:%H:%M:%S %z",
            "2027-01-31T08:00:00Z",
        ),
        (
            "2027-01-31 08:00 Asia/Tokyo",
            "%Y-%m-%d %H:%M %Q",
            "2027-01-30T23:00:00Z",
        ),
    ] {
        let read = run::<Parse>(json!({"text": text, "format": format, "zone": BERLIN}));
        assert_eq!(time_of(read), time, "{text}");
    }
}

#[test]
fn the_parts_are_told_in_the_zone() {
    let moment = run::<Parse>(json!({"text": "2027-01-03T23:30:00Z", "zone": BERLIN})).unwrap();
    assert_eq!(
        moment,
        json!({"time": "2027-01-03T23:30:00Z", "local": "2027-01-04T00:30:00+01:00",
            "zone": BERLIN, "epoch_ms": 1_799_019_000_000_i64, "year": 2027, "month": 1, "day": 4,
            "hour": 0, "minute": 30, "second": 0, "weekday": 1, "week": 1, "day_of_year": 4})
    );
}

#[test]
fn what_is_no_time_or_no_zone_or_says_too_little_is_refused_with_advice() {
    for (args, advice) in [
        (json!({"text": "tomorrow"}), "format"),
        (json!({"text": "2027-01-31"}), "zone"),
        (json!({"text": "2027-01-31", "zone": "Berlin"}), "IANA"),
        (json!({"text": "x", "format": "%d", "zone": BERLIN}), ""),
    ] {
        let error = run::<Parse>(args.clone()).unwrap_err();
        assert_eq!(error.code, "invalid_input", "{args}");
        assert!(error.message.contains(advice), "{}", error.message);
    }
    assert!(run::<Add>(json!({"time": "2027-01-31", "zone": BERLIN})).is_err());
    assert!(run::<Format>(json!({"time": "2027-01-31T08:00:00Z", "zone": ""})).is_err());
}

#[test]
fn a_time_is_written_as_people_read_it() {
    let text = |format: Value| {
        let args = json!({"time": "2027-07-01T08:05:00Z", "zone": BERLIN, "format": format});
        run::<Format>(args).map(|v| v["text"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        text(json!("%A, %-d %B %Y, %H:%M")).unwrap(),
        "Thursday, 1 July 2027, 10:05"
    );
    assert_eq!(text(Value::Null).unwrap(), "2027-07-01T10:05:00+02:00");
    assert!(text(json!("%!")).is_err());
}

#[test]
fn days_follow_the_calendar_and_hours_the_clock() {
    // In that night the clocks in Berlin are put forward.
    let add = |more: Value| {
        let mut args = json!({"time": "2027-03-27T08:00:00Z", "zone": BERLIN});
        args.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        time_of(run::<Add>(args))
    };
    assert_eq!(add(json!({"days": 1})), "2027-03-28T07:00:00Z");
    assert_eq!(add(json!({"hours": 24})), "2027-03-28T08:00:00Z");
    assert_eq!(
        add(json!({"months": -1, "minutes": 5})),
        "2027-02-27T08:05:00Z"
    );
    let args = json!({"time": "2027-01-31T08:00:00Z", "zone": "UTC", "months": 1});
    assert_eq!(time_of(run::<Add>(args)), "2027-02-28T08:00:00Z");
    assert!(
        run::<Add>(json!({"time": "2027-01-31T08:00:00Z", "zone": "UTC", "years": i64::MAX}))
            .is_err()
    );
}

#[test]
fn the_time_between_is_told_in_parts() {
    let diff = |from: &str, to: &str, largest: &str| {
        let args = json!({"from": from, "to": to, "zone": BERLIN, "largest": largest});
        run::<Diff>(args).unwrap()
    };
    let year = diff("2026-11-25T09:00:00Z", "2028-01-26T10:30:05Z", "year");
    assert_eq!(
        year,
        json!({"total_ms": 36_898_205_000_i64, "years": 1, "months": 2, "weeks": 0, "days": 1,
            "hours": 1, "minutes": 30, "seconds": 5})
    );
    // A day of 23 hours is a day.
    let day = diff("2027-03-27T12:00:00Z", "2027-03-28T11:00:00Z", "day");
    assert_eq!((&day["days"], &day["hours"]), (&json!(1), &json!(0)));
    assert_eq!(
        diff("2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z", "hour")["hours"],
        -24
    );
}

#[test]
fn a_part_of_time_begins_where_it_begins_in_the_zone() {
    let start = |unit: &str, sunday_first: bool| {
        let args = json!({"time": "2027-03-31T22:15:30Z", "zone": BERLIN, "unit": unit, "sunday_first": sunday_first});
        time_of(run::<StartOf>(args))
    };
    assert_eq!(start("minute", false), "2027-03-31T22:15:00Z");
    assert_eq!(start("hour", false), "2027-03-31T22:00:00Z");
    assert_eq!(start("day", false), "2027-03-31T22:00:00Z");
    assert_eq!(start("month", false), "2027-03-31T22:00:00Z");
    assert_eq!(start("week", false), "2027-03-28T22:00:00Z");
    assert_eq!(start("week", true), "2027-03-27T23:00:00Z");
    assert_eq!(start("year", false), "2026-12-31T23:00:00Z");
}

#[test]
fn a_day_without_a_midnight_begins_after_the_gap() {
    // Beirut puts its clocks forward at midnight.
    let args = json!({"time": "2022-03-27T10:00:00Z", "zone": "Asia/Beirut", "unit": "day"});
    assert_eq!(
        run::<StartOf>(args).unwrap()["local"],
        "2022-03-27T01:00:00+03:00"
    );
}

proptest! {
    #[test]
    fn what_is_added_is_the_difference(from in 0i64..4_000_000_000, seconds in -1_000_000_000i64..1_000_000_000) {
        let from = jiff::Timestamp::from_second(from).unwrap().to_string();
        let to = time_of(run::<Add>(json!({"time": from, "zone": BERLIN, "seconds": seconds})));
        let diff = run::<Diff>(json!({"from": from, "to": to, "zone": BERLIN})).unwrap();
        prop_assert_eq!(&diff["total_ms"], &json!(seconds * 1_000));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,30}", format in "[%a-zA-Z:. -]{0,10}") {
        let _ = run::<Parse>(json!({"text": text, "zone": BERLIN}));
        let _ = run::<Parse>(json!({"text": text, "format": format, "zone": BERLIN}));
    }
}
