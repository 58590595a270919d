//! The agent: it owns execution and all data on the user's machine.
//!
//! Rooms, in the order in which data flows: `scheduler` (inbox) → `executor` (runs) → `sandbox`
//! (scripts) → `tools` → `gate` → the executor's journal → the outside; `failure` classifies,
//! `maintainer` mends scripts, `needs` asks people, `models` are asked by planner and tools, `control` is the door for every
//! client, `web` the HTTP listener, `store` keeps it all.

mod agent;
pub mod cli;
pub mod clock;
pub mod connectors;
pub mod control;
pub mod executor;
pub mod failure;
pub mod fault;
pub mod gate;
pub mod intent;
pub mod maintainer;
pub mod models;
pub mod needs;
pub mod observe;
pub mod planner;
pub mod push;
pub mod remote;
pub mod sandbox;
pub mod scheduler;
pub mod store;
pub mod tools;
pub mod web;

pub use agent::{Agent, AgentConfig, AgentError};
