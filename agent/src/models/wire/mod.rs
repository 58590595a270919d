//! Between our words and the client crate's. Pure.
//!
//! `ask.rs` writes questions, `heard.rs` reads answers, `faults.rs` says what a failure is.

mod ask;
mod faults;
mod heard;

pub(super) use ask::{options, request, target};
pub(super) use faults::failure;
pub(super) use heard::{Heard, broken_off, heard, refusal};
