//! The language between executor and worker. Everything that comes from a worker is hostile input.

use deputy_protocol::{FailureClass, Time};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Limits that hold inside the worker; the host enforces the same from outside by killing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of JavaScript heap.
    pub heap_bytes: u64,
    /// Bytes of JavaScript stack.
    pub stack_bytes: u64,
    /// CPU milliseconds per attempt.
    pub cpu_ms: u64,
    /// Wall milliseconds per attempt, without sleeps (enforced by the host).
    pub wall_ms: u64,
    /// Tool calls per run, pure ones included.
    pub steps: u32,
    /// Bytes of one tool result; a call's arguments and the run's own result may not be longer.
    pub result_bytes: u64,
    /// Bytes of all tool results of a run, and again of all arguments.
    pub total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heap_bytes: 64 << 20,
            stack_bytes: 512 << 10,
            cpu_ms: 10_000,
            wall_ms: 15 * 60_000,
            steps: 1_000,
            result_bytes: 10 << 20,
            total_bytes: 50 << 20,
        }
    }
}

/// Starts a script in a fresh runtime.
#[derive(Debug, Serialize, Deserialize)]
pub struct Start {
    /// The ES module's text.
    pub script: String,
    /// The exported handler to call: `None` for the default export, else `on[topic]`.
    pub topic: Option<String>,
    /// `input`, `trigger`, `automation`, `run`, `params` as the script sees them on `ctx`.
    pub ctx: Box<RawValue>,
    /// What `ctx.state.get` sees, by key.
    pub state: BTreeMap<String, Box<RawValue>>,
    /// Seeds `Math.random` and `crypto`.
    pub seed: [u8; 32],
    /// Logical time at the start.
    pub now: Time,
    /// IANA zone; what `Date` shows as local time.
    pub timezone: String,
    /// Limits.
    pub limits: Limits,
    /// `namespace.operation` of the tools that exist outside the worker (`tools.x.y` calls them
    /// through the host). The worker adds its own pure ones.
    pub tools: Vec<String>,
    /// Pure operations that the contract forbids (`never`).
    pub denied: Vec<String>,
}

/// What the host sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// Begin.
    Start(Box<Start>),
    /// The answer to one call. The worker handles one answer until nothing more can be done, and
    /// only then looks at the next, so the order of answers determines the run.
    Answer(Answer),
    /// Test builds only: run hostile native code and say what became of it.
    #[cfg(feature = "hostile-worker")]
    Hostile(String),
}

/// The answer to one call.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The call's `id`.
    pub id: u32,
    /// Logical time from now on; never moves backwards.
    pub now: Time,
    /// The result as JSON, or the error as JSON of `ToolError`.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The value that the call's promise resolves with.
    Ok(Box<RawValue>),
    /// The fields of the `ToolError` that it rejects with.
    Err(Box<RawValue>),
}

/// What a worker sends, only when the script can go no further by itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct FromWorker {
    /// `console.*` and `ctx.log` since the last frame, in order.
    #[serde(default)]
    pub logs: Vec<LogLine>,
    /// What happened.
    pub event: WorkerEvent,
}

/// What happened in the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerEvent {
    /// The worker is confined and has a fresh runtime ready.
    Ready,
    /// The script waits for its calls; these are new, in the order in which it made them.
    Calls {
        /// The new calls. Empty when an answer led to no further call.
        calls: Vec<Call>,
    },
    /// The handler's promise resolved.
    Done {
        /// Its value as JSON (`null` for undefined).
        result: Box<RawValue>,
        /// What `ctx.state.set` set, by key; `null` removes.
        state: BTreeMap<String, Box<RawValue>>,
        /// Calls made since the last frame that the script did not wait for.
        calls: Vec<Call>,
    },
    /// The handler's promise rejected, or the module did not load, or a limit was hit.
    Failed(ScriptFailure),
}

/// One call from the script to the host.
#[derive(Debug, Serialize, Deserialize)]
pub struct Call {
    /// Counts from 1 in each attempt, in the order of calls.
    pub id: u32,
    /// `namespace.operation`, or `ctx.sleep` (args `{"until": RFC 3339}`) or `ctx.emit`
    /// (args `{"topic","id","title"?,"payload"?}`; also `source`).
    pub tool: String,
    /// The arguments as JSON, an object.
    pub args: Box<RawValue>,
}

/// A line of the run's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// `debug`, `info`, `warn`, `error`.
    pub level: String,
    /// The text.
    pub message: String,
    /// Structured fields of `ctx.log`, as JSON, or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Box<RawValue>>,
}

/// Bytes of log that an attempt may write, each line counted with its overhead; the rest is
/// dropped, and said so.
pub const LOG_BYTES: usize = 1 << 20;

impl LogLine {
    /// What the line counts for, in bytes.
    pub fn size(&self) -> usize {
        let fields = self.fields.as_ref().map_or(0, |f| f.get().len());
        64 + self.level.len() + self.message.len() + fields
    }
}

/// Why a script ended badly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptFailure {
    /// `Logic` for exceptions of the script, `Limit` for limits; the class of the `ToolError` when
    /// one was not caught.
    pub class: FailureClass,
    /// Stable code: `exception`, `syntax`, `no_handler`, `heap`, `stack`, `cpu`, `steps`, `bytes`,
    /// `deadlock` (waits for nothing that can come), `tool_error`, …
    pub code: String,
    /// The error's name and message.
    pub message: String,
    /// Readable stack trace, `script:LINE:COLUMN` of the script as written.
    #[serde(default)]
    pub stack: String,
    /// The `id` of the call whose `ToolError` was not caught (also as `cause`), if any.
    #[serde(default)]
    pub call: Option<u32>,
}
