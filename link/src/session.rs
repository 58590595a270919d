//! The first words on every link: hello, and welcome or refusal.

use crate::error::LinkError;
use crate::io::{ended, read_message, write_message};
use deputy_protocol::link::{Dial, Hello, MAX_FRAME, Message, RouteId, VERSIONS, Welcome};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// What is said on a new link.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) hello: Hello,
    /// What is not kept until the welcome is there.
    pub(crate) ahead: Option<Ahead>,
}

impl Words {
    /// A hello, and nothing ahead of its answer.
    pub(crate) fn of(hello: Hello) -> Self {
        Self { hello, ahead: None }
    }
}

/// A dial, and what is said to the agent behind it, without waiting for what comes back: each wait
/// would be a round trip.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    pub(crate) route: RouteId,
    pub(crate) first: Vec<u8>,
}

impl Ahead {
    pub(crate) async fn say(
        &self,
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), LinkError> {
        write_message(writer, &Message::Dial(Dial { route: self.route })).await?;
        if !self.first.is_empty() {
            writer.write_all(&self.first).await.map_err(ended)?;
            writer.flush().await.map_err(ended)?;
        }
        Ok(())
    }
}

/// Waits for the welcome.
///
/// # Errors
/// [`LinkError::Refused`] in the relay's words, or that it does not speak the protocol.
pub(crate) async fn await_welcome(
    reader: &mut (impl AsyncRead + Unpin),
) -> Result<Welcome, LinkError> {
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
