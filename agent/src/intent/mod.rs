//! The intent contract, version 1: what an automation is for and what it may do. Parsed strictly
//! (a contract is never half understood), rendered in plain words, compared, and asked by the gate.
//!
//! `contract.rs` is the shape; `parse.rs` reads it, `check.rs` asks whether it can be meant; `words.rs` says it in plain words;
//! `diff.rs` says what a change widens or narrows; `widen.rs` makes the smallest one that lets a call pass; `predicate.rs` decides what a grant covers.

mod check;
pub mod contract;
mod diff;
mod parse;
mod predicate;
pub mod widen;
mod words;

pub use check::{check, expand_home};
pub use contract::*;
pub use diff::diff;
pub use parse::{CONTRACT_VERSION, ContractError, KnownOperations, parse};
pub use predicate::{covered, covers};
pub use words::{plain_words, trigger_words};

/// A time of day `HH:MM` in minutes since midnight.
pub(crate) fn clock_time(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (text.len() == 5 && hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// The JSON Schema of contracts.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Contract).to_value();
    schema["title"] = "Deputy intent contract, version 1".into();
    schema["properties"]["contract"]["const"] = CONTRACT_VERSION.into();
    schema
}

/// Digest of a contract's canonical JSON.
pub fn digest(contract: &Contract) -> String {
    crate::tools::canonical::digest(&serde_json::to_value(contract).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn the_published_schema_is_the_one_of_this_build() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/contract.schema.json");
        let published: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(
            published,
            super::schema(),
            "write it anew: deputy contract schema > docs/contract.schema.json"
        );
    }
}
