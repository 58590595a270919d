//! The vectors of `docs/wire/vectors`: those that another implementation has made from the
//! specification, and those of other implementations of Noise.

use super::handshake::{Terms, open, seal};
use super::*;
use crate::link::RouteId;
use crate::pairing::{PairingLink, phrase};
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire/vectors");
    let text = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

fn framed(message: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    [length.to_vec(), message].concat()
}

fn is_spoken_alike(name: &str) {
    let v = vectors(name);
    let opening: [u8; Opening::LEN] = fixed(&v["opening"]);
    let opening = Opening::decode(opening).0.unwrap();
    let device = StaticKey::from_bytes(fixed(&v["device_private"]));
    let agent = StaticKey::from_bytes(fixed(&v["agent_private"]));
    assert_eq!(device.public().0, fixed(&v["device_public"]));
    assert_eq!(agent.public().0, fixed(&v["agent_public"]));
    let route = RouteId(fixed(&v["route"]));
    let secret: Option<[u8; 32]> = (!v["psk"].is_null()).then(|| fixed(&v["psk"]));
    let said = |payload: &Value| serde_json::from_slice(&hex(payload)).unwrap();
    let (ours, theirs): ([u8; 32], [u8; 32]) = (
        fixed(&v["device_ephemeral_private"]),
        fixed(&v["agent_ephemeral_private"]),
    );

    let (initiator, first) = Initiator::with_ephemeral(
        opening.kind,
        &device,
        &agent.public(),
        &route,
        secret.as_ref(),
        &said(&v["first_payload"]),
        Some(&ours),
    )
    .unwrap();
    let first_message = hex(&v["first_message"]);
    let expected = [opening.encode().to_vec(), framed(first_message.clone())].concat();
    assert_eq!(first, expected);
    let responder = Responder::with_ephemeral(
        opening,
        &agent,
        &route,
        secret.as_ref(),
        &first_message,
        Some(&theirs),
    )
    .unwrap();
    let (mut at_agent, second) = responder.finish(&said(&v["second_payload"])).unwrap();
    let second_message = hex(&v["second_message"]);
    assert_eq!(second, framed(second_message.clone()));
    let (mut at_device, _) = initiator.finish(&second_message).unwrap();
    assert_eq!(at_device.hash(), &fixed(&v["handshake_hash"]));
    assert_eq!(phrase(at_device.hash()), v["phrase"].as_str().unwrap());

    let mut bodies = Vec::new();
    let mut body = Vec::new();
    for message in v["messages"].as_array().unwrap() {
        let receiver = match message["from"].as_str().unwrap() {
            "device" => &mut at_agent,
            _ => &mut at_device,
        };
        receiver.push(&framed(hex(&message["message"])));
        let received = receiver.pull().unwrap();
        let plain = hex(&message["plaintext"]);
        body.extend_from_slice(&plain[1..]);
        match plain[0] {
            0 => assert_eq!(received, None),
            1 => {
                let whole = std::mem::take(&mut body);
                assert_eq!(received, Some(Received::Message(whole.clone())));
                bodies.push((message["from"].as_str() == Some("device"), whole));
            }
            2 => assert_eq!(received, None),
            _ => assert_eq!(received, Some(Received::Goodbye)),
        }
    }
    // What this side says first is, byte for byte, what the other implementation said.
    for (index, message) in v["messages"].as_array().unwrap()[..2].iter().enumerate() {
        let sender = if index == 0 {
            &mut at_device
        } else {
            &mut at_agent
        };
        let sealed = sender.seal(&bodies[index].1, 0).unwrap();
        assert_eq!(sealed, framed(hex(&message["message"])));
    }
}

#[test]
fn a_known_device_and_its_agent_speak_as_the_vectors_do() {
    is_spoken_alike("handshake-ik");
}

#[test]
fn a_device_that_pairs_and_its_agent_speak_as_the_vectors_do() {
    is_spoken_alike("handshake-ikpsk1");
}

#[test]
fn a_link_and_its_phrase_are_those_of_the_vectors() {
    let v = vectors("pairing");
    let text = v["link"].as_str().unwrap();
    let link = PairingLink::parse(text).unwrap();
    assert_eq!(link.to_string(), text);
    assert_eq!(link.agent.0, fixed(&v["agent_public"]));
    assert_eq!(link.expires_at_ms, v["expiry_ms"].as_u64().unwrap());
    assert_eq!(*link.secret.pre_shared_key(), fixed(&v["psk"]));
    let relays = v["relays"].as_array().unwrap();
    assert_eq!(link.relays.len(), relays.len());
    for (relay, expected) in link.relays.iter().zip(relays) {
        assert_eq!(relay.address, expected["address"].as_str().unwrap());
        assert_eq!(relay.route.0, fixed(&expected["route"]));
        let hash = (!expected["certificate"].is_null()).then(|| fixed(&expected["certificate"]));
        assert_eq!(relay.certificate, hash);
    }
    for expected in v["phrases"].as_array().unwrap() {
        let hash: [u8; 32] = fixed(&expected["handshake_hash"]);
        assert_eq!(phrase(&hash), expected["phrase"].as_str().unwrap());
    }
}

#[test]
fn a_push_is_sealed_alike() {
    let v = vectors("push");
    let device = StaticKey::from_bytes(fixed(&v["device_private"]));
    let agent = PublicKey(fixed(&v["agent_public"]));
    let told = crate::push::open(&device, &agent, &hex(&v["envelope"])).unwrap();
    assert_eq!(hex(&v["content"]).len(), crate::push::SIZE);
    assert_eq!(
        told,
        crate::push::PushContent::read(&hex(&v["content"])).unwrap()
    );
    assert_eq!(told.need.as_deref(), Some("n4"));
}

/// The handshake of sessions, with prologues and payloads of others.
#[test]
fn other_implementations_of_noise_shake_hands_alike() {
    let file = vectors("noise");
    let all = file["vectors"].as_array().unwrap();
    for v in all {
        let name = v["protocol_name"].as_str().unwrap();
        let (kind, secret): (Kind, Option<[u8; 32]>) = match name {
            "Noise_IK_25519_ChaChaPoly_BLAKE2s" => (Kind::Known, None),
            "Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s" => {
                (Kind::Pairing, Some(fixed(&v["init_psks"][0])))
            }
            other => panic!("{other}"),
        };
        let terms = |prologue, key, ephemeral| Terms {
            kind,
            prologue,
            key,
            secret: secret.as_ref(),
            ephemeral: Some(ephemeral),
        };
        let [ours, theirs] =
            ["init_static", "resp_static"].map(|key| StaticKey::from_bytes(fixed(&v[key])));
        let [prologue, at_theirs] = ["init_prologue", "resp_prologue"].map(|key| hex(&v[key]));
        let [ephemeral, of_theirs] = ["init_ephemeral", "resp_ephemeral"].map(|key| fixed(&v[key]));
        let agent = PublicKey(fixed(&v["init_remote_static"]));
        assert_eq!(theirs.public(), agent);
        let mut device = terms(&prologue, &ours, &ephemeral)
            .initiate(&agent)
            .unwrap();
        let mut other = terms(&at_theirs, &theirs, &of_theirs).respond().unwrap();

        let messages = v["messages"].as_array().unwrap();
        let of = |at: usize| {
            let message: &Value = &messages[at];
            (hex(&message["payload"]), hex(&message["ciphertext"]))
        };
        let (payload, sealed) = of(0);
        assert_eq!(seal(&mut device, &payload), Ok(sealed.clone()), "{name}");
        assert_eq!(open(&mut other, &sealed), Ok(payload), "{name}");
        let (payload, sealed) = of(1);
        assert_eq!(seal(&mut other, &payload), Ok(sealed.clone()), "{name}");
        assert_eq!(open(&mut device, &sealed), Ok(payload), "{name}");
        if !v["handshake_hash"].is_null() {
            assert_eq!(device.get_handshake_hash(), hex(&v["handshake_hash"]));
            assert_eq!(other.get_handshake_hash(), hex(&v["handshake_hash"]));
        }
        let mut device = device.into_transport_mode().unwrap();
        let mut other = other.into_transport_mode().unwrap();
        for at in 2..messages.len() {
            let (payload, sealed) = of(at);
            let (sender, receiver) = match at % 2 {
                0 => (&mut device, &mut other),
                _ => (&mut other, &mut device),
            };
            let mut message = vec![0; payload.len() + 16];
            let length = sender.write_message(&payload, &mut message).unwrap();
            assert_eq!(message[..length], sealed, "{name}");
            let length = receiver.read_message(&sealed, &mut message).unwrap();
            assert_eq!(message[..length], payload, "{name}");
        }
    }
    assert_eq!(all.len(), 3);
}
