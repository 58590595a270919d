//! No polling: between due times the agent neither looks at the clock nor writes.
#![allow(clippy::unwrap_used)]

mod common;

use common::{ECHO, agent_at, install, time, try_ask};
use deputy_agent::clock::{BoxFuture, Clock};
use deputy_protocol::Time;
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::Status;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

const MINUTE: i64 = 60_000;

/// A clock that goes on by itself, as real time does: it wakes nobody before their time, and
/// counts how often it is asked to.
#[derive(Clone)]
struct Counting {
    now: Arc<watch::Sender<Time>>,
    waits: Arc<AtomicU64>,
}

impl Clock for Counting {
    fn now(&self) -> Time {
        *self.now.borrow()
    }

    fn until(&self, at: Time, _seen: Time) -> BoxFuture<'_, ()> {
        self.waits.fetch_add(1, Ordering::SeqCst);
        let mut now = self.now.subscribe();
        Box::pin(async move {
            // The sender lives as long as the clock.
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_nothing_due_never_wakes() {
    let home = tempfile::tempdir().unwrap();
    let clock = Counting {
        now: Arc::new(watch::Sender::new(time("2026-01-01T12:30:00Z"))),
        waits: Arc::default(),
    };
    let agent = agent_at(home.path(), Arc::new(clock.clone())).await;
    let folder = tempfile::tempdir().unwrap();
    let triggers = json!([
        {"cron": "0 12 1 * *"}, {"event": "go"}, {"webhook": "in"}, {"file": folder.path()},
    ]);
    install(&agent, json!({"triggers": triggers}), ECHO).await;
    deputy_agent::web::start(agent.control.clone(), Some(([127, 0, 0, 1], 0).into()))
        .await
        .unwrap();
    let status = async || match try_ask(&agent, Request::Status).await {
        Ok(Response::Status(status)) => status,
        other => panic!("{other:?}"),
    };
    let next = async |due: &str| {
        let due = Some(time(due));
        let mut changes = agent.changes();
        loop {
            changes.mark_unchanged();
            let Status {
                next_due_at,
                runs_active,
                ..
            } = status().await;
            if next_due_at == due && runs_active == 0 && waits_settle(&clock).await {
                return;
            }
            changes.changed().await.unwrap();
        }
    };
    next("2026-02-01T12:00:00Z").await;
    for due in ["2026-03-01T12:00:00Z", "2026-04-01T12:00:00Z"] {
        let (waits, writes) = (
            clock.waits.load(Ordering::SeqCst),
            *agent.changes().borrow(),
        );
        // A month, minute by minute, up to the minute before the next due time.
        let end = status().await.next_due_at.unwrap();
        while clock.now().plus_ms(MINUTE) < end {
            let now = clock.now().plus_ms(MINUTE);
            clock.now.send_replace(now);
            tokio::task::yield_now().await;
        }
        assert!(waits_settle(&clock).await);
        assert_eq!(clock.waits.load(Ordering::SeqCst), waits);
        assert_eq!(*agent.changes().borrow(), writes);
        // And then it does wake.
        clock.now.send_replace(end);
        next(due).await;
    }
    let request = Request::Runs {
        automation: None,
        state: None,
        before: None,
        limit: 10,
    };
    let Ok(Response::Runs(runs)) = try_ask(&agent, request).await else {
        panic!("no runs")
    };
    assert_eq!(runs.len(), 2);
    agent.stop().await;
}

/// Resolves when nobody has asked the clock to wait for a while of real time, in which a loop that
/// polls would have.
async fn waits_settle(clock: &Counting) -> bool {
    loop {
        let before = clock.waits.load(Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        if clock.waits.load(Ordering::SeqCst) == before {
            return true;
        }
    }
}
