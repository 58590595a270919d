//! Messages on a stream of bytes: a length of two bytes, big-endian, then that many bytes of JSON.
//!
//! JSON, because there are few messages (a handful for each link, one for each dial), unknown
//! fields and types must be tolerated, and every language reads it. Two bytes of length, because
//! then an absurd length cannot even be written.

use super::message::Message;

/// How many bytes the length takes.
pub const LENGTH_BYTES: usize = 2;
/// The longest frame, without its length.
pub const MAX_FRAME: usize = u16::MAX as usize;
/// The longest first frame of a stream, from somebody of whom nothing is known yet.
pub const MAX_FIRST_FRAME: usize = 4096;

/// What arrived is not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than is allowed here.
    #[error("a message of {length} bytes is longer than the {limit} that are allowed here")]
    TooLong {
        /// What was announced.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The bytes are not a message.
    #[error("the bytes are not a message of the link: {0}")]
    NotAMessage(String),
}

/// The frame of a message, length included.
///
/// # Errors
/// [`FrameError::TooLong`] when it has more than [`MAX_FRAME`] bytes.
pub fn encode(message: &Message) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message)
        .map_err(|error| FrameError::NotAMessage(error.to_string()))?;
    let length = frame.len() - LENGTH_BYTES;
    let short = u16::try_from(length).map_err(|_| FrameError::TooLong {
        length,
        limit: MAX_FRAME,
    })?;
    frame[..LENGTH_BYTES].copy_from_slice(&short.to_be_bytes());
    Ok(frame)
}

/// The message of a frame's bytes, without their length.
///
/// # Errors
/// [`FrameError::NotAMessage`].
pub fn decode(body: &[u8]) -> Result<Message, FrameError> {
    serde_json::from_slice(body).map_err(|error| {
        // serde_json's own words may quote what arrived; where it went wrong is enough.
        FrameError::NotAMessage(format!(
            "{:?} error at byte {}",
            error.classify(),
            error.column()
        ))
    })
}

/// Takes bytes as they come and gives messages. Never holds more than one frame and what arrived
/// with its end.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    limit: usize,
}

impl Decoder {
    /// A decoder that takes frames of up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            limit,
        }
    }

    /// Takes frames of up to `limit` bytes from now on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError`]; the stream is of no use after it.
    pub fn next_message(&mut self) -> Result<Option<Message>, FrameError> {
        let Some(head) = self.buffer.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*head));
        if length > self.limit {
            return Err(FrameError::TooLong {
                length,
                limit: self.limit,
            });
        }
        let end = LENGTH_BYTES + length;
        let Some(body) = self.buffer.get(LENGTH_BYTES..end) else {
            return Ok(None);
        };
        let message = decode(body)?;
        self.buffer.drain(..end);
        Ok(Some(message))
    }

    /// What arrived after the last message: the first bytes of the joined stream.
    pub fn into_rest(self) -> Vec<u8> {
        self.buffer
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::message::{Connected, Dial};
    use super::super::route::RouteId;
    use super::*;
    use proptest::prelude::*;

    fn dial() -> Message {
        Message::Dial(Dial {
            route: RouteId([7; 24]),
        })
    }

    #[test]
    fn frames_may_arrive_in_any_pieces() {
        let mut bytes = encode(&dial()).unwrap();
        bytes.extend(encode(&Message::Connected(Connected {})).unwrap());
        bytes.extend(b"rest");
        for size in 1..bytes.len() {
            let mut decoder = Decoder::new(MAX_FIRST_FRAME);
            let mut seen = Vec::new();
            let mut pieces = bytes.chunks(size);
            while seen.len() < 2 {
                decoder.push(pieces.next().unwrap());
                while seen.len() < 2
                    && let Some(message) = decoder.next_message().unwrap()
                {
                    seen.push(message);
                }
            }
            for piece in pieces {
                decoder.push(piece);
            }
            assert!(matches!(
                seen[..],
                [Message::Dial(_), Message::Connected(_)]
            ));
            assert_eq!(decoder.into_rest(), b"rest");
        }
    }

    #[test]
    fn a_long_frame_is_refused_by_its_length_alone() {
        let mut decoder = Decoder::new(MAX_FIRST_FRAME);
        decoder.push(&[0xff, 0xff]);
        assert_eq!(
            decoder.next_message().map(|_| ()),
            Err(FrameError::TooLong {
                length: 65535,
                limit: 4096
            })
        );
    }

    #[test]
    fn errors_do_not_quote_what_arrived() {
        let error = decode(br#"{"type":"dial","route":"secret-route"}"#).unwrap_err();
        assert!(!error.to_string().contains("secret-route"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut decoder = Decoder::new(MAX_FIRST_FRAME);
            decoder.push(&bytes);
            while let Ok(Some(_)) = decoder.next_message() {}
        }
    }
}
