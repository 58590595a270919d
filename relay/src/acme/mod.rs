//! Certificates by ACME (RFC 8555): ordered from an authority, kept in memory, renewed in time.
//!
//! `plan.rs` decides when, without clock or chance; `order.rs` is one order, over `ca.rs`;
//! `challenge.rs` shows the authority that a name is this relay's (relays of one name answer for
//! each other); `certificate.rs` looks at what
//! came; `account.rs` is the key by which the authority knows the operator; `cache.rs` writes to the
//! folder that the operator names, and only then is anything written.
//!
//! An order that fails costs nobody the certificate in use, and is tried again later and later.

mod account;
mod ca;
mod cache;
mod certificate;
mod challenge;
mod config;
mod order;
mod plan;
mod progress;

pub use config::Acme;
pub use plan::{Pace, Steps};

pub(crate) use certificate::{Certificate, validity};
pub(crate) use challenge::asked;
pub(crate) use plan::Validity;
pub(crate) use progress::Progress;

use crate::error::RelayError;
use crate::hub::Hub;
use account::Account;
use ca::{AcmeError, Ca};
use cache::Cache;
use challenge::Checks;
use plan::Failures;
use rustls::ServerConfig;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// How long one order may take.
const ORDER: Duration = Duration::from_secs(300);
/// The clock is looked at again after so long: a computer may have slept.
const NAP: Duration = Duration::from_secs(600);

/// Keeps a relay supplied with a certificate.
pub(crate) struct Keeper {
    config: Acme,
    account: Account,
    cache: Option<Cache>,
    ca: Ca,
    checks: Checks,
    progress: Mutex<Progress>,
    /// Somebody does not want to wait.
    hurry: Notify,
}

impl Keeper {
    /// Reads the account's key, and from the cache the certificate that is still good, if there is
    /// one.
    pub(crate) fn new(config: Acme) -> Result<(Arc<Self>, Option<Certificate>), RelayError> {
        config.check()?;
        let cache = config.cache.as_deref().map(Cache::open).transpose()?;
        let account = match (&config.account, &cache) {
            (Some(path), _) => Account::read(path)?,
            (None, Some(cache)) => cache.account()?,
            (None, None) => Account::new()?,
        };
        let ca = Ca::new(&config.trust)
            .map_err(|error| RelayError::Config(format!("cannot set up ACME: {error}")))?;
        let keeper = Arc::new(Self {
            config,
            account,
            cache,
            ca,
            checks: Checks::default(),
            progress: Mutex::default(),
            hurry: Notify::new(),
        });
        let kept = keeper.kept(SystemTime::now());
        Ok((keeper, kept))
    }

    /// A secret for `purpose` that is the same after a restart with the same account.
    pub(crate) fn secret(&self, purpose: &[u8]) -> [u8; 32] {
        self.account.secret(purpose)
    }

    /// The token of the check of `name` that is under way here.
    pub(crate) fn token(&self, name: &str) -> Option<String> {
        self.checks.token(name)
    }

    /// Whether one of these names is being checked for this relay, or about to be.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    pub(crate) fn at_it(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.checks.under_way(name))
    }

    /// Whether a certificate for this name is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let mut names = self.config.names.iter();
        names.any(|own| own.eq_ignore_ascii_case(name))
    }

    /// TLS that shows an authority what it looks for, in a check with `token`, be it for this relay
    /// or another of the name with the same account.
    pub(crate) fn answer(&self, name: &str, token: &str) -> Result<ServerConfig, RelayError> {
        challenge::answer(name, &self.account.answer(token))
    }

    /// Tries again now, if it waits after a failure.
    pub(crate) fn hurry(&self) {
        self.hurry.notify_waiters();
    }

    /// How it went so far.
    pub(crate) fn progress(&self) -> Progress {
        self.now().clone()
    }

    fn now(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn kept(&self, now: SystemTime) -> Option<Certificate> {
        let pem = match self.cache.as_ref()?.certificate(&self.config.directory) {
            Ok(pem) => pem?,
            Err(error) => {
                tracing::warn!(%error, "the kept certificate cannot be read; another one is ordered");
                return None;
            }
        };
        match Certificate::from_pem(&pem, &self.config.names) {
            Ok(kept) if kept.validity.until > now => Some(kept),
            Ok(_) => {
                tracing::info!("the kept certificate has expired; another one is ordered");
                None
            }
            Err(reason) => {
                tracing::warn!(
                    reason,
                    "the kept certificate is not used; another one is ordered"
                );
                None
            }
        }
    }

    fn keep(&self, certificate: &Certificate) {
        let Some(cache) = &self.cache else { return };
        if let Err(error) = cache.keep(&self.config.directory, &certificate.pem) {
            tracing::warn!(
                %error,
                "the certificate could not be written to the cache; it is in use, but the next start orders another one"
            );
        }
    }
}

/// Sees that `hub` has a certificate until the relay is about to stop.
pub(crate) async fn keep(hub: Arc<Hub>, keeper: Arc<Keeper>) {
    tokio::select! {
        () = hub.draining.cancelled() => {}
        () = forever(&hub, &keeper) => {}
    }
}

async fn forever(hub: &Hub, keeper: &Keeper) {
    tell_start(hub, keeper);
    loop {
        if let Some(validity) = hub.certificates.validity() {
            let due = validity.renewal(chance());
            while let Ok(left) = due.duration_since(SystemTime::now()) {
                sleep(left.min(NAP)).await;
            }
            tracing::info!(
                "it is time for another certificate, which is ordered; the old one stays in use until it is there"
            );
        }
        let mut failures = Failures::default();
        while let Err(error) = obtain(hub, keeper).await {
            let wait = failures.wait(
                error.failure(),
                &keeper.config.pace,
                keeper.ca.told(),
                chance(),
            );
            match error {
                AcmeError::Busy => tracing::info!(
                    again_in_seconds = wait.as_secs(),
                    "another relay of this name gets its certificate just now; this one waits for it"
                ),
                _ => tell_failure(hub, keeper, &error, wait),
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = keeper.hurry.notified() => {}
            }
        }
    }
}

/// Orders a certificate and takes it into use.
async fn obtain(hub: &Hub, keeper: &Keeper) -> Result<(), AcmeError> {
    let certificate = timeout(ORDER, order::order(hub, keeper))
        .await
        .map_err(|_| AcmeError::Endless)??;
    if certificate.validity.renewal(1.0) <= SystemTime::now() {
        return Err(AcmeError::Unusable(
            "it is over, or nearly, as soon as it comes. Is the clock of this computer right?"
                .into(),
        ));
    }
    let days = certificate.validity.seconds_left(SystemTime::now()) / 86_400;
    hub.certificates.install(&certificate);
    keeper.keep(&certificate);
    keeper.now().taken();
    tracing::info!(
        names = keeper.config.names.join(","),
        days,
        "a new certificate is in use, by ACME"
    );
    Ok(())
}

fn tell_start(hub: &Hub, keeper: &Keeper) {
    let config = &keeper.config;
    let (names, directory) = (config.names.join(","), &config.directory);
    if keeper.cache.is_none() {
        tracing::warn!(
            "certificates are kept in memory only, so each start orders another one; authorities limit these (Let's Encrypt: five a week for the same names). If this relay may start more often, name a folder with --acme-cache"
        );
    }
    match hub.certificates.validity() {
        Some(_) => tracing::info!(names, directory, "the kept certificate is in use"),
        None => tracing::info!(
            names,
            directory,
            "there is no certificate yet and one is ordered; agents and clients are turned away until it is there, and come back by themselves"
        ),
    }
}

fn tell_failure(hub: &Hub, keeper: &Keeper, error: &AcmeError, wait: Duration) {
    keeper.now().failed(error.to_string());
    let again_in_seconds = wait.as_secs();
    let left = { hub.certificates.validity() }.map(|v| v.seconds_left(SystemTime::now()));
    match left {
        None => tracing::warn!(
            %error,
            again_in_seconds,
            "there is no certificate yet, so agents and clients are turned away; it is ordered again by itself, or at once on SIGHUP"
        ),
        Some(seconds_left) if seconds_left > 0 => tracing::warn!(
            %error,
            again_in_seconds,
            seconds_left,
            "the certificate could not be renewed and stays in use; it is tried again by itself, or at once on SIGHUP"
        ),
        Some(_) => tracing::error!(
            %error,
            again_in_seconds,
            "the certificate has expired and could not be renewed, so nobody new gets in; it is tried again by itself, or at once on SIGHUP"
        ),
    }
}

/// In 0..1.
fn chance() -> f64 {
    let bytes = crate::hub::random::<4>().unwrap_or_default();
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}
