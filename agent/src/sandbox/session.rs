//! A conversation with one worker that is lent to one run. Everything it says is checked.

use super::frames::{
    Answer, Call, FromWorker, LOG_BYTES, Limits, LogLine, ScriptFailure, Start, ToWorker,
    WorkerEvent,
};
use super::pool::Pool;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Child;

/// Why a worker is no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Died {
    /// It used more CPU time than the run may; it was killed.
    #[error("it used too much CPU time")]
    CpuLimit,
    /// It went on longer than the run may; it was killed.
    #[error("it ran too long")]
    WallLimit,
    /// It ended by itself.
    #[error("{0}")]
    Crashed(String),
    /// It did not keep to the protocol; it was killed.
    #[error("it broke the sandbox's protocol: {0}")]
    Protocol(String),
}

/// How much CPU time beyond its limit a worker gets before it is killed from outside.
const GRACE: Duration = Duration::from_millis(1_500);

/// When the CPU time of a run is first looked at. What it used until then it gets on top.
const FIRST_LOOK: Duration = Duration::from_millis(50);

/// How long a worker may take to read what it is sent. One that keeps to the protocol is already
/// waiting for it.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest texts of a failure that are kept, in bytes.
const FAILURE_MESSAGE: usize = 4 << 10;
const FAILURE_STACK: usize = 8 << 10;
const FAILURE_CODE: usize = 64;

/// A worker process and the host's end of its socket.
pub(super) struct Worker {
    pub(super) child: Child,
    pub(super) socket: UnixStream,
    pub(super) runs: u32,
    pub(super) idle_since: Instant,
    /// What came in and was not looked at yet.
    read: Vec<u8>,
    /// The frame that goes out.
    written: Vec<u8>,
}

/// How much room there is for what comes in, in bytes: most frames take one read.
const READ_AHEAD: usize = 8 << 10;

/// A larger buffer is not kept for the next frame.
const KEEP_BUFFER: usize = 1 << 20;

impl Worker {
    pub(super) fn new(child: Child, socket: UnixStream) -> Self {
        Self {
            child,
            socket,
            runs: 0,
            idle_since: Instant::now(),
            read: Vec::new(),
            written: Vec::new(),
        }
    }

    pub(super) async fn send(&mut self, frame: &ToWorker) -> Result<(), Died> {
        self.written.clear();
        self.written.extend_from_slice(&[0; 4]);
        serde_json::to_writer(&mut self.written, frame)
            .map_err(|e| Died::Protocol(e.to_string()))?;
        let length =
            u32::try_from(self.written.len() - 4).map_err(|e| Died::Protocol(e.to_string()))?;
        self.written[..4].copy_from_slice(&length.to_le_bytes());
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.socket.write_all(&self.written)).await;
        if self.written.capacity() > KEEP_BUFFER {
            self.written = Vec::new();
        }
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.crashed().await),
            Err(_) => Err(Died::Protocol("it does not read".to_owned())),
        }
    }

    /// Reads a frame of at most `max` bytes. Not cancel-safe: an interrupted worker is killed.
    pub(super) async fn receive(&mut self, max: usize) -> Result<FromWorker, Died> {
        let end = loop {
            if let Some(length) = self.read.first_chunk() {
                let length = u32::from_le_bytes(*length) as usize;
                if length > max {
                    return Err(Died::Protocol(format!("a frame of {length} bytes")));
                }
                if self.read.len() >= 4 + length {
                    break 4 + length;
                }
            }
            // Memory is taken as the bytes come in, not as they are announced.
            self.read.reserve(READ_AHEAD);
            if !matches!(self.socket.read_buf(&mut self.read).await, Ok(n) if n > 0) {
                return Err(self.crashed().await);
            }
        };
        let frame =
            serde_json::from_slice(&self.read[4..end]).map_err(|e| Died::Protocol(e.to_string()));
        self.read.drain(..end);
        if self.read.is_empty() && self.read.capacity() > KEEP_BUFFER {
            self.read = Vec::new();
        }
        frame
    }

    async fn crashed(&mut self) -> Died {
        // The socket is closed, so the process has ended or is about to; how is worth knowing.
        if tokio::time::timeout(Duration::from_millis(500), self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.start_kill();
        }
        match self.child.wait().await {
            Ok(status) => Died::Crashed(format!("the sandbox's process ended with {status}")),
            Err(error) => Died::Crashed(format!("the sandbox's process is gone: {error}")),
        }
    }
}

/// A worker at work for one run. Dropping it in the middle kills the worker.
pub struct Session {
    pub(super) worker: Option<Worker>,
    pub(super) pool: Pool,
    limits: Limits,
    /// What the process had used at the first look, for a run that lasted so long.
    cpu_before: Option<Duration>,
    wall_end: Option<Instant>,
    outstanding: HashSet<u32>,
    last_call: u32,
    bytes_left: u64,
    log_left: usize,
}

impl Session {
    pub(super) async fn begin(mut worker: Worker, pool: Pool, start: Start) -> Result<Self, Died> {
        let limits = start.limits;
        worker.send(&ToWorker::Start(Box::new(start))).await?;
        Ok(Self {
            worker: Some(worker),
            pool,
            limits,
            cpu_before: None,
            wall_end: Instant::now().checked_add(Duration::from_millis(limits.wall_ms)),
            outstanding: HashSet::new(),
            last_call: 0,
            bytes_left: limits.total_bytes,
            // What was dropped is said in a line of its own.
            log_left: LOG_BYTES + 1_024,
        })
    }

    /// The next frame. While the script computes, its limits are enforced from outside.
    pub async fn next(&mut self) -> Result<FromWorker, Died> {
        let result = self
            .receive_within_limits()
            .await
            .and_then(|frame| self.check(frame));
        match &result {
            Ok(frame) if !matches!(frame.event, WorkerEvent::Calls { .. }) => {
                if let Some(worker) = self.worker.take() {
                    self.pool.take_back(worker);
                }
            }
            Ok(_) => {}
            Err(_) => self.kill(),
        }
        result
    }

    async fn receive_within_limits(&mut self) -> Result<FromWorker, Died> {
        let max = usize::try_from(self.limits.heap_bytes)
            .unwrap_or(usize::MAX)
            .saturating_mul(2)
            .min(256 << 20);
        let Some(worker) = self.worker.as_mut() else {
            return Err(Died::Protocol("the run has ended".to_owned()));
        };
        let allowed = Duration::from_millis(self.limits.cpu_ms) + GRACE;
        // The end of the run's time, however idle the worker is.
        let wall_end = self.wall_end;
        let wall_left = move || {
            wall_end.map_or(Duration::MAX, |end| {
                end.saturating_duration_since(Instant::now())
            })
        };
        let mut wait = self.cpu_before.map_or(FIRST_LOOK, |_| allowed);
        let mut reading = std::pin::pin!(None);
        // The worker is borrowed by the read, so the clock is read through the process id.
        let pid = worker.child.id();
        reading.set(Some(worker.receive(max)));
        loop {
            let Some(read) = reading.as_mut().as_pin_mut() else {
                return Err(Died::Protocol("nothing to read".to_owned()));
            };
            match tokio::time::timeout(wait.min(wall_left()), read).await {
                Ok(frame) => return frame,
                Err(_) if wall_left().is_zero() => return Err(Died::WallLimit),
                Err(_) => {
                    let used = pid.and_then(cpu_of);
                    let before = *self.cpu_before.get_or_insert(used.unwrap_or_default());
                    match cpu_left(allowed, before, used) {
                        Some(left) => wait = left.max(Duration::from_millis(50)),
                        None => return Err(Died::CpuLimit),
                    }
                }
            }
        }
    }

    /// Holds a frame against the protocol and the limits that a worker enforces by itself.
    fn check(&mut self, mut frame: FromWorker) -> Result<FromWorker, Died> {
        let logged: usize = frame.logs.iter().map(LogLine::size).sum();
        self.log_left = self
            .log_left
            .checked_sub(logged)
            .ok_or_else(|| Died::Protocol(format!("{logged} bytes of log")))?;
        match &mut frame.event {
            WorkerEvent::Calls { calls } => self.check_calls(calls)?,
            WorkerEvent::Done {
                calls,
                result,
                state,
            } => {
                let kept = state.iter().map(|(k, v)| k.len() + v.get().len()).sum();
                let longest = result.get().len().max(kept) as u64;
                // Keys and values alone are a little less than the text that the worker measured.
                if longest > self.limits.result_bytes {
                    return Err(Died::Protocol(format!("a result of {longest} bytes")));
                }
                self.check_calls(calls)?;
            }
            WorkerEvent::Failed(failure) => shorten(failure),
            WorkerEvent::Ready => return Err(Died::Protocol("ready within a run".to_owned())),
        }
        Ok(frame)
    }

    fn check_calls(&mut self, calls: &[Call]) -> Result<(), Died> {
        for call in calls {
            let bytes = (call.args.get().len() + call.tool.len()) as u64;
            // Names come on top of what the worker counted; none is longer than this.
            let room = self.limits.result_bytes.min(self.bytes_left) + 256;
            if bytes > room {
                return Err(Died::Protocol(format!("a call of {bytes} bytes")));
            }
            self.bytes_left = self.bytes_left.saturating_sub(call.args.get().len() as u64);
            if call.id != self.last_call + 1 {
                return Err(Died::Protocol(format!(
                    "call {} after {}",
                    call.id, self.last_call
                )));
            }
            self.last_call = call.id;
            self.outstanding.insert(call.id);
        }
        Ok(())
    }

    /// Answers one call.
    pub async fn answer(&mut self, answer: Answer) -> Result<(), Died> {
        if !self.outstanding.remove(&answer.id) {
            return Err(Died::Protocol(format!("call {} is not open", answer.id)));
        }
        let Some(worker) = self.worker.as_mut() else {
            return Err(Died::Protocol("the run has ended".to_owned()));
        };
        let sent = worker.send(&ToWorker::Answer(answer)).await;
        if sent.is_err() {
            self.kill();
        }
        sent
    }

    fn kill(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            // Reaped by tokio when it has ended.
            let _ = worker.child.start_kill();
            self.pool.gone();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A failure's texts go into the journal, an item and a chat line: enough of them to read.
fn shorten(failure: &mut ScriptFailure) {
    for (text, max) in [
        (&mut failure.message, FAILURE_MESSAGE),
        (&mut failure.stack, FAILURE_STACK),
        (&mut failure.code, FAILURE_CODE),
    ] {
        if text.len() > max {
            text.truncate(text.floor_char_boundary(max));
            text.push('…');
        }
    }
}

/// CPU time left of what is allowed; `None` when there is none, or when it cannot be read.
fn cpu_left(allowed: Duration, before: Duration, now: Option<Duration>) -> Option<Duration> {
    let used = now?.saturating_sub(before);
    allowed.checked_sub(used).filter(|left| !left.is_zero())
}

/// CPU time of a process so far; `None` where that cannot be read.
fn cpu_of(pid: u32) -> Option<Duration> {
    let _ = pid;
    #[cfg(target_os = "linux")]
    {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold blanks; the fields after it do not.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Some(Duration::from_millis((user + system) * 1_000 / per_second))
    }
    #[cfg(not(target_os = "linux"))]
    None
}
