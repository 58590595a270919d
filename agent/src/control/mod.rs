//! Control: the only door for every client. A request comes in, is applied, and is answered; the
//! command line on the local socket and devices far away use the same requests.
//!
//! `apply.rs` says which request goes where; `commands.rs` makes a command count once; `automations.rs`, `export.rs`, `planning.rs`, `proposals.rs`, `work.rs`, `arrivals.rs`, `needs.rs`,
//! `settings.rs`, `models.rs`, `versions.rs`, `schedules.rs`, `connections.rs`, `sign_in.rs`, `devices.rs` and `pushes.rs` apply them; `server.rs` is the local socket.

mod apply;
mod arrivals;
mod automations;
mod commands;
mod connections;
mod devices;
mod export;
mod models;
mod needs;
mod planning;
mod proposals;
mod pushes;
mod schedules;
mod server;
mod settings;
mod sign_in;
mod versions;
mod work;

pub(crate) use arrivals::{Hook, HookRefused};
pub use server::{SOCKET, bind, serve};

use crate::executor::Executor;
use crate::store::StoreError;
use deputy_protocol::{ErrorBody, Time};

/// Applies requests.
#[derive(Clone)]
pub struct Control {
    pub(crate) executor: Executor,
    /// When the agent started.
    pub started_at: Time,
    /// The vault's key.
    pub vault: std::sync::Arc<crate::connectors::Vault>,
    /// Who signs in where.
    pub(crate) oauth: std::sync::Arc<crate::connectors::Oauth>,
    /// Where the HTTP listener is, once it is.
    listen: std::sync::Arc<std::sync::OnceLock<std::net::SocketAddr>>,
    /// The user's devices.
    pub remote: std::sync::Arc<crate::remote::Remote>,
    /// The way to the language model.
    pub models: std::sync::Arc<crate::models::Models>,
    planner: std::sync::Arc<crate::planner::Planner>,
    pusher: std::sync::Arc<crate::push::Pusher>,
    at_work: std::sync::Arc<commands::AtWork>,
    /// Tasks at work.
    planning: tokio_util::task::TaskTracker,
}

type Answer<T> = Result<T, ErrorBody>;

impl Control {
    /// A control for an executor.
    pub fn new(
        executor: Executor,
        vault: std::sync::Arc<crate::connectors::Vault>,
        oauth: std::sync::Arc<crate::connectors::Oauth>,
        models: std::sync::Arc<crate::models::Models>,
        remote: std::sync::Arc<crate::remote::Remote>,
        pusher: std::sync::Arc<crate::push::Pusher>,
    ) -> Self {
        let started_at = executor.parts.clock.now();
        let planner = crate::planner::Planner::new(
            std::sync::Arc::clone(&executor.parts),
            std::sync::Arc::clone(&models),
        );
        Self {
            planner: std::sync::Arc::new(planner),
            pusher,
            at_work: std::sync::Arc::default(),
            planning: tokio_util::task::TaskTracker::new(),
            executor,
            started_at,
            vault,
            oauth,
            listen: std::sync::Arc::default(),
            models,
            remote,
        }
    }

    fn now(&self) -> Time {
        self.executor.parts.clock.now()
    }
}

/// A store's failure as clients see it.
fn store_error(error: StoreError) -> ErrorBody {
    match error {
        StoreError::Full => ErrorBody::new(
            "disk_full",
            "the disk is full; nothing of this was written, and what was written before is safe",
            "make room on the disk of the data directory; runs go on by themselves",
        ),
        StoreError::ReadOnly(message) => ErrorBody::new(
            "read_only",
            format!("the database cannot be written to ({message}); nothing was changed"),
            "make the data directory writable for this user",
        ),
        other => ErrorBody::new(
            "store",
            other.to_string(),
            "`deputy doctor` looks at the database",
        ),
    }
}

fn not_found(what: &str, id: &str) -> ErrorBody {
    let list = match what {
        "run" => "runs",
        "input" => "inputs",
        "need" => "needs",
        "connection" => "connections",
        "device" => "devices",
        _ => "automations",
    };
    ErrorBody::new(
        "not_found",
        format!("there is no {what} {id}"),
        format!("`deputy {list}` lists what there is"),
    )
}

fn key(kind: crate::store::Key, id: &str) -> Answer<i64> {
    kind.parse(id)
        .map_err(|e| ErrorBody::new("not_found", e.to_string(), "ids are printed by the lists"))
}
