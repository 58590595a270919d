//! How the certificate authority is spoken to, and what can go wrong with it.

use super::plan::Failure;
use crate::http;
use deputy_link::Trust;
use http_body_util::{BodyExt, Limited};
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::http::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Problem};
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest answer: a chain of certificates is some kilobytes.
const MAX_ANSWER: usize = 256 * 1024;
/// The longest that an authority's words are repeated.
const MAX_WORDS: usize = 500;

/// Why there is no certificate from the authority.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcmeError {
    /// No answer, or none of an ACME server.
    #[error("the certificate authority cannot be reached, or does not speak ACME: {0}")]
    Unreachable(String),
    /// Another relay of the same name is being checked.
    #[error("another relay of this name gets its certificate just now")]
    Busy,
    /// An order, or the account, is refused.
    #[error("the certificate authority refuses: {0}")]
    Refused(String),
    /// A name was not found to be this relay's.
    #[error(
        "the certificate authority could not see that {name} is this relay: {reason}. From outside, {name} must lead to this relay on TCP port 443"
    )]
    Check { name: String, reason: String },
    /// It may be made, and counted, and did not arrive.
    #[error("the certificate was ordered, but could not be fetched: {0}")]
    Lost(String),
    /// It takes longer than anybody waits.
    #[error("the certificate authority does not come to an end with the order")]
    Endless,
    /// What came is not the certificate that was ordered.
    #[error("the certificate authority's certificate cannot be used: {0}")]
    Unusable(String),
}

impl AcmeError {
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Unreachable(_) => Failure::Unreachable,
            Self::Busy => Failure::Busy,
            // Authorities count what they made, whether it arrived or not.
            Self::Refused(_)
            | Self::Check { .. }
            | Self::Lost(_)
            | Self::Endless
            | Self::Unusable(_) => Failure::Refused,
        }
    }
}

impl From<Error> for AcmeError {
    fn from(error: Error) -> Self {
        match error {
            // Its own trouble, not a word about the order.
            Error::Api(problem) if problem.status.is_some_and(|s| s >= 500) => {
                Self::Unreachable(words(&problem))
            }
            Error::Api(problem) => Self::Refused(words(&problem)),
            Error::Timeout(_) => Self::Endless,
            other => Self::Unreachable(plain(&with_causes(&other))),
        }
    }
}

/// What an authority says about a problem, fit for a log.
pub(super) fn words(problem: &Problem) -> String {
    plain(&problem.to_string())
}

/// In one line, and not too long.
fn plain(text: &str) -> String {
    let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    one_line.take(MAX_WORDS).collect()
}

fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// The HTTP client that the protocol's client uses, which keeps what it would drop: how long the
/// authority asks to be left alone.
#[derive(Clone)]
pub(super) struct Ca {
    client: reqwest::Client,
    told: Arc<Mutex<Option<Duration>>>,
}

impl Ca {
    pub(super) fn new(trust: &Trust) -> Result<Self, String> {
        Ok(Self {
            client: http::client(trust, &[b"h2", b"http/1.1"], ANSWER)?,
            told: Arc::default(),
        })
    }

    /// For how long the authority asked to be left alone when it refused last; asked once.
    pub(super) fn told(&self) -> Option<Duration> {
        self.told.lock().unwrap_or_else(|e| e.into_inner()).take()
    }

    async fn ask(
        self,
        request: Request<BodyWrapper<bytes::Bytes>>,
    ) -> Result<BytesResponse, Error> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map_or_else(|e| match e {}, |b| b.to_bytes());
        let request =
            reqwest::Request::try_from(Request::from_parts(parts, body)).map_err(other)?;
        let answer = self.client.execute(request).await.map_err(other)?;
        let status = answer.status();
        let (parts, body) = Response::<reqwest::Body>::from(answer).into_parts();
        if status.is_client_error() || status.is_server_error() {
            *self.told.lock().unwrap_or_else(|e| e.into_inner()) = retry_after(&parts.headers);
        }
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(Error::Other)?.to_bytes();
        Ok(BytesResponse {
            parts,
            body: Box::new(body),
        })
    }
}

impl HttpClient for Ca {
    fn request(
        &self,
        request: Request<BodyWrapper<bytes::Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().ask(request))
    }
}

fn other(error: reqwest::Error) -> Error {
    Error::Other(Box::new(error))
}

/// In seconds, as ACME servers write it; a date, which HTTP allows too, is not followed.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn an_authoritys_wish_to_be_left_alone_is_read() {
        let read = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
        };
        assert_eq!(read("86400"), Some(Duration::from_secs(86_400)));
        assert_eq!(read("Fri, 31 Dec 1999 23:59:59 GMT"), None);
        assert_eq!(read("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn what_failed_decides_how_soon_it_is_tried_again() {
        let problem = |kind: &str, status| Problem {
            r#type: Some(format!("urn:ietf:params:acme:error:{kind}")),
            detail: Some("first line\nsecond line".into()),
            status: Some(status),
            subproblems: Vec::new(),
        };
        let failure = |error: Error| AcmeError::from(error).failure();
        let limited = problem("rateLimited", 429);
        assert_eq!(failure(limited.clone().into()), Failure::Refused);
        let broken = problem("serverInternal", 500);
        assert_eq!(failure(broken.into()), Failure::Unreachable);
        assert_eq!(failure(Error::Timeout(None)), Failure::Refused);
        assert_eq!(failure(Error::Str("nonsense")), Failure::Unreachable);
        let words = words(&limited);
        assert!(words.contains("first line second line"), "{words}");
        assert!(words.contains("rateLimited"), "{words}");
    }
}
