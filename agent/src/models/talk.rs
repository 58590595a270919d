//! What is said to a model and what it says, without any provider's words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything a model is asked: it remembers nothing between two questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// Who the model is and what it must keep to.
    pub system: String,
    /// The conversation so far, oldest first.
    pub turns: Vec<Turn>,
    /// What it may call.
    pub tools: Vec<ToolSpec>,
    /// A JSON Schema that the answer's text must have the shape of.
    pub schema: Option<Value>,
    /// The most tokens that the answer may have.
    pub max_tokens: u32,
}

/// One contribution to a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The user's, or Deputy's in the user's place.
    User {
        /// Words; text from outside only inside [`outside`](super::outside) blocks.
        text: String,
        /// Pictures and documents.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        media: Vec<Media>,
    },
    /// The model's.
    Model {
        /// Words.
        text: String,
        /// What it wants called; answered by the next [`Turn::Results`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ToolCall>,
        /// What its provider wants back unread (signed reasoning); only for that provider.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opaque: Option<Value>,
    },
    /// What the calls of the turn before led to, one for each.
    Results(Vec<ToolResult>),
}

impl Turn {
    /// Words of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User {
            text: text.into(),
            media: Vec::new(),
        }
    }
}

/// A picture or a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// E.g. `image/png`, `application/pdf`.
    pub mime: String,
    /// Its bytes in base64.
    pub base64: String,
    /// Its file name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A tool as a model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of its input: an object.
    pub input: Value,
}

/// A model wants a tool called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Chosen by the provider; the result carries it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is called with. A string when the model did not write JSON.
    pub input: Value,
}

/// What a call led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// What the model reads.
    pub text: String,
    /// Whether it failed.
    #[serde(default)]
    pub is_error: bool,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It had said what it wanted.
    Done,
    /// It waits for the results of its calls.
    Calls,
    /// It ran into `max_tokens`; the answer is cut off.
    Length,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All tokens read, those from and into the provider's cache included.
    pub input_tokens: u64,
    /// All tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of the input, those read from the cache.
    pub cached_tokens: u64,
    /// Of the input, those written into the cache.
    #[serde(default)]
    pub cache_write_tokens: u64,
}

impl Usage {
    /// Read and written together.
    pub fn total(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// A model's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Its words; JSON of the wanted shape when the question had a schema.
    pub text: String,
    /// What it wants called.
    pub calls: Vec<ToolCall>,
    /// What its provider wants back in the next question.
    pub opaque: Option<Value>,
    /// Why it stopped.
    pub stop: Stop,
    /// What it took.
    pub usage: Usage,
    /// What it cost, in micro-USD; 0 when the price is not known.
    pub cost_micros: i64,
    /// The model that answered.
    pub model: String,
}

impl Reply {
    /// As a turn of the conversation.
    pub fn turn(&self) -> Turn {
        Turn::Model {
            text: self.text.clone(),
            calls: self.calls.clone(),
            opaque: self.opaque.clone(),
        }
    }
}

/// Who pays for a question, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The automation.
    pub automation: Option<i64>,
    /// The run, for a tool that asks a model.
    pub run: Option<i64>,
    /// The planner's or maintainer's task.
    pub task: Option<i64>,
    /// What for.
    pub purpose: Purpose,
}

/// What a question is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Making or changing an automation.
    Plan,
    /// Mending a script.
    Repair,
    /// A tool that a script called, e.g. `llm.extract`.
    Tool(&'static str),
    /// Seeing whether the model answers.
    Test,
}

impl Purpose {
    /// As it is kept.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Repair => "repair",
            Self::Tool(_) => "tool",
            Self::Test => "test",
        }
    }
}
