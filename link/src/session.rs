//! The first words on every link: hello, and welcome or refusal.

use crate::error::LinkError;
use crate::io::{read_message, write_message};
use deputy_protocol::link::{Hello, MAX_FRAME, Message, VERSIONS, Welcome};
use tokio::io::{AsyncRead, AsyncWrite};

/// Says hello and waits for the welcome.
///
/// # Errors
/// [`LinkError::Refused`] in the relay's words, or that it does not speak the protocol.
pub(crate) async fn greet(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    hello: &Hello,
) -> Result<Welcome, LinkError> {
    write_message(writer, &Message::Hello(hello.clone())).await?;
    match read_message(reader, MAX_FRAME).await? {
        Some(Message::Welcome(welcome)) if VERSIONS.contains(&welcome.version) => Ok(welcome),
        Some(Message::Welcome(welcome)) => Err(LinkError::Protocol(format!(
            "it chose version {}, which was not offered",
            welcome.version
        ))),
        Some(Message::Refused(refusal)) => Err(refusal.into()),
        Some(_) => Err(LinkError::Protocol("no welcome came back".into())),
        None => Err(LinkError::Ended("the relay hung up at once".into())),
    }
}

/// What a dialled stream answers first.
///
/// # Errors
/// [`LinkError::Refused`] in the words of the relay or the agent.
pub(crate) async fn await_connected(
    reader: &mut (impl AsyncRead + Unpin),
) -> Result<(), LinkError> {
    match read_message(reader, MAX_FRAME).await? {
        Some(Message::Connected(_)) => Ok(()),
        Some(Message::Refused(refusal)) => Err(refusal.into()),
        Some(_) => Err(LinkError::Protocol("the dial was not answered".into())),
        None => Err(LinkError::Ended("the stream ended before it began".into())),
    }
}
