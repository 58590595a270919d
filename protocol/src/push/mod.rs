//! Pushes: what an agent tells a device that is not listening, so that a person sees it.
//!
//! `content.rs` is what is told, always of the same length; `envelope.rs` seals it to a device for
//! services that seal nothing themselves (Apple's and Google's); `target.rs` is where a device is
//! reached. Browsers seal by RFC 8291, which is the agent's business. The specification is
//! `docs/wire/push.md`.

mod content;
mod envelope;
mod target;

pub use content::{PushContent, PushKind, SIZE};
pub use envelope::{ENVELOPE, PushError, open, open_text, seal};
pub use target::{PushState, PushTarget, Quiet};
