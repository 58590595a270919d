//! The intent contract, version 1: what an automation is for and what it may do. Parsed strictly
//! (a contract is never half understood), rendered in plain words, compared, and asked by the gate.
//!
//! `contract.rs` is the shape; `parse.rs` reads and checks it; `words.rs` says it in plain words;
//! `diff.rs` says what a change widens or narrows; `predicate.rs` decides whether a call is covered.

pub mod contract;

pub use contract::*;
