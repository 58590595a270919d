//! The local socket's other end, without a runtime, so that a command starts at once.

use crate::control::SOCKET;
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{CONTROL_VERSION, Envelope, MAX_FRAME, Reply, Request, Response};
use deputy_protocol::model::Event;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum AskError {
    /// Nobody listens.
    NotRunning(String),
    /// The agent said no.
    Refused(ErrorBody),
    /// The conversation broke off.
    Broken(String),
}

/// What is said when nobody listens.
pub(super) fn not_running(home: &str) -> ErrorBody {
    ErrorBody::new(
        "agent_not_running",
        format!("no agent is running on {home}; nothing was done"),
        "start one with `deputy up` (in another terminal), or at each login by `deputy service install`",
    )
}

/// Sends a request and waits for its answer.
pub(super) fn ask(home: &Path, request: Request) -> Result<Response, AskError> {
    let mut stream = send(home, request)?;
    match read(&mut stream)
        .map_err(|e| AskError::Broken(format!("the agent ended the conversation: {e}")))?
    {
        Reply::Ok(response) => Ok(*response),
        Reply::Error(error) => Err(AskError::Refused(error)),
    }
}

/// Hands each event to `take` until it returns false or the agent ends.
pub(super) fn follow(
    home: &Path,
    request: Request,
    mut take: impl FnMut(Event) -> bool,
) -> Result<(), AskError> {
    let mut stream = send(home, request)?;
    loop {
        match read(&mut stream).map_err(|e| AskError::Broken(e.to_string()))? {
            Reply::Ok(response) => {
                if let Response::Event(event) = *response
                    && !take(*event)
                {
                    return Ok(());
                }
            }
            Reply::Error(error) => return Err(AskError::Refused(error)),
        }
    }
}

fn send(home: &Path, request: Request) -> Result<UnixStream, AskError> {
    let mut stream = UnixStream::connect(home.join(SOCKET))
        .map_err(|_| AskError::NotRunning(home.display().to_string()))?;
    let envelope = Envelope {
        version: CONTROL_VERSION,
        id: command_id(),
        request,
    };
    let broken = |e: io::Error| AskError::Broken(format!("the request could not be sent: {e}"));
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, &envelope).map_err(|e| broken(e.into()))?;
    let length = u32::try_from(bytes.len() - 4).map_err(|e| broken(io::Error::other(e)))?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    stream.write_all(&bytes).map_err(broken)?;
    Ok(stream)
}

fn command_id() -> String {
    let mut bytes = [0; 16];
    // Without randomness the time alone must tell commands apart.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    format!("cli-{now:x}-{}", u128::from_le_bytes(bytes))
}

fn read(stream: &mut UnixStream) -> io::Result<Reply> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::other("the answer is too large"));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}
