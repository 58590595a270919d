//! When to try again: exponential back-off with full jitter, never before the other side allows.

use crate::intent::Retries;

/// The longest that another side's `Retry-After` is followed, in milliseconds.
const LONGEST_ASKED: u64 = 24 * 3_600_000;

/// The wait before the next attempt, in milliseconds; `None` when the retries are spent. `spent` is
/// how many were made, `random` is in [0, 1).
pub fn next_delay(
    policy: &Retries,
    spent: u32,
    retry_after_ms: Option<u64>,
    random: f64,
) -> Option<u64> {
    if spent >= policy.max {
        return None;
    }
    let ceiling = policy
        .first_ms
        .saturating_mul(1u64.checked_shl(spent).unwrap_or(u64::MAX))
        .min(policy.max_ms);
    let jittered = (ceiling as f64 * random.clamp(0.0, 1.0)) as u64;
    Some(jittered.max(retry_after_ms.unwrap_or(0).min(LONGEST_ASKED)))
}

/// A number in [0, 1), for jitter.
pub fn random_fraction() -> f64 {
    let mut bytes = [0; 8];
    // Without randomness the back-off is merely not spread.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(max in 1u32..40, first in 1u64..10_000, cap in 1u64..10_000_000, spent in 0u32..50, asked in proptest::option::of(0u64..100_000_000), random in 0.0f64..1.0) {
            let policy = Retries { max, first_ms: first, max_ms: cap };
            match next_delay(&policy, spent, asked, random) {
                None => prop_assert!(spent >= max),
                Some(delay) => {
                    prop_assert!(spent < max);
                    let floor = asked.unwrap_or(0).min(LONGEST_ASKED);
                    prop_assert!(delay >= floor);
                    prop_assert!(delay <= cap.max(floor));
                }
            }
        }
    }

    #[test]
    fn the_ceiling_doubles() {
        let policy = Retries {
            max: 9,
            first_ms: 100,
            max_ms: 1_000,
        };
        let ceilings: Vec<_> = (0..6)
            .filter_map(|n| next_delay(&policy, n, None, 1.0))
            .collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1_000, 1_000]);
    }
}
