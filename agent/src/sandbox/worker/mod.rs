//! What runs inside a worker process: read a start, run the script to its end, ready the next
//! runtime, and so on until the socket closes.

mod confine;
mod depth;
mod host;
#[cfg(feature = "hostile-worker")]
mod hostile;
mod memory;
mod runtime;

use super::PureTools;
use super::frames::{FromWorker, Start, ToWorker, WorkerEvent};
use runtime::Runtime;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// The largest frame that a worker reads, in bytes.
const MAX_FRAME: usize = 128 << 20;

/// The worker's end of the socket.
pub(super) struct Link(UnixStream);

impl Link {
    pub(super) fn send(&mut self, frame: &FromWorker) -> io::Result<()> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, frame)?;
        let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        self.0.write_all(&bytes)
    }

    pub(super) fn receive(&mut self) -> io::Result<ToWorker> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other("frame too large"));
        }
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// What `deputy sandbox-worker` does. Its socket is file descriptor 0.
pub fn worker_main(tools: &dyn PureTools) -> ExitCode {
    // A panic must not be able to write anywhere.
    std::panic::set_hook(Box::new(|_| {}));
    let Some(socket) = confine::take_socket() else {
        return ExitCode::from(3);
    };
    let mut link = Link(socket);
    // Everything that needs files (none today) would have to happen before this line.
    if confine::confine().is_err() {
        return ExitCode::from(4);
    }
    match serve(&mut link, tools) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(5),
    }
}

fn serve(link: &mut Link, tools: &dyn PureTools) -> io::Result<()> {
    let names = tools.names().into_iter().map(str::to_owned).collect();
    runtime::prepare(names).map_err(io::Error::other)?;
    // Made ahead, so that a start finds it ready.
    let mut runtime = Runtime::fresh().map_err(|e| io::Error::other(e.to_string()))?;
    loop {
        link.send(&FromWorker {
            logs: Vec::new(),
            event: WorkerEvent::Ready,
        })?;
        match link.receive() {
            Ok(ToWorker::Start(start)) => runtime = run(link, runtime, *start, tools)?,
            Ok(ToWorker::Answer(_)) => {
                return Err(io::Error::other("an answer without a question"));
            }
            #[cfg(feature = "hostile-worker")]
            Ok(ToWorker::Hostile(what)) => {
                let logs = Vec::new();
                let result = hostile::attempt(&what);
                let result = serde_json::value::to_raw_value(&result)?;
                link.send(&FromWorker {
                    logs,
                    event: WorkerEvent::Done {
                        result,
                        state: Default::default(),
                        calls: Vec::new(),
                    },
                })?;
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(e) => return Err(e),
        }
    }
}

fn run(
    link: &mut Link,
    runtime: Runtime,
    start: Start,
    tools: &dyn PureTools,
) -> io::Result<Runtime> {
    let mut running = runtime.begin(start, tools);
    loop {
        let frame = running.frame();
        let ended = !matches!(frame.event, WorkerEvent::Calls { .. });
        link.send(&frame)?;
        if ended {
            return Ok(running.end());
        }
        match link.receive()? {
            ToWorker::Answer(answer) => running.answer(&answer, tools),
            _ => return Err(io::Error::other("a start within a run")),
        }
    }
}
