//! Why a model did not answer. What each kind means for a run and for a person is a table.

use crate::store::StoreError;
use deputy_protocol::{ErrorBody, FailureClass};

/// Why a model did not answer. Messages carry no secret and no more than a line of the provider's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No model is set up.
    #[error("no model is set up")]
    NotConfigured,
    /// No connection, or it broke, or nothing came for too long.
    #[error("the model cannot be reached: {0}")]
    Unreachable(String),
    /// The key is missing, wrong or without the right.
    #[error("the provider refuses the key: {0}")]
    Auth(String),
    /// The provider does not know the model.
    #[error("the provider does not know this model: {0}")]
    UnknownModel(String),
    /// Too many questions, or the account is empty for now.
    #[error("the provider takes no more questions for now: {message}")]
    RateLimited {
        /// The provider's words.
        message: String,
        /// How long it wants to be left alone, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The provider has trouble of its own.
    #[error("the provider has trouble of its own: {message}")]
    Overloaded {
        /// The provider's words.
        message: String,
        /// How long it wants to be left alone, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The model, or its provider, does not want to answer this.
    #[error("the model refuses to answer: {0}")]
    Refused(String),
    /// The conversation is longer than the model can read.
    #[error("the conversation is longer than the model can read: {0}")]
    OutOfContext(String),
    /// The provider does not take the question as it was put.
    #[error("the provider does not take the question: {0}")]
    BadRequest(String),
    /// The answer is not one.
    #[error("the model's answer is not usable: {0}")]
    BadReply(String),
    /// The asker gave up.
    #[error("the question was withdrawn")]
    Cancelled,
    /// Settings, key or costs could not be read or written here.
    #[error("{0}")]
    Store(String),
}

/// What a kind of failure means.
struct Meaning {
    code: &'static str,
    class: FailureClass,
    /// How often it may help to ask again.
    again: u32,
    hint: &'static str,
}

/// As often as there is patience.
const OFTEN: u32 = u32::MAX;

const fn meaning(
    code: &'static str,
    class: FailureClass,
    again: u32,
    hint: &'static str,
) -> Meaning {
    Meaning {
        code,
        class,
        again,
        hint,
    }
}

impl ModelError {
    fn meaning(&self) -> Meaning {
        use FailureClass as Class;
        match self {
            Self::NotConfigured => meaning(
                "not_configured",
                Class::Precondition,
                0,
                "deputy model set --provider P --model NAME --key-stdin",
            ),
            Self::Unreachable(_) => meaning(
                "unreachable",
                Class::Transient,
                OFTEN,
                "check the network and --base-url; `deputy model test` tries again",
            ),
            Self::Auth(_) => meaning(
                "auth",
                Class::Auth,
                0,
                "enter the key again: deputy model set … --key-stdin",
            ),
            Self::UnknownModel(_) => meaning(
                "unknown_model",
                Class::Precondition,
                0,
                "check the name and --base-url: deputy model set … --model NAME",
            ),
            Self::RateLimited { .. } => meaning(
                "rate_limited",
                Class::Transient,
                OFTEN,
                "wait, or look at the account's limits with the provider",
            ),
            Self::Overloaded { .. } => {
                meaning("overloaded", Class::Transient, OFTEN, "try again later")
            }
            Self::Refused(_) => meaning(
                "refused",
                Class::Unknown,
                0,
                "say it in other words, or set another model",
            ),
            Self::OutOfContext(_) => meaning(
                "out_of_context",
                Class::Limit,
                0,
                "set a model that can read more",
            ),
            Self::BadRequest(_) => meaning(
                "bad_request",
                Class::Logic,
                0,
                "the model may lack tools or JSON answers; set another",
            ),
            Self::BadReply(_) => meaning(
                "bad_reply",
                Class::Transient,
                1,
                "try again, or set another model",
            ),
            Self::Cancelled => meaning("cancelled", Class::Transient, 0, ""),
            Self::Store(_) => meaning("store", Class::Transient, 0, "`deputy doctor` tells more"),
        }
    }

    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        self.meaning().code
    }

    /// What it means for a run that asked.
    pub fn class(&self) -> FailureClass {
        self.meaning().class
    }

    /// How often it may help to ask again, after a while. What is paid for is not paid for often.
    pub fn again(&self) -> u32 {
        self.meaning().again
    }

    /// How long the provider wants to be left alone, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_ms, .. } | Self::Overloaded { retry_after_ms, .. } => {
                *retry_after_ms
            }
            Self::NotConfigured
            | Self::Unreachable(_)
            | Self::Auth(_)
            | Self::UnknownModel(_)
            | Self::Refused(_)
            | Self::OutOfContext(_)
            | Self::BadRequest(_)
            | Self::BadReply(_)
            | Self::Cancelled
            | Self::Store(_) => None,
        }
    }

    /// The same with its words changed, e.g. redacted.
    pub(super) fn map_text(self, change: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Unreachable(m) => Self::Unreachable(change(&m)),
            Self::Auth(m) => Self::Auth(change(&m)),
            Self::UnknownModel(m) => Self::UnknownModel(change(&m)),
            Self::RateLimited {
                message,
                retry_after_ms,
            } => Self::RateLimited {
                message: change(&message),
                retry_after_ms,
            },
            Self::Overloaded {
                message,
                retry_after_ms,
            } => Self::Overloaded {
                message: change(&message),
                retry_after_ms,
            },
            Self::Refused(m) => Self::Refused(change(&m)),
            Self::OutOfContext(m) => Self::OutOfContext(change(&m)),
            Self::BadRequest(m) => Self::BadRequest(change(&m)),
            Self::BadReply(m) => Self::BadReply(change(&m)),
            Self::Store(m) => Self::Store(change(&m)),
            Self::NotConfigured | Self::Cancelled => self,
        }
    }

    /// As clients see it.
    pub fn body(&self) -> ErrorBody {
        let meaning = self.meaning();
        ErrorBody::new(
            &format!("model_{}", meaning.code),
            format!("{self}. Automations that are set up go on without a model"),
            meaning.hint,
        )
    }
}

impl From<StoreError> for ModelError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<ModelError> {
        let m = || "m".to_owned();
        vec![
            ModelError::NotConfigured,
            ModelError::Unreachable(m()),
            ModelError::Auth(m()),
            ModelError::UnknownModel(m()),
            ModelError::RateLimited {
                message: m(),
                retry_after_ms: Some(7),
            },
            ModelError::Overloaded {
                message: m(),
                retry_after_ms: None,
            },
            ModelError::Refused(m()),
            ModelError::OutOfContext(m()),
            ModelError::BadRequest(m()),
            ModelError::BadReply(m()),
            ModelError::Cancelled,
            ModelError::Store(m()),
        ]
    }

    #[test]
    fn each_kind_has_a_code_of_its_own_and_the_class_that_decides_what_happens() {
        use FailureClass as Class;
        let expected = [
            ("not_configured", Class::Precondition, 0),
            ("unreachable", Class::Transient, OFTEN),
            ("auth", Class::Auth, 0),
            ("unknown_model", Class::Precondition, 0),
            ("rate_limited", Class::Transient, OFTEN),
            ("overloaded", Class::Transient, OFTEN),
            ("refused", Class::Unknown, 0),
            ("out_of_context", Class::Limit, 0),
            ("bad_request", Class::Logic, 0),
            ("bad_reply", Class::Transient, 1),
            ("cancelled", Class::Transient, 0),
            ("store", Class::Transient, 0),
        ];
        let seen: Vec<_> = all()
            .iter()
            .map(|e| (e.code(), e.class(), e.again()))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn only_what_carries_a_wait_asks_for_one() {
        let waits: Vec<_> = all()
            .iter()
            .filter_map(|e| e.retry_after_ms().map(|ms| (e.code(), ms)))
            .collect();
        assert_eq!(waits, [("rate_limited", 7)]);
    }
}
