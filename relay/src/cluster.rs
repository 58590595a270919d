//! Several relays behind one name, which find each other over core NATS.
//!
//! Each holds the links of its own agents. A dial of a route that is not here is asked about
//! (`find`), and the client is pointed to the relay that answers; bytes never go over NATS. When an
//! agent registers, the others are told (`took`), so that a link that died unnoticed elsewhere
//! answers no longer; when it revokes, too (`revoked`). Nothing is stored: a relay that dies takes
//! only its links with it, and agents come back to any other.
//!
//! While a relay gets its certificate by ACME, the authority that checks a name may land at another
//! one, which asks for the challenge's token (`token`) and answers in its stead; the answer follows
//! from the token and the account's key, which is the same at all of them and never goes over NATS,
//! so that nobody there can have an answer given for an account of their own. A relay that is about
//! to order asks whether another is at it (`turn`), and waits then: an authority asks by the name
//! alone, so there can be one answer at a time.
//!
//! A question goes to all relays, so that nobody needs a subscription for each route. There are
//! few relays, and dials are limited for each address.

use crate::config::Cluster;
use crate::error::RelayError;
use crate::hub::{Hub, Others, random};
use async_nats::{Client, ConnectOptions, Message, StatusCode, Subscriber};
use bytes::Bytes;
use deputy_protocol::link::RouteId;
use futures_util::StreamExt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the other relays may take to answer.
const ANSWER: Duration = Duration::from_millis(500);
const ROUTE: usize = 24;
const NODE: usize = 16;

/// This relay among the others.
struct Nats {
    client: Client,
    subjects: Subjects,
    /// Sets this relay's own messages apart.
    node: [u8; NODE],
}

/// Their names on NATS.
#[derive(Clone)]
struct Subjects {
    find: String,
    took: String,
    revoked: String,
    turn: String,
    token: String,
}

/// Joins the others, and listens to them until the relay stops. While NATS is away the relay
/// serves its own agents, and tries again by itself.
pub(crate) async fn run(hub: Arc<Hub>, cluster: Cluster) -> Result<(), RelayError> {
    let failed = |error: &dyn std::fmt::Display| {
        RelayError::Config(format!("cannot join the other relays over NATS: {error}"))
    };
    let node = random().ok_or_else(|| failed(&"the system gives no random bytes"))?;
    let client = ConnectOptions::new()
        .name("deputy-relay")
        .retry_on_initial_connect()
        .connect(&cluster.nats)
        .await
        .map_err(|error| failed(&error))?;
    let subjects = Subjects {
        find: format!("{}.find", cluster.prefix),
        took: format!("{}.took", cluster.prefix),
        revoked: format!("{}.revoked", cluster.prefix),
        turn: format!("{}.turn", cluster.prefix),
        token: format!("{}.token", cluster.prefix),
    };
    let mut found = subscribe(&client, &subjects.find).await?;
    let mut took = subscribe(&client, &subjects.took).await?;
    let mut revoked = subscribe(&client, &subjects.revoked).await?;
    let mut turn = subscribe(&client, &subjects.turn).await?;
    let mut token = subscribe(&client, &subjects.token).await?;
    hub.set_others(Arc::new(Nats {
        client: client.clone(),
        subjects,
        node,
    }));
    loop {
        tokio::select! {
            Some(message) = found.next() => answer(&hub, &client, &cluster.here, message).await,
            Some(message) = took.next() => {
                if let Some(routes) = from_others(&message.payload, &node) {
                    hub.taken(&routes);
                }
            }
            Some(message) = revoked.next() => {
                if let Some(routes) = from_others(&message.payload, &node) {
                    hub.revoked_elsewhere(&routes);
                }
            }
            Some(message) = turn.next() => {
                let at_it = |names: &str| hub.at_it(&split(names)).then(String::new);
                answer_names(&client, &node, message, at_it).await;
            }
            Some(message) = token.next() => {
                answer_names(&client, &node, message, |name| hub.token(name)).await;
            }
            else => return Ok(()),
        }
    }
}

async fn subscribe(client: &Client, subject: &str) -> Result<Subscriber, RelayError> {
    client.subscribe(subject.to_owned()).await.map_err(|error| {
        RelayError::Config(format!(
            "cannot listen to the other relays over NATS: {error}"
        ))
    })
}

async fn answer(hub: &Hub, client: &Client, here: &str, message: Message) {
    let (Some(reply), Ok(route)) = (message.reply, <[u8; ROUTE]>::try_from(&message.payload[..]))
    else {
        return;
    };
    if hub.holds(&RouteId(route)) {
        // Whoever asked stops waiting by itself.
        let _ = client.publish(reply, here.to_owned().into()).await;
    }
}

/// Answers a question of another relay about names, if there is something to say.
async fn answer_names(
    client: &Client,
    own: &[u8; NODE],
    message: Message,
    find: impl FnOnce(&str) -> Option<String>,
) {
    let Some((node, names)) = message.payload.split_first_chunk::<NODE>() else {
        return;
    };
    let (Some(reply), Ok(names)) = (message.reply, std::str::from_utf8(names)) else {
        return;
    };
    if node != own
        && let Some(found) = find(names)
    {
        // Whoever asked stops waiting by itself.
        let _ = client.publish(reply, found.into()).await;
    }
}

fn split(names: &str) -> Vec<String> {
    names.split(',').map(str::to_owned).collect()
}

impl Others for Nats {
    fn find(&self, route: RouteId) -> Pin<Box<dyn Future<Output = Option<String>> + Send + '_>> {
        Box::pin(async move {
            let question = Bytes::copy_from_slice(&route.0);
            let answer = self.client.request(self.subjects.find.clone(), question);
            let answer = timeout(ANSWER, answer).await.ok()?.ok()?;
            String::from_utf8(answer.payload.to_vec()).ok()
        })
    }

    fn took(&self, routes: &[RouteId]) {
        self.tell(self.subjects.took.clone(), routes);
    }

    fn revoked(&self, routes: &[RouteId]) {
        self.tell(self.subjects.revoked.clone(), routes);
    }

    fn at_it<'a>(&'a self, names: &'a [String]) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            let names = names.join(",");
            self.ask(&self.subjects.turn, &names).await.is_some()
        })
    }

    fn token<'a>(
        &'a self,
        name: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>> {
        Box::pin(self.ask(&self.subjects.token, name))
    }
}

impl Nats {
    /// What another relay says about names.
    async fn ask(&self, subject: &str, names: &str) -> Option<String> {
        let question = [&self.node[..], names.as_bytes()].concat();
        let answer = self.client.request(subject.to_owned(), question.into());
        let answer = timeout(ANSWER, answer).await.ok()?.ok()?;
        // Without anybody who listens, NATS itself answers so.
        (answer.status != Some(StatusCode::NO_RESPONDERS))
            .then(|| String::from_utf8(answer.payload.to_vec()).ok())?
    }

    fn tell(&self, subject: String, routes: &[RouteId]) {
        let mut payload = self.node.to_vec();
        routes.iter().for_each(|route| payload.extend(route.0));
        let client = self.client.clone();
        // The agent does not wait for the others.
        tokio::spawn(async move { client.publish(subject, payload.into()).await });
    }
}

/// The routes of a message of another relay.
fn from_others(payload: &[u8], own: &[u8; NODE]) -> Option<Vec<RouteId>> {
    let (node, routes) = payload.split_first_chunk::<NODE>()?;
    let (routes, rest) = routes.as_chunks::<ROUTE>();
    (node != own && rest.is_empty()).then(|| routes.iter().copied().map(RouteId).collect())
}
