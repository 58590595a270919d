//! A scripted model provider for tests. It speaks the published wire formats of Anthropic's Messages,
//! OpenAI's chat completions and Google's Gemini, streamed and whole, and plays a [`Script`].
//!
//! It is strict on purpose: every request is checked against the documented shape and rules of its
//! API, and what breaks one is a violation that fails the test when the server is dropped.
//!
//! `script.rs` is what it says; `asked.rs` what it was asked, in any format; `anthropic.rs`, `openai.rs`
//! and `gemini.rs` each hold one API's shapes, rules and answers; `schema.rs` checks JSON Schemas;
//! `server.rs` is the HTTP around it.

mod anthropic;
mod asked;
mod gemini;
mod openai;
mod schema;
mod script;
mod server;

pub use asked::{Api, Asked, Said};
pub use script::{Call, Expect, Fault, Line, Named, Reply, Script, Status, Usage};
pub use server::{ModelServer, Rules};

#[cfg(test)]
mod rules_tests;
