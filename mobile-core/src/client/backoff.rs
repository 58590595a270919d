//! How long to wait before the next try.

/// The first wait, ms.
const FIRST: u64 = 250;

/// The wait at which growing stops for a while, ms: an agent whose relay was killed misses it for up to
/// twenty seconds (its keep-alive), and somebody who looks at the page then should not wait as long again.
const PATIENT: u64 = 4_000;

/// How many waits are of that length: some three quarters of a minute.
const PATIENTLY: u32 = 12;

/// The longest, ms.
const LONGEST: u64 = 30_000;

/// Waits that double, stay for a while, and double again; spread over their whole second half, so that
/// ten thousand devices that lost the same relay do not come back as one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next wait, ms. `random` is any number.
    pub(super) fn next(&mut self, random: u64) -> u64 {
        let patient = (PATIENT / FIRST).ilog2();
        let doubled = match self.tries.checked_sub(patient) {
            None => self.tries,
            Some(stayed) => patient + stayed.saturating_sub(PATIENTLY - 1),
        };
        let whole = FIRST.saturating_mul(1 << doubled.min(16)).min(LONGEST);
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
    fn waits_double_stay_for_a_while_and_double_up_to_a_limit() {
        let mut backoff = Backoff::default();
        let mut longest = 0;
        let growing = [250, 500, 1_000, 2_000];
        let patient = [4_000; 12];
        let grown = [8_000, 16_000, 30_000, 30_000];
        for whole in [&growing[..], &patient, &grown].concat() {
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
