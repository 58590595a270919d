//! The promise of the execution semantics, put to the test with a mail server that counts: whatever
//! happens to the agent or its machine, no effect happens twice, and none is lost without asking a
//! person.
//!
//! `commands.rs` sends commands again, `kill.rs` kills the agent, `faults.rs` breaks what it stands on, `work.rs` is what the automations
//! do, `reckon.rs` what must be true afterwards. `DEPUTY_KILLS` is how often the agent is killed at
//! random (200), `DEPUTY_SEED` repeats a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod commands;
mod faults;
mod kill;
mod reckon;
mod work;
