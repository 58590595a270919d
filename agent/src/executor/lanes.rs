//! How many calls go through a connection at a time, so that a busy automation leaves room for the
//! others and the other side is not overrun.

use crate::tools::{Resource, ResourceKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most calls through one connection at a time.
pub(super) const LANES: usize = 4;

/// The lanes of all connections in use, by name. First come, first served.
#[derive(Debug, Default)]
pub struct Lanes {
    of: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Lanes {
    /// Waits for a lane of the connection among a call's resources; `None` for calls through none.
    pub(super) async fn enter(&self, resources: &[Resource]) -> Option<OwnedSemaphorePermit> {
        let connection = resources
            .iter()
            .find(|resource| resource.kind == ResourceKind::Connections)?;
        let lane = Arc::clone(
            self.of
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(connection.value.clone())
                .or_insert_with(|| Arc::new(Semaphore::new(LANES))),
        );
        // Never closed, so a permit always comes.
        lane.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn ready<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_connection_is_never_overrun_and_never_holds_up_another() {
        let lanes = Lanes::default();
        let through = |name: &str| [Resource::new(ResourceKind::Connections, name)];
        let mut held: Vec<_> = (0..LANES)
            .map(|_| ready(lanes.enter(&through("mail"))).unwrap().unwrap())
            .collect();
        assert!(ready(lanes.enter(&through("mail"))).is_none());
        assert!(ready(lanes.enter(&through("other"))).unwrap().is_some());
        assert!(ready(lanes.enter(&[])).unwrap().is_none());
        held.pop();
        assert!(ready(lanes.enter(&through("mail"))).unwrap().is_some());
    }
}
