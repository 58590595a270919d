//! An agent's control channel: registrations, revocations, and what the relay has to tell.

use super::control::{Messages, NoMore};
use super::greeting::malformed;
use crate::carriers::{Duplex, Sink};
use crate::core::limits::Bucket;
use crate::core::routes::LinkId;
use crate::hub::{Hub, Notice, Port, Streams};
use deputy_link::write_message;
use deputy_protocol::link::{
    Binding, ChallengeSecret, CloseCode, Displaced, Message, Push, Refusal, RefusalCode, Register,
    RegisterTerms, Registered, RouteId, RouteKey, Unregister, Unregistered,
};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

/// Notices that may wait for a slow agent; then its dials wait, and time out.
const NOTICES: usize = 32;

/// What is known of an agent's link before it registers.
pub(crate) struct Arrived {
    pub(crate) stream: Duplex,
    pub(crate) secret: ChallengeSecret,
    pub(crate) binding: Binding,
    pub(crate) streams: Streams,
    /// Over WebSocket: how long nothing at all may come. QUIC has its own.
    pub(crate) silent: Option<Duration>,
}

struct Agent {
    hub: Arc<Hub>,
    link: LinkId,
    port: Port,
    sink: Sink,
    secret: ChallengeSecret,
    binding: Binding,
    last_id: u64,
    key: Option<RouteKey>,
    pushes: Bucket,
    requests: Bucket,
}

/// Takes the agent out of the tables when its link ends, however it ends.
struct Registration {
    hub: Arc<Hub>,
    link: LinkId,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.hub.ended(self.link);
    }
}

/// Runs the channel until it ends. Gives the code to end the link with.
pub(crate) async fn serve(hub: Arc<Hub>, arrived: Arrived) -> CloseCode {
    let (tell, mut notices) = mpsc::channel(NOTICES);
    let link = hub.new_link();
    let _registration = Registration {
        hub: hub.clone(),
        link,
    };
    let Arrived {
        stream: Duplex { source, sink },
        secret,
        binding,
        streams,
        silent,
    } = arrived;
    let mut messages = Messages::new(source);
    let now = std::time::Instant::now();
    let mut agent = Agent {
        hub: hub.clone(),
        link,
        port: Port { tell, streams },
        sink,
        secret,
        binding,
        last_id: 0,
        key: None,
        pushes: Bucket::full(hub.config.limits.pushes, now),
        requests: Bucket::full(hub.config.limits.requests, now),
    };
    let must_register_by = Instant::now() + hub.config.timeouts.register;
    let mut silent_at = silent.map(|silent| Instant::now() + silent);
    let end = loop {
        let step = tokio::select! {
            message = messages.next() => {
                silent_at = silent.map(|silent| Instant::now() + silent);
                match message {
                    // Boxed, as below: an idle link holds no room for what it may have to do.
                    Ok(message) => Box::pin(agent.heard(message)).await,
                    Err(NoMore::Ended) => Err(CloseCode::Done),
                    Err(NoMore::Malformed(reason)) => {
                        Box::pin(agent.refuse(malformed(&reason))).await;
                        Err(CloseCode::Malformed)
                    }
                }
            }
            Some(notice) = notices.recv() => Box::pin(agent.tell(notice)).await,
            () = hub.draining.cancelled() => {
                let _ = Box::pin(agent.say(&hub.going_away())).await;
                Err(CloseCode::GoingAway)
            }
            () = sleep_until(must_register_by), if agent.key.is_none() => {
                Box::pin(agent.refuse(Refusal::new(RefusalCode::Timeout))).await;
                Err(CloseCode::Timeout)
            }
            () = until(silent_at) => Err(CloseCode::Timeout),
        };
        if let Err(code) = step {
            break code;
        }
    };
    let mut stream = Duplex {
        source: messages.into_source(),
        sink: agent.sink,
    };
    match &stream.sink {
        // What was said last must still arrive.
        Sink::Quic(_) | Sink::WebTransport(_) => drop(stream.sink.finish().await),
        Sink::WebSocket(_) => stream.reset(end.number()).await,
    }
    end
}

impl Agent {
    async fn heard(&mut self, message: Message) -> Result<(), CloseCode> {
        if let Message::Register(Register { id, .. }) | Message::Unregister(Unregister { id, .. }) =
            message
            && let Err(wait) = self
                .requests
                .take(self.hub.config.limits.requests, std::time::Instant::now())
        {
            let refusal = Refusal::new(RefusalCode::RateLimited).retry_after(wait);
            self.hub.metrics.refused(refusal.code);
            self.refuse(refusal.of(id)).await;
            return Err(CloseCode::Refused);
        }
        match message {
            Message::Register(register) => match self.register(&register) {
                Ok(routes) => {
                    let registered = Registered {
                        id: register.id,
                        routes,
                    };
                    self.say(&Message::Registered(registered)).await
                }
                Err(refusal) => {
                    self.hub.metrics.refused(refusal.code);
                    self.refuse(refusal.of(register.id)).await;
                    Err(CloseCode::Refused)
                }
            },
            Message::Unregister(Unregister { id, routes }) => {
                self.hub.unregister(self.link, &routes);
                self.say(&Message::Unregistered(Unregistered { id })).await
            }
            Message::Decline(decline) => {
                self.hub.declined(self.link, &decline.ticket);
                Ok(())
            }
            Message::Push(push) => self.push(push).await,
            // Not for a relay at this point, or of a newer version.
            Message::Hello(_)
            | Message::Welcome(_)
            | Message::Refused(_)
            | Message::Registered(_)
            | Message::Unregistered(_)
            | Message::Dial(_)
            | Message::Incoming(_)
            | Message::Accept(_)
            | Message::Connected(_)
            | Message::Pushed(_)
            | Message::GoingAway(_)
            | Message::Displaced(_)
            | Message::Unknown => Ok(()),
        }
    }

    fn register(&mut self, register: &Register) -> Result<Vec<RouteId>, Refusal> {
        let unauthorised = |reason: String| Refusal {
            hint: "Restart the agent. If it happens again, please report it.".to_owned(),
            ..Refusal::because(RefusalCode::Unauthorised, reason)
        };
        if !self.hub.is_called(&register.relay) {
            return Err(Refusal {
                hint: "Set the relay's address to its own name.".to_owned(),
                ..Refusal::because(
                    RefusalCode::Unauthorised,
                    "The relay is not known under the name that the agent used for it, so it was not registered.",
                )
            });
        }
        // One answer to a challenge must not serve twice.
        if register.id <= self.last_id {
            return Err(malformed("numbers of requests must grow"));
        }
        // One link, one owner: else a single agent could hold any number of keys.
        if self.key.is_some_and(|key| key != register.route_key) {
            return Err(unauthorised(
                "A link is for one route key, and this one has another already.".to_owned(),
            ));
        }
        let terms = RegisterTerms {
            id: register.id,
            relay: &register.relay,
            salts: &register.salts,
        };
        self.secret
            .verify(&terms, &register.route_key, &self.binding, &register.proof)
            .map_err(|error| {
                unauthorised(format!(
                    "The agent could not show that its routes are its own ({error}), so they were not registered."
                ))
            })?;
        self.last_id = register.id;
        let routes: Vec<RouteId> = register
            .salts
            .iter()
            .map(|salt| register.route_key.route(salt))
            .collect();
        self.hub.register(self.link, &self.port, &routes)?;
        if self.key.replace(register.route_key).is_none() {
            tracing::debug!("agent registered");
        }
        Ok(routes)
    }

    /// The channel does not wait for the push service; its word comes as a notice.
    async fn push(&mut self, push: Push) -> Result<(), CloseCode> {
        let allowed = match self.hub.pusher.get() {
            None => Err(Refusal::new(RefusalCode::Unsupported)),
            Some(_) if self.key.is_none() => Err(Refusal::new(RefusalCode::Unauthorised)),
            Some(pusher) => self
                .pushes
                .take(self.hub.config.limits.pushes, std::time::Instant::now())
                .map(|()| pusher.clone())
                .map_err(|wait| Refusal::new(RefusalCode::RateLimited).retry_after(wait)),
        };
        let pusher = match allowed {
            Ok(pusher) => pusher,
            Err(refusal) => {
                self.hub.metrics.refused(refusal.code);
                return self.say(&Message::Refused(refusal.of(push.id))).await;
            }
        };
        let tell = self.port.tell.clone();
        tokio::spawn(async move {
            let said = match pusher.push(&push).await {
                Ok(pushed) => Message::Pushed(pushed),
                Err(refusal) => Message::Refused(refusal.of(push.id)),
            };
            // An agent that is gone meanwhile pushes again when it is back.
            let _ = tell.send(Notice::Pushed(Box::new(said))).await;
        });
        Ok(())
    }

    async fn tell(&mut self, notice: Notice) -> Result<(), CloseCode> {
        match notice {
            Notice::Displaced(routes) => {
                let displaced = Message::Displaced(Displaced { routes });
                let _ = self.say(&displaced).await;
                Err(CloseCode::Displaced)
            }
            Notice::Incoming(incoming) => self.say(&Message::Incoming(*incoming)).await,
            Notice::Pushed(said) => self.say(&said).await,
        }
    }

    async fn refuse(&mut self, refusal: Refusal) {
        let _ = self.say(&Message::Refused(refusal)).await;
    }

    /// Whoever does not read what it is told is gone.
    async fn say(&mut self, message: &Message) -> Result<(), CloseCode> {
        match timeout(
            self.hub.config.timeouts.hello,
            write_message(&mut self.sink, message),
        )
        .await
        {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(CloseCode::Gone),
            Err(_) => Err(CloseCode::Timeout),
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
