//! The set of tools: typed operations behind erased functions over JSON.

use super::limits;
use super::operation::*;
use crate::clock::BoxFuture;
use deputy_protocol::EffectClass;
use deputy_protocol::model::ToolInfo;
use rusqlite::Connection;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the sandbox's process.
    Pure,
    /// In the agent's own database transaction.
    Local,
    /// Outside.
    Outside,
}

/// A call's arguments after checking.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The effect class of this very call.
    pub class: EffectClass,
    /// What it touches.
    pub resources: Vec<Resource>,
    /// What it does, for people.
    pub title: String,
    /// The arguments, with defaults filled in.
    pub input: Value,
    /// The most that it takes of what is paid for.
    pub paid: Option<Paid>,
}

type RunPure = fn(&str) -> Result<String, ToolError>;
type ApplyLocal = fn(Value, &CallInfo, &Connection) -> Result<Value, ToolError>;
type RunOutside =
    for<'a> fn(Value, &'a CallInfo, &'a OutsideEnv) -> BoxFuture<'a, Result<Value, ToolError>>;
type Reconcile =
    for<'a> fn(Value, &'a CallInfo, &'a OutsideEnv) -> BoxFuture<'a, Reconciled<Value>>;

/// One operation.
pub struct Entry {
    /// `namespace.operation`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its version.
    pub version: u32,
    /// How it runs.
    pub kind: Kind,
    /// The classes that calls may have.
    pub classes: &'static [EffectClass],
    /// The kinds of resource that calls may touch.
    pub resources: &'static [ResourceKind],
    /// Whether calls cost money.
    pub is_paid: bool,
    check: fn(Value) -> Result<Checked, ToolError>,
    schemas: fn() -> (Value, Value),
    pure: Option<RunPure>,
    local: Option<ApplyLocal>,
    outside: Option<RunOutside>,
    prepare: Option<RunOutside>,
    reconcile: Option<Reconcile>,
    assumed: Option<fn(&Value, &CallInfo) -> Value>,
}

fn wrong_kind(name: &str) -> ToolError {
    ToolError::invalid_input(name, "this operation does not run here")
}

impl Entry {
    /// Checks arguments (without `once`): unknown fields are refused.
    pub fn check(&self, args: Value) -> Result<Checked, ToolError> {
        (self.check)(args)
    }

    /// Runs a pure operation over JSON text.
    pub fn run_pure(&self, args: &str) -> Result<String, ToolError> {
        self.pure
            .map_or_else(|| Err(wrong_kind(self.name)), |run| run(args))
    }

    /// Applies a local operation in the caller's transaction.
    pub fn apply_local(
        &self,
        input: Value,
        call: &CallInfo,
        db: &Connection,
    ) -> Result<Value, ToolError> {
        self.local.map_or_else(
            || Err(wrong_kind(self.name)),
            |apply| apply(input, call, db),
        )
    }

    /// Runs an operation outside.
    pub fn run_outside<'a>(
        &self,
        input: Value,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        let name = self.name;
        match self.outside {
            Some(run) => run(input, call, env),
            None => Box::pin(async move { Err(wrong_kind(name)) }),
        }
    }

    /// Facts to record with the intent.
    pub fn prepare<'a>(
        &self,
        input: Value,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        match self.prepare {
            Some(prepare) => prepare(input, call, env),
            None => Box::pin(async { Ok(Value::Null) }),
        }
    }

    /// Looks an effect up.
    pub fn reconcile<'a>(
        &self,
        input: Value,
        call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<Value>> {
        match self.reconcile {
            Some(reconcile) => reconcile(input, call, env),
            None => Box::pin(async { Reconciled::Unknowable }),
        }
    }

    /// The outcome when a person says that the effect happened, and in a dry run.
    pub fn assumed(&self, input: &Value, call: &CallInfo) -> Value {
        self.assumed
            .map_or(Value::Null, |assumed| assumed(input, call))
    }

    /// JSON Schemas of input and output.
    pub fn schemas(&self) -> (Value, Value) {
        (self.schemas)()
    }
}

fn typed<O: Operation>(args: Value) -> Result<O::Input, ToolError> {
    serde_json::from_value(args).map_err(|e| ToolError::invalid_input(O::NAME, e.to_string()))
}

fn erase<T: Serialize>(tool: &'static str, value: &T) -> Result<Value, ToolError> {
    serde_json::to_value(value).map_err(|e| {
        ToolError::unknown(
            deputy_protocol::FailureClass::Unknown,
            "result_unreadable",
            tool,
            e.to_string(),
        )
    })
}

fn check<O: Operation>(args: Value) -> Result<Checked, ToolError> {
    let input = typed::<O>(args)?;
    Ok(Checked {
        class: O::class(&input),
        resources: O::resources(&input)?,
        title: O::title(&input).chars().take(limits::TITLE).collect(),
        paid: O::paid(&input),
        input: erase(O::NAME, &input)?,
    })
}

fn schemas<O: Operation>() -> (Value, Value) {
    let schema = |generate: fn(&mut schemars::SchemaGenerator) -> schemars::Schema| {
        let mut generator = SchemaSettings::draft2020_12()
            .with(|s| s.inline_subschemas = true)
            .into_generator();
        let mut schema = generate(&mut generator).to_value();
        // Types that hold themselves are referred to by name.
        let definitions = generator.take_definitions(true);
        if let Some(schema) = schema.as_object_mut().filter(|_| !definitions.is_empty()) {
            schema.insert("$defs".to_owned(), Value::Object(definitions));
        }
        schema
    };
    (
        schema(<O::Input as schemars::JsonSchema>::json_schema),
        schema(<O::Output as schemars::JsonSchema>::json_schema),
    )
}

fn run_pure<O: PureOperation>(args: &str) -> Result<String, ToolError> {
    let input =
        serde_json::from_str(args).map_err(|e| ToolError::invalid_input(O::NAME, e.to_string()))?;
    // Parsers of hostile input may have bugs; a panic is the call's failure, not the worker's.
    let output = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| O::run(input)))
        .unwrap_or_else(|_| {
            Err(ToolError::invalid_input(
                O::NAME,
                "the input could not be processed",
            ))
        })?;
    serde_json::to_string(&output).map_err(|e| ToolError::invalid_input(O::NAME, e.to_string()))
}

fn apply_local<O: LocalOperation>(
    input: Value,
    call: &CallInfo,
    db: &Connection,
) -> Result<Value, ToolError> {
    erase(O::NAME, &O::apply(typed::<O>(input)?, call, db)?)
}

fn run_outside<'a, O: OutsideOperation>(
    input: Value,
    call: &'a CallInfo,
    env: &'a OutsideEnv,
) -> BoxFuture<'a, Result<Value, ToolError>> {
    Box::pin(async move {
        let output = O::run(typed::<O>(input)?, call, env).await;
        erase(O::NAME, &output.map_err(|e| clean(e, env))?)
    })
}

fn prepare<'a, O: OutsideOperation>(
    input: Value,
    call: &'a CallInfo,
    env: &'a OutsideEnv,
) -> BoxFuture<'a, Result<Value, ToolError>> {
    Box::pin(async move {
        let prepared = O::prepare(typed::<O>(input)?, call, env).await;
        prepared.map_err(|e| clean(e, env))
    })
}

/// The one place through which failures from outside come in.
fn clean(error: ToolError, env: &OutsideEnv) -> ToolError {
    ToolError {
        message: env.connections.without_secrets(&error.message),
        ..error
    }
}

fn reconcile<'a, O: OutsideOperation>(
    input: Value,
    call: &'a CallInfo,
    env: &'a OutsideEnv,
) -> BoxFuture<'a, Reconciled<Value>> {
    Box::pin(async move {
        let input = match typed::<O>(input) {
            Ok(input) => input,
            Err(error) => return Reconciled::TryLater(error),
        };
        match O::reconcile(input, call, env).await {
            Reconciled::Happened(output) => match erase(O::NAME, &output) {
                Ok(value) => Reconciled::Happened(value),
                Err(error) => Reconciled::TryLater(error),
            },
            Reconciled::Absent => Reconciled::Absent,
            Reconciled::Unknowable => Reconciled::Unknowable,
            Reconciled::TryLater(error) => Reconciled::TryLater(clean(error, env)),
        }
    })
}

fn assumed<O: OutsideOperation>(input: &Value, call: &CallInfo) -> Value {
    typed::<O>(input.clone()).map_or(Value::Null, |input| O::assumed(&input, call))
}

/// All operations, by name.
#[derive(Default)]
pub struct Registry {
    entries: BTreeMap<&'static str, Entry>,
}

impl Registry {
    fn add<O: Operation>(&mut self, kind: Kind) -> &mut Entry {
        self.entries.entry(O::NAME).or_insert(Entry {
            name: O::NAME,
            summary: O::SUMMARY,
            version: O::VERSION,
            kind,
            classes: O::CLASSES,
            resources: O::RESOURCES,
            is_paid: O::PAID,
            check: check::<O>,
            schemas: schemas::<O>,
            pure: None,
            local: None,
            outside: None,
            prepare: None,
            reconcile: None,
            assumed: None,
        })
    }

    /// Adds a pure operation.
    #[must_use]
    pub fn pure<O: PureOperation>(mut self) -> Self {
        self.add::<O>(Kind::Pure).pure = Some(run_pure::<O>);
        self
    }

    /// Adds a local operation.
    #[must_use]
    pub fn local<O: LocalOperation>(mut self) -> Self {
        self.add::<O>(Kind::Local).local = Some(apply_local::<O>);
        self
    }

    /// Adds an operation that leaves the process.
    #[must_use]
    pub fn outside<O: OutsideOperation>(mut self) -> Self {
        let entry = self.add::<O>(Kind::Outside);
        entry.outside = Some(run_outside::<O>);
        entry.prepare = Some(prepare::<O>);
        entry.reconcile = Some(reconcile::<O>);
        entry.assumed = Some(assumed::<O>);
        self
    }

    /// The operation of a name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All operations, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Names of the operations that run in the host.
    pub fn host_names(&self) -> Vec<String> {
        self.entries()
            .filter(|e| e.kind != Kind::Pure)
            .map(|e| e.name.to_owned())
            .collect()
    }

    /// Every operation with the kinds of resource it touches, for reading contracts.
    pub fn known_operations(&self) -> crate::intent::KnownOperations {
        self.entries()
            .map(|e| (e.name.to_owned(), e.resources.to_vec()))
            .collect()
    }

    /// Every operation as clients see it.
    pub fn infos(&self) -> Vec<ToolInfo> {
        self.entries()
            .map(|entry| {
                let (input, output) = entry.schemas();
                ToolInfo {
                    id: entry.name.to_owned(),
                    summary: entry.summary.to_owned(),
                    effect_classes: entry.classes.to_vec(),
                    version: entry.version,
                    input,
                    output,
                }
            })
            .collect()
    }
}

/// Takes `once` out of a call's arguments: it is the executor's, not the tool's.
pub fn split_once(mut args: Value) -> Result<(Value, Option<String>), ToolError> {
    let Some(object) = args.as_object_mut() else {
        return Ok((args, None));
    };
    match object.remove("once") {
        None | Some(Value::Null) => Ok((args, None)),
        Some(Value::String(once)) if !once.is_empty() && once.chars().count() <= limits::ONCE => {
            Ok((args, Some(once)))
        }
        Some(_) => Err(ToolError::invalid_input(
            "once",
            format!("`once` is a string of 1 to {} characters", limits::ONCE),
        )),
    }
}
