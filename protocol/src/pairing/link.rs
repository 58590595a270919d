//! A pairing link: `https://HOST/#` and, in the fragment, which no server is ever sent, where the
//! agent is reached, its key, a secret that is good once, and until when.

use crate::link::RouteId;
use crate::session::PublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blake2::{Blake2s256, Digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// The version of links that this build writes and reads.
const VERSION: u8 = 1;

/// How many bytes at the end tell a link that was cut off or mistyped.
const CHECK: usize = 4;

/// The most relays in a link.
const MAX_RELAYS: usize = 8;

/// The secret of a link, wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingSecret(Zeroizing<[u8; 32]>);

impl PairingSecret {
    /// Of bytes that nobody can guess.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What is mixed into the handshake's first message.
    pub fn pre_shared_key(&self) -> Zeroizing<[u8; 32]> {
        let mut hash = Blake2s256::new();
        hash.update(b"deputy pairing key 1");
        hash.update(self.0.as_slice());
        Zeroizing::new(hash.finalize().into())
    }
}

impl fmt::Debug for PairingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingSecret(…)")
    }
}

/// A relay in a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayPlace {
    /// `host:port`.
    pub address: String,
    /// The agent's route for this device there.
    pub route: RouteId,
    /// The SHA-256 of its certificate, where it is one that nobody vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<[u8; 32]>,
}

/// A pairing link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairingLink {
    /// Where the page is that takes the link; nothing but that.
    pub host: String,
    /// The agent's key.
    pub agent: PublicKey,
    /// The secret.
    pub secret: PairingSecret,
    /// Until when it is good, in milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Where the agent is reached, best first.
    pub relays: Vec<RelayPlace>,
}

/// What is wrong with a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is something else.
    #[error("this is not a pairing link; `deputy pair` shows one")]
    NotALink,
    /// It was cut off, or a letter is another.
    #[error("the link is not complete, or was changed: copy all of it, or scan the code")]
    Broken,
    /// It is of a newer version.
    #[error("the link is of a newer version of Deputy: update Deputy here")]
    Newer,
    /// It is not good any more.
    #[error("the link has expired; `deputy pair` shows a new one")]
    Expired,
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let mut hash = Blake2s256::new();
    hash.update(b"deputy pairing link 1");
    hash.update(bytes);
    let hash: [u8; 32] = hash.finalize().into();
    [hash[0], hash[1], hash[2], hash[3]]
}

impl fmt::Display for PairingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.agent.0);
        bytes.extend_from_slice(self.secret.0.as_slice());
        bytes.extend_from_slice(&self.expires_at_ms.to_be_bytes());
        bytes.push(self.relays.len().min(MAX_RELAYS) as u8);
        for relay in self.relays.iter().take(MAX_RELAYS) {
            let address = relay.address.as_bytes();
            let length = u8::try_from(address.len()).map_err(|_| fmt::Error)?;
            bytes.push(length);
            bytes.extend_from_slice(address);
            bytes.extend_from_slice(&relay.route.0);
            match &relay.certificate {
                Some(hash) => {
                    bytes.push(1);
                    bytes.extend_from_slice(hash);
                }
                None => bytes.push(0),
            }
        }
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        write!(
            f,
            "https://{}/#{}",
            self.host,
            URL_SAFE_NO_PAD.encode(bytes)
        )
    }
}

/// Takes bytes from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], LinkError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(LinkError::Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LinkError> {
        self.take(N)?.try_into().map_err(|_| LinkError::Broken)
    }

    fn byte(&mut self) -> Result<u8, LinkError> {
        let [byte] = self.array()?;
        Ok(byte)
    }
}

impl PairingLink {
    /// Reads a link, without looking at whether it has expired.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let rest = text
            .trim()
            .strip_prefix("https://")
            .ok_or(LinkError::NotALink)?;
        let (host, fragment) = rest.split_once("/#").ok_or(LinkError::NotALink)?;
        if host.is_empty() || fragment.is_empty() {
            return Err(LinkError::NotALink);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(fragment)
            .map_err(|_| LinkError::Broken)?;
        if bytes.first().is_some_and(|version| *version > VERSION) {
            return Err(LinkError::Newer);
        }
        let (content, given) = bytes.split_last_chunk::<CHECK>().ok_or(LinkError::Broken)?;
        if check(content) != *given {
            return Err(LinkError::Broken);
        }
        let mut bytes = Bytes(content);
        if bytes.byte()? != VERSION {
            return Err(LinkError::NotALink);
        }
        let agent = PublicKey(bytes.array()?);
        let secret = PairingSecret::from_bytes(bytes.array()?);
        let expires_at_ms = u64::from_be_bytes(bytes.array()?);
        let count = usize::from(bytes.byte()?);
        if count > MAX_RELAYS {
            return Err(LinkError::Broken);
        }
        let mut relays = Vec::new();
        for _ in 0..count {
            let length = usize::from(bytes.byte()?);
            let address =
                String::from_utf8(bytes.take(length)?.to_vec()).map_err(|_| LinkError::Broken)?;
            let route = RouteId(bytes.array()?);
            let certificate = match bytes.byte()? {
                0 => None,
                1 => Some(bytes.array()?),
                _ => return Err(LinkError::Broken),
            };
            relays.push(RelayPlace {
                address,
                route,
                certificate,
            });
        }
        if !bytes.0.is_empty() {
            return Err(LinkError::Broken);
        }
        Ok(Self {
            host: host.to_owned(),
            agent,
            secret,
            expires_at_ms,
            relays,
        })
    }

    /// Whether it is still good.
    pub fn check_time(&self, now_ms: u64) -> Result<(), LinkError> {
        if now_ms > self.expires_at_ms {
            return Err(LinkError::Expired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn link() -> PairingLink {
        PairingLink {
            host: "app.example.org".to_owned(),
            agent: PublicKey([1; 32]),
            secret: PairingSecret::from_bytes([3; 32]),
            expires_at_ms: 1_800_000_000_000,
            relays: vec![
                RelayPlace {
                    address: "relay.example.org:443".to_owned(),
                    route: RouteId([2; 24]),
                    certificate: None,
                },
                RelayPlace {
                    address: "127.0.0.1:7435".to_owned(),
                    route: RouteId([5; 24]),
                    certificate: Some([4; 32]),
                },
            ],
        }
    }

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let text = link().to_string();
        assert!(
            text.starts_with("https://app.example.org/#AQEBAQEB"),
            "{text}"
        );
        assert_eq!(PairingLink::parse(&format!(" {text}\n")), Ok(link()));
        assert_eq!(link().check_time(1_800_000_000_000), Ok(()));
        assert_eq!(
            link().check_time(1_800_000_000_001),
            Err(LinkError::Expired)
        );
        assert!(!format!("{:?}", link()).contains("[3, 3"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = link().to_string();
        for other in ["", "https://example.org", "https://example.org/#", "deputy"] {
            assert_eq!(
                PairingLink::parse(other),
                Err(LinkError::NotALink),
                "{other}"
            );
        }
        assert_eq!(
            PairingLink::parse(&text[..text.len() - 3]),
            Err(LinkError::Broken)
        );
        let newer = text.replacen("/#AQ", "/#Ag", 1);
        assert_eq!(PairingLink::parse(&newer), Err(LinkError::Newer));
    }

    proptest! {
        #[test]
        fn a_changed_letter_is_seen(at in 25usize..200, letter in "[A-Za-z0-9_-]") {
            let text = link().to_string();
            let at = at.min(text.len() - 1);
            let mut changed: Vec<char> = text.chars().collect();
            changed[at] = letter.chars().next().unwrap();
            let changed: String = changed.into_iter().collect();
            prop_assume!(changed != text && !changed.starts_with("https://app.example.org/#B"));
            prop_assert!(PairingLink::parse(&changed).is_err());
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = PairingLink::parse(&text);
            let mut whole = bytes;
            let sum = check(&whole);
            whole.extend_from_slice(&sum);
            let _ = PairingLink::parse(&format!("https://h/#{}", URL_SAFE_NO_PAD.encode(whole)));
        }
    }
}
