//! `web`: pages and requests.

use super::http::{self, Answer, Request};
use super::{
    Bytes, CallInfo, Operation, OutsideEnv, OutsideOperation, Resource, ResourceKind, ToolError,
};
use crate::clock::BoxFuture;
use deputy_protocol::EffectClass;
use reqwest::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How a body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum As {
    /// As text, in the character set that it names.
    #[default]
    Text,
    /// As JSON.
    Json,
    /// As bytes.
    Bytes,
}

/// An answer.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Response {
    /// The HTTP status.
    status: u16,
    /// The address that answered, after redirects.
    url: String,
    /// The headers, by their name in small letters.
    headers: BTreeMap<String, String>,
    /// The body, when read as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The body, when read as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    /// The body, when read as bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<Bytes>,
}

/// An answer as a script gets it.
pub(super) fn response(
    tool: &'static str,
    answer: Answer,
    read_as: As,
) -> Result<Response, ToolError> {
    let mut response = Response {
        status: answer.status.as_u16(),
        url: answer.url.to_string(),
        headers: answer.headers.clone(),
        text: None,
        json: None,
        bytes: None,
    };
    match read_as {
        As::Text => response.text = Some(decode(&answer)),
        As::Bytes => response.bytes = Some(Bytes(answer.body)),
        As::Json => {
            let json = serde_json::from_slice(&answer.body).map_err(|e| {
                let message = format!("{} did not answer with JSON: {e}", answer.url);
                ToolError::not_done(
                    deputy_protocol::FailureClass::Logic,
                    "not_json",
                    tool,
                    message,
                )
            })?;
            response.json = Some(json);
        }
    }
    Ok(response)
}

/// A body as text: by its byte order mark, its header, its own declaration, else UTF-8.
pub(super) fn decode(answer: &Answer) -> String {
    let named = |text: &str| {
        let at = text.to_ascii_lowercase().find("charset=")?;
        let label: String = text[at + 8..]
            .trim_start_matches(['"', '\''])
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
            .collect();
        encoding_rs::Encoding::for_label(label.as_bytes())
    };
    let head = String::from_utf8_lossy(&answer.body[..answer.body.len().min(1_024)]);
    let encoding = named(&answer.content_type)
        .or_else(|| named(&head))
        .unwrap_or(encoding_rs::UTF_8);
    encoding.decode(&answer.body).0.into_owned()
}

/// `web.fetch`
pub(super) struct Fetch;

/// What to fetch.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FetchInput {
    /// An http or https address.
    url: String,
    /// GET (the default) or HEAD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Headers to send.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// How to read the body.
    #[serde(rename = "as", default)]
    read_as: As,
    /// Statuses of 400 and above that are answers, not failures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allow_status: Vec<u16>,
    /// How long it may take, in milliseconds; 60,000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
}

impl Operation for Fetch {
    type Input = FetchInput;
    type Output = Response;
    const NAME: &'static str = "web.fetch";
    const SUMMARY: &'static str = "Reads a page or an API answer (GET or HEAD).";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Hosts];

    fn resources(input: &FetchInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![http::host_resource(&http::parse_url(
            Self::NAME,
            &input.url,
        )?)])
    }

    fn title(input: &FetchInput) -> String {
        format!("Read {}", input.url)
    }
}

impl OutsideOperation for Fetch {
    fn run<'a>(
        input: FetchInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Response, ToolError>> {
        Box::pin(async move {
            let method = match input.method.as_deref() {
                None | Some("GET") => Method::GET,
                Some("HEAD") => Method::HEAD,
                Some(other) => {
                    let message = format!("web.fetch does not {other}; web.request does");
                    return Err(ToolError::invalid_input(Self::NAME, message));
                }
            };
            let request = Request {
                method,
                url: http::parse_url(Self::NAME, &input.url)?,
                headers: http::headers(Self::NAME, &input.headers)?,
                body: Vec::new(),
                timeout: input.timeout_ms.map(Duration::from_millis),
                class: EffectClass::Read,
                stays: false,
            };
            let answer = http::send(Self::NAME, call, request).await?;
            let answer =
                http::accepted(Self::NAME, answer, EffectClass::Read, &input.allow_status)?;
            response(Self::NAME, answer, input.read_as)
        })
    }
}

/// `web.request`
pub(super) struct Send;

/// A request that changes something.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendInput {
    /// An http or https address.
    url: String,
    /// POST, PUT, PATCH or DELETE.
    method: String,
    /// Headers to send.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// Text to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// JSON to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    /// Bytes to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<Bytes>,
    /// The service knows idempotency keys: one goes along as `Idempotency-Key`, and the request may
    /// be repeated with it.
    #[serde(default)]
    idempotent: bool,
    /// How to read the answer.
    #[serde(rename = "as", default)]
    read_as: As,
    /// Statuses of 400 and above that are answers, not failures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allow_status: Vec<u16>,
    /// How long it may take, in milliseconds; 60,000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
}

impl Operation for Send {
    type Input = SendInput;
    type Output = Response;
    const NAME: &'static str = "web.request";
    const SUMMARY: &'static str =
        "Sends a request that changes something (POST, PUT, PATCH, DELETE).";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent, EffectClass::Opaque];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Hosts];

    fn class(input: &SendInput) -> EffectClass {
        http::class(&input.method, &input.headers, input.idempotent)
    }

    fn resources(input: &SendInput) -> Result<Vec<Resource>, ToolError> {
        if !matches!(input.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") {
            let message = format!("“{}” is not POST, PUT, PATCH or DELETE", input.method);
            return Err(ToolError::invalid_input(Self::NAME, message));
        }
        Ok(vec![http::host_resource(&http::parse_url(
            Self::NAME,
            &input.url,
        )?)])
    }

    fn title(input: &SendInput) -> String {
        format!("{} {}", input.method, input.url)
    }
}

impl OutsideOperation for Send {
    fn run<'a>(
        input: SendInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Response, ToolError>> {
        Box::pin(async move {
            let class = Self::class(&input);
            let mut headers = http::headers(Self::NAME, &input.headers)?;
            if input.idempotent {
                http::add_key(&mut headers, call);
            }
            let body = http::body(
                Self::NAME,
                &mut headers,
                input.text,
                input.json,
                input.bytes,
            )?;
            let method = input
                .method
                .parse()
                .map_err(|_| ToolError::invalid_input(Self::NAME, "not a method"))?;
            let url = http::parse_url(Self::NAME, &input.url)?;
            let timeout = input.timeout_ms.map(Duration::from_millis);
            let answer = http::send(
                Self::NAME,
                call,
                Request {
                    method,
                    url,
                    headers,
                    body,
                    timeout,
                    class,
                    stays: false,
                },
            )
            .await?;
            let answer = http::accepted(Self::NAME, answer, class, &input.allow_status)?;
            response(Self::NAME, answer, input.read_as)
        })
    }

    fn assumed(input: &SendInput, _call: &CallInfo) -> Value {
        serde_json::json!({"status": 200, "url": input.url, "headers": {}, "text": ""})
    }
}
