//! Messages on asynchronous streams.

use crate::error::LinkError;
use deputy_protocol::link::{LENGTH_BYTES, Message, decode, encode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Reads one message of at most `limit` bytes, and not a byte more. `None` when the stream ended
/// before its first byte.
///
/// # Errors
/// When the stream ends within the message or fails, or the bytes are not a message.
pub async fn read_message(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Option<Message>, LinkError> {
    let mut head = [0; LENGTH_BYTES];
    let mut have = 0;
    while have < LENGTH_BYTES {
        match stream.read(&mut head[have..]).await.map_err(ended)? {
            0 if have == 0 => return Ok(None),
            0 => {
                return Err(LinkError::Protocol(
                    "the stream ended within a message".into(),
                ));
            }
            n => have += n,
        }
    }
    let length = usize::from(u16::from_be_bytes(head));
    if length > limit {
        return Err(LinkError::Protocol(format!(
            "a message of {length} bytes where {limit} are allowed"
        )));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map_err(ended)?;
    let message = decode(&body).map_err(|error| LinkError::Protocol(error.to_string()))?;
    Ok(Some(message))
}

/// Writes one message and flushes it.
///
/// # Errors
/// When the stream fails, or the message is longer than a frame may be.
pub async fn write_message(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &Message,
) -> Result<(), LinkError> {
    let frame = encode(message).map_err(|error| LinkError::Protocol(error.to_string()))?;
    stream.write_all(&frame).await.map_err(ended)?;
    stream.flush().await.map_err(ended)
}

pub(crate) fn ended(error: std::io::Error) -> LinkError {
    match crate::stream::closed_with(&error) {
        Some(code) => LinkError::closed(code),
        None => LinkError::Ended(error.to_string()),
    }
}
