//! How long to wait before the next try.

/// The first wait, ms.
const FIRST: u64 = 250;

/// The longest, ms.
const LONGEST: u64 = 30_000;

/// Waits that double, spread over their whole second half, so that ten thousand devices that lost
/// the same relay do not come back as one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next wait, ms. `random` is any number.
    pub(super) fn next(&mut self, random: u64) -> u64 {
        let whole = FIRST.saturating_mul(1 << self.tries.min(16)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        whole / 2 + random % (whole / 2 + 1)
    }

    /// It worked: begins anew.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread() {
        let mut backoff = Backoff::default();
        let mut longest = 0;
        for whole in [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let (least, most) = (backoff, backoff);
            assert_eq!({ least }.next(0), whole / 2);
            assert_eq!({ most }.next(whole / 2), whole);
            longest = backoff.next(u64::MAX);
            assert!((whole / 2..=whole).contains(&longest));
        }
        backoff.reset();
        assert!(backoff.next(0) < longest);
        assert_eq!(backoff.next(0), 250);
    }
}
