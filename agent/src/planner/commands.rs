//! Words about an automation that need no model. Pure.

use super::words::tokens;

/// What the words ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The version before the last change.
    PreviousVersion,
}

/// Words that may stand around a command without changing what it means.
const POLITE: &[&str] = &[
    "please", "can", "could", "you", "me", "i", "want", "to", "the", "that", "this", "it", "my",
    "give", "get", "go", "back", "have", "again", "just", "a", "now", "of", "its", "your", "let",
    "us", "we", "restore", "bring", "return", "take", "put", "use", "with", "is", "was", "as",
];

/// Each command by the words that make it, all of which must be there.
const COMMANDS: &[(&[&str], Command)] = &[
    (&["undo"], Command::PreviousVersion),
    (&["revert"], Command::PreviousVersion),
    (&["roll", "back"], Command::PreviousVersion),
    (&["rollback"], Command::PreviousVersion),
    (&["previous", "version"], Command::PreviousVersion),
    (&["last", "version"], Command::PreviousVersion),
    (&["old", "version"], Command::PreviousVersion),
    (&["earlier", "version"], Command::PreviousVersion),
    (&["version", "before"], Command::PreviousVersion),
];

/// What else may stand in a sentence that is such a command.
const ABOUT: &[&str] = &[
    "change", "changes", "fix", "last", "latest", "previous", "repair", "version",
];

/// Reads a command. A sentence that says anything more is none.
pub fn parse(text: &str) -> Option<Command> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = tokens(&lower).collect();
    COMMANDS
        .iter()
        .find(|(needed, _)| {
            needed.iter().all(|word| words.contains(word))
                && words.iter().all(|word| {
                    needed.contains(word) || POLITE.contains(word) || ABOUT.contains(word)
                })
        })
        .map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_understood_and_nothing_else_is_taken_for_one() {
        for text in [
            "undo",
            "Undo that, please.",
            "undo the last change",
            "undo the repair",
            "give me the previous version back",
            "Give me the previous version back!",
            "go back to the version before",
            "restore the previous version",
            "roll it back",
            "revert",
        ] {
            assert_eq!(parse(text), Some(Command::PreviousVersion), "{text}");
        }
        for text in [
            "",
            "mail me the previous version of the page",
            "undo only the new recipient",
            "go back to checking every hour",
            "tell me when a new version is out",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
