//! Finding files below a folder, within bounds and never through a link.

use super::place::{beneath, folder};
use super::read::{Entry, entry};
use super::{absolute, blocking, failed, resource};
use crate::clock::BoxFuture;
use crate::tools::{
    CallInfo, Operation, OutsideEnv, OutsideOperation, Resource, ResourceKind, ToolError,
};
use deputy_protocol::EffectClass;
use glob::{MatchOptions, Pattern};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;

/// `files.search`
pub(in crate::tools) struct Search;

/// What to look for, and where.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct SearchInput {
    /// The folder: an absolute path, or one that begins with `~/`.
    path: String,
    /// What the file's name is like, in any case: `*.pdf`, `invoice-??.txt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Text that the file contains, in any case. Files above 10 MiB and such as are not UTF-8 text
    /// are not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// At most so many; 1,000 unless less is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

/// Files that were found.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Found {
    /// By path. Links and what is behind them are left out.
    files: Vec<FoundFile>,
    /// Whether there may be more: a bound was reached (the limit, 100,000 entries, 32 folders deep,
    /// 1 GiB looked into).
    truncated: bool,
}

/// A file that was found.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct FoundFile {
    /// Its path.
    path: String,
    /// The file.
    #[serde(flatten)]
    entry: Entry,
    /// The number of the first line that contains the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// That line, at most 200 characters of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

const MAX_FOUND: usize = 1_000;
const MAX_ENTRIES: usize = 100_000;
const MAX_DEPTH: usize = 32;
const MAX_FILE: u64 = 10 << 20;
const MAX_BYTES: u64 = 1 << 30;
const EXCERPT: usize = 200;

impl Operation for Search {
    type Input = SearchInput;
    type Output = Found;
    const NAME: &'static str = "files.search";
    const SUMMARY: &'static str = "Finds files below a folder by name and content.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &SearchInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![resource(Self::NAME, &input.path)?])
    }

    fn title(input: &SearchInput) -> String {
        format!("Search in {}", input.path)
    }
}

impl OutsideOperation for Search {
    fn run<'a>(
        input: SearchInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Found, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let name = input
                .name
                .as_deref()
                .map(Pattern::new)
                .transpose()
                .map_err(|e| {
                    ToolError::invalid_input(Self::NAME, format!("the name is no pattern: {e}"))
                })?;
            let open = folder(Self::NAME, &call, &path)?;
            let mut walk = Walk {
                name,
                text: input.text.map(|text| text.to_lowercase()),
                limit: input.limit.unwrap_or(MAX_FOUND).min(MAX_FOUND),
                entries: 0,
                bytes: 0,
                found: Found {
                    files: Vec::new(),
                    truncated: false,
                },
            };
            walk.folder(&open, &path, 0)
                .map_err(|e| failed(Self::NAME, &path, &e))?;
            Ok(walk.found)
        }))
    }
}

struct Walk {
    name: Option<Pattern>,
    text: Option<String>,
    limit: usize,
    entries: usize,
    bytes: u64,
    found: Found,
}

impl Walk {
    /// Looks through an open folder, files and folders by name. Below the first one, what cannot be
    /// read is passed over, as is what went away meanwhile.
    fn folder(&mut self, folder: &OwnedFd, path: &str, depth: usize) -> std::io::Result<()> {
        let mut names: Vec<OsString> = Vec::new();
        for found in Dir::read_from(folder)? {
            let name = found?.file_name().to_string_lossy().into_owned();
            if matches!(name.as_str(), "." | ".." | super::write::TRASH) {
                continue;
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                self.found.truncated = true;
                break;
            }
            names.push(name.into());
        }
        names.sort_unstable();
        for name in names {
            let Ok(stat) = statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let shown = name.to_string_lossy();
            let inner = format!("{}/{shown}", path.trim_end_matches('/'));
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => self.file(folder, &name, inner, &stat),
                FileType::Directory if depth == MAX_DEPTH => self.found.truncated = true,
                FileType::Directory => {
                    if let Ok(open) = beneath(folder, Path::new(&name)) {
                        let _ = self.folder(&open, &inner, depth + 1);
                    }
                }
                _ => {}
            }
            if self.found.truncated && self.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.found.files.len() >= self.limit || self.entries > MAX_ENTRIES || self.bytes > MAX_BYTES
    }

    fn file(&mut self, folder: &OwnedFd, name: &OsString, path: String, stat: &rustix::fs::Stat) {
        let shown = name.to_string_lossy();
        let any_case = MatchOptions {
            case_sensitive: false,
            ..MatchOptions::new()
        };
        if let Some(pattern) = &self.name
            && !pattern.matches_with(&shown, any_case)
        {
            return;
        }
        if self.is_full() {
            self.found.truncated = true;
            return;
        }
        let (line, excerpt) = match &self.text {
            None => (None, None),
            Some(text) => {
                let Some(content) = content(folder, name, stat) else {
                    return;
                };
                self.bytes += content.len() as u64;
                let hit = content
                    .lines()
                    .zip(1u64..)
                    .find(|(line, _)| line.to_lowercase().contains(text.as_str()));
                let Some((hit, number)) = hit else {
                    return;
                };
                let excerpt = hit.trim().chars().take(EXCERPT).collect();
                (Some(number), Some(excerpt))
            }
        };
        self.found.files.push(FoundFile {
            path,
            entry: entry(shown.into_owned(), stat),
            line,
            excerpt,
        });
    }
}

/// A file's text, if it is one that is looked into.
fn content(folder: &OwnedFd, name: &OsString, stat: &rustix::fs::Stat) -> Option<String> {
    if u64::try_from(stat.st_size).ok()? > MAX_FILE {
        return None;
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(openat(folder, name, flags, Mode::empty()).ok()?);
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}
