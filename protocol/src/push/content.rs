//! What a push tells, padded so that nobody can guess it by its length.

use super::PushError;
use crate::Time;
use serde::{Deserialize, Serialize};

/// How long every content is, in bytes, whatever it says.
pub const SIZE: usize = 1_024;

/// What a push is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushKind {
    /// An action-needed item was opened.
    Need,
    /// Items were opened faster than a person can look at them.
    Several,
    /// An item was answered elsewhere or is no more: what was shown of it goes.
    Settled,
    /// The person wants to see whether pushes come through.
    Test,
    /// Something that a newer agent says.
    #[serde(other)]
    Unknown,
}

/// What a push tells. Unknown fields are tolerated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushContent {
    /// The push. One that comes twice is shown once.
    pub id: String,
    /// What it is about.
    pub kind: PushKind,
    /// The item, `n4`; what is settled, when absent, is the push of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    /// A line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Some more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// When it was first written down: with the id, the same for one that comes again.
    pub at: Time,
}

impl PushContent {
    /// As exactly [`SIZE`] bytes of JSON, with spaces behind it. Texts that are too long are cut,
    /// the second first.
    pub fn padded(&self) -> Vec<u8> {
        let mut short = self.clone();
        loop {
            let mut json = serde_json::to_vec(&short).unwrap_or_default();
            if json.len() <= SIZE {
                json.resize(SIZE, b' ');
                return json;
            }
            let over = json.len() - SIZE;
            if !cut(&mut short.text, over) && !cut(&mut short.title, over) {
                // Ids and kinds are the agent's own and short; without texts they always fit.
                return vec![b' '; SIZE];
            }
        }
    }

    /// Reads one.
    pub fn read(bytes: &[u8]) -> Result<Self, PushError> {
        serde_json::from_slice(bytes).map_err(|_| PushError::Content)
    }
}

/// Takes at least one letter away, and about `over` bytes. False when there is none left.
fn cut(text: &mut String, over: usize) -> bool {
    if text.is_empty() {
        return false;
    }
    let mut end = text.len().saturating_sub(over.div_ceil(6) + '…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    if end > 0 {
        text.push('…');
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn content(title: String, text: String) -> PushContent {
        PushContent {
            id: "u1".into(),
            kind: PushKind::Need,
            need: Some("n4".into()),
            title,
            text,
            at: Time(0),
        }
    }

    proptest! {
        #[test]
        fn every_content_has_the_same_length_and_is_read_again(title in ".{0,900}", text in "\\PC{0,3000}") {
            let content = content(title.clone(), text.clone());
            let padded = content.padded();
            prop_assert_eq!(padded.len(), SIZE);
            let read = PushContent::read(&padded).unwrap();
            prop_assert_eq!(&read.need, &content.need);
            let begins = |whole: &str, part: &str| whole.starts_with(part.trim_end_matches('…')) || whole == part;
            prop_assert!(begins(&title, &read.title));
            prop_assert!(begins(&text, &read.text));
        }
    }

    #[test]
    fn what_fits_is_not_cut() {
        let whole = content("Approve a mail".into(), "To ana@example.org".into());
        assert_eq!(PushContent::read(&whole.padded()).unwrap(), whole);
    }

    #[test]
    fn a_kind_of_a_newer_agent_is_tolerated() {
        let text = br#"{"id":"u2","kind":"party","at":"2026-11-28T00:00:00Z","balloons":3}"#;
        assert_eq!(PushContent::read(text).unwrap().kind, PushKind::Unknown);
        assert!(PushContent::read(b"{}").is_err());
    }
}
