//! Devices, and the door through which they ask.

use super::{Answer, Control, key, not_found, store_error};
use crate::clock::BoxFuture;
use crate::remote::{Decision, Door, PairingError};
use crate::store::{Key, StoreError, events, pushes};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{Envelope, Reply, Response};
use deputy_protocol::model::Event;
use deputy_protocol::remote::Rights;
use tokio::sync::watch;

/// The longest that a pairing link may be good, in milliseconds.
const LONGEST_MS: i64 = 3_600_000;

fn pairing_error(error: PairingError) -> ErrorBody {
    match error {
        PairingError::NoRelay => {
            ErrorBody::new("no_relay", error.to_string(), "deputy up --relay HOST:PORT")
        }
        PairingError::Over => ErrorBody::new("pairing_over", error.to_string(), "deputy pair"),
        PairingError::NobodyHere => ErrorBody::new(
            "nobody_here",
            error.to_string(),
            "open the link on the device",
        ),
        PairingError::Store(error) => store_error(error),
    }
}

impl Control {
    pub(super) async fn pair(
        &self,
        name: Option<String>,
        ttl_ms: i64,
        rights: Rights,
    ) -> Answer<Response> {
        if !(1_000..=LONGEST_MS).contains(&ttl_ms) {
            return Err(ErrorBody::new(
                "usage",
                "a pairing link is good for a second to an hour; nothing was begun",
                "--ttl 5m",
            ));
        }
        if rights == Rights::default() {
            return Err(ErrorBody::new(
                "usage",
                "a device needs at least one of the rights view, control, approve",
                "--rights view,control,approve",
            ));
        }
        let pairing = self.remote.pair(name, ttl_ms, rights).await;
        pairing
            .map(|pairing| Response::Pairing(Box::new(pairing)))
            .map_err(pairing_error)
    }

    pub(super) async fn pair_wait(&self, id: &str, seen: &str) -> Answer<Response> {
        let pairing = self.remote.pairing_changed(id, seen).await;
        pairing
            .map(|pairing| Response::Pairing(Box::new(pairing)))
            .map_err(pairing_error)
    }

    pub(super) async fn pair_answer(&self, id: &str, same: bool) -> Answer<Response> {
        let decision = if same {
            Decision::Same
        } else {
            Decision::Different
        };
        let pairing = self.remote.decide(id, decision).await;
        pairing
            .map(|pairing| Response::Pairing(Box::new(pairing)))
            .map_err(pairing_error)
    }

    pub(super) async fn devices(&self) -> Answer<Response> {
        let states = self.executor.parts.store.read(pushes::states).await;
        let mut states = states.map_err(store_error)?;
        let mut devices = self.remote.devices();
        for device in &mut devices {
            let key = key(Key::Device, &device.id)?;
            device.push = states.remove(&key);
        }
        Ok(Response::Devices(devices))
    }

    pub(super) async fn device_revoke(&self, id: &str) -> Answer<Response> {
        let revoked = self.remote.revoke(key(Key::Device, id)?).await;
        let row = revoked.map_err(store_error)?;
        row.map(|row| Response::Device(Box::new(row.shown(false))))
            .ok_or_else(|| not_found("device", id))
    }
}

impl Door for Control {
    fn apply<'a>(&'a self, envelope: Envelope, by: &'a str) -> BoxFuture<'a, Reply> {
        Box::pin(Control::apply(self, envelope, by))
    }

    fn events(&self, after: i64) -> BoxFuture<'_, Result<Vec<Event>, StoreError>> {
        let store = self.executor.parts.store.clone();
        Box::pin(async move {
            store
                .read(move |db| events::after(db, after, None, 500))
                .await
        })
    }

    fn last_event(&self) -> BoxFuture<'_, Result<i64, StoreError>> {
        let store = self.executor.parts.store.clone();
        Box::pin(async move { store.glance(events::last).await })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.executor.parts.store.changes()
    }
}
