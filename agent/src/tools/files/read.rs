//! Looking at files and folders.

use super::place::{Place, folder};
use super::{absolute, blocking, failed, resource};
use crate::clock::BoxFuture;
use crate::tools::{
    Bytes, CallInfo, Operation, OutsideEnv, OutsideOperation, Resource, ResourceKind, ToolError,
};
use deputy_protocol::{EffectClass, FailureClass, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Read as _;

/// A path.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct PathInput {
    /// An absolute path, or one that begins with `~/`.
    path: String,
}

/// `files.read`
pub(in crate::tools) struct Read;

/// What to read, and how.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct ReadInput {
    /// An absolute path, or one that begins with `~/`.
    path: String,
    /// `text` (UTF-8, the default) or `bytes`.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    read_as: Option<String>,
}

/// A file's content.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Content {
    /// As text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// As bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<Bytes>,
}

impl Operation for Read {
    type Input = ReadInput;
    type Output = Content;
    const NAME: &'static str = "files.read";
    const SUMMARY: &'static str = "Reads a file.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &ReadInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![resource(Self::NAME, &input.path)?])
    }
}

impl OutsideOperation for Read {
    fn run<'a>(
        input: ReadInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Content, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let describe = |e: std::io::Error| failed(Self::NAME, &path, &e);
            let place = Place::open(Self::NAME, &call, &path, false)?;
            let file = place.file().map_err(describe)?;
            let mut bytes = Vec::new();
            file.take(call.max_result_bytes + 1)
                .read_to_end(&mut bytes)
                .map_err(describe)?;
            if bytes.len() as u64 > call.max_result_bytes {
                let message = format!("{path} is larger than {} bytes", call.max_result_bytes);
                return Err(ToolError::not_done(
                    FailureClass::Limit,
                    "too_large",
                    Self::NAME,
                    message,
                ));
            }
            match input.read_as.as_deref() {
                Some("bytes") => Ok(Content {
                    text: None,
                    bytes: Some(Bytes(bytes)),
                }),
                None | Some("text") => match String::from_utf8(bytes) {
                    Ok(text) => Ok(Content {
                        text: Some(text),
                        bytes: None,
                    }),
                    Err(_) => Err(ToolError::invalid_input(
                        Self::NAME,
                        format!("{path} is not UTF-8 text; read it as bytes"),
                    )),
                },
                Some(other) => Err(ToolError::invalid_input(
                    Self::NAME,
                    format!("“{other}” is neither text nor bytes"),
                )),
            }
        }))
    }
}

/// A file or folder.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Entry {
    /// Its name.
    name: String,
    /// `file`, `folder` or `other`.
    kind: String,
    /// Bytes.
    size: u64,
    /// When it was last changed (RFC 3339).
    modified: String,
}

pub(super) fn entry(name: String, stat: &rustix::fs::Stat) -> Entry {
    use rustix::fs::FileType;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => "file",
        FileType::Directory => "folder",
        _ => "other",
    };
    let ms = stat
        .st_mtime
        .saturating_mul(1_000)
        .saturating_add(i64::try_from(stat.st_mtime_nsec).unwrap_or(0) / 1_000_000);
    Entry {
        name,
        kind: kind.to_owned(),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: Time(ms).to_string(),
    }
}

/// `files.list`
pub(in crate::tools) struct List;

/// What is in a folder.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Listing {
    /// By name; links are left out.
    entries: Vec<Entry>,
}

/// The most entries that a listing has.
const MAX_ENTRIES: usize = 10_000;

impl Operation for List {
    type Input = PathInput;
    type Output = Listing;
    const NAME: &'static str = "files.list";
    const SUMMARY: &'static str = "Lists a folder.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &PathInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![resource(Self::NAME, &input.path)?])
    }
}

impl OutsideOperation for List {
    fn run<'a>(
        input: PathInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Listing, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let describe = |e: std::io::Error| failed(Self::NAME, &path, &e);
            let open = folder(Self::NAME, &call, &path)?;
            let names = rustix::fs::Dir::read_from(&open).map_err(|e| describe(e.into()))?;
            let mut entries = Vec::new();
            for found in names {
                let found = found.map_err(|e| describe(e.into()))?;
                let name = found.file_name().to_string_lossy().into_owned();
                if name == "." || name == ".." {
                    continue;
                }
                let Ok(stat) = rustix::fs::statat(
                    &open,
                    found.file_name(),
                    rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
                ) else {
                    // Gone since it was listed.
                    continue;
                };
                if rustix::fs::FileType::from_raw_mode(stat.st_mode)
                    == rustix::fs::FileType::Symlink
                {
                    continue;
                }
                if entries.len() == MAX_ENTRIES {
                    let message = format!("{path} holds more than {MAX_ENTRIES} entries");
                    return Err(ToolError::not_done(
                        FailureClass::Limit,
                        "too_large",
                        Self::NAME,
                        message,
                    ));
                }
                entries.push(entry(name, &stat));
            }
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(Listing { entries })
        }))
    }
}

/// `files.stat`
pub(in crate::tools) struct Stat;

/// What is at a path.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct StatOutput {
    /// Null when nothing is there.
    entry: Option<Entry>,
}

impl Operation for Stat {
    type Input = PathInput;
    type Output = StatOutput;
    const NAME: &'static str = "files.stat";
    const SUMMARY: &'static str = "Says what is at a path, if anything.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &PathInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![resource(Self::NAME, &input.path)?])
    }
}

impl OutsideOperation for Stat {
    fn run<'a>(
        input: PathInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<StatOutput, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let place = match Place::open(Self::NAME, &call, &path, false) {
                Ok(place) => place,
                Err(error) if error.code == "not_found" => return Ok(StatOutput { entry: None }),
                Err(error) => return Err(error),
            };
            match place.stat() {
                Ok(stat) => Ok(StatOutput {
                    entry: Some(entry(place.name.to_string_lossy().into_owned(), &stat)),
                }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Ok(StatOutput { entry: None })
                }
                Err(error) => Err(failed(Self::NAME, &path, &error)),
            }
        }))
    }
}
