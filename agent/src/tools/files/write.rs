//! Changing files. Nothing is ever deleted: `trash` moves into a folder beside, from where it can
//! be taken back.

use super::place::Place;
use super::{absolute, blocking, failed, resource};
use crate::clock::BoxFuture;
use crate::tools::{
    Bytes, CallInfo, Operation, OutsideEnv, OutsideOperation, Reconciled, Resource, ResourceKind,
    ToolError,
};
use deputy_protocol::{EffectClass, FailureClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{self, Read as _};
use std::sync::{Mutex, PoisonError};

/// Where something now is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Put {
    /// The path.
    path: String,
}

/// `files.write`
pub(in crate::tools) struct Write;

/// What to write.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct WriteInput {
    /// An absolute path, or one that begins with `~/`; missing folders are made.
    path: String,
    /// Text to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Bytes to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<Bytes>,
}

fn content(tool: &str, input: WriteInput) -> Result<Vec<u8>, ToolError> {
    match (input.text, input.bytes) {
        (Some(text), None) => Ok(text.into_bytes()),
        (None, Some(bytes)) => Ok(bytes.0),
        _ => Err(ToolError::invalid_input(
            tool,
            "one of `text` and `bytes` is wanted",
        )),
    }
}

impl Operation for Write {
    type Input = WriteInput;
    type Output = Put;
    const NAME: &'static str = "files.write";
    const SUMMARY: &'static str = "Writes a file whole, replacing an earlier one.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &WriteInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![resource(Self::NAME, &input.path)?])
    }

    fn title(input: &WriteInput) -> String {
        format!("Write {}", input.path)
    }
}

impl OutsideOperation for Write {
    fn run<'a>(
        input: WriteInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Put, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let bytes = content(Self::NAME, input)?;
            let place = Place::open(Self::NAME, &call, &path, true)?;
            place
                .replace(&mut bytes.as_slice())
                .map_err(|e| failed(Self::NAME, &path, &e))?;
            Ok(Put { path })
        }))
    }
}

/// Held while a file is read and written anew with something added.
static APPENDING: Mutex<()> = Mutex::new(());

/// `files.append`
pub(in crate::tools) struct Append;

impl Operation for Append {
    type Input = WriteInput;
    type Output = Put;
    const NAME: &'static str = "files.append";
    const SUMMARY: &'static str = "Adds to the end of a file, making it if there is none.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Reconcilable];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &WriteInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![resource(Self::NAME, &input.path)?])
    }

    fn title(input: &WriteInput) -> String {
        format!("Add to {}", input.path)
    }
}

fn length_and_hash(place: &Place) -> io::Result<(u64, String)> {
    match place.file() {
        Ok(mut file) => {
            let mut hasher = blake3::Hasher::new();
            let length = io::copy(&mut file, &mut hasher)?;
            Ok((length, hasher.finalize().to_hex().to_string()))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Ok((0, blake3::hash(b"").to_hex().to_string()))
        }
        Err(e) => Err(e),
    }
}

impl OutsideOperation for Append {
    fn prepare<'a>(
        input: WriteInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let place = Place::open(Self::NAME, &call, &path, false);
            let (length, hash) = match place {
                Ok(place) => length_and_hash(&place).map_err(|e| failed(Self::NAME, &path, &e))?,
                Err(error) if error.code == "not_found" => {
                    (0, blake3::hash(b"").to_hex().to_string())
                }
                Err(error) => return Err(error),
            };
            Ok(json!({"length": length, "hash": hash}))
        }))
    }

    fn run<'a>(
        input: WriteInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Put, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let more = content(Self::NAME, input)?;
            let describe = |e: io::Error| failed(Self::NAME, &path, &e);
            let place = Place::open(Self::NAME, &call, &path, true)?;
            // Two runs that append to one file at a time would each write it without the other's.
            let _alone = APPENDING.lock().unwrap_or_else(PoisonError::into_inner);
            // Written anew and renamed, so that a crash leaves the old file or the new one.
            match place.file() {
                Ok(old) => place
                    .replace(&mut old.chain(more.as_slice()))
                    .map_err(describe)?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    place.replace(&mut more.as_slice()).map_err(describe)?
                }
                Err(e) => return Err(describe(e)),
            }
            Ok(Put { path })
        }))
    }

    fn reconcile<'a>(
        input: WriteInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<Put>> {
        let call = call.clone();
        Box::pin(async move {
            let looked = blocking(Self::NAME, move || {
                let path = absolute(Self::NAME, &input.path)?;
                let more = content(Self::NAME, input)?;
                let place = match Place::open(Self::NAME, &call, &path, false) {
                    Ok(place) => place,
                    Err(error) if error.code == "not_found" => return Ok(Reconciled::Absent),
                    Err(error) => return Err(error),
                };
                let (length, hash) =
                    length_and_hash(&place).map_err(|e| failed(Self::NAME, &path, &e))?;
                let (before, was) = (
                    call.prepared["length"].as_u64(),
                    call.prepared["hash"].as_str(),
                );
                Ok(if Some(length) == before && Some(hash.as_str()) == was {
                    Reconciled::Absent
                } else if Some(length) == before.map(|b| b + more.len() as u64)
                    && tail_is(&place, &more)
                {
                    Reconciled::Happened(Put { path })
                } else {
                    // Somebody else wrote as well.
                    Reconciled::Unknowable
                })
            });
            looked.await.unwrap_or_else(Reconciled::TryLater)
        })
    }
}

fn tail_is(place: &Place, tail: &[u8]) -> bool {
    let mut bytes = Vec::new();
    place
        .file()
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .is_ok()
        && bytes.ends_with(tail)
}

/// From where to where.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct FromTo {
    /// An absolute path, or one that begins with `~/`.
    from: String,
    /// An absolute path, or one that begins with `~/`; missing folders are made.
    to: String,
}

/// `files.copy`
pub(in crate::tools) struct Copy;

impl Operation for Copy {
    type Input = FromTo;
    type Output = Put;
    const NAME: &'static str = "files.copy";
    const SUMMARY: &'static str = "Copies a file, replacing an earlier copy.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Idempotent];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &FromTo) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![
            resource(Self::NAME, &input.from)?,
            resource(Self::NAME, &input.to)?,
        ])
    }

    fn title(input: &FromTo) -> String {
        format!("Copy {} to {}", input.from, input.to)
    }
}

impl OutsideOperation for Copy {
    fn run<'a>(
        input: FromTo,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Put, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let (from, to) = (
                absolute(Self::NAME, &input.from)?,
                absolute(Self::NAME, &input.to)?,
            );
            let source = Place::open(Self::NAME, &call, &from, false)?;
            let mut file = source.file().map_err(|e| failed(Self::NAME, &from, &e))?;
            let place = Place::open(Self::NAME, &call, &to, true)?;
            place
                .replace(&mut file)
                .map_err(|e| failed(Self::NAME, &to, &e))?;
            Ok(Put { path: to })
        }))
    }
}

/// Moves without replacing anything.
fn move_to(tool: &'static str, source: &Place, target: &Place) -> Result<(), ToolError> {
    let renamed = rustix::fs::renameat_with(
        &source.folder,
        &source.name,
        &target.folder,
        &target.name,
        rustix::fs::RenameFlags::NOREPLACE,
    );
    let path = source.path.display().to_string();
    match renamed {
        Ok(()) => {}
        Err(rustix::io::Errno::XDEV) => {
            let message = format!(
                "{path} cannot be moved to another disk; copy it, then put it into the trash"
            );
            return Err(ToolError::not_done(
                FailureClass::Logic,
                "other_disk",
                tool,
                message,
            ));
        }
        Err(e) => return Err(failed(tool, &path, &e.into())),
    }
    target
        .sync_folder()
        .and_then(|()| source.sync_folder())
        .map_err(|e| {
            ToolError::unknown(
                FailureClass::Transient,
                "io",
                tool,
                format!("{path} was moved, but the disk did not confirm it: {e}"),
            )
        })
}

fn inode(place: &Place) -> Option<(u64, u64)> {
    place.stat().ok().map(|stat| (stat.st_dev, stat.st_ino))
}

fn prepare_move(tool: &'static str, call: &CallInfo, from: &str) -> Result<Value, ToolError> {
    let from = absolute(tool, from)?;
    let source = Place::open(tool, call, &from, false)?;
    let stat = source.stat().map_err(|e| failed(tool, &from, &e))?;
    Ok(json!({"device": stat.st_dev, "inode": stat.st_ino}))
}

/// Whether the file that was to be moved is at its source or at its target.
fn look_up_move(
    call: &CallInfo,
    source: Option<&Place>,
    target: Option<&Place>,
    path: String,
) -> Reconciled<Put> {
    let meant = (
        call.prepared["device"].as_u64(),
        call.prepared["inode"].as_u64(),
    );
    let is = |place: Option<&Place>| {
        place
            .and_then(inode)
            .is_some_and(|(d, i)| (Some(d), Some(i)) == meant)
    };
    if is(target) {
        Reconciled::Happened(Put { path })
    } else if is(source) {
        Reconciled::Absent
    } else {
        Reconciled::Unknowable
    }
}

/// `files.move`
pub(in crate::tools) struct Move;

impl Operation for Move {
    type Input = FromTo;
    type Output = Put;
    const NAME: &'static str = "files.move";
    const SUMMARY: &'static str = "Moves a file or folder; never over another one.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Reconcilable];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &FromTo) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![
            resource(Self::NAME, &input.from)?,
            resource(Self::NAME, &input.to)?,
        ])
    }

    fn title(input: &FromTo) -> String {
        format!("Move {} to {}", input.from, input.to)
    }
}

impl OutsideOperation for Move {
    fn prepare<'a>(
        input: FromTo,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            prepare_move(Self::NAME, &call, &input.from)
        }))
    }

    fn run<'a>(
        input: FromTo,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Put, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let (from, to) = (
                absolute(Self::NAME, &input.from)?,
                absolute(Self::NAME, &input.to)?,
            );
            let source = Place::open(Self::NAME, &call, &from, false)?;
            let target = Place::open(Self::NAME, &call, &to, true)?;
            move_to(Self::NAME, &source, &target)?;
            Ok(Put { path: to })
        }))
    }

    fn reconcile<'a>(
        input: FromTo,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<Put>> {
        let call = call.clone();
        Box::pin(async move {
            let looked = blocking(Self::NAME, move || {
                let (from, to) = (
                    absolute(Self::NAME, &input.from)?,
                    absolute(Self::NAME, &input.to)?,
                );
                let source = Place::open(Self::NAME, &call, &from, false).ok();
                let target = Place::open(Self::NAME, &call, &to, false).ok();
                Ok(look_up_move(&call, source.as_ref(), target.as_ref(), to))
            });
            looked.await.unwrap_or_else(Reconciled::TryLater)
        })
    }
}

/// `files.trash`
pub(in crate::tools) struct Trash;

/// What to put into the trash.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct TrashInput {
    /// An absolute path, or one that begins with `~/`.
    path: String,
}

/// Where trashed things go: a folder beside them, so that it is always the same disk and a grant.
pub(super) const TRASH: &str = ".deputy-trash";

/// The most bytes of a file's name, on every file system that counts.
const LONGEST_NAME: usize = 255;

fn trash_path(path: &str, call: &CallInfo) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let id = &call.effect_id[..call.effect_id.len().min(8)];
    // A name that has no room for the id loses its beginning: its ending says what the file is.
    let too_many = (id.len() + 1 + name.len()).saturating_sub(LONGEST_NAME);
    let from = (too_many..=name.len()).find(|at| name.is_char_boundary(*at));
    let name = &name[from.unwrap_or_default()..];
    format!("{folder}/{TRASH}/{id}-{name}")
}

impl Operation for Trash {
    type Input = TrashInput;
    type Output = Put;
    const NAME: &'static str = "files.trash";
    const SUMMARY: &'static str = "Puts a file into a trash folder beside it; nothing is deleted.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Reconcilable];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Folders];

    fn resources(input: &TrashInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![resource(Self::NAME, &input.path)?])
    }

    fn title(input: &TrashInput) -> String {
        format!("Put {} into the trash", input.path)
    }
}

impl OutsideOperation for Trash {
    fn prepare<'a>(
        input: TrashInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            prepare_move(Self::NAME, &call, &input.path)
        }))
    }

    fn run<'a>(
        input: TrashInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Put, ToolError>> {
        let call = call.clone();
        Box::pin(blocking(Self::NAME, move || {
            let path = absolute(Self::NAME, &input.path)?;
            let to = trash_path(&path, &call);
            let source = Place::open(Self::NAME, &call, &path, false)?;
            let target = Place::open(Self::NAME, &call, &to, true)?;
            move_to(Self::NAME, &source, &target)?;
            Ok(Put { path: to })
        }))
    }

    fn reconcile<'a>(
        input: TrashInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Reconciled<Put>> {
        let call = call.clone();
        Box::pin(async move {
            let looked = blocking(Self::NAME, move || {
                let path = absolute(Self::NAME, &input.path)?;
                let to = trash_path(&path, &call);
                let source = Place::open(Self::NAME, &call, &path, false).ok();
                let target = Place::open(Self::NAME, &call, &to, false).ok();
                Ok(look_up_move(&call, source.as_ref(), target.as_ref(), to))
            });
            looked.await.unwrap_or_else(Reconciled::TryLater)
        })
    }
}
