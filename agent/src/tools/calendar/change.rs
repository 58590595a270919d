//! `calendar.create`, `calendar.update` and `calendar.delete`. An event to which others are invited is not
//! touched: its server would tell them, and nobody here was asked about that.

use super::{at, gone, of_event, touched, within};
use crate::clock::BoxFuture;
use crate::connectors::calendar::{
    DavFailure, Event, Given, Version, When, change, made, only, uid,
};
use crate::tools::{
    CallInfo, Operation, OutsideEnv, OutsideOperation, Reconciled, Resource, ResourceKind,
    ToolError,
};
use deputy_protocol::{EffectClass, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Whether an event is the user's alone to change, each of its times when it is a `series`.
fn ours(event: &Event, series: bool) -> Result<(), DavFailure> {
    let refused = |message: String| Err(DavFailure::Withheld(message));
    if !event.attendees.is_empty() {
        return refused(format!(
            "others are invited to “{}”, who would be told",
            event.title
        ));
    }
    if event.repeats && !series {
        return refused(format!(
            "“{}” repeats, and each of its times would be touched",
            event.title
        ));
    }
    Ok(())
}

/// `calendar.create`
pub(in crate::tools) struct Create;

/// A new event.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct CreateInput {
    /// The name of a connection of kind `calendar`.
    connection: String,
    /// The calendar's name.
    calendar: String,
    /// What it is called.
    title: String,
    /// When it begins: `2026-12-01T08:00:00Z`, a time of the automation's zone (`2026-12-01T09:00`), or a
    /// day (`2026-12-01`) for an event of whole days.
    starts_at: String,
    /// When it ends; of whole days the day after the last. Without it, it is that one day, or has no length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// What else is to be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// What was created.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Created {
    /// What names it in its calendar.
    id: String,
}

/// What names an event that a call makes: the same however often it is made.
fn id_of(call: &CallInfo) -> String {
    format!("{}.ics", call.effect_id)
}

impl Operation for Create {
    type Input = CreateInput;
    type Output = Created;
    const NAME: &'static str = "calendar.create";
    const SUMMARY: &'static str = "Puts a new event into a calendar. Nobody is invited.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Reconcilable];
    const RESOURCES: &'static [ResourceKind] =
        &[ResourceKind::Connections, ResourceKind::Calendars];

    fn resources(input: &CreateInput) -> Result<Vec<Resource>, ToolError> {
        // The zone does not matter to whether it can be read.
        When::read(&input.starts_at, input.ends_at.as_deref(), "UTC")
            .map_err(|e| ToolError::invalid_input(Self::NAME, e))?;
        Ok(touched(&input.connection, &input.calendar))
    }

    fn title(input: &CreateInput) -> String {
        format!(
            "Event in {}: {}, {}",
            input.calendar, input.title, input.starts_at
        )
    }
}

impl OutsideOperation for Create {
    fn run<'a>(
        input: CreateInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Created, ToolError>> {
        Box::pin(async move {
            let when = When::read(&input.starts_at, input.ends_at.as_deref(), &call.timezone);
            let given = Given {
                title: Some(&input.title),
                when: Some(when.map_err(|e| ToolError::invalid_input(Self::NAME, e))?),
                location: input.location.as_deref(),
                description: input.description.as_deref(),
            };
            let (id, text) = (id_of(call), made(&call.effect_id, &given, call.now));
            let (id, text) = (id.as_str(), text.as_str());
            let place = (input.connection.as_str(), input.calendar.as_str());
            within(Self::NAME, place, env, true, |dav, calendar| async move {
                let url = at(&calendar, id)?;
                match dav.put(&url, text, &Version::New).await {
                    // An attempt of which nobody heard may have put it there after all.
                    Err(DavFailure::Changed) => match dav.get(&url).await? {
                        Some((there, _)) if uid(&there).as_deref() == Some(&call.effect_id) => {
                            Ok(())
                        }
                        _ => Err(DavFailure::Changed),
                    },
                    put => put,
                }
            })
            .await?;
            Ok(Created { id: id.to_owned() })
        })
    }

    /// It is there under its own name or it is not: nothing else puts it there.
    fn reconcile<'a>(
        input: CreateInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<Created>> {
        Box::pin(async move {
            let id = id_of(call);
            let wanted = id.as_str();
            let place = (input.connection.as_str(), input.calendar.as_str());
            let looking = within(Self::NAME, place, env, false, |dav, calendar| async move {
                Ok(dav.get(&at(&calendar, wanted)?).await?.is_some())
            });
            match looking.await {
                Ok(true) => Reconciled::Happened(Created { id: id.clone() }),
                Ok(false) => Reconciled::Absent,
                Err(error) => Reconciled::TryLater(error),
            }
        })
    }

    fn assumed(_input: &CreateInput, call: &CallInfo) -> Value {
        json!({"id": id_of(call)})
    }
}

/// `calendar.update`
pub(in crate::tools) struct Update;

/// What of an event is changed.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct UpdateInput {
    /// The name of a connection of kind `calendar`.
    connection: String,
    /// The calendar's name.
    calendar: String,
    /// The event's id.
    id: String,
    /// What it is called from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// When it begins, as in `calendar.create`; its end must be said, too, unless it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starts_at: Option<String>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    /// Where; empty for nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// What else is said of it; empty for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl UpdateInput {
    fn when(&self, zone: &str) -> Result<Option<When>, ToolError> {
        let wrong = |message: String| ToolError::invalid_input(Update::NAME, message);
        match (&self.starts_at, &self.ends_at) {
            (Some(from), to) => When::read(from, to.as_deref(), zone)
                .map(Some)
                .map_err(wrong),
            (None, Some(_)) => Err(wrong("`ends_at` goes with `starts_at`".to_owned())),
            (None, None) => Ok(None),
        }
    }
}

impl Operation for Update {
    type Input = UpdateInput;
    type Output = Event;
    const NAME: &'static str = "calendar.update";
    const SUMMARY: &'static str = "Changes an event that does not repeat and to which nobody is invited; the rest of it stays.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];
    const RESOURCES: &'static [ResourceKind] =
        &[ResourceKind::Connections, ResourceKind::Calendars];

    fn resources(input: &UpdateInput) -> Result<Vec<Resource>, ToolError> {
        let is_nothing = input.when("UTC")?.is_none()
            && input.title.is_none()
            && input.location.is_none()
            && input.description.is_none();
        if is_nothing {
            return Err(ToolError::invalid_input(Self::NAME, "nothing is changed"));
        }
        of_event(Self::NAME, &input.connection, &input.calendar, &input.id)
    }

    fn title(input: &UpdateInput) -> String {
        let what = input.title.as_ref().unwrap_or(&input.id);
        format!("Change of an event in {}: {what}", input.calendar)
    }
}

impl OutsideOperation for Update {
    fn run<'a>(
        input: UpdateInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Event, ToolError>> {
        Box::pin(async move {
            let given = Given {
                title: input.title.as_deref(),
                when: input.when(&call.timezone)?,
                location: input.location.as_deref(),
                description: input.description.as_deref(),
            };
            let (id, given) = (input.id.as_str(), &given);
            let place = (input.connection.as_str(), input.calendar.as_str());
            within(Self::NAME, place, env, true, |dav, calendar| async move {
                let url = at(&calendar, id)?;
                let found = dav.get(&url).await?;
                let (text, version) = found.ok_or_else(|| gone(id, &calendar.name))?;
                let read = |text: &str| only(text, id, &call.timezone);
                ours(&read(&text).map_err(DavFailure::Unreadable)?, false)?;
                let changed = changed(&text, given, call.now)?;
                dav.put(&url, &changed, &version).await?;
                read(&changed).map_err(DavFailure::Unreadable)
            })
            .await
        })
    }
}

fn changed(text: &str, given: &Given<'_>, now: Time) -> Result<String, DavFailure> {
    change(text, given, now).map_err(DavFailure::Withheld)
}

/// `calendar.delete`
pub(in crate::tools) struct Delete;

/// Which event.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct DeleteInput {
    /// The name of a connection of kind `calendar`.
    connection: String,
    /// The calendar's name.
    calendar: String,
    /// The event's id.
    id: String,
    /// Of one that repeats, all its times.
    #[serde(default)]
    series: bool,
}

/// That it is gone.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Deleted {}

impl Operation for Delete {
    type Input = DeleteInput;
    type Output = Deleted;
    const NAME: &'static str = "calendar.delete";
    const SUMMARY: &'static str =
        "Deletes an event to which nobody is invited. One that is gone already stays so.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];
    const RESOURCES: &'static [ResourceKind] =
        &[ResourceKind::Connections, ResourceKind::Calendars];

    fn resources(input: &DeleteInput) -> Result<Vec<Resource>, ToolError> {
        of_event(Self::NAME, &input.connection, &input.calendar, &input.id)
    }

    fn title(input: &DeleteInput) -> String {
        format!("Deletion of an event in {}: {}", input.calendar, input.id)
    }
}

impl OutsideOperation for Delete {
    fn run<'a>(
        input: DeleteInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Deleted, ToolError>> {
        Box::pin(async move {
            let (id, series) = (input.id.as_str(), input.series);
            let place = (input.connection.as_str(), input.calendar.as_str());
            within(Self::NAME, place, env, true, |dav, calendar| async move {
                let url = at(&calendar, id)?;
                let Some((text, version)) = dav.get(&url).await? else {
                    return Ok(Deleted {});
                };
                let event = only(&text, id, &call.timezone).map_err(DavFailure::Unreadable)?;
                ours(&event, series)?;
                dav.delete(&url, &version).await?;
                Ok(Deleted {})
            })
            .await
        })
    }

    fn assumed(_input: &DeleteInput, _call: &CallInfo) -> Value {
        json!({})
    }
}
