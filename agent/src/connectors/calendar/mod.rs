//! The connection kind `calendar`: the calendars of one account on a CalDAV server
//! ([RFC 4791](https://www.rfc-editor.org/rfc/rfc4791)).
//!
//! `dav.rs` is what is said to the server, `event.rs` what stands in an event; this file is the
//! settings, and which calendars there are.

mod dav;
mod event;

pub(crate) use dav::{Dav, DavFailure, Stored, Version};
pub(crate) use event::{Event, Given, When, change, made, moment, occurrences, only, stamp, uid};

use super::{ConfigError, OauthConfig, safe_address};
use crate::tools::OpenConnection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// Settings of a connection to calendars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarConfig {
    /// The server, the account's address there, or one calendar's.
    pub url: String,
    /// The user name, where the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// How a token is come by, where one is handed out in a password's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthConfig>,
}

/// How many addresses are looked at for calendars.
const STEPS: usize = 5;

const HINT: &str =
    "deputy connect calendar --name N --url https://dav.example.org --username U --password-stdin";

/// Checks settings and returns them as they are kept.
pub(super) fn check_config(config: &Value) -> Result<Value, ConfigError> {
    let mut config: CalendarConfig = serde_json::from_value(config.clone()).map_err(|e| {
        ConfigError::new(
            format!("these are not the settings of a connection to calendars: {e}"),
            HINT,
        )
    })?;
    let url = safe_address(&config.url, "password and appointments", HINT)?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(ConfigError::new(
            "the address of a calendar server has neither a password nor a question in it",
            HINT,
        ));
    }
    if let Some(oauth) = config.oauth.take() {
        config.oauth = Some(oauth.checked()?);
    }
    config.url = url.into();
    serde_json::to_value(config).map_err(|e| ConfigError::new(e.to_string(), ""))
}

/// A calendar of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// As people call it.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) url: Url,
}

/// The account's calendars for events, by name.
pub(crate) async fn calendars(dav: &Dav) -> Result<Vec<Calendar>, DavFailure> {
    // From the address that was given to the user, to the folder with their calendars; each server
    // says so in its own place (RFC 5397, RFC 4791 6.2.1, RFC 6764 6).
    let well_known = dav.url.join("/.well-known/caldav").ok();
    let (mut seen, mut next) = (Vec::new(), Some(dav.url.clone()));
    while let Some(url) = next.take() {
        seen.push(url.clone());
        let found = match dav.look(&url).await {
            // A server whose root says nothing knows the well-known place.
            Err(DavFailure::Status(..)) if seen.len() == 1 => dav::Found::default(),
            found => found?,
        };
        if !found.calendars.is_empty() {
            let mut calendars = found.calendars;
            calendars.sort_by(|a, b| a.name.cmp(&b.name));
            return Ok(calendars);
        }
        let mut leads_on = [found.home, found.principal, well_known.clone()].into_iter();
        next = leads_on.find_map(|url| url.filter(|url| !seen.contains(url)));
        if seen.len() == STEPS {
            break;
        }
    }
    Ok(Vec::new())
}

fn names(all: &[Calendar]) -> Vec<&str> {
    all.iter().map(|calendar| calendar.name.as_str()).collect()
}

/// The calendar of a name.
pub(crate) async fn calendar(dav: &Dav, name: &str) -> Result<Calendar, DavFailure> {
    let all = calendars(dav).await?;
    let names = names(&all);
    let known = match names.as_slice() {
        [] => "there is none at all".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    { all.iter() }
        .find(|calendar| calendar.name == name)
        .cloned()
        .ok_or(DavFailure::Missing(format!(
            "there is no calendar “{name}”; {known}"
        )))
}

/// Tries the connection without changing anything.
pub(super) async fn check(connection: &OpenConnection) -> (String, String) {
    let looking = async { calendars(&Dav::new(connection)?).await };
    let (state, message) = match looking.await {
        Ok(all) if all.is_empty() => (
            "failing",
            "the server answers, and there is no calendar at this address: give the account's own one"
                .to_owned(),
        ),
        Ok(all) => ("ok", format!("Calendars: {}.", names(&all).join(", "))),
        Err(failure @ DavFailure::Auth(_)) => ("auth", failure.to_string()),
        Err(failure) => ("failing", failure.to_string()),
    };
    (state.to_owned(), message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_password_never_crosses_the_network_in_the_clear() {
        assert!(check_config(&json!({"url": "https://dav.example.org/"})).is_ok());
        assert!(check_config(&json!({"url": "http://127.0.0.1:5232/me/"})).is_ok());
        for refused in [
            json!({"url": "http://dav.example.org/"}),
            json!({"url": "https://me:pw@dav.example.org/"}),
            json!({"url": "https://dav.example.org/?a=b"}),
            json!({"url": "nonsense"}),
            json!({"url": "https://dav.example.org/", "password": "x"}),
            json!({}),
        ] {
            assert!(check_config(&refused).is_err(), "{refused}");
        }
    }
}
