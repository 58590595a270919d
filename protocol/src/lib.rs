//! What the agent and its clients say to one another: ids, times, the control requests and
//! answers, and the things they name. Sans I/O; builds for WebAssembly.
//!
//! One thing has one name: these field names are those of the database, the command line's JSON
//! and the screens.

pub mod control;
pub mod error;
pub mod link;
pub mod model;
pub mod pairing;
pub mod push;
pub mod remote;
pub mod session;
pub mod states;
pub mod time;

pub use error::ErrorBody;
pub use states::*;
pub use time::Time;
