//! What comes in from outside: events and webhooks. Each is in the inbox, on disk, before it is
//! answered; what the queue does not take is refused with an error to its sender.

use super::apply::stored;
use super::{Answer, Control, key, not_found, store_error};
use crate::intent::Trigger;
use crate::store::inbox::{self, NewInput, Put};
use crate::store::{Durability, Key, StoreError, automations, settings, triggers};
use deputy_protocol::control::Response;
use deputy_protocol::{AutomationState, ErrorBody, SourceKind};
use rusqlite::Connection;
use serde_json::Value;
use std::net::SocketAddr;

/// The setting that says where the agent listens.
const LISTEN_SETTING: &str = "listen";

/// A call of a webhook.
pub(crate) struct Hook<'a> {
    /// The automation's id.
    pub(crate) automation: &'a str,
    /// The webhook's name.
    pub(crate) name: &'a str,
    /// The secret that came along.
    pub(crate) token: &'a str,
    /// Calls with the same one are one call.
    pub(crate) key: Option<&'a str>,
}

/// Why a webhook's call was not taken.
pub(crate) enum HookRefused {
    /// There is no such webhook.
    Unknown(ErrorBody),
    /// Not with this secret.
    Token(ErrorBody),
    /// The queue is full.
    Full(ErrorBody),
    /// It could not be written.
    Failed(ErrorBody),
}

/// What became of an arrival.
enum Arrived {
    Taken(Put),
    NoSuch,
    WrongToken,
    UnknownTopic(Vec<String>),
    Full,
}

fn full(id: &str) -> ErrorBody {
    ErrorBody::new(
        "queue_full",
        format!(
            "{} inputs of {id} wait already; this one was not taken",
            inbox::MAX_PENDING
        ),
        "send it again later; `deputy inputs` shows what waits",
    )
}

fn no_webhook(id: &str, name: &str) -> ErrorBody {
    ErrorBody::new(
        "not_found",
        format!("{id} has no webhook “{name}”; nothing was taken"),
        "`deputy automation show` prints where webhooks are called",
    )
}

/// Whether an automation takes arrivals. A paused one keeps them: they begin when it is resumed.
fn takes(db: &Connection, automation: i64) -> Result<bool, StoreError> {
    Ok(
        automations::row(db, automation)?.is_some_and(|row| match row.state {
            AutomationState::Active | AutomationState::Paused => true,
            AutomationState::Draft | AutomationState::Archived => false,
        }),
    )
}

fn trigger(row: &triggers::TriggerRow) -> Result<Trigger, StoreError> {
    serde_json::from_value(row.spec.clone()).map_err(|e| StoreError::corrupt("trigger", e))
}

/// Puts an arrival unless the queue is full.
fn put(db: &Connection, input: &NewInput) -> Result<Arrived, StoreError> {
    let put = inbox::put_if_room(db, input)?;
    Ok(put.map_or(Arrived::Full, Arrived::Taken))
}

/// Checks a webhook's secret. `None` when it may be called.
fn checked(
    db: &Connection,
    automation: i64,
    name: &str,
    token: &str,
) -> Result<Option<Arrived>, StoreError> {
    if !takes(db, automation)? {
        return Ok(Some(Arrived::NoSuch));
    }
    for row in triggers::of(db, automation)? {
        if let Trigger::Webhook(hook) = trigger(&row)?
            && hook.webhook == name
        {
            // Hashes compare in constant time.
            let right = row.token.is_some_and(|secret| {
                blake3::hash(secret.as_bytes()) == blake3::hash(token.as_bytes())
            });
            return Ok((!right).then_some(Arrived::WrongToken));
        }
    }
    Ok(Some(Arrived::NoSuch))
}

impl Control {
    pub(super) async fn event_send(
        &self,
        id: &str,
        topic: String,
        payload: Option<Value>,
        unique: Option<String>,
    ) -> Answer<Response> {
        let (automation, now) = (key(Key::Automation, id)?, self.now());
        let sent_topic = topic.clone();
        let (arrived, view) = stored(
            self.executor
                .parts
                .store
                .write(Durability::Synced, move |db| {
                    if !takes(db, automation)? {
                        return Ok((Arrived::NoSuch, None));
                    }
                    let mut topics = Vec::new();
                    for row in triggers::of(db, automation)? {
                        if let Trigger::Event(event) = trigger(&row)? {
                            topics.push(event.event);
                        }
                    }
                    if !topics.contains(&topic) {
                        return Ok((Arrived::UnknownTopic(topics), None));
                    }
                    let end = match unique {
                        Some(unique) => format!("key:{unique}"),
                        None => inbox::unique(db, now)?,
                    };
                    let arrived = put(
                        db,
                        &NewInput {
                            automation,
                            source: SourceKind::Event,
                            source_id: topic.clone(),
                            dedupe: format!("event:{topic}:{end}"),
                            title: format!("event {topic}"),
                            topic: Some(topic),
                            payload: payload.unwrap_or(Value::Null),
                            due_at: now,
                            caused_by: None,
                        },
                    )?;
                    let view = match &arrived {
                        Arrived::Taken(put) => inbox::get(db, put.key())?,
                        _ => None,
                    };
                    Ok((arrived, view))
                })
                .await,
        )?;
        match (arrived, view) {
            (Arrived::Taken(put), Some(view)) => {
                if matches!(put, Put::New(_)) {
                    self.executor.parts.arrivals.announce(automation);
                }
                Ok(Response::EventSent(Box::new(view)))
            }
            (Arrived::UnknownTopic(topics), _) => Err(ErrorBody::new(
                "unknown_topic",
                format!("the contract of {id} has no event “{sent_topic}”; nothing was sent"),
                if topics.is_empty() {
                    "its contract has no event trigger at all".to_owned()
                } else {
                    format!("its events: {}", topics.join(", "))
                },
            )),
            (Arrived::Full, _) => Err(full(id)),
            (Arrived::Taken(_) | Arrived::NoSuch | Arrived::WrongToken, _) => {
                Err(not_found("automation", id))
            }
        }
    }

    /// Whether a webhook may be called with this secret, before its body is read.
    pub(crate) async fn webhook_known(
        &self,
        id: &str,
        name: &str,
        token: &str,
    ) -> Result<(), HookRefused> {
        let automation =
            key(Key::Automation, id).map_err(|_| HookRefused::Unknown(no_webhook(id, name)))?;
        let (hook, token) = (name.to_owned(), token.to_owned());
        let refused = self
            .executor
            .parts
            .store
            .read(move |db| checked(db, automation, &hook, &token))
            .await
            .map_err(|e| HookRefused::Failed(store_error(e)))?;
        match refused {
            None => Ok(()),
            Some(refused) => Err(hook_refused(id, name, &refused)),
        }
    }

    /// Takes a webhook's call: answers with the input's id once it is on disk.
    pub(crate) async fn webhook(
        &self,
        hook: &Hook<'_>,
        payload: Value,
    ) -> Result<String, HookRefused> {
        let (id, name, now) = (hook.automation, hook.name, self.now());
        let automation =
            key(Key::Automation, id).map_err(|_| HookRefused::Unknown(no_webhook(id, name)))?;
        let (hook_name, token) = (name.to_owned(), hook.token.to_owned());
        let unique = hook.key.map(str::to_owned);
        let arrived = self
            .executor
            .parts
            .store
            .write(Durability::Synced, move |db| {
                if let Some(refused) = checked(db, automation, &hook_name, &token)? {
                    return Ok(refused);
                }
                let end = match unique {
                    Some(unique) => format!("key:{unique}"),
                    None => inbox::unique(db, now)?,
                };
                put(
                    db,
                    &NewInput {
                        automation,
                        source: SourceKind::Webhook,
                        source_id: hook_name.clone(),
                        dedupe: format!("webhook:{hook_name}:{end}"),
                        title: format!("webhook {hook_name}"),
                        topic: Some(hook_name),
                        payload,
                        due_at: now,
                        caused_by: None,
                    },
                )
            })
            .await
            .map_err(|e| HookRefused::Failed(store_error(e)))?;
        match arrived {
            Arrived::Taken(put) => {
                if matches!(put, Put::New(_)) {
                    self.executor.parts.arrivals.announce(automation);
                }
                Ok(Key::Input.id(put.key()))
            }
            refused => Err(hook_refused(id, name, &refused)),
        }
    }

    /// Where the settings say to listen; `None` when they say `off`.
    pub(crate) async fn listen_setting(&self) -> Option<SocketAddr> {
        let setting = self
            .executor
            .parts
            .store
            .read(|db| settings::get(db, LISTEN_SETTING))
            .await
            .ok()
            .flatten();
        match setting.as_ref().and_then(Value::as_str) {
            Some("off") => None,
            Some(address) => Some(address.parse().unwrap_or_else(|error| {
                tracing::warn!(address, %error, "the setting `listen` is no address; using the default");
                crate::web::DEFAULT_LISTEN
            })),
            None => Some(crate::web::DEFAULT_LISTEN),
        }
    }

    /// Remembers where the listener is, for `status` and the addresses of webhooks.
    pub(crate) fn listens_at(&self, address: SocketAddr) {
        // Elsewhere a page has no secure context, and a program no reason to come without a relay.
        if address.ip().is_loopback() {
            self.remote.listens_at(address);
        }
        // The listener is started once; a second start changes nothing.
        let _ = self.listen.set(address);
    }

    /// Where webhooks are taken: the address that this machine reaches itself by.
    pub(super) fn listen_url(&self) -> Option<String> {
        let address = self.listen.get()?;
        let mut reached = *address;
        if address.ip().is_unspecified() {
            reached.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        Some(format!("http://{reached}"))
    }
}

fn hook_refused(id: &str, name: &str, refused: &Arrived) -> HookRefused {
    match refused {
        Arrived::WrongToken => HookRefused::Token(ErrorBody::new(
            "wrong_token",
            "the webhook's token is missing or wrong; nothing was taken",
            "send it as `Authorization: Bearer …`; `deputy automation show` prints it",
        )),
        Arrived::Full => HookRefused::Full(full(id)),
        Arrived::NoSuch | Arrived::Taken(_) | Arrived::UnknownTopic(_) => {
            HookRefused::Unknown(no_webhook(id, name))
        }
    }
}
