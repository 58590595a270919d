//! Envelopes for push services that seal nothing themselves: Noise's one-way pattern `K`, by which
//! the device knows that its own agent wrote it. Source: The Noise Protocol Framework, revision 34,
//! 7.4.

use super::{PushContent, SIZE};
use crate::session::{PublicKey, StaticKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use snow::Builder;

/// How long every envelope is, in bytes: the version, an ephemeral key, the content, and its tag.
pub const ENVELOPE: usize = 1 + 32 + SIZE + 16;

const PATTERN: &str = "Noise_K_25519_ChaChaPoly_BLAKE2s";
const VERSION: u8 = 1;
const PROLOGUE: &[u8] = b"deputy push\x01";

/// Why an envelope cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It is of a version that this build does not know.
    #[error("the push is of a newer version: update this app")]
    Version,
    /// It was not written by this agent for this device, or was changed.
    #[error("the push is not from this device's agent, or was changed on the way")]
    Seal,
    /// What is in it is no content.
    #[error("the push cannot be read")]
    Content,
    /// The platform gives no randomness.
    #[error("the system gives no randomness")]
    Random,
}

fn builder<'a>(mine: &'a StaticKey, theirs: &'a PublicKey) -> Result<Builder<'a>, PushError> {
    let pattern = PATTERN.parse().map_err(|_| PushError::Seal)?;
    Builder::new(pattern)
        .prologue(PROLOGUE)
        .and_then(|builder| builder.local_private_key(mine.expose()))
        .and_then(|builder| builder.remote_public_key(&theirs.0))
        .map_err(|_| PushError::Seal)
}

/// Seals a content of an agent to a device: [`ENVELOPE`] bytes.
pub fn seal(
    agent: &StaticKey,
    device: &PublicKey,
    content: &PushContent,
) -> Result<Vec<u8>, PushError> {
    let mut state = builder(agent, device)?
        .build_initiator()
        .map_err(|_| PushError::Random)?;
    let mut envelope = vec![0; ENVELOPE];
    envelope[0] = VERSION;
    let written = state
        .write_message(&content.padded(), &mut envelope[1..])
        .map_err(|_| PushError::Random)?;
    debug_assert_eq!(written, ENVELOPE - 1);
    Ok(envelope)
}

/// Opens an envelope that is in base64url without padding, as push services bring it.
pub fn open_text(
    device: &StaticKey,
    agent: &PublicKey,
    text: &str,
) -> Result<PushContent, PushError> {
    let envelope = URL_SAFE_NO_PAD.decode(text).map_err(|_| PushError::Seal)?;
    open(device, agent, &envelope)
}

/// Opens an envelope on the device. One that comes twice opens twice: see [`PushContent::id`].
pub fn open(
    device: &StaticKey,
    agent: &PublicKey,
    envelope: &[u8],
) -> Result<PushContent, PushError> {
    match envelope.first() {
        Some(&VERSION) if envelope.len() == ENVELOPE => {}
        Some(&VERSION) | None => return Err(PushError::Seal),
        Some(_) => return Err(PushError::Version),
    }
    let mut state = builder(device, agent)?
        .build_responder()
        .map_err(|_| PushError::Seal)?;
    let mut content = vec![0; SIZE];
    state
        .read_message(&envelope[1..], &mut content)
        .map_err(|_| PushError::Seal)?;
    PushContent::read(&content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Time;
    use crate::push::PushKind;

    fn keys() -> (StaticKey, StaticKey, StaticKey) {
        let [agent, device, other] = [1, 2, 3].map(|n| StaticKey::from_bytes([n; 32]));
        (agent, device, other)
    }

    fn content() -> PushContent {
        PushContent {
            id: "u1".into(),
            kind: PushKind::Need,
            need: Some("n4".into()),
            title: "Approve a mail".into(),
            text: String::new(),
            at: Time(0),
        }
    }

    #[test]
    fn only_the_device_opens_it_and_only_from_its_agent() {
        let (agent, device, other) = keys();
        let envelope = seal(&agent, &device.public(), &content()).unwrap();
        assert_eq!(envelope.len(), ENVELOPE);
        assert_eq!(open(&device, &agent.public(), &envelope), Ok(content()));
        let text = URL_SAFE_NO_PAD.encode(&envelope);
        assert_eq!(open_text(&device, &agent.public(), &text), Ok(content()));
        let refused = Err(PushError::Seal);
        assert_eq!(open(&other, &agent.public(), &envelope), refused);
        assert_eq!(open(&device, &other.public(), &envelope), refused);
    }

    #[test]
    fn a_changed_envelope_does_not_open_and_no_two_are_alike() {
        let (agent, device, _) = keys();
        let envelope = seal(&agent, &device.public(), &content()).unwrap();
        let again = seal(&agent, &device.public(), &content()).unwrap();
        assert_ne!(envelope, again);
        for at in 0..envelope.len() {
            let mut changed = envelope.clone();
            changed[at] ^= 1;
            assert!(open(&device, &agent.public(), &changed).is_err(), "{at}");
        }
        for length in [0, 1, 48, envelope.len() - 1] {
            assert!(open(&device, &agent.public(), &envelope[..length]).is_err());
        }
    }
}
