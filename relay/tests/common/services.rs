//! Stand-ins that speak the push services' real wire formats: HTTP/2 over TLS, signatures checked as
//! Apple and Google check them.

use super::Certificate;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use deputy_relay::{Apns, Fcm, PushConfig};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a stand-in was asked.
#[derive(Default)]
pub struct Seen {
    /// Token, headers and body of each.
    pub apns: Vec<(String, Value, Value)>,
    pub fcm: Vec<Value>,
    pub grants: u32,
}

/// Apple and Google in one.
pub struct Services {
    seen: Arc<Mutex<Seen>>,
    url: String,
    certificate: Certificate,
    files: tempfile::TempDir,
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn pkcs8(name: &str) -> PrivatePkcs8KeyDer<'static> {
    PrivatePkcs8KeyDer::from_pem_file(fixture(name)).unwrap()
}

fn apple_public() -> Vec<u8> {
    let key = EcdsaKeyPair::from_pkcs8(
        &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        pkcs8("apns-test-key.p8").secret_pkcs8_der(),
        &ring::rand::SystemRandom::new(),
    );
    key.unwrap().public_key().as_ref().to_vec()
}

fn google_public() -> Vec<u8> {
    let key = ring::rsa::KeyPair::from_pkcs8(pkcs8("fcm-test-key.pem").secret_pkcs8_der()).unwrap();
    key.public_key().as_ref().to_vec()
}

/// Header and claims of a token whose signature holds.
fn opened(token: &str, public: UnparsedPublicKey<Vec<u8>>) -> Option<(Value, Value)> {
    let (said, signature) = token.rsplit_once('.')?;
    public
        .verify(said.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
        .ok()?;
    let (header, claims) = said.split_once('.')?;
    let part = |text| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    Some((part(header)?, part(claims)?))
}

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

impl Services {
    pub async fn start() -> Self {
        let certificate = Certificate::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let acceptor = TlsAcceptor::from(Arc::new(certificate.server(b"h2")));
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (kept, own) = (seen.clone(), url.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, seen, own) = (acceptor.clone(), kept.clone(), own.clone());
                tokio::spawn(async move {
                    let tls = acceptor.accept(tcp).await.unwrap();
                    let service = service_fn(|request| answer(seen.clone(), own.clone(), request));
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(tls), service)
                        .await
                });
            }
        });
        Self {
            seen,
            url,
            certificate,
            files: tempfile::tempdir().unwrap(),
        }
    }

    /// What a relay must know to reach them.
    pub fn config(&self) -> PushConfig {
        let account = self.files.path().join("account.json");
        let private_key = std::fs::read_to_string(fixture("fcm-test-key.pem")).unwrap();
        let text = json!({
            "type": "service_account",
            "project_id": "project-1",
            "private_key_id": "1",
            "private_key": private_key,
            "client_email": "relay@project.example",
            "token_uri": format!("{}/token", self.url),
        });
        std::fs::write(&account, text.to_string()).unwrap();
        PushConfig {
            apns: Some(Apns {
                key: fixture("apns-test-key.p8"),
                key_id: "KEY1234567".into(),
                team_id: "TEAM123456".into(),
                topic: "org.example.deputy".into(),
                server: self.url.clone(),
            }),
            fcm: Some(Fcm {
                account,
                server: self.url.clone(),
            }),
            trust: self.certificate.trust(),
        }
    }

    pub fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

async fn answer(
    seen: Arc<Mutex<Seen>>,
    own: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let header = |name: &str| {
        head.headers
            .get(name)
            .map(|v| v.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(
        (&head.method, head.version),
        (&Method::POST, Version::HTTP_2)
    );
    let bearer = header("authorization")
        .strip_prefix("Bearer ")
        .unwrap_or_default()
        .to_owned();
    let mut seen = seen.lock().unwrap();
    let (status, said) = match head.uri.path() {
        "/token" => {
            let form = String::from_utf8(body.to_vec()).unwrap();
            let assertion = form
                .strip_prefix(
                    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=",
                )
                .unwrap();
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, google_public());
            let (header, claims) =
                opened(assertion, public).expect("Google could not check the signature");
            assert_eq!(header["alg"], "RS256");
            assert_eq!(claims["iss"], "relay@project.example");
            assert_eq!(claims["aud"], format!("{own}/token"));
            assert_eq!(
                claims["scope"],
                "https://www.googleapis.com/auth/firebase.messaging"
            );
            assert!(claims["iat"].as_u64().unwrap().abs_diff(now()) < 60);
            seen.grants += 1;
            (
                200,
                json!({ "access_token": "granted", "expires_in": 3599, "token_type": "Bearer" }),
            )
        }
        "/v1/projects/project-1/messages:send" if bearer != "granted" => (
            401,
            json!({ "error": { "code": 401, "status": "UNAUTHENTICATED" } }),
        ),
        "/v1/projects/project-1/messages:send" => {
            let sent: Value = serde_json::from_slice(&body).unwrap();
            let device = sent["message"]["token"].as_str().unwrap().to_owned();
            seen.fcm.push(sent);
            match device.as_str() {
                "gone:device" => (
                    404,
                    json!({ "error": { "code": 404, "status": "NOT_FOUND", "details": [
                        { "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED" },
                    ]}}),
                ),
                "slow:down" => (
                    429,
                    json!({ "error": { "code": 429, "status": "RESOURCE_EXHAUSTED" } }),
                ),
                _ => (200, json!({ "name": "projects/project-1/messages/1" })),
            }
        }
        path => {
            let device = path
                .strip_prefix("/3/device/")
                .expect("neither Apple's nor Google's path");
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, apple_public());
            let (signed, claims) =
                opened(&bearer, public).expect("Apple could not check the signature");
            assert_eq!(
                (&signed["alg"], &signed["kid"]),
                (&json!("ES256"), &json!("KEY1234567"))
            );
            assert_eq!(claims["iss"], "TEAM123456");
            assert!(claims["iat"].as_u64().unwrap().abs_diff(now()) < 60);
            let names = [
                "apns-topic",
                "apns-push-type",
                "apns-priority",
                "apns-expiration",
            ];
            let headers: Value = names.iter().map(|name| (*name, header(name))).collect();
            seen.apns
                .push((bearer, headers, serde_json::from_slice(&body).unwrap()));
            match device {
                "00dead" => (410, json!({ "reason": "Unregistered", "timestamp": 1 })),
                "00busy" => (429, json!({ "reason": "TooManyRequests" })),
                _ => (200, Value::Null),
            }
        }
    };
    let text = if said.is_null() {
        String::new()
    } else {
        said.to_string()
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(response)
}
