//! A replay: answered from a run's journal alone.

use super::Parts;
use super::calls;
use super::keys::{Occurrences, effect_key};
use super::rehearse::{Finale, Rehearsal, Stage, perform};
use crate::sandbox::Call;
use crate::store::steps::{StepOutcome, StepRow};
use crate::tools::{canonical, split_once};
use deputy_protocol::{EffectClass, Time};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What a replay showed.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Each difference, in words.
    pub differences: Vec<String>,
    /// How many steps matched.
    pub steps: u32,
    /// What the script returned.
    pub result: Value,
}

/// Runs a script against a journal. Reads match by tool and arguments, effects by effect key;
/// nothing is executed, and what the journal does not have is a difference.
pub async fn replay(
    parts: &Arc<Parts>,
    rehearsal: &Rehearsal,
    journal: Vec<StepRow>,
    epoch: u32,
    recorded: Option<Value>,
) -> Replayed {
    let mut stage = ReplayStage {
        parts,
        by_call: HashMap::new(),
        by_key: HashMap::new(),
        rows: HashMap::new(),
        occurrences: Occurrences::default(),
        seed: rehearsal.seed,
        epoch,
        now: rehearsal.now,
        replayed: Replayed::default(),
    };
    for row in journal {
        match &row.effect_key {
            Some(key) if row.tool != "ctx.emit" => {
                stage.by_key.insert((row.tool.clone(), key.clone()), row);
            }
            _ => stage
                .by_call
                .entry((row.tool.clone(), row.digest.clone()))
                .or_default()
                .push_back(row),
        }
    }
    let finale = perform(parts, rehearsal, &mut stage).await;
    let mut replayed = stage.replayed;
    let emits = stage.by_call.into_values().flatten();
    for row in emits.filter(|row| row.class.is_effect() && row.outcome.is_some()) {
        replayed.differences.push(format!(
            "step {}: {} was done and is not done now",
            row.seq, row.tool
        ));
    }
    for ((tool, key), row) in stage.by_key {
        replayed.differences.push(format!(
            "step {}: {tool} ({key}) was done and is not done now",
            row.seq
        ));
    }
    match finale {
        Finale::Done(result) => {
            if let Some(before) = recorded
                && canonical::canonical_json(&before) != canonical::canonical_json(&result)
            {
                replayed
                    .differences
                    .push("the script returned something else".to_owned());
            }
            replayed.result = result;
        }
        Finale::Failed { message, .. } => replayed
            .differences
            .push(format!("the script failed: {message}")),
    }
    replayed
}

struct ReplayStage<'a> {
    parts: &'a Arc<Parts>,
    by_call: HashMap<(String, String), VecDeque<StepRow>>,
    by_key: HashMap<(String, String), StepRow>,
    /// The entries of open calls, by their numbers.
    rows: HashMap<u32, StepRow>,
    occurrences: Occurrences,
    seed: [u8; 32],
    epoch: u32,
    now: Time,
    replayed: Replayed,
}

impl Stage for ReplayStage<'_> {
    fn made(&mut self, call: &Call) {
        let args = calls::parse(&call.args);
        let digest = canonical::digest(&args);
        let occurrence = self.occurrences.next(&call.tool, &digest);
        if let Some(row) = self.row(call, args, &digest, occurrence) {
            self.rows.insert(call.id, row);
        }
    }

    /// Ends are seen in the order in which the run saw them.
    fn pick(&self, open: &VecDeque<Call>) -> usize {
        let place = |call: &Call| {
            let settled = self.rows.get(&call.id).and_then(|row| row.settled);
            (settled.unwrap_or(u32::MAX), call.id)
        };
        (0..open.len())
            .min_by_key(|i| place(&open[*i]))
            .unwrap_or(0)
    }

    async fn answer(&mut self, call: &Call) -> Result<(StepOutcome, Time), String> {
        let Some(row) = self.rows.remove(&call.id) else {
            let message = format!(
                "step {}: {} is not in the journal and was not executed",
                call.id, call.tool
            );
            self.replayed.differences.push(message.clone());
            return Err(message);
        };
        let Some(outcome) = row.outcome else {
            return Err(format!(
                "step {}: {} has no outcome in the journal",
                call.id, call.tool
            ));
        };
        self.replayed.steps += 1;
        self.now = self.now.max(row.logical_at.unwrap_or_default());
        Ok((outcome, self.now))
    }
}

impl ReplayStage<'_> {
    fn row(&mut self, call: &Call, args: Value, digest: &str, occurrence: u32) -> Option<StepRow> {
        let direct = (call.tool.clone(), digest.to_owned());
        if let Some(row) = self.by_call.get_mut(&direct).and_then(VecDeque::pop_front) {
            return Some(row);
        }
        let entry = self.parts.registry.get(&call.tool)?;
        let (args, once) = split_once(args).ok()?;
        let checked = entry.check(args).ok()?;
        if checked.class == EffectClass::Read || checked.class == EffectClass::Pure {
            return None;
        }
        let key = effect_key(
            once.as_deref(),
            self.epoch,
            &self.seed,
            &call.tool,
            digest,
            occurrence,
        );
        let row = self.by_key.remove(&(call.tool.clone(), key))?;
        if row.digest != digest {
            self.replayed.differences.push(format!(
                "step {}: {} has other arguments",
                row.seq, row.tool
            ));
        }
        Some(row)
    }
}
