//! Effect keys: what makes an effect the same effect. Pure.

use std::collections::HashMap;

/// Counts equal calls within an attempt, so that the second of two equal effects without `once` is
/// a second effect, and the same one in every attempt.
#[derive(Debug, Default)]
pub(super) struct Occurrences(HashMap<(String, String), u32>);

impl Occurrences {
    /// How many equal calls came before this one.
    pub(super) fn next(&mut self, tool: &str, digest: &str) -> u32 {
        let count = self
            .0
            .entry((tool.to_owned(), digest.to_owned()))
            .or_insert(0);
        *count += 1;
        *count - 1
    }
}

/// The effect key: what the script passed as `once`, else derived from run (by its seed), tool,
/// arguments and occurrence. `epoch` is how often the user asked to do the effects again.
pub(super) fn effect_key(
    once: Option<&str>,
    epoch: u32,
    seed: &[u8; 32],
    tool: &str,
    digest: &str,
    occurrence: u32,
) -> String {
    let key = match once {
        Some(once) => once.to_owned(),
        None => {
            let mut hasher = blake3::Hasher::new_derive_key("deputy 2026-11 effect key");
            hasher.update(seed);
            for part in [tool, digest] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            hasher.update(&occurrence.to_le_bytes());
            format!("auto:{}", &hasher.finalize().to_hex()[..24])
        }
    };
    if epoch == 0 {
        key
    } else {
        format!("{key}~again{epoch}")
    }
}

/// What an effect is called outside (idempotency key, Message-ID): unique for ever and everywhere.
pub(super) fn effect_id(
    installation: &str,
    automation: i64,
    tool: &str,
    effect_key: &str,
) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("deputy 2026-11 effect id");
    for part in [installation, tool, effect_key] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&automation.to_le_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_is_the_key_itself() {
        assert_eq!(
            effect_key(Some("item-7"), 0, &[0; 32], "mail.send", "d", 0),
            "item-7"
        );
    }

    #[test]
    fn doing_it_again_is_another_effect() {
        assert_ne!(
            effect_key(Some("item-7"), 1, &[0; 32], "mail.send", "d", 0),
            effect_key(Some("item-7"), 0, &[0; 32], "mail.send", "d", 0)
        );
    }

    #[test]
    fn equal_calls_in_one_run_are_different_effects_and_stable_ones() {
        let keys = |seed| -> Vec<String> {
            let mut seen = Occurrences::default();
            (0..3)
                .map(|_| effect_key(None, 0, seed, "mail.send", "d", seen.next("mail.send", "d")))
                .collect()
        };
        let first = keys(&[1; 32]);
        assert_eq!(first, keys(&[1; 32]));
        assert_ne!(first[0], first[1]);
        assert_ne!(first[0], keys(&[2; 32])[0], "another run is another effect");
    }

    #[test]
    fn parts_cannot_be_shifted_into_one_another() {
        assert_ne!(
            effect_key(None, 0, &[0; 32], "a.b", "cd", 0),
            effect_key(None, 0, &[0; 32], "a.bc", "d", 0)
        );
        assert_ne!(effect_id("x", 1, "ab", "c"), effect_id("x", 1, "a", "bc"));
    }
}
