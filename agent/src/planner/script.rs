//! What a script says before it is run: which tools it names, and what is wrong with it. Pure.
//!
//! Read by the parser of a kept crate, so that comments, strings and templates fool nobody. It is a
//! help for whoever wrote the script, not a border: the border is the gate, which sees the calls.

use crate::tools::{Entry, Registry, split_once};
use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, ArrayExpressionElement, BindingIdentifier, CallExpression, ExportAllDeclaration,
    ExportNamedDeclaration, Expression, IdentifierReference, ImportDeclaration, ImportExpression,
    ObjectExpression, ObjectPropertyKind, StaticMemberExpression, UnaryExpression, UnaryOperator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The globals that scripts have: ECMAScript's and the script API's.
const GLOBALS: &[&str] = &[
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "DataView",
    "Date",
    "Error",
    "EvalError",
    "Float32Array",
    "Float64Array",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "Intl",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "SyntaxError",
    "TextDecoder",
    "TextEncoder",
    "ToolError",
    "TypeError",
    "URIError",
    "URL",
    "URLSearchParams",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakSet",
    "arguments",
    "atob",
    "btoa",
    "console",
    "crypto",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "queueMicrotask",
    "structuredClone",
    "undefined",
    "unescape",
];

/// Ways around what can be read; they are there in the engine, and no planned script needs them.
const DYNAMIC: &[&str] = &["Function", "eval", "globalThis"];

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub(super) struct ScriptProblem {
    /// Which rule: `syntax`, `unknown_tool`, `unknown_global`, `dynamic`, `import`, `arguments`.
    pub rule: &'static str,
    /// From 1.
    pub line: usize,
    /// A sentence.
    pub message: String,
}

/// What a script says.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// The operations that it names.
    pub operations: BTreeSet<String>,
    /// What is wrong.
    pub problems: Vec<ScriptProblem>,
}

/// Reads a script.
pub(super) fn read(script: &str, registry: &Registry) -> Reading {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, script, SourceType::mjs()).parse();
    let mut reader = Reader {
        script,
        registry,
        bound: HashSet::new(),
        referenced: BTreeMap::new(),
        reading: Reading::default(),
    };
    for error in &parsed.errors {
        let at = error
            .labels
            .as_ref()
            .and_then(|labels| labels.first())
            .map_or(0, |label| label.offset());
        reader.problem("syntax", at, error.message.to_string());
    }
    if !parsed.panicked {
        reader.visit_program(&parsed.program);
        reader.unknown_globals();
    }
    reader.reading.problems.sort_by_key(|problem| problem.line);
    reader.reading
}

struct Reader<'s> {
    script: &'s str,
    registry: &'s Registry,
    bound: HashSet<String>,
    referenced: BTreeMap<String, usize>,
    reading: Reading,
}

/// The names after `tools` in an expression that begins with it and can be followed.
fn path(expression: &Expression<'_>) -> Option<Vec<String>> {
    match expression.get_inner_expression() {
        Expression::Identifier(name) => (name.name == "tools").then(Vec::new),
        Expression::StaticMemberExpression(member) => {
            let mut names = path(&member.object)?;
            names.push(member.property.name.to_string());
            Some(names)
        }
        Expression::ComputedMemberExpression(member) => {
            let mut names = path(&member.object)?;
            match literal(&member.expression) {
                Some(Value::String(name)) => names.push(name),
                _ => return None,
            }
            Some(names)
        }
        _ => None,
    }
}

/// The value of an expression that is a literal through and through.
fn literal(expression: &Expression<'_>) -> Option<Value> {
    match expression.get_inner_expression() {
        Expression::BooleanLiteral(it) => Some(Value::Bool(it.value)),
        Expression::NullLiteral(_) => Some(Value::Null),
        Expression::StringLiteral(it) => Some(Value::String(it.value.to_string())),
        Expression::NumericLiteral(it) => number(it.value),
        Expression::UnaryExpression(it) if it.operator == UnaryOperator::UnaryNegation => {
            number(-literal(&it.argument)?.as_f64()?)
        }
        Expression::TemplateLiteral(it) if it.expressions.is_empty() => {
            let text = it.quasis.first()?.value.cooked.as_ref()?;
            Some(Value::String(text.to_string()))
        }
        Expression::ArrayExpression(it) => {
            let items = it.elements.iter().map(|element| match element {
                ArrayExpressionElement::SpreadElement(_) | ArrayExpressionElement::Elision(_) => {
                    None
                }
                other => literal(other.as_expression()?),
            });
            items.collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Expression::ObjectExpression(it) => {
            let fields = fields(it)?;
            let fields = fields.into_iter().map(|(name, value)| Some((name, value?)));
            fields.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        _ => None,
    }
}

fn number(value: f64) -> Option<Value> {
    // Whole numbers as such: a schema tells them from fractions.
    #[allow(clippy::cast_possible_truncation)]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some(Value::from(value as i64));
    }
    serde_json::Number::from_f64(value).map(Value::Number)
}

type Fields = Vec<(String, Option<Value>)>;

/// An object's fields, each with its value if that is a literal. `None` when not all names are known.
fn fields(object: &ObjectExpression<'_>) -> Option<Fields> {
    let fields = object.properties.iter().map(|property| match property {
        ObjectPropertyKind::ObjectProperty(property) => {
            let name = property.key.static_name()?.into_owned();
            Some((name, literal(&property.value)))
        }
        ObjectPropertyKind::SpreadProperty(_) => None,
    });
    fields.collect()
}

impl Reader<'_> {
    fn problem(&mut self, rule: &'static str, at: usize, message: impl Into<String>) {
        let before = self.script.get(..at).unwrap_or(self.script);
        self.reading.problems.push(ScriptProblem {
            rule,
            line: before.matches('\n').count() + 1,
            message: message.into(),
        });
    }

    fn unfollowable(&mut self, at: usize) {
        self.problem(
            "dynamic",
            at,
            "call tools as tools.namespace.operation({…}): this use of `tools` cannot be followed",
        );
    }

    /// Takes note of a path that begins with `tools`.
    fn named(&mut self, names: &[String], at: usize) {
        let name = names.join(".");
        if self.registry.get(&name).is_some() {
            self.reading.operations.insert(name);
            return;
        }
        if names.len() < 2
            || self
                .registry
                .get(&names[..names.len() - 1].join("."))
                .is_some()
        {
            return self.unfollowable(at);
        }
        let namespace = format!("{}.", names[0]);
        let there: Vec<&str> = self
            .registry
            .entries()
            .map(|entry| entry.name)
            .filter(|known| known.starts_with(&namespace))
            .collect();
        let hint = if there.is_empty() {
            "the declarations list what there is".to_owned()
        } else {
            format!("there is {}", there.join(", "))
        };
        self.problem(
            "unknown_tool",
            at,
            format!("there is no tool {name}; {hint}"),
        );
    }

    fn arguments(&mut self, entry: &Entry, call: &CallExpression<'_>) {
        let at = call.span.start as usize;
        let object = match call.arguments.first() {
            None => {
                let checked = entry.check(Value::Object(Map::new()));
                return self.refuse(entry, at, checked.map(drop));
            }
            Some(Argument::ObjectExpression(object)) => object,
            // What is handed over under a name is seen when it is run.
            Some(_) => return,
        };
        let Some(fields) = fields(object) else {
            return;
        };
        if fields.iter().all(|(_, value)| value.is_some()) {
            let args = fields
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)));
            let args = Value::Object(args.collect());
            let checked = split_once(args).and_then(|(args, _)| entry.check(args));
            return self.refuse(entry, at, checked.map(drop));
        }
        let (schema, _) = entry.schemas();
        let is_effect = entry.classes.iter().any(|class| class.is_effect());
        for (name, _) in &fields {
            let known = schema["properties"].get(name).is_some() || (name == "once" && is_effect);
            if !known {
                let message = format!("{} takes no `{name}`", entry.name);
                self.problem("arguments", at, message);
            }
        }
        for needed in schema["required"].as_array().into_iter().flatten() {
            let needed = needed.as_str().unwrap_or_default();
            if !fields.iter().any(|(name, _)| name == needed) {
                let message = format!("{} lacks `{needed}`", entry.name);
                self.problem("arguments", at, message);
            }
        }
    }

    fn refuse(&mut self, entry: &Entry, at: usize, checked: Result<(), crate::tools::ToolError>) {
        if let Err(error) = checked {
            let message = format!("{}: {}", entry.name, error.message);
            self.problem("arguments", at, message);
        }
    }

    fn unknown_globals(&mut self) {
        let free: Vec<(String, usize)> = std::mem::take(&mut self.referenced)
            .into_iter()
            .filter(|(name, _)| !self.bound.contains(name) && !GLOBALS.contains(&name.as_str()))
            .collect();
        for (name, at) in free {
            if DYNAMIC.contains(&name.as_str()) {
                let message = format!("`{name}` hides what a script does; say it in plain code");
                self.problem("dynamic", at, message);
            } else {
                let message = format!(
                    "`{name}` is not known: scripts have ECMAScript, console, crypto, URL and `tools`"
                );
                self.problem("unknown_global", at, message);
            }
        }
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_expression(&mut self, it: &Expression<'a>) {
        match path(it) {
            Some(names) => self.named(&names, it.span().start as usize),
            None => walk::walk_expression(self, it),
        }
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let registry = self.registry;
        if let Some(entry) = path(&it.callee).and_then(|names| registry.get(&names.join("."))) {
            self.arguments(entry, it);
        }
        walk::walk_call_expression(self, it);
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        if it.property.name == "constructor" {
            let message = "`.constructor` leads around what can be read; say it in plain code";
            self.problem("dynamic", it.span.start as usize, message);
        }
        walk::walk_static_member_expression(self, it);
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        // `typeof x` asks whether there is one.
        let asks = it.operator == UnaryOperator::Typeof
            && matches!(it.argument, Expression::Identifier(_));
        if !asks {
            walk::walk_unary_expression(self, it);
        }
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        let at = it.span.start as usize;
        if it.name == "tools" {
            return self.unfollowable(at);
        }
        self.referenced.entry(it.name.to_string()).or_insert(at);
    }

    fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
        if it.name == "tools" {
            return self.unfollowable(it.span.start as usize);
        }
        self.bound.insert(it.name.to_string());
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        self.problem("import", it.span.start as usize, NO_MODULES);
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        self.problem("import", it.span.start as usize, NO_MODULES);
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        self.problem("import", it.span.start as usize, NO_MODULES);
    }

    fn visit_export_named_declaration(&mut self, it: &ExportNamedDeclaration<'a>) {
        if it.source.is_some() {
            return self.problem("import", it.span.start as usize, NO_MODULES);
        }
        walk::walk_export_named_declaration(self, it);
    }
}

const NO_MODULES: &str = "there are no modules to import; everything is in `tools` and `ctx`";

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
