//! One spelling for equal JSON, and its digest: what makes two calls the same call.

use serde_json::Value;

/// JSON text with sorted keys and no blanks.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string())
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            // Sorted here, so that serde_json's feature `preserve_order` changes nothing.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

/// 32 hexadecimal digits that equal JSON has in common.
pub fn digest(value: &Value) -> String {
    blake3::hash(canonical_json(value).as_bytes()).to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let a: Value =
            serde_json::from_str(r#"{"b":[1,{"y":2,"x":1}],"a":null}"#).unwrap_or_default();
        let b: Value =
            serde_json::from_str(r#"{"a":null,"b":[1,{"x":1,"y":2}]}"#).unwrap_or_default();
        assert_eq!(canonical_json(&a), r#"{"a":null,"b":[1,{"x":1,"y":2}]}"#);
        assert_eq!(digest(&a), digest(&b));
        assert_ne!(digest(&json!([1, 2])), digest(&json!([2, 1])));
    }

    proptest! {
        #[test]
        fn canonical_json_is_the_same_json(keys in proptest::collection::btree_map(".*", any::<i64>(), 0..8)) {
            let value = json!(keys);
            prop_assert_eq!(serde_json::from_str::<Value>(&canonical_json(&value)).ok(), Some(value));
        }
    }
}
