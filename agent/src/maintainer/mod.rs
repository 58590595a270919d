//! The maintainer: a script that failed becomes a script that works, within the contract and without
//! repeating anything. Where it may not, or cannot, a person is asked.
//!
//! Read in this order: `decide.rs` (pure: whether and when), `repairs.rs` (what is kept of a
//! repair), `consider.rs` (the transaction in which a run fails), `deploy.rs` (the transactions that
//! change versions: deploy, roll back), `change.rs` (a wider contract, and a person's word on it),
//! `gather.rs` (what the model is told), `check.rs` and `workshop.rs` (what it may do, and what is
//! done with its proposal), `service.rs` (the loop). `system.md` is what the model is told first.

mod change;
mod check;
mod consider;
mod decide;
mod deploy;
mod gather;
mod repairs;
mod service;
mod workshop;

pub(crate) use change::answered;
pub(crate) use consider::{Broken, Considered, consider, succeeded};
pub(crate) use deploy::{successor, undo};
pub use repairs::SETTINGS;
pub use service::Maintainer;
