//! The HTTP around the script: one request, one reply, with whatever goes wrong.

use crate::anthropic;
use crate::asked::{Api, Asked};
use crate::gemini;
use crate::openai;
use crate::script::{Fault, Named, Reply, Script, Status};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the provider insists on.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The only key it takes; any when absent. Another one is answered with 401.
    pub key: Option<String>,
    /// The only model it knows; any when absent. Another one is answered with 404.
    pub model: Option<String>,
    /// What an Ollama at this address lists.
    pub tags: Vec<String>,
}

struct State {
    script: Script,
    asked: Vec<Asked>,
    violations: Vec<String>,
    /// The signature of the reasoning that led to a call, by the call's id.
    signed: HashMap<String, String>,
}

struct Shared {
    rules: Rules,
    state: Mutex<State>,
}

/// A provider that plays a script. Dropping it fails the test if a request broke a rule.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

impl ModelServer {
    /// Starts a provider that takes any key and knows any model.
    pub async fn start(script: impl Into<Script>) -> io::Result<Self> {
        Self::with_rules(Rules::default(), script).await
    }

    /// Starts a provider with rules of its own.
    pub async fn with_rules(rules: Rules, script: impl Into<Script>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = State {
            script: script.into(),
            asked: Vec::new(),
            violations: Vec::new(),
            signed: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            rules,
            state: Mutex::new(state),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            serving,
        })
    }

    /// Its address without a path, e.g. `http://127.0.0.1:4711`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.lock().asked.clone()
    }

    /// The rules that requests broke.
    pub fn violations(&self) -> Vec<String> {
        self.shared.lock().violations.clone()
    }

    /// Takes the violations out, for tests of the rules themselves.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().violations)
    }

    /// Says more, after what is left of a script of lines.
    pub fn then(&self, reply: Reply) {
        if let Script::Lines(lines) = &mut self.shared.lock().script {
            lines.push_back(crate::Line {
                expect: crate::Expect::default(),
                reply,
            });
        }
    }

    /// Ends, and fails if a rule was broken or a reply was never asked for.
    ///
    /// # Panics
    /// Then.
    pub fn finish(self) {
        let left = self.shared.lock().script.left();
        assert_eq!(left, 0, "{left} replies of the script were never asked for");
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.serving.abort();
        let violations = self.violations();
        assert!(
            violations.is_empty() || std::thread::panicking(),
            "requests broke the provider's rules:\n{}",
            violations.join("\n")
        );
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and so are the connections.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(&shared, request).await) }
    });
    // A client that goes away is no concern of ours.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Answer = Response<Sent>;

/// What a request is addressed to.
enum Door {
    Anthropic,
    OpenAi,
    Gemini { model: String, stream: bool },
}

impl Door {
    fn api(&self) -> Api {
        match self {
            Self::Anthropic => Api::Anthropic,
            Self::OpenAi => Api::OpenAi,
            Self::Gemini { .. } => Api::Gemini,
        }
    }
}

fn gemini_door(path: &str, query: Option<&str>) -> Option<Door> {
    let (model, method) = path.strip_prefix("/v1beta/models/")?.split_once(':')?;
    let stream = match (method, query) {
        ("streamGenerateContent", Some("alt=sse")) => true,
        ("generateContent", None) => false,
        _ => return None,
    };
    let model = model.to_owned();
    Some(Door::Gemini { model, stream })
}

async fn respond(shared: &Shared, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let door = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/api/tags") => {
            let models = shared.rules.tags.iter().map(|name| json!({"name": name}));
            return plain(200, &json!({"models": models.collect::<Vec<_>>()}));
        }
        (&Method::POST, "/v1/messages") => Some(Door::Anthropic),
        (&Method::POST, "/v1/chat/completions") => Some(Door::OpenAi),
        (&Method::POST, path) => gemini_door(path, parts.uri.query()),
        _ => None,
    };
    let Some(door) = door else {
        let violation = format!("there is no {} {}", parts.method, parts.uri);
        shared.lock().violations.push(violation.clone());
        return plain(404, &json!({"error": {"message": violation}}));
    };
    let api = door.api();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        // The client hung up while it asked.
        Err(_) => return plain(400, &Value::Null),
    };
    match decide(shared, &door, &parts.headers, &bytes) {
        Ok((asked, reply)) => play(&asked, &reply).await,
        Err(status) => refuse(api, &status),
    }
}

/// Checks a request and takes the script's reply to it.
fn decide(
    shared: &Shared,
    door: &Door,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Asked, Reply), Status> {
    let status = |status, message: Option<String>| Status {
        status,
        retry_after: None,
        message,
    };
    let mut state = shared.lock();
    let mut broken = |violation: String| {
        state.violations.push(violation.clone());
        status(400, Some(violation))
    };
    let key = check_headers(door.api(), headers).map_err(&mut broken)?;
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| broken(format!("the body is not JSON: {error}")))?;
    let asked = match door {
        Door::Anthropic => anthropic::read(&key, &body),
        Door::OpenAi => openai::read(&key, &body),
        Door::Gemini { model, stream } => gemini::read(&key, model, *stream, &body),
    };
    let asked = asked.map_err(&mut broken)?;
    state.asked.push(asked.clone());
    if shared.rules.key.as_ref().is_some_and(|k| *k != asked.key) {
        return Err(status(401, None));
    }
    if shared
        .rules
        .model
        .as_ref()
        .is_some_and(|m| *m != asked.model)
    {
        return Err(status(404, None));
    }
    let checked = check_signatures(&state.signed, &asked);
    let reply = checked.and_then(|()| state.script.next(&asked));
    match reply {
        Ok(reply) => {
            if let (Some(thinking), false) = (&reply.thinking, reply.calls.is_empty()) {
                let id = match asked.api {
                    Api::Anthropic => Some(anthropic::call_id(&asked, 0)),
                    Api::Gemini => Some(gemini::call_id(&asked, 0)),
                    // It keeps its reasoning to itself.
                    Api::OpenAi => None,
                };
                let signature = anthropic::signature(thinking);
                state.signed.extend(id.map(|id| (id, signature)));
            }
            Ok((asked, reply))
        }
        Err(violation) => {
            let at = state.asked.len();
            let violation = format!("request {at}: {violation}");
            state.violations.push(violation.clone());
            Err(status(400, Some(violation)))
        }
    }
}

/// The key, when all headers are as they must be.
fn check_headers(api: Api, headers: &HeaderMap) -> Result<String, String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("content-type") != Some("application/json") {
        return Err("content-type must be application/json".to_owned());
    }
    match api {
        Api::Anthropic => {
            if header("anthropic-version") != Some(anthropic::VERSION) {
                return Err(format!("anthropic-version must be {}", anthropic::VERSION));
            }
            let key = header("x-api-key").filter(|key| !key.is_empty());
            key.map(str::to_owned)
                .ok_or_else(|| "x-api-key is missing".to_owned())
        }
        Api::Gemini => {
            let key = header("x-goog-api-key").filter(|key| !key.is_empty());
            key.map(str::to_owned)
                .ok_or_else(|| "x-goog-api-key is missing".to_owned())
        }
        Api::OpenAi => {
            let key = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
            key.filter(|key| !key.is_empty())
                .map(str::to_owned)
                .ok_or_else(|| "Authorization: Bearer is missing".to_owned())
        }
    }
}

/// Reasoning that led to a call comes back unchanged with it.
fn check_signatures(signed: &HashMap<String, String>, asked: &Asked) -> Result<(), String> {
    for said in &asked.said {
        for (id, _, _) in &said.calls {
            if let Some(signature) = signed.get(id)
                && !said.signatures.contains(signature)
            {
                return Err(format!(
                    "the reasoning before the call {id} was not sent back"
                ));
            }
        }
    }
    Ok(())
}

async fn play(asked: &Asked, reply: &Reply) -> Answer {
    if let Some(Fault::Status(status)) = &reply.fault {
        return refuse(asked.api, status);
    }
    let reply = &match reply.named() {
        Some(Named::Hang) => std::future::pending().await,
        Some(Named::Malformed) if !asked.stream => {
            return sent(
                200,
                "application/json",
                vec![Piece::Data("{\"id\": ".to_owned())],
            );
        }
        Some(Named::Empty) => Reply {
            text: String::new(),
            calls: Vec::new(),
            ..reply.clone()
        },
        Some(Named::Refusal) if reply.text.is_empty() => Reply {
            text: "I can't help with that.".to_owned(),
            ..reply.clone()
        },
        Some(_) | None => reply.clone(),
    };
    if !asked.stream {
        let body = match asked.api {
            Api::Anthropic => anthropic::whole(asked, reply),
            Api::OpenAi => openai::whole(asked, reply),
            Api::Gemini => gemini::whole(asked, reply),
        };
        return plain(200, &body);
    }
    let (events, error) = match asked.api {
        Api::Anthropic => (anthropic::events(asked, reply), anthropic::error_event()),
        Api::OpenAi => (openai::events(asked, reply), openai::error_event()),
        Api::Gemini => (gemini::events(asked, reply), gemini::error_event()),
    };
    let half = events.len() / 2;
    let data = |events: &[String]| events.iter().cloned().map(Piece::Data).collect::<Vec<_>>();
    let sends = match reply.named() {
        Some(Named::Cut) => [data(&events[..half]), vec![Piece::Pause, Piece::Break]].concat(),
        Some(Named::Stall) => [data(&events[..half]), vec![Piece::Never]].concat(),
        Some(Named::End) => data(&events[..half]),
        Some(Named::Error) => [data(&events[..half]), vec![Piece::Data(error)]].concat(),
        Some(Named::Malformed) => {
            let broken = match asked.api {
                Api::Anthropic => "event: content_block_delta\ndata: {\"type\": \n\n",
                Api::OpenAi | Api::Gemini => "data: {\"id\": \n\n",
            };
            [
                data(&events[..half]),
                vec![Piece::Data(broken.to_owned())],
                data(&events[half..]),
            ]
            .concat()
        }
        Some(Named::Hang | Named::BadInput | Named::Empty | Named::Refusal) | None => data(&events),
    };
    sent(200, "text/event-stream", sends)
}

fn refuse(api: Api, status: &Status) -> Answer {
    let body = match api {
        Api::Anthropic => anthropic::error(status),
        Api::OpenAi => openai::error(status),
        Api::Gemini => gemini::error(status),
    };
    let mut answer = plain(status.status, &body);
    if let Some(after) = &status.retry_after
        && let Ok(value) = HeaderValue::from_str(after)
    {
        answer.headers_mut().insert(RETRY_AFTER, value);
    }
    answer
}

fn plain(status: u16, body: &Value) -> Answer {
    sent(
        status,
        "application/json",
        vec![Piece::Data(body.to_string())],
    )
}

fn sent(status: u16, content_type: &'static str, sends: Vec<Piece>) -> Answer {
    let mut answer = Response::new(Sent(sends.into()));
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// One piece of a body.
#[derive(Clone)]
enum Piece {
    Data(String),
    /// What was said so far gets on its way.
    Pause,
    /// The connection breaks.
    Break,
    /// Nothing more comes, and nothing ends.
    Never,
}

struct Sent(VecDeque<Piece>);

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.0.front() {
            None => Poll::Ready(None),
            Some(Piece::Never) => Poll::Pending,
            Some(Piece::Pause) => {
                self.0.pop_front();
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Piece::Break) => {
                Poll::Ready(Some(Err(io::Error::other("the script breaks it off"))))
            }
            Some(Piece::Data(_)) => match self.0.pop_front() {
                Some(Piece::Data(text)) => Poll::Ready(Some(Ok(Frame::data(Bytes::from(text))))),
                Some(Piece::Pause | Piece::Break | Piece::Never) | None => Poll::Ready(None),
            },
        }
    }
}
