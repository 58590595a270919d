//! What a run becomes after an attempt. Pure: (how it ended, what is allowed) → what to do.

use crate::intent::Retries;
use deputy_protocol::{FailureClass, NeedKind, Time, WaitingFor};

/// Why an attempt ended badly, classified.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// Its class.
    pub(super) class: FailureClass,
    /// Stable code.
    pub(super) code: String,
    /// A sentence.
    pub(super) message: String,
    /// The script's stack, where there is one.
    pub(super) stack: String,
    /// The step whose error it is.
    pub(super) seq: Option<u32>,
    /// That step's tool.
    pub(super) tool: Option<String>,
    /// The connection it went through.
    pub(super) connection: Option<String>,
    /// What the other side asked us to wait, in milliseconds.
    pub(super) retry_after_ms: Option<u64>,
    /// The process died under it.
    pub(super) crash: bool,
}

impl Failure {
    /// A failure of a class without more to say.
    pub(super) fn new(class: FailureClass, code: &str, message: impl Into<String>) -> Self {
        Self {
            class,
            code: code.to_owned(),
            message: message.into(),
            stack: String::new(),
            seq: None,
            tool: None,
            connection: None,
            retry_after_ms: None,
            crash: false,
        }
    }
}

/// What the run's past allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// Attempts already spent on transient failures.
    pub(super) retries: u32,
    /// Crashes at this very step, this one included.
    pub(super) crashes: u32,
    /// The contract's retries.
    pub(super) policy: Retries,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// Try again at this time.
    Retry { at: Time },
    /// End it as failed and ask.
    FailAndAsk { kind: NeedKind, pause: bool },
    /// Keep it, pause the automation and ask; it resumes when answered.
    HoldAndAsk {
        kind: NeedKind,
        waiting_for: WaitingFor,
        pause: bool,
    },
    /// End it as cancelled: the user said no.
    Cancel,
    /// End it as failed: the user refused what it needs.
    Fail,
}

/// The code of the error that a person's refusal is.
pub(super) const REFUSED_BY_USER: &str = "refused_by_user";

/// How often a step may take its process with it before the run waits for a person.
pub(super) const POISON: u32 = 3;

/// Decides what becomes of a run whose attempt failed. `random` is in [0, 1).
pub(super) fn after_failure(failure: &Failure, past: Past, now: Time, random: f64) -> Next {
    if failure.crash {
        if past.crashes >= POISON {
            return Next::HoldAndAsk {
                kind: NeedKind::Poison,
                waiting_for: WaitingFor::Person,
                pause: false,
            };
        }
        return Next::Retry {
            at: now.plus_ms(1_000 << past.crashes.min(4)),
        };
    }
    match failure.class {
        FailureClass::Transient => {
            match crate::failure::next_delay(
                &past.policy,
                past.retries,
                failure.retry_after_ms,
                random,
            ) {
                Some(delay) => Next::Retry {
                    at: now.plus_ms(i64::try_from(delay).unwrap_or(i64::MAX)),
                },
                None => Next::FailAndAsk {
                    kind: NeedKind::Unknown,
                    pause: true,
                },
            }
        }
        FailureClass::Auth => Next::HoldAndAsk {
            kind: NeedKind::Auth,
            waiting_for: WaitingFor::Auth,
            pause: true,
        },
        FailureClass::Precondition => Next::HoldAndAsk {
            kind: NeedKind::Precondition,
            waiting_for: WaitingFor::Precondition,
            pause: true,
        },
        FailureClass::Logic => Next::FailAndAsk {
            kind: NeedKind::Logic,
            pause: false,
        },
        FailureClass::Limit => Next::FailAndAsk {
            kind: NeedKind::Limit,
            pause: true,
        },
        FailureClass::Unknown => Next::FailAndAsk {
            kind: NeedKind::Unknown,
            pause: true,
        },
        FailureClass::Approval => Next::Cancel,
        // The gate parks calls before they fail: what comes here was refused by a person, or a tool
        // met the contract's border by itself (a redirect, a link).
        FailureClass::Permission if failure.code == REFUSED_BY_USER => Next::Fail,
        FailureClass::Permission => Next::FailAndAsk {
            kind: NeedKind::Permission,
            pause: false,
        },
        FailureClass::InDoubt => Next::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(retries: u32, crashes: u32) -> Past {
        Past {
            retries,
            crashes,
            policy: Retries::default(),
        }
    }

    fn after(class: FailureClass, past: Past) -> Next {
        after_failure(&Failure::new(class, "x", "y"), past, Time(0), 0.5)
    }

    #[test]
    fn every_class_has_its_way() {
        use FailureClass as C;
        use NeedKind as K;
        let hold = |kind, waiting_for| Next::HoldAndAsk {
            kind,
            waiting_for,
            pause: true,
        };
        assert!(matches!(
            after(C::Transient, past(0, 0)),
            Next::Retry { .. }
        ));
        assert_eq!(
            after(C::Transient, past(5, 0)),
            Next::FailAndAsk {
                kind: K::Unknown,
                pause: true
            }
        );
        assert_eq!(after(C::Auth, past(0, 0)), hold(K::Auth, WaitingFor::Auth));
        assert_eq!(
            after(C::Precondition, past(0, 0)),
            hold(K::Precondition, WaitingFor::Precondition)
        );
        assert_eq!(
            after(C::Logic, past(0, 0)),
            Next::FailAndAsk {
                kind: K::Logic,
                pause: false
            }
        );
        assert_eq!(
            after(C::Limit, past(0, 0)),
            Next::FailAndAsk {
                kind: K::Limit,
                pause: true
            }
        );
        assert_eq!(
            after(C::Unknown, past(0, 0)),
            Next::FailAndAsk {
                kind: K::Unknown,
                pause: true
            }
        );
        assert_eq!(after(C::Approval, past(0, 0)), Next::Cancel);
        assert_eq!(
            after(C::Permission, past(0, 0)),
            Next::FailAndAsk {
                kind: K::Permission,
                pause: false
            }
        );
        let refused = Failure::new(C::Permission, REFUSED_BY_USER, "no");
        assert_eq!(
            after_failure(&refused, past(0, 0), Time(0), 0.5),
            Next::Fail
        );
        assert_eq!(after(C::InDoubt, past(0, 0)), Next::Fail);
    }

    #[test]
    fn a_step_that_kills_its_process_three_times_waits_for_a_person() {
        let mut crash = Failure::new(FailureClass::Limit, "crash", "died");
        crash.crash = true;
        assert!(matches!(
            after_failure(&crash, past(0, 1), Time(0), 0.5),
            Next::Retry { .. }
        ));
        assert!(matches!(
            after_failure(&crash, past(0, 2), Time(0), 0.5),
            Next::Retry { .. }
        ));
        assert_eq!(
            after_failure(&crash, past(0, 3), Time(0), 0.5),
            Next::HoldAndAsk {
                kind: NeedKind::Poison,
                waiting_for: WaitingFor::Person,
                pause: false
            }
        );
    }
}
