//! `csv`: tables as text (RFC 4180). Runs inside the sandbox's process.

use super::{Operation, PureOperation, ToolError};
use deputy_protocol::EffectClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// `csv.parse`
pub(super) struct Parse;

/// A table as text.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParseInput {
    /// The table.
    text: String,
    /// Whether the first line names the columns (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<bool>,
    /// The character between fields: a comma, unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delimiter: Option<char>,
    /// Take lines with fewer fields than the first (the missing ones are empty) or more (they become
    /// columns of their own). Without it such a line is an error.
    #[serde(default)]
    ragged: bool,
}

/// A table.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Table {
    /// The columns' names in their order, with a header. A name that comes again gets a number
    /// (`name_2`), an empty one is `column_3` after its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    /// The lines by column, with a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Vec<BTreeMap<String, String>>>,
    /// The lines as they are, without a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Vec<String>>>,
}

impl Operation for Parse {
    type Input = ParseInput;
    type Output = Table;
    const NAME: &'static str = "csv.parse";
    const SUMMARY: &'static str = "Reads a table in CSV.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Parse {
    fn run(input: ParseInput) -> Result<Table, ToolError> {
        let bad = |message: String| ToolError::invalid_input(Self::NAME, message);
        let text = input.text.strip_prefix('\u{feff}').unwrap_or(&input.text);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter(Self::NAME, input.delimiter)?)
            .flexible(input.ragged)
            .from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| bad(describe(&e)))?;
            rows.push(record.iter().map(str::to_owned).collect::<Vec<_>>());
        }
        if input.header == Some(false) {
            return Ok(Table {
                columns: None,
                records: None,
                rows: Some(rows),
            });
        }
        let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut rows = rows.into_iter();
        let mut header = rows.next().unwrap_or_default();
        header.resize(widest, String::new());
        let columns = unique(header);
        let records = rows
            .map(|row| {
                let fields = row.into_iter().chain(std::iter::repeat(String::new()));
                columns.iter().cloned().zip(fields).collect()
            })
            .collect();
        Ok(Table {
            columns: Some(columns),
            records: Some(records),
            rows: None,
        })
    }
}

fn delimiter(tool: &str, given: Option<char>) -> Result<u8, ToolError> {
    match given {
        None => Ok(b','),
        Some(c) if c.is_ascii() && !matches!(c, '"' | '\r' | '\n') => Ok(c as u8),
        Some(c) => Err(ToolError::invalid_input(
            tool,
            format!("{c:?} cannot stand between fields; use one such as , ; | or a tab"),
        )),
    }
}

fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!(
                "line {line} has {len} fields, the first has {expected_len}; `ragged: true` takes such lines"
            )
        }
        _ => error.to_string(),
    }
}

/// Names of which each is there once, so that no column hides another.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut result = Vec::with_capacity(names.len());
    for (i, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() {
            format!("column_{}", i + 1)
        } else {
            name
        };
        let mut candidate = name.clone();
        let mut n = 2;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{name}_{n}");
            n += 1;
        }
        result.push(candidate);
    }
    result
}

/// `csv.format`
pub(super) struct Format;

/// A table to write: `records` or `rows`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatInput {
    /// Lines by column. Values are texts, numbers, booleans or null (an empty field).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Vec<BTreeMap<String, Value>>>,
    /// Lines as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Vec<Value>>>,
    /// Which columns, in which order. For records: all that occur, by name, unless it is said; for
    /// rows: the header's names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    /// Whether a first line names the columns (the default, where the names are known).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<bool>,
    /// The character between fields: a comma, unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delimiter: Option<char>,
}

/// A table as text.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Text {
    /// The table; its lines end with a line feed.
    text: String,
}

impl Operation for Format {
    type Input = FormatInput;
    type Output = Text;
    const NAME: &'static str = "csv.format";
    const SUMMARY: &'static str = "Writes a table in CSV.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Format {
    fn run(input: FormatInput) -> Result<Text, ToolError> {
        let bad = |message: String| ToolError::invalid_input(Self::NAME, message);
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter(Self::NAME, input.delimiter)?)
            .flexible(true)
            .from_writer(Vec::new());
        let (columns, rows) = match (input.records, input.rows) {
            (Some(records), None) => {
                let columns = input.columns.unwrap_or_else(|| {
                    let all: std::collections::BTreeSet<_> =
                        records.iter().flat_map(BTreeMap::keys).cloned().collect();
                    all.into_iter().collect()
                });
                let rows = records
                    .into_iter()
                    .map(|mut record| {
                        columns
                            .iter()
                            .map(|name| record.remove(name).unwrap_or(Value::Null))
                            .collect()
                    })
                    .collect();
                (Some(columns), rows)
            }
            (None, Some(rows)) => (input.columns, rows),
            _ => return Err(bad("one of `records` and `rows` is wanted".to_owned())),
        };
        match columns {
            Some(columns) if input.header != Some(false) && !columns.is_empty() => writer
                .write_record(&columns)
                .map_err(|e| bad(e.to_string()))?,
            None if input.header == Some(true) => {
                return Err(bad("a header for rows needs `columns`".to_owned()));
            }
            Some(_) | None => {}
        }
        for (i, row) in rows.iter().enumerate() {
            let fields = row
                .iter()
                .map(field)
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| {
                    bad(format!(
                        "line {} holds an object or a list; a field is a text, number, boolean or null",
                        i + 1
                    ))
                })?;
            if fields.is_empty() {
                return Err(bad(format!("line {} has no fields", i + 1)));
            }
            writer
                .write_record(&fields)
                .map_err(|e| bad(e.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|e| bad(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|e| bad(e.to_string()))?;
        Ok(Text { text })
    }
}

fn field(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parse(args: Value) -> Result<Value, ToolError> {
        Parse::run(serde_json::from_value(args).unwrap()).map(|t| serde_json::to_value(t).unwrap())
    }

    fn format(args: Value) -> Result<String, ToolError> {
        Format::run(serde_json::from_value(args).unwrap()).map(|t| t.text)
    }

    #[test]
    fn lines_come_by_column_in_quotes_or_not() {
        let table =
            parse(json!({"text": "\u{feff}name,note\r\nAda,\"a, \"\"b\"\"\nc\"\r\n"})).unwrap();
        assert_eq!(
            table,
            json!({"columns": ["name", "note"], "records": [{"name": "Ada", "note": "a, \"b\"\nc"}]})
        );
    }

    #[test]
    fn without_a_header_and_with_another_delimiter_lines_come_as_they_are() {
        let table =
            parse(json!({"text": "a;b\nc;d\n", "header": false, "delimiter": ";"})).unwrap();
        assert_eq!(table, json!({"rows": [["a", "b"], ["c", "d"]]}));
    }

    #[test]
    fn no_column_hides_another() {
        let table = parse(json!({"text": "a,a,,a_2\n1,2,3,4\n"})).unwrap();
        assert_eq!(table["columns"], json!(["a", "a_2", "column_3", "a_2_2"]));
        assert_eq!(table["records"][0]["a_2_2"], "4");
    }

    #[test]
    fn a_ragged_line_is_an_error_that_names_the_line_unless_it_is_taken() {
        let error = parse(json!({"text": "a,b\n1\n"})).unwrap_err();
        assert!(error.message.contains("line 2"), "{}", error.message);
        let table = parse(json!({"text": "a,b\n1\n1,2,3\n", "ragged": true})).unwrap();
        assert_eq!(
            table["records"][0],
            json!({"a": "1", "b": "", "column_3": ""})
        );
        assert_eq!(table["records"][1]["column_3"], "3");
    }

    #[test]
    fn values_are_written_as_text_and_nested_ones_are_refused() {
        let text = format(json!({"records": [{"b": 1.5, "a": null}, {"a": true, "c": "x,y"}]}));
        assert_eq!(text.unwrap(), "a,b,c\n,1.5,\ntrue,,\"x,y\"\n");
        let text = format(json!({"records": [{"b": 1, "a": 2}], "columns": ["b"]}));
        assert_eq!(text.unwrap(), "b\n1\n");
        for bad in [
            json!({"rows": [[{}]]}),
            json!({"rows": [[]]}),
            json!({}),
            json!({"rows": [["a"]], "header": true}),
            json!({"rows": [["a"]], "delimiter": "\""}),
        ] {
            assert!(format(bad.clone()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            rows in (1usize..5).prop_flat_map(|n| proptest::collection::vec(proptest::collection::vec("[a-z ,;\"'\r\n\tü=]{0,6}", n), 0..6)),
            delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        ) {
            let text = format(json!({"rows": rows, "delimiter": delimiter})).unwrap();
            let table = parse(json!({"text": text, "header": false, "delimiter": delimiter})).unwrap();
            prop_assert_eq!(&table["rows"], &json!(rows));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = parse(json!({"text": text, "ragged": true}));
        }
    }
}
