//! A point in time as scripts see it, and how texts become one.

use crate::tools::ToolError;
use jiff::fmt::{rfc2822, strtime, temporal};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned, civil};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point in time.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Moment {
    /// RFC 3339 in UTC; what other operations take as `time`.
    pub(super) time: String,
    /// RFC 3339 with the zone's offset.
    pub(super) local: String,
    /// The zone in which the parts below are told.
    pub(super) zone: String,
    /// Milliseconds since 1970, as `Date` counts.
    pub(super) epoch_ms: i64,
    /// The year.
    pub(super) year: i16,
    /// The month, 1 to 12.
    pub(super) month: i8,
    /// The day of the month.
    pub(super) day: i8,
    /// The hour, 0 to 23.
    pub(super) hour: i8,
    /// The minute.
    pub(super) minute: i8,
    /// The second.
    pub(super) second: i8,
    /// The day of the week: 1 is Monday, 7 Sunday.
    pub(super) weekday: i8,
    /// The week of the year as in ISO 8601.
    pub(super) week: i8,
    /// The day of the year.
    pub(super) day_of_year: i16,
}

impl From<&Zoned> for Moment {
    fn from(zoned: &Zoned) -> Self {
        let zone = zoned.time_zone();
        Self {
            time: zoned.timestamp().to_string(),
            local: zoned
                .timestamp()
                .display_with_offset(zoned.offset())
                .to_string(),
            zone: zone
                .iana_name()
                .map_or_else(|| zoned.offset().to_string(), str::to_owned),
            epoch_ms: zoned.timestamp().as_millisecond(),
            year: zoned.year(),
            month: zoned.month(),
            day: zoned.day(),
            hour: zoned.hour(),
            minute: zoned.minute(),
            second: zoned.second(),
            weekday: zoned.weekday().to_monday_one_offset(),
            week: zoned.date().iso_week_date().week(),
            day_of_year: zoned.day_of_year(),
        }
    }
}

/// The rules that are compiled in: a confined worker can read no others.
fn zones() -> TimeZoneDatabase {
    TimeZoneDatabase::bundled()
}

/// The zone of an IANA name.
pub(super) fn zone(tool: &str, name: &str) -> Result<TimeZone, ToolError> {
    zones().get(name).map_err(|_| {
        ToolError::invalid_input(
            tool,
            format!("“{name}” is not an IANA time zone; one is Europe/Berlin"),
        )
    })
}

/// A time in RFC 3339, in a zone.
pub(super) fn zoned(tool: &str, time: &str, name: &str) -> Result<Zoned, ToolError> {
    let zone = zone(tool, name)?;
    let at: Timestamp = time.parse().map_err(|_| {
        ToolError::invalid_input(
            tool,
            format!("“{time}” is not a time in RFC 3339 with its offset; time.parse reads others"),
        )
    })?;
    Ok(at.to_zoned(zone))
}

/// Reads a text, in a zone when it names none itself.
pub(super) fn read(
    text: &str,
    format: Option<&str>,
    zone: Option<&TimeZone>,
) -> Result<Zoned, String> {
    let text = text.trim();
    let read = match format {
        Some(format) => by_format(text, format)?,
        None => by_custom(text)?,
    };
    match (read, zone) {
        (Read::Zoned(zoned), Some(zone)) => Ok(zoned.with_time_zone(zone.clone())),
        (Read::Zoned(zoned), None) => Ok(zoned),
        (Read::Civil(civil), Some(zone)) => civil.to_zoned(zone.clone()).map_err(|e| e.to_string()),
        (Read::Civil(_), None) => Err(format!(
            "“{text}” does not say in which zone it is meant; give `zone`, e.g. ctx.automation.timezone"
        )),
    }
}

/// What a text says by itself.
enum Read {
    Zoned(Zoned),
    Civil(civil::DateTime),
}

fn by_format(text: &str, format: &str) -> Result<Read, String> {
    let parsed = strtime::parse(format, text).map_err(|e| e.to_string())?;
    if let Some(name) = parsed.iana_time_zone() {
        // Looked up here, because the usual look-up reads files.
        let zone = zones().get(name).map_err(|e| e.to_string())?;
        let civil = parsed.to_datetime().map_err(|e| e.to_string())?;
        return civil
            .to_zoned(zone)
            .map(Read::Zoned)
            .map_err(|e| e.to_string());
    }
    if let Some(offset) = parsed.offset() {
        let at = parsed.to_timestamp().map_err(|e| e.to_string())?;
        return Ok(Read::Zoned(at.to_zoned(offset.to_time_zone())));
    }
    if let Ok(at) = parsed.to_timestamp() {
        // Seconds since 1970.
        return Ok(Read::Zoned(at.to_zoned(TimeZone::UTC)));
    }
    match (parsed.to_datetime(), parsed.to_date()) {
        (Ok(civil), _) => Ok(Read::Civil(civil)),
        (Err(_), Ok(date)) => Ok(Read::Civil(date.at(0, 0, 0, 0))),
        (Err(error), Err(_)) => Err(error.to_string()),
    }
}

fn by_custom(text: &str) -> Result<Read, String> {
    let parser = temporal::DateTimeParser::new();
    if let Ok(zoned) = parser.parse_zoned_with(&zones(), text) {
        return Ok(Read::Zoned(zoned));
    }
    let offset = |at: Timestamp| {
        let pieces = temporal::Pieces::parse(text).ok();
        let offset = pieces.and_then(|p| p.to_numeric_offset());
        at.to_zoned(offset.map_or(TimeZone::UTC, |o| o.to_time_zone()))
    };
    if let Ok(at) = parser.parse_timestamp(text) {
        return Ok(Read::Zoned(offset(at)));
    }
    if let Ok(zoned) = rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_zoned(text)
    {
        return Ok(Read::Zoned(zoned));
    }
    if let Ok(civil) = parser.parse_datetime(text) {
        return Ok(Read::Civil(civil));
    }
    Err(format!(
        "“{text}” is not a time in a usual form; give `format` (strptime), e.g. %d.%m.%Y %H:%M"
    ))
}
