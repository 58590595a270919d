//! TypeScript declarations of all tools, from the same definitions that run them.

use super::registry::{Kind, Registry};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

const PREAMBLE: &str = r#"// What a script can use. An automation's script is an ES module:
//   export default async function main(ctx) { … }
//   export const on = { "topic": async (ctx) => { … } }

/** How a tool's failure is thrown. `limit`, `permission` and `in_doubt` never reach a script. */
declare class ToolError extends Error {
  class: "transient" | "auth" | "approval" | "precondition" | "logic" | "unknown";
  code: string;
  tool: string;
  retryable: boolean;
  retry_after_ms?: number;
  status?: number;
}

interface Context {
  input: any;
  trigger: { kind: string; due_at: string; topic?: string };
  automation: { id: string; name: string; timezone: string };
  run: { id: string; attempt: number };
  params: any;
  /** Puts an input of this automation, unique by topic and id, handled by `on[topic]` in a run of its own. */
  emit(item: { topic: string; id: string; title?: string; payload?: any }): Promise<null>;
  /** Kept per automation; changes take effect when the run succeeds. */
  state: { get(key: string): any; set(key: string, value: any): void };
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: object): void;
  /** Durable: the run is parked and woken. */
  sleep(ms: number): Promise<null>;
  sleepUntil(time: string | number | Date): Promise<null>;
}
"#;

/// The declarations of a registry's tools.
pub fn declarations(registry: &Registry) -> String {
    let mut namespaces: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut interfaces: BTreeMap<String, String> = BTreeMap::new();
    for entry in registry.entries() {
        let Some((namespace, operation)) = entry.name.split_once('.') else {
            continue;
        };
        let (input, output) = entry.schemas();
        for schema in [&input, &output] {
            for (name, schema) in schema["$defs"].as_object().into_iter().flatten() {
                interfaces.insert(name.clone(), object(schema, 0, None));
            }
        }
        let effect = entry.classes.iter().any(|class| class.is_effect());
        let classes: Vec<&str> = entry.classes.iter().map(|class| class.as_str()).collect();
        let once = if effect && entry.kind != Kind::Pure {
            Some(
                "  /** Makes the effect happen once for ever under this key. */\n  once?: string;\n",
            )
        } else {
            None
        };
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "    /** {} ({}) */",
            entry.summary,
            classes.join(", ")
        );
        let _ = write!(
            text,
            "    function {operation}(input: {}): Promise<{}>;",
            object(&input, 4, once),
            typescript(&output, 4)
        );
        namespaces.entry(namespace).or_default().push(text);
    }
    let mut out = format!("{PREAMBLE}\n");
    for (name, body) in interfaces {
        let _ = writeln!(out, "interface {name} {body}\n");
    }
    out.push_str("declare namespace tools {\n");
    for (namespace, functions) in namespaces {
        let _ = writeln!(
            out,
            "  namespace {namespace} {{\n{}\n  }}",
            functions.join("\n")
        );
    }
    out.push_str("}\n");
    out
}

fn object(schema: &Value, indent: usize, extra: Option<&str>) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        return extra.map_or_else(
            || "{}".to_owned(),
            |extra| format!("{{\n{}{extra}{}}}", " ".repeat(indent), " ".repeat(indent)),
        );
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let pad = " ".repeat(indent + 2);
    let mut out = "{\n".to_owned();
    for (name, property) in properties {
        if let Some(text) = property["description"].as_str() {
            let _ = writeln!(out, "{pad}/** {} */", text.replace('\n', " "));
        }
        let optional = if required.contains(&name.as_str()) {
            ""
        } else {
            "?"
        };
        let _ = writeln!(
            out,
            "{pad}{name}{optional}: {};",
            typescript(property, indent + 2)
        );
    }
    if let Some(extra) = extra {
        for line in extra.lines() {
            let _ = writeln!(out, "{pad}{}", line.trim_start());
        }
    }
    let _ = write!(out, "{}}}", " ".repeat(indent));
    out
}

fn typescript(schema: &Value, indent: usize) -> String {
    if schema["format"] == "bytes" {
        return "Uint8Array".to_owned();
    }
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or("any").to_owned();
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(" | ");
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(options) = schema[key].as_array() {
            return options
                .iter()
                .map(|option| typescript(option, indent))
                .collect::<Vec<_>>()
                .join(" | ");
        }
    }
    match &schema["type"] {
        Value::String(name) => named(name, schema, indent),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| named(name, schema, indent))
            .collect::<Vec<_>>()
            .join(" | "),
        _ => "any".to_owned(),
    }
}

fn named(name: &str, schema: &Value, indent: usize) -> String {
    match name {
        "string" => "string".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "boolean" => "boolean".to_owned(),
        "null" => "null".to_owned(),
        "array" => format!("Array<{}>", typescript(&schema["items"], indent)),
        "object" if schema["properties"].is_object() => object(schema, indent, None),
        "object" => match schema.get("additionalProperties") {
            Some(values) if values.is_object() => {
                format!("Record<string, {}>", typescript(values, indent))
            }
            _ => "Record<string, any>".to_owned(),
        },
        _ => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_tool_is_declared_with_its_inputs() {
        let text = super::declarations(crate::tools::registry());
        for entry in crate::tools::registry().entries() {
            let operation = entry.name.split('.').nth(1).unwrap_or_default();
            assert!(
                text.contains(&format!("function {operation}(input")),
                "{}",
                entry.name
            );
        }
        assert!(text.contains("bytes: Uint8Array;"));
        assert!(text.contains("once?: string;"));
        assert!(text.contains("interface XmlElement {"));
        assert!(
            text.contains("children?: Array<string | XmlElement>;"),
            "{text}"
        );
    }
}
