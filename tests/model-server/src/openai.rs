//! OpenAI's chat completions: shapes, rules and answers as its reference has them
//! (developers.openai.com/api/reference, "Chat Completions", "Streaming", "Error codes").

use crate::asked::{Api, Asked, Said, check_calls, is_name};
use crate::schema;
use crate::script::{Named, Reply, Status, pieces};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Request {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop: Option<Value>,
    seed: Option<i64>,
    response_format: Option<ResponseFormat>,
    reasoning_effort: Option<String>,
    prompt_cache_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
enum Tool {
    Function { function: Function },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Function {
    name: String,
    description: Option<String>,
    parameters: Value,
    strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    JsonObject,
    JsonSchema { json_schema: JsonSchema },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct JsonSchema {
    name: String,
    description: Option<String>,
    schema: Value,
    #[serde(default)]
    strict: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "role", rename_all = "snake_case")]
#[allow(dead_code)]
enum Message {
    System {
        content: Content,
    },
    User {
        content: Content,
    },
    Assistant {
        content: Option<Content>,
        #[serde(default)]
        tool_calls: Vec<Call>,
        refusal: Option<String>,
        /// Not OpenAI's own, but vLLM's and DeepSeek's.
        reasoning_content: Option<String>,
    },
    Tool {
        content: Content,
        tool_call_id: String,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
#[allow(dead_code)]
enum Part {
    Text { text: String },
    ImageUrl { image_url: Value },
    InputAudio { input_audio: Value },
    File { file: Value },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
enum Call {
    Function { id: String, function: Called },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    name: String,
    arguments: String,
}

/// Reads and checks a request.
pub(crate) fn read(key: &str, body: &Value) -> Result<Asked, String> {
    let request: Request = serde_json::from_value(body.clone()).map_err(|e| e.to_string())?;
    if request.stream_options.is_some() && !request.stream {
        return Err("stream_options is only for streams".to_owned());
    }
    if request.max_tokens.is_some() && request.max_completion_tokens.is_some() {
        return Err("max_tokens and max_completion_tokens exclude each other".to_owned());
    }
    let mut tools: Vec<String> = Vec::new();
    for Tool::Function { function } in request.tools.unwrap_or_default() {
        let name = function.name;
        if !is_name(&name) || tools.contains(&name) {
            return Err(format!("tools: “{name}” is no name, or used twice"));
        }
        schema::check_input(&function.parameters).map_err(|e| format!("tools: {name}: {e}"))?;
        tools.push(name);
    }
    if let Some(ResponseFormat::JsonSchema { json_schema }) = &request.response_format {
        if !is_name(&json_schema.name) {
            return Err(format!(
                "response_format: “{}” is no name",
                json_schema.name
            ));
        }
        schema::check(&json_schema.schema, "response_format")?;
        if json_schema.strict {
            schema::check_strict(&json_schema.schema, "response_format")?;
        }
    }
    let mut system = String::new();
    let said = said(&request.messages, &mut system)?;
    Ok(Asked {
        api: Api::OpenAi,
        model: request.model,
        key: key.to_owned(),
        system,
        said,
        tools,
        schema: matches!(
            request.response_format,
            Some(ResponseFormat::JsonSchema { .. })
        ),
        stream: request.stream,
        raw: body.clone(),
    })
}

fn said(messages: &[Message], system: &mut String) -> Result<Vec<Said>, String> {
    let mut said: Vec<Said> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        match message {
            Message::System { content } => {
                if !said.is_empty() {
                    return Err(format!("messages.{at}: the system's words come first"));
                }
                system.push_str(&words(content).0);
            }
            Message::User { content } => {
                let (text, media) = words(content);
                if text.trim().is_empty() && media == 0 {
                    return Err(format!("messages.{at}: content must not be empty"));
                }
                said.push(Said {
                    role: "user".to_owned(),
                    text,
                    media,
                    ..Said::default()
                });
            }
            Message::Assistant {
                content,
                tool_calls,
                ..
            } => {
                let text = content.as_ref().map(|c| words(c).0).unwrap_or_default();
                if text.is_empty() && tool_calls.is_empty() {
                    return Err(format!("messages.{at}: neither content nor tool_calls"));
                }
                let mut calls = Vec::new();
                for Call::Function { id, function } in tool_calls {
                    let input = serde_json::from_str(&function.arguments)
                        .map_err(|e| format!("messages.{at}: arguments of {id}: {e}"))?;
                    calls.push((id.clone(), function.name.clone(), input));
                }
                said.push(Said {
                    role: "assistant".to_owned(),
                    text,
                    calls,
                    ..Said::default()
                });
            }
            Message::Tool {
                content,
                tool_call_id,
            } => {
                let text = words(content).0;
                let is_error = text.starts_with("Error: ");
                let result = (tool_call_id.clone(), text, is_error);
                // The results of one answer stand in messages of their own, one after another.
                match said.last_mut() {
                    Some(last) if last.role == "tool" => last.results.push(result),
                    _ => said.push(Said {
                        role: "tool".to_owned(),
                        results: vec![result],
                        ..Said::default()
                    }),
                }
            }
        }
    }
    if said.last().is_none_or(|last| last.role == "assistant") {
        return Err("the last message must not be the assistant's".to_owned());
    }
    check_calls(&said)?;
    Ok(said)
}

fn words(content: &Content) -> (String, usize) {
    match content {
        Content::Text(text) => (text.clone(), 0),
        Content::Parts(parts) => {
            let mut text = String::new();
            let mut media = 0;
            for part in parts {
                match part {
                    Part::Text { text: words } => text.push_str(words),
                    Part::ImageUrl { .. } | Part::InputAudio { .. } | Part::File { .. } => {
                        media += 1;
                    }
                }
            }
            (text, media)
        }
    }
}

fn stop(reply: &Reply) -> String {
    let usual = if reply.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    reply.stop.clone().unwrap_or_else(|| usual.to_owned())
}

fn usage(asked: &Asked, reply: &Reply) -> Value {
    let counted = reply.counted(asked);
    json!({
        "prompt_tokens": counted.input,
        "completion_tokens": counted.output,
        "total_tokens": counted.input + counted.output,
        "prompt_tokens_details": {"cached_tokens": counted.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

fn call_id(asked: &Asked, at: usize) -> String {
    format!("call_{}_{at}", asked.answers())
}

/// The whole answer.
pub(crate) fn whole(asked: &Asked, reply: &Reply) -> Value {
    let calls: Vec<Value> = reply
        .calls
        .iter()
        .enumerate()
        .map(|(at, call)| {
            json!({"id": call_id(asked, at), "type": "function",
                "function": {"name": call.name, "arguments": call.input.to_string()}})
        })
        .collect();
    let refused = reply.named() == Some(Named::Refusal);
    let mut message = json!({
        "role": "assistant",
        "content": (!reply.text.is_empty() && !refused).then_some(&reply.text),
        "refusal": refused.then_some(&reply.text),
    });
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": asked.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": stop(reply)}],
        "usage": usage(asked, reply),
    })
}

/// The answer as a stream's events.
pub(crate) fn events(asked: &Asked, reply: &Reply) -> Vec<String> {
    let wants_usage = asked.raw["stream_options"]["include_usage"] == true;
    let chunk = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": asked.model, "system_fingerprint": "fp_1", "choices": choices,
        });
        if wants_usage {
            chunk["usage"] = usage.unwrap_or(Value::Null);
        }
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value, finish: Option<String>| {
        chunk(
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]),
            None,
        )
    };
    let place = if reply.named() == Some(Named::Refusal) {
        "refusal"
    } else {
        "content"
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}), None)];
    for piece in pieces(&reply.text) {
        events.push(delta(json!({place: piece}), None));
    }
    for (index, call) in reply.calls.iter().enumerate() {
        let begin = json!({"tool_calls": [{"index": index, "id": call_id(asked, index), "type": "function",
            "function": {"name": call.name, "arguments": ""}}]});
        events.push(delta(begin, None));
        let mut arguments = call.input.to_string();
        if reply.named() == Some(Named::BadInput) {
            arguments.pop();
        }
        for piece in pieces(&arguments) {
            let more = json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
            events.push(delta(more, None));
        }
    }
    events.push(delta(json!({}), Some(stop(reply))));
    if wants_usage {
        events.push(chunk(json!([]), Some(usage(asked, reply))));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// An error in the middle of a stream.
pub(crate) fn error_event() -> String {
    let error = json!({"error": {"message": "The server had an error while processing your request", "type": "server_error", "param": null, "code": null}});
    format!("data: {error}\n\n")
}

/// The body of an error.
pub(crate) fn error(status: &Status) -> Value {
    let (kind, code, usual) = match status.status {
        400 => ("invalid_request_error", Value::Null, "Invalid request"),
        401 => (
            "invalid_request_error",
            json!("invalid_api_key"),
            "Incorrect API key provided",
        ),
        403 => (
            "invalid_request_error",
            Value::Null,
            "You have insufficient permissions for this operation",
        ),
        404 => (
            "invalid_request_error",
            json!("model_not_found"),
            "The model does not exist or you do not have access to it",
        ),
        429 => (
            "requests",
            json!("rate_limit_exceeded"),
            "Rate limit reached",
        ),
        _ => (
            "server_error",
            Value::Null,
            "The server had an error while processing your request",
        ),
    };
    let message = status.message.as_deref().unwrap_or(usual);
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}
