//! Action-needed items: what each kind can be answered with. What an answer does to runs is in
//! `executor::answers`.

use deputy_protocol::NeedKind;
use deputy_protocol::model::Choice;

/// Allows a call and what it touches from now on: a new contract version.
pub const ALLOW_ALWAYS: &str = "allow_always";
/// Approves a call and those like it from now on: a new contract version.
pub const APPROVE_ALWAYS: &str = "approve_always";

/// Leaves things as they are.
pub const DISMISS: &str = "dismiss";
/// Goes on after a restore, with what waited in the copy.
pub const RESUME: &str = "resume";
/// Goes on after a restore, without what waited in the copy.
pub const RESUME_NEW: &str = "resume_new";

/// Each kind with its choices: what `need answer` takes, and what it means.
const CHOICES: &[(NeedKind, &[(&str, &str)])] = &[
    (
        NeedKind::InDoubt,
        &[
            ("happened", "It happened: go on as if it had been confirmed"),
            ("redo", "It did not happen: do it now"),
            ("skip", "Leave it and go on"),
            ("stop", "Stop this run"),
        ],
    ),
    (
        NeedKind::Approval,
        &[
            ("approve", "Do it"),
            (APPROVE_ALWAYS, "Do it, and do not ask about this again"),
            ("reject", "Do not do it"),
        ],
    ),
    (
        NeedKind::Permission,
        &[
            ("allow_once", "Allow this very call"),
            (
                ALLOW_ALWAYS,
                "Allow it from now on: the contract becomes wider by this",
            ),
            ("refuse", "Do not allow it"),
        ],
    ),
    (
        NeedKind::Auth,
        &[
            ("retry", "It is authorised again: go on"),
            ("stop", "Stop this run"),
        ],
    ),
    (
        NeedKind::Precondition,
        &[
            ("check_again", "It is there again: go on"),
            ("stop", "Stop this run"),
        ],
    ),
    (
        NeedKind::Logic,
        &[
            ("retry", "Try this run again from where it stopped"),
            ("dismiss", "Leave it"),
        ],
    ),
    (
        NeedKind::Limit,
        &[
            ("retry", "Try this run again and resume"),
            ("dismiss", "Leave it paused"),
        ],
    ),
    (
        NeedKind::Unknown,
        &[
            ("retry", "Try this run again and resume"),
            ("dismiss", "Leave it paused"),
        ],
    ),
    (
        NeedKind::Poison,
        &[("retry", "Try it again"), ("stop", "Stop this run")],
    ),
    (
        NeedKind::ContractChange,
        &[("accept", "Accept the change"), ("decline", "Decline it")],
    ),
    (NeedKind::Question, &[("answer", "Answer in the note")]),
    (NeedKind::Stalled, &[("dismiss", "I have seen it")]),
    (
        NeedKind::Restored,
        &[
            (
                RESUME_NEW,
                "Go on with all automations, with what comes in from now on",
            ),
            (
                RESUME,
                "Go on with all automations, and with what was waiting in the copy",
            ),
            (DISMISS, "Leave them paused"),
        ],
    ),
];

/// The choices of a kind.
pub fn choices(kind: NeedKind) -> Vec<Choice> {
    CHOICES
        .iter()
        .filter(|(k, _)| *k == kind)
        .flat_map(|(_, choices)| choices.iter())
        .map(|(id, label)| Choice {
            id: (*id).to_owned(),
            label: (*label).to_owned(),
        })
        .collect()
}

/// The choices of a kind where no contract would allow it always.
pub fn choices_for_once(kind: NeedKind) -> Vec<Choice> {
    let mut choices = choices(kind);
    choices.retain(|choice| choice.id != ALLOW_ALWAYS && choice.id != APPROVE_ALWAYS);
    choices
}

/// The choices of a kind where a whole run failed and no single call can be answered.
pub fn choices_after(kind: NeedKind) -> Vec<Choice> {
    match kind {
        NeedKind::Permission => choices(NeedKind::Logic),
        kind => choices(kind),
    }
}

/// The choices of a kind for a run that has ended: it neither does anything any more nor stops.
pub fn choices_after_the_end(kind: NeedKind) -> Vec<Choice> {
    let mut choices = choices(kind);
    choices.retain(|choice| !matches!(choice.id.as_str(), "redo" | "stop" | "retry"));
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_answered() {
        for kind in NeedKind::ALL {
            assert!(!choices(*kind).is_empty(), "{kind}");
        }
    }

    #[test]
    fn an_effect_in_doubt_has_the_four_choices_of_the_contract() {
        let ids: Vec<String> = choices(NeedKind::InDoubt)
            .into_iter()
            .map(|c| c.id)
            .collect();
        assert_eq!(ids, ["happened", "redo", "skip", "stop"]);
    }
}
