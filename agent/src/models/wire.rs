//! Between our words and the client crate's: questions, answers and errors. Pure.

use super::error::ModelError;
use super::settings::{ModelSettings, Provider};
use super::talk::{Media, Question, Stop, ToolCall, ToolResult, ToolSpec, Turn, Usage};
use crate::tools::retry_after;
use genai::adapter::AdapterKind;
use genai::chat::{
    Binary, CacheControl, ChatMessage, ChatOptions, ChatRequest, ChatRole, ContentPart, CustomPart,
    JsonSpec, MessageContent, MessageOptions, ReasoningEffort, StopReason, StreamEnd, Tool,
    ToolCall as GenaiCall, ToolResponse,
};
use genai::resolver::{AuthData, Endpoint};
use genai::{ModelIden, ServiceTarget};
use serde_json::{Value, json};
use std::borrow::Cow;

/// The most of a provider's message that is passed on.
const LONGEST_MESSAGE: usize = 300;

/// Where a question goes.
pub(super) fn target(settings: &ModelSettings, key: Option<&str>) -> ServiceTarget {
    let kind = match settings.provider {
        Provider::Anthropic => AdapterKind::Anthropic,
        Provider::Openai | Provider::Ollama => AdapterKind::OpenAI,
        Provider::Gemini => AdapterKind::Gemini,
    };
    ServiceTarget {
        endpoint: Endpoint::from_owned(settings.base_url.clone()),
        // A server of one's own may want no key; the header must be there all the same.
        auth: AuthData::from_single(key.unwrap_or("none")),
        model: ModelIden::new(kind, settings.model.clone()),
    }
}

/// How a question goes, apart from its words.
pub(super) fn options(settings: &ModelSettings, question: &Question) -> ChatOptions {
    let mut options = ChatOptions::default()
        .with_max_tokens(question.max_tokens)
        .with_capture_usage(true)
        .with_capture_content(true)
        .with_capture_tool_calls(true)
        .with_capture_reasoning_content(true);
    if let Some(schema) = &question.schema {
        options = options.with_response_format(JsonSpec::new("answer", schema.clone()));
    }
    match settings.provider {
        Provider::Anthropic | Provider::Gemini => options,
        Provider::Openai | Provider::Ollama => {
            // Keeps the crate from reading an effort out of names such as `qwen-max`; a budget of
            // tokens is not part of this API and is not sent.
            options = options.with_reasoning_effort(ReasoningEffort::Budget(0));
            if settings.base_url.starts_with("https://api.openai.com/") {
                // Its newer models cache only what is asked for.
                options = options.with_prompt_cache_key("deputy");
            }
            options
        }
    }
}

/// A question as the client crate takes it.
pub(super) fn request(provider: Provider, question: &Question) -> ChatRequest {
    let turns = answered(&question.turns);
    let mut request = match provider {
        Provider::Anthropic => anthropic(question, &turns),
        Provider::Openai | Provider::Ollama | Provider::Gemini => {
            let messages = turns.iter().flat_map(|turn| messages(provider, turn));
            let request = ChatRequest::from_messages(messages.collect());
            if question.system.is_empty() {
                request
            } else {
                request.with_system(question.system.as_str())
            }
        }
    };
    if !question.tools.is_empty() {
        request = request.with_tools(question.tools.iter().map(tool).collect::<Vec<_>>());
    }
    request
}

fn tool(spec: &ToolSpec) -> Tool {
    Tool::new(spec.name.as_str())
        .with_description(spec.description.as_str())
        .with_schema(spec.input.clone())
}

/// The turns as every provider wants them: each call answered, the user's words in one piece.
fn answered(turns: &[Turn]) -> Vec<Cow<'_, Turn>> {
    let mut out: Vec<Cow<'_, Turn>> = Vec::with_capacity(turns.len());
    for (at, turn) in turns.iter().enumerate() {
        if let (Turn::User { text, media }, Some(last)) = (turn, out.last_mut())
            && let Turn::User { .. } = last.as_ref()
            && let Turn::User {
                text: before,
                media: earlier,
            } = last.to_mut()
        {
            before.push_str("\n\n");
            before.push_str(text);
            earlier.extend(media.iter().cloned());
            continue;
        }
        out.push(Cow::Borrowed(turn));
        if let Turn::Model { calls, .. } = turn
            && !calls.is_empty()
            && !matches!(turns.get(at + 1), Some(Turn::Results { .. }))
        {
            // The user spoke before the calls had results.
            let results = calls.iter().map(|call| ToolResult {
                id: call.id.clone(),
                text: "No result: the user spoke first.".to_owned(),
                is_error: true,
            });
            out.push(Cow::Owned(Turn::Results {
                results: results.collect(),
            }));
        }
    }
    out
}

/// Anthropic: results and the words after them in one message, the system prompt, the tools and the
/// conversation so far marked for its cache.
fn anthropic(question: &Question, turns: &[Cow<'_, Turn>]) -> ChatRequest {
    let cached = || MessageOptions::default().with_cache_control(CacheControl::Ephemeral);
    let mut messages: Vec<ChatMessage> = Vec::with_capacity(turns.len() + 1);
    if !question.system.is_empty() {
        messages.push(ChatMessage::system(question.system.as_str()).with_options(cached()));
    }
    for turn in turns {
        let parts: Vec<ContentPart> = match turn.as_ref() {
            Turn::User { text, media } => user_parts(text, media),
            Turn::Results { results } => results.iter().map(anthropic_result).collect(),
            model @ Turn::Model { .. } => {
                messages.push(ChatMessage::assistant(model_content(
                    Provider::Anthropic,
                    model,
                )));
                continue;
            }
        };
        match messages.last_mut() {
            Some(last) if matches!(last.role, ChatRole::User) => last.content.extend(parts),
            Some(_) | None => messages.push(ChatMessage::user(MessageContent::from_parts(parts))),
        }
    }
    if let Some(last) = messages.last_mut()
        && matches!(last.role, ChatRole::User)
    {
        last.options = Some(cached());
    }
    ChatRequest::from_messages(messages)
}

/// The crate's own part for results cannot say that a call failed.
fn anthropic_result(result: &ToolResult) -> ContentPart {
    ContentPart::Custom(CustomPart {
        model_iden: None,
        data: json!({
            "type": "tool_result",
            "tool_use_id": result.id,
            "content": result.text,
            "is_error": result.is_error,
        }),
    })
}

fn messages(provider: Provider, turn: &Turn) -> Vec<ChatMessage> {
    match turn {
        Turn::User { text, media } => {
            vec![ChatMessage::user(MessageContent::from_parts(user_parts(
                text, media,
            )))]
        }
        Turn::Model { .. } => vec![ChatMessage::assistant(model_content(provider, turn))],
        Turn::Results { results } => {
            let responses = results.iter().map(|result| {
                let text = if result.is_error {
                    format!("Error: {}", result.text)
                } else {
                    result.text.clone()
                };
                ToolResponse::new(result.id.as_str(), text)
            });
            vec![ChatMessage::tool(MessageContent::from_tool_responses(
                responses.collect(),
            ))]
        }
    }
}

fn user_parts(text: &str, media: &[Media]) -> Vec<ContentPart> {
    let media = media.iter().map(|m| {
        ContentPart::Binary(Binary::from_base64(
            m.mime.as_str(),
            m.base64.as_str(),
            m.name.clone(),
        ))
    });
    media
        .chain((!text.is_empty()).then(|| ContentPart::from_text(text)))
        .collect()
}

fn model_content(provider: Provider, turn: &Turn) -> MessageContent {
    let Turn::Model {
        text,
        calls,
        opaque,
    } = turn
    else {
        return MessageContent::default();
    };
    let kept = opaque
        .as_ref()
        .filter(|kept| kept["provider"] == provider.as_str())
        .and_then(|kept| serde_json::from_value(kept["parts"].clone()).ok());
    if let Some(parts) = kept {
        return parts;
    }
    let words = (!text.is_empty()).then(|| ContentPart::from_text(text.as_str()));
    let calls = calls.iter().map(|call| {
        ContentPart::ToolCall(GenaiCall {
            call_id: call.id.clone(),
            fn_name: call.name.clone(),
            // Providers take objects only; what was not one is answered with an error.
            fn_arguments: match &call.input {
                object @ Value::Object(_) => object.clone(),
                other => json!({"not_json": other}),
            },
            thought_signatures: None,
        })
    });
    words.into_iter().chain(calls).collect()
}

/// What was heard of an answer.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
    pub(super) opaque: Option<Value>,
    pub(super) stop: Option<StopReason>,
    pub(super) usage: Usage,
    /// OpenAI says a refusal in a place of its own.
    pub(super) refusal: String,
}

/// Reads the end of a stream.
pub(super) fn heard(provider: Provider, end: StreamEnd) -> Heard {
    let usage = end.captured_usage.map(usage).unwrap_or_default();
    let mut content = end.captured_content.unwrap_or_default();
    let calls: Vec<ToolCall> = content.tool_calls().into_iter().map(call).collect();
    if let Some(reasoning) = end.captured_reasoning_content
        && !calls.is_empty()
        && !content.contains_reasoning_content()
    {
        // Some want their reasoning back while their calls are answered.
        content.prepend(ContentPart::ReasoningContent(reasoning));
    }
    let signed = calls_are_signed(&content)
        || content.contains_thought_signature()
        || content.contains_reasoning_content()
        || content.contains_custom();
    let whole = calls.iter().all(|call| call.input.is_object());
    Heard {
        text: content.texts().concat(),
        opaque: (signed && whole).then(|| json!({"provider": provider.as_str(), "parts": content})),
        calls,
        stop: end.captured_stop_reason,
        usage,
        refusal: String::new(),
    }
}

fn calls_are_signed(content: &MessageContent) -> bool {
    content
        .tool_calls()
        .iter()
        .any(|call| call.thought_signatures.is_some())
}

fn call(call: &GenaiCall) -> ToolCall {
    ToolCall {
        id: call.call_id.clone(),
        name: call.fn_name.clone(),
        input: match &call.fn_arguments {
            // A call without arguments.
            Value::Null => json!({}),
            Value::String(text) if text.trim().is_empty() => json!({}),
            other => other.clone(),
        },
    }
}

fn usage(usage: genai::chat::Usage) -> Usage {
    let count = |n: Option<i32>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let details = usage.prompt_tokens_details.unwrap_or_default();
    Usage {
        input_tokens: count(usage.prompt_tokens),
        output_tokens: count(usage.completion_tokens),
        cached_tokens: count(details.cached_tokens),
        cache_write_tokens: count(details.cache_creation_tokens),
    }
}

impl Heard {
    /// Whether it is an answer. With `json`, its text must be JSON.
    pub(super) fn judged(mut self, json: bool) -> Result<(Self, Stop), ModelError> {
        let raw = self.stop.as_ref().map_or("", |stop| stop.raw()).to_owned();
        if !self.refusal.is_empty() {
            return Err(ModelError::Refused(short(&self.refusal)));
        }
        let stop = match &self.stop {
            Some(StopReason::ContentFilter(_)) => {
                let words = if self.text.is_empty() {
                    &raw
                } else {
                    &self.text
                };
                return Err(ModelError::Refused(short(words)));
            }
            Some(StopReason::MaxTokens(_)) if raw == "model_context_window_exceeded" => {
                return Err(ModelError::OutOfContext(raw));
            }
            Some(StopReason::MaxTokens(_)) => Stop::Length,
            _ if !self.calls.is_empty() => Stop::Calls,
            _ => Stop::Done,
        };
        if self.text.trim().is_empty() && self.calls.is_empty() {
            let why = if stop == Stop::Length {
                "it used up its length before it said anything"
            } else {
                "it is empty"
            };
            return Err(ModelError::BadReply(why.to_owned()));
        }
        if json && self.calls.is_empty() {
            if stop == Stop::Length {
                return Err(ModelError::BadReply("it is cut off".to_owned()));
            }
            let bare = unfenced(&self.text);
            if let Err(error) = serde_json::from_str::<Value>(bare) {
                return Err(ModelError::BadReply(format!("it is not JSON: {error}")));
            }
            self.text = bare.to_owned();
        }
        Ok((self, stop))
    }
}

/// JSON without the fence of Markdown that some models put around it.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"))
        .and_then(|rest| rest.strip_suffix("```"))
        .map_or(text, str::trim)
}

/// What a failure of the client crate is.
pub(super) fn failure(error: &genai::Error) -> ModelError {
    match error {
        genai::Error::HttpError {
            status,
            body,
            headers,
            ..
        } => {
            let wait = headers
                .get("retry-after")
                .and_then(|value| value.to_str().ok())
                .and_then(retry_after);
            of_status(status.as_u16(), body, wait)
        }
        genai::Error::WebStream { error, cause, .. } => {
            match error.downcast_ref::<genai::Error>() {
                Some(inner) => failure(inner),
                None => ModelError::Unreachable(short(&chain(error.as_ref(), cause))),
            }
        }
        genai::Error::ChatResponse { body, .. } => of_event(body),
        genai::Error::StreamParse { serde_error, .. } => {
            ModelError::BadReply(format!("the stream is not JSON: {serde_error}"))
        }
        // The rest are questions that could not be put, or answers that could not be read.
        other => ModelError::BadReply(short(&other.to_string())),
    }
}

fn chain(error: &(dyn std::error::Error + 'static), first: &str) -> String {
    let mut message = first.to_owned();
    let mut source = error.source();
    while let Some(inner) = source {
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    message
}

/// Kinds of errors in a body, by the words that providers use, with what they are. Looked at before
/// the status: some answer 400 to everything.
const WORDS: &[(&str, Kind)] = &[
    ("context_length_exceeded", Kind::OutOfContext),
    ("prompt is too long", Kind::OutOfContext),
    ("maximum context length", Kind::OutOfContext),
    ("exceeds the available context size", Kind::OutOfContext),
    ("exceeds the maximum number of tokens", Kind::OutOfContext),
    ("invalid_api_key", Kind::Auth),
    ("authentication_error", Kind::Auth),
    ("permission_error", Kind::Auth),
    ("api key not valid", Kind::Auth),
    ("insufficient_quota", Kind::RateLimited),
    ("credit balance is too low", Kind::RateLimited),
    ("rate_limit_error", Kind::RateLimited),
    ("model_not_found", Kind::UnknownModel),
    ("overloaded_error", Kind::Overloaded),
    ("content_filter", Kind::Refused),
    ("content_policy_violation", Kind::Refused),
];

/// Statuses with what they are; the first row whose range holds one counts.
const STATUS: &[(std::ops::RangeInclusive<u16>, Kind)] = &[
    (401..=401, Kind::Auth),
    (403..=403, Kind::Auth),
    (404..=404, Kind::UnknownModel),
    (408..=408, Kind::Overloaded),
    (413..=413, Kind::OutOfContext),
    (402..=402, Kind::RateLimited),
    (429..=429, Kind::RateLimited),
    (400..=499, Kind::BadRequest),
    (500..=599, Kind::Overloaded),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Auth,
    UnknownModel,
    RateLimited,
    Overloaded,
    Refused,
    OutOfContext,
    BadRequest,
    BadReply,
}

fn of_status(status: u16, body: &str, retry_after_ms: Option<u64>) -> ModelError {
    let kind = by_words(body)
        .or_else(|| {
            let row = STATUS.iter().find(|(range, _)| range.contains(&status));
            row.map(|(_, kind)| *kind)
        })
        .unwrap_or(Kind::BadReply);
    let message = format!("{status} {}", said(body));
    made(kind, short(message.trim()), retry_after_ms)
}

fn of_event(body: &Value) -> ModelError {
    let text = body.to_string();
    let kind = by_words(&text).unwrap_or(Kind::Overloaded);
    made(kind, short(&said(&text)), None)
}

fn by_words(body: &str) -> Option<Kind> {
    let lower = body.to_ascii_lowercase();
    let row = WORDS.iter().find(|(words, _)| lower.contains(words));
    row.map(|(_, kind)| *kind)
}

fn made(kind: Kind, message: String, retry_after_ms: Option<u64>) -> ModelError {
    match kind {
        Kind::Auth => ModelError::Auth(message),
        Kind::UnknownModel => ModelError::UnknownModel(message),
        Kind::RateLimited => ModelError::RateLimited {
            message,
            retry_after_ms,
        },
        Kind::Overloaded => ModelError::Overloaded {
            message,
            retry_after_ms,
        },
        Kind::Refused => ModelError::Refused(message),
        Kind::OutOfContext => ModelError::OutOfContext(message),
        Kind::BadRequest => ModelError::BadRequest(message),
        Kind::BadReply => ModelError::BadReply(message),
    }
}

/// The sentence in an error's body.
fn said(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let value = if value.is_array() { &value[0] } else { &value };
    for pointer in ["/error/message", "/message", "/error", "/detail"] {
        if let Some(Value::String(text)) = value.pointer(pointer) {
            return text.clone();
        }
    }
    body.trim().to_owned()
}

/// One line of bounded length.
pub(super) fn short(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_MESSAGE + 1)
        .collect();
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
