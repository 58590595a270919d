//! The phrase that a person compares on both screens: four words of 256, so 32 bits, of the pairing
//! session's hash. It is the same on both sides of this very session and on no other.
//!
//! Nobody can stand between: the device seals its first message to the agent's key, which is in the
//! link. Whoever has the link, though, could pair a device of their own with it first. Then the
//! agent shows a phrase that the person's own device does not.

use blake2::{Blake2s256, Digest};

/// 256 words; no two begin with the same four letters.
const WORDS: &str = include_str!("words.txt");

/// The phrase of a session's hash.
pub fn phrase(hash: &[u8; 32]) -> String {
    let mut digest = Blake2s256::new();
    digest.update(b"deputy pairing phrase 1");
    digest.update(hash);
    let digest: [u8; 32] = digest.finalize().into();
    let words: Vec<&str> = WORDS.lines().collect();
    let chosen: Vec<&str> = digest[..4]
        .iter()
        .filter_map(|byte| words.get(usize::from(*byte)).copied())
        .collect();
    chosen.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_as_many_words_as_bytes_and_none_is_mistaken_for_another() {
        let beginnings: BTreeSet<&str> = WORDS.lines().map(|w| &w[..w.len().min(4)]).collect();
        assert_eq!(WORDS.lines().count(), 256);
        assert_eq!(beginnings.len(), 256);
    }

    #[test]
    fn the_phrase_is_the_sessions() {
        assert_eq!(phrase(&[7; 32]), phrase(&[7; 32]));
        assert_ne!(phrase(&[7; 32]), phrase(&[8; 32]));
        assert_eq!(phrase(&[7; 32]).split(' ').count(), 4);
    }
}
