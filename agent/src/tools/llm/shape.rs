//! The shape of an answer. Providers take only part of JSON Schema, and want every property to be
//! required; so they are handed the nearest schema that they take, and the answer is held against
//! the whole one here.

use serde_json::{Map, Value, json};

/// The deepest schema that is read.
const DEPTH: usize = 32;

/// A JSON Schema that answers are held against.
pub(super) struct Shape {
    schema: Value,
    validator: jsonschema::Validator,
}

impl Shape {
    /// Of a schema; what is wrong with one that is none.
    pub(super) fn new(schema: Value) -> Result<Self, String> {
        if !schema.is_object() {
            return Err("a JSON Schema is an object".to_owned());
        }
        let validator = jsonschema::validator_for(&schema).map_err(|e| e.to_string())?;
        Ok(Self { schema, validator })
    }

    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// What a provider can be asked for: an object with the answer in it. `None` when the schema
    /// says what none of them takes; then the words of the question must do.
    pub(super) fn for_provider(&self) -> Option<Value> {
        let answer = strict(&self.schema, 0)?;
        Some(json!({
            "type": "object",
            "properties": {"answer": answer},
            "required": ["answer"],
            "additionalProperties": false,
        }))
    }

    /// The answer in a model's words, or what is wrong with it.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let bare = text
            .strip_prefix("```json")
            .or_else(|| text.strip_prefix("```"))
            .and_then(|rest| rest.strip_suffix("```"))
            .unwrap_or(text);
        let mut whole: Value =
            serde_json::from_str(bare.trim()).map_err(|e| format!("it is not JSON: {e}"))?;
        let fields = whole.as_object_mut().ok_or("it is not an object")?;
        let mut answer = fields
            .remove("answer")
            .ok_or("it has no property “answer”")?;
        if let Some(other) = fields.keys().next() {
            return Err(format!("it has another property than “answer”: “{other}”"));
        }
        without_nulls(&mut answer, &self.schema);
        let wrong: Vec<String> = self
            .validator
            .iter_errors(&answer)
            .take(5)
            .map(|error| format!("at “{}”: {error}", error.instance_path()))
            .collect();
        if wrong.is_empty() {
            Ok(answer)
        } else {
            Err(wrong.join("; "))
        }
    }
}

/// Keywords that say how long or large something is: held against the answer, not told.
const TOLD_BY_WORDS: &[&str] = &[
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "default",
    "examples",
    "$schema",
    "$id",
    "$comment",
];

fn strict(schema: &Value, depth: usize) -> Option<Value> {
    if depth > DEPTH {
        return None;
    }
    let fields = schema.as_object()?;
    let mut out = Map::new();
    for (key, value) in fields {
        match key.as_str() {
            "type" | "enum" | "const" | "description" | "title" => {
                out.insert(key.clone(), value.clone());
            }
            "items" => {
                out.insert(key.clone(), strict(value, depth + 1)?);
            }
            "anyOf" => {
                let branches = value.as_array()?.iter();
                let branches = branches.map(|branch| strict(branch, depth + 1));
                out.insert(key.clone(), branches.collect::<Option<Vec<_>>>()?.into());
            }
            "properties" | "required" => {}
            "additionalProperties" if *value == Value::Bool(false) => {}
            // More properties than the named ones: told in words where it is the usual case.
            "additionalProperties" => return None,
            key if TOLD_BY_WORDS.contains(&key) => {}
            _ => return None,
        }
    }
    if fields.get("type") == Some(&json!("object")) {
        let required = fields.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
        let mut properties = Map::new();
        for (name, of) in fields.get("properties")?.as_object()? {
            let of = strict(of, depth + 1)?;
            let of = if is_required(name) {
                of
            } else {
                json!({"anyOf": [of, {"type": "null"}]})
            };
            properties.insert(name.clone(), of);
        }
        let names: Vec<Value> = properties.keys().cloned().map(Value::String).collect();
        out.insert("properties".to_owned(), properties.into());
        out.insert("required".to_owned(), names.into());
        out.insert("additionalProperties".to_owned(), false.into());
    } else if fields.contains_key("properties") {
        return None;
    }
    Some(out.into())
}

/// Takes out properties that are `null` because they are not there.
fn without_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            let required = schema["required"].as_array();
            let is_required =
                |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
            fields.retain(|name, value| {
                !value.is_null()
                    || is_required(name)
                    || jsonschema::is_valid(&schema["properties"][name.as_str()], &Value::Null)
            });
            for (name, value) in fields {
                without_nulls(value, &schema["properties"][name.as_str()]);
            }
        }
        Value::Array(items) => {
            for item in items {
                without_nulls(item, &schema["items"]);
            }
        }
        _ => {}
    }
}
