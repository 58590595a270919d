//! Scripts run here: in confined worker processes of this same binary, one run at a time in a
//! fresh QuickJS runtime, speaking to the executor over one socket and to nothing else.
//!
//! `frames.rs` is the language of that socket; `pool.rs` (host side) starts, lends, recycles and
//! kills workers; `worker/` is what runs inside: the runtime, the prelude, limits, confinement.

pub mod frames;
