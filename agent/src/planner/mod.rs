//! From words to a bundle. Without a model: built-in recipes, matched from plain words. With one: a
//! task, in which a model looks around, asks and proposes.
//!
//! `bundle.rs` is the format; `words.rs` finds addresses, times and numbers in a sentence; `when.rs`
//! turns “every weekday at 8” into triggers; `recipes.rs` matches sentences to the scripts in
//! `agent/recipes`, `exact.rs` tells whether one says all that the sentence says, `commands.rs` takes
//! “undo”.
//!
//! With a model: `work.rs` drives tasks (`task.rs`; `begin.rs` is what they begin with); `prompt.rs` and `system.md` are what the model is
//! told, `toolbox.rs` what it may call, `terms.rs` what planning itself may do; `checks.rs` is what a
//! bundle must pass (`script.rs` reads the script, `provenance.rs` says where each name comes from);
//! `proposal.rs` is what comes of it.

mod begin;
mod bundle;
mod checks;
mod commands;
mod exact;
mod prompt;
pub mod proposal;
mod provenance;
mod recipes;
mod script;
pub mod task;
mod terms;
mod toolbox;
mod when;
mod words;
mod work;

pub use begin::{answered, begin, current};
pub use bundle::{BUNDLE_VERSION, Bundle, BundleError, Fixture, FixtureStep};
pub use checks::{Checked, Refused, named_operations, unknown_names};
pub use commands::{Command, parse as command};
pub use exact::says_it_all;
pub use prompt::{Brief, Present, first_message, system};
pub use provenance::{Sources, is_private, wide};
pub use recipes::{Unplanned, plan};
pub use work::{BUDGET_SETTING, Driven, PlanBudget, Planner};
