//! Connects, runs a link while it lasts, waits, and connects again.

use super::backoff::Backoff;
use super::live::{self, End};
use super::routes::Routes;
use super::{AgentConfig, Arrival, Order, Status};
use crate::address::RelayAddress;
use crate::connect::Connector;
use crate::error::LinkError;
use crate::session::Words;
use deputy_protocol::link::{Hello, RefusalCode, Role, Salt, VERSIONS};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep};

/// A link that held this long was a good one.
const GOOD: Duration = Duration::from_secs(30);
/// At most this long, by chance, before going where a stopping relay sent everybody.
const SPREAD: Duration = Duration::from_secs(2);
/// Before trying again what the relay refused for good, or what another agent took.
const REFUSED: Duration = Duration::from_secs(300);
const DISPLACED: Duration = Duration::from_secs(60);

pub(super) async fn keep(
    config: AgentConfig,
    salts: Vec<Salt>,
    mut orders: mpsc::Receiver<Order>,
    arrivals: mpsc::Sender<Arrival>,
    status: watch::Sender<Status>,
    network: Arc<Notify>,
) {
    let connector = Arc::new(Connector::new(config.trust.clone(), config.carriers));
    let mut routes = Routes::new(config.secret.public(), salts);
    let mut backoff = Backoff::default();
    let mut elsewhere: Option<RelayAddress> = None;
    loop {
        let relay = elsewhere.take().unwrap_or_else(|| config.relay.clone());
        let words = Words::of(hello(&config));
        let greeted = tokio::select! {
            greeted = connector.connect(&relay, &words) => greeted,
            () = unlinked(&mut orders, &mut routes) => break,
        };
        let since = Instant::now();
        let end = match greeted {
            Ok(greeted) => {
                live::run(
                    live::Setting {
                        config: &config,
                        relay: &relay,
                        connector: &connector,
                        orders: &mut orders,
                        arrivals: &arrivals,
                        status: &status,
                        network: &network,
                        routes: &mut routes,
                    },
                    greeted,
                )
                .await
            }
            Err(error) => End::Failed(error),
        };
        if since.elapsed() >= GOOD {
            backoff.reset();
        }
        let wait = match end {
            End::Stopped => break,
            End::NetworkChanged => {
                connector.forget();
                backoff.reset();
                Duration::ZERO
            }
            End::GoingAway(to) => {
                backoff.reset();
                elsewhere = fastrand::choice(to);
                set_linking(&status, "the relay restarts");
                SPREAD.mul_f64(fastrand::f64())
            }
            End::Displaced => {
                status.send_replace(Status::Displaced);
                DISPLACED.mul_f64(1.0 + fastrand::f64())
            }
            End::Failed(LinkError::Refused(refusal)) => {
                let asked = refusal.retry_ms.map(Duration::from_millis);
                let wait = match refusal.code {
                    RefusalCode::Unauthorised | RefusalCode::Version => REFUSED,
                    _ => backoff
                        .next(fastrand::f64())
                        .max(asked.unwrap_or_default().min(REFUSED)),
                };
                status.send_replace(Status::Refused(refusal));
                wait
            }
            End::Failed(error) => {
                set_linking(&status, &error.to_string());
                backoff.next(fastrand::f64())
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = network.notified() => connector.forget(),
            () = unlinked(&mut orders, &mut routes) => break,
        }
    }
    status.send_replace(Status::Stopped);
}

fn hello(config: &AgentConfig) -> Hello {
    Hello {
        versions: VERSIONS.to_vec(),
        role: Role::Agent,
        features: vec!["push".to_owned()],
        software: config.software.clone(),
        access_token: config.access_token.clone(),
    }
}

fn set_linking(status: &watch::Sender<Status>, why: &str) {
    status.send_replace(Status::Linking {
        last: Some(why.to_owned()),
    });
}

/// Takes orders while there is no link; returns when the link shall end for good.
async fn unlinked(orders: &mut mpsc::Receiver<Order>, routes: &mut Routes) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Add(salt, done) => {
                routes.add(salt);
                let _ = done.send(());
            }
            Order::Remove(salt, done) => {
                routes.remove(&salt);
                let _ = done.send(());
            }
            Order::Push(_, done) => {
                let _ = done.send(Err(LinkError::Ended(
                    "there is no link to the relay now".into(),
                )));
            }
            Order::Stop => return,
        }
    }
}
