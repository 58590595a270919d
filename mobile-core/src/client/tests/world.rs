//! An agent's side, the lines to it, and what the device keeps.

use super::super::*;
use deputy_protocol::ErrorBody;
use deputy_protocol::Time;
use deputy_protocol::link::{RefusalCode, RouteId};
use deputy_protocol::model::{ChatEvent, Event};
use deputy_protocol::pairing::RelayPlace;
use deputy_protocol::remote::{Down, Rights, Up};
use deputy_protocol::session::{Introduced, Opening, Received, Responder, Session, StaticKey};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};

pub(super) fn status() -> Ask {
    Ask::Status
}

pub(super) fn run_ask(automation: &str) -> Ask {
    Ask::AutomationRun {
        automation: automation.to_owned(),
    }
}

pub(super) fn pause(automation: &str) -> Ask {
    Ask::AutomationPause {
        automation: automation.to_owned(),
    }
}

/// What the agent is and does.
pub(super) struct Agent {
    key: StaticKey,
    pub(super) is_there: bool,
    /// Hears nothing, as one behind a dead line.
    pub(super) deaf: bool,
    /// Applies at once and answers when this is over.
    pub(super) answers_late: bool,
    pub(super) refuse_with: Option<&'static str>,
    pub(super) speaks_newer: bool,
    pub(super) heard_goodbye: bool,
    pub(super) pinged: u32,
    /// The ids of commands that were applied, in this order.
    pub(super) applied: Vec<String>,
    pub(super) questions: Vec<Value>,
    pub(super) chat: Vec<i64>,
    events: Vec<Event>,
    late: Vec<String>,
}

impl Agent {
    pub(super) fn asked(&self, what: &str) -> usize {
        self.questions.iter().filter(|q| q["ask"] == what).count()
    }

    pub(super) fn happens(&mut self, kind: &str, seq: i64) {
        self.events.push(Event {
            seq,
            at: Time(0),
            kind: kind.to_owned(),
            automation: None,
            run: None,
            data: Value::Null,
        });
    }

    fn answer(&mut self, id: &str, what: Value) -> Option<Down> {
        let down = |ok: Option<Value>, error: Option<ErrorBody>| Down::Answer {
            id: id.to_owned(),
            ok,
            error,
        };
        let ask = Ask::from_value(what.clone()).expect("a question that is known");
        self.questions.push(what);
        if ask.is_command() {
            if let Some(code) = self.refuse_with {
                return Some(down(None, Some(ErrorBody::new(code, "no", ""))));
            }
            if !self.applied.iter().any(|known| known == id) {
                self.applied.push(id.to_owned());
            }
            if self.answers_late {
                self.late.push(id.to_owned());
                return None;
            }
            let done = json!({"type": "done", "value": {"id": "x", "message": "done"}});
            return Some(down(Some(done), None));
        }
        if self.speaks_newer {
            return Some(down(Some(json!({"type": "of a newer version"})), None));
        }
        let value = match ask {
            Ask::Chat { after, .. } => {
                let lines = self
                    .chat
                    .iter()
                    .filter(|seq| **seq > after)
                    .map(|seq| ChatEvent {
                        seq: *seq,
                        at: Time(0),
                        automation: None,
                        kind: "reply".to_owned(),
                        author: "deputy".to_owned(),
                        data: Value::Null,
                    });
                json!({"type": "chat", "value": lines.collect::<Vec<_>>()})
            }
            _ => {
                json!({"type": "status", "value": {"version": "1", "pid": 1, "home": "/h", "started_at": Time(0),
                    "listen": null, "automations": {"draft": 0, "active": self.questions.len(), "paused": 0, "archived": 0},
                    "runs_active": 0, "runs_waiting": 0, "needs_open": 0, "next_due_at": null, "model": false}})
            }
        };
        Some(down(Some(value), None))
    }
}

/// A stream at the agent's end.
enum End {
    /// What is said here is lost, and all that comes after it.
    Dead,
    Opening(Vec<u8>),
    Open {
        session: Box<Session>,
        told: Option<i64>,
    },
}

/// All of it.
pub(super) struct World {
    pub(super) now: Now,
    pub(super) device: PairedDevice,
    pub(super) client: Client,
    pub(super) agent: Agent,
    pub(super) relay_is_there: bool,
    pub(super) hold_dials: bool,
    /// The addresses that were dialled.
    pub(super) dials: Vec<String>,
    pub(super) hung_up: Vec<u64>,
    pub(super) disk: HashMap<Kept, Vec<u8>>,
    pub(super) notices: Vec<Notice>,
    ends: HashMap<u64, End>,
    to_client: VecDeque<(u64, Vec<u8>)>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_relays(1)
    }

    pub(super) fn with_relays(count: u8) -> Self {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).unwrap();
        let (of_device, of_agent) = bytes.split_at(32);
        let agent = StaticKey::from_bytes(of_agent.try_into().unwrap());
        let relays = (0..count)
            .map(|n| RelayPlace {
                address: format!("relay-{n}:443"),
                route: RouteId([n; 24]),
                certificate: None,
            })
            .collect();
        let key = StaticKey::from_bytes(of_device.try_into().unwrap());
        let device = PairedDevice::new("d1".into(), agent.public(), relays, Rights::ALL, &key);
        let now = Now {
            ticks: 1_000,
            unix_ms: 1_700_000_000_000,
        };
        Self {
            client: Client::open(device.clone(), &[], now).0,
            now,
            device,
            agent: Agent {
                key: agent,
                is_there: true,
                deaf: false,
                answers_late: false,
                refuse_with: None,
                speaks_newer: false,
                heard_goodbye: false,
                pinged: 0,
                applied: Vec::new(),
                questions: Vec::new(),
                chat: Vec::new(),
                events: Vec::new(),
                late: Vec::new(),
            },
            relay_is_there: true,
            hold_dials: false,
            dials: Vec::new(),
            hung_up: Vec::new(),
            disk: HashMap::new(),
            notices: Vec::new(),
            ends: HashMap::new(),
            to_client: VecDeque::new(),
        }
    }

    /// Lets everything happen that happens without time going by.
    pub(super) fn settle(&mut self) {
        loop {
            if self.client.wake_at().is_some_and(|at| at <= self.now.ticks) {
                self.client.woken(self.now);
            }
            let mut is_quiet = true;
            while let Some(effect) = self.client.next_effect() {
                is_quiet = false;
                self.apply(effect);
            }
            self.agent_speaks();
            while let Some((attempt, bytes)) = self.to_client.pop_front() {
                is_quiet = false;
                self.client.received(attempt, &bytes, self.now);
            }
            if is_quiet {
                return;
            }
        }
    }

    /// Time goes by, from one thing that is to happen to the next.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now.ticks + ms;
        loop {
            self.settle();
            let next = self.client.wake_at().unwrap_or(until).min(until);
            let passed = next.saturating_sub(self.now.ticks);
            self.now.ticks += passed;
            self.now.unix_ms += i64::try_from(passed).unwrap();
            self.settle();
            if self.now.ticks >= until {
                return;
            }
        }
    }

    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Dial {
                attempt,
                place,
                first,
            } => {
                self.dials.push(place.address);
                if self.hold_dials {
                } else if !self.relay_is_there {
                    self.client.failed(attempt, None, "no network", self.now);
                } else if !self.agent.is_there {
                    let offline = Some(RefusalCode::Offline);
                    self.client.failed(attempt, offline, "it is off", self.now);
                } else {
                    self.ends.insert(attempt, End::Opening(Vec::new()));
                    self.client.connected(attempt, self.now);
                    self.arrives(attempt, &first);
                }
            }
            Effect::Send { attempt, bytes } => self.arrives(attempt, &bytes),
            Effect::Close { attempt } => {
                self.ends.remove(&attempt);
            }
            Effect::HangUp { attempt } => {
                self.hung_up.push(attempt);
                self.ends.remove(&attempt);
            }
            Effect::NetworkChanged => {}
            Effect::Keep(what, sealed) => {
                self.disk.insert(what, sealed);
            }
            Effect::Tell(notice) => self.notices.push(notice),
        }
    }

    fn arrives(&mut self, attempt: u64, bytes: &[u8]) {
        let is_deaf = self.agent.deaf;
        match self.ends.get_mut(&attempt) {
            None | Some(End::Dead) => {}
            Some(End::Opening(arrived)) => {
                arrived.extend_from_slice(bytes);
                self.answer_handshake(attempt);
            }
            Some(End::Open { session, .. }) => {
                if is_deaf {
                    self.ends.insert(attempt, End::Dead);
                    return;
                }
                session.push(bytes);
                let mut said = Vec::new();
                while let Some(received) = session.pull().unwrap() {
                    match received {
                        Received::Message(body) => said.push(body),
                        Received::Goodbye => self.agent.heard_goodbye = true,
                    }
                }
                for body in said {
                    if serde_json::from_slice::<Up>(&body).unwrap() == Up::Ping {
                        self.agent.pinged += 1;
                        self.say(attempt, &Down::Pong);
                    }
                    if let Up::Ask { id, what } = serde_json::from_slice(&body).unwrap()
                        && let Some(answer) = self.agent.answer(&id, what)
                    {
                        self.say(attempt, &answer);
                    }
                }
            }
        }
    }

    /// What the agent has to say over a line and what the relay holds back for now.
    pub(super) fn sealed_for(&mut self, attempt: u64) -> Vec<u8> {
        self.agent_speaks();
        let held = { self.to_client.drain(..) }.filter(|(to, _)| *to == attempt);
        held.flat_map(|(_, bytes)| bytes).collect()
    }

    fn answer_handshake(&mut self, attempt: u64) {
        let Some(End::Opening(arrived)) = self.ends.get(&attempt) else {
            return;
        };
        let (opening, answer) = Opening::decode(arrived[..5].try_into().unwrap());
        let message = &arrived[7..];
        let place = { self.device.relays.iter() }.find_map(|place| {
            let opening = opening.clone().unwrap();
            Responder::new(opening, &self.agent.key, &place.route, None, message).ok()
        });
        let responder = place.expect("a handshake for one of the routes");
        let follow = responder.said().follow.unwrap();
        let last = self.agent.events.last().map_or(0, |event| event.seq);
        let after = if follow < 0 { last } else { follow.min(last) };
        let (session, reply) = responder.finish(&Introduced::default()).unwrap();
        let open = End::Open {
            session: Box::new(session),
            told: Some(after),
        };
        self.ends.insert(attempt, open);
        self.to_client
            .push_back((attempt, [answer, reply].concat()));
        self.say(attempt, &Down::Following { after });
    }

    fn agent_speaks(&mut self) {
        if !self.agent.answers_late {
            for id in std::mem::take(&mut self.agent.late) {
                let done = json!({"type": "done", "value": {"id": "x", "message": "done"}});
                let answer = Down::Answer {
                    id,
                    ok: Some(done),
                    error: None,
                };
                let open: Vec<u64> = self.ends.keys().copied().collect();
                for attempt in open {
                    self.say(attempt, &answer);
                }
            }
        }
        let mut news = Vec::new();
        for (attempt, end) in &mut self.ends {
            let End::Open {
                told: Some(told), ..
            } = end
            else {
                continue;
            };
            for event in self.agent.events.iter().filter(|e| e.seq > *told) {
                news.push((*attempt, event.clone()));
            }
            *told = self.agent.events.last().map_or(*told, |e| e.seq.max(*told));
        }
        for (attempt, event) in news {
            self.say(attempt, &Down::Event { event });
        }
    }

    fn say(&mut self, attempt: u64, down: &Down) {
        if self.agent.deaf {
            self.ends.insert(attempt, End::Dead);
        }
        if let Some(End::Open { session, .. }) = self.ends.get_mut(&attempt) {
            let body = serde_json::to_vec(down).unwrap();
            let sealed = session.seal(&body, self.now.ticks).unwrap();
            self.to_client.push_back((attempt, sealed));
        }
    }

    /// The agent says something to everybody.
    pub(super) fn tell(&mut self, down: &Down) {
        let open: Vec<u64> = self.ends.keys().copied().collect();
        for attempt in open {
            self.say(attempt, down);
        }
    }

    /// All lines break, with what is on them.
    pub(super) fn cut(&mut self) {
        self.to_client.clear();
        let cut: Vec<u64> = self.ends.drain().map(|(attempt, _)| attempt).collect();
        for attempt in cut {
            self.client.ended(attempt, None, self.now);
        }
    }

    pub(super) fn revoke(&mut self) {
        self.agent.is_there = false;
        let cut: Vec<u64> = self.ends.drain().map(|(attempt, _)| attempt).collect();
        for attempt in cut {
            self.client.ended(attempt, Some(4), self.now);
        }
        self.settle();
    }

    /// The app is killed and started again.
    pub(super) fn restart(&mut self) {
        self.ends.clear();
        self.to_client.clear();
        self.notices.clear();
        let kept: Vec<_> = self.disk.clone().into_iter().collect();
        let (client, error) = Client::open(self.device.clone(), &kept, self.now);
        assert_eq!(error, None);
        self.client = client;
    }

    /// The events that were told of.
    pub(super) fn events(&self) -> Vec<i64> {
        let events = self.notices.iter().filter_map(|notice| match notice {
            Notice::Event(event) => Some(event.seq),
            _ => None,
        });
        events.collect()
    }

    pub(super) fn fate(&self, id: &str) -> CommandState {
        let all = self.client.commands();
        { all.into_iter() }.find(|c| c.id == id).unwrap().state
    }

    pub(super) fn answer(&self, token: u64) -> Option<Result<Value, Trouble>> {
        self.notices.iter().find_map(|notice| match notice {
            Notice::Answer(of, answer) if *of == token => Some(answer.clone()),
            _ => None,
        })
    }
}
