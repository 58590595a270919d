//! `time`: arithmetic in time zones. Runs inside the sandbox's process, with the zone rules that are
//! compiled in: the same script gives the same times on every machine.
//!
//! `moment.rs` is a point in time as scripts see it; this file holds the operations.

mod moment;

use super::{Operation, PureOperation, ToolError};
use deputy_protocol::{EffectClass, Time};
use jiff::civil::Weekday;
use jiff::{RoundMode, SignedDuration, Span, SpanRound, Unit as JiffUnit, Zoned, ZonedRound};
use moment::{Moment, read, zone, zoned};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The point in time that a text says, in a zone when it names none itself.
pub(super) fn instant(text: &str, name: &str) -> Result<Time, String> {
    let zone = zone(Parse::NAME, name).map_err(|error| error.message)?;
    read(text, None, Some(&zone)).map(|zoned| zoned.timestamp().into())
}

/// `time.parse`
pub(super) struct Parse;

/// Text that says a time.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParseInput {
    /// Such as `2027-01-31T08:00:00Z`, `2027-01-31 08:00`, `2027-01-31`, or a mail's date.
    text: String,
    /// IANA zone that the text is meant in when it names none, and in which the answer is given;
    /// mostly `ctx.automation.timezone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// How the text is written, when it is none of these: `%d.%m.%Y %H:%M`, as in strptime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
}

impl Operation for Parse {
    type Input = ParseInput;
    type Output = Moment;
    const NAME: &'static str = "time.parse";
    const SUMMARY: &'static str = "Reads a time.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Parse {
    fn run(input: ParseInput) -> Result<Moment, ToolError> {
        let zone = input
            .zone
            .as_deref()
            .map(|name| zone(Self::NAME, name))
            .transpose()?;
        let read = read(&input.text, input.format.as_deref(), zone.as_ref());
        read.map(|zoned| Moment::from(&zoned))
            .map_err(|message| ToolError::invalid_input(Self::NAME, message))
    }
}

/// `time.format`
pub(super) struct Format;

/// A time to write.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatInput {
    /// RFC 3339, with `Z` or an offset.
    time: String,
    /// IANA zone; mostly `ctx.automation.timezone`.
    zone: String,
    /// As in strftime: `%A, %-d %B %Y, %H:%M`. Names are English. Without it RFC 3339 with the
    /// zone's offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
}

/// A time as text.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Text {
    /// The text.
    text: String,
}

impl Operation for Format {
    type Input = FormatInput;
    type Output = Text;
    const NAME: &'static str = "time.format";
    const SUMMARY: &'static str = "Writes a time as people in a zone read it.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Format {
    fn run(input: FormatInput) -> Result<Text, ToolError> {
        let zoned = zoned(Self::NAME, &input.time, &input.zone)?;
        let format = input.format.as_deref().unwrap_or("%Y-%m-%dT%H:%M:%S%:z");
        jiff::fmt::strtime::format(format, &zoned)
            .map(|text| Text { text })
            .map_err(|e| ToolError::invalid_input(Self::NAME, e.to_string()))
    }
}

/// `time.add`
pub(super) struct Add;

/// A time and what to add; negative numbers take away.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AddInput {
    /// RFC 3339, with `Z` or an offset.
    time: String,
    /// IANA zone whose calendar and clock changes count; mostly `ctx.automation.timezone`.
    zone: String,
    /// Years.
    years: i64,
    /// Months; the day is the month's last one at most.
    months: i64,
    /// Weeks.
    weeks: i64,
    /// Days on the calendar: the clock shows the same afterwards.
    days: i64,
    /// Hours of 60 minutes.
    hours: i64,
    /// Minutes.
    minutes: i64,
    /// Seconds.
    seconds: i64,
}

impl Operation for Add {
    type Input = AddInput;
    type Output = Moment;
    const NAME: &'static str = "time.add";
    const SUMMARY: &'static str = "A time so much later or earlier.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Add {
    fn run(input: AddInput) -> Result<Moment, ToolError> {
        let zoned = zoned(Self::NAME, &input.time, &input.zone)?;
        later(&zoned, &input)
            .map(|later| Moment::from(&later))
            .map_err(|e| ToolError::invalid_input(Self::NAME, e.to_string()))
    }
}

/// Part by part, because the parts may have different signs: first the calendar, then the clock.
fn later(zoned: &Zoned, by: &AddInput) -> Result<Zoned, jiff::Error> {
    let months = by.years.saturating_mul(12).saturating_add(by.months);
    let days = by.weeks.saturating_mul(7).saturating_add(by.days);
    let seconds = by
        .hours
        .saturating_mul(60)
        .saturating_add(by.minutes)
        .saturating_mul(60)
        .saturating_add(by.seconds);
    zoned
        .checked_add(Span::new().try_months(months)?)?
        .checked_add(Span::new().try_days(days)?)?
        .checked_add(SignedDuration::from_secs(seconds))
}

/// `time.diff`
pub(super) struct Diff;

/// A part of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// A year.
    Year,
    /// A month.
    Month,
    /// A week.
    Week,
    /// A day.
    #[default]
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
}

/// Two times.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiffInput {
    /// RFC 3339, with `Z` or an offset.
    from: String,
    /// RFC 3339, with `Z` or an offset.
    to: String,
    /// IANA zone whose calendar counts; mostly `ctx.automation.timezone`.
    zone: String,
    /// The largest part in which the difference is told: days, unless something else is said.
    #[serde(default)]
    largest: Unit,
}

/// The time between. All numbers are negative when `to` is the earlier one.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Difference {
    /// All of it, in milliseconds.
    total_ms: i64,
    /// Whole years.
    years: i64,
    /// Whole months beyond them.
    months: i64,
    /// Whole weeks beyond them (only with `largest: "week"`).
    weeks: i64,
    /// Whole days beyond them.
    days: i64,
    /// Whole hours beyond them.
    hours: i64,
    /// Whole minutes beyond them.
    minutes: i64,
    /// Whole seconds beyond them.
    seconds: i64,
}

impl Operation for Diff {
    type Input = DiffInput;
    type Output = Difference;
    const NAME: &'static str = "time.diff";
    const SUMMARY: &'static str = "The time between two times.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Diff {
    fn run(input: DiffInput) -> Result<Difference, ToolError> {
        let from = zoned(Self::NAME, &input.from, &input.zone)?;
        let to = zoned(Self::NAME, &input.to, &input.zone)?;
        let largest = match input.largest {
            Unit::Year => JiffUnit::Year,
            Unit::Month => JiffUnit::Month,
            Unit::Week => JiffUnit::Week,
            Unit::Day => JiffUnit::Day,
            Unit::Hour => JiffUnit::Hour,
            Unit::Minute => JiffUnit::Minute,
        };
        let span = from
            .until((largest, &to))
            .and_then(|span| {
                span.round(
                    SpanRound::new()
                        .largest(largest)
                        .smallest(JiffUnit::Second)
                        .mode(RoundMode::Trunc)
                        .relative(&from),
                )
            })
            .map_err(|e| ToolError::invalid_input(Self::NAME, e.to_string()))?;
        Ok(Difference {
            total_ms: to.timestamp().as_millisecond() - from.timestamp().as_millisecond(),
            years: span.get_years().into(),
            months: span.get_months().into(),
            weeks: span.get_weeks().into(),
            days: span.get_days().into(),
            hours: span.get_hours().into(),
            minutes: span.get_minutes(),
            seconds: span.get_seconds(),
        })
    }
}

/// `time.startOf`
pub(super) struct StartOf;

/// A time and a part of time.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartOfInput {
    /// RFC 3339, with `Z` or an offset.
    time: String,
    /// IANA zone; mostly `ctx.automation.timezone`.
    zone: String,
    /// Of what.
    unit: Unit,
    /// A week begins on Sunday rather than on Monday.
    #[serde(default)]
    sunday_first: bool,
}

impl Operation for StartOf {
    type Input = StartOfInput;
    type Output = Moment;
    const NAME: &'static str = "time.startOf";
    const SUMMARY: &'static str =
        "When the year, month, week, day, hour or minute of a time began.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for StartOf {
    fn run(input: StartOfInput) -> Result<Moment, ToolError> {
        let zoned = zoned(Self::NAME, &input.time, &input.zone)?;
        start_of(&zoned, input.unit, input.sunday_first)
            .map(|start| Moment::from(&start))
            .map_err(|e| ToolError::invalid_input(Self::NAME, e.to_string()))
    }
}

fn start_of(zoned: &Zoned, unit: Unit, sunday_first: bool) -> Result<Zoned, jiff::Error> {
    let truncated = |unit| zoned.round(ZonedRound::new().smallest(unit).mode(RoundMode::Trunc));
    let date = match unit {
        Unit::Minute => return truncated(JiffUnit::Minute),
        Unit::Hour => return truncated(JiffUnit::Hour),
        Unit::Day => zoned.date(),
        Unit::Week => {
            let first = if sunday_first {
                Weekday::Sunday
            } else {
                Weekday::Monday
            };
            let days = zoned.weekday().since(first);
            zoned.date().checked_sub(Span::new().try_days(days)?)?
        }
        Unit::Month => zoned.date().first_of_month(),
        Unit::Year => zoned.date().first_of_year(),
    };
    // A day may begin later than at midnight where the clock was put forward then.
    date.to_zoned(zoned.time_zone().clone())?.start_of_day()
}

#[cfg(test)]
mod tests;
