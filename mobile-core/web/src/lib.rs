//! The client for browsers. JavaScript dials, carries bytes, keeps what is to be kept and shows
//! things; everything else is [`deputy_mobile_core::client`], the same as on every other platform.
//!
//! Things cross the border as JSON, in the words of the control protocol; bytes as `Uint8Array`.
//! Times are milliseconds: `ticks` of `performance.now()`, `unix` of `Date.now()`.
//!
//! `client.rs` is a paired device's side, `pairing.rs` how a browser becomes one, `effect.rs` what
//! JavaScript is to do.

mod client;
mod effect;
mod pairing;

pub use client::WebClient;
pub use effect::WebEffect;
pub use pairing::WebPairing;

use deputy_mobile_core::client::Now;
use deputy_protocol::link::RefusalCode;
use wasm_bindgen::JsError;

/// The clocks of a browser.
fn now(ticks: f64, unix: f64) -> Now {
    // Both are whole milliseconds from here on, and far from the ends of these types.
    Now {
        ticks: ticks.max(0.0) as u64,
        unix_ms: unix as i64,
    }
}

/// Numbers of attempts are small.
fn number(attempt: f64) -> u64 {
    attempt.max(0.0) as u64
}

/// A code as the link writes it; one that is not known is a refusal all the same.
fn refusal(code: Option<String>) -> Option<RefusalCode> {
    let code = serde_json::Value::String(code?);
    Some(serde_json::from_value(code).unwrap_or(RefusalCode::Offline))
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, JsError> {
    serde_json::to_string(value).map_err(JsError::from)
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, JsError> {
    serde_json::from_str(text).map_err(JsError::from)
}
