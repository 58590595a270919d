#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::link::RouteId;
use proptest::prelude::*;

const ROUTE: RouteId = RouteId([9; 24]);

fn key(byte: u8) -> StaticKey {
    StaticKey::from_bytes([byte; 32])
}

fn said(name: &str) -> Introduced {
    Introduced {
        software: "test/1".to_owned(),
        name: name.to_owned(),
        features: Vec::new(),
        follow: None,
    }
}

/// The message within its two bytes of length.
fn inner(framed: &[u8]) -> &[u8] {
    let length = usize::from(u16::from_be_bytes([framed[0], framed[1]]));
    assert_eq!(framed.len(), 2 + length);
    &framed[2..]
}

fn opening(bytes: &[u8]) -> Opening {
    let (opening, answer) = Opening::decode(bytes[..Opening::LEN].try_into().unwrap());
    assert_eq!(Opened::read(&answer), Ok(Opened::Taken(1)));
    opening.unwrap()
}

/// Both ends of a session.
fn pair(kind: Kind, secret: Option<&[u8; 32]>) -> (Session, Session) {
    let (device, agent) = (key(1), key(2));
    let (initiator, first) = Initiator::new(
        kind,
        &device,
        &agent.public(),
        &ROUTE,
        secret,
        &said("phone"),
    )
    .unwrap();
    let responder = Responder::new(
        opening(&first),
        &agent,
        &ROUTE,
        secret,
        inner(&first[Opening::LEN..]),
    )
    .unwrap();
    assert_eq!(responder.device(), device.public());
    assert_eq!(responder.said().name, "phone");
    let (theirs, second) = responder.finish(&said("")).unwrap();
    let (ours, heard) = initiator.finish(inner(&second)).unwrap();
    assert_eq!(heard.software, "test/1");
    assert_eq!(ours.hash(), theirs.hash());
    (ours, theirs)
}

fn messages(session: &mut Session, bytes: &[u8]) -> Result<Vec<Received>, SessionError> {
    session.push(bytes);
    let mut all = Vec::new();
    while let Some(next) = session.pull()? {
        all.push(next);
    }
    Ok(all)
}

#[test]
fn both_kinds_lead_to_a_session_that_speaks_both_ways() {
    for (kind, secret) in [(Kind::Known, None), (Kind::Pairing, Some(&[5; 32]))] {
        let (mut ours, mut theirs) = pair(kind, secret);
        let up = ours.seal(b"up", 0).unwrap();
        assert_eq!(
            messages(&mut theirs, &up).unwrap(),
            [Received::Message(b"up".to_vec())]
        );
        let down = theirs.seal(b"down", 0).unwrap();
        assert_eq!(
            messages(&mut ours, &down).unwrap(),
            [Received::Message(b"down".to_vec())]
        );
    }
}

#[test]
fn another_agent_another_route_another_secret_and_another_kind_are_refused() {
    let (device, agent) = (key(1), key(2));
    let begin = |kind, secret: Option<&[u8; 32]>| {
        Initiator::new(kind, &device, &agent.public(), &ROUTE, secret, &said(""))
            .unwrap()
            .1
    };
    let known = begin(Kind::Known, None);
    let answer = |key: &StaticKey, route: &RouteId, opening: Opening, secret, bytes: &[u8]| {
        Responder::new(opening, key, route, secret, inner(&bytes[Opening::LEN..])).err()
    };
    let of = opening(&known);
    assert_eq!(
        answer(&key(3), &ROUTE, of, None, &known),
        Some(SessionError::Handshake)
    );
    assert_eq!(
        answer(&agent, &RouteId([8; 24]), of, None, &known),
        Some(SessionError::Handshake)
    );
    let pairing = begin(Kind::Pairing, Some(&[5; 32]));
    let of = opening(&pairing);
    assert_eq!(
        answer(&agent, &ROUTE, of, Some(&[6; 32]), &pairing),
        Some(SessionError::Handshake)
    );
    // The same bytes under another kind: the prologue is another.
    let as_known = Opening::of(Kind::Known);
    assert_eq!(
        answer(&agent, &ROUTE, as_known, None, &pairing),
        Some(SessionError::Handshake)
    );
    assert!(matches!(
        answer(&agent, &ROUTE, of, None, &pairing),
        Some(SessionError::Protocol(_))
    ));
}

#[test]
fn a_recorded_first_message_begins_a_session_that_the_recorder_cannot_speak_in() {
    let (device, agent) = (key(1), key(2));
    let (_, first) = Initiator::new(
        Kind::Known,
        &device,
        &agent.public(),
        &ROUTE,
        None,
        &said(""),
    )
    .unwrap();
    let again = || {
        Responder::new(
            opening(&first),
            &agent,
            &ROUTE,
            None,
            inner(&first[Opening::LEN..]),
        )
        .unwrap()
        .finish(&said(""))
        .unwrap()
    };
    let (mut session, _) = again();
    let (mut other, _) = again();
    // What one of them would say cannot be said by whoever only has the bytes.
    let forged = other.seal(b"stop everything", 0).unwrap();
    assert_eq!(messages(&mut session, &forged), Err(SessionError::Tampered));
}

#[test]
fn another_version_is_told_with_what_to_do() {
    let mut bytes = Opening::of(Kind::Known).encode();
    bytes[3] = 200;
    let (opening, answer) = Opening::decode(bytes);
    let newer = opening.unwrap_err();
    assert!(newer.to_string().contains("update Deputy here"), "{newer}");
    let older = Opened::read(&answer).unwrap_err();
    assert_eq!(older, SessionError::Version { theirs: vec![1] });
    for n in 0..answer.len() {
        assert!(matches!(Opened::read(&answer[..n]), Ok(Opened::More(_))));
    }
    let (opening, answer) = Opening::decode(*b"GET /");
    assert_eq!(opening, Err(SessionError::NotDeputy));
    assert!(answer.is_empty());
}

#[test]
fn an_end_without_goodbye_is_told_from_one_with_it() {
    let (mut ours, mut theirs) = pair(Kind::Known, None);
    let sealed = ours.seal(b"last words", 0).unwrap();
    messages(&mut theirs, &sealed).unwrap();
    assert_eq!(theirs.end(), Err(SessionError::CutOff));
    let goodbye = ours.goodbye().unwrap();
    assert_eq!(
        messages(&mut theirs, &goodbye).unwrap(),
        [Received::Goodbye]
    );
    assert_eq!(theirs.end(), Ok(()));
    let more = ours.seal(b"and another thing", 0).unwrap();
    assert!(messages(&mut theirs, &more).is_err());
}

#[test]
fn a_piece_that_is_not_whole_is_told_from_the_one_before() {
    let (mut device, mut agent) = pair(Kind::Known, None);
    assert_eq!(device.under_way(), None);
    let first = agent.seal(b"one", 0).unwrap();
    let second = agent.seal(b"two", 0).unwrap();
    let (head, rest) = second.split_at(1);
    assert_eq!(
        messages(&mut device, &[&first, head].concat())
            .unwrap()
            .len(),
        1
    );
    assert_eq!(device.under_way(), Some(1));
    assert_eq!(messages(&mut device, rest).unwrap().len(), 1);
    assert_eq!(device.under_way(), None);
    // What is announced and never comes stays the same one, whatever arrives.
    for _ in 0..3 {
        let said = [&[0xff, 0xff][..], &agent.seal(b"three", 0).unwrap()].concat();
        assert!(messages(&mut device, &said).unwrap().is_empty());
        assert_eq!(device.under_way(), Some(2));
    }
}

#[test]
fn messages_of_every_length_arrive_whole_and_no_longer_one_is_taken() {
    let (mut ours, mut theirs) = pair(Kind::Known, None);
    let part = MAX_NOISE - 17;
    for length in [0, 1, part - 1, part, part + 1, 2 * part, MAX_BODY] {
        let body = vec![7; length];
        let sealed = ours.seal(&body, 0).unwrap();
        assert_eq!(
            messages(&mut theirs, &sealed).unwrap(),
            [Received::Message(body)]
        );
    }
    assert_eq!(
        ours.seal(&vec![0; MAX_BODY + 1], 0),
        Err(SessionError::TooLong)
    );
}

#[test]
fn keys_change_by_count_and_by_time() {
    let (mut ours, mut theirs) = pair(Kind::Known, None);
    for n in 0..70_000u32 {
        let sealed = ours.seal(&n.to_be_bytes(), 0).unwrap();
        let expected = Received::Message(n.to_be_bytes().to_vec());
        assert_eq!(messages(&mut theirs, &sealed).unwrap(), [expected]);
    }
    let before = ours.seal(b"a", 1_000).unwrap();
    let after = ours.seal(b"a", 3_700_000).unwrap();
    assert!(after.len() > before.len(), "a new key is announced");
    messages(&mut theirs, &before).unwrap();
    assert_eq!(messages(&mut theirs, &after).unwrap().len(), 1);
}

/// What somebody on the way does to sealed messages.
#[derive(Clone, Debug)]
enum Attack {
    Flip(usize, u8),
    Drop(usize),
    Repeat(usize),
    Swap(usize),
    Cut(usize),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_on_the_way_is_seen(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 2..6),
        attack in prop_oneof![
            (any::<usize>(), 1u8..).prop_map(|(at, with)| Attack::Flip(at, with)),
            any::<usize>().prop_map(Attack::Drop),
            any::<usize>().prop_map(Attack::Repeat),
            any::<usize>().prop_map(Attack::Swap),
            any::<usize>().prop_map(Attack::Cut),
        ],
    ) {
        let (mut ours, mut theirs) = pair(Kind::Known, None);
        let mut sealed: Vec<Vec<u8>> = bodies.iter().map(|body| ours.seal(body, 0).unwrap()).collect();
        sealed.push(ours.goodbye().unwrap());
        let count = sealed.len();
        match attack {
            Attack::Flip(at, with) => {
                let mut all = sealed.concat();
                let at = at % all.len();
                all[at] ^= with;
                sealed = vec![all];
            }
            Attack::Drop(at) => { sealed.remove(at % count); }
            Attack::Repeat(at) => { let again = sealed[at % count].clone(); sealed.insert(at % count, again); }
            Attack::Swap(at) => sealed.swap(at % count, (at + 1) % count),
            Attack::Cut(at) => {
                let mut all = sealed.concat();
                all.truncate(at % all.len());
                sealed = vec![all];
            }
        }
        let heard = messages(&mut theirs, &sealed.concat());
        let clean = heard.is_ok() && theirs.end().is_ok();
        prop_assert!(!clean, "nobody saw it");
    }

    #[test]
    fn any_bytes_are_an_error_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (mut ours, _) = pair(Kind::Known, None);
        ours.push(&bytes);
        let _ = ours.pull();
        let agent = key(2);
        let _ = Responder::new(Opening::of(Kind::Known), &agent, &ROUTE, None, &bytes);
        let _ = Opened::read(&bytes);
    }

    #[test]
    fn how_the_stream_is_cut_into_pieces_does_not_matter(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..5), step in 1usize..50,
    ) {
        let (mut ours, mut theirs) = pair(Kind::Known, None);
        let sealed: Vec<u8> = bodies.iter().flat_map(|body| ours.seal(body, 0).unwrap()).collect();
        let mut heard = Vec::new();
        for piece in sealed.chunks(step) {
            heard.extend(messages(&mut theirs, piece).unwrap());
        }
        let expected: Vec<Received> = bodies.into_iter().map(Received::Message).collect();
        prop_assert_eq!(heard, expected);
    }
}
