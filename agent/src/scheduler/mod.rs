//! The scheduler: triggers put items into the inbox, and the inbox becomes runs.
//!
//! `cron.rs` and `schedule.rs` (pure) say when a trigger is due; `missed.rs` (pure) what to do about
//! times that passed; `ticks.rs` puts due ticks into the inbox; `service.rs` is the loop that claims
//! items, starts attempts and sleeps until the next due time; `watch.rs` and `webhook.rs` are the
//! triggers that come from outside.

mod claim;
mod cron;
mod missed;
mod schedule;
mod service;
mod stalled;
mod ticks;

pub use cron::CronPattern;
pub use missed::{DuePlan, GRACE_MS, due};
pub use schedule::Schedule;
pub use service::{Scheduler, SchedulerHandle};
pub use stalled::renew_leases;
pub use ticks::{activate, deactivate};
