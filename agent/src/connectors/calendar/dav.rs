//! What is said to a CalDAV server (RFC 4918, RFC 4791): with the account's password or token, to the
//! one origin that the user named, and no more is read than a calendar may have.

use super::{Calendar, CalendarConfig};
use crate::connectors::{basic, body, with_causes};
use crate::tools::{OpenConnection, XmlElement, escape_html, http_client, read_xml};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, RequestBuilder, StatusCode};
use std::time::Duration;
use url::Url;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most that is read of one answer.
const MAX_ANSWER: usize = 32 << 20;

/// How often an answer may lead on, on the same server.
const REDIRECTS: usize = 3;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DavFailure {
    /// The server does not know who asks.
    #[error("the calendar server refused user name or password ({0})")]
    Auth(u16),
    /// It was not reached: nothing was asked.
    #[error("the calendar server cannot be reached: {0}")]
    Away(String),
    /// It did not answer to the end: what was asked may have been done.
    #[error("the calendar server did not answer: {0}")]
    Unanswered(String),
    /// It says no.
    #[error("the calendar server refused ({0}): {1}")]
    Status(u16, String),
    /// It was not asked: others would be reached, or more than was meant.
    #[error("{0}; nothing was done")]
    Withheld(String),
    /// Something was changed by somebody else meanwhile.
    #[error("the event was changed by somebody else in this moment; nothing was done")]
    Changed,
    /// What is named is not there.
    #[error("{0}")]
    Missing(String),
    /// An event that is named is not there.
    #[error("{0}")]
    Gone(String),
    /// The settings do not work.
    #[error("the connection's settings do not work: {0}")]
    Settings(String),
    /// It says what cannot be read.
    #[error("what the calendar server says cannot be read: {0}")]
    Unreadable(String),
}

/// Which version of an event a change is made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// None: it must not be there yet.
    New,
    /// This one.
    Of(String),
    /// Any, on a server that tells none apart.
    Any,
}

/// A server, and who asks there.
pub(crate) struct Dav {
    pub(crate) url: Url,
    http: reqwest::Client,
    auth: Option<HeaderValue>,
}

/// What an address has.
#[derive(Default)]
pub(super) struct Found {
    pub(super) calendars: Vec<Calendar>,
    pub(super) principal: Option<Url>,
    pub(super) home: Option<Url>,
}

/// An event as it lies on the server.
pub(crate) struct Stored {
    pub(crate) url: Url,
    pub(crate) text: String,
}

const LOOK: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:resourcetype/><D:displayname/><D:current-user-principal/><C:calendar-home-set/><C:supported-calendar-component-set/></D:prop></D:propfind>"#;

impl Dav {
    pub(crate) fn new(connection: &OpenConnection) -> Result<Self, DavFailure> {
        let settings = |e: String| DavFailure::Settings(e);
        let config: CalendarConfig = serde_json::from_value(connection.config.clone())
            .map_err(|e| settings(e.to_string()))?;
        let secret = connection.secret.as_ref().map(|secret| secret.as_str());
        let auth = match (&config.oauth, &config.username, secret) {
            (Some(_), _, Some(token)) => Some(format!("Bearer {token}")),
            (None, Some(user), Some(password)) => Some(basic(user, password)),
            (None, None, None) => None,
            _ => {
                return Err(settings(
                    "user name and password go together: --username U --password-stdin".to_owned(),
                ));
            }
        };
        let auth = auth.map(|auth| {
            let mut value = HeaderValue::from_str(&auth)
                .map_err(|_| settings("the password cannot be in a header".to_owned()))?;
            value.set_sensitive(true);
            Ok(value)
        });
        let http = http_client().timeout(PATIENCE).build();
        Ok(Self {
            url: Url::parse(&config.url).map_err(|e| settings(e.to_string()))?,
            http: http.map_err(|e| settings(e.to_string()))?,
            auth: auth.transpose()?,
        })
    }

    /// An address that the server named, on itself.
    fn at(&self, base: &Url, href: &str) -> Option<Url> {
        let url = base.join(href).ok()?;
        (url.origin() == self.url.origin()).then_some(url)
    }

    /// Asks, and follows where that leads on the same server.
    async fn ask(
        &self,
        url: &Url,
        make: impl Fn(&reqwest::Client, Url) -> RequestBuilder,
    ) -> Result<(StatusCode, Option<String>, Vec<u8>, Url), DavFailure> {
        let lost = |e: reqwest::Error| {
            let is_away = e.is_connect();
            let why = with_causes(&e.without_url());
            if is_away {
                DavFailure::Away(why)
            } else {
                DavFailure::Unanswered(why)
            }
        };
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            // Who asks is told to the one server that the user named.
            if url.origin() != self.url.origin() {
                return Err(DavFailure::Settings(format!(
                    "it leads on to {}: connect that address",
                    url.origin().ascii_serialization()
                )));
            }
            let mut request = make(&self.http, url.clone());
            if let Some(auth) = &self.auth {
                request = request.header(AUTHORIZATION, auth.clone());
            }
            let mut response = request.send().await.map_err(lost)?;
            let status = response.status();
            let header = |name| {
                let value = response.headers().get(name)?;
                value.to_str().ok().map(str::to_owned)
            };
            let (etag, location) = (header(ETAG), header(reqwest::header::LOCATION));
            if let Some(next) = location.filter(|_| status.is_redirection()) {
                url = url
                    .join(&next)
                    .map_err(|e| DavFailure::Unreadable(e.to_string()))?;
                continue;
            }
            let body = body(&mut response, MAX_ANSWER).await.map_err(lost)?;
            let body = body.ok_or_else(|| {
                DavFailure::Unreadable(format!("it has more than {MAX_ANSWER} bytes"))
            })?;
            return match status {
                StatusCode::UNAUTHORIZED => Err(DavFailure::Auth(status.as_u16())),
                _ => Ok((status, etag, body, url)),
            };
        }
        Err(DavFailure::Unreadable("it leads on for ever".to_owned()))
    }

    /// Asks for properties or events below an address.
    async fn below(
        &self,
        method: &'static str,
        url: &Url,
        depth: &'static str,
        body: &str,
    ) -> Result<(Vec<XmlElement>, Url), DavFailure> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|e| DavFailure::Unreadable(e.to_string()))?;
        let (status, _, answer, url) = self
            .ask(url, |http, url| {
                http.request(method.clone(), url)
                    .header("depth", depth)
                    .header(CONTENT_TYPE, "application/xml; charset=utf-8")
                    .body(body.to_owned())
            })
            .await?;
        if status != StatusCode::MULTI_STATUS {
            return Err(refused(status, &answer));
        }
        let root = read(&answer).map_err(DavFailure::Unreadable)?;
        let responses = { root.elements() }.filter(|node| node.local_name() == "response");
        Ok((responses.cloned().collect(), url))
    }

    /// What there is at an address.
    pub(super) async fn look(&self, url: &Url) -> Result<Found, DavFailure> {
        let (responses, url) = self.below("PROPFIND", url, "1", LOOK).await?;
        let mut found = Found::default();
        for response in &responses {
            let address = |name: &str| {
                let href = response.find(name)?.find("href")?.text();
                self.at(&url, href.trim())
            };
            let href = response.find("href").map(XmlElement::text);
            let href = href.and_then(|href| self.at(&url, href.trim()));
            // What is below may be somebody else's.
            if href.as_ref().is_some_and(|href| is_same(href, &url)) {
                found.principal = address("current-user-principal");
                found.home = address("calendar-home-set");
            }
            let is_calendar = { response.find("resourcetype") }
                .is_some_and(|kind| kind.find("calendar").is_some());
            // A server that does not say which takes events (RFC 4791, 5.2.3).
            let takes_events = response
                .find("supported-calendar-component-set")
                .is_none_or(|set| {
                    let mut kinds = set.elements().peekable();
                    kinds.peek().is_none()
                        || kinds.any(|kind| kind.attribute("name") == Some("VEVENT"))
                });
            if let Some(at) = href.filter(|_| is_calendar && takes_events) {
                let said = response.find("displayname").map(XmlElement::text);
                let said = said.map(|name| name.trim().to_owned());
                let own = at.path().trim_end_matches('/').rsplit('/').next();
                let name = said.filter(|name| !name.is_empty());
                let name = name.unwrap_or_else(|| own.unwrap_or_default().to_owned());
                found.calendars.push(Calendar { name, url: at });
            }
        }
        Ok(found)
    }

    /// The events of a calendar that are on between two times (UTC, as iCalendar writes them).
    pub(crate) async fn events(
        &self,
        calendar: &Url,
        from: &str,
        to: &str,
    ) -> Result<Vec<Stored>, DavFailure> {
        let asked = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{}" end="{}"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#,
            escape_html(from),
            escape_html(to)
        );
        let (responses, url) = self.below("REPORT", calendar, "1", &asked).await?;
        Ok(responses
            .iter()
            .filter_map(|response| {
                let href = response.find("href")?.text();
                Some(Stored {
                    url: self.at(&url, href.trim())?,
                    text: response.find("calendar-data")?.text(),
                })
            })
            .collect())
    }

    /// An event, with its version; `None` when it is not there.
    pub(crate) async fn get(&self, url: &Url) -> Result<Option<(String, Version)>, DavFailure> {
        let (status, etag, body, _) = self.ask(url, |http, url| http.get(url)).await?;
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status if status.is_success() => {
                let text = String::from_utf8_lossy(&body).into_owned();
                Ok(Some((text, etag.map_or(Version::Any, Version::Of))))
            }
            status => Err(refused(status, &body)),
        }
    }

    /// Puts an event in place of a version of it.
    pub(crate) async fn put(
        &self,
        url: &Url,
        text: &str,
        before: &Version,
    ) -> Result<(), DavFailure> {
        let asking = self.ask(url, |http, url| {
            let request = http
                .put(url)
                .header(CONTENT_TYPE, "text/calendar; charset=utf-8")
                .body(text.to_owned());
            conditional(request, before)
        });
        let (status, _, body, _) = asking.await?;
        match status {
            StatusCode::PRECONDITION_FAILED => Err(DavFailure::Changed),
            status if status.is_success() => Ok(()),
            status => Err(refused(status, &body)),
        }
    }

    /// Deletes a version of an event. One that is gone stays so.
    pub(crate) async fn delete(&self, url: &Url, before: &Version) -> Result<(), DavFailure> {
        let asking = self.ask(url, |http, url| conditional(http.delete(url), before));
        let (status, _, body, _) = asking.await?;
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(()),
            StatusCode::PRECONDITION_FAILED => Err(DavFailure::Changed),
            status if status.is_success() => Ok(()),
            status => Err(refused(status, &body)),
        }
    }
}

/// Whether two addresses are one folder's.
fn is_same(one: &Url, other: &Url) -> bool {
    one.path().trim_end_matches('/') == other.path().trim_end_matches('/')
}

fn conditional(request: RequestBuilder, before: &Version) -> RequestBuilder {
    match before {
        Version::New => request.header(IF_NONE_MATCH, "*"),
        Version::Of(etag) => request.header(IF_MATCH, etag),
        Version::Any => request,
    }
}

fn refused(status: StatusCode, body: &[u8]) -> DavFailure {
    let said = read(body).ok().and_then(|root| {
        let words = ["responsedescription", "message"];
        let found = words.iter().find_map(|name| root.find(name))?;
        Some(found.text().trim().chars().take(300).collect::<String>())
    });
    let reason = status.canonical_reason().unwrap_or("no reason");
    DavFailure::Status(status.as_u16(), said.unwrap_or_else(|| reason.to_owned()))
}

fn read(bytes: &[u8]) -> Result<XmlElement, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    read_xml(text, false)
}
