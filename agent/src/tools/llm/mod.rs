//! `llm`: what a script can have a language model do with data. Each is a read with a cost. The
//! model has no tools, the data stands in marked blocks, and the answer is held against a shape:
//! whatever a text says, nothing but an answer can come of it.
//!
//! `extract.rs` answers in the shape of a given schema, `choose.rs` in one of ours, `write.rs` in
//! words; `shape.rs` (pure) turns schemas into what providers take, and holds answers against them.

mod choose;
mod extract;
mod shape;
#[cfg(test)]
mod tests;
mod write;

pub(super) use choose::{Classify, Judge};
pub(super) use extract::Extract;
pub(super) use write::{Describe, Generate, Summarize, Translate};

use super::{Answered, Asking, CallInfo, OutsideEnv, Paid, ToolError};
use deputy_protocol::FailureClass;
use serde_json::{Value, json};

/// The longest text that is handed to a model at once, in bytes.
const MAX_TEXT: usize = 400_000;

/// The longest answer that may be asked for, in tokens.
const MAX_ANSWER: u32 = 16_384;

/// The longest answer when nothing is said about it, in tokens.
const USUAL_ANSWER: u32 = 4_096;

/// What our own words around the data come to, in tokens.
const AROUND: u64 = 1_500;

/// A bound on the tokens of a text, estimated high: two bytes each. Prose has four or more.
fn tokens(bytes: usize) -> u64 {
    bytes as u64 / 2
}

fn paid(bytes: usize, answer: u32, asked: u64) -> Option<Paid> {
    Some(Paid {
        input_tokens: (AROUND + tokens(bytes)).saturating_mul(asked)
            // What was wrong with an answer is asked with that answer.
            + u64::from(answer) * (asked - 1),
        output_tokens: u64::from(answer) * asked,
        model: None,
    })
}

fn answer_tokens(tool: &str, wanted: Option<u32>) -> Result<u32, ToolError> {
    match wanted {
        None => Ok(USUAL_ANSWER),
        Some(n) if (1..=MAX_ANSWER).contains(&n) => Ok(n),
        Some(_) => Err(ToolError::invalid_input(
            tool,
            format!("`max_tokens` is between 1 and {MAX_ANSWER}"),
        )),
    }
}

fn check_text(tool: &str, text: &str) -> Result<(), ToolError> {
    if text.trim().is_empty() {
        return Err(ToolError::invalid_input(tool, "`text` is empty"));
    }
    if text.len() > MAX_TEXT {
        return Err(ToolError::invalid_input(
            tool,
            format!(
                "`text` has {} bytes; at most {MAX_TEXT} are handed to a model at once: cut it, or do it in parts",
                text.len()
            ),
        ));
    }
    Ok(())
}

fn unusable(tool: &str, why: impl std::fmt::Display) -> ToolError {
    ToolError::not_done(
        FailureClass::Logic,
        "answer_unusable",
        tool,
        format!("the model's answer cannot be used: {why}"),
    )
}

/// Asks for words.
async fn words(
    tool: &'static str,
    asking: Asking,
    call: &CallInfo,
    env: &OutsideEnv,
) -> Result<String, ToolError> {
    let Answered { text, cut_off } = env.models.ask(tool, asking, call).await?;
    if cut_off {
        return Err(unusable(
            tool,
            "it is longer than `max_tokens` and was cut off",
        ));
    }
    Ok(text.trim().to_owned())
}

/// Asks for a value of a shape. An answer that has another is asked for once more, with what is
/// wrong with it.
async fn value(
    tool: &'static str,
    mut asking: Asking,
    shape: &shape::Shape,
    call: &CallInfo,
    env: &OutsideEnv,
) -> Result<Value, ToolError> {
    asking.schema = shape.for_provider();
    asking.task = format!(
        "{}\n\nAnswer with JSON alone, in the shape of this JSON Schema:\n{}",
        asking.task,
        json!({"type": "object", "properties": {"answer": shape.schema()}, "required": ["answer"]})
    );
    let first = env.models.ask(tool, asking.clone(), call).await?;
    let wrong = match shape.read(&first.text) {
        Ok(value) => return Ok(value),
        Err(wrong) => wrong,
    };
    asking.corrected = Some((first.text, wrong));
    let second = env.models.ask(tool, asking, call).await?;
    shape
        .read(&second.text)
        .map_err(|wrong| unusable(tool, wrong))
}
