//! File triggers: an item for each new version of a file in a watched folder, once it has settled.
//!
//! A version is a path, a time of modification and a size: the dedupe key, so a restart fires for
//! nothing twice. What changed while nobody watched (the agent was down, the automation paused) is
//! seen when watching begins, as far as it changed after the contract was accepted. A folder that
//! is missing pauses its automations and asks a person.

use crate::executor::{Parts, open_need, pause_automation};
use crate::intent::expand_home;
use crate::needs;
use crate::store::inbox::{self, NewInput, Put};
use crate::store::needs::{NewNeed, withdraw};
use crate::store::{Durability, StoreError, automations, triggers};
use deputy_protocol::{AutomationState, NeedKind, SourceKind, Time};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rusqlite::Connection;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

/// How long a file must not have changed before it is reported, in milliseconds.
pub const SETTLE_MS: i64 = 2_000;

/// How long files wait when their automation's queue is full, in milliseconds.
const FULL_PAUSE_MS: i64 = 60_000;

/// Endings of files that a program is still writing and will rename.
const UNFINISHED: &[&str] = &[
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".tmp",
    ".swp",
    "~",
];

/// A trigger that watches a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Watching {
    automation: i64,
    position: u32,
    /// Since when it counts; earlier changes are not its business.
    since: Time,
}

type Folders = BTreeMap<PathBuf, BTreeSet<Watching>>;

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    size: u64,
    /// Nanoseconds since the epoch.
    modified: u128,
    /// When it came to be what and where it is (a moved file keeps its `modified`), in milliseconds.
    changed: Time,
}

struct Settling {
    version: Version,
    /// When it is looked at again.
    at: Time,
    /// Its change was seen as it happened.
    live: bool,
}

struct Settled {
    path: PathBuf,
    version: Version,
    live: bool,
}

enum Seen {
    Changed(Vec<PathBuf>),
    /// The system lost count, or a folder itself changed.
    LookAgain,
}

/// The watcher of all folders, to be run once.
pub struct FolderWatch {
    parts: Arc<Parts>,
    changes: watch::Receiver<u64>,
    /// Made when the first folder is watched.
    watcher: Option<RecommendedWatcher>,
    seen: UnboundedReceiver<Seen>,
    tell: UnboundedSender<Seen>,
    folders: Folders,
    settling: BTreeMap<PathBuf, Settling>,
}

impl FolderWatch {
    /// A watcher for the triggers in the store; it looks at them again whenever they change.
    pub fn new(parts: Arc<Parts>) -> Self {
        let (tell, seen) = unbounded_channel();
        Self {
            changes: parts.arrivals.triggers(),
            parts,
            watcher: None,
            seen,
            tell,
            folders: Folders::new(),
            settling: BTreeMap::new(),
        }
    }

    /// Runs until the agent stops.
    pub async fn run(mut self) {
        let (stopping, clock) = (self.parts.stopping.clone(), self.parts.clock.clone());
        self.changes.mark_changed();
        loop {
            let wake = self.settling.values().map(|s| s.at).min();
            let settled = async {
                match wake {
                    Some(at) => clock.until(at, at.plus_ms(-SETTLE_MS)).await,
                    None => std::future::pending().await,
                }
            };
            let done = tokio::select! {
                changed = self.changes.changed() => match changed {
                    Ok(()) => self.refresh().await,
                    Err(_) => return,
                },
                Some(seen) = self.seen.recv() => self.saw(seen).await,
                () = settled => self.settle().await,
                () = stopping.cancelled() => return,
            };
            match done {
                Ok(()) => {}
                Err(StoreError::Stopped) => return,
                Err(error) => {
                    // Nothing is lost: watching begins anew with a look at every folder.
                    tracing::error!(%error, "watched folders cannot be looked at; trying again soon");
                    self.folders.clear();
                    self.watcher = None;
                    self.changes.mark_changed();
                    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                }
            }
        }
    }

    /// Watches what the active contracts say, and nothing else.
    async fn refresh(&mut self) -> Result<(), StoreError> {
        let wanted = self.parts.store.read(wanted).await?;
        let gone: Vec<PathBuf> = (self.folders.keys())
            .filter(|folder| !wanted.contains_key(*folder))
            .cloned()
            .collect();
        for folder in gone {
            self.unwatch(&folder);
        }
        for (folder, triggers) in wanted {
            match self.watch(&folder) {
                Ok(()) => self.begin(folder, triggers).await?,
                Err(message) => {
                    self.unwatch(&folder);
                    self.missing(&folder, triggers, message).await?;
                }
            }
        }
        Ok(())
    }

    fn unwatch(&mut self, folder: &Path) {
        self.folders.remove(folder);
        self.settling
            .retain(|path, _| path.parent() != Some(folder));
        if let Some(watcher) = &mut self.watcher {
            // A folder that is gone is not watched any more as it is.
            let _ = watcher.unwatch(folder);
        }
        if self.folders.is_empty() {
            self.watcher = None;
        }
    }

    fn watch(&mut self, folder: &Path) -> Result<(), String> {
        if !folder.is_dir() {
            return Err(format!("there is no folder {}", folder.display()));
        }
        if self.folders.contains_key(folder) {
            return Ok(());
        }
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            None => {
                let tell = self.tell.clone();
                let made = notify::recommended_watcher(move |event| {
                    // Without a receiver the agent is stopping.
                    let _ = translate(event).map(|seen| tell.send(seen));
                });
                self.watcher.insert(made.map_err(|e| e.to_string())?)
            }
        };
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .map_err(|e| format!("the folder {} cannot be watched: {e}", folder.display()))?;
        self.folders.insert(folder.to_owned(), BTreeSet::new());
        Ok(())
    }

    /// Looks through a folder for the triggers that were not watching it yet.
    async fn begin(
        &mut self,
        folder: PathBuf,
        triggers: BTreeSet<Watching>,
    ) -> Result<(), StoreError> {
        let known = self.folders.entry(folder.clone()).or_default();
        let new: Vec<Watching> = triggers.difference(known).cloned().collect();
        *known = triggers;
        if new.is_empty() {
            return Ok(());
        }
        self.scan(&folder).await;
        let (now, folder) = (self.parts.clock.now(), folder.display().to_string());
        self.parts
            .store
            .write(Durability::Ordered, move |db| {
                for trigger in new {
                    withdraw(db, None, Some(&dedupe(trigger.automation, &folder)), now)?;
                }
                Ok(())
            })
            .await
    }

    async fn scan(&mut self, folder: &Path) {
        let folder = folder.to_owned();
        let found = tokio::task::spawn_blocking(move || {
            let Ok(entries) = std::fs::read_dir(&folder) else {
                return Vec::new();
            };
            entries
                .flatten()
                .filter_map(|entry| Some((entry.path(), version(&entry.path())?)))
                .collect()
        })
        .await
        .unwrap_or_default();
        let at = self.parts.clock.now().plus_ms(SETTLE_MS);
        for (path, version) in found {
            self.settling.entry(path).or_insert(Settling {
                version,
                at,
                live: false,
            });
        }
    }

    async fn missing(
        &self,
        folder: &Path,
        triggers: BTreeSet<Watching>,
        message: String,
    ) -> Result<(), StoreError> {
        let (now, folder) = (self.parts.clock.now(), folder.display().to_string());
        self.parts
            .store
            .write(Durability::Ordered, move |db| {
                for Watching { automation, .. } in triggers {
                    let Some(row) = automations::row(db, automation)? else {
                        continue;
                    };
                    if row.state != AutomationState::Active {
                        continue;
                    }
                    pause_automation(db, automation, &message, now)?;
                    open_need(
                        db,
                        &NewNeed {
                            kind: NeedKind::Precondition,
                            dedupe: dedupe(automation, &folder),
                            title: format!(
                                "Something that “{}” relies on is missing: {message}",
                                row.name
                            ),
                            automation: Some(automation),
                            run: None,
                            seq: None,
                            choices: needs::choices(NeedKind::Precondition),
                            detail: json!({"folder": folder, "message": message}),
                        },
                        now,
                    )?;
                }
                Ok(())
            })
            .await
    }

    async fn saw(&mut self, first: Seen) -> Result<(), StoreError> {
        let (mut paths, mut look_again) = (BTreeSet::new(), false);
        let mut next = Some(first);
        while let Some(seen) = next {
            match seen {
                Seen::Changed(changed) => paths.extend(changed),
                Seen::LookAgain => look_again = true,
            }
            next = self.seen.try_recv().ok();
        }
        let touched: Vec<PathBuf> = (self.folders.keys())
            .filter(|folder| look_again || paths.contains(*folder) || !folder.is_dir())
            .cloned()
            .collect();
        let at = self.parts.clock.now().plus_ms(SETTLE_MS);
        let inside = paths
            .into_iter()
            .filter(|path| path.parent().is_some_and(|p| self.folders.contains_key(p)))
            .collect();
        for (path, version) in versions(inside).await {
            match version {
                Some(version) => {
                    let live = true;
                    self.settling.insert(path, Settling { version, at, live });
                }
                None => {
                    self.settling.remove(&path);
                }
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        // The folder may be another one by now: watch it anew, or find it missing.
        for folder in touched {
            self.unwatch(&folder);
        }
        self.refresh().await
    }

    /// Reports the files that did not change since they were looked at last.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        for settling in self.settling.values_mut() {
            // A clock that was set back makes no file wait longer.
            settling.at = settling.at.min(now.plus_ms(SETTLE_MS));
        }
        let due = (self.settling.iter())
            .filter(|(_, settling)| settling.at <= now)
            .map(|(path, _)| path.clone())
            .collect();
        let mut settled = Vec::new();
        for (path, version) in versions(due).await {
            let Some(settling) = self.settling.get_mut(&path) else {
                continue;
            };
            match version {
                Some(version) if version == settling.version => {
                    let live = settling.live;
                    self.settling.remove(&path);
                    settled.push(Settled {
                        path,
                        version,
                        live,
                    });
                }
                Some(version) => {
                    settling.version = version;
                    settling.at = now.plus_ms(SETTLE_MS);
                }
                None => {
                    self.settling.remove(&path);
                }
            }
        }
        settled.sort_by(|a, b| (a.version.modified, &a.path).cmp(&(b.version.modified, &b.path)));
        self.report(settled, now).await
    }

    async fn report(&mut self, settled: Vec<Settled>, now: Time) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let folders = self.folders.clone();
        let (arrived, resting, full) = self
            .parts
            .store
            .write(Durability::Ordered, move |db| {
                let (mut arrived, mut resting) = (BTreeSet::new(), BTreeSet::new());
                let mut full = Vec::new();
                for file in settled {
                    let watching = file.path.parent().and_then(|folder| folders.get(folder));
                    let mut held = false;
                    for trigger in watching.into_iter().flatten() {
                        if !file.live && file.version.changed < trigger.since {
                            continue;
                        }
                        match put(db, trigger, &file, now)? {
                            Reported::New => {
                                arrived.insert(trigger.automation);
                            }
                            Reported::Known => {}
                            Reported::Resting => {
                                resting.insert(trigger.clone());
                            }
                            Reported::Full => held = true,
                        }
                    }
                    if held {
                        full.push(file);
                    }
                }
                Ok((arrived, resting, full))
            })
            .await?;
        for automation in arrived {
            self.parts.arrivals.announce(automation);
        }
        // What rests is looked through from the start when it is watched again.
        for triggers in self.folders.values_mut() {
            triggers.retain(|trigger| !resting.contains(trigger));
        }
        for file in full {
            let settling = Settling {
                version: file.version,
                at: now.plus_ms(FULL_PAUSE_MS),
                live: file.live,
            };
            self.settling.insert(file.path, settling);
        }
        Ok(())
    }
}

enum Reported {
    New,
    Known,
    Resting,
    Full,
}

fn put(
    db: &Connection,
    trigger: &Watching,
    file: &Settled,
    now: Time,
) -> Result<Reported, StoreError> {
    let row = automations::row(db, trigger.automation)?;
    let active = row.is_some_and(|row| row.state == AutomationState::Active);
    let same = |row: &triggers::TriggerRow| {
        row.position == trigger.position
            && row.anchor_at == trigger.since
            && row.spec.get("file").is_some()
    };
    if !active || !triggers::of(db, trigger.automation)?.iter().any(same) {
        return Ok(Reported::Resting);
    }
    let path = file.path.display().to_string();
    let dedupe = format!(
        "file:{path}:{}:{}",
        file.version.modified, file.version.size
    );
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let modified = i64::try_from(file.version.modified / 1_000_000).unwrap_or(i64::MAX);
    let put = inbox::put_if_room(
        db,
        &NewInput {
            automation: trigger.automation,
            source: SourceKind::File,
            source_id: trigger.position.to_string(),
            topic: None,
            dedupe,
            title: format!("file {name}"),
            payload: json!({"path": path, "name": name, "size": file.version.size, "modified": Time(modified)}),
            due_at: now,
            caused_by: None,
        },
    )?;
    Ok(match put {
        Some(Put::New(_)) => Reported::New,
        Some(Put::Known(_)) => Reported::Known,
        None => Reported::Full,
    })
}

/// The dedupe key of the item about a folder that is missing.
fn dedupe(automation: i64, folder: &str) -> String {
    format!("precondition:a{automation}:folder:{folder}")
}

/// The folders of the active automations' triggers.
fn wanted(db: &Connection) -> Result<Folders, StoreError> {
    let mut folders = Folders::new();
    for row in triggers::of_active(db, "file")? {
        let folder = row.spec["file"].as_str().and_then(expand_home);
        let Some(folder) = folder else { continue };
        folders
            .entry(PathBuf::from(folder))
            .or_default()
            .insert(Watching {
                automation: row.automation,
                position: row.position,
                since: row.anchor_at,
            });
    }
    Ok(folders)
}

fn translate(event: notify::Result<notify::Event>) -> Option<Seen> {
    let event = match event {
        Ok(event) if event.need_rescan() => return Some(Seen::LookAgain),
        Ok(event) => event,
        Err(_) => return Some(Seen::LookAgain),
    };
    match event.kind {
        // That somebody looked at a file, or who may, is no change of it.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return None,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => {}
    }
    Some(Seen::Changed(event.paths))
}

async fn versions(paths: Vec<PathBuf>) -> Vec<(PathBuf, Option<Version>)> {
    tokio::task::spawn_blocking(move || {
        paths
            .into_iter()
            .map(|path| {
                let version = version(&path);
                (path, version)
            })
            .collect()
    })
    .await
    .unwrap_or_default()
}

/// A file's present version; `None` for what is not a file that a person would call finished.
fn version(path: &Path) -> Option<Version> {
    let name = path.file_name()?.to_string_lossy();
    if name.starts_with('.') || UNFINISHED.iter().any(|end| name.ends_with(end)) {
        return None;
    }
    let metadata = path.symlink_metadata().ok().filter(|m| m.is_file())?;
    let modified = since_epoch(metadata.modified().ok()?);
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt;
        Time(metadata.ctime() * 1_000 + metadata.ctime_nsec() / 1_000_000)
    };
    #[cfg(not(unix))]
    let changed = {
        let created = metadata.created().map_or(0, since_epoch).max(modified);
        Time(i64::try_from(created / 1_000_000).unwrap_or(i64::MAX))
    };
    Some(Version {
        size: metadata.len(),
        modified,
        changed,
    })
}

fn since_epoch(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}
