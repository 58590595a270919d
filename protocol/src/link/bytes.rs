//! Fixed byte strings that travel in JSON as base64url without padding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A byte string was not base64url, or had another length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} bytes in base64url without padding")]
pub struct BadBytes {
    /// How many bytes it should have been.
    pub expected: usize,
}

/// The text form.
pub(super) fn to_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a text form.
///
/// # Errors
/// When it is not base64url without padding, or not exactly `N` bytes.
pub(super) fn from_text<const N: usize>(text: &str) -> Result<[u8; N], BadBytes> {
    let bad = BadBytes { expected: N };
    // A length check first: what arrives may be long.
    if text.len() != N.div_ceil(3) * 4 - (3 - N % 3) % 3 {
        return Err(bad);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad.clone())?;
    bytes.try_into().map_err(|_| bad)
}

/// Gives a newtype over `[u8; N]` its text form: `Display`, `FromStr`, serde.
macro_rules! text_bytes {
    ($name:ident, $n:expr) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&super::bytes::to_text(&self.0))
            }
        }
        impl std::str::FromStr for $name {
            type Err = super::bytes::BadBytes;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                super::bytes::from_text::<$n>(text).map(Self)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(super) use text_bytes;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_length_goes_there_and_back() {
        fn check<const N: usize>() {
            let bytes: [u8; N] = std::array::from_fn(|i| (i * 37) as u8);
            let text = to_text(&bytes);
            assert_eq!(from_text::<N>(&text), Ok(bytes));
            assert!(from_text::<N>(&format!("{text}A")).is_err());
            assert!(from_text::<N>(&text[1..]).is_err());
        }
        check::<16>();
        check::<24>();
        check::<31>();
        check::<32>();
    }

    #[test]
    fn other_alphabets_are_refused() {
        assert!(from_text::<3>("+/+/").is_err());
        assert!(from_text::<1>("AA==").is_err());
    }
}
