//! Finding a carrier: QUIC first, WebSocket a moment later, whichever greets first.

use crate::address::RelayAddress;
use crate::error::LinkError;
use crate::quic::{self, QuicLink};
use crate::session::Words;
use crate::trust::Trust;
use crate::websocket::{self, WebSocketLink};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// What carries a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// QUIC over UDP.
    Quic,
    /// WebSocket over TLS over TCP.
    WebSocket,
}

/// Which carriers may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CarrierChoice {
    /// Whichever works.
    #[default]
    Any,
    /// This one only.
    Only(Carrier),
}

/// How long the second carrier waits for the first.
const HEAD_START: Duration = Duration::from_millis(300);
/// How long one address of a name waits for the one before (RFC 8305).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// How long one attempt may take, from the name to the welcome.
const ATTEMPT: Duration = Duration::from_secs(10);

/// A link on either carrier, after the welcome.
pub(crate) enum Greeted {
    Quic(Box<QuicLink>),
    WebSocket(Box<WebSocketLink>),
}

/// Connects, and remembers what worked.
#[derive(Debug)]
pub(crate) struct Connector {
    trust: Trust,
    choice: CarrierChoice,
    last: Mutex<Option<Carrier>>,
}

impl Connector {
    pub(crate) fn new(trust: Trust, choice: CarrierChoice) -> Self {
        Self {
            trust,
            choice,
            last: Mutex::new(None),
        }
    }

    /// Another network: what worked on the last one says nothing.
    pub(crate) fn forget(&self) {
        self.set_last(None);
    }

    pub(crate) async fn connect(
        &self,
        address: &RelayAddress,
        words: &Words,
    ) -> Result<Greeted, LinkError> {
        let attempt = timeout(ATTEMPT, self.race(address, words));
        let greeted = attempt
            .await
            .unwrap_or_else(|_| Err(unreachable(address, "It did not answer.".to_owned())))?;
        self.set_last(Some(match greeted {
            Greeted::Quic(_) => Carrier::Quic,
            Greeted::WebSocket(_) => Carrier::WebSocket,
        }));
        Ok(greeted)
    }

    /// A WebSocket, for one that must be one.
    pub(crate) async fn websocket(
        &self,
        address: &RelayAddress,
        words: &Words,
    ) -> Result<WebSocketLink, LinkError> {
        let attempt = timeout(ATTEMPT, async {
            let addresses = resolve(address).await?;
            staggered(addresses, |at| {
                websocket::connect(address, at, &self.trust, words)
            })
            .await
        });
        attempt
            .await
            .unwrap_or_else(|_| Err(unreachable(address, "It did not answer.".to_owned())))
    }

    async fn race(&self, address: &RelayAddress, words: &Words) -> Result<Greeted, LinkError> {
        let addresses = resolve(address).await?;
        let try_one = |carrier| self.try_carrier(carrier, address, addresses.clone(), words);
        let last = *self.last.lock().unwrap_or_else(|e| e.into_inner());
        let (first, second) = match (self.choice, last) {
            (CarrierChoice::Only(carrier), _) => return try_one(carrier).await,
            (CarrierChoice::Any, Some(Carrier::WebSocket)) => (Carrier::WebSocket, Carrier::Quic),
            (CarrierChoice::Any, Some(Carrier::Quic) | None) => (Carrier::Quic, Carrier::WebSocket),
        };

        let mut first = pin!(try_one(first));
        let early = tokio::select! {
            done = &mut first => Some(done),
            () = sleep(HEAD_START) => None,
        };
        match early {
            Some(Ok(greeted)) => Ok(greeted),
            // In words, by the relay itself: the other carrier would hear the same.
            Some(Err(LinkError::Refused(refusal))) => Err(refusal.into()),
            Some(Err(one)) => match try_one(second).await {
                Ok(greeted) => Ok(greeted),
                Err(two) => Err(both_failed(address, one, two)),
            },
            None => {
                let mut second = pin!(try_one(second));
                let (failed, other): (_, Pin<&mut (dyn Future<Output = _> + Send)>) = tokio::select! {
                    done = &mut first => match done {
                        Ok(greeted) => return Ok(greeted),
                        Err(error) => (error, second.as_mut()),
                    },
                    done = &mut second => match done {
                        Ok(greeted) => return Ok(greeted),
                        Err(error) => (error, first.as_mut()),
                    },
                };
                if matches!(failed, LinkError::Refused(_)) {
                    return Err(failed);
                }
                match other.await {
                    Ok(greeted) => Ok(greeted),
                    Err(error) => Err(both_failed(address, failed, error)),
                }
            }
        }
    }

    async fn try_carrier(
        &self,
        carrier: Carrier,
        address: &RelayAddress,
        addresses: Vec<SocketAddr>,
        words: &Words,
    ) -> Result<Greeted, LinkError> {
        match carrier {
            Carrier::Quic => staggered(addresses, |at| {
                quic::connect(address, at, &self.trust, words)
            })
            .await
            .map(|link| Greeted::Quic(Box::new(link))),
            Carrier::WebSocket => staggered(addresses, |at| {
                websocket::connect(address, at, &self.trust, words)
            })
            .await
            .map(|link| Greeted::WebSocket(Box::new(link))),
        }
    }

    fn set_last(&self, carrier: Option<Carrier>) {
        *self.last.lock().unwrap_or_else(|e| e.into_inner()) = carrier;
    }
}

async fn resolve(address: &RelayAddress) -> Result<Vec<SocketAddr>, LinkError> {
    let found = tokio::net::lookup_host((address.host(), address.port()))
        .await
        .map_err(|error| unreachable(address, format!("Its name is not found: {error}.")))?;
    let (six, four): (Vec<_>, Vec<_>) = found.partition(SocketAddr::is_ipv6);
    // One family may be broken: take turns.
    let longest = six.len().max(four.len());
    let turns = (0..longest).flat_map(|i| [six.get(i), four.get(i)]);
    let addresses: Vec<SocketAddr> = turns.flatten().copied().collect();
    if addresses.is_empty() {
        return Err(unreachable(address, "Its name has no address.".to_owned()));
    }
    Ok(addresses)
}

/// Tries `addresses` one after another, each a moment after the one before or as soon as one
/// fails; the first success wins.
async fn staggered<T, F: Future<Output = Result<T, LinkError>>>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, LinkError> {
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut failed = None;
    loop {
        let more = match waiting.next() {
            Some(at) => {
                running.push(connect(at));
                true
            }
            None => false,
        };
        tokio::select! {
            done = running.next() => match done {
                Some(Ok(made)) => return Ok(made),
                Some(Err(LinkError::Refused(refusal))) => return Err(refusal.into()),
                Some(Err(error)) => failed = Some(error),
                None => return Err(failed.unwrap_or_else(|| LinkError::Ended("no address".into()))),
            },
            () = sleep(NEXT_ADDRESS), if more => {}
        }
    }
}

fn both_failed(address: &RelayAddress, one: LinkError, two: LinkError) -> LinkError {
    if matches!(two, LinkError::Refused(_)) {
        return two;
    }
    unreachable(address, format!("{} {}", sentence(&one), sentence(&two)))
}

fn sentence(error: &LinkError) -> String {
    let text = error.to_string();
    if text.ends_with('.') {
        text
    } else {
        text + "."
    }
}

fn unreachable(address: &RelayAddress, reasons: String) -> LinkError {
    LinkError::Unreachable {
        relay: address.to_string(),
        reasons,
    }
}
