//! A device that is being paired, while relays and agent come and go.

use super::super::*;
use deputy_protocol::link::{RefusalCode, RouteId};
use deputy_protocol::pairing::{PairingLink, PairingSecret, RelayPlace};
use deputy_protocol::remote::Down;
use deputy_protocol::session::{Introduced, Opening, Responder, Session, StaticKey};

const SECRET: [u8; 32] = [7; 32];
const EXPIRES_MS: u64 = 300_000;

/// The pairing, on a clock that the test moves, and what it asks for.
struct Bench {
    now: Now,
    agent: StaticKey,
    pairing: Pairing,
    dials: Vec<(u64, String)>,
    sent: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let agent = StaticKey::from_bytes([9; 32]);
        let relays = ["a.example:443", "b.example:443"].map(|address| RelayPlace {
            address: address.to_owned(),
            route: RouteId([1; 24]),
            certificate: None,
        });
        let link = PairingLink {
            host: "deputy.invalid".to_owned(),
            agent: agent.public(),
            secret: PairingSecret::from_bytes(SECRET),
            expires_at_ms: EXPIRES_MS,
            relays: relays.into(),
        };
        let now = Now {
            ticks: 0,
            unix_ms: 0,
        };
        let pairing = Pairing::begin(&link.to_string(), "phone", now).unwrap();
        let mut bench = Self {
            now,
            agent,
            pairing,
            dials: Vec::new(),
            sent: Vec::new(),
        };
        bench.settle();
        bench
    }

    fn settle(&mut self) {
        while let Some(effect) = self.pairing.next_effect() {
            match effect {
                Effect::Dial { attempt, place, .. } => self.dials.push((attempt, place.address)),
                Effect::Send { bytes, .. } => self.sent.extend(bytes),
                _ => {}
            }
        }
    }

    /// To the next thing that is to happen by itself.
    fn wait(&mut self) {
        let at = self.pairing.wake_at().expect("something that is to happen");
        let passed = at - self.now.ticks;
        self.now.ticks = at;
        self.now.unix_ms += i64::try_from(passed).unwrap();
        self.pairing.woken(self.now);
        self.settle();
    }

    fn refuse_all(&mut self) {
        while self.pairing.wake_at().is_some() {
            let dials = std::mem::take(&mut self.dials);
            if dials.is_empty() {
                return;
            }
            for (attempt, _) in dials {
                let offline = Some(RefusalCode::Offline);
                self.pairing.failed(attempt, offline, "it is off", self.now);
                self.settle();
            }
        }
    }

    /// The agent answers the handshake and shows its phrase.
    fn meet(&mut self, attempt: u64) -> Session {
        self.pairing.connected(attempt, self.now);
        self.settle();
        let (opening, answer) = Opening::decode(self.sent[..5].try_into().unwrap());
        let message = self.sent.split_off(7);
        let secret = PairingSecret::from_bytes(SECRET).pre_shared_key();
        let responder = Responder::new(
            opening.unwrap(),
            &self.agent,
            &RouteId([1; 24]),
            Some(&secret),
            &message,
        );
        let (mut session, reply) = responder.unwrap().finish(&Introduced::default()).unwrap();
        let compare = Down::Compare {
            phrase: "whatever the agent says".to_owned(),
        };
        let compare = serde_json::to_vec(&compare).unwrap();
        let compare = session.seal(&compare, 0).unwrap();
        let said = [answer, reply, compare].concat();
        self.pairing.received(attempt, &said, self.now);
        self.settle();
        session
    }
}

#[test]
fn an_agent_that_no_relay_knows_yet_is_looked_for_again_and_given_up_after_a_while() {
    let mut bench = Bench::new();
    let mut rounds = 0;
    while bench.pairing.wake_at().is_some() {
        assert!(matches!(bench.pairing.state(), PairingState::Connecting));
        bench.refuse_all();
        rounds += 1;
        if bench.pairing.wake_at().is_some() {
            bench.wait();
            assert_eq!(bench.dials[0].1, "a.example:443");
        }
    }
    assert!((5..20).contains(&rounds), "{rounds}");
    assert_eq!(bench.now.ticks, 16_000);
    let PairingState::Failed(PairingTrouble::Unreachable(why)) = bench.pairing.state() else {
        panic!("{:?}", bench.pairing.state());
    };
    assert_eq!(why, "it is off");
}

#[test]
fn an_agent_that_links_a_moment_later_is_found() {
    let mut bench = Bench::new();
    bench.refuse_all();
    bench.wait();
    let attempt = bench.dials.pop().unwrap().0;
    bench.meet(attempt);
    assert!(matches!(bench.pairing.state(), PairingState::Compare(_)));
}

#[test]
fn a_line_that_breaks_while_the_phrases_are_compared_is_looked_for_until_the_link_expires() {
    let mut bench = Bench::new();
    let attempt = bench.dials.pop().unwrap().0;
    bench.meet(attempt);
    bench.pairing.ended(attempt, None, bench.now);
    bench.settle();
    bench.dials.clear();
    let mut rounds = 0;
    while bench.pairing.wake_at().is_some() {
        assert!(matches!(bench.pairing.state(), PairingState::Compare(_)));
        bench.wait();
        bench.refuse_all();
        rounds += 1;
    }
    assert!(rounds > 100, "{rounds}");
    let unix_ms = u64::try_from(bench.now.unix_ms).unwrap();
    assert!(
        (EXPIRES_MS..EXPIRES_MS + 5_000).contains(&unix_ms),
        "{unix_ms}"
    );
    assert!(matches!(
        bench.pairing.state(),
        PairingState::Failed(PairingTrouble::Broken(_))
    ));
}
