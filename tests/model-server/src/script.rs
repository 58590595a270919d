//! What the provider says, in order or computed.

use crate::asked::{Asked, Said};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;

/// What the provider says.
pub enum Script {
    /// One reply after another; asking once more is a violation.
    Lines(VecDeque<Line>),
    /// Whatever this says.
    Computed(Box<dyn FnMut(&Asked) -> Reply + Send>),
}

impl Script {
    /// Reads the JSON form: an array of `{"expect": {…}, "reply": {…}}`.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        Ok(Self::Lines(serde_json::from_str(text)?))
    }

    /// Computes each reply.
    pub fn computed(reply: impl FnMut(&Asked) -> Reply + Send + 'static) -> Self {
        Self::Computed(Box::new(reply))
    }

    /// How many replies were not asked for.
    pub(crate) fn left(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.len(),
            Self::Computed(_) => 0,
        }
    }

    /// The next reply, or what is wrong with being asked for it.
    pub(crate) fn next(&mut self, asked: &Asked) -> Result<Reply, String> {
        match self {
            Self::Computed(reply) => Ok(reply(asked)),
            Self::Lines(lines) => {
                let line = lines
                    .pop_front()
                    .ok_or("the script has no reply left, and yet it was asked again")?;
                line.expect.check(asked)?;
                Ok(line.reply)
            }
        }
    }
}

impl<I: IntoIterator<Item = Reply>> From<I> for Script {
    fn from(replies: I) -> Self {
        let lines = replies.into_iter().map(|reply| Line {
            expect: Expect::default(),
            reply,
        });
        Self::Lines(lines.collect())
    }
}

/// One reply, and what must have been asked for it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What must have been asked.
    #[serde(default)]
    pub expect: Expect,
    /// What is said.
    pub reply: Reply,
}

/// What must have been asked; what is absent does not matter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// The latest message (words or results) contains each of these.
    pub last_contains: Vec<String>,
    /// The latest message contains none of these.
    pub last_lacks: Vec<String>,
    /// The system prompt contains each of these.
    pub system_contains: Vec<String>,
    /// The whole request contains none of these.
    pub lacks: Vec<String>,
    /// Each of these tools is offered.
    pub tools: Vec<String>,
    /// The latest message has a result that is (or is not) an error.
    pub is_error: Option<bool>,
    /// An answer of a JSON Schema is (or is not) wanted.
    pub schema: Option<bool>,
}

impl Expect {
    fn check(&self, asked: &Asked) -> Result<(), String> {
        let last = asked.last_text();
        let whole = asked.raw.to_string();
        let missing = |what: &str, text: &str, wanted: &[String]| {
            wanted
                .iter()
                .find(|w| !text.contains(w.as_str()))
                .map_or(Ok(()), |w| Err(format!("{what} lacks “{w}”: {text}")))
        };
        let unwanted = |what: &str, text: &str, banned: &[String]| {
            banned
                .iter()
                .find(|b| text.contains(b.as_str()))
                .map_or(Ok(()), |b| Err(format!("{what} contains “{b}”: {text}")))
        };
        missing("the latest message", &last, &self.last_contains)?;
        unwanted("the latest message", &last, &self.last_lacks)?;
        missing("the system prompt", &asked.system, &self.system_contains)?;
        unwanted("the request", &whole, &self.lacks)?;
        if let Some(tool) = self.tools.iter().find(|t| !asked.tools.contains(t)) {
            return Err(format!(
                "the tool “{tool}” is not offered: {:?}",
                asked.tools
            ));
        }
        if let Some(wanted) = self.is_error {
            let seen = asked.said.last().is_some_and(Said::has_error);
            if seen != wanted {
                return Err(format!(
                    "an error among the results: wanted {wanted}, got {seen}"
                ));
            }
        }
        match self.schema {
            Some(wanted) if wanted != asked.schema => Err(format!(
                "an answer of a JSON Schema: wanted {wanted}, got {}",
                asked.schema
            )),
            _ => Ok(()),
        }
    }
}

/// A reply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// Words.
    pub text: String,
    /// Calls of tools.
    pub calls: Vec<Call>,
    /// Reasoning before the words; Anthropic signs it and wants it back.
    pub thinking: Option<String>,
    /// The API's own word for why it stopped; by the rest of the reply when absent.
    pub stop: Option<String>,
    /// What is counted; guessed from the lengths when absent.
    pub usage: Option<Usage>,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its tool.
    pub name: String,
    /// Its input.
    pub input: Value,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    /// All tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Of those read, from the cache.
    pub cached: u64,
    /// Of those read, into the cache (Anthropic only).
    pub cache_write: u64,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fault {
    /// An answer of this status.
    Status(Status),
    /// Something with a name.
    Named(Named),
}

/// A status instead of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// E.g. 429, 500, 529.
    pub status: u16,
    /// `Retry-After`, in seconds or as a date.
    #[serde(default)]
    pub retry_after: Option<String>,
    /// What the body says; the API's usual words when absent.
    #[serde(default)]
    pub message: Option<String>,
}

/// Faults with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// No answer, ever.
    Hang,
    /// The stream begins and then falls silent.
    Stall,
    /// The connection breaks in the middle of the answer.
    Cut,
    /// The stream ends in good order in the middle of the answer.
    End,
    /// The stream carries an error in its middle.
    Error,
    /// Something that is not JSON.
    Malformed,
    /// A call whose input is not JSON.
    BadInput,
    /// An answer without words or calls.
    Empty,
    /// The model does not want to.
    Refusal,
}

impl Reply {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A call.
    pub fn call(name: impl Into<String>, input: Value) -> Self {
        Self::default().and_call(name, input)
    }

    /// Another call in the same reply.
    pub fn and_call(mut self, name: impl Into<String>, input: Value) -> Self {
        self.calls.push(Call {
            name: name.into(),
            input,
        });
        self
    }

    /// A status instead of an answer.
    pub fn status(status: u16) -> Self {
        Self {
            fault: Some(Fault::Status(Status {
                status,
                retry_after: None,
                message: None,
            })),
            ..Self::default()
        }
    }

    /// With `Retry-After`; only for [`Reply::status`].
    pub fn retry_after(mut self, after: impl Into<String>) -> Self {
        if let Some(Fault::Status(status)) = &mut self.fault {
            status.retry_after = Some(after.into());
        }
        self
    }

    /// With words of the provider; only for [`Reply::status`].
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        if let Some(Fault::Status(status)) = &mut self.fault {
            status.message = Some(message.into());
        }
        self
    }

    /// With a fault.
    pub fn fault(mut self, fault: Named) -> Self {
        self.fault = Some(Fault::Named(fault));
        self
    }

    /// With what is counted.
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// With reasoning before the words.
    pub fn thinking(mut self, thinking: impl Into<String>) -> Self {
        self.thinking = Some(thinking.into());
        self
    }

    /// With the API's own word for why it stopped.
    pub fn stop(mut self, stop: impl Into<String>) -> Self {
        self.stop = Some(stop.into());
        self
    }

    pub(crate) fn named(&self) -> Option<Named> {
        match self.fault {
            Some(Fault::Named(named)) => Some(named),
            Some(Fault::Status(_)) | None => None,
        }
    }

    pub(crate) fn counted(&self, asked: &Asked) -> Usage {
        self.usage.unwrap_or_else(|| {
            let calls: usize = self.calls.iter().map(|c| c.input.to_string().len()).sum();
            Usage {
                input: asked.raw.to_string().len() as u64 / 4 + 1,
                output: (self.text.len() + calls) as u64 / 4 + 1,
                ..Usage::default()
            }
        })
    }
}

/// A text in a few pieces, as a stream brings it.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(chars.len().div_ceil(3).max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}
