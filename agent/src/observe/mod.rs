//! What may be seen: the one redactor, in front of logs, journal, errors and exports.

mod redact;

pub use redact::Redactor;
