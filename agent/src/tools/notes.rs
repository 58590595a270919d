//! `notes`: text kept by name in the agent's own database.

use super::{CallInfo, LocalOperation, Operation, ToolError};
use deputy_protocol::{EffectClass, FailureClass};
use rusqlite::{Connection, OptionalExtension, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

fn database(tool: &'static str) -> impl Fn(rusqlite::Error) -> ToolError {
    move |e| {
        ToolError::not_done(
            FailureClass::Transient,
            "store",
            tool,
            format!("the note could not be kept: {e}"),
        )
    }
}

/// `notes.put`
pub(super) struct Put;

/// A note to keep.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutInput {
    /// The note's name; a note of the same name is replaced.
    name: String,
    /// Its text.
    text: String,
}

/// What was kept.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PutOutput {
    /// The note's name.
    name: String,
}

impl Operation for Put {
    type Input = PutInput;
    type Output = PutOutput;
    const NAME: &'static str = "notes.put";
    const SUMMARY: &'static str = "Keeps a note under a name, replacing an earlier one.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];

    fn title(input: &Self::Input) -> String {
        format!("Note “{}”", input.name)
    }
}

impl LocalOperation for Put {
    fn apply(input: PutInput, call: &CallInfo, db: &Connection) -> Result<PutOutput, ToolError> {
        db.prepare_cached(
            "INSERT INTO notes (name, text, updated_at) VALUES (?1,?2,?3)
             ON CONFLICT (name) DO UPDATE SET text=excluded.text, updated_at=excluded.updated_at",
        )
        .and_then(|mut q| q.execute(params![input.name, input.text, call.now.0]))
        .map_err(database(Self::NAME))?;
        Ok(PutOutput { name: input.name })
    }
}

/// `notes.get`
pub(super) struct Get;

/// Which note.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetInput {
    /// The note's name.
    name: String,
}

/// The note, if there is one.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct GetOutput {
    /// Its text; null when there is no such note.
    text: Option<String>,
}

impl Operation for Get {
    type Input = GetInput;
    type Output = GetOutput;
    const NAME: &'static str = "notes.get";
    const SUMMARY: &'static str = "Reads a note by its name.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
}

impl LocalOperation for Get {
    fn apply(input: GetInput, _call: &CallInfo, db: &Connection) -> Result<GetOutput, ToolError> {
        let text = db
            .prepare_cached("SELECT text FROM notes WHERE name=?1")
            .and_then(|mut q| q.query_row([input.name], |r| r.get(0)).optional())
            .map_err(database(Self::NAME))?;
        Ok(GetOutput { text })
    }
}

/// `notes.search`
pub(super) struct Search;

/// What to look for.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchInput {
    /// Text that the note's name or text contains, in any case.
    text: String,
}

/// Notes that were found.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SearchOutput {
    /// At most 100, by name.
    notes: Vec<Found>,
}

/// A note.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Found {
    /// Its name.
    name: String,
    /// Its text.
    text: String,
}

impl Operation for Search {
    type Input = SearchInput;
    type Output = SearchOutput;
    const NAME: &'static str = "notes.search";
    const SUMMARY: &'static str = "Finds notes that contain a text.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
}

impl LocalOperation for Search {
    fn apply(
        input: SearchInput,
        _call: &CallInfo,
        db: &Connection,
    ) -> Result<SearchOutput, ToolError> {
        let search = || -> rusqlite::Result<Vec<Found>> {
            let mut query = db.prepare_cached(
                "SELECT name, text FROM notes WHERE instr(lower(name), lower(?1)) OR instr(lower(text), lower(?1))
                 ORDER BY name LIMIT 100",
            )?;
            query
                .query_map([&input.text], |r| {
                    Ok(Found {
                        name: r.get(0)?,
                        text: r.get(1)?,
                    })
                })?
                .collect()
        };
        Ok(SearchOutput {
            notes: search().map_err(database(Self::NAME))?,
        })
    }
}
