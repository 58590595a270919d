//! Whether something is a JSON Schema that a provider takes.

use serde_json::Value;

const TYPES: &[&str] = &[
    "object", "array", "string", "number", "integer", "boolean", "null",
];

/// The schema of a tool's input: an object, and everything in it a schema.
pub(crate) fn check_input(schema: &Value) -> Result<(), String> {
    if schema["type"] != "object" {
        return Err("its type is not “object”".to_owned());
    }
    check(schema, "")
}

/// Everything in it is a schema.
pub(crate) fn check(schema: &Value, at: &str) -> Result<(), String> {
    let map = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(map) => map,
        _ => return Err(format!("{at}/ is neither an object nor a boolean")),
    };
    let names: Vec<&Value> = match map.get("type") {
        None => Vec::new(),
        Some(Value::Array(names)) => names.iter().collect(),
        Some(name) => vec![name],
    };
    for name in names {
        if !name.as_str().is_some_and(|n| TYPES.contains(&n)) {
            return Err(format!("{at}/type is not one of {TYPES:?}: {name}"));
        }
    }
    if let Some(required) = map.get("required") {
        let names = required
            .as_array()
            .filter(|r| r.iter().all(Value::is_string));
        names.ok_or_else(|| format!("{at}/required is not a list of names"))?;
    }
    if map
        .get("enum")
        .is_some_and(|e| e.as_array().is_none_or(Vec::is_empty))
    {
        return Err(format!("{at}/enum is not a list with something in it"));
    }
    for key in ["properties", "$defs", "definitions", "patternProperties"] {
        let Some(parts) = map.get(key) else { continue };
        let parts = parts
            .as_object()
            .ok_or_else(|| format!("{at}/{key} is not an object"))?;
        for (name, part) in parts {
            check(part, &format!("{at}/{key}/{name}"))?;
        }
    }
    for key in ["items", "additionalProperties", "not", "if", "then", "else"] {
        if let Some(part) = map.get(key) {
            check(part, &format!("{at}/{key}"))?;
        }
    }
    for key in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        let Some(parts) = map.get(key) else { continue };
        let parts = parts
            .as_array()
            .ok_or_else(|| format!("{at}/{key} is not a list"))?;
        for (index, part) in parts.iter().enumerate() {
            check(part, &format!("{at}/{key}/{index}"))?;
        }
    }
    Ok(())
}

/// What strict answers want besides: every object closed, every property required.
pub(crate) fn check_strict(schema: &Value, at: &str) -> Result<(), String> {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if schema["additionalProperties"] != false {
            return Err(format!("{at}/additionalProperties must be false"));
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, part) in properties {
            if !required.iter().any(|r| r == name) {
                return Err(format!("{at}/required must name {name}"));
            }
            check_strict(part, &format!("{at}/properties/{name}"))?;
        }
    }
    match schema.get("items") {
        Some(items) => check_strict(items, &format!("{at}/items")),
        None => Ok(()),
    }
}
