//! An agent at the other end of a client's streams: it keeps to the protocol, unless it is told to
//! say something of its own.

use deputy_protocol::Time;
use deputy_protocol::link::RouteId;
use deputy_protocol::model::{ChatEvent, Event};
use deputy_protocol::remote::{Ask, Down, Up};
use deputy_protocol::session::{
    Introduced, Kind, Opening, Received, Responder, Session, StaticKey,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A stream at the agent's end.
enum End {
    Opening { route: RouteId, arrived: Vec<u8> },
    Open { session: Box<Session>, told: i64 },
}

/// The agent.
pub(crate) struct Peer {
    key: StaticKey,
    kind: Kind,
    secret: Option<[u8; 32]>,
    ends: BTreeMap<u64, End>,
    /// What is on the way to the device, by stream.
    pub(crate) on_the_way: BTreeMap<u64, Vec<u8>>,
    /// The ids of commands that were applied, in this order.
    pub(crate) applied: Vec<String>,
    /// The id that was asked last.
    pub(crate) asked_last: Option<String>,
    /// The last event.
    pub(crate) last: i64,
    /// The hashes of sessions that were opened.
    pub(crate) hashes: Vec<[u8; 32]>,
    now_ms: u64,
}

impl Peer {
    pub(crate) fn new(key: StaticKey, kind: Kind) -> Self {
        Self {
            key,
            kind,
            secret: None,
            ends: BTreeMap::new(),
            on_the_way: BTreeMap::new(),
            applied: Vec::new(),
            asked_last: None,
            last: 0,
            hashes: Vec::new(),
            now_ms: 0,
        }
    }

    pub(crate) fn awaits(secret: [u8; 32], key: StaticKey) -> Self {
        Self {
            secret: Some(secret),
            ..Self::new(key, Kind::Pairing)
        }
    }

    /// Somebody dialled a route.
    pub(crate) fn joined(&mut self, stream: u64, route: RouteId) {
        let arrived = Vec::new();
        self.ends.insert(stream, End::Opening { route, arrived });
    }

    pub(crate) fn parted(&mut self, stream: u64) {
        self.ends.remove(&stream);
    }

    pub(crate) fn is_joined(&self, stream: u64) -> bool {
        self.ends.contains_key(&stream)
    }

    /// What the device said on a stream.
    pub(crate) fn hears(&mut self, stream: u64, bytes: &[u8], now_ms: u64) {
        self.now_ms = now_ms;
        let mut said = Vec::new();
        match self.ends.get_mut(&stream) {
            None => return,
            Some(End::Opening { route, arrived }) => {
                arrived.extend_from_slice(bytes);
                let (route, arrived) = (*route, std::mem::take(arrived));
                self.shakes_hands(stream, &route, &arrived);
            }
            Some(End::Open { session, .. }) => {
                session.push(bytes);
                // The device is honest, and nothing is changed in this direction.
                while let Some(received) = session.pull().unwrap() {
                    if let Received::Message(body) = received {
                        said.push(body);
                    }
                }
            }
        }
        for body in said {
            self.answers(stream, &body);
        }
    }

    fn shakes_hands(&mut self, stream: u64, route: &RouteId, arrived: &[u8]) {
        let (opening, answer) = Opening::decode(arrived[..Opening::LEN].try_into().unwrap());
        let opening = opening.unwrap();
        // A device that lost the line while it paired comes back as one that is known.
        assert!(opening.kind == self.kind || opening.kind == Kind::Known);
        let message = &arrived[Opening::LEN + 2..];
        let secret = { self.secret.as_ref() }.filter(|_| opening.kind == Kind::Pairing);
        let responder = Responder::new(opening, &self.key, route, secret, message);
        let responder = responder.expect("a handshake for the route that was dialled");
        let follow = responder.said().follow.unwrap_or(-1);
        let told = if follow < 0 {
            self.last
        } else {
            follow.min(self.last)
        };
        let (session, reply) = responder.finish(&Introduced::default()).unwrap();
        self.hashes.push(*session.hash());
        let session = Box::new(session);
        self.ends.insert(stream, End::Open { session, told });
        let way = self.on_the_way.entry(stream).or_default();
        way.extend([answer, reply].concat());
        if self.kind == Kind::Known {
            self.say(stream, &json!({"type": "following", "after": told}));
            self.tells();
        }
    }

    fn answers(&mut self, stream: u64, body: &[u8]) {
        match serde_json::from_slice(body).unwrap() {
            Up::Ping => self.say(stream, &json!({"type": "pong"})),
            Up::Ask { id, what } => {
                let ask = Ask::from_value(what).expect("a question that is known");
                let answer = self.answer(&id, &ask);
                self.asked_last = Some(id.clone());
                self.say(stream, &json!({"type": "answer", "id": id, "ok": answer}));
            }
            Up::Follow { .. } | Up::Unknown => panic!("a client follows in its handshake"),
        }
    }

    fn answer(&mut self, id: &str, ask: &Ask) -> Value {
        if ask.is_command() {
            if !self.applied.iter().any(|known| known == id) {
                self.applied.push(id.to_owned());
            }
            return json!({"type": "done", "value": {"id": "x", "message": "done"}});
        }
        match ask {
            Ask::Chat { after, limit, .. } => {
                let line = |seq| ChatEvent {
                    seq,
                    at: Time(0),
                    automation: None,
                    kind: "reply".to_owned(),
                    author: "deputy".to_owned(),
                    data: Value::Null,
                };
                let newer = (after.saturating_add(1)..=self.last).map(line);
                let lines: Vec<ChatEvent> = newer.take(*limit as usize).collect();
                json!({"type": "chat", "value": lines})
            }
            Ask::Run { .. } => {
                json!({"type": "run_detail", "value": {"state": "running", "n": self.last}})
            }
            _ => json!({"type": "of a newer version", "value": self.last}),
        }
    }

    /// Something happens.
    pub(crate) fn happens(&mut self) {
        self.last += 1;
        self.tells();
    }

    /// An older copy of its data is put back: what is told is counted from there.
    pub(crate) fn goes_back(&mut self) {
        self.last /= 2;
        self.ends.clear();
        self.on_the_way.clear();
    }

    fn tells(&mut self) {
        let mut news = Vec::new();
        for (stream, end) in &mut self.ends {
            if let End::Open { told, .. } = end {
                news.extend((*told + 1..=self.last).map(|seq| (*stream, seq)));
                *told = self.last;
            }
        }
        for (stream, seq) in news {
            let event = Event {
                seq,
                at: Time(0),
                kind: ["run_ended", "chat", "log"][seq.unsigned_abs() as usize % 3].to_owned(),
                automation: None,
                run: None,
                data: Value::Null,
            };
            let told = serde_json::to_value(Down::Event { event }).unwrap();
            self.say(stream, &told);
        }
    }

    /// Says the same to everybody: anything.
    pub(crate) fn says(&mut self, body: &[u8]) {
        let streams: Vec<u64> = self.ends.keys().copied().collect();
        for stream in streams {
            self.say_bytes(stream, body);
        }
    }

    fn say(&mut self, stream: u64, what: &Value) {
        self.say_bytes(stream, what.to_string().as_bytes());
    }

    fn say_bytes(&mut self, stream: u64, body: &[u8]) {
        if let Some(End::Open { session, .. }) = self.ends.get_mut(&stream) {
            let sealed = session.seal(body, self.now_ms).unwrap();
            self.on_the_way.entry(stream).or_default().extend(sealed);
        }
    }
}
