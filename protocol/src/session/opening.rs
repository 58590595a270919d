//! The bytes before the handshake, in the clear: who speaks what. They prove nothing; version, kind
//! and route are bound by the handshake's prologue, so whoever changes them makes it fail.

use super::{Kind, SessionError};

/// The versions that this build speaks.
pub const VERSIONS: &[u8] = &[1];

const MAGIC: &[u8; 3] = b"DPS";

/// What the answering side says to an opening: the version is spoken.
const TAKEN: u8 = 0;

/// What it says when it does not speak the version; how many versions it speaks, and these, follow.
const OTHER: u8 = 1;

/// A device's opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The version that it speaks.
    pub version: u8,
    /// What it wants.
    pub kind: Kind,
}

impl Opening {
    /// How long an opening is, in bytes.
    pub const LEN: usize = 5;

    /// The opening of this build.
    pub fn of(kind: Kind) -> Self {
        Self {
            version: VERSIONS[VERSIONS.len() - 1],
            kind,
        }
    }

    /// As bytes.
    pub fn encode(self) -> [u8; Self::LEN] {
        let [a, b, c] = *MAGIC;
        [a, b, c, self.version, self.kind.number()]
    }

    /// Reads an opening, and says what to answer: both when it is taken and when it is not.
    pub fn decode(bytes: [u8; Self::LEN]) -> (Result<Self, SessionError>, Vec<u8>) {
        let [a, b, c, version, kind] = bytes;
        if [a, b, c] != *MAGIC {
            return (Err(SessionError::NotDeputy), Vec::new());
        }
        if !VERSIONS.contains(&version) {
            let mut answer = vec![OTHER, VERSIONS.len() as u8];
            answer.extend_from_slice(VERSIONS);
            let theirs = vec![version];
            return (Err(SessionError::Version { theirs }), answer);
        }
        match Kind::from_number(kind) {
            Some(kind) => (Ok(Self { version, kind }), vec![TAKEN]),
            None => (
                Err(SessionError::Protocol("an unknown kind of session")),
                Vec::new(),
            ),
        }
    }
}

/// What the answering side said to an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// More bytes are needed, at least so many in all.
    More(usize),
    /// It speaks the version; so many bytes were read.
    Taken(usize),
}

impl Opened {
    /// Reads the answer at the beginning of what arrived.
    pub fn read(bytes: &[u8]) -> Result<Self, SessionError> {
        match bytes {
            [] => Ok(Self::More(1)),
            [TAKEN, ..] => Ok(Self::Taken(1)),
            [OTHER] => Ok(Self::More(2)),
            [OTHER, count, rest @ ..] => {
                let count = usize::from(*count);
                match rest.get(..count) {
                    Some(theirs) => Err(SessionError::Version {
                        theirs: theirs.to_vec(),
                    }),
                    None => Ok(Self::More(2 + count)),
                }
            }
            _ => Err(SessionError::NotDeputy),
        }
    }
}
