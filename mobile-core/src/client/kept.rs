//! What outlives the app: sealed with the device's own key, so that whoever copies the file without
//! the platform's key store has nothing.

use crate::PairedDevice;
use blake2::{Blake2s256, Digest};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Commands that are not forgotten.
    Commands,
    /// The last answers, and the last event that was seen.
    Views,
}

impl Kept {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Commands, Self::Views];

    /// As a file may be called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Views => "views",
        }
    }
}

/// Why what was kept is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// Another device's, damaged, or changed by somebody.
    #[error(
        "what this device had kept is damaged; it begins without it, and commands that were not sent are lost"
    )]
    Damaged,
    /// Sound, and of another version.
    #[error(
        "what this device had kept is of another version of Deputy; it begins without it, and commands that were not sent are lost"
    )]
    Unreadable,
}

/// The first byte: this form.
const VERSION: u8 = 1;

const NONCE: usize = 24;

fn cipher(device: &PairedDevice) -> XChaCha20Poly1305 {
    let mut hash = Blake2s256::new();
    hash.update(b"deputy kept by a device 1");
    hash.update(device.secret());
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
    XChaCha20Poly1305::new(key.as_slice().into())
}

/// Binds form and kind, so that one is not taken for the other.
fn bound(what: Kept) -> Vec<u8> {
    let mut bound = vec![VERSION];
    bound.extend_from_slice(what.as_str().as_bytes());
    bound
}

/// version ‖ nonce ‖ XChaCha20-Poly1305(body). `None` when the platform has no randomness.
pub(super) fn seal(device: &PairedDevice, what: Kept, body: &[u8]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).ok()?;
    let payload = Payload {
        msg: body,
        aad: &bound(what),
    };
    let sealed = cipher(device)
        .encrypt(XNonce::from_slice(&nonce), payload)
        .ok()?;
    let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
    out.push(VERSION);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Some(out)
}

pub(super) fn open(device: &PairedDevice, what: Kept, kept: &[u8]) -> Result<Vec<u8>, KeptError> {
    let [version, rest @ ..] = kept else {
        return Err(KeptError::Damaged);
    };
    if *version != VERSION {
        return Err(KeptError::Unreadable);
    }
    let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or(KeptError::Damaged)?;
    let payload = Payload {
        msg: sealed,
        aad: &bound(what),
    };
    cipher(device)
        .decrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| KeptError::Damaged)
}
