//! The loop in which a model works with tools until it is done: the planner's and the maintainer's.
//!
//! What happens next is a pure function of the conversation so far, so a conversation that was cut
//! off at any point goes on from there. Calls whose results are not on disk are made again: what a
//! [`Toolbox`] does must be repeatable (the sandbox simulates effects; proposals are keyed).

use super::Models;
use super::conversation::{Conversation, REMINDER, Spent};
use super::error::ModelError;
use super::talk::{Charge, Question, ToolCall, ToolResult, ToolSpec, Turn};
use deputy_protocol::Time;
use std::future::Future;
use tokio_util::sync::CancellationToken;

/// The most tokens that one answer may have.
const MAX_ANSWER: u32 = 16_384;

/// What a model may call, and what comes of it.
pub trait Toolbox: Send {
    /// What the conversation is for, e.g. a bundle.
    type Done: Send;

    /// The tools.
    fn specs(&self) -> Vec<ToolSpec>;

    /// Makes a call. It may be dropped at any await, and be made again after a crash.
    fn call(&mut self, call: &ToolCall) -> impl Future<Output = Step<Self::Done>> + Send;
}

/// What comes of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// The model reads this and goes on.
    Result {
        /// What it reads.
        text: String,
        /// Whether the call failed.
        is_error: bool,
    },
    /// The conversation has led to what it was for.
    Finish(T),
    /// Somebody else must act first. When the conversation is taken up again, the same call is made
    /// again, and then has a result.
    Wait,
}

impl<T> Step<T> {
    /// A result.
    pub fn ok(text: impl Into<String>) -> Self {
        Self::Result {
            text: text.into(),
            is_error: false,
        }
    }

    /// A failure that the model may mend.
    pub fn error(text: impl Into<String>) -> Self {
        Self::Result {
            text: text.into(),
            is_error: true,
        }
    }
}

/// How much a conversation may use from the user's last words on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Answers.
    pub turns: u32,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Wall time of this sitting, in milliseconds.
    pub wall_ms: u64,
    /// Micro-USD.
    pub cost_micros: i64,
}

/// What ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Answers.
    Turns,
    /// Tokens.
    Tokens,
    /// Time.
    Wall,
    /// Money.
    Cost,
}

impl Resource {
    /// For messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Tokens => "tokens",
            Self::Wall => "time",
            Self::Cost => "money",
        }
    }
}

/// How a conversation ended, or why it rests.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended<T> {
    /// It led to what it was for.
    Finished(T),
    /// Somebody else must act first.
    Waiting,
    /// Its budget is used up.
    OutOfBudget(Resource),
    /// The model stopped without a tool, and again after a reminder; its last words.
    GaveUp(String),
    /// It was called off.
    Cancelled,
    /// The model did not answer, or what it said could not be kept.
    Failed(ModelError),
}

/// What happens next.
#[derive(Clone, Debug, PartialEq)]
enum Next {
    Ask,
    Call(Vec<ToolCall>),
    Remind,
    GiveUp(String),
}

fn next(conversation: &Conversation) -> Next {
    let mut latest = conversation.turns().rev();
    match latest.next() {
        None | Some(Turn::User { .. } | Turn::Results(_)) => Next::Ask,
        Some(Turn::Model { calls, .. }) if !calls.is_empty() => Next::Call(calls.clone()),
        Some(Turn::Model { text, .. }) => match latest.next() {
            Some(Turn::User { text: before, .. }) if before == REMINDER => {
                Next::GiveUp(text.clone())
            }
            None | Some(Turn::User { .. } | Turn::Model { .. } | Turn::Results(_)) => Next::Remind,
        },
    }
}

fn exceeded(spent: Spent, budget: &Budget) -> Option<Resource> {
    [
        (spent.turns >= budget.turns, Resource::Turns),
        (spent.tokens >= budget.tokens, Resource::Tokens),
        (spent.cost_micros >= budget.cost_micros, Resource::Cost),
    ]
    .into_iter()
    .find_map(|(over, resource)| over.then_some(resource))
}

/// Goes on with a conversation until it ends or rests.
pub async fn converse<B: Toolbox>(
    models: &Models,
    conversation: &mut Conversation,
    toolbox: &mut B,
    budget: Budget,
    charge: Charge,
    cancel: &CancellationToken,
) -> Ended<B::Done> {
    let wall = i64::try_from(budget.wall_ms).unwrap_or(i64::MAX);
    let end = Time(models.clock().now().0.saturating_add(wall));
    tokio::select! {
        biased;
        () = cancel.cancelled() => Ended::Cancelled,
        () = models.reached(end) => Ended::OutOfBudget(Resource::Wall),
        ended = go_on(models, conversation, toolbox, budget, charge, cancel) => {
            ended.unwrap_or_else(|error| match error {
                ModelError::Cancelled => Ended::Cancelled,
                error => Ended::Failed(error),
            })
        }
    }
}

async fn go_on<B: Toolbox>(
    models: &Models,
    conversation: &mut Conversation,
    toolbox: &mut B,
    budget: Budget,
    charge: Charge,
    cancel: &CancellationToken,
) -> Result<Ended<B::Done>, ModelError> {
    loop {
        match next(conversation) {
            Next::Ask => {
                if let Some(resource) = exceeded(conversation.spent(), &budget) {
                    return Ok(Ended::OutOfBudget(resource));
                }
                let question = Question {
                    system: conversation.system().to_owned(),
                    turns: conversation.turns().cloned().collect(),
                    tools: toolbox.specs(),
                    schema: None,
                    max_tokens: MAX_ANSWER,
                };
                let reply = models.ask(question, charge.clone(), cancel).await?;
                conversation.answered(&reply).await?;
            }
            Next::Call(calls) => match answer(toolbox, &calls).await {
                Answered::All(results) => conversation.push(Turn::Results(results)).await?,
                Answered::Finished(done) => return Ok(Ended::Finished(done)),
                Answered::Waiting => return Ok(Ended::Waiting),
            },
            Next::Remind => conversation.push(Turn::user(REMINDER)).await?,
            Next::GiveUp(words) => return Ok(Ended::GaveUp(words)),
        }
    }
}

enum Answered<T> {
    All(Vec<ToolResult>),
    Finished(T),
    Waiting,
}

async fn answer<B: Toolbox>(toolbox: &mut B, calls: &[ToolCall]) -> Answered<B::Done> {
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        let step = if call.input.is_object() {
            toolbox.call(call).await
        } else {
            Step::error(
                "the input was not a JSON object (was the answer cut off?); nothing was done",
            )
        };
        match step {
            Step::Result { text, is_error } => results.push(ToolResult {
                id: call.id.clone(),
                text,
                is_error,
            }),
            Step::Finish(done) => return Answered::Finished(done),
            Step::Wait => return Answered::Waiting,
        }
    }
    Answered::All(results)
}
