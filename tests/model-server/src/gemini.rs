//! Google's Gemini API, `generateContent` and `streamGenerateContent` of v1beta: shapes, rules and
//! answers as its reference has them (ai.google.dev/api/generate-content, …/api/caching#Content,
//! …/gemini-api/docs/function-calling, …/gemini-api/docs/thought-signatures).

use crate::anthropic::signature;
use crate::asked::{Api, Asked, Said, check_calls, is_name};
use crate::schema;
use crate::script::{Named, Reply, Status, pieces};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code)]
struct Request {
    contents: Vec<Content>,
    system_instruction: Option<Content>,
    tools: Option<Vec<Tool>>,
    tool_config: Option<Value>,
    generation_config: Option<Generation>,
    safety_settings: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code)]
struct Generation {
    max_output_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    seed: Option<i64>,
    stop_sequences: Option<Vec<String>>,
    response_mime_type: Option<String>,
    response_json_schema: Option<Value>,
    thinking_config: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Tool {
    function_declarations: Vec<Declaration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code)]
struct Declaration {
    name: String,
    description: String,
    parameters_json_schema: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    role: Option<Role>,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Model,
}

/// One of its fields, besides the signature.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(alias = "inline_data")]
    inline_data: Option<Value>,
    function_call: Option<Called>,
    function_response: Option<Answered>,
    thought_signature: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    id: String,
    name: String,
    args: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    id: String,
    name: String,
    response: Value,
}

/// Reads and checks a request; the model and whether to stream are in the path.
pub(crate) fn read(key: &str, model: &str, stream: bool, body: &Value) -> Result<Asked, String> {
    let request: Request = serde_json::from_value(body.clone()).map_err(|e| e.to_string())?;
    let mut tools = Vec::new();
    let declared = request.tools.unwrap_or_default();
    for declaration in declared
        .into_iter()
        .flat_map(|tool| tool.function_declarations)
    {
        let name = declaration.name;
        if !is_name(&name) || tools.contains(&name) {
            return Err(format!("tools: “{name}” is no name, or used twice"));
        }
        schema::check_input(&declaration.parameters_json_schema)
            .map_err(|e| format!("tools: {name}: {e}"))?;
        tools.push(name);
    }
    let wanted = request.generation_config.and_then(|generation| {
        let is_json = generation.response_mime_type.as_deref() == Some("application/json");
        generation.response_json_schema.filter(|_| is_json)
    });
    if let Some(wanted) = &wanted {
        schema::check(wanted, "responseJsonSchema")?;
    }
    let mut said = Vec::new();
    for (at, content) in request.contents.iter().enumerate() {
        said.push(one(content, at)?);
    }
    if said.last().is_none_or(|last| last.role != "user") {
        return Err("contents: the last one must be the user's".to_owned());
    }
    check_calls(&said)?;
    check_names(&said, &request.contents)?;
    let system = request.system_instruction.map(|content| one(&content, 0));
    Ok(Asked {
        api: Api::Gemini,
        model: model.to_owned(),
        key: key.to_owned(),
        system: system
            .transpose()?
            .map(|said| said.text)
            .unwrap_or_default(),
        said,
        tools,
        schema: wanted.is_some(),
        stream,
        raw: body.clone(),
    })
}

fn one(content: &Content, at: usize) -> Result<Said, String> {
    let is_model = content.role == Some(Role::Model);
    let mut said = Said {
        role: if is_model { "assistant" } else { "user" }.to_owned(),
        ..Said::default()
    };
    if content.parts.is_empty() {
        return Err(format!("contents.{at}: parts must not be empty"));
    }
    for part in &content.parts {
        said.signatures.extend(part.thought_signature.clone());
        match part {
            Part {
                text: Some(text), ..
            } => said.text.push_str(text),
            Part {
                inline_data: Some(_),
                ..
            } if !is_model => said.media += 1,
            Part {
                function_call: Some(call),
                ..
            } if is_model => {
                said.calls
                    .push((call.id.clone(), call.name.clone(), call.args.clone()));
            }
            Part {
                function_response: Some(answer),
                ..
            } if !is_model => {
                let text = answer.response["content"].as_str().unwrap_or_default();
                let is_error = text.starts_with("Error: ");
                said.results
                    .push((answer.id.clone(), text.to_owned(), is_error));
            }
            _ => {
                return Err(format!(
                    "contents.{at}: a part without data, or not for this role"
                ));
            }
        }
    }
    Ok(said)
}

/// A response carries its call's name.
fn check_names(said: &[Said], contents: &[Content]) -> Result<(), String> {
    for part in contents.iter().flat_map(|content| &content.parts) {
        if let Some(answer) = &part.function_response {
            let mut calls = said.iter().flat_map(|s| &s.calls);
            if !calls.any(|(id, name, _)| *id == answer.id && *name == answer.name) {
                return Err(format!("the response to {} has another name", answer.id));
            }
        }
    }
    Ok(())
}

/// The id of a call.
pub(crate) fn call_id(asked: &Asked, at: usize) -> String {
    format!("fc-{}-{at}", asked.answers())
}

fn parts(asked: &Asked, reply: &Reply) -> Vec<Value> {
    let mut parts: Vec<Value> = pieces(&reply.text)
        .into_iter()
        .map(|piece| json!({"text": piece}))
        .collect();
    for (at, call) in reply.calls.iter().enumerate() {
        let args = if reply.named() == Some(Named::BadInput) {
            json!("{")
        } else {
            call.input.clone()
        };
        let mut part =
            json!({"functionCall": {"id": call_id(asked, at), "name": call.name, "args": args}});
        if let (0, Some(thinking)) = (at, &reply.thinking) {
            part["thoughtSignature"] = json!(signature(thinking));
        }
        parts.push(part);
    }
    parts
}

fn chunk(asked: &Asked, reply: &Reply, parts: &[Value], finish: Option<&str>) -> Value {
    let counted = reply.counted(asked);
    let mut candidate = json!({"index": 0, "content": {"role": "model"}});
    if !parts.is_empty() {
        candidate["content"]["parts"] = json!(parts);
    }
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    json!({
        "candidates": [candidate], "modelVersion": asked.model, "responseId": "r1",
        "usageMetadata": {
            "promptTokenCount": counted.input,
            "candidatesTokenCount": counted.output,
            "cachedContentTokenCount": counted.cached,
            "totalTokenCount": counted.input + counted.output,
        },
    })
}

fn stop(reply: &Reply) -> String {
    let usual = match reply.named() {
        Some(Named::Refusal) => "SAFETY",
        _ => "STOP",
    };
    reply.stop.clone().unwrap_or_else(|| usual.to_owned())
}

/// The whole answer.
pub(crate) fn whole(asked: &Asked, reply: &Reply) -> Value {
    chunk(asked, reply, &parts(asked, reply), Some(&stop(reply)))
}

/// The answer as a stream's events; the last part comes with the reason for stopping.
pub(crate) fn events(asked: &Asked, reply: &Reply) -> Vec<String> {
    let mut parts = parts(asked, reply);
    let last = parts.pop();
    let event = |data: Value| format!("data: {data}\r\n\r\n");
    let mut events: Vec<String> = parts
        .into_iter()
        .map(|part| event(chunk(asked, reply, &[part], None)))
        .collect();
    let last: Vec<Value> = last.into_iter().collect();
    events.push(event(chunk(asked, reply, &last, Some(&stop(reply)))));
    events
}

/// An error in the middle of a stream.
pub(crate) fn error_event() -> String {
    let error = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    format!("data: {error}\r\n\r\n")
}

/// The body of an error.
pub(crate) fn error(status: &Status) -> Value {
    let (word, usual) = match status.status {
        400 => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
        401 => (
            "UNAUTHENTICATED",
            "API key not valid. Please pass a valid API key.",
        ),
        403 => (
            "PERMISSION_DENIED",
            "Your API key doesn't have the required permissions.",
        ),
        404 => ("NOT_FOUND", "models/x is not found for API version v1beta"),
        429 => ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
        503 => ("UNAVAILABLE", "The model is overloaded."),
        _ => ("INTERNAL", "An internal error has occurred."),
    };
    let message = status.message.as_deref().unwrap_or(usual);
    json!({"error": {"code": status.status, "message": message, "status": word}})
}
