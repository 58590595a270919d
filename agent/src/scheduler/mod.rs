//! The scheduler: triggers put items into the inbox, and the inbox becomes runs.
//!
//! `cron.rs` and `schedule.rs` (pure) say when a trigger is due; `missed.rs` (pure) what to do about
//! times that passed; `ticks.rs` puts due ticks into the inbox, `watch.rs` files, `mailbox.rs` mails (events and
//! webhooks come through `control`); `claim.rs` is the transaction that makes a run of an item; `service.rs`
//! the loop that claims, starts attempts and sleeps until the next due time; `stalled.rs` tells of
//! ticks that nothing began.
//!
//! A pause holds everything but what the user starts by hand. Ticks carry nothing, so those of a
//! pause by the user are forgotten; events, webhooks, files and mails carry data, so they are kept and
//! begin when the automation is resumed.

mod claim;
mod cron;
mod mailbox;
mod missed;
mod schedule;
mod service;
mod stalled;
mod ticks;
mod watch;

pub use cron::CronPattern;
pub use mailbox::MailWatch;
pub use missed::{DuePlan, GRACE_MS, due};
pub use schedule::Schedule;
pub use service::{Scheduler, SchedulerHandle};
pub use stalled::renew_leases;
pub use ticks::{activate, deactivate};
pub use watch::{FolderWatch, SETTLE_MS};
