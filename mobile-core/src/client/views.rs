//! What is shown: answers that are asked for again when something has happened, never more often
//! than makes sense, and never forgotten, so that there is something to see without a line.

use super::Now;
use deputy_protocol::model::Event;
use deputy_protocol::remote::Ask;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The same is not asked again sooner than this, ms: what happens is to be seen within a blink.
const LEAST: u64 = 40;

/// Nor sooner than so many times what its last answer took, so that asking never is most of the work.
const REST: u64 = 4;

/// However long that was, ms.
const MOST_REST: u64 = 1_000;

/// A run at work is looked at again after this, ms: its steps are no events.
const LIVE: u64 = 500;

/// How many questions of views may be under way at a time.
const AT_ONCE: usize = 8;

/// How many answers that nobody watches any more are kept.
const MOST_UNWATCHED: usize = 64;

/// How many lines of a chat are kept.
const CHAT_LINES: usize = 500;

/// An answer at hand.
#[derive(Clone, Debug)]
pub struct View {
    /// The question.
    pub ask: Ask,
    /// The last answer, a [`Response`](deputy_protocol::control::Response) as JSON, so that an agent
    /// may be newer than the app and say more; `None` when there never was one.
    pub answer: Option<Value>,
    /// Why there was no newer answer; `None` when the last question was answered.
    pub trouble: Option<String>,
    /// When the answer was given, ms since 1970.
    pub as_of_ms: Option<i64>,
    /// Another number whenever the answer is another; of no two answers the same.
    pub changes: u64,
    pub(super) dirty: bool,
    /// The answer was given in this session, to a question that was asked after all that was known
    /// to have happened.
    pub(super) is_current: bool,
    asked_in_session: bool,
    watched: u32,
    in_flight: Option<u64>,
    asked_at: Option<u64>,
    /// How long the last answer was on its way, ms.
    took: u64,
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptView {
    ask: Ask,
    answer: Value,
    as_of_ms: i64,
}

/// All of them.
#[derive(Default)]
pub(super) struct Views {
    all: Vec<View>,
    changes: u64,
}

impl Views {
    pub(super) fn restored(kept: Vec<serde_json::Value>) -> Self {
        // What this version does not know any more is asked anew.
        let known = kept
            .into_iter()
            .filter_map(|v| serde_json::from_value(v).ok());
        let all = known
            .map(|kept: KeptView| View {
                answer: Some(kept.answer),
                as_of_ms: Some(kept.as_of_ms),
                watched: 0,
                ..View::new(kept.ask)
            })
            .collect();
        Self { all, changes: 0 }
    }

    pub(super) fn kept(&self) -> Vec<KeptView> {
        let kept = self.all.iter().filter_map(|view| {
            Some(KeptView {
                ask: view.ask.clone(),
                answer: view.answer.clone()?,
                as_of_ms: view.as_of_ms?,
            })
        });
        kept.collect()
    }

    pub(super) fn watch(&mut self, ask: Ask) {
        let at = match self.all.iter().position(|view| view.ask == ask) {
            Some(at) => at,
            None => {
                self.all.push(View::new(ask));
                self.all.len() - 1
            }
        };
        let view = &mut self.all[at];
        if view.watched == 0 {
            view.dirty = true;
        }
        view.watched += 1;
    }

    pub(super) fn unwatch(&mut self, ask: &Ask) {
        if let Some(view) = self.all.iter_mut().find(|view| view.ask == *ask) {
            view.watched = view.watched.saturating_sub(1);
        }
        let unwatched = self.all.iter().filter(|v| v.watched == 0).count();
        if unwatched > MOST_UNWATCHED
            && let Some(oldest) = { self.all.iter().enumerate() }
                .filter(|(_, v)| v.watched == 0 && v.in_flight.is_none())
                .min_by_key(|(_, v)| v.as_of_ms)
                .map(|(at, _)| at)
        {
            self.all.remove(oldest);
        }
    }

    pub(super) fn get(&self, ask: &Ask) -> Option<&View> {
        self.all.iter().find(|view| view.ask == *ask)
    }

    /// Something happened: what it may concern is asked again.
    pub(super) fn happened(&mut self, event: &Event) {
        for view in &mut self.all {
            view.dirty |= concerns(&view.ask, event);
        }
    }

    /// The session is over: in the next, all is asked anew.
    pub(super) fn line_lost(&mut self) {
        for view in &mut self.all {
            view.dirty = true;
            view.is_current = false;
            view.asked_in_session = false;
            view.in_flight = None;
        }
    }

    /// The next question to ask, which counts as asked under this number.
    pub(super) fn next_to_ask(&mut self, number: u64, ticks: u64) -> Option<Ask> {
        if self.all.iter().filter(|v| v.in_flight.is_some()).count() >= AT_ONCE {
            return None;
        }
        let view = { self.all.iter_mut() }.find(|v| v.due().is_some_and(|due| due <= ticks))?;
        view.in_flight = Some(number);
        view.asked_at = Some(ticks);
        view.is_current &= !view.dirty;
        // What happens from here on is not in the answer for sure.
        view.dirty = false;
        view.asked_in_session = true;
        Some(view.question())
    }

    pub(super) fn wake_at(&self) -> Option<u64> {
        if self.all.iter().filter(|v| v.in_flight.is_some()).count() >= AT_ONCE {
            return None;
        }
        self.all.iter().filter_map(View::due).min()
    }

    /// The answer to a view's question. The view's question when it is another answer than before, or
    /// the same but fresh now.
    pub(super) fn answered(
        &mut self,
        number: u64,
        answer: Result<Value, String>,
        now: Now,
    ) -> Option<Ask> {
        let view = { self.all.iter_mut() }.find(|view| view.in_flight == Some(number))?;
        view.in_flight = None;
        view.took = now.ticks.saturating_sub(view.asked_at.unwrap_or(now.ticks));
        let is_changed = match answer {
            Ok(answer) => {
                view.as_of_ms = Some(now.unix_ms);
                let was_current = std::mem::replace(&mut view.is_current, true);
                let is_other = view.take(answer);
                if is_other {
                    self.changes += 1;
                    view.changes = self.changes;
                }
                let was_troubled = view.trouble.take().is_some();
                was_troubled || is_other || !was_current
            }
            Err(trouble) => {
                let is_other = view.trouble.as_ref() != Some(&trouble);
                view.trouble = Some(trouble);
                is_other
            }
        };
        is_changed.then(|| view.ask.clone())
    }
}

impl View {
    fn new(ask: Ask) -> Self {
        Self {
            ask,
            answer: None,
            trouble: None,
            as_of_ms: None,
            changes: 0,
            dirty: true,
            is_current: false,
            asked_in_session: false,
            watched: 0,
            in_flight: None,
            asked_at: None,
            took: 0,
        }
    }

    /// When it is to be asked; `None` when it is not.
    fn due(&self) -> Option<u64> {
        if self.watched == 0 || self.in_flight.is_some() {
            return None;
        }
        let after = match (self.dirty, self.is_live()) {
            (true, _) => (self.took * REST).clamp(LEAST, MOST_REST),
            (false, true) => LIVE,
            (false, false) => return None,
        };
        // Never asked is due at once.
        Some(if self.asked_in_session {
            self.asked_at.map_or(0, |at| at + after)
        } else {
            0
        })
    }

    fn is_live(&self) -> bool {
        let Some(answer) = &self.answer else {
            return false;
        };
        let state = answer["value"]["state"].as_str();
        answer["type"] == "run_detail" && matches!(state, Some("queued" | "running"))
    }

    /// A chat is only asked for what is new.
    fn question(&self) -> Ask {
        match (&self.ask, self.answer.as_ref().and_then(chat)) {
            (
                Ask::Chat {
                    automation, limit, ..
                },
                Some(lines),
            ) => Ask::Chat {
                automation: automation.clone(),
                after: lines.last().map_or(0, seq),
                limit: *limit,
            },
            (ask, _) => ask.clone(),
        }
    }

    /// Whether it is another answer than before.
    fn take(&mut self, answer: Value) -> bool {
        let limit = match self.ask {
            Ask::Chat { limit, .. } => usize::try_from(limit).unwrap_or(usize::MAX),
            _ => 0,
        };
        if let (Some(Value::Array(lines)), Some(newer)) = (
            { self.answer.as_mut() }.and_then(|answer| answer.get_mut("value")),
            chat(&answer),
        ) {
            append(lines, newer, limit)
        } else {
            let is_other = self.answer.as_ref() != Some(&answer);
            self.answer = Some(answer);
            is_other
        }
    }
}

/// The lines of a chat, if it is one.
fn chat(answer: &Value) -> Option<&Vec<Value>> {
    answer["value"]
        .as_array()
        .filter(|_| answer["type"] == "chat")
}

fn seq(line: &Value) -> i64 {
    line["seq"].as_i64().unwrap_or(0)
}

/// Appends what is newer; whether there is any. As many lines as were asked for may have more before
/// them that nobody has seen, so they stand alone.
fn append(lines: &mut Vec<Value>, newer: &[Value], limit: usize) -> bool {
    let last = lines.last().map_or(0, seq);
    if newer.len() >= limit {
        let is_other = lines != newer;
        *lines = newer.to_vec();
        return is_other;
    }
    let known = lines.len();
    lines.extend(newer.iter().filter(|line| seq(line) > last).cloned());
    let is_other = lines.len() > known;
    let surplus = lines.len().saturating_sub(CHAT_LINES);
    lines.drain(..surplus);
    is_other
}

/// Whether what happened may change an answer; in doubt it may.
fn concerns(ask: &Ask, event: &Event) -> bool {
    let of_automation = |id: &String| event.automation.as_ref().is_none_or(|of| of == id);
    match (ask, event.kind.as_str()) {
        (Ask::Chat { automation, .. }, "chat") => automation.as_ref().is_none_or(of_automation),
        (Ask::Chat { .. }, _) | (_, "chat") => false,
        (Ask::Run { run }, _) => event.run.as_ref().is_none_or(|of| of == run),
        (_, "log") => false,
        (Ask::Devices, kind) => kind == "device_changed",
        (_, "device_changed") => false,
        (Ask::Contract { automation, .. }, kind) => {
            kind == "contract_changed" && of_automation(automation)
        }
        (Ask::ContractDiff { .. }, _) => false,
        (Ask::Automation { automation }, _) => of_automation(automation),
        (
            Ask::Runs {
                automation: Some(automation),
                ..
            }
            | Ask::Inputs {
                automation: Some(automation),
                ..
            }
            | Ask::Outputs {
                automation: Some(automation),
                ..
            },
            _,
        ) => of_automation(automation),
        _ => true,
    }
}
