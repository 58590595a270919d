//! The client with an agent, a line between them that does what it likes, and an app that is closed
//! and opened again.

use crate::peer::Peer;
use crate::session::Meddling;
use arbitrary::{Arbitrary, Unstructured};
use deputy_mobile_core::PairedDevice;
use deputy_mobile_core::client::{
    Client, CommandState, Effect, Kept, LineState, Machine, Notice, Now,
};
use deputy_protocol::link::{RefusalCode, RouteId};
use deputy_protocol::remote::Ask;
use deputy_protocol::session::{Kind, StaticKey};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What happens next.
#[derive(Debug, Arbitrary)]
enum Step {
    Command(u8),
    Ask {
        what: u8,
        patience_ms: u16,
    },
    Watch(u8),
    Unwatch(u8),
    Withdraw(u8),
    Forget(u8),
    Suspend,
    Resume,
    NetworkChanged,
    /// So many times 10 ms go by.
    Pass(u16),
    Connected(Which),
    Failed(Which, bool),
    Ended(Which, Option<u8>),
    /// So many bytes get through to the device.
    Carry(u16),
    CarryAll,
    Meddle(Meddling),
    /// Bytes out of nowhere.
    Junk(Which, Vec<u8>),
    Happens,
    /// The agent's data is an older copy.
    GoesBack,
    /// The agent says something of its own.
    Says(Vec<u8>),
    /// It answers once more what was asked last, with something that nests so deep.
    AnswersDeep(u8),
    SaysRelays(u8),
    SaysEvent(i64),
    /// The app is closed and opened again.
    Restart,
}

/// Which try: the last one, or one of those before it or still to come.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Which {
    Last,
    Other(u8),
}

const COMMANDS: usize = 4;

fn command(of: u8) -> Ask {
    let automation = format!("a{}", of % 3);
    match usize::from(of) % COMMANDS {
        0 => Ask::AutomationRun { automation },
        1 => Ask::AutomationPause { automation },
        2 => Ask::RunCancel {
            run: format!("r{of}"),
        },
        _ => Ask::Say {
            text: "a".repeat(usize::from(of)),
            automation: None,
            timezone: None,
        },
    }
}

fn question(of: u8) -> Ask {
    match of % 4 {
        0 => Ask::Status,
        1 => Ask::Chat {
            automation: None,
            after: 0,
            limit: u32::from(of),
        },
        2 => Ask::Run {
            run: "r1".to_owned(),
        },
        _ => Ask::Automations { archived: of > 127 },
    }
}

struct Story {
    device: PairedDevice,
    client: Client,
    peer: Peer,
    now: Now,
    /// The last try.
    last: u64,
    dialled: BTreeMap<u64, (RouteId, Vec<u8>)>,
    disk: HashMap<Kept, Vec<u8>>,
    said: Vec<String>,
    withdrawn: Vec<String>,
    seen: i64,
    /// The agent has said nothing of its own.
    is_honest: bool,
}

/// Whatever happens, a command is applied once or not at all, as the app is told, events come in
/// order, and as soon as the line is good everything comes right.
pub(crate) fn client(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let mut story = Story::begins();
    story.settle();
    for _ in 0..96 {
        let Ok(step) = Step::arbitrary(&mut data) else {
            break;
        };
        story.step(step);
        story.settle();
        story.holds();
    }
    story.ends_well();
}

impl Story {
    fn begins() -> Self {
        let agent = StaticKey::from_bytes([2; 32]);
        let relays: Vec<_> = (0..2)
            .map(|n| json!({"address": format!("relay-{n}:443"), "route": RouteId([n; 24])}))
            .collect();
        let device = json!({"id": "d1", "agent": agent.public(), "relays": relays,
            "rights": ["view", "control", "approve"], "secret": vec![1; 32]});
        let device: PairedDevice = serde_json::from_value(device).unwrap();
        let now = Now {
            ticks: 1_000,
            unix_ms: 1_700_000_000_000,
        };
        Self {
            client: Client::open(device.clone(), &[], now).0,
            device,
            peer: Peer::new(agent, Kind::Known),
            now,
            last: 0,
            dialled: BTreeMap::new(),
            disk: HashMap::new(),
            said: Vec::new(),
            withdrawn: Vec::new(),
            seen: -1,
            is_honest: true,
        }
    }

    fn which(&self, which: Which) -> u64 {
        match which {
            Which::Last => self.last,
            Which::Other(n) => u64::from(n),
        }
    }

    fn some_command(&self, n: u8) -> Option<String> {
        let count = self.said.len().max(1);
        self.said.get(usize::from(n) % count).cloned()
    }

    fn step(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Command(of) => {
                if let Ok(id) = self.client.command(command(of), now) {
                    self.said.push(id);
                }
            }
            Step::Ask { what, patience_ms } => {
                let asked = self.client.ask(question(what), patience_ms.into(), now);
                asked.unwrap();
            }
            Step::Watch(of) => self.client.watch(question(of), now).unwrap(),
            Step::Unwatch(of) => self.client.unwatch(&question(of)),
            Step::Withdraw(n) => {
                if let Some(id) = self.some_command(n)
                    && self.client.withdraw(&id)
                {
                    self.withdrawn.push(id);
                }
            }
            Step::Forget(n) => {
                if let Some(id) = self.some_command(n) {
                    self.client.forget(&id);
                }
            }
            Step::Suspend => self.client.suspend(),
            Step::Resume => self.client.resume(now),
            Step::NetworkChanged => self.client.network_changed(now),
            Step::Pass(tens) => self.pass(u64::from(tens) * 10),
            Step::Connected(which) => self.connect(self.which(which)),
            Step::Failed(which, is_refused) => {
                let refused = is_refused.then_some(RefusalCode::Offline);
                let attempt = self.which(which);
                self.dialled.remove(&attempt);
                self.client.failed(attempt, refused, "why", now);
            }
            Step::Ended(which, code) => {
                let attempt = self.which(which);
                self.peer.parted(attempt);
                self.client.ended(attempt, code.map(u64::from), now);
            }
            Step::Carry(bytes) => self.carry(usize::from(bytes)),
            Step::CarryAll => self.carry(usize::MAX),
            Step::Meddle(meddling) => {
                if let Some(way) = self.peer.on_the_way.get_mut(&self.last) {
                    *way = meddling.with(std::mem::take(way));
                }
            }
            Step::Junk(which, bytes) => self.client.received(self.which(which), &bytes, now),
            Step::Happens => self.peer.happens(),
            Step::GoesBack => {
                self.peer.goes_back();
                // What never arrived may arrive yet.
                self.seen = self.seen.min(self.peer.last);
            }
            Step::Says(body) => self.says(&body),
            Step::AnswersDeep(depth) => {
                let depth = usize::from(depth);
                if let Some(id) = self.peer.asked_last.clone() {
                    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
                    let answer = format!(r#"{{"type":"answer","id":"{id}","ok":{open}{close}}}"#);
                    // Before the answer that is on the way.
                    self.peer.on_the_way.clear();
                    self.says(answer.as_bytes());
                }
            }
            Step::SaysRelays(count) => {
                let relays: Vec<_> = (0..count % 4)
                    .map(|n| json!({"address": format!("r{n}:1"), "route": RouteId([n % 2; 24])}))
                    .collect();
                let relays = json!({"type": "relays", "relays": relays});
                self.peer.says(relays.to_string().as_bytes());
            }
            Step::SaysEvent(seq) => {
                let event = json!({"seq": seq, "at": "2026-01-01T00:00:00Z", "kind": "log",
                    "automation": null, "run": null, "data": null});
                let event = json!({"type": "event", "event": event});
                self.says(event.to_string().as_bytes());
            }
            Step::Restart => self.restart(),
        }
    }

    fn says(&mut self, body: &[u8]) {
        self.is_honest = false;
        self.peer.says(body);
    }

    fn connect(&mut self, attempt: u64) {
        // A driver says so once, of a stream that it was asked for.
        let dialled = self.dialled.remove(&attempt);
        if let Some((route, first)) = dialled {
            self.peer.joined(attempt, route);
            self.peer.hears(attempt, &first, self.now.ticks);
        }
        self.client.connected(attempt, self.now);
    }

    fn carry(&mut self, bytes: usize) {
        let Some(way) = self.peer.on_the_way.get_mut(&self.last) else {
            return;
        };
        let carried: Vec<u8> = way.drain(..bytes.min(way.len())).collect();
        self.client.received(self.last, &carried, self.now);
    }

    fn pass(&mut self, ms: u64) {
        self.now.ticks += ms;
        self.now.unix_ms += i64::try_from(ms).unwrap();
    }

    fn restart(&mut self) {
        let kept: Vec<_> = self.disk.clone().into_iter().collect();
        let (client, error) = Client::open(self.device.clone(), &kept, self.now);
        assert_eq!(error, None, "what was kept is lost");
        let before = self.client.commands();
        let after = client.commands();
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((&before.id, &before.state), (&after.id, &after.state));
        }
        self.client = client;
        self.peer.on_the_way.clear();
        for attempt in 0..=self.last {
            self.peer.parted(attempt);
        }
        self.last = 0;
        self.dialled.clear();
        // An event that was told and not kept is told again.
        self.seen = -1;
    }

    /// Lets everything happen that happens without time going by.
    fn settle(&mut self) {
        let mut woken = 0;
        loop {
            let mut effects = 0;
            while let Some(effect) = self.client.next_effect() {
                effects += 1;
                assert!(effects < 10_000, "it does not come to rest");
                self.apply(effect);
            }
            if { self.client.wake_at() }.is_none_or(|at| at > self.now.ticks) {
                return;
            }
            woken += 1;
            assert!(woken < 64, "it wants to be woken again and again");
            self.client.woken(self.now);
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Dial {
                attempt,
                place,
                first,
            } => {
                assert!(attempt > self.last);
                self.last = attempt;
                self.dialled.insert(attempt, (place.route, first));
            }
            Effect::Send { attempt, bytes } => {
                self.peer.hears(attempt, &bytes, self.now.ticks);
            }
            Effect::Close { attempt } | Effect::HangUp { attempt } => {
                self.dialled.remove(&attempt);
                self.peer.parted(attempt);
            }
            Effect::NetworkChanged => {}
            Effect::Keep(what, sealed) => drop(self.disk.insert(what, sealed)),
            Effect::Tell(notice) => self.told(notice),
        }
    }

    fn told(&mut self, notice: Notice) {
        match notice {
            Notice::Event(event) if self.is_honest => {
                assert!(event.seq > self.seen, "{} after {}", event.seq, self.seen);
                self.seen = event.seq;
            }
            Notice::Command(command) if self.is_honest => match command.state {
                CommandState::Applied { .. } => assert!(self.peer.applied.contains(&command.id)),
                CommandState::Waiting => assert!(!self.peer.applied.contains(&command.id)),
                CommandState::Sent => {}
                state @ (CommandState::Refused { .. } | CommandState::Unknown { .. }) => {
                    panic!("{state:?}")
                }
            },
            Notice::Device(device) => self.device = *device,
            Notice::NotKept(why) => panic!("{why}"),
            _ => {}
        }
    }

    fn holds(&self) {
        let applied: BTreeSet<&String> = self.peer.applied.iter().collect();
        assert_eq!(applied.len(), self.peer.applied.len(), "applied twice");
        assert!(applied.iter().all(|id| self.said.contains(id)));
        let taken_back = self.withdrawn.iter().find(|id| applied.contains(id));
        assert_eq!(taken_back, None, "applied, and taken back before");
    }

    /// The line is good from here on.
    fn ends_well(&mut self) {
        self.client.resume(self.now);
        self.settle();
        for _ in 0..400 {
            let is_settled = |state: &CommandState| state.is_settled();
            let commands = self.client.commands();
            let is_open = self.client.state() == LineState::Open;
            if is_open && commands.iter().all(|command| is_settled(&command.state)) {
                break;
            }
            if self.dialled.contains_key(&self.last) {
                self.connect(self.last);
                self.settle();
            } else if !is_open && !self.peer.is_joined(self.last) {
                self.client.ended(self.last, None, self.now);
                self.settle();
            }
            while !{ self.peer.on_the_way.get(&self.last) }.is_none_or(Vec::is_empty) {
                self.carry(usize::MAX);
                self.settle();
            }
            if let Some(at) = self.client.wake_at() {
                self.pass(at.saturating_sub(self.now.ticks));
                self.settle();
            }
        }
        self.holds();
        if !self.is_honest {
            return;
        }
        assert_eq!(self.client.state(), LineState::Open);
        for command in self.client.commands() {
            let is_applied = matches!(command.state, CommandState::Applied { .. });
            assert!(is_applied, "{command:?}");
            assert!(self.peer.applied.contains(&command.id));
        }
    }
}
