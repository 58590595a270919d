//! A client of the control protocol, for tests that ask much and often.

use deputy_protocol::ErrorBody;
use deputy_protocol::control::{CONTROL_VERSION, Envelope, Reply, Request, Response};
use deputy_protocol::model::Event;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug)]
pub enum AskError {
    /// The agent said no.
    Refused(ErrorBody),
    /// Nobody listens, or the agent died before it answered.
    Gone(io::Error),
}

pub(crate) fn ask(home: &Path, request: Request) -> Result<Response, AskError> {
    ask_as(home, &new_id(), request)
}

pub(crate) fn ask_as(home: &Path, id: &str, request: Request) -> Result<Response, AskError> {
    let mut stream = send(home, id, request).map_err(AskError::Gone)?;
    match read(&mut stream).map_err(AskError::Gone)? {
        Reply::Ok(response) => Ok(*response),
        Reply::Error(error) => Err(AskError::Refused(error)),
    }
}

/// The agent's events as they come; ends when the agent does.
pub struct Follow {
    stream: UnixStream,
}

impl Follow {
    pub(crate) fn new(home: &Path, after: i64) -> io::Result<Self> {
        let stream = send(home, &new_id(), Request::Follow { after, run: None })?;
        Ok(Self { stream })
    }

    /// The next event; `None` when the agent is gone, or said nothing for `patience`.
    pub fn next(&mut self, patience: Duration) -> Option<Event> {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        loop {
            match read(&mut self.stream).ok()? {
                Reply::Ok(response) => {
                    if let Response::Event(event) = *response {
                        return Some(*event);
                    }
                }
                Reply::Error(error) => panic!("the agent does not tell its events: {error}"),
            }
        }
    }
}

fn new_id() -> String {
    static COMMANDS: AtomicU64 = AtomicU64::new(0);
    let command = COMMANDS.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{command}", std::process::id())
}

fn send(home: &Path, id: &str, request: Request) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(home.join("agent.sock"))?;
    stream.set_read_timeout(Some(crate::PATIENCE))?;
    let envelope = Envelope {
        version: CONTROL_VERSION,
        id: id.to_owned(),
        request,
    };
    let body = serde_json::to_vec(&envelope)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(&body)?;
    Ok(stream)
}

fn read(stream: &mut UnixStream) -> io::Result<Reply> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}
