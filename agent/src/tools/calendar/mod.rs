//! `calendar`: events of a connection of that kind. `read.rs` looks, `change.rs` makes, changes and
//! deletes. A contract names the connection and each calendar.

mod change;
mod read;

pub(super) use change::{Create, Delete, Update};
pub(super) use read::{Get, List};

use super::{OpenConnection, OutsideEnv, Resource, ResourceKind, ToolError};
use crate::connectors::calendar::{Calendar, Dav, DavFailure, calendar};
use deputy_protocol::FailureClass;
use url::Url;

fn touched(connection: &str, calendar: &str) -> Vec<Resource> {
    vec![
        Resource::new(ResourceKind::Connections, connection.to_owned()),
        Resource::new(ResourceKind::Calendars, calendar.to_owned()),
    ]
}

/// What a call touches that is about one event.
fn of_event(
    tool: &str,
    connection: &str,
    calendar: &str,
    id: &str,
) -> Result<Vec<Resource>, ToolError> {
    if is_id(id) {
        return Ok(touched(connection, calendar));
    }
    let message = "`id` is the id of an event, from calendar.list or calendar.create";
    Err(ToolError::invalid_input(tool, message))
}

/// Whether it names something directly in a calendar, and nothing above or below it.
fn is_id(id: &str) -> bool {
    let lower = id.to_ascii_lowercase();
    !(id.is_empty()
        || id.contains(['/', '\\', '?', '#'])
        || id.contains(char::is_control)
        || ["%2f", "%5c", "%2e"]
            .iter()
            .any(|part| lower.contains(part))
        || id.chars().all(|letter| letter == '.'))
}

/// Where an event of a calendar is.
fn at(calendar: &Calendar, id: &str) -> Result<Url, DavFailure> {
    let mut folder = calendar.url.clone();
    if !folder.path().ends_with('/') {
        let path = format!("{}/", folder.path());
        folder.set_path(&path);
    }
    let url = folder.join(&format!("./{id}"));
    let url = url.map_err(|e| DavFailure::Gone(e.to_string()))?;
    if url.as_str().starts_with(folder.as_str()) {
        Ok(url)
    } else {
        Err(gone(id, &calendar.name))
    }
}

fn gone(id: &str, calendar: &str) -> DavFailure {
    DavFailure::Gone(format!(
        "event {id} is not in “{calendar}” any more: it was moved or deleted"
    ))
}

/// Does something in a calendar of a connection; once more with another token, where the first was
/// refused: what is refused has not been done.
async fn within<'a, T, F>(
    tool: &'static str,
    (name, wanted): (&'a str, &'a str),
    env: &'a OutsideEnv,
    is_change: bool,
    act: impl Fn(Dav, Calendar) -> F,
) -> Result<T, ToolError>
where
    F: Future<Output = Result<T, DavFailure>>,
{
    let connection = env.connections.open(tool, name).await?;
    if connection.kind != "calendar" {
        let message = format!(
            "the connection “{name}” is of kind {}, not calendar",
            connection.kind
        );
        return Err(ToolError::invalid_input(tool, message));
    }
    let once = async |connection: &OpenConnection| {
        let dav = Dav::new(connection)?;
        let calendar = calendar(&dav, wanted).await?;
        act(dav, calendar).await
    };
    let mut done = once(&connection).await;
    if let Err(DavFailure::Auth(_)) = done
        && let Some(renewed) = env.connections.renewed(tool, &connection).await?
    {
        done = once(&renewed).await;
    }
    done.map_err(|failure| failed(tool, failure, is_change))
}

/// What it means for a call that something could not be done.
fn failed(tool: &str, failure: DavFailure, is_change: bool) -> ToolError {
    let message = failure.to_string();
    let (class, code, status) = match &failure {
        DavFailure::Auth(status) => (FailureClass::Auth, "auth", Some(*status)),
        DavFailure::Unanswered(_) if is_change => {
            let class = FailureClass::Transient;
            return ToolError::unknown(class, "no_confirmation", tool, message);
        }
        DavFailure::Away(_) | DavFailure::Unanswered(_) => {
            (FailureClass::Transient, "connect", None)
        }
        DavFailure::Status(status @ (500..=506 | 508..=599), _) if is_change => {
            let error =
                ToolError::unknown(FailureClass::Transient, "no_confirmation", tool, message);
            return ToolError {
                status: Some(*status),
                ..error
            };
        }
        DavFailure::Status(status, _) => {
            let class = match status {
                403 | 404 | 507 => FailureClass::Precondition,
                423 | 429 | 500..=599 => FailureClass::Transient,
                _ => FailureClass::Logic,
            };
            (class, "refused", Some(*status))
        }
        DavFailure::Withheld(_) => (FailureClass::Precondition, "refused", None),
        // The next attempt reads what it is now.
        DavFailure::Changed => (FailureClass::Transient, "changed", None),
        DavFailure::Missing(_) => (FailureClass::Precondition, "not_found", None),
        // Whoever wrote the script knows what to do without it.
        DavFailure::Gone(_) => (FailureClass::Logic, "gone", None),
        DavFailure::Settings(_) => (FailureClass::Precondition, "settings", None),
        DavFailure::Unreadable(_) => (FailureClass::Transient, "unreadable", None),
    };
    ToolError {
        status,
        ..ToolError::not_done(class, code, tool, message)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_names_an_event_of_its_calendar_and_nothing_else() {
        let calendar = Calendar {
            name: "Work".to_owned(),
            url: "https://dav.example.org/me/team".parse().unwrap(),
        };
        for id in ["a.ics", "A-b_c@d.ics", "a%20b.ics", "a:b", "..a", "ä.ics"] {
            assert!(is_id(id), "{id}");
            let url = at(&calendar, id).unwrap();
            assert!(url.path().starts_with("/me/team/"), "{url}");
            assert_eq!(url.path_segments().unwrap().count(), 3, "{url}");
        }
        for id in [
            "",
            ".",
            "..",
            "../other/a.ics",
            "a/b",
            "a\\b",
            "%2e%2e",
            "a%2Fb",
            "a?b",
            "a#b",
            "a\tb",
        ] {
            assert!(!is_id(id), "{id}");
        }
    }
}
