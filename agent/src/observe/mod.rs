//! What may be seen: the one redactor, in front of logs, journal, errors and exports; and the audit
//! trail in OpenTelemetry's words.

pub mod otlp;
mod redact;

pub use redact::Redactor;
