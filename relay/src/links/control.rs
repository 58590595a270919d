//! Reading a control channel while other things go on.

use crate::carriers::Source;
use bytes::Bytes;
use deputy_protocol::link::{Decoder, MAX_FRAME, Message};

/// Messages of a control channel. Holds no buffer while nothing comes.
pub(super) struct Messages {
    source: Source,
    decoder: Decoder,
}

/// Why there are no more messages.
pub(super) enum NoMore {
    /// The other side ended the channel, or is gone.
    Ended,
    /// What arrived is no message.
    Malformed(String),
}

impl Messages {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            decoder: Decoder::new(MAX_FRAME),
        }
    }

    /// The next message. May be dropped and called again without loss.
    pub(super) async fn next(&mut self) -> Result<Message, NoMore> {
        loop {
            match self.decoder.next_message() {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => {}
                Err(error) => return Err(NoMore::Malformed(error.to_string())),
            }
            let mut piece = [Bytes::new()];
            match self.source.read(&mut piece).await {
                Ok(0) | Err(_) => return Err(NoMore::Ended),
                Ok(_) => self.decoder.push(&piece[0]),
            }
        }
    }

    /// The direction, to end it.
    pub(super) fn into_source(self) -> Source {
        self.source
    }
}
