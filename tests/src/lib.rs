//! What the acceptance tests stand on: a real agent on a data directory of its own, and real
//! servers on this machine for it to work with. No test reaches into the agent; it types commands
//! ([`Home::cli`]), speaks the control protocol ([`Home::ask`]), or looks at a stopped agent's
//! database ([`Home::database`]).

// Here a failure to set up is a failed test, said at once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agent;
mod client;
mod dishonest;
mod dovecot;
mod home;
mod http;
mod line;
mod oidc;
mod postfix;
mod proxy;
mod push_service;
mod radicale;
mod relay;
mod serve;
mod shared_name;
mod wait;

pub use agent::{Agent, Binary, Launch};
pub use client::{AskError, Follow};
pub use dishonest::{DishonestRelay, Meddler, Meddling, connected_length};
pub use dovecot::{ImapServer, Passwords};
pub use home::{Home, Output, bundle};
pub use http::{HttpServer, Page};
pub use line::BadLine;
pub use oidc::OauthProvider;
pub use postfix::{Letter, SmtpServer};
pub use proxy::{Fault, SmtpProxy};
pub use push_service::{PushService, Taken};
pub use radicale::CalendarServer;
pub use relay::{Certificate, NatsServer, RelayProcess};
pub use shared_name::SharedName;
pub use wait::{PATIENCE, wait_until, wait_up_to};
