//! Who is told of what needs a person, and where.

use super::{Answer, Control, key, not_found, store_error};
use crate::push::{VapidError, check, named_hosts};
use crate::store::{Durability, Key, devices, pushes};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use deputy_protocol::push::{PushTarget, Quiet};

fn vapid_error(error: VapidError) -> ErrorBody {
    match error {
        VapidError::Store(error) => store_error(error),
        error => ErrorBody::new(
            "vault",
            format!("{error}; no device was told of anything"),
            "`deputy doctor` looks at the vault",
        ),
    }
}

fn not_wanted(id: &str) -> ErrorBody {
    ErrorBody::new(
        "no_pushes",
        format!("{id} has not asked for notifications; nothing was sent"),
        "turn them on in the device's settings",
    )
}

impl Control {
    pub(super) async fn push_key(&self) -> Answer<Response> {
        let key = self.pusher.public_key().await.map_err(vapid_error)?;
        Ok(Response::PushKey(key))
    }

    pub(super) async fn push_subscribe(
        &self,
        device: Option<String>,
        target: PushTarget,
        quiet: Option<Quiet>,
    ) -> Answer<Response> {
        let (device, id) = which(device)?;
        let store = &self.executor.parts.store;
        let named = named_hosts(store).await.map_err(store_error)?;
        check(&target, quiet.as_ref(), &named).map_err(|why| {
            let message = format!("notifications cannot be sent there: {why}; nothing was changed");
            ErrorBody::new("bad_push_target", message, "")
        })?;
        let now = self.now();
        store
            .write(Durability::Synced, move |db| {
                if devices::by_key(db, device)?.is_some_and(|row| row.revoked_at.is_none()) {
                    pushes::subscribe(db, device, &target, quiet.as_ref(), now)?;
                }
                Ok(())
            })
            .await
            .map_err(store_error)?;
        self.pusher.look_again();
        self.device(device, &id).await
    }

    pub(super) async fn push_unsubscribe(&self, device: Option<String>) -> Answer<Response> {
        let (device, id) = which(device)?;
        let (now, store) = (self.now(), &self.executor.parts.store);
        store
            .write(Durability::Synced, move |db| {
                pushes::unsubscribe(db, device, now)
            })
            .await
            .map_err(store_error)?;
        self.device(device, &id).await
    }

    pub(super) async fn push_test(&self, device: Option<String>) -> Answer<Response> {
        let (device, id) = which(device)?;
        let (now, store) = (self.now(), &self.executor.parts.store);
        let wanted = store
            .write(Durability::Ordered, move |db| {
                let wanted = pushes::target(db, device)?.is_some();
                if wanted {
                    pushes::test(db, device, now)?;
                }
                Ok(wanted)
            })
            .await
            .map_err(store_error)?;
        if !wanted {
            return Err(not_wanted(&id));
        }
        self.pusher.look_again();
        self.device(device, &id).await
    }

    async fn device(&self, device: i64, id: &str) -> Answer<Response> {
        let Response::Devices(all) = self.devices().await? else {
            return Err(not_found("device", id));
        };
        let known = Key::Device.id(device);
        let found = all.into_iter().find(|device| device.id == known);
        found
            .map(|device| Response::Device(Box::new(device)))
            .ok_or_else(|| not_found("device", id))
    }
}

fn which(device: Option<String>) -> Answer<(i64, String)> {
    let id = device.ok_or_else(|| {
        let message = "only a paired device can ask for notifications; nothing was changed";
        ErrorBody::new("no_device", message, "deputy pair")
    })?;
    Ok((key(Key::Device, &id)?, id))
}
