//! Money that is set aside for a call to a model while nobody knows yet what it costs.

use crate::store::{Durability, Store, costs};

/// What was set aside for one call. Given back when the call has ended, since what it cost is
/// recorded by then. When the call is dropped in the middle, its answer may have been paid for all
/// the same, so what was set aside stays spent.
pub(super) struct Aside {
    store: Store,
    reserved: Option<i64>,
}

impl Aside {
    pub(super) fn new(store: Store, reserved: Option<i64>) -> Self {
        Self { store, reserved }
    }

    /// Waits for the call's end.
    pub(super) async fn within<T>(mut self, call: impl Future<Output = T>) -> T {
        let ended = call.await;
        if let Some(key) = self.reserved.take() {
            let released = self
                .store
                .write(Durability::Ordered, move |db| costs::release(db, key));
            if let Err(error) = released.await {
                // It stays set aside until the next start, when it counts as spent.
                tracing::error!(%error, "what was set aside for a model's answer is not given back");
            }
        }
        ended
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(key) = self.reserved.take() {
            // Nobody waits for it; at the next start it is done again.
            drop(
                self.store
                    .submit(Durability::Ordered, move |db| costs::keep(db, Some(key))),
            );
        }
    }
}
