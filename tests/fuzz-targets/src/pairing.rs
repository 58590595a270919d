//! Pairing links, and a device that pairs.

use crate::peer::Peer;
use crate::session::Meddling;
use arbitrary::{Arbitrary, Unstructured};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blake2::{Blake2s256, Digest};
use deputy_mobile_core::client::{Effect, Machine, Now, Pairing, PairingState};
use deputy_protocol::link::RouteId;
use deputy_protocol::pairing::{PairingLink, PairingSecret, RelayPlace, phrase};
use deputy_protocol::session::StaticKey;
use std::collections::BTreeMap;

/// A link as text, or the bytes in it, with a check that fits.
pub(crate) fn link(data: &[u8]) {
    let Some((&how, bytes)) = data.split_first() else {
        return;
    };
    let text = if how & 1 == 0 {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        let mut whole = bytes.to_vec();
        let mut hash = Blake2s256::new();
        hash.update(b"deputy pairing link 1");
        hash.update(bytes);
        whole.extend_from_slice(&hash.finalize()[..4]);
        format!("https://h/#{}", URL_SAFE_NO_PAD.encode(whole))
    };
    if let Ok(link) = PairingLink::parse(&text) {
        assert_eq!(text.trim(), link.to_string());
        assert_eq!(PairingLink::parse(&link.to_string()), Ok(link));
    }
    if let Some(hash) = bytes.first_chunk() {
        assert_eq!(phrase(hash).split(' ').count(), 4);
    }
}

#[derive(Debug, Arbitrary)]
enum Step {
    Pass(u16),
    Connected(u8),
    Failed(u8),
    Ended(u8, Option<u8>),
    Carry(u16),
    CarryAll,
    Meddle(Meddling),
    Junk(Vec<u8>),
    Compare,
    Paired,
    Says(Vec<u8>),
    Cancel,
}

/// Whatever comes, a device shows the phrase of its own session, and is paired only when the agent
/// has said so in it.
pub(crate) fn device(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let agent = StaticKey::from_bytes([2; 32]);
    let secret = PairingSecret::from_bytes([3; 32]);
    let relays: Vec<RelayPlace> = (0..2)
        .map(|n| RelayPlace {
            address: format!("relay-{n}:443"),
            route: RouteId([n; 24]),
            certificate: None,
        })
        .collect();
    let mut peer = Peer::awaits(*secret.pre_shared_key(), agent.clone());
    let link = PairingLink {
        host: "h".to_owned(),
        agent: agent.public(),
        secret,
        expires_at_ms: u64::MAX,
        relays,
    };
    let mut now = Now {
        ticks: 0,
        unix_ms: 0,
    };
    let mut pairing = Pairing::begin(&link.to_string(), "phone", now).unwrap();
    let (mut last, mut dialled, mut may_be_paired) = (0, BTreeMap::new(), false);
    for _ in 0..64 {
        let Ok(step) = Step::arbitrary(&mut data) else {
            break;
        };
        match step {
            Step::Pass(ms) => {
                now.ticks += u64::from(ms);
                pairing.woken(now);
            }
            Step::Connected(attempt) => {
                if let Some(route) = dialled.remove(&attempt.into()) {
                    peer.joined(attempt.into(), route);
                }
                pairing.connected(attempt.into(), now);
            }
            Step::Failed(attempt) => pairing.failed(attempt.into(), None, "why", now),
            Step::Ended(attempt, code) => {
                pairing.ended(attempt.into(), code.map(u64::from), now);
            }
            Step::Carry(_) | Step::CarryAll => {
                let way = peer.on_the_way.entry(last).or_default();
                let count = match step {
                    Step::Carry(bytes) => usize::from(bytes).min(way.len()),
                    _ => way.len(),
                };
                let carried: Vec<u8> = way.drain(..count).collect();
                pairing.received(last, &carried, now);
            }
            Step::Meddle(meddling) => {
                let way = peer.on_the_way.entry(last).or_default();
                *way = meddling.with(std::mem::take(way));
            }
            Step::Junk(bytes) => pairing.received(last, &bytes, now),
            Step::Compare => peer.says(br#"{"type":"compare","phrase":"theirs"}"#),
            Step::Paired => {
                may_be_paired = true;
                peer.says(br#"{"type":"paired","device":"d1","relays":[],"rights":["view"]}"#);
            }
            Step::Says(body) => {
                may_be_paired |= body.windows(6).any(|word| word == b"paired");
                peer.says(&body);
            }
            Step::Cancel => pairing.cancel(),
        }
        let mut effects = 0;
        while let Some(effect) = pairing.next_effect() {
            effects += 1;
            assert!(effects < 100, "it does not come to rest");
            match effect {
                Effect::Dial { attempt, place, .. } => {
                    last = attempt;
                    dialled.insert(attempt, place.route);
                }
                Effect::Send { attempt, bytes } => peer.hears(attempt, &bytes, now.ticks),
                Effect::Close { attempt } | Effect::HangUp { attempt } => peer.parted(attempt),
                Effect::NetworkChanged | Effect::Keep(..) | Effect::Tell(_) => {}
            }
        }
        if let Some(shown) = pairing.phrase() {
            let own = peer.hashes.iter().any(|hash| phrase(hash) == shown);
            assert!(own, "{shown} is the phrase of no session");
        }
        if let PairingState::Paired(device) = pairing.state() {
            assert!(may_be_paired);
            assert_eq!(device.agent, link.agent);
        }
    }
}
