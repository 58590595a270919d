//! Answers, as they were heard.

use super::faults::short;
use crate::models::error::ModelError;
use crate::models::settings::Provider;
use crate::models::talk::{Stop, ToolCall, Usage};
use genai::chat::{ContentPart, MessageContent, StopReason, StreamEnd, ToolCall as GenaiCall};
use serde_json::{Value, json};

/// What was heard of an answer.
#[derive(Debug, Default)]
pub(in crate::models) struct Heard {
    pub(in crate::models) text: String,
    pub(in crate::models) calls: Vec<ToolCall>,
    pub(in crate::models) opaque: Option<Value>,
    pub(in crate::models) stop: Option<StopReason>,
    /// The stream ended before its end.
    pub(in crate::models) broken_off: bool,
    pub(in crate::models) usage: Usage,
    /// What was said in a place of its own for refusals.
    pub(in crate::models) refusal: String,
}

/// A refusal that the client crate passes over: OpenAI says it beside the content, Gemini instead of
/// any candidate.
pub(in crate::models) fn refusal(frame: &str) -> Option<String> {
    if !frame.contains("\"refusal\"") && !frame.contains("\"blockReason\"") {
        return None;
    }
    let frame: Value = serde_json::from_str(frame).ok()?;
    ["/choices/0/delta/refusal", "/promptFeedback/blockReason"]
        .into_iter()
        .find_map(|pointer| frame.pointer(pointer)?.as_str())
        .map(str::to_owned)
}

/// Reads the end of a stream.
pub(in crate::models) fn heard(provider: Provider, end: StreamEnd) -> Heard {
    let usage = end.captured_usage.map(usage).unwrap_or_default();
    // Some write a blank line before a call, and do not take it back.
    let content = end.captured_content.unwrap_or_default();
    let mut content: MessageContent = content
        .into_iter()
        .filter(|part| !matches!(part, ContentPart::Text(text) if text.trim().is_empty()))
        .collect();
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
        // Gemini's streams have no other mark at their end; the crate makes one up.
        broken_off: provider == Provider::Gemini && end.captured_stop_reason.is_none(),
        stop: end.captured_stop_reason,
        usage,
        refusal: String::new(),
    }
}

/// A stream that ended before its end.
pub(in crate::models) fn broken_off() -> ModelError {
    ModelError::Unreachable("the answer broke off".to_owned())
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
    pub(in crate::models) fn judged(mut self, json: bool) -> Result<(Self, Stop), ModelError> {
        let raw = self.stop.as_ref().map_or("", |stop| stop.raw()).to_owned();
        if !self.refusal.is_empty() {
            return Err(ModelError::Refused(short(&self.refusal)));
        }
        if self.broken_off {
            return Err(broken_off());
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
