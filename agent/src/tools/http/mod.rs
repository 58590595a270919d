//! The one HTTP client: every hop is checked against the contract and every address against the
//! private ranges, bodies are bounded while they are read, and failures say whether something may
//! have happened.
//!
//! `hosts.rs` (pure) says which addresses are private; this file sends requests. `connected.rs` is
//! the namespace `http`: requests through a connection.

pub(super) mod connected;
mod hosts;

use super::{Bytes, CallInfo, Resource, ResourceKind, ToolError};
use crate::failure::class_of_status;
use crate::intent::covered;
use deputy_protocol::{EffectClass, FailureClass};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use url::Url;

/// The largest body that is ever read, in bytes.
pub(super) const MAX_BODY: u64 = 10 << 20;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the other side may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a request may take in all, unless the script says less.
const TOTAL: Duration = Duration::from_secs(60);

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// A request.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) timeout: Option<Duration>,
    pub(super) class: EffectClass,
    /// Whether a redirect to another origin is refused: what goes along is for this one alone.
    pub(super) stays: bool,
}

/// A request's body, of which there is one kind at most; JSON says that it is JSON.
pub(super) fn body(
    tool: &str,
    headers: &mut HeaderMap,
    text: Option<String>,
    json: Option<Value>,
    bytes: Option<Bytes>,
) -> Result<Vec<u8>, ToolError> {
    match (text, json, bytes) {
        (Some(text), None, None) => Ok(text.into_bytes()),
        (None, Some(json), None) => {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
            Ok(json.to_string().into_bytes())
        }
        (None, None, Some(bytes)) => Ok(bytes.0),
        (None, None, None) => Ok(Vec::new()),
        _ => Err(ToolError::invalid_input(
            tool,
            "only one of text, json and bytes can be sent",
        )),
    }
}

/// Sends the effect's own key along, for a service that knows such keys.
pub(super) fn add_key(headers: &mut HeaderMap, call: &CallInfo) {
    if let Ok(key) = call.effect_id.parse() {
        headers.insert("idempotency-key", key);
    }
}

/// Whether a request changes something, and whether it may be repeated.
pub(super) fn class(
    method: &str,
    headers: &BTreeMap<String, String>,
    is_keyed: bool,
) -> EffectClass {
    let has_key = { headers.keys() }.any(|name| name.eq_ignore_ascii_case("idempotency-key"));
    match method {
        "GET" | "HEAD" => EffectClass::Read,
        "PUT" | "DELETE" => EffectClass::Idempotent,
        _ if is_keyed || has_key => EffectClass::Idempotent,
        _ => EffectClass::Opaque,
    }
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) url: Url,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// Reads an address that a script gave; only http and https, without credentials.
pub(super) fn parse_url(tool: &str, text: &str) -> Result<Url, ToolError> {
    let url = Url::parse(text)
        .map_err(|e| ToolError::invalid_input(tool, format!("“{text}” is not a URL: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(ToolError::invalid_input(
            tool,
            format!("“{text}” is not an http or https address"),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let message = "a URL with user and password is not taken; use a connection";
        return Err(ToolError::invalid_input(tool, message));
    }
    Ok(url)
}

/// `host:port` of an address, as the gate wants it.
pub(super) fn host_resource(url: &Url) -> Resource {
    let host = url.host_str().unwrap_or_default();
    Resource::new(
        ResourceKind::Hosts,
        format!("{host}:{}", url.port_or_known_default().unwrap_or(0)),
    )
}

/// Headers that a script gave.
pub(super) fn headers(
    tool: &str,
    given: &BTreeMap<String, String>,
) -> Result<HeaderMap, ToolError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name: HeaderName = name.parse().map_err(|_| {
            ToolError::invalid_input(tool, format!("“{name}” is not a header's name"))
        })?;
        if matches!(
            name.as_str(),
            "host" | "content-length" | "transfer-encoding" | "connection" | "upgrade"
        ) {
            return Err(ToolError::invalid_input(
                tool,
                format!("the header {name} is set by Deputy"),
            ));
        }
        let value = HeaderValue::from_str(value).map_err(|_| {
            ToolError::invalid_input(tool, format!("the value of {name} is not a header's value"))
        })?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn refused(tool: &str, message: String) -> ToolError {
    ToolError::not_done(FailureClass::Permission, "host", tool, message)
}

/// Whether the contract names this very host and port, so that it may be a private one.
fn is_literal(call: &CallInfo, url: &Url) -> bool {
    let resource = host_resource(url);
    call.literal_hosts.iter().any(|host| {
        let explicit = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let is_address = host.parse::<std::net::IpAddr>().is_ok() || host == "localhost";
        (explicit || is_address) && covered(std::slice::from_ref(host), &resource)
    })
}

/// Sends a request and follows its redirects.
pub(super) async fn send(
    tool: &'static str,
    call: &CallInfo,
    request: Request,
) -> Result<Answer, ToolError> {
    let is_effect = request.class.is_effect();
    let (mut method, mut url, mut body) = (request.method, request.url, request.body);
    let mut headers = request.headers;
    let total = request.timeout.map_or(TOTAL, |t| t.min(TOTAL));
    let deadline = tokio::time::Instant::now() + total;
    for _ in 0..=REDIRECTS {
        if !covered(&call.allowed_hosts, &host_resource(&url)) {
            let host = host_resource(&url).value;
            return Err(refused(
                tool,
                format!("the contract does not allow {host}; nothing was asked of it"),
            ));
        }
        let literal = is_literal(call, &url);
        if !literal && let Some(ip) = literal_ip(&url).filter(|ip| hosts::is_private(*ip)) {
            return Err(refused(
                tool,
                format!("{ip} is a private address; a contract must name it with its port"),
            ));
        }
        let sending = client(literal)
            .request(method.clone(), url.clone())
            .headers(headers.clone())
            .body(body.clone())
            .send();
        let response = match tokio::time::timeout_at(deadline, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(network_error(tool, &error, is_effect)),
            Err(_) => return Err(timed_out(tool, total, is_effect)),
        };
        let status = response.status();
        if status.is_redirection()
            && let Some(next) = response
                .headers()
                .get(LOCATION)
                .and_then(|l| l.to_str().ok())
        {
            let next = url.join(next).map_err(|e| {
                ToolError::not_done(
                    FailureClass::Logic,
                    "bad_redirect",
                    tool,
                    format!("the redirect leads nowhere: {e}"),
                )
            })?;
            if is_effect && !matches!(status.as_u16(), 307 | 308) {
                // The effect may have happened; following on as a GET would hide its answer.
                return read(tool, call, url, response, deadline, total, is_effect).await;
            }
            let next = parse_url(tool, next.as_str())?;
            if request.stays && next.origin() != url.origin() {
                let message = format!(
                    "{url} leads on to {}, where what the connection knows does not go",
                    next.origin().ascii_serialization()
                );
                let class = FailureClass::Precondition;
                return Err(ToolError::not_done(class, "moved", tool, message));
            }
            if next.host_str() != url.host_str() {
                headers.remove(reqwest::header::AUTHORIZATION);
                headers.remove(reqwest::header::COOKIE);
            }
            if status.as_u16() == 303 && method != Method::HEAD {
                method = Method::GET;
                body = Vec::new();
            }
            url = next;
            continue;
        }
        return read(tool, call, url, response, deadline, total, is_effect).await;
    }
    Err(ToolError::not_done(
        FailureClass::Precondition,
        "redirects",
        tool,
        format!("more than {REDIRECTS} redirects from {url}"),
    ))
}

fn literal_ip(url: &Url) -> Option<std::net::IpAddr> {
    match url.host()? {
        url::Host::Ipv4(ip) => Some(ip.into()),
        url::Host::Ipv6(ip) => Some(ip.into()),
        url::Host::Domain(_) => None,
    }
}

async fn read(
    tool: &'static str,
    call: &CallInfo,
    url: Url,
    mut response: reqwest::Response,
    deadline: tokio::time::Instant,
    total: Duration,
    is_effect: bool,
) -> Result<Answer, ToolError> {
    let limit = call.max_result_bytes.min(MAX_BODY);
    let too_large = || {
        let error = if is_effect {
            ToolError::unknown
        } else {
            ToolError::not_done
        };
        error(
            FailureClass::Limit,
            "too_large",
            tool,
            format!("the answer of {url} is larger than {limit} bytes; it was not read to its end"),
        )
    };
    if response
        .content_length()
        .is_some_and(|length| length > limit)
    {
        return Err(too_large());
    }
    let status = response.status();
    let mut headers = BTreeMap::new();
    for (name, value) in response.headers() {
        headers.insert(
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        );
    }
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                if (body.len() + chunk.len()) as u64 > limit {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(network_error(tool, &error, is_effect)),
            Err(_) => return Err(timed_out(tool, total, is_effect)),
        }
    }
    let content_type = headers.get("content-type").cloned().unwrap_or_default();
    Ok(Answer {
        status,
        url,
        headers,
        content_type,
        body,
    })
}

/// The answer, or the failure that its status is, where a script did not say that it is an answer.
pub(super) fn accepted(
    tool: &'static str,
    answer: Answer,
    class: EffectClass,
    allow_status: &[u16],
) -> Result<Answer, ToolError> {
    let status = answer.status.as_u16();
    if status >= 400 && !allow_status.contains(&status) {
        return Err(status_error(tool, &answer, class));
    }
    Ok(answer)
}

/// The failure that an HTTP status is.
fn status_error(tool: &'static str, answer: &Answer, class: EffectClass) -> ToolError {
    let status = answer.status.as_u16();
    let kind = class_of_status(status);
    // A server error may come after the effect; everything else is a plain no.
    let error = if class.is_effect() && status >= 500 {
        ToolError::unknown
    } else {
        ToolError::not_done
    };
    let reason = answer.status.canonical_reason().unwrap_or("");
    let mut error = error(
        kind,
        "http_status",
        tool,
        format!("{} answered {status} {reason}", answer.url),
    );
    error.status = Some(status);
    error.retry_after_ms = answer
        .headers
        .get(RETRY_AFTER.as_str())
        .and_then(|text| retry_after(text));
    error
}

/// `Retry-After` in seconds, or as a date.
pub(crate) fn retry_after(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return seconds.checked_mul(1_000);
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text.trim())
        .ok()?;
    let now = jiff::Timestamp::now();
    u64::try_from(at.as_millisecond() - now.as_millisecond()).ok()
}

fn network_error(tool: &'static str, error: &reqwest::Error, is_effect: bool) -> ToolError {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    let mut private = false;
    while let Some(inner) = source {
        private |= inner.downcast_ref::<hosts::PrivateAddress>().is_some();
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    if private {
        return refused(tool, message);
    }
    let certificate = message.contains("certificate");
    let class = if certificate {
        FailureClass::Precondition
    } else {
        FailureClass::Transient
    };
    let code = if certificate {
        "certificate"
    } else if error.is_connect() {
        "connect"
    } else if error.is_timeout() {
        "timeout"
    } else {
        "network"
    };
    // Without a connection nothing can have happened.
    if is_effect && !error.is_connect() {
        ToolError::unknown(class, code, tool, message)
    } else {
        ToolError::not_done(class, code, tool, message)
    }
}

fn timed_out(tool: &'static str, total: Duration, is_effect: bool) -> ToolError {
    let message = format!("no complete answer within {} ms", total.as_millis());
    let error = if is_effect {
        ToolError::unknown
    } else {
        ToolError::not_done
    };
    error(FailureClass::Transient, "timeout", tool, message)
}

/// Resolves names, and lets private addresses through only where the contract named them. The
/// address that was checked is the one that is connected to.
struct Guarded {
    private_allowed: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.private_allowed;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !allowed && let Some(private) = found.iter().find(|a| hosts::is_private(a.ip())) {
                let error = hosts::PrivateAddress {
                    host: name.as_str().to_owned(),
                    ip: private.ip(),
                };
                return Err(Box::new(error) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The client for a push service that a device named, or why it cannot be used. What a device says
/// does not lead into private networks: only hosts (with their ports) that the user named do.
pub(crate) fn push_client(url: &Url, named: &[String]) -> Result<&'static Client, String> {
    let host = host_resource(url).value;
    let is_named = named.contains(&host);
    if !(url.scheme() == "https" || (url.scheme() == "http" && is_named)) || url.host().is_none() {
        return Err("the address of a push service begins with https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address of a push service has no user in it".to_owned());
    }
    if !is_named && literal_ip(url).is_some_and(hosts::is_private) {
        return Err(format!(
            "{host} is a private address; the setting push_hosts must name it"
        ));
    }
    Ok(client(is_named))
}

/// The client for public addresses, or the one for named private ones.
fn client(private_allowed: bool) -> &'static Client {
    static PUBLIC: OnceLock<Client> = OnceLock::new();
    static NAMED: OnceLock<Client> = OnceLock::new();
    let slot = if private_allowed { &NAMED } else { &PUBLIC };
    slot.get_or_init(|| {
        builder()
            .read_timeout(SILENCE)
            .dns_resolver(Arc::new(Guarded { private_allowed }))
            .build()
            .unwrap_or_default()
    })
}

/// What every HTTP client of the agent has in common: one TLS library with one provider, no proxy,
/// and no redirect that is not looked at.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("Deputy/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .no_proxy()
        .pool_idle_timeout(Duration::from_secs(15))
}
