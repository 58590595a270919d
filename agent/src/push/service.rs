//! The loop: what is due goes out, device by device, each in its order.

use super::outgoing::{self, Outgoing};
use super::rules::GATHER;
use super::vapid::{Vapid, VapidError};
use super::web::Subscription;
use crate::clock::SharedClock;
use crate::connectors::Vault;
use crate::failure::{next_delay, random_fraction};
use crate::fault;
use crate::intent::Retries;
use crate::remote::Remote;
use crate::store::pushes::{self, Untaken};
use crate::store::{Durability, Store, StoreError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputy_protocol::Time;
use deputy_protocol::link::{Provider, Push};
use deputy_protocol::push::{PushTarget, seal};
use deputy_protocol::session::PublicKey;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

/// How many devices are pushed to at a time.
const AT_ONCE: usize = 8;

/// How long a push service may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// For how long a push is tried, and kept by the push service, in milliseconds.
const LIFETIME: i64 = 3 * 86_400_000;

/// For how long it is kept on record what was pushed, in milliseconds.
const ON_RECORD: i64 = 30 * 86_400_000;

/// How often the list is compared with what changed, at most.
const PACE: Duration = Duration::from_millis(100);

/// How long is waited when the store cannot be used.
const TROUBLE: Duration = Duration::from_secs(1);

const RETRIES: Retries = Retries {
    max: u32::MAX,
    first_ms: 5_000,
    max_ms: 3_600_000,
};

/// Pushes to devices.
pub struct Pusher {
    store: Store,
    clock: SharedClock,
    vault: Arc<Vault>,
    remote: Arc<Remote>,
    stopping: CancellationToken,
    wanted: watch::Sender<u64>,
    vapid: OnceCell<Vapid>,
}

/// What a push service, or the way to it, said.
enum Verdict {
    Taken,
    /// Not now.
    Later {
        why: String,
        after_ms: Option<u64>,
    },
    /// Not this.
    Refused(String),
    /// Not to this device any more.
    Gone(String),
}

impl Pusher {
    /// A pusher for the devices of `remote`.
    pub fn new(
        store: Store,
        clock: SharedClock,
        vault: Arc<Vault>,
        remote: Arc<Remote>,
        stopping: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            vault,
            remote,
            stopping,
            wanted: watch::Sender::new(0),
            vapid: OnceCell::new(),
        })
    }

    /// The key by which browsers' push services know this agent.
    pub async fn public_key(&self) -> Result<String, VapidError> {
        Ok(self.vapid().await?.public())
    }

    async fn vapid(&self) -> Result<&Vapid, VapidError> {
        let open = || Vapid::open(&self.store, &self.vault);
        self.vapid.get_or_try_init(open).await
    }

    /// Somebody wants pushes who did not, or otherwise than before.
    pub fn look_again(&self) {
        self.wanted.send_modify(|count| *count += 1);
    }

    /// Runs until the agent stops. A push that is on its way then has been written down as such.
    pub async fn run(self: Arc<Self>) {
        let now = self.clock.now();
        let recovered = self
            .store
            .write(Durability::Ordered, move |db| {
                pushes::recover(db, now, ON_RECORD)
            })
            .await;
        if let Err(error) = recovered {
            tracing::error!(%error, "what was being pushed cannot be read");
        }
        let mut wanted = self.wanted.subscribe();
        let mut changes = self.store.changes();
        let mut jobs: JoinSet<i64> = JoinSet::new();
        let mut busy: HashSet<i64> = HashSet::new();
        while !self.stopping.is_cancelled() {
            wanted.mark_unchanged();
            changes.mark_unchanged();
            let now = self.clock.now();
            let (are_wanted, next) = match self.look(now).await {
                Ok(Some(waiting)) => {
                    for device in waiting.due {
                        if busy.len() < AT_ONCE && busy.insert(device) {
                            let this = Arc::clone(&self);
                            jobs.spawn(async move {
                                this.serve(device).await;
                                device
                            });
                        }
                    }
                    (true, waiting.next)
                }
                Ok(None) => (false, None),
                Err(StoreError::Stopped) => break,
                Err(error) => {
                    tracing::error!(%error, "pushes cannot be read; trying again soon");
                    tokio::time::sleep(TROUBLE).await;
                    continue;
                }
            };
            let due = async {
                match next {
                    Some(at) => self.clock.until(at, now).await,
                    None => std::future::pending().await,
                }
            };
            // A busy agent writes thousands of times a second; people are told ten times at most.
            let changed = async {
                tokio::time::sleep(PACE).await;
                changes.changed().await
            };
            tokio::select! {
                told = wanted.changed() => if told.is_err() { break },
                told = changed, if are_wanted => if told.is_err() { break },
                Some(done) = jobs.join_next() => match done {
                    Ok(device) => drop(busy.remove(&device)),
                    Err(error) => {
                        tracing::error!(%error, "a push stopped unexpectedly");
                        busy.clear();
                        tokio::time::sleep(TROUBLE).await;
                    }
                },
                () = due => {}
                () = self.stopping.cancelled() => break,
            }
        }
        // What a push service has not answered is taken up at the next start.
        jobs.shutdown().await;
    }

    /// What waits, once the list is up to date; `None` when nobody wants pushes.
    async fn look(&self, now: Time) -> Result<Option<pushes::Waiting>, StoreError> {
        let look = move |db: &rusqlite::Connection| {
            Ok(match pushes::are_wanted(db)? {
                true => Some((pushes::is_behind(db)?, pushes::waiting(db, now)?)),
                false => None,
            })
        };
        match self.store.read(look).await? {
            Some((true, _)) => {
                self.store
                    .write(Durability::Ordered, move |db| pushes::plan(db, now, GATHER))
                    .await?;
                self.store
                    .read(move |db| pushes::waiting(db, now).map(Some))
                    .await
            }
            looked => Ok(looked.map(|(_, waiting)| waiting)),
        }
    }

    /// Pushes what is due for a device, one after the other.
    async fn serve(&self, device: i64) {
        loop {
            let now = self.clock.now();
            let next = self
                .store
                .write(Durability::Ordered, move |db| {
                    outgoing::next(db, device, now)
                })
                .await;
            let outgoing = match next {
                Ok(Some(outgoing)) => outgoing,
                Ok(None) | Err(StoreError::Stopped) => return,
                Err(error) => {
                    tracing::error!(%error, "a push cannot be taken up");
                    tokio::time::sleep(TROUBLE).await;
                    return;
                }
            };
            fault::point("push.sending");
            let verdict = self.send(&outgoing).await;
            fault::point("push.answered");
            if let Err(error) = self.settle(&outgoing, verdict).await {
                tracing::error!(%error, "what a push service said cannot be written down");
                return;
            }
        }
    }

    async fn settle(&self, outgoing: &Outgoing, verdict: Verdict) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (device, push) = (outgoing.to.device, outgoing.row.key);
        let (untaken, why) = match verdict {
            Verdict::Taken => {
                let job = move |db: &rusqlite::Connection| pushes::sent(db, device, push, now);
                return self.store.write(Durability::Ordered, job).await;
            }
            Verdict::Later { why, after_ms } => {
                let delay =
                    next_delay(&RETRIES, outgoing.row.attempts, after_ms, random_fraction());
                let delay = delay
                    .and_then(|ms| i64::try_from(ms).ok())
                    .unwrap_or(LIFETIME);
                let at = Time(now.0 + delay.max(1_000));
                let over = at.0 > outgoing.row.created_at.0 + LIFETIME;
                (
                    if over {
                        Untaken::Never
                    } else {
                        Untaken::Again(at)
                    },
                    why,
                )
            }
            Verdict::Refused(why) => (Untaken::Never, why),
            Verdict::Gone(why) => (Untaken::Gone, why),
        };
        tracing::info!(device, %why, "a push was not taken");
        self.store
            .write(Durability::Ordered, move |db| {
                pushes::not_sent(db, device, push, untaken, &why, now)
            })
            .await
    }

    async fn send(&self, outgoing: &Outgoing) -> Verdict {
        match &outgoing.to.target {
            PushTarget::Web {
                endpoint,
                p256dh,
                auth,
            } => self.send_web(outgoing, endpoint, p256dh, auth).await,
            PushTarget::Apns { token } => self.send_by_relay(outgoing, Provider::Apns, token).await,
            PushTarget::Fcm { token } => self.send_by_relay(outgoing, Provider::Fcm, token).await,
        }
    }

    async fn send_web(
        &self,
        outgoing: &Outgoing,
        endpoint: &str,
        p256dh: &str,
        auth: &str,
    ) -> Verdict {
        let later = |why: String| Verdict::Later {
            why,
            after_ms: None,
        };
        let named = match super::named_hosts(&self.store).await {
            Ok(named) => named,
            Err(error) => return later(error.to_string()),
        };
        let url = match Url::parse(endpoint) {
            Ok(url) => url,
            Err(error) => return Verdict::Refused(error.to_string()),
        };
        let client = match crate::tools::push_client(&url, &named) {
            Ok(client) => client,
            Err(why) => return Verdict::Refused(why),
        };
        let sealed = Subscription::read(p256dh, auth).and_then(|subscription| {
            let sealed = subscription.seal(&outgoing.content.padded());
            sealed.map_err(|error| error.to_string())
        });
        let body = match sealed {
            Ok(body) => body,
            Err(why) => return Verdict::Refused(why),
        };
        let authorization = match self.vapid().await {
            Ok(vapid) => vapid.authorization(&url, self.clock.now()),
            Err(error) => return later(error.to_string()),
        };
        let Some(authorization) = authorization else {
            return later(VapidError::Key.to_string());
        };
        let urgency = if outgoing.is_urgent() { "high" } else { "low" };
        let asked = client
            .post(url)
            .timeout(ANSWER)
            .header("TTL", LIFETIME / 1_000)
            .header("Urgency", urgency)
            .header("Topic", self.remote.push_topic(&outgoing.topic()))
            .header("Content-Encoding", "aes128gcm")
            .header("Content-Type", "application/octet-stream")
            .header("Authorization", authorization)
            .body(body)
            .send()
            .await;
        match asked {
            Ok(answer) => {
                let after_ms = { answer.headers().get("retry-after") }
                    .and_then(|text| text.to_str().ok())
                    .and_then(crate::tools::retry_after);
                verdict(answer.status().as_u16(), "", false, after_ms)
            }
            Err(error) => later(format!(
                "the push service cannot be reached: {}",
                error.without_url()
            )),
        }
    }

    async fn send_by_relay(&self, outgoing: &Outgoing, provider: Provider, token: &str) -> Verdict {
        let device = PublicKey(outgoing.to.public_key);
        let envelope = match seal(self.remote.push_key(), &device, &outgoing.content) {
            Ok(envelope) => envelope,
            Err(error) => return Verdict::Refused(error.to_string()),
        };
        let push = Push {
            id: 0,
            provider,
            device: token.to_owned(),
            body: URL_SAFE_NO_PAD.encode(envelope),
            urgent: outgoing.is_urgent(),
            ttl_s: u32::try_from(LIFETIME / 1_000).unwrap_or(u32::MAX),
        };
        match self.remote.push(push).await {
            Ok(pushed) => verdict(pushed.status, &pushed.reason, pushed.gone, None),
            Err(why) => Verdict::Later {
                why,
                after_ms: Some(60_000),
            },
        }
    }
}

/// What a status means (RFC 8030, section 5; Apple's and Google's are the same in this).
fn verdict(status: u16, reason: &str, is_gone: bool, after_ms: Option<u64>) -> Verdict {
    let why = match reason {
        "" => format!("the push service answered {status}"),
        reason => format!("the push service answered {status}: {reason}"),
    };
    match status {
        200..=299 => Verdict::Taken,
        _ if is_gone => Verdict::Gone(why),
        404 | 410 => Verdict::Gone(why),
        408 | 425 | 429 | 500..=599 => Verdict::Later { why, after_ms },
        _ => Verdict::Refused(why),
    }
}
