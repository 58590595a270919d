//! Replays a recorded dry run: the same script with the same input must make the same calls.

use super::Parts;
use super::calls;
use super::rehearse::{Finale, RecordedStep, Rehearsal, Stage, perform};
use crate::sandbox::Call;
use crate::store::steps::StepOutcome;
use crate::tools::{ToolError, canonical};
use deputy_protocol::Time;
use serde_json::Value;
use serde_json::value::to_raw_value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Runs a script against recorded steps; nothing is executed. Returns each difference, in words.
pub async fn replay_fixture(
    parts: &Arc<Parts>,
    rehearsal: &Rehearsal,
    steps: &[RecordedStep],
    result: &Value,
) -> Vec<String> {
    let mut stage = FixtureStage {
        steps: HashMap::new(),
        now: rehearsal.now,
        differences: Vec::new(),
    };
    for step in steps {
        let key = (step.tool.clone(), canonical::digest(&step.args));
        stage.steps.entry(key).or_default().push_back(&step.outcome);
    }
    let finale = perform(parts, rehearsal, &mut stage).await;
    let mut differences = stage.differences;
    let mut left: Vec<&str> = stage
        .steps
        .iter()
        .filter(|(_, outcomes)| !outcomes.is_empty())
        .map(|((tool, _), _)| tool.as_str())
        .collect();
    left.sort_unstable();
    differences.extend(
        left.into_iter()
            .map(|tool| format!("{tool} was called when it was recorded and is not called now")),
    );
    match finale {
        Finale::Done(now)
            if canonical::canonical_json(&now) != canonical::canonical_json(result) =>
        {
            differences.push("the script returned something else".to_owned());
        }
        Finale::Done(_) => {}
        Finale::Failed { message, .. } => {
            differences.push(format!("the script failed: {message}"));
        }
    }
    differences
}

struct FixtureStage<'a> {
    steps: HashMap<(String, String), VecDeque<&'a Value>>,
    now: Time,
    differences: Vec<String>,
}

impl Stage for FixtureStage<'_> {
    async fn answer(&mut self, call: &Call) -> Result<(StepOutcome, Time), String> {
        let args = calls::parse(&call.args);
        if call.tool == "ctx.sleep"
            && let Some(until) = args["until"].as_str().and_then(|t| t.parse::<Time>().ok())
        {
            self.now = self.now.max(until);
        }
        let key = (call.tool.clone(), canonical::digest(&args));
        let Some(outcome) = self.steps.get_mut(&key).and_then(VecDeque::pop_front) else {
            let message = format!("{} is called in a way that was not recorded", call.tool);
            self.differences.push(message.clone());
            return Err(message);
        };
        let error = outcome.get("$error").cloned();
        let outcome = match error.and_then(|e| serde_json::from_value::<ToolError>(e).ok()) {
            Some(error) => StepOutcome::Err(error),
            None => StepOutcome::Ok(to_raw_value(outcome).map_err(|e| e.to_string())?),
        };
        Ok((outcome, self.now))
    }
}
