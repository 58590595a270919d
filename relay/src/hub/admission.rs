//! Letting connections in, and giving their places back.

use super::Hub;
use crate::carriers::Carrier;
use crate::core::limits::{AddressKey, TooMuch};
use deputy_protocol::link::{Refusal, RefusalCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// How many at a time are told why they are not let in.
pub(super) const FAREWELLS: usize = 64;

/// A connection that was let in. Gives its place back when dropped.
pub(crate) struct Admission {
    hub: Arc<Hub>,
    pub(crate) key: AddressKey,
    pub(crate) carrier: Carrier,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.hub.open.fetch_sub(1, Ordering::Relaxed);
        self.hub.metrics.closed(self.carrier);
        self.hub.addresses().disconnected(self.key);
    }
}

/// A connection that is to be told why it is not let in.
pub(crate) struct Farewell {
    pub(crate) refusal: Refusal,
    _one_of_few: OwnedSemaphorePermit,
}

impl Hub {
    /// Lets a connection in, or says why not; `None`: it is shut without a word.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        carrier: Carrier,
    ) -> Option<Result<Admission, Farewell>> {
        let refusal = match self.try_admit(address, carrier) {
            Ok(admission) => return Some(Ok(admission)),
            Err(refusal) => refusal,
        };
        let one_of_few = self.farewells.clone().try_acquire_owned().ok()?;
        Some(Err(Farewell {
            refusal,
            _one_of_few: one_of_few,
        }))
    }

    fn try_admit(
        self: &Arc<Self>,
        address: IpAddr,
        carrier: Carrier,
    ) -> Result<Admission, Refusal> {
        if self.draining.is_cancelled() {
            return Err(Refusal::new(RefusalCode::GoingAway));
        }
        let key = AddressKey::from(address);
        self.addresses()
            .connected(key, Instant::now())
            .map_err(too_much)?;
        self.metrics.opened(carrier);
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        let admission = Admission {
            hub: self.clone(),
            key,
            carrier,
        };
        if before >= self.config.limits.connections {
            return Err(Refusal::new(RefusalCode::Full));
        }
        Ok(admission)
    }

    /// True when not even a handshake should be begun.
    pub(crate) fn is_full(&self) -> bool {
        // Some more than are let in, so that they can be told so in words.
        let most = self.config.limits.connections.saturating_add(64);
        self.open.load(Ordering::Relaxed) >= most
    }

    pub(crate) fn forget_quiet_addresses(&self) {
        self.addresses().forget_quiet(Instant::now());
    }
}

/// Why, in words.
pub(super) fn too_much(why: TooMuch) -> Refusal {
    match why {
        TooMuch::Rate(wait) => Refusal::new(RefusalCode::RateLimited).retry_after(wait),
        TooMuch::Open => Refusal::new(RefusalCode::Full),
    }
}
