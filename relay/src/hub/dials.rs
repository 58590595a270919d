//! How a dial becomes a joined stream.

use super::admission::too_much;
use super::ports::{Notice, Port, Streams};
use super::{Admission, Hub, random};
use crate::carriers::Duplex;
use crate::core::limits::AddressKey;
use crate::core::routes::{LinkId, SpliceId};
use crate::metrics::Dialled;
use crate::splice::{self, Moved, Parted, Patience};
use deputy_link::write_message;
use deputy_protocol::link::{CloseCode, Incoming, Message, Refusal, RefusalCode, RouteId};
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A dial that waits for the agent to fetch it.
pub(super) struct Ticket {
    route: RouteId,
    link: LinkId,
    taker: oneshot::Sender<(Duplex, Admission)>,
}

/// A splice in the tables. Leaves them when dropped.
struct Entry<'a> {
    hub: &'a Hub,
    route: RouteId,
    splice: SpliceId,
    cut: CancellationToken,
    link: LinkId,
    port: Port,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut tables = self.hub.tables();
        tables.cuts.remove(&self.splice);
        tables.routes.parted(self.route, self.splice);
    }
}

/// A ticket in the tables. Leaves them when dropped.
struct TicketEntry<'a> {
    hub: &'a Hub,
    ticket: String,
}

impl Drop for TicketEntry<'_> {
    fn drop(&mut self) {
        self.hub.tables().tickets.remove(&self.ticket);
    }
}

impl Hub {
    /// Joins a client's stream with the agent behind `route`, until they part.
    pub(crate) async fn dial(&self, client: Duplex, from: AddressKey, route: RouteId) {
        let answered = match self.begin(from, route) {
            Ok(entry) => self.open_to_agent(&entry).await.map(|agent| (entry, agent)),
            Err(refusal) => Err(refusal),
        };
        let (entry, (mut agent, _place)) = match answered {
            Ok(both) => both,
            Err(refusal) => {
                let refusal = self.point_elsewhere(refusal, route).await;
                return self.refuse_dial(client, refusal).await;
            }
        };
        self.metrics.dialled(Dialled::Joined);
        self.metrics.streams.fetch_add(1, Ordering::Relaxed);
        let mut client = client;
        let moved = Moved {
            pace: self.tables().routes.pace(&route, Instant::now()),
            ..Moved::default()
        };
        let patience = Patience {
            answer: self.config.timeouts.answer,
            idle: self.config.timeouts.idle,
        };
        let joined = splice::join(
            &mut client,
            &mut agent,
            patience,
            &moved,
            &entry.cut,
            &self.stopping,
        );
        let parted = joined.await;
        self.metrics.streams.fetch_sub(1, Ordering::Relaxed);
        self.metrics
            .bytes_up
            .fetch_add(moved.up.into_inner(), Ordering::Relaxed);
        self.metrics
            .bytes_down
            .fetch_add(moved.down.into_inner(), Ordering::Relaxed);
        if parted == Parted::NoAnswer {
            self.refuse_dial(client, Refusal::new(RefusalCode::Offline))
                .await;
        }
    }

    /// What is not here may be at another relay of this name.
    async fn point_elsewhere(&self, refusal: Refusal, route: RouteId) -> Refusal {
        let (RefusalCode::Offline, Some(others)) = (refusal.code, self.others.get()) else {
            return refusal;
        };
        if self.tables().routes.is_held(&route) {
            return refusal;
        }
        match others.find(route).await {
            Some(to) => Refusal {
                to: Some(to),
                ..Refusal::new(RefusalCode::Elsewhere)
            },
            None => refusal,
        }
    }

    async fn refuse_dial(&self, client: Duplex, refusal: Refusal) {
        self.metrics.dialled(Dialled::Refused);
        self.metrics.refused(refusal.code);
        client.refuse(refusal).await;
    }

    fn begin(&self, from: AddressKey, route: RouteId) -> Result<Entry<'_>, Refusal> {
        if self.draining.is_cancelled() {
            return Err(Refusal::new(RefusalCode::GoingAway));
        }
        let now = Instant::now();
        self.addresses().dialled(from, now).map_err(too_much)?;
        let splice = SpliceId(self.next.fetch_add(1, Ordering::Relaxed));
        let mut tables = self.tables();
        let link = tables.routes.dial(route, splice, now)?;
        let Some(port) = tables.ports.get(&link).cloned() else {
            tables.routes.parted(route, splice);
            return Err(Refusal::new(RefusalCode::Offline));
        };
        let cut = CancellationToken::new();
        tables.cuts.insert(splice, cut.clone());
        drop(tables);
        Ok(Entry {
            hub: self,
            route,
            splice,
            cut,
            link,
            port,
        })
    }

    async fn open_to_agent(
        &self,
        entry: &Entry<'_>,
    ) -> Result<(Duplex, Option<Admission>), Refusal> {
        let offline = || Refusal::new(RefusalCode::Offline);
        let opened = async {
            match &entry.port.streams {
                Streams::Quic(connection) => open_quic(connection, entry.route)
                    .await
                    .map(|stream| (stream, None)),
                Streams::Fetched => self
                    .announce(entry)
                    .await
                    .map(|(stream, place)| (stream, Some(place))),
            }
        };
        tokio::select! {
            opened = timeout(self.config.timeouts.answer, opened) => {
                opened.ok().flatten().ok_or_else(offline)
            }
            () = entry.cut.cancelled() => Err(offline()),
            () = self.stopping.cancelled() => Err(Refusal::new(RefusalCode::GoingAway)),
        }
    }

    async fn announce(&self, entry: &Entry<'_>) -> Option<(Duplex, Admission)> {
        let ticket = random_text()?;
        let (taker, taken) = oneshot::channel();
        let kept = TicketEntry {
            hub: self,
            ticket: ticket.clone(),
        };
        self.tables().tickets.insert(
            ticket.clone(),
            Ticket {
                route: entry.route,
                link: entry.link,
                taker,
            },
        );
        let incoming = Incoming {
            route: entry.route,
            ticket: Some(ticket),
        };
        entry
            .port
            .tell
            .send(Notice::Incoming(Box::new(incoming)))
            .await
            .ok()?;
        let stream = taken.await.ok();
        drop(kept);
        stream
    }

    /// An agent fetches an announced dial with `stream`.
    pub(crate) async fn fetched(&self, mut stream: Duplex, ticket: &str, admission: Admission) {
        let Some(ticket) = self.tables().tickets.remove(ticket) else {
            let refusal = Refusal::because(
                RefusalCode::Timeout,
                "The relay waits for this dial no longer.",
            );
            stream.refuse(refusal).await;
            return;
        };
        let incoming = Message::Incoming(Incoming {
            route: ticket.route,
            ticket: None,
        });
        if write_message(&mut stream.sink, &incoming).await.is_ok() {
            // The dialler may have gone meanwhile; then the stream ends here.
            let _ = ticket.taker.send((stream, admission));
        }
    }

    /// An agent does not take an announced dial.
    pub(crate) fn declined(&self, link: LinkId, ticket: &str) {
        let mut tables = self.tables();
        if tables.tickets.get(ticket).is_some_and(|t| t.link == link) {
            // The taker's other half learns it.
            tables.tickets.remove(ticket);
        }
    }
}

async fn open_quic(connection: &quinn::Connection, route: RouteId) -> Option<Duplex> {
    let mut stream = Duplex::quic(connection.open_bi().await.ok()?);
    let incoming = Message::Incoming(Incoming {
        route,
        ticket: None,
    });
    match write_message(&mut stream.sink, &incoming).await {
        Ok(()) => Some(stream),
        Err(_) => {
            stream.reset(CloseCode::Gone.number()).await;
            None
        }
    }
}

fn random_text() -> Option<String> {
    use base64::Engine;
    let bytes: [u8; 16] = random()?;
    Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
