//! What was asked, in any format.

use serde_json::Value;

/// Which API was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `POST /v1/messages`.
    Anthropic,
    /// `POST /v1/chat/completions`.
    OpenAi,
    /// `POST /v1beta/models/…:generateContent` and `…:streamGenerateContent`.
    Gemini,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which API.
    pub api: Api,
    /// The model's name.
    pub model: String,
    /// The key that came along.
    pub key: String,
    /// The system prompt.
    pub system: String,
    /// What was said so far, oldest first.
    pub said: Vec<Said>,
    /// The tools that are offered.
    pub tools: Vec<String>,
    /// Whether an answer of a JSON Schema is wanted.
    pub schema: bool,
    /// Whether it is to be streamed.
    pub stream: bool,
    /// The body.
    pub raw: Value,
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// `user`, `assistant` or `tool`.
    pub role: String,
    /// Its words.
    pub text: String,
    /// The tools it calls: id, name, input.
    pub calls: Vec<(String, String, Value)>,
    /// The results it holds: id, text, whether it is an error.
    pub results: Vec<(String, String, bool)>,
    /// Signatures of reasoning.
    pub signatures: Vec<String>,
    /// How many pictures and documents it holds.
    pub media: usize,
}

impl Said {
    /// Whether it holds a result that is an error.
    pub fn has_error(&self) -> bool {
        self.results.iter().any(|(_, _, is_error)| *is_error)
    }
}

impl Asked {
    /// The latest message: its words and results.
    pub fn last_text(&self) -> String {
        let Some(last) = self.said.last() else {
            return String::new();
        };
        let mut texts: Vec<&str> = last.results.iter().map(|(_, t, _)| t.as_str()).collect();
        texts.push(&last.text);
        texts.join("\n")
    }

    /// How often the model has answered so far.
    pub fn answers(&self) -> usize {
        self.said.iter().filter(|s| s.role == "assistant").count()
    }
}

/// Rules that all APIs have for conversations with tools. Each call is answered right after, each
/// result answers a call, ids are unique.
pub(crate) fn check_calls(said: &[Said]) -> Result<(), String> {
    let mut known = std::collections::HashSet::new();
    for (at, message) in said.iter().enumerate() {
        for (id, name, input) in &message.calls {
            if !known.insert(id.clone()) {
                return Err(format!("messages.{at}: the call id {id} is used twice"));
            }
            if !is_name(name) {
                return Err(format!("messages.{at}: “{name}” is not a tool's name"));
            }
            if !input.is_object() {
                return Err(format!("messages.{at}: the input of {id} is not an object"));
            }
            let answered = said
                .get(at + 1)
                .is_some_and(|next| next.results.iter().any(|(answer, _, _)| answer == id));
            if !answered {
                return Err(format!(
                    "messages.{at}: the call {id} has no result right after it"
                ));
            }
        }
        for (id, _, _) in &message.results {
            let before = at.checked_sub(1).and_then(|before| said.get(before));
            if !before.is_some_and(|b| b.calls.iter().any(|(call, _, _)| call == id)) {
                return Err(format!(
                    "messages.{at}: the result {id} answers no call of the message before"
                ));
            }
        }
    }
    Ok(())
}

/// `^[a-zA-Z0-9_-]{1,64}$`
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
