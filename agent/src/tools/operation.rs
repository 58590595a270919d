//! What an operation is: a typed input and output, a class, the resources it touches, and one of
//! three ways to run: `Pure` (inside the sandbox's process), `Local` (inside the agent's own
//! database transaction) or `Outside` (it leaves the process).

use crate::clock::BoxFuture;
use deputy_protocol::{EffectClass, FailureClass, Time};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What a tool's failure says; scripts see it as `ToolError`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{tool}: {message}")]
pub struct ToolError {
    /// What kind of failure it is, from structured evidence.
    pub class: FailureClass,
    /// Stable, snake_case, e.g. `http_status`, `connect`, `timeout`, `invalid_input`.
    pub code: String,
    /// `namespace.operation`.
    pub tool: String,
    /// A sentence without secrets.
    pub message: String,
    /// Whether trying again later may help.
    pub retryable: bool,
    /// What the other side asked us to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The HTTP (or SMTP) status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether the effect may have happened. A tool that is not sure says so.
    #[serde(default)]
    pub effect: EffectCertainty,
}

/// Whether an effect that failed may nevertheless have happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectCertainty {
    /// Refused or never sent: safe to try again.
    NotDone,
    /// Nobody here knows.
    #[default]
    Unknown,
}

impl ToolError {
    /// A failure of which the tool is sure that nothing happened outside.
    pub fn not_done(
        class: FailureClass,
        code: &str,
        tool: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            class,
            code: code.to_owned(),
            tool: tool.to_owned(),
            message: message.into(),
            retryable: class == FailureClass::Transient,
            retry_after_ms: None,
            status: None,
            effect: EffectCertainty::NotDone,
        }
    }

    /// A failure after which the effect may have happened.
    pub fn unknown(
        class: FailureClass,
        code: &str,
        tool: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            effect: EffectCertainty::Unknown,
            ..Self::not_done(class, code, tool, message)
        }
    }

    /// Arguments that the operation does not take: the script is wrong.
    pub fn invalid_input(tool: &str, message: impl Into<String>) -> Self {
        Self::not_done(FailureClass::Logic, "invalid_input", tool, message)
    }
}

/// The kinds of resource that a contract can grant; the keys under a capability.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// `host` or `host:port`.
    Hosts,
    /// An absolute path of a file or folder.
    Folders,
    /// A mail address.
    Recipients,
    /// A connection's name.
    Connections,
    /// A calendar's name.
    Calendars,
}

impl ResourceKind {
    /// Its key in a contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Folders => "folders",
            Self::Recipients => "recipients",
            Self::Connections => "connections",
            Self::Calendars => "calendars",
        }
    }
}

/// One resource that a call touches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// Its kind.
    pub kind: ResourceKind,
    /// `example.org:443` (hosts always with port), an absolute normalised path, an address, a name.
    pub value: String,
}

impl Resource {
    /// A resource of a kind.
    pub fn new(kind: ResourceKind, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
        }
    }
}

/// The most that a call can take of what a model's provider is paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// The model, where it is not the one that is set up.
    pub model: Option<String>,
}

/// The parts of an operation that do not depend on how it runs.
pub trait Operation: Send + Sync + 'static {
    /// Its arguments, without `once`, which the executor takes out first. Unknown fields are refused
    /// (put `#[serde(deny_unknown_fields)]` on it).
    type Input: DeserializeOwned + Serialize + JsonSchema + Send + Sync;
    /// What it returns.
    type Output: DeserializeOwned + Serialize + JsonSchema + Send + Sync;
    /// `namespace.operation`.
    const NAME: &'static str;
    /// Raised when the meaning of inputs or outputs changes.
    const VERSION: u32 = 1;
    /// One sentence for people and models.
    const SUMMARY: &'static str;

    /// The kinds of resource that calls may touch.
    const RESOURCES: &'static [ResourceKind] = &[];
    /// The effect classes that calls may have.
    const CLASSES: &'static [EffectClass];

    /// The effect class of this very call. An operation that says nothing is opaque.
    fn class(_input: &Self::Input) -> EffectClass {
        match Self::CLASSES {
            [only] => *only,
            _ => EffectClass::Opaque,
        }
    }

    /// What this very call touches; the gate compares it with the contract. An error here is an
    /// error of the arguments (e.g. a URL that does not parse).
    fn resources(_input: &Self::Input) -> Result<Vec<Resource>, ToolError> {
        Ok(Vec::new())
    }

    /// Whether calls cost money.
    const PAID: bool = false;

    /// The most that this very call can take of what is paid for; `None` when it costs nothing.
    fn paid(_input: &Self::Input) -> Option<Paid> {
        None
    }

    /// A line for people about what this call does, from its arguments alone.
    fn title(_input: &Self::Input) -> String {
        Self::NAME.to_owned()
    }
}

/// Computes; runs inside the sandbox's process, so that hostile input is parsed there.
pub trait PureOperation: Operation {
    /// The result, from the input alone.
    fn run(input: Self::Input) -> Result<Self::Output, ToolError>;
}

/// Works on the agent's own database: its intent, effect and outcome are one transaction.
pub trait LocalOperation: Operation {
    /// Applies it within the transaction that also writes its journal entry.
    fn apply(
        input: Self::Input,
        call: &CallInfo,
        db: &rusqlite::Connection,
    ) -> Result<Self::Output, ToolError>;
}

/// Leaves the process.
pub trait OutsideOperation: Operation {
    /// Does it.
    fn run<'a>(
        input: Self::Input,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Self::Output, ToolError>>;

    /// Facts to be recorded together with the intent, before the effect: what `reconcile` needs to
    /// tell later whether it happened. Changes nothing outside.
    fn prepare<'a>(
        _input: Self::Input,
        _call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async { Ok(Value::Null) })
    }

    /// Looks up whether an effect with this call's key happened. Only `reconcilable` operations
    /// override this; `Unknowable` makes the effect opaque.
    fn reconcile<'a>(
        _input: Self::Input,
        _call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<Self::Output>> {
        Box::pin(async { Reconciled::Unknowable })
    }

    /// The outcome a script sees when a person said that the effect happened.
    fn assumed(_input: &Self::Input, _call: &CallInfo) -> Value {
        Value::Null
    }
}

/// What a look-up of an effect found.
#[derive(Debug)]
pub enum Reconciled<T> {
    /// It happened, with this outcome.
    Happened(T),
    /// It provably did not happen.
    Absent,
    /// This connection cannot tell.
    Unknowable,
    /// The look-up itself failed; try again later.
    TryLater(ToolError),
}

/// What is known about a call besides its arguments.
#[derive(Clone, Debug)]
pub struct CallInfo {
    /// The run's id as shown to people, e.g. `r17`.
    pub run: String,
    /// The automation's id, e.g. `a3`.
    pub automation: String,
    /// The automation's database key.
    pub automation_key: i64,
    /// The run's database key; `None` in a rehearsal.
    pub run_key: Option<i64>,
    /// The step's number in the run.
    pub seq: u32,
    /// The effect key; the same on every repetition. Empty for reads.
    pub effect_key: String,
    /// Unique for this effect for ever and everywhere (hash of installation, automation, tool and
    /// effect key): what to send as an idempotency key or Message-ID.
    pub effect_id: String,
    /// Logical time of the run.
    pub now: Time,
    /// IANA zone of the automation.
    pub timezone: String,
    /// How many bytes the outcome may have.
    pub max_result_bytes: u64,
    /// Hosts that the contract names literally: for a `host:port` private addresses are allowed.
    pub literal_hosts: Vec<String>,
    /// Hosts that the contract grants for this operation, for redirects.
    pub allowed_hosts: Vec<String>,
    /// Absolute folders that the contract grants for this operation.
    pub granted_folders: Vec<String>,
    /// What `prepare` returned before the intent was written.
    pub prepared: Value,
}

impl CallInfo {
    /// Lets this one call touch what a person allowed it to.
    pub fn allow(&mut self, resources: &[Resource]) {
        for resource in resources {
            match resource.kind {
                ResourceKind::Hosts => {
                    self.allowed_hosts.push(resource.value.clone());
                    self.literal_hosts.push(resource.value.clone());
                }
                ResourceKind::Folders => self.granted_folders.push(resource.value.clone()),
                ResourceKind::Recipients | ResourceKind::Connections | ResourceKind::Calendars => {}
            }
        }
    }
}

/// What outside operations work with.
#[derive(Clone)]
pub struct OutsideEnv {
    /// Looks a connection up by name, with its secret.
    pub connections: Arc<dyn ConnectionSource>,
    /// Asks the model that is set up.
    pub models: Arc<dyn ModelSource>,
}

/// What a tool asks a model. There are no tools in such a question: whatever the data says, all that
/// can come of it is an answer.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// What is to be done, in our own words and the script's.
    pub task: String,
    /// The data it is to be done with, each with where it is from: never instructions.
    pub data: Vec<(&'static str, String)>,
    /// Pictures and documents: media type and bytes.
    pub media: Vec<(String, Vec<u8>)>,
    /// A JSON Schema that the answer must have the shape of.
    pub schema: Option<Value>,
    /// What was wrong with the answer before, and that answer.
    pub corrected: Option<(String, String)>,
    /// The most tokens that the answer may have.
    pub max_tokens: u32,
}

/// A model's answer to a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Its words; JSON when there was a schema.
    pub text: String,
    /// Whether it ran into `max_tokens`.
    pub cut_off: bool,
}

/// Where tools ask a language model. Every answer is paid for in `costs`, for the call's automation
/// and run.
pub trait ModelSource: Send + Sync {
    /// Puts a question.
    fn ask<'a>(
        &'a self,
        tool: &'static str,
        asking: Asking,
        call: &'a CallInfo,
    ) -> BoxFuture<'a, Result<Answered, ToolError>>;

    /// Has a picture made: its media type and bytes.
    fn paint<'a>(
        &'a self,
        tool: &'static str,
        picture: &'a Painting,
        call: &'a CallInfo,
    ) -> BoxFuture<'a, Result<(String, Vec<u8>), ToolError>>;
}

/// A picture that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Painting {
    /// What it shows.
    pub prompt: String,
    /// `WIDTHxHEIGHT`, if it matters.
    pub size: Option<String>,
    /// The model.
    pub model: String,
}

/// A connection as a tool sees it: never given to a script.
#[derive(Clone)]
pub struct OpenConnection {
    /// Its database key.
    pub key: i64,
    /// Its name.
    pub name: String,
    /// Its kind, e.g. `mail`.
    pub kind: String,
    /// Its settings without secrets.
    pub config: Value,
    /// Its secret, if it has one.
    pub secret: Option<zeroize::Zeroizing<String>>,
}

/// Where tools get connections from.
pub trait ConnectionSource: Send + Sync {
    /// The connection of that name; an `auth` or `precondition` error when it cannot be used.
    fn open<'a>(
        &'a self,
        tool: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<OpenConnection, ToolError>>;

    /// The connection again, with another secret than the one that its service has just refused; `None`
    /// when it has no other.
    fn renewed<'a>(
        &'a self,
        _tool: &'a str,
        _refused: &'a OpenConnection,
    ) -> BoxFuture<'a, Result<Option<OpenConnection>, ToolError>> {
        Box::pin(async { Ok(None) })
    }

    /// A text without the secrets that were handed out: the other side may send them back, in an
    /// error as elsewhere.
    fn without_secrets(&self, text: &str) -> String;
}
