//! The closed sets of words: states, classes, kinds. Each has one spelling everywhere.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word of this set.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as in SQL, JSON and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word; `None` for an unknown one.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What an automation is doing as a whole.
    AutomationState {
        /// Proposed, not yet accepted.
        Draft => "draft",
        /// Its triggers fire.
        Active => "active",
        /// Its triggers rest, by the user or because something is needed.
        Paused => "paused",
        /// Kept for its history; never runs again.
        Archived => "archived",
    }
}

words! {
    /// Where a run stands.
    RunState {
        /// Created, no attempt begun.
        Queued => "queued",
        /// An attempt is under way.
        Running => "running",
        /// Parked; `waiting_for` says for what.
        Waiting => "waiting",
        /// Ended well.
        Succeeded => "succeeded",
        /// Ended badly.
        Failed => "failed",
        /// Ended by the user.
        Cancelled => "cancelled",
    }
}

words! {
    /// What a waiting run waits for.
    WaitingFor {
        /// A `ctx.sleep`.
        Timer => "timer",
        /// The next attempt: after a transient failure, or once its script is mended.
        Retry => "retry",
        /// A person approves an effect.
        Approval => "approval",
        /// A person widens what is allowed.
        Permission => "permission",
        /// A connection is authorised again.
        Auth => "auth",
        /// A person settles whether an effect happened.
        InDoubt => "in_doubt",
        /// The outside has again what the contract assumes.
        Precondition => "precondition",
        /// A person looks at it.
        Person => "person",
    }
}

words! {
    /// How dangerous a tool's operation is to repeat; see the execution semantics.
    EffectClass {
        /// Computes only; not journaled.
        Pure => "pure",
        /// Looks at the outside.
        Read => "read",
        /// May be repeated with the same key.
        Idempotent => "idempotent",
        /// Can be looked up before it is repeated.
        Reconcilable => "reconcilable",
        /// Never repeated.
        Opaque => "opaque",
    }
}

impl EffectClass {
    /// Whether the operation changes something that others can see.
    pub fn is_effect(self) -> bool {
        matches!(self, Self::Idempotent | Self::Reconcilable | Self::Opaque)
    }
}

words! {
    /// Why a run failed; decides what happens next.
    FailureClass {
        /// Try again later.
        Transient => "transient",
        /// A connection must be authorised again.
        Auth => "auth",
        /// The contract or a permission forbids the call.
        Permission => "permission",
        /// The contract wants a person's approval first.
        Approval => "approval",
        /// The outside lacks what the contract assumes.
        Precondition => "precondition",
        /// The script is wrong.
        Logic => "logic",
        /// A limit was exceeded.
        Limit => "limit",
        /// An effect may or may not have happened.
        InDoubt => "in_doubt",
        /// None of these can be shown.
        Unknown => "unknown",
    }
}

words! {
    /// The state of a step in the journal.
    StepState {
        /// Its intent is on disk, its outcome is not.
        Intent => "intent",
        /// Its outcome is on disk.
        Done => "done",
        /// It failed; its error is on disk.
        Failed => "failed",
        /// It waits for a person or a time.
        Waiting => "waiting",
        /// It may or may not have happened; a person settles it.
        InDoubt => "in_doubt",
        /// A person said to go on without it.
        Skipped => "skipped",
    }
}

words! {
    /// The state of an inbox item.
    InputState {
        /// Not yet claimed.
        Pending => "pending",
        /// A run is at work on it.
        Claimed => "claimed",
        /// Its run succeeded.
        Done => "done",
        /// Its run failed.
        Failed => "failed",
        /// Nothing is to be done with it.
        Skipped => "skipped",
    }
}

words! {
    /// What kind of human action an action-needed item asks for.
    NeedKind {
        /// Authorise a connection again.
        Auth => "auth",
        /// Allow a call, or not.
        Permission => "permission",
        /// Approve an effect, or not.
        Approval => "approval",
        /// Say whether an effect happened.
        InDoubt => "in_doubt",
        /// Restore what the contract assumes.
        Precondition => "precondition",
        /// A script failed and cannot be repaired here.
        Logic => "logic",
        /// A limit or a budget was exceeded.
        Limit => "limit",
        /// Something nobody can classify.
        Unknown => "unknown",
        /// A run crashed its process again and again.
        Poison => "poison",
        /// A repair would need a wider contract.
        ContractChange => "contract_change",
        /// The planner asks.
        Question => "question",
        /// A due time passed and nothing ran.
        Stalled => "stalled",
        /// A copy of the data was put back: go on from it, or not.
        Restored => "restored",
    }
}

words! {
    /// Where an inbox item came from.
    SourceKind {
        /// A cron tick.
        Cron => "cron",
        /// An interval's tick.
        Every => "every",
        /// A one-shot time.
        At => "at",
        /// An event sent by name.
        Event => "event",
        /// A local webhook.
        Webhook => "webhook",
        /// A change in a watched folder.
        File => "file",
        /// A mail.
        Mail => "mail",
        /// The user said so.
        Manual => "manual",
        /// Emitted by a run of the same automation.
        Emit => "emit",
    }
}
