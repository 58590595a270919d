//! The agent as a whole: its parts put together, started and stopped in order.

use crate::clock::SharedClock;
use crate::connectors::{Connections, Oauth, Unlock, Vault, VaultError, give_up_old_keys, opened};
use crate::control::Control;
use crate::executor::{
    Arrivals, Executor, Lanes, Parts, Programs, hold_what_was_restored, recover,
};
use crate::gate::Permissions;
use crate::maintainer::Maintainer;
use crate::models::{ModelError, Models, Patience};
use crate::observe::Redactor;
use crate::push::Pusher;
use crate::remote::Remote;
use crate::sandbox::{Pool, PoolConfig};
use crate::scheduler::{FolderWatch, MailWatch, Scheduler};
use crate::store::{Durability, Store, StoreError, costs, settings, triggers};
use crate::tools::{OutsideEnv, registry};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What an agent is started with.
pub struct AgentConfig {
    /// The data directory.
    pub home: PathBuf,
    /// How scripts run.
    pub pool: PoolConfig,
    /// The clock.
    pub clock: SharedClock,
    /// What opens the vault.
    pub unlock: Unlock,
}

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The way to the language model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// A running agent.
pub struct Agent {
    /// The door for clients.
    pub control: Control,
    scheduler: tokio::task::JoinHandle<()>,
    folders: tokio::task::JoinHandle<()>,
    mailboxes: tokio::task::JoinHandle<()>,
    maintainer: tokio::task::JoinHandle<()>,
    pushes: tokio::task::JoinHandle<()>,
}

/// The setting that tells this data directory from all others.
const INSTALLATION: &str = "installation";

impl Agent {
    /// Opens the data directory, recovers what was interrupted, and starts to work.
    pub async fn start(config: AgentConfig) -> Result<Self, AgentError> {
        let store = Store::open(&config.home)?;
        let vault = Arc::new(Vault::open(&config.home, &config.unlock)?);
        give_up_keys(&store, &vault).await;
        let redactor = Arc::new(Redactor::default());
        let known = Arc::clone(&vault);
        for secret in store.read(move |db| opened(db, &known)).await? {
            // What was journaled before this start may hold it.
            redactor.learn(&secret);
        }
        let now = config.clock.now();
        let fresh = new_installation();
        let (installation, denied) = store
            .write(Durability::Synced, move |db| {
                let installation = match settings::get(db, INSTALLATION)? {
                    Some(Value::String(known)) => known,
                    _ => {
                        settings::set(db, INSTALLATION, &Value::String(fresh.clone()))?;
                        fresh
                    }
                };
                let denied = settings::get(db, crate::executor::DENIED_SETTING)?;
                hold_what_was_restored(db, now)?;
                let resumed = recover(db, now)?;
                costs::keep(db, None)?;
                triggers::set_back(db, now)?;
                if resumed > 0 {
                    tracing::info!(resumed, "interrupted runs go on");
                }
                Ok((installation, denied))
            })
            .await?;
        let programs = Programs::default();
        let denied_operations = denied
            .and_then(|v| serde_json::from_value(v).ok())
            .unwrap_or_default();
        programs.set_permissions(Permissions { denied_operations });
        let (sender, notices) = tokio::sync::mpsc::unbounded_channel();
        let oauth = Arc::new(Oauth::new(
            store.clone(),
            Arc::clone(&vault),
            Arc::clone(&redactor),
            Arc::clone(&config.clock),
        ));
        let connections = Connections::new(
            store.clone(),
            Arc::clone(&vault),
            Arc::clone(&redactor),
            Arc::clone(&oauth),
        );
        let models = Arc::new(Models::new(
            store.clone(),
            Arc::clone(&vault),
            Arc::clone(&redactor),
            Arc::clone(&config.clock),
            Patience::default(),
        )?);
        let executor = Executor::new(Parts {
            store,
            pool: Pool::new(config.pool),
            registry: registry(),
            env: OutsideEnv {
                connections: Arc::new(connections),
                models: Arc::clone(&models) as Arc<dyn crate::tools::ModelSource>,
            },
            clock: config.clock,
            redactor,
            programs,
            installation,
            stopping: CancellationToken::new(),
            arrivals: Arrivals::new(sender),
            lanes: Lanes::default(),
            conversations: TaskTracker::new(),
            cancels: Mutex::default(),
        });
        let scheduler = tokio::spawn(Scheduler::new(executor.clone(), notices).run());
        let folders = tokio::spawn(FolderWatch::new(Arc::clone(&executor.parts)).run());
        let mailboxes = tokio::spawn(MailWatch::new(Arc::clone(&executor.parts)).run());
        let maintainer = Maintainer::new(Arc::clone(&executor.parts), Arc::clone(&models));
        let maintainer = tokio::spawn(maintainer.run());
        let remote = Remote::open(
            executor.parts.store.clone(),
            Arc::clone(&vault),
            Arc::clone(&executor.parts.clock),
            executor.parts.stopping.clone(),
        )
        .await?;
        let pusher = Pusher::new(
            executor.parts.store.clone(),
            Arc::clone(&executor.parts.clock),
            Arc::clone(&vault),
            Arc::clone(&remote),
            executor.parts.stopping.clone(),
        );
        let pushes = tokio::spawn(Arc::clone(&pusher).run());
        let control = Control::new(executor, vault, oauth, models, remote, pusher);
        control.resume_tasks().await?;
        Ok(Self {
            control,
            scheduler,
            folders,
            mailboxes,
            maintainer,
            pushes,
        })
    }

    /// Stops: no new run is begun, runs under way come to a point where they can resume, and what
    /// was written is on disk.
    pub async fn stop(self) {
        self.control.executor.parts.stopping.cancel();
        if let Err(error) = self.scheduler.await {
            tracing::error!(%error, "the scheduler stopped unexpectedly");
        }
        self.control.planning_settled().await;
        let conversations = &self.control.executor.parts.conversations;
        conversations.close();
        conversations.wait().await;
        self.control.oauth.settled().await;
        if let Err(error) = self.maintainer.await {
            tracing::error!(%error, "the maintainer stopped unexpectedly");
        }
        if let Err(error) = self.pushes.await {
            tracing::error!(%error, "pushes stopped unexpectedly");
        }
        if let Err(error) = self.folders.await {
            tracing::error!(%error, "the watch over folders stopped unexpectedly");
        }
        if let Err(error) = self.mailboxes.await {
            tracing::error!(%error, "the watch over mailboxes stopped unexpectedly");
        }
    }

    /// Changes whenever something may have been committed; what there is to know is asked of
    /// [`Agent::control`].
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.control.executor.parts.store.changes()
    }

    /// Resolves when somebody asked the agent to stop.
    pub async fn stopping(&self) {
        self.control.executor.parts.stopping.cancelled().await;
    }
}

/// Keys that a renewal left behind go as soon as it is known that no secret needs them.
async fn give_up_keys(store: &Store, vault: &Arc<Vault>) {
    let vault = Arc::clone(vault);
    if let Err(error) = store.read(move |db| give_up_old_keys(db, &vault)).await {
        tracing::warn!(%error, "old keys of the vault are kept until the next start");
    }
}

fn new_installation() -> String {
    let mut bytes = [0; 16];
    // The kernel's generator does not fail once the system is up; the address and time below tell
    // installations apart even then.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    blake3::hash(&bytes).to_hex()[..32].to_owned()
}
