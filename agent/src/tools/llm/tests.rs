#![allow(clippy::unwrap_used)]

use super::shape::Shape;
use serde_json::{Value, json};

fn shape(schema: Value) -> Shape {
    Shape::new(schema).unwrap()
}

fn person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "age": {"type": "integer", "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name"],
    })
}

#[test]
fn providers_are_asked_for_what_they_all_take() {
    let asked = shape(person()).for_provider().unwrap();
    let answer = &asked["properties"]["answer"];
    let mut required: Vec<&str> = (answer["required"].as_array().unwrap().iter())
        .map(|name| name.as_str().unwrap())
        .collect();
    required.sort_unstable();
    assert_eq!(required, ["age", "name", "tags"]);
    assert_eq!(answer["additionalProperties"], false);
    assert_eq!(answer["properties"]["name"], json!({"type": "string"}));
    assert_eq!(
        answer["properties"]["age"],
        json!({"anyOf": [{"type": "integer"}, {"type": "null"}]})
    );
    for beyond in [
        json!({"type": "object", "patternProperties": {"x": {}}}),
        json!({"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}}),
        json!({"type": "object", "properties": {}, "additionalProperties": true}),
        json!({"oneOf": [{"type": "string"}]}),
    ] {
        assert_eq!(shape(beyond.clone()).for_provider(), None, "{beyond}");
    }
}

#[test]
fn an_answer_is_held_against_the_whole_schema() {
    let shape = shape(person());
    let read = |answer: Value| shape.read(&json!({"answer": answer}).to_string());
    assert_eq!(
        read(json!({"name": "Ann", "age": null, "tags": null})),
        Ok(json!({"name": "Ann"}))
    );
    assert!(read(json!({"name": ""})).unwrap_err().contains("/name"));
    assert!(
        read(json!({"name": "Ann", "age": -1}))
            .unwrap_err()
            .contains("/age")
    );
    assert!(read(json!({"age": 3})).is_err());
    assert!(read(json!("Ann")).is_err());
    assert_eq!(
        shape.read("```json\n{\"answer\": {\"name\": \"Ann\"}}\n```"),
        Ok(json!({"name": "Ann"}))
    );
    for text in [
        "",
        "Ann",
        "[]",
        "{}",
        "{\"answer\": {\"name\": \"a\"}, \"send_mail\": 1}",
    ] {
        assert!(shape.read(text).is_err(), "{text}");
    }
}

#[test]
fn a_null_that_the_schema_wants_stays() {
    let schema = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}});
    let answer = shape(schema).read("{\"answer\": {\"a\": null}}");
    assert_eq!(answer, Ok(json!({"a": null})));
}

#[test]
fn what_is_no_schema_is_said() {
    for schema in [json!(true), json!([]), json!({"type": "strange"})] {
        assert!(Shape::new(schema.clone()).is_err(), "{schema}");
    }
    // Nothing is looked up elsewhere.
    assert!(Shape::new(json!({"$ref": "https://example.org/schema.json"})).is_err());
    assert!(Shape::new(json!({"$ref": "file:///etc/passwd"})).is_err());
}
