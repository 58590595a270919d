//! From words to a bundle. Without a model: built-in recipes, matched from plain words.
//!
//! `bundle.rs` is the format; `words.rs` finds addresses, times and numbers in a sentence; `when.rs`
//! turns “every weekday at 8” into triggers; `recipes.rs` matches sentences to the scripts in
//! `agent/recipes`.

mod bundle;
mod recipes;
mod when;
mod words;

pub use bundle::{BUNDLE_VERSION, Bundle, BundleError, Fixture, FixtureStep};
pub use recipes::{Unplanned, plan};
