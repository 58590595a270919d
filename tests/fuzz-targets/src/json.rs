//! What is read is written, and read again as the same.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What the bytes are, if they are one. It is written and read again as the same.
pub(crate) fn read<T: Serialize + DeserializeOwned>(data: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(data).ok()?;
    let first = serde_json::to_vec(&read).expect("what was read can be written");
    // Fractions are read to within their last digit, by choice of the crate.
    if !has_fractions(data) {
        let again: T = serde_json::from_slice(&first).expect("what was written can be read");
        let second = serde_json::to_vec(&again).unwrap();
        assert!(
            first == second,
            "{} became {}",
            String::from_utf8_lossy(&first),
            String::from_utf8_lossy(&second)
        );
    }
    Some(read)
}

fn has_fractions(data: &[u8]) -> bool {
    fn within(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.is_f64(),
            Value::Array(all) => all.iter().any(within),
            Value::Object(all) => all.values().any(within),
            Value::Null | Value::Bool(_) | Value::String(_) => false,
        }
    }
    // A name that comes twice hides the first value here, and not from everybody.
    serde_json::from_slice(data).is_ok_and(|value| within(&value))
        || data.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
            && data.windows(2).any(is_fraction)
}

fn is_fraction(pair: &[u8]) -> bool {
    pair[0].is_ascii_digit() && matches!(pair[1], b'.' | b'e' | b'E')
}
