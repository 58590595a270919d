//! The client for phones: [`deputy_mobile_core::native`] with Swift, Kotlin or Python on the other
//! side. Control only, by type: there is no word here that edits a script or reads a secret.
//!
//! `pairing.rs` is how a phone becomes known, `agent.rs` what it holds of its agent from then on,
//! `questions.rs` and `commands.rs` all that can be asked and done. `listener.rs` is how an app is
//! told what happens, `keeper.rs` how what outlives it is kept. What is seen is in a file for each
//! subject, from `automations.rs` to `status.rs`, in the names of [`deputy_protocol::model`];
//! `plain.rs` is what these are made of. Of a newer agent, words that this version does not know are
//! handed on as they are and fields that it does not know are left out; nothing else suffers.

// The glue that uniffi writes into this crate exports its functions by name.
#![allow(unsafe_code)]
// What crosses the border is made once and handed on.
#![allow(clippy::large_enum_variant)]

uniffi::setup_scaffolding!();

mod agent;
mod answer;
mod asking;
mod automations;
mod chat;
mod commands;
mod error;
mod inputs;
mod keeper;
mod line;
mod listener;
mod needs;
mod pairing;
mod plain;
mod proposals;
mod pushes;
mod questions;
mod runs;
mod runtime;
mod status;
#[cfg(test)]
mod tests;

pub use agent::Agent;
pub use answer::{Answer, View};
pub use automations::{
    Automation, AutomationDetail, AutomationState, Clause, ContractChange, ContractDiff,
    ContractEffect, ContractVersion,
};
pub use chat::{ChatLine, Event};
pub use commands::{Act, Command, CommandState};
pub use error::{AgentError, PairingError};
pub use inputs::{Input, InputDetail, InputState, Output, SourceKind};
pub use keeper::{Keeper, KeeperError, Kept};
pub use line::{LineState, WhyAway};
pub use listener::{Listener, ListenerError, Notice};
pub use needs::{Call, Choice, Need, NeedKind, NeedState};
pub use pairing::{Comparing, Paired, pair};
pub use plain::{Json, Time};
pub use proposals::{
    Doubt, PlannerQuestion, Preview, PreviewEffect, PreviewState, Proposal, ProposalState,
};
pub use pushes::{PushContent, PushKind, PushState, PushTarget, Quiet, open_push, read_push};
pub use questions::Question;
pub use runs::{EffectClass, FailureClass, Run, RunDetail, RunState, Step, StepState, WaitingFor};
pub use status::{
    AutomationCounts, Connection, ConnectionState, CostLine, Device, Done, Right, Status,
};
