//! `http`: requests through a connection of kind `http`. A script says what is asked; where, and in
//! whose name, the connection says. What a connection knows goes to its own origin alone, and does
//! not come back.

use super::{Answer, Request, accepted, add_key, body, class, headers, host_resource, send};
use crate::clock::BoxFuture;
use crate::connectors::http_client::Service;
use crate::tools::web::{As, Response, response};
use crate::tools::{
    Bytes, CallInfo, OpenConnection, Operation, OutsideEnv, OutsideOperation, Resource,
    ResourceKind, ToolError,
};
use deputy_protocol::{EffectClass, FailureClass};
use reqwest::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// `http.get`
pub(in crate::tools) struct Get;

/// What to read.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct GetInput {
    /// The name of a connection of kind `http`.
    connection: String,
    /// Below the connection's address, e.g. `items/3?all=true`.
    #[serde(default)]
    path: String,
    /// Headers to send. What says who asks is put there by the connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
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

impl Operation for Get {
    type Input = GetInput;
    type Output = Response;
    const NAME: &'static str = "http.get";
    const SUMMARY: &'static str =
        "Reads from a web service through a connection of kind http (GET).";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn resources(input: &GetInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![through(&input.connection)])
    }

    fn title(input: &GetInput) -> String {
        format!("Read /{} from {}", tail(&input.path), input.connection)
    }
}

impl OutsideOperation for Get {
    fn run<'a>(
        input: GetInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Response, ToolError>> {
        Box::pin(async move {
            let asked = Asked {
                connection: &input.connection,
                path: &input.path,
                headers: headers(Self::NAME, &input.headers)?,
                method: Method::GET,
                body: Vec::new(),
                timeout_ms: input.timeout_ms,
                allow_status: &input.allow_status,
                class: EffectClass::Read,
            };
            let answer = asked.send(Self::NAME, call, env).await?;
            response(Self::NAME, answer, input.read_as)
        })
    }
}

/// `http.request`
pub(in crate::tools) struct Send;

/// A request of any kind.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct SendInput {
    /// The name of a connection of kind `http`.
    connection: String,
    /// GET, HEAD, POST, PUT, PATCH or DELETE.
    method: String,
    /// Below the connection's address, e.g. `items/3`.
    #[serde(default)]
    path: String,
    /// Headers to send. What says who asks is put there by the connection.
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

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

impl Operation for Send {
    type Input = SendInput;
    type Output = Response;
    const NAME: &'static str = "http.request";
    const SUMMARY: &'static str =
        "Sends a request of any method to a web service through a connection of kind http.";
    const CLASSES: &'static [EffectClass] = &[
        EffectClass::Read,
        EffectClass::Idempotent,
        EffectClass::Opaque,
    ];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn class(input: &SendInput) -> EffectClass {
        class(&input.method, &input.headers, input.idempotent)
    }

    fn resources(input: &SendInput) -> Result<Vec<Resource>, ToolError> {
        if !METHODS.contains(&input.method.as_str()) {
            let message = format!("“{}” is not one of {}", input.method, METHODS.join(", "));
            return Err(ToolError::invalid_input(Self::NAME, message));
        }
        Ok(vec![through(&input.connection)])
    }

    fn title(input: &SendInput) -> String {
        format!(
            "{} /{} at {}",
            input.method,
            tail(&input.path),
            input.connection
        )
    }
}

impl OutsideOperation for Send {
    fn run<'a>(
        input: SendInput,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Response, ToolError>> {
        Box::pin(async move {
            let class = Self::class(&input);
            let mut headers = headers(Self::NAME, &input.headers)?;
            if input.idempotent {
                add_key(&mut headers, call);
            }
            let body = body(
                Self::NAME,
                &mut headers,
                input.text,
                input.json,
                input.bytes,
            )?;
            let asked = Asked {
                connection: &input.connection,
                path: &input.path,
                headers,
                method: { input.method.parse() }
                    .map_err(|_| ToolError::invalid_input(Self::NAME, "not a method"))?,
                body,
                timeout_ms: input.timeout_ms,
                allow_status: &input.allow_status,
                class,
            };
            let answer = asked.send(Self::NAME, call, env).await?;
            response(Self::NAME, answer, input.read_as)
        })
    }

    fn assumed(_input: &SendInput, _call: &CallInfo) -> Value {
        serde_json::json!({"status": 200, "url": "", "headers": {}, "text": ""})
    }
}

fn through(connection: &str) -> Resource {
    Resource::new(ResourceKind::Connections, connection)
}

/// A path as titles show it.
fn tail(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// What is asked through a connection.
struct Asked<'a> {
    connection: &'a str,
    path: &'a str,
    headers: super::HeaderMap,
    method: Method,
    body: Vec<u8>,
    timeout_ms: Option<u64>,
    allow_status: &'a [u16],
    class: EffectClass,
}

impl Asked<'_> {
    async fn send(
        self,
        tool: &'static str,
        call: &CallInfo,
        env: &OutsideEnv,
    ) -> Result<Answer, ToolError> {
        let connection = env.connections.open(tool, self.connection).await?;
        if connection.kind != "http" {
            return Err(ToolError::not_done(
                FailureClass::Precondition,
                "wrong_kind",
                tool,
                format!(
                    "the connection “{}” is not to a web service",
                    connection.name
                ),
            ));
        }
        let mut answer = self.through(tool, call, &connection).await?;
        // Before its time a token may have been taken back; what is refused has not been done.
        if answer.status == StatusCode::UNAUTHORIZED
            && let Some(renewed) = env.connections.renewed(tool, &connection).await?
        {
            answer = self.through(tool, call, &renewed).await?;
        }
        accepted(tool, answer, self.class, self.allow_status)
    }

    /// Asks through the connection as it is now.
    async fn through(
        &self,
        tool: &'static str,
        call: &CallInfo,
        connection: &OpenConnection,
    ) -> Result<Answer, ToolError> {
        let service = Service::new(connection)
            .map_err(|e| ToolError::not_done(FailureClass::Precondition, "settings", tool, e))?;
        let url = service
            .at(self.path)
            .map_err(|e| ToolError::invalid_input(tool, e))?;
        let mut headers = self.headers.clone();
        service.authorise(&mut headers);
        // The user named this very host and port when it was connected, so it may be a private one.
        let host = vec![host_resource(&url).value];
        let call = CallInfo {
            allowed_hosts: host.clone(),
            literal_hosts: host,
            ..call.clone()
        };
        let request = Request {
            method: self.method.clone(),
            url,
            headers,
            body: self.body.clone(),
            timeout: self.timeout_ms.map(Duration::from_millis),
            class: self.class,
            stays: true,
        };
        let mut answer = send(tool, &call, request).await?;
        answer.body = service.without_secrets(answer.body);
        for value in answer.headers.values_mut() {
            let clean = service.without_secrets(std::mem::take(value).into_bytes());
            *value = String::from_utf8_lossy(&clean).into_owned();
        }
        Ok(answer)
    }
}
