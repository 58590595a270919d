//! What a relay hears from strangers, and what others hear from a relay.

use arbitrary::{Arbitrary, Unstructured};
use deputy_protocol::link::{
    Binding, ChallengeSecret, Decoder, MAX_FIRST_FRAME, MAX_FRAME, Message, Proof, ProofError,
    RegisterTerms, RouteKey, RouteSecret, Salt, VERSIONS, common_features, common_version, decode,
    encode,
};

/// Frames in any pieces, and one message by itself.
pub(crate) fn link(data: &[u8]) {
    let Some((&how, bytes)) = data.split_first() else {
        return;
    };
    let limit = if how & 1 == 0 {
        MAX_FIRST_FRAME
    } else {
        MAX_FRAME
    };
    let mut decoder = Decoder::new(limit);
    'stream: for piece in bytes.chunks(usize::from(how >> 1) + 1) {
        decoder.push(piece);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => is_written_as_read(&message),
                Ok(None) => break,
                Err(_) => break 'stream,
            }
        }
    }
    if let Ok(message) = decode(bytes) {
        is_written_as_read(&message);
        agree(&message);
    }
}

fn is_written_as_read(message: &Message) {
    let Ok(frame) = encode(message) else { return };
    let again = decode(&frame[2..]).expect("what was written can be read");
    assert_eq!(encode(&again).as_ref(), Ok(&frame));
}

fn agree(message: &Message) {
    let Message::Hello(hello) = message else {
        return;
    };
    match common_version(VERSIONS, &hello.versions) {
        Ok(version) => {
            assert!(VERSIONS.contains(&version) && hello.versions.contains(&version));
        }
        Err(refusal) => assert_eq!(refusal.versions, VERSIONS),
    }
    for feature in common_features(&["push", "cluster"], &hello.features) {
        assert!(hello.features.contains(&feature));
    }
}

/// A registration, and something about it that is another at the relay.
#[derive(Debug, Arbitrary)]
struct Registration {
    relay_random: [[u8; 32]; 2],
    secret: [u8; 32],
    binding: [u8; 32],
    id: u64,
    name: String,
    salts: Vec<[u8; 32]>,
    changed: Changed,
}

#[derive(Debug, Arbitrary)]
enum Changed {
    Nothing,
    Id(u64),
    Name(String),
    Binding([u8; 32]),
    Salts(Vec<[u8; 32]>),
    Key([u8; 32]),
    Proof([u8; 32]),
    Challenge([[u8; 32]; 2]),
}

/// A relay believes whoever owns the routes, on that link and for that registration alone.
pub(crate) fn proof(data: &[u8]) {
    let Ok(said) = Registration::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    let challenge = |random: [[u8; 32]; 2]| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&random[0]);
        bytes[32..].copy_from_slice(&random[1]);
        ChallengeSecret::from_bytes(bytes)
    };
    let salts = |of: &[[u8; 32]]| of.iter().copied().map(Salt).collect::<Vec<_>>();
    let relay = challenge(said.relay_random);
    let secret = RouteSecret::from_bytes(said.secret);
    let registered = salts(&said.salts);
    let terms = RegisterTerms {
        id: said.id,
        relay: &said.name,
        salts: &registered,
    };
    let binding = Binding(said.binding);
    let proof = { terms.prove(&secret, relay.challenge(), &binding) }.expect("an honest key");
    let owner = secret.public();
    for salt in &registered {
        assert_eq!(owner.route(salt), secret.route(salt));
    }
    let wrong = match said.changed {
        Changed::Nothing => {
            assert_eq!(relay.verify(&terms, &owner, &binding, &proof), Ok(()));
            return;
        }
        Changed::Id(id) if id != said.id => {
            let terms = RegisterTerms { id, ..terms };
            relay.verify(&terms, &owner, &binding, &proof)
        }
        Changed::Name(name) if name != said.name => {
            let terms = RegisterTerms {
                relay: &name,
                ..terms
            };
            relay.verify(&terms, &owner, &binding, &proof)
        }
        Changed::Binding(other) if other != said.binding => {
            relay.verify(&terms, &owner, &Binding(other), &proof)
        }
        Changed::Salts(other) if other != said.salts => {
            let other = salts(&other);
            let terms = RegisterTerms {
                salts: &other,
                ..terms
            };
            relay.verify(&terms, &owner, &binding, &proof)
        }
        Changed::Key(other) if other != owner.0 => {
            relay.verify(&terms, &RouteKey(other), &binding, &proof)
        }
        Changed::Proof(other) if other != proof.0 => {
            relay.verify(&terms, &owner, &binding, &Proof(other))
        }
        Changed::Challenge(other) if other != said.relay_random => {
            challenge(other).verify(&terms, &owner, &binding, &proof)
        }
        _ => return,
    };
    assert!(
        matches!(wrong, Err(ProofError::Wrong | ProofError::BadKey)),
        "{wrong:?}"
    );
}
