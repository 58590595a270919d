//! What the client does within: what is asked of a session and what comes out of it.

use super::greeting::Greeted;
use super::kept;
use super::line::{Fell, Heard};
use super::views::KeptView;
use super::{Client, Effect, KEEP_AFTER, Kept, Machine, Notice, Now, Trouble};
use deputy_protocol::ErrorBody;
use deputy_protocol::link::RefusalCode;
use deputy_protocol::remote::{Ask, Down, Up};
use serde_json::Value;

/// A question that is asked once.
struct Question {
    token: u64,
    ask: Ask,
    until: u64,
    on_line: bool,
}

/// Those that wait.
#[derive(Default)]
pub(super) struct Questions(Vec<Question>);

impl Questions {
    pub(super) fn add(&mut self, token: u64, ask: Ask, now: Now, patience_ms: u64) {
        self.0.push(Question {
            token,
            ask,
            until: now.ticks.saturating_add(patience_ms),
            on_line: false,
        });
    }

    pub(super) fn wake_at(&self) -> Option<u64> {
        self.0.iter().map(|question| question.until).min()
    }

    pub(super) fn expired(&mut self, now: Now) -> Vec<(u64, Trouble)> {
        let (over, rest) = { self.0.drain(..) }.partition(|q: &Question| q.until <= now.ticks);
        self.0 = rest;
        let over: Vec<Question> = over;
        over.into_iter()
            .map(|question| (question.token, Trouble::Unreachable))
            .collect()
    }

    fn next_to_ask(&mut self) -> Option<(u64, Ask)> {
        let question = self.0.iter_mut().find(|question| !question.on_line)?;
        question.on_line = true;
        Some((question.token, question.ask.clone()))
    }

    /// Whether it was there.
    pub(super) fn forget(&mut self, token: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|question| question.token != token);
        self.0.len() < before
    }

    fn line_lost(&mut self) {
        for question in &mut self.0 {
            question.on_line = false;
        }
    }
}

/// How deep an answer may nest. What is kept is read again, within something else, by a parser that
/// goes no deeper than 128 levels.
const DEEPEST: usize = 100;

fn nests_deeper(value: &Value, than: usize) -> bool {
    match value {
        Value::Array(all) => than == 0 || all.iter().any(|v| nests_deeper(v, than - 1)),
        Value::Object(all) => than == 0 || all.values().any(|v| nests_deeper(v, than - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Numbers of questions and views are told from the ids of commands by this.
const NUMBERED: char = '#';

impl Machine for Client {
    fn connected(&mut self, attempt: u64, now: Now) {
        if !self.line.connected(attempt, now) {
            self.out.push_back(Effect::HangUp { attempt });
        }
    }

    fn failed(&mut self, attempt: u64, refused: Option<RefusalCode>, why: &str, now: Now) {
        if self.line.failed(attempt, refused, why, now) {
            self.told_line();
            self.line_woken(now);
        }
    }

    fn received(&mut self, attempt: u64, bytes: &[u8], now: Now) {
        match self.line.received(attempt, bytes, now) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Open(greeted)) => {
                self.opened(*greeted, now);
                self.messages(attempt, now);
            }
            Ok(Heard::Bytes) => self.messages(attempt, now),
            Err(fell) => self.fell(attempt, fell, now),
        }
    }

    fn ended(&mut self, attempt: u64, code: Option<u64>, now: Now) {
        if let Some(fell) = self.line.ended(attempt, code) {
            self.fell(attempt, fell, now);
        }
    }

    fn next_effect(&mut self) -> Option<Effect> {
        self.out.pop_front()
    }

    fn wake_at(&self) -> Option<u64> {
        let live = self.line.is_open();
        let parts = [
            self.line.wake_at(),
            self.questions.wake_at(),
            live.then(|| self.views.wake_at()).flatten(),
            self.keep_views_at,
        ];
        parts.into_iter().flatten().min()
    }

    fn woken(&mut self, now: Now) {
        self.line_woken(now);
        for (token, trouble) in self.questions.expired(now) {
            self.tell(Notice::Answer(token, Err(trouble)));
        }
        self.ask_views(now);
        if self.keep_views_at.is_some_and(|at| at <= now.ticks) {
            self.keep_views_at = None;
            self.keep_views();
        }
    }
}

impl Client {
    pub(super) fn line_woken(&mut self, now: Now) {
        if self.line.is_to_be_tried(now) {
            self.send_up(&Up::Ping, now);
        }
        let follow = Some(self.seen.unwrap_or(-1)).filter(|_| {
            let rights = self.device.rights;
            rights.has(deputy_protocol::remote::Right::View)
        });
        match self.line.woken(&self.device, follow, now) {
            Ok(Some(dialled)) => {
                self.told_line();
                self.out.push_back(Effect::Dial {
                    attempt: dialled.attempt,
                    place: dialled.place,
                    first: dialled.first,
                });
            }
            Ok(None) => {}
            Err((attempt, fell)) => self.fell(attempt, fell, now),
        }
    }

    fn opened(&mut self, greeted: Greeted, now: Now) {
        self.line.opened(greeted, now);
        self.told_line();
        self.send_commands(now);
        self.send_questions(now);
        self.ask_views(now);
    }

    fn messages(&mut self, attempt: u64, now: Now) {
        loop {
            match self.line.next_message(now) {
                Ok(Some(body)) => {
                    // What a newer agent says and this version cannot read is not for it.
                    if let Ok(down) = serde_json::from_slice::<Down>(&body) {
                        self.heard(down, now);
                    }
                }
                Ok(None) => return,
                Err(fell) => return self.fell(attempt, fell, now),
            }
        }
    }

    fn heard(&mut self, down: Down, now: Now) {
        match down {
            Down::Answer { id, ok, error } => self.answered(&id, ok, error, now),
            Down::Following { after } => {
                // Less than what was seen: the agent's data is an older copy.
                if self.seen != Some(after) {
                    self.seen = Some(after);
                    self.keep_views_soon(now);
                }
            }
            Down::Event { event } => {
                if self.seen.is_some_and(|seen| event.seq <= seen) {
                    return;
                }
                self.seen = Some(event.seq);
                self.views.happened(&event);
                self.tell(Notice::Event(event));
                self.ask_views(now);
                self.keep_views_soon(now);
            }
            Down::Relays { relays, .. } => {
                if !relays.is_empty() && relays != self.device.relays {
                    self.line.relays_are(relays.len());
                    self.device.relays = relays;
                    self.tell(Notice::Device(Box::new(self.device.clone())));
                }
            }
            Down::Compare { .. } | Down::Paired { .. } | Down::Pong | Down::Unknown => {}
        }
    }

    fn answered(&mut self, id: &str, ok: Option<Value>, error: Option<ErrorBody>, now: Now) {
        let answer = match (ok, error) {
            (_, Some(error)) => Err(error),
            (Some(ok), None) => Ok(ok),
            (None, None) => Err(ErrorBody::new(
                "empty",
                "the agent answered nothing that this app knows",
                "update the app",
            )),
        };
        let is_too_deep = answer.as_ref().is_ok_and(|ok| nests_deeper(ok, DEEPEST));
        let Some(number) = id.strip_prefix(NUMBERED) else {
            // It was applied; only what was said of it is lost.
            let answer = answer.map(|ok| if is_too_deep { Value::Null } else { ok });
            if let Some(forgotten) = self.commands.answered(id, answer) {
                self.keep_commands();
                for old in forgotten {
                    self.tell(Notice::Forgotten(old));
                }
                self.tell_command(id);
            }
            return self.send_commands(now);
        };
        let answer = if is_too_deep {
            Err(ErrorBody::new(
                "too_deep",
                "the agent's answer nests deeper than this app can keep; nothing was changed",
                "look at it at the agent",
            ))
        } else {
            answer
        };
        let Ok(number) = number.parse() else { return };
        if self.questions.forget(number) {
            let answer = answer.map_err(Trouble::Refused);
            return self.tell(Notice::Answer(number, answer));
        }
        let answer = answer.map_err(|error| error.message);
        if let Some(ask) = self.views.answered(number, answer, now) {
            self.tell(Notice::View(ask));
            self.keep_views_soon(now);
        }
        self.ask_views(now);
    }

    pub(super) fn send_commands(&mut self, now: Now) {
        if !self.line.is_open() {
            return;
        }
        let mut sent = Vec::new();
        while let Some((id, ask)) = self.commands.next_to_send(now) {
            sent.push((id, ask));
        }
        if sent.is_empty() {
            return;
        }
        // That they were sent is known before they are: what was never sent can be withdrawn.
        self.keep_commands();
        for (id, ask) in sent {
            self.tell_command(&id);
            self.send_ask(id, &ask, now);
        }
    }

    pub(super) fn send_questions(&mut self, now: Now) {
        while self.line.is_open()
            && let Some((token, ask)) = self.questions.next_to_ask()
        {
            self.send_ask(format!("{NUMBERED}{token}"), &ask, now);
        }
    }

    pub(super) fn ask_views(&mut self, now: Now) {
        while self.line.is_open() {
            let number = self.fresh_number();
            let Some(ask) = self.views.next_to_ask(number, now.ticks) else {
                return;
            };
            self.send_ask(format!("{NUMBERED}{number}"), &ask, now);
        }
    }

    fn send_ask(&mut self, id: String, ask: &Ask, now: Now) {
        // Every question can be written as JSON.
        let Ok(what) = serde_json::to_value(ask) else {
            return;
        };
        self.send_up(&Up::Ask { id, what }, now);
    }

    fn send_up(&mut self, up: &Up, now: Now) {
        let Ok(body) = serde_json::to_vec(up) else {
            return;
        };
        match self.line.seal(&body, now) {
            Ok(Some((attempt, bytes))) => self.out.push_back(Effect::Send { attempt, bytes }),
            Ok(None) => {}
            Err((attempt, fell)) => self.fell(attempt, fell, now),
        }
    }

    fn fell(&mut self, attempt: u64, fell: Fell, now: Now) {
        self.out.push_back(Effect::HangUp { attempt });
        self.line.fell(fell, now);
        self.lost_line();
        self.line_woken(now);
    }

    /// What was on the line is not any more.
    pub(super) fn lost_line(&mut self) {
        self.commands.line_lost();
        self.questions.line_lost();
        self.views.line_lost();
        self.told_line();
    }

    pub(super) fn say_goodbye(&mut self, attempt: u64) {
        match self.line.goodbye() {
            Some(bytes) => {
                self.out.push_back(Effect::Send { attempt, bytes });
                self.out.push_back(Effect::Close { attempt });
            }
            None => self.out.push_back(Effect::HangUp { attempt }),
        }
    }

    fn told_line(&mut self) {
        if let Some(state) = self.line.changed() {
            self.tell(Notice::Line(state));
        }
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        self.out.push_back(Effect::Tell(notice));
    }

    pub(super) fn tell_command(&mut self, id: &str) {
        if let Some(command) = self.commands.get(id).cloned() {
            self.tell(Notice::Command(command));
        }
    }

    pub(super) fn keep_commands(&mut self) {
        if let Ok(body) = serde_json::to_vec(&self.commands.all()) {
            self.keep(Kept::Commands, &body);
        }
    }

    pub(super) fn keep_views(&mut self) {
        let kept: Vec<KeptView> = self.views.kept();
        if let Ok(body) = serde_json::to_vec(&(self.seen, kept)) {
            self.keep(Kept::Views, &body);
        }
    }

    fn keep(&mut self, what: Kept, body: &[u8]) {
        if let Some(sealed) = kept::seal(&self.device, what, body) {
            self.out.push_back(Effect::Keep(what, sealed));
        }
    }

    fn keep_views_soon(&mut self, now: Now) {
        { &mut self.keep_views_at }.get_or_insert(now.ticks + KEEP_AFTER);
    }
}
