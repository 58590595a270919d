//! Questions, as the client crate takes them.

use crate::models::settings::{ModelSettings, Provider};
use crate::models::talk::{Media, Question, ToolResult, ToolSpec, Turn};
use genai::adapter::AdapterKind;
use genai::chat::{
    Binary, CacheControl, ChatMessage, ChatOptions, ChatRequest, ChatRole, ContentPart, CustomPart,
    JsonSpec, MessageContent, MessageOptions, ReasoningEffort, Tool, ToolCall as GenaiCall,
    ToolResponse,
};
use genai::resolver::{AuthData, Endpoint};
use genai::{ModelIden, ServiceTarget};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Where a question goes.
pub(in crate::models) fn target(settings: &ModelSettings, key: Option<&str>) -> ServiceTarget {
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
pub(in crate::models) fn options(settings: &ModelSettings, question: &Question) -> ChatOptions {
    let mut options = ChatOptions::default()
        .with_max_tokens(question.max_tokens)
        .with_capture_usage(true)
        .with_capture_content(true)
        .with_capture_tool_calls(true);
    if let Some(schema) = &question.schema {
        options = options.with_response_format(JsonSpec::new("answer", schema.clone()));
    }
    match settings.provider {
        Provider::Anthropic => options.with_capture_reasoning_content(true),
        // Its signatures come anyway, and older models refuse to be asked for their reasoning.
        Provider::Gemini => options,
        Provider::Openai | Provider::Ollama => {
            // Keeps the crate from reading an effort out of names such as `qwen-max`; a budget of
            // tokens is not part of this API and is not sent.
            options = options
                .with_capture_reasoning_content(true)
                .with_reasoning_effort(ReasoningEffort::Budget(0));
            if settings.base_url.starts_with("https://api.openai.com/") {
                // Its newer models cache only what is asked for.
                options = options.with_prompt_cache_key("deputy");
            }
            options
        }
    }
}

/// A question as the client crate takes it.
pub(in crate::models) fn request(provider: Provider, question: &Question) -> ChatRequest {
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
            && !matches!(turns.get(at + 1), Some(Turn::Results(_)))
        {
            // The user spoke before the calls had results.
            let results = calls.iter().map(|call| ToolResult {
                id: call.id.clone(),
                text: "No result: the user spoke first.".to_owned(),
                is_error: true,
            });
            out.push(Cow::Owned(Turn::Results(results.collect())));
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
            Turn::Results(results) => results.iter().map(anthropic_result).collect(),
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
        Turn::Results(results) => {
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
    let words = (!text.trim().is_empty()).then(|| ContentPart::from_text(text.as_str()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_taken_for_an_effort_of_reasoning() {
        let settings = ModelSettings::parse("openai", None, "qwen-max").ok();
        let effort = settings.map(|s| options(&s, &Question::default()).reasoning_effort);
        assert!(matches!(effort, Some(Some(ReasoningEffort::Budget(0)))));
    }
}
