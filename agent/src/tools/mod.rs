//! Tools: the only doors of a script. One Rust type per operation defines its name, schemas,
//! effect class, resources, title and how it runs; from that one definition come the gate, the
//! journal, the TypeScript declarations and the docs.
//!
//! `operation.rs` holds the traits, `registry.rs` the set of them, `declarations.rs` the
//! TypeScript, and every other file one namespace.

pub mod operation;

pub use operation::*;
