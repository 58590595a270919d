//! The ids that people see: a letter and the database key, e.g. `r17`.

/// What a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// An automation, `a3`.
    Automation,
    /// A run, `r17`.
    Run,
    /// An inbox item, `i42`.
    Input,
    /// An action-needed item, `n4`.
    Need,
    /// A ledger row, `o9`.
    Output,
    /// A connection, `c2`.
    Connection,
    /// A proposal, `p5`.
    Proposal,
    /// A task of the planner or the maintainer, `t6`.
    Task,
    /// A paired device, `d2`.
    Device,
}

/// Text that is no id of the wanted kind.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is not the id of {what}; such ids look like {letter}12")]
pub struct KeyError {
    text: String,
    what: &'static str,
    letter: char,
}

impl Key {
    /// The letter in front.
    pub fn letter(self) -> char {
        match self {
            Self::Automation => 'a',
            Self::Run => 'r',
            Self::Input => 'i',
            Self::Need => 'n',
            Self::Output => 'o',
            Self::Connection => 'c',
            Self::Proposal => 'p',
            Self::Task => 't',
            Self::Device => 'd',
        }
    }

    /// With its article, for messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Automation => "an automation",
            Self::Run => "a run",
            Self::Input => "an input",
            Self::Need => "an action-needed item",
            Self::Output => "an output",
            Self::Connection => "a connection",
            Self::Proposal => "a proposal",
            Self::Task => "a task",
            Self::Device => "a device",
        }
    }

    /// The id of a key.
    pub fn id(self, key: i64) -> String {
        format!("{}{key}", self.letter())
    }

    /// The key of an id.
    pub fn parse(self, id: &str) -> Result<i64, KeyError> {
        id.strip_prefix(self.letter())
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| KeyError {
                text: id.to_owned(),
                what: self.noun(),
                letter: self.letter(),
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_key() {
        assert_eq!(Key::Run.parse(&Key::Run.id(17)), Ok(17));
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_an_example() {
        let message = Key::Run.parse("a3").unwrap_err().to_string();
        assert_eq!(
            message,
            "“a3” is not the id of a run; such ids look like r12"
        );
    }

    #[test]
    fn signs_blanks_and_overflow_are_refused() {
        for text in ["r", "r-1", "r+1", "r 1", "r99999999999999999999"] {
            assert!(Key::Run.parse(text).is_err(), "{text}");
        }
    }
}
