//! `calendar.list` and `calendar.get`.

use super::{at, failed, gone, of_event, touched, within};
use crate::clock::BoxFuture;
use crate::connectors::calendar::{DavFailure, Event, Stored, moment, occurrences, only, stamp};
use crate::tools::{
    CallInfo, Operation, OutsideEnv, OutsideOperation, Resource, ResourceKind, ToolError,
};
use deputy_protocol::EffectClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many events are told of when nothing else is said, and at most.
const USUAL: u32 = 200;
const MOST: u32 = 2_000;

/// `calendar.list`
pub(in crate::tools) struct List;

/// Between which times to look.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct ListInput {
    /// The name of a connection of kind `calendar`.
    connection: String,
    /// The calendar's name.
    calendar: String,
    /// From when: `2026-12-01T08:00:00Z`, or a day or time of the automation's zone (`2026-12-01`,
    /// `2026-12-01T09:00`).
    from: String,
    /// Until when.
    to: String,
    /// The most events to tell of; 2,000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
}

/// What is in the calendar.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Listed {
    /// Each time that an event takes place, in order of when it begins.
    events: Vec<Event>,
    /// There are more.
    more: bool,
    /// The ids of events that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
}

impl Operation for List {
    type Input = ListInput;
    type Output = Listed;
    const NAME: &'static str = "calendar.list";
    const SUMMARY: &'static str =
        "Lists the events of a calendar between two times, each time of those that repeat.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] =
        &[ResourceKind::Connections, ResourceKind::Calendars];

    fn resources(input: &ListInput) -> Result<Vec<Resource>, ToolError> {
        Ok(touched(&input.connection, &input.calendar))
    }

    fn title(input: &ListInput) -> String {
        format!("{}, {} to {}", input.calendar, input.from, input.to)
    }
}

impl OutsideOperation for List {
    fn run<'a>(
        input: ListInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Listed, ToolError>> {
        Box::pin(async move {
            let wrong = |message: String| ToolError::invalid_input(Self::NAME, message);
            let read = |text: &str| moment(text, &call.timezone).map_err(wrong);
            let (from, to) = (read(&input.from)?, read(&input.to)?);
            if from >= to {
                return Err(wrong(format!("{} is not before {}", input.from, input.to)));
            }
            let (first, last) = (stamp(from).map_err(wrong)?, stamp(to).map_err(wrong)?);
            let (first, last) = (first.as_str(), last.as_str());
            let place = (input.connection.as_str(), input.calendar.as_str());
            let looking = within(Self::NAME, place, env, false, |dav, calendar| async move {
                dav.events(&calendar.url, first, last).await
            });
            let stored = looking.await?;
            let zone = call.timezone.clone();
            // What repeats since years takes its time.
            let reading = tokio::task::spawn_blocking(move || times(&stored, &zone, (from, to)));
            let mut listed = reading
                .await
                .map_err(|e| failed(Self::NAME, DavFailure::Unreadable(e.to_string()), false))?;
            let limit = usize::try_from(input.limit.unwrap_or(USUAL).min(MOST)).unwrap_or(0);
            listed.more = listed.events.len() > limit;
            listed.events.truncate(limit);
            Ok(listed)
        })
    }
}

fn times(stored: &[Stored], zone: &str, span: (i64, i64)) -> Listed {
    let mut listed = Listed {
        events: Vec::new(),
        more: false,
        unreadable: Vec::new(),
    };
    for event in stored {
        let id = event.url.path().rsplit('/').next().unwrap_or_default();
        match occurrences(&event.text, id, zone, span) {
            Ok(times) => listed.events.extend(times),
            Err(_) => listed.unreadable.push(id.to_owned()),
        }
    }
    // A day comes before the times on it.
    listed.events.sort_by(|a, b| a.starts_at.cmp(&b.starts_at));
    listed
}

/// `calendar.get`
pub(in crate::tools) struct Get;

/// Which event.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct GetInput {
    /// The name of a connection of kind `calendar`.
    connection: String,
    /// The calendar's name.
    calendar: String,
    /// The event's id.
    id: String,
}

impl Operation for Get {
    type Input = GetInput;
    type Output = Event;
    const NAME: &'static str = "calendar.get";
    const SUMMARY: &'static str =
        "Reads an event of a calendar; of one that repeats its first time.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] =
        &[ResourceKind::Connections, ResourceKind::Calendars];

    fn resources(input: &GetInput) -> Result<Vec<Resource>, ToolError> {
        of_event(Self::NAME, &input.connection, &input.calendar, &input.id)
    }

    fn title(input: &GetInput) -> String {
        format!("{} in {}", input.id, input.calendar)
    }
}

impl OutsideOperation for Get {
    fn run<'a>(
        input: GetInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Event, ToolError>> {
        Box::pin(async move {
            let id = input.id.as_str();
            let place = (input.connection.as_str(), input.calendar.as_str());
            let reading = within(Self::NAME, place, env, false, |dav, calendar| async move {
                let found = dav.get(&at(&calendar, id)?).await?;
                found.ok_or_else(|| gone(id, &calendar.name))
            });
            let (text, _) = reading.await?;
            only(&text, id, &call.timezone)
                .map_err(|e| failed(Self::NAME, DavFailure::Unreadable(e), false))
        })
    }
}
