//! The handshake and the messages of a session, with somebody in between.

use arbitrary::{Arbitrary, Unstructured};
use deputy_protocol::link::RouteId;
use deputy_protocol::pairing::phrase;
use deputy_protocol::session::{
    Initiator, Introduced, Kind, MAX_HANDSHAKE, Opened, Opening, Received, Responder, Session,
    StaticKey,
};

/// What somebody in between does to bytes.
#[derive(Debug, Arbitrary)]
pub(crate) enum Meddling {
    Nothing,
    Flip { at: u16, bit: u8 },
    Cut { at: u16 },
    More(Vec<u8>),
    Other(Vec<u8>),
}

impl Meddling {
    pub(crate) fn with(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Nothing => {}
            Self::Flip { at, bit } => {
                let count = bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(usize::from(*at) % count) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Cut { at } => bytes.truncate(usize::from(*at) % (bytes.len() + 1)),
            Self::More(more) => bytes.extend_from_slice(more),
            Self::Other(other) => bytes.clone_from(other),
        }
        bytes
    }
}

#[derive(Debug, Arbitrary)]
struct Shake {
    is_pairing: bool,
    keys: [[u8; 32]; 3],
    route: [u8; 24],
    software: String,
    name: String,
    features: Vec<String>,
    follow: Option<i64>,
    there: Meddling,
    back: Meddling,
}

/// The message at the beginning of what came, as an agent reads it, and how long it is with its
/// length.
fn message(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let message = rest.get(..length).filter(|_| length <= MAX_HANDSHAKE)?;
    Some((message, 2 + length))
}

/// Both sides agree, or one of them refuses: whatever was changed on the way is found out.
pub(crate) fn handshake(data: &[u8]) {
    let Ok(shake) = Shake::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    let [device, agent, secret] = &shake.keys;
    let (device, agent) = (
        StaticKey::from_bytes(*device),
        StaticKey::from_bytes(*agent),
    );
    let kind = if shake.is_pairing {
        Kind::Pairing
    } else {
        Kind::Known
    };
    let secret = shake.is_pairing.then_some(secret);
    let route = RouteId(shake.route);
    let said = Introduced {
        software: shake.software,
        name: shake.name,
        features: shake.features,
        follow: shake.follow,
    };
    let begun = Initiator::new(kind, &device, &agent.public(), &route, secret, &said);
    // Longer than it may be.
    let Ok((initiator, first)) = begun else {
        return;
    };
    let came = shake.there.with(first.clone());
    let Some((opening, rest)) = came.split_first_chunk::<{ Opening::LEN }>() else {
        return;
    };
    let (opening, mut answer) = Opening::decode(*opening);
    // The device reads whatever that says.
    let _ = Opened::read(&answer);
    let (Ok(opening), Some((sealed, length))) = (opening, message(rest)) else {
        return;
    };
    let read = came.get(..Opening::LEN + length);
    let of_kind = secret.filter(|_| opening.kind == Kind::Pairing);
    let responder = Responder::new(opening, &agent, &route, of_kind, sealed);
    let is_as_said = read == Some(first.as_slice());
    assert_eq!(responder.is_ok(), is_as_said, "{came:?}");
    let Ok(responder) = responder else { return };
    assert_eq!(responder.device(), device.public());
    assert_eq!(responder.said(), &said);

    let (mut at_agent, reply) = responder.finish(&Introduced::default()).unwrap();
    answer.extend(reply);
    let came = shake.back.with(answer.clone());
    let Ok(Opened::Taken(opened)) = Opened::read(&came) else {
        return;
    };
    let Some((sealed, length)) = message(&came[opened..]) else {
        return;
    };
    let is_as_said = came[..opened + length] == answer;
    let session = initiator.finish(sealed);
    assert_eq!(session.is_ok(), is_as_said, "{came:?}");
    let Ok((mut at_device, _)) = session else {
        return;
    };
    assert_eq!(at_device.hash(), at_agent.hash());
    assert_eq!(phrase(at_device.hash()), phrase(at_agent.hash()));
    at_agent.push(&at_device.seal(b"a word", 0).unwrap());
    let word = Received::Message(b"a word".to_vec());
    assert_eq!(at_agent.pull(), Ok(Some(word)));
}

/// Two sides that have shaken hands.
pub(crate) fn pair() -> (Session, Session) {
    let (device, agent) = (
        StaticKey::from_bytes([1; 32]),
        StaticKey::from_bytes([2; 32]),
    );
    let route = RouteId([3; 24]);
    let said = Introduced::default();
    let begun = Initiator::new(Kind::Known, &device, &agent.public(), &route, None, &said);
    let (initiator, first) = begun.unwrap();
    let opening = Opening::of(Kind::Known);
    let first = &first[Opening::LEN + 2..];
    let responder = Responder::new(opening, &agent, &route, None, first).unwrap();
    let (at_agent, reply) = responder.finish(&said).unwrap();
    let (at_device, _) = initiator.finish(&reply[2..]).unwrap();
    (at_device, at_agent)
}

/// What happens on a line.
#[derive(Debug, Arbitrary)]
enum Step {
    /// A body of so many bytes.
    Say(u8),
    /// One of about as many as a Noise message holds.
    SayLong(u8),
    Goodbye,
    /// So many seconds go by: keys are used for an hour.
    Pass(u16),
    /// So many bytes get through.
    Carry(u16),
    /// All that is on the way gets through.
    CarryAll,
    Meddle(Meddling),
    /// What is on the way comes twice.
    Repeat,
    End,
}

/// What one side said comes out at the other in order, whole, and no more than that.
pub(crate) fn transport(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let (mut here, mut there) = pair();
    let (mut said, mut heard) = (Vec::new(), 0);
    let mut on_the_way = Vec::new();
    let (mut now_ms, mut is_honest, mut is_over) = (0, true, false);
    for _ in 0..64 {
        let Ok(step) = Step::arbitrary(&mut data) else {
            break;
        };
        match step {
            Step::Say(_) | Step::SayLong(_) if is_over => {}
            // Enough for all that can come of it.
            Step::SayLong(_) | Step::Repeat if on_the_way.len() > 300_000 || said.len() > 32 => {}
            Step::Say(length) => {
                let body = vec![length; usize::from(length)];
                on_the_way.extend(here.seal(&body, now_ms).unwrap());
                said.push(Received::Message(body));
            }
            Step::SayLong(more) => {
                let body = vec![more; 65_400 + usize::from(more)];
                on_the_way.extend(here.seal(&body, now_ms).unwrap());
                said.push(Received::Message(body));
            }
            Step::Goodbye if is_over => {}
            Step::Goodbye => {
                on_the_way.extend(here.goodbye().unwrap());
                said.push(Received::Goodbye);
                is_over = true;
            }
            Step::Pass(seconds) => now_ms += u64::from(seconds) * 1_000,
            Step::Carry(bytes) => {
                let count = usize::from(bytes).min(on_the_way.len());
                there.push(&on_the_way[..count]);
                on_the_way.drain(..count);
            }
            Step::CarryAll => there.push(&std::mem::take(&mut on_the_way)),
            Step::Meddle(Meddling::Nothing) => {}
            Step::Meddle(meddling) => {
                is_honest = false;
                on_the_way = meddling.with(on_the_way);
            }
            Step::Repeat => {
                is_honest &= on_the_way.is_empty();
                on_the_way.extend_from_within(..);
            }
            Step::End => {
                if is_honest && on_the_way.is_empty() && there.end().is_ok() {
                    assert!(is_over, "cut off, and not said so");
                }
            }
        }
        loop {
            match there.pull() {
                Ok(Some(received)) => {
                    assert_eq!(said.get(heard), Some(&received));
                    heard += 1;
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(!is_honest, "{error}");
                    assert_eq!(there.pull(), Err(error.clone()));
                    assert_eq!(there.end(), Err(error));
                    break;
                }
            }
        }
    }
    if is_honest && on_the_way.is_empty() {
        assert_eq!(heard, said.len());
    }
}
