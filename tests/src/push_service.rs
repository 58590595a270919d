//! A push service on loopback, as browsers have them (RFC 8030): it checks who sends (RFC 8292), and
//! opens what it gets as the browser would (RFC 8291, by another implementation than the agent's).

use crate::serve::Serving;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputy_protocol::push::{PushContent, PushTarget};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;

/// What arrived for a subscription.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What a later message of the same takes the place of.
    pub topic: String,
    /// How urgent it is.
    pub urgency: String,
    /// The body as it came.
    pub body: Vec<u8>,
    /// What the browser reads.
    pub content: PushContent,
}

struct Browser {
    secret: SecretKey,
    auth: [u8; 16],
    status: u16,
    retry_after: Option<u32>,
    taken: Vec<Taken>,
    refused: u32,
}

#[derive(Default)]
struct Known {
    browsers: HashMap<String, Browser>,
    keys: Vec<Vec<u8>>,
}

/// The service; ends when dropped.
pub struct PushService {
    serving: Serving,
    known: Arc<Mutex<Known>>,
}

impl Default for PushService {
    fn default() -> Self {
        Self::new()
    }
}

impl PushService {
    /// A service without subscriptions, on a free port.
    pub fn new() -> Self {
        let known = Arc::<Mutex<Known>>::default();
        let shared = Arc::clone(&known);
        let serving = Serving::new(move |address, request| {
            let known = Arc::clone(&shared);
            async move { answer(&known, address, request).await }
        });
        Self { serving, known }
    }

    /// Host and port, as the setting `push_hosts` names them.
    pub fn host(&self) -> String {
        self.serving.address.to_string()
    }

    /// A browser subscribes under a name of its own.
    pub fn subscribe(&self, name: &str) -> PushTarget {
        let secret = loop {
            let bytes: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
            if let Ok(secret) = SecretKey::from_slice(&bytes) {
                break secret;
            }
        };
        let auth: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
        let point = secret.public_key().to_encoded_point(false);
        let target = PushTarget::Web {
            endpoint: format!("http://{}/{name}", self.serving.address),
            p256dh: URL_SAFE_NO_PAD.encode(point.as_bytes()),
            auth: URL_SAFE_NO_PAD.encode(auth),
        };
        let browser = Browser {
            secret,
            auth,
            status: 201,
            retry_after: None,
            taken: Vec::new(),
            refused: 0,
        };
        self.known
            .lock()
            .unwrap()
            .browsers
            .insert(name.to_owned(), browser);
        target
    }

    /// From now on answers messages for a browser like this; only 201 takes them.
    pub fn answer(&self, name: &str, status: u16, retry_after: Option<u32>) {
        let mut known = self.known.lock().unwrap();
        let browser = known.browsers.get_mut(name).unwrap();
        (browser.status, browser.retry_after) = (status, retry_after);
    }

    /// What arrived for a browser, in order.
    pub fn taken(&self, name: &str) -> Vec<Taken> {
        self.known.lock().unwrap().browsers[name].taken.clone()
    }

    /// How many messages for a browser were not taken.
    pub fn refused(&self, name: &str) -> u32 {
        self.known.lock().unwrap().browsers[name].refused
    }

    /// Who sent: different agents have different keys.
    pub fn senders(&self) -> usize {
        let mut keys = self.known.lock().unwrap().keys.clone();
        keys.sort();
        keys.dedup();
        keys.len()
    }
}

async fn answer(
    known: &Mutex<Known>,
    address: SocketAddr,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.and_then(|v| v.to_str().ok()).unwrap_or("").to_owned()
    };
    let status = |status: u16| {
        Response::builder()
            .status(status)
            .body(Full::default())
            .unwrap()
    };
    let (topic, urgency, ttl) = (header("topic"), header("urgency"), header("ttl"));
    let sender = sender(&header("authorization"), &format!("http://{address}"));
    let name = request.uri().path().trim_start_matches('/').to_owned();
    let is_right = request.method() == "POST"
        && header("content-encoding") == "aes128gcm"
        && ttl.parse::<u32>().is_ok()
        && topic.len() <= 32;
    let Ok(body) = request.into_body().collect().await else {
        return status(400);
    };
    let body = body.to_bytes().to_vec();
    let mut known = known.lock().unwrap();
    let Some(sender) = sender.filter(|_| is_right) else {
        return status(403);
    };
    known.keys.push(sender);
    let Some(browser) = known.browsers.get_mut(&name) else {
        return status(404);
    };
    if browser.status != 201 {
        browser.refused += 1;
        let mut answer = status(browser.status);
        if let Some(after) = browser.retry_after {
            answer.headers_mut().insert("retry-after", after.into());
        }
        return answer;
    }
    let opened = web_push_native::decrypt(body.clone(), &browser.secret, &browser.auth.into());
    let Some(content) = opened.ok().and_then(|text| PushContent::read(&text).ok()) else {
        return status(400);
    };
    browser.taken.push(Taken {
        topic,
        urgency,
        body,
        content,
    });
    status(201)
}

/// The key of an `Authorization` that holds for this service (RFC 8292, section 4.2).
fn sender(authorization: &str, audience: &str) -> Option<Vec<u8>> {
    let (token, key) = authorization.strip_prefix("vapid t=")?.split_once(", k=")?;
    let (said, signature) = token.rsplit_once('.')?;
    let key = URL_SAFE_NO_PAD.decode(key).ok()?;
    ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, &key)
        .verify(said.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
        .ok()?;
    let claims = URL_SAFE_NO_PAD.decode(said.split_once('.')?.1).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let left = claims["exp"].as_u64()?.checked_sub(now.ok()?.as_secs())?;
    (claims["aud"] == audience && left <= 86_400).then_some(key)
}
