//! Anthropic's Messages API, version 2023-06-01: shapes, rules and answers as its reference has them
//! (platform.claude.com/docs/en/api/messages, …/build-with-claude/streaming, …/api/errors).

use crate::asked::{Api, Asked, Said, check_calls, is_name};
use crate::schema;
use crate::script::{Named, Reply, Status, pieces};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) const VERSION: &str = "2023-06-01";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Request {
    model: String,
    max_tokens: u32,
    messages: Vec<Message>,
    system: Option<Content>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Value>,
    #[serde(default)]
    stream: bool,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u32>,
    stop_sequences: Option<Vec<String>>,
    metadata: Option<Value>,
    thinking: Option<Value>,
    service_tier: Option<String>,
    output_config: Option<OutputConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct OutputConfig {
    effort: Option<String>,
    format: Option<Format>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
enum Format {
    JsonSchema { schema: Value },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Tool {
    name: String,
    description: Option<String>,
    input_schema: Value,
    cache_control: Option<CacheControl>,
    strict: Option<bool>,
    eager_input_streaming: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct CacheControl {
    r#type: Ephemeral,
    ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ephemeral {
    Ephemeral,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: Role,
    content: Content,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Assistant,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
#[allow(dead_code)]
enum Block {
    Text {
        text: String,
        cache_control: Option<CacheControl>,
    },
    Image {
        source: Source,
        cache_control: Option<CacheControl>,
    },
    Document {
        source: Source,
        title: Option<String>,
        cache_control: Option<CacheControl>,
    },
    ToolUse {
        id: String,
        name: String,
        input: Map<String, Value>,
        cache_control: Option<CacheControl>,
    },
    ToolResult {
        tool_use_id: String,
        content: Option<Content>,
        is_error: Option<bool>,
        cache_control: Option<CacheControl>,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
#[allow(dead_code)]
enum Source {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

/// Reads and checks a request.
pub(crate) fn read(key: &str, body: &Value) -> Result<Asked, String> {
    let request: Request = serde_json::from_value(body.clone()).map_err(|e| e.to_string())?;
    if request.max_tokens == 0 {
        return Err("max_tokens: must be at least 1".to_owned());
    }
    let marks = body.to_string().matches("\"cache_control\"").count();
    if marks > 4 {
        return Err(format!(
            "at most 4 blocks may carry cache_control, found {marks}"
        ));
    }
    let tools = request.tools.unwrap_or_default();
    for (at, tool) in tools.iter().enumerate() {
        if !is_name(&tool.name) || tools[..at].iter().any(|t| t.name == tool.name) {
            return Err(format!(
                "tools.{at}.name: “{}” is no name, or used twice",
                tool.name
            ));
        }
        schema::check_input(&tool.input_schema)
            .map_err(|e| format!("tools.{at}.input_schema: {e}"))?;
    }
    let output = request.output_config.and_then(|config| config.format);
    if let Some(Format::JsonSchema { schema }) = &output {
        schema::check(schema, "output_config.format.schema")?;
        schema::check_strict(schema, "output_config.format.schema")?;
    }
    let said = said(&request.messages)?;
    if tools.is_empty() && said.iter().any(|s| !s.calls.is_empty()) {
        return Err("messages with tool_use blocks must come with tools".to_owned());
    }
    Ok(Asked {
        api: Api::Anthropic,
        model: request.model,
        key: key.to_owned(),
        system: request
            .system
            .map_or(Ok(String::new()), |s| words(&s, "system"))?,
        said,
        tools: tools.into_iter().map(|tool| tool.name).collect(),
        schema: output.is_some(),
        stream: request.stream,
        raw: body.clone(),
    })
}

fn said(messages: &[Message]) -> Result<Vec<Said>, String> {
    let mut said = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        let wanted = if at % 2 == 0 {
            Role::User
        } else {
            Role::Assistant
        };
        if message.role != wanted {
            return Err(format!(
                "messages.{at}: roles must alternate, beginning with user"
            ));
        }
        said.push(one(message, at)?);
    }
    match messages.last() {
        Some(last) if last.role == Role::User => {}
        Some(_) => return Err("the last message must be the user's".to_owned()),
        None => return Err("messages: at least one message is required".to_owned()),
    }
    check_calls(&said)?;
    Ok(said)
}

fn one(message: &Message, at: usize) -> Result<Said, String> {
    let is_user = message.role == Role::User;
    let mut said = Said {
        role: if is_user { "user" } else { "assistant" }.to_owned(),
        ..Said::default()
    };
    let blocks = match &message.content {
        Content::Text(text) if text.trim().is_empty() => {
            return Err(format!("messages.{at}: content must not be empty"));
        }
        Content::Text(text) => {
            said.text.clone_from(text);
            return Ok(said);
        }
        Content::Blocks(blocks) if blocks.is_empty() => {
            return Err(format!("messages.{at}: content must not be empty"));
        }
        Content::Blocks(blocks) => blocks,
    };
    let misplaced = |what: &str| format!("messages.{at}: {what} is not for this role");
    for block in blocks {
        match block {
            Block::Text { text, .. } if text.trim().is_empty() => {
                return Err(format!("messages.{at}: text blocks must not be empty"));
            }
            Block::Text { text, .. } => said.text.push_str(text),
            Block::Image { .. } | Block::Document { .. } if is_user => said.media += 1,
            Block::ToolResult {
                tool_use_id,
                content,
                is_error,
                ..
            } if is_user => {
                if !said.text.is_empty() || said.media > 0 {
                    return Err(format!("messages.{at}: tool_result blocks must come first"));
                }
                let text = content
                    .as_ref()
                    .map_or(Ok(String::new()), |c| words(c, "tool_result"))?;
                said.results
                    .push((tool_use_id.clone(), text, is_error.unwrap_or(false)));
            }
            Block::ToolUse {
                id, name, input, ..
            } if !is_user => {
                said.calls
                    .push((id.clone(), name.clone(), Value::Object(input.clone())));
            }
            Block::Thinking { signature, .. } if !is_user => {
                if !said.text.is_empty() || !said.calls.is_empty() {
                    return Err(format!("messages.{at}: thinking must come first"));
                }
                said.signatures.push(signature.clone());
            }
            Block::RedactedThinking { data } if !is_user => said.signatures.push(data.clone()),
            Block::Image { .. } | Block::Document { .. } => return Err(misplaced("media")),
            Block::ToolResult { .. } => return Err(misplaced("tool_result")),
            Block::ToolUse { .. } => return Err(misplaced("tool_use")),
            Block::Thinking { .. } | Block::RedactedThinking { .. } => {
                return Err(misplaced("thinking"));
            }
        }
    }
    Ok(said)
}

fn words(content: &Content, of: &str) -> Result<String, String> {
    match content {
        Content::Text(text) => Ok(text.clone()),
        Content::Blocks(blocks) => blocks
            .iter()
            .map(|block| match block {
                Block::Text { text, .. } => Ok(text.as_str()),
                Block::Image { .. }
                | Block::Document { .. }
                | Block::ToolUse { .. }
                | Block::ToolResult { .. }
                | Block::Thinking { .. }
                | Block::RedactedThinking { .. } => Err(format!("{of}: only text is read here")),
            })
            .collect(),
    }
}

fn stop(reply: &Reply) -> String {
    let usual = match reply.named() {
        Some(Named::Refusal) => "refusal",
        _ if reply.calls.is_empty() => "end_turn",
        _ => "tool_use",
    };
    reply.stop.clone().unwrap_or_else(|| usual.to_owned())
}

fn usage(asked: &Asked, reply: &Reply) -> Value {
    let counted = reply.counted(asked);
    json!({
        // What came from or went into the cache is not part of it.
        "input_tokens": counted.input.saturating_sub(counted.cached + counted.cache_write),
        "output_tokens": counted.output,
        "cache_read_input_tokens": counted.cached,
        "cache_creation_input_tokens": counted.cache_write,
    })
}

/// The id of a call.
pub(crate) fn call_id(asked: &Asked, at: usize) -> String {
    format!("toolu_{}_{at}", asked.answers())
}

/// The signature that reasoning carries.
pub(crate) fn signature(thinking: &str) -> String {
    format!(
        "sig-{}-{}",
        thinking.len(),
        thinking.bytes().map(u64::from).sum::<u64>()
    )
}

fn blocks(asked: &Asked, reply: &Reply) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(thinking) = &reply.thinking {
        blocks.push(
            json!({"type": "thinking", "thinking": thinking, "signature": signature(thinking)}),
        );
    }
    if !reply.text.is_empty() {
        blocks.push(json!({"type": "text", "text": reply.text}));
    }
    for (at, call) in reply.calls.iter().enumerate() {
        blocks.push(json!({"type": "tool_use", "id": call_id(asked, at), "name": call.name, "input": call.input}));
    }
    blocks
}

fn message(asked: &Asked, content: &[Value]) -> Value {
    json!({
        "id": format!("msg_{}", asked.answers()), "type": "message", "role": "assistant",
        "model": asked.model, "content": content, "stop_reason": null, "stop_sequence": null,
    })
}

/// The whole answer.
pub(crate) fn whole(asked: &Asked, reply: &Reply) -> Value {
    let mut message = message(asked, &blocks(asked, reply));
    message["stop_reason"] = json!(stop(reply));
    message["usage"] = usage(asked, reply);
    message
}

/// The answer as a stream's events.
pub(crate) fn events(asked: &Asked, reply: &Reply) -> Vec<String> {
    let event = |data: Value| {
        let name = data["type"].as_str().unwrap_or_default().to_owned();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let usage = usage(asked, reply);
    let mut start = message(asked, &[]);
    start["usage"] = usage.clone();
    start["usage"]["output_tokens"] = json!(1);
    let mut events = vec![
        event(json!({"type": "message_start", "message": start})),
        event(json!({"type": "ping"})),
    ];
    for (index, block) in blocks(asked, reply).into_iter().enumerate() {
        let (empty, deltas) = deltas(&block, reply.named() == Some(Named::BadInput));
        events.push(event(
            json!({"type": "content_block_start", "index": index, "content_block": empty}),
        ));
        for delta in deltas {
            events.push(event(
                json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ));
        }
        events.push(event(json!({"type": "content_block_stop", "index": index})));
    }
    events.push(event(json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop(reply), "stop_sequence": null},
        "usage": {"output_tokens": usage["output_tokens"]},
    })));
    events.push(event(json!({"type": "message_stop"})));
    events
}

fn deltas(block: &Value, bad_input: bool) -> (Value, Vec<Value>) {
    let text = |key: &str| pieces(block[key].as_str().unwrap_or_default());
    match block["type"].as_str() {
        Some("thinking") => {
            let mut deltas: Vec<Value> = text("thinking")
                .into_iter()
                .map(|piece| json!({"type": "thinking_delta", "thinking": piece}))
                .collect();
            deltas.push(json!({"type": "signature_delta", "signature": block["signature"]}));
            (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                deltas,
            )
        }
        Some("tool_use") => {
            let mut input = block["input"].to_string();
            if bad_input {
                input.pop();
            }
            // The first piece is empty, as the API's is.
            let parts = std::iter::once(String::new()).chain(pieces(&input));
            let deltas = parts.map(|p| json!({"type": "input_json_delta", "partial_json": p}));
            (
                json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}),
                deltas.collect(),
            )
        }
        _ => (
            json!({"type": "text", "text": ""}),
            text("text")
                .into_iter()
                .map(|piece| json!({"type": "text_delta", "text": piece}))
                .collect(),
        ),
    }
}

/// An error in the middle of a stream.
pub(crate) fn error_event() -> String {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    format!("event: error\ndata: {error}\n\n")
}

/// The body of an error.
pub(crate) fn error(status: &Status) -> Value {
    let (kind, usual) = match status.status {
        400 => ("invalid_request_error", "Invalid request"),
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key does not have permission"),
        404 => ("not_found_error", "model not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => (
            "rate_limit_error",
            "Number of requests has exceeded your rate limit",
        ),
        529 => ("overloaded_error", "Overloaded"),
        _ => ("api_error", "Internal server error"),
    };
    let message = status.message.as_deref().unwrap_or(usual);
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}
