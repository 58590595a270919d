//! From evidence to class: what a failure is, and so what happens next. Tables, not branches.

mod backoff;

pub use backoff::{next_delay, random_fraction};

use deputy_protocol::FailureClass;

/// Each status with the class it is evidence of; the first row whose range holds it counts.
const STATUS: &[(std::ops::RangeInclusive<u16>, FailureClass)] = &[
    (401..=401, FailureClass::Auth),
    (403..=403, FailureClass::Precondition),
    (404..=404, FailureClass::Precondition),
    (407..=407, FailureClass::Auth),
    (408..=408, FailureClass::Transient),
    (410..=410, FailureClass::Precondition),
    (423..=423, FailureClass::Transient),
    (425..=425, FailureClass::Transient),
    (429..=429, FailureClass::Transient),
    (400..=499, FailureClass::Logic),
    (501..=501, FailureClass::Logic),
    (500..=599, FailureClass::Transient),
];

/// The class of an HTTP status. 403 is a refusal of the named resource, which no repair mends.
pub fn class_of_status(status: u16) -> FailureClass {
    STATUS
        .iter()
        .find(|(range, _)| range.contains(&status))
        .map_or(FailureClass::Unknown, |(_, class)| *class)
}

/// A stable name for “the same failure”: without the parts of a message that vary.
pub fn fingerprint(class: FailureClass, code: &str, tool: &str, place: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("deputy 2026-11 failure fingerprint");
    for part in [class.as_str(), code, tool, place.trim()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// A name that failures share which differ only in place and figures: a repair moves lines about.
pub fn likeness(class: FailureClass, code: &str, tool: &str, message: &str) -> String {
    let words: String = message.chars().filter(|c| !c.is_ascii_digit()).collect();
    fingerprint(class, code, tool, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_status_table_is_reached() {
        for (range, class) in STATUS {
            let own = (*range.start()..=*range.end()).find(|s| {
                STATUS
                    .iter()
                    .find(|(r, _)| r.contains(s))
                    .is_some_and(|(r, _)| r == range)
            });
            assert_eq!(
                own.map(class_of_status),
                Some(*class),
                "{range:?} is hidden by an earlier row"
            );
        }
        assert_eq!(class_of_status(302), FailureClass::Unknown);
    }

    #[test]
    fn failures_are_alike_whatever_their_place_and_figures() {
        let name = |message| likeness(FailureClass::Logic, "exception", "", message);
        assert_eq!(name("item 3 has no price"), name("item 17 has no price"));
        assert_ne!(name("item 3 has no price"), name("item 3 has no name"));
    }

    #[test]
    fn the_same_failure_has_the_same_name() {
        let name = |place| fingerprint(FailureClass::Logic, "exception", "", place);
        assert_eq!(name(" at main (script:3:5)"), name("at main (script:3:5)"));
        assert_ne!(name("at main (script:3:5)"), name("at main (script:4:5)"));
    }
}
