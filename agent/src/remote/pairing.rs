//! How a device becomes known. One pairing at a time, good for one device and a few minutes: the
//! link's secret lets the first device in that has it, both screens show a phrase, and only a
//! person's word at the agent makes the device known.

use super::{Remote, lock, random};
use crate::store::devices::DeviceRow;
use crate::store::{Durability, StoreError, devices, settings};
use deputy_link::RelayAddress;
use deputy_protocol::Time;
use deputy_protocol::link::{RouteId, Salt};
use deputy_protocol::model::Pairing;
use deputy_protocol::pairing::{PairingLink, PairingSecret, RelayPlace};
use deputy_protocol::remote::Rights;
use deputy_protocol::session::PublicKey;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::watch;

/// The setting that names who serves the page at which links open.
pub const PAGE_HOST_SETTING: &str = "page_host";

/// Where links lead to while nobody is named who serves the page: nowhere.
const NO_HOST: &str = "deputy.invalid";

/// Why there is no pairing.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// No relay is linked, and nothing listens here.
    #[error(
        "there is no way for a device to come: start the agent with `deputy up --relay HOST:PORT`, or without the setting `listen=off` for devices on this machine"
    )]
    NoRelay,
    /// There is no such pairing any more.
    #[error("this pairing is over; `deputy pair` begins another")]
    Over,
    /// It waits for nobody's word.
    #[error("no device has come yet")]
    NobodyHere,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person said about the phrases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They are the same.
    Same,
    /// They are not.
    Different,
}

/// Where a pairing has come to.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    Waiting,
    Compare {
        name: String,
        phrase: String,
        device: PublicKey,
    },
    Paired {
        name: String,
        row: Box<DeviceRow>,
    },
    Refused,
}

struct Current {
    id: String,
    link: PairingLink,
    salt: Salt,
    name: Option<String>,
    rights: Rights,
    expires_at: Time,
    is_page: bool,
    stage: watch::Sender<Stage>,
}

/// What a pairing begins with.
struct Begun {
    name: Option<String>,
    ttl_ms: i64,
    rights: Rights,
    salt: Salt,
    relays: Vec<RelayPlace>,
    is_page: bool,
    host: String,
}

/// How long a device may take to hear that a pairing came to nothing.
const HEARD: Duration = Duration::from_secs(2);

/// For how long the agent's own page may be opened.
const PAGE_TTL_MS: i64 = 600_000;

/// The pairing under way, if one is.
#[derive(Default)]
pub(super) struct Pairings(Mutex<Option<Current>>);

/// What a session of a pairing needs to know.
pub(super) struct Awaited {
    pub(super) id: String,
    pub(super) secret: PairingSecret,
    /// Whether it is the agent's own page that is waited for.
    pub(super) is_page: bool,
}

impl Remote {
    /// Begins a pairing; one that was under way is over by that.
    pub async fn pair(
        &self,
        name: Option<String>,
        ttl_ms: i64,
        rights: Rights,
    ) -> Result<Pairing, PairingError> {
        let salt = Salt(random());
        let relays = self.places(&salt);
        if relays.is_empty() {
            return Err(PairingError::NoRelay);
        }
        self.end_pairing().await;
        for link in &self.all_links() {
            link.add(salt).await;
        }
        Ok(self.begin(Begun {
            name,
            ttl_ms,
            rights,
            salt,
            relays,
            is_page: false,
            host: self.page_host().await?,
        }))
    }

    /// Begins a pairing for the agent's own page, in a browser of this user on this machine. Its link
    /// leads to this machine alone and is seen by nobody else, so there is nothing to compare.
    pub async fn pair_page(&self) -> Result<Pairing, PairingError> {
        let salt = Salt(random());
        let here = self.place_here(&salt).ok_or(PairingError::NoRelay)?;
        self.end_pairing().await;
        Ok(self.begin(Begun {
            name: None,
            ttl_ms: PAGE_TTL_MS,
            rights: Rights::ALL,
            salt,
            relays: vec![here],
            is_page: true,
            host: NO_HOST.to_owned(),
        }))
    }

    /// Who serves the page. Whoever does could change it, so it is the user who names them.
    async fn page_host(&self) -> Result<String, StoreError> {
        let named = { self.store.read(|db| settings::get(db, PAGE_HOST_SETTING)) }.await?;
        let named = named
            .as_ref()
            .and_then(|named| named.as_str())
            .unwrap_or("");
        Ok(match named.parse::<RelayAddress>() {
            Ok(address) if address.port() == 443 => address.host().to_owned(),
            Ok(address) => address.to_string(),
            Err(_) => NO_HOST.to_owned(),
        })
    }

    fn begin(&self, begun: Begun) -> Pairing {
        let Begun {
            name,
            ttl_ms,
            rights,
            salt,
            relays,
            is_page,
            host,
        } = begun;
        let expires_at = self.clock.now().plus_ms(ttl_ms);
        let link = PairingLink {
            host,
            agent: self.keys.session().public(),
            secret: PairingSecret::from_bytes(random()),
            expires_at_ms: u64::try_from(expires_at.0).unwrap_or(0),
            relays,
        };
        let id: String = random()[..6]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let current = Current {
            id,
            link,
            salt,
            name,
            rights,
            expires_at,
            is_page,
            stage: watch::Sender::new(Stage::Waiting),
        };
        let shown = current.shown(self.clock.now());
        *lock(&self.pairings.0) = Some(current);
        shown
    }

    /// Waits until a pairing is another than `seen`, or its time is over.
    pub async fn pairing_changed(&self, id: &str, seen: &str) -> Result<Pairing, PairingError> {
        loop {
            let (shown, mut stage, expires_at) = {
                let current = lock(&self.pairings.0);
                let current = current.as_ref().filter(|current| current.id == id);
                let current = current.ok_or(PairingError::Over)?;
                let shown = current.shown(self.clock.now());
                (shown, current.stage.subscribe(), current.expires_at)
            };
            if shown.state != seen {
                return Ok(shown);
            }
            let now = self.clock.now();
            tokio::select! {
                changed = stage.changed() => if changed.is_err() {
                    return Err(PairingError::Over);
                },
                () = self.clock.until(expires_at.plus_ms(1), now) => {}
                () = self.stopping.cancelled() => return Err(PairingError::Over),
            }
        }
    }

    /// A person's word about the phrases.
    pub async fn decide(&self, id: &str, decision: Decision) -> Result<Pairing, PairingError> {
        let (name, device, salt, rights, is_page) = {
            let current = lock(&self.pairings.0);
            let current = current.as_ref().filter(|current| current.id == id);
            let current = current.ok_or(PairingError::Over)?;
            let Stage::Compare { name, device, .. } = current.stage.borrow().clone() else {
                return Err(PairingError::NobodyHere);
            };
            let Current {
                salt,
                rights,
                is_page,
                ..
            } = *current;
            (name, device, salt, rights, is_page)
        };
        let stage = match decision {
            Decision::Different => Stage::Refused,
            Decision::Same => {
                let (now, salt, wanted) = (self.clock.now(), salt.0, name.clone());
                let row = self
                    .store
                    .write(Durability::Synced, move |db| {
                        devices::add(db, &wanted, &device.0, &salt, rights, now)
                    })
                    .await?;
                lock(&self.known).insert(row.key, row.clone());
                Stage::Paired {
                    name,
                    row: Box::new(row),
                }
            }
        };
        let (shown, stage) = {
            let current = lock(&self.pairings.0);
            let current = current.as_ref().ok_or(PairingError::Over)?;
            current.stage.send_replace(stage);
            (current.shown(self.clock.now()), current.stage.clone())
        };
        if decision == Decision::Different {
            heard(stage).await;
            self.forget_route(&salt).await;
        } else if is_page {
            // It may be reached from elsewhere, too, from now on.
            for link in &self.all_links() {
                link.add(salt).await;
            }
        }
        Ok(shown)
    }

    /// The pairing that a route belongs to, while it waits for a device.
    pub(super) fn awaited(&self, route: &RouteId) -> Option<Awaited> {
        let current = lock(&self.pairings.0);
        let current = current.as_ref()?;
        let waits = *current.stage.borrow() == Stage::Waiting;
        let is_here = current
            .link
            .relays
            .iter()
            .any(|place| place.route == *route);
        let in_time = self.clock.now() <= current.expires_at;
        (waits && is_here && in_time).then(|| Awaited {
            id: current.id.clone(),
            secret: current.link.secret.clone(),
            is_page: current.is_page,
        })
    }

    /// A device had the secret: nobody else can use the link from here on. `false` when another was
    /// first.
    pub(super) fn came(&self, id: &str, device: PublicKey, said: &str, phrase: &str) -> bool {
        let current = lock(&self.pairings.0);
        let Some(current) = current.as_ref().filter(|current| current.id == id) else {
            return false;
        };
        let name = current.name.clone().unwrap_or_else(|| clean(said));
        current.stage.send_if_modified(|stage| {
            let first = *stage == Stage::Waiting;
            if first {
                *stage = Stage::Compare {
                    name,
                    phrase: phrase.to_owned(),
                    device,
                };
            }
            first
        })
    }

    /// Waits for the person's word: the device's row when it is trusted.
    pub(super) async fn word(&self, id: &str) -> Option<DeviceRow> {
        loop {
            let (stage, mut changes) = {
                let current = lock(&self.pairings.0);
                let current = current.as_ref().filter(|current| current.id == id)?;
                (current.stage.borrow().clone(), current.stage.subscribe())
            };
            match stage {
                Stage::Paired { row, .. } => return Some(*row),
                Stage::Refused => return None,
                Stage::Waiting | Stage::Compare { .. } => {}
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return None },
                () = self.stopping.cancelled() => return None,
            }
        }
    }

    /// What a session of a pairing holds until it has told its device how it ended.
    pub(super) fn attends(&self, id: &str) -> Option<impl Sized + use<>> {
        let current = lock(&self.pairings.0);
        let current = current.as_ref().filter(|current| current.id == id)?;
        Some(current.stage.subscribe())
    }

    async fn end_pairing(&self) {
        let ended = lock(&self.pairings.0).take();
        let Some(ended) = ended else { return };
        let is_paired = matches!(*ended.stage.borrow(), Stage::Paired { .. });
        if !is_paired {
            ended.stage.send_replace(Stage::Refused);
            heard(ended.stage).await;
            self.forget_route(&ended.salt).await;
        }
    }

    async fn forget_route(&self, salt: &Salt) {
        for link in self.all_links() {
            link.remove(*salt).await;
        }
    }
}

/// Waits until whoever attends a pairing has told its device that it came to nothing: once the route
/// is gone, the device could not tell that from a line that broke.
async fn heard(stage: watch::Sender<Stage>) {
    // Somebody who does not listen is not waited for.
    let _ = tokio::time::timeout(HEARD, stage.closed()).await;
}

impl Current {
    fn shown(&self, now: Time) -> Pairing {
        let stage = self.stage.borrow();
        let (state, device_name, phrase, device) = match &*stage {
            Stage::Waiting if now > self.expires_at => ("expired", None, None, None),
            Stage::Waiting => ("waiting", None, None, None),
            Stage::Compare { name, phrase, .. } => {
                ("compare", Some(name.clone()), Some(phrase.clone()), None)
            }
            Stage::Paired { name, row } => {
                let id = crate::store::Key::Device.id(row.key);
                ("paired", Some(name.clone()), None, Some(id))
            }
            Stage::Refused => ("refused", None, None, None),
        };
        Pairing {
            id: self.id.clone(),
            state: state.to_owned(),
            link: self.link.to_string(),
            expires_at: self.expires_at,
            device_name,
            phrase,
            device,
        }
    }
}

/// A name that a device gave itself, as it may be shown: one short line.
fn clean(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    let name = name.trim();
    if name.is_empty() {
        "a device without a name".to_owned()
    } else {
        name.to_owned()
    }
}
