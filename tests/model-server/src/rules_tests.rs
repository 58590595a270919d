//! Each rule is kept: a request that breaks it, and no other, is refused.

use crate::{anthropic, gemini, openai};
use serde_json::{Value, json};

/// A way to break a good request, and a word of the complaint about it.
type Break = (fn(&mut Value), &'static str);

fn check(
    read: fn(&str, &Value) -> Result<crate::Asked, String>,
    good: fn() -> Value,
    breaks: &[Break],
) {
    let asked = read("k", &good());
    assert!(asked.is_ok(), "{asked:?}");
    for (spoil, word) in breaks {
        let mut bad = good();
        spoil(&mut bad);
        let complaint = read("k", &bad).err().unwrap_or_default();
        assert!(
            complaint.contains(word),
            "“{word}” is not in “{complaint}”: {bad}"
        );
    }
}

fn messages() -> Value {
    json!({
        "model": "m", "max_tokens": 100, "stream": true,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "t", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}],
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "h", "signature": "s"},
                {"type": "text", "text": "x"},
                {"type": "tool_use", "id": "1", "name": "t", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "r", "is_error": true},
                {"type": "text", "text": "and"}]},
        ],
    })
}

#[test]
fn the_messages_api_refuses_what_breaks_its_rules() {
    check(
        anthropic::read,
        messages,
        &[
            (|r| r["extra"] = json!(1), "unknown field"),
            (|r| r["max_tokens"] = json!(0), "max_tokens"),
            (|r| r["max_tokens"] = Value::Null, "invalid type"),
            (|r| r["messages"] = json!([]), "at least one"),
            (
                |r| r["messages"][0]["role"] = json!("assistant"),
                "alternate",
            ),
            (
                |r| r["messages"][0]["role"] = json!("system"),
                "unknown variant",
            ),
            (|r| r["messages"][0]["content"] = json!(" "), "empty"),
            (
                |r| r["messages"][2]["content"][1]["text"] = json!(""),
                "text blocks",
            ),
            (|r| r["messages"][2]["content"] = json!("r"), "no result"),
            (
                |r| r["messages"][2]["content"][0]["tool_use_id"] = json!("2"),
                "no result",
            ),
            (
                |r| {
                    let blocks = r["messages"][2]["content"].as_array_mut();
                    blocks.into_iter().for_each(|b| b.reverse());
                },
                "come first",
            ),
            (
                |r| {
                    let blocks = r["messages"][2]["content"].as_array_mut();
                    let more = json!({"type": "tool_result", "tool_use_id": "9", "content": "r"});
                    blocks.into_iter().for_each(|b| b.insert(0, more.clone()));
                },
                "answers no call",
            ),
            (
                |r| r["messages"][1]["content"][2]["input"] = json!("{}"),
                "did not match",
            ),
            (
                |r| r["messages"][1]["content"][2]["name"] = json!("a b"),
                "tool's name",
            ),
            (
                |r| {
                    let blocks = r["messages"][1]["content"].as_array_mut();
                    blocks.into_iter().for_each(|b| b.reverse());
                },
                "thinking must come first",
            ),
            (
                |r| {
                    r["messages"]
                        .as_array_mut()
                        .into_iter()
                        .for_each(|m| m.truncate(2));
                },
                "last message",
            ),
            (|r| r["tools"] = json!([]), "must come with tools"),
            (|r| r["tools"][0]["name"] = json!("a.b"), "no name"),
            (|r| r["tools"][0]["input_schema"] = json!({}), "object"),
            (
                |r| r["tools"][0]["input_schema"]["properties"]["a"]["type"] = json!("text"),
                "/properties/a/type",
            ),
            (
                |r| {
                    let mark = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
                    r["system"] = json!(vec![mark; 5]);
                },
                "at most 4",
            ),
            (
                |r| r["output_config"] = json!({"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {}}}}}),
                "additionalProperties",
            ),
        ],
    );
}

fn completions() -> Value {
    json!({
        "model": "m", "max_tokens": 100, "stream": true, "stream_options": {"include_usage": true},
        "tools": [{"type": "function", "function": {"name": "t", "description": "d", "parameters": {"type": "object"}, "strict": false}}],
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}},
                {"id": "2", "type": "function", "function": {"name": "t", "arguments": "{}"}}]},
            {"role": "tool", "content": "r", "tool_call_id": "1"},
            {"role": "tool", "content": "r", "tool_call_id": "2"},
        ],
    })
}

#[test]
fn chat_completions_refuse_what_breaks_their_rules() {
    check(
        openai::read,
        completions,
        &[
            (|r| r["extra"] = json!(1), "unknown field"),
            (|r| r["stream"] = json!(false), "stream_options"),
            (|r| r["max_completion_tokens"] = json!(1), "exclude"),
            (
                |r| r["messages"][1]["role"] = json!("human"),
                "unknown variant",
            ),
            (|r| r["messages"][1]["content"] = json!(""), "empty"),
            (|r| r["messages"][2]["tool_calls"] = json!([]), "neither"),
            (
                |r| r["messages"][2]["tool_calls"][1]["id"] = json!("1"),
                "twice",
            ),
            (
                |r| r["messages"][2]["tool_calls"][0]["function"]["arguments"] = json!("{"),
                "arguments of 1",
            ),
            (
                |r| r["messages"][2]["tool_calls"][0]["function"]["arguments"] = json!("3"),
                "not an object",
            ),
            (
                |r| r["messages"][4]["tool_call_id"] = json!("3"),
                "no result",
            ),
            (
                |r| {
                    r["messages"]
                        .as_array_mut()
                        .into_iter()
                        .for_each(|m| m.truncate(3));
                },
                "last message",
            ),
            (
                |r| r["messages"][3] = json!({"role": "system", "content": "s"}),
                "come first",
            ),
            (
                |r| r["tools"][0]["function"]["name"] = json!("a.b"),
                "no name",
            ),
            (
                |r| r["tools"][0]["function"]["parameters"] = json!({"type": "array"}),
                "object",
            ),
            (
                |r| {
                    r["response_format"] =
                        json!({"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}})
                },
                "no name",
            ),
            (
                |r| {
                    r["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "a", "strict": true,
                    "schema": {"type": "object", "properties": {"a": {}}, "additionalProperties": false}}})
                },
                "required must name a",
            ),
        ],
    );
}

fn contents() -> Value {
    json!({
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {"maxOutputTokens": 100},
        "tools": [{"functionDeclarations": [{"name": "t", "description": "d", "parametersJsonSchema": {"type": "object"}}]}],
        "contents": [
            {"role": "user", "parts": [{"text": "hello"}]},
            {"role": "model", "parts": [{"functionCall": {"id": "1", "name": "t", "args": {}}, "thoughtSignature": "s"}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "t", "response": {"content": "r"}}}]},
        ],
    })
}

#[test]
fn generate_content_refuses_what_breaks_its_rules() {
    check(
        |key, body| gemini::read(key, "m", true, body),
        contents,
        &[
            (|r| r["extra"] = json!(1), "unknown field"),
            (|r| r["contents"] = json!([]), "last one"),
            (
                |r| r["contents"][0]["role"] = json!("assistant"),
                "unknown variant",
            ),
            (|r| r["contents"][0]["parts"] = json!([]), "empty"),
            (|r| r["contents"][0]["parts"] = json!([{}]), "without data"),
            (
                |r| r["contents"][1]["role"] = json!("user"),
                "not for this role",
            ),
            (
                |r| r["contents"][1]["parts"][0]["functionCall"]["args"] = json!("{}"),
                "not an object",
            ),
            (
                |r| r["contents"][2]["parts"][0]["functionResponse"]["id"] = json!("2"),
                "no result",
            ),
            (
                |r| r["contents"][2]["parts"][0]["functionResponse"]["name"] = json!("u"),
                "another name",
            ),
            (
                |r| r["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] = json!({}),
                "object",
            ),
        ],
    );
}

#[test]
fn a_script_in_json_says_what_must_be_asked() {
    let script = r#"[
        {"expect": {"last_contains": ["hello"], "tools": ["t"], "is_error": false}, "reply": {"text": "hi"}},
        {"reply": {"calls": [{"name": "t", "input": {"a": "b"}}], "usage": {"input": 3, "output": 4}}},
        {"reply": {"fault": {"status": 429, "retry_after": "1"}}},
        {"reply": {"fault": "cut"}},
        {"expect": {"system_contains": ["another"]}, "reply": {}}
    ]"#;
    let mut script = crate::Script::from_json(script).unwrap_or_else(|e| panic!("{e}"));
    let mut body = messages();
    body["messages"]
        .as_array_mut()
        .into_iter()
        .for_each(|m| m.truncate(1));
    let asked = anthropic::read("k", &body).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(script.next(&asked), Ok(crate::Reply::text("hi")));
    let call = script.next(&asked).unwrap_or_default();
    assert_eq!(
        (call.calls.len(), call.usage.map(|u| u.output)),
        (1, Some(4))
    );
    let status = script.next(&asked);
    assert_eq!(status, Ok(crate::Reply::status(429).retry_after("1")));
    assert_eq!(
        script.next(&asked),
        Ok(crate::Reply::default().fault(crate::Named::Cut))
    );
    assert!(script.next(&asked).is_err_and(|e| e.contains("“another”")));
    assert!(
        script
            .next(&asked)
            .is_err_and(|e| e.contains("no reply left"))
    );
    assert!(crate::Script::from_json(r#"[{"reply": {"txt": "hi"}}]"#).is_err());
}
