//! The agent's routes at one relay, shared with the tasks that take arrivals.

use deputy_protocol::link::{RouteId, RouteKey, Salt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The agent's routes at this relay.
pub(super) struct Routes {
    key: RouteKey,
    /// Shared with the tasks that take arrivals.
    pub(super) salts: Arc<Mutex<HashMap<RouteId, Salt>>>,
}

impl Routes {
    pub(super) fn new(key: RouteKey, salts: Vec<Salt>) -> Self {
        let salts = salts
            .into_iter()
            .map(|salt| (key.route(&salt), salt))
            .collect();
        Self {
            key,
            salts: Arc::new(Mutex::new(salts)),
        }
    }

    pub(super) fn add(&mut self, salt: Salt) {
        lock(&self.salts).insert(self.key.route(&salt), salt);
    }

    pub(super) fn remove(&mut self, salt: &Salt) {
        lock(&self.salts).remove(&self.key.route(salt));
    }

    pub(super) fn all(&self) -> Vec<Salt> {
        lock(&self.salts).values().copied().collect()
    }
}

pub(super) fn lock(
    salts: &Mutex<HashMap<RouteId, Salt>>,
) -> std::sync::MutexGuard<'_, HashMap<RouteId, Salt>> {
    salts.lock().unwrap_or_else(|e| e.into_inner())
}
