//! A path held inside a granted folder. On Linux the kernel resolves it beneath the folder's own
//! descriptor, so that no link and no exchange of a folder in between leads out; elsewhere the path
//! is made canonical and compared.

use super::failed;
use crate::tools::{CallInfo, ToolError};
use deputy_protocol::FailureClass;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A file's folder, open, and its name in it.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder that holds it.
    pub(super) folder: OwnedFd,
    /// Its name there.
    pub(super) name: OsString,
    /// Its path, for messages.
    pub(super) path: PathBuf,
}

/// The granted folder (or file) that holds a path.
fn granted<'a>(tool: &'static str, call: &'a CallInfo, path: &str) -> Result<PathBuf, ToolError> {
    call.granted_folders
        .iter()
        .filter_map(|folder: &'a String| {
            if folder == "*" {
                Some("/".to_owned())
            } else {
                crate::intent::expand_home(folder)
            }
        })
        .filter(|folder| Path::new(path).starts_with(folder))
        .map(PathBuf::from)
        .max_by_key(|folder| folder.as_os_str().len())
        .ok_or_else(|| {
            let message = format!("the contract does not let {tool} touch {path}");
            ToolError::not_done(FailureClass::Permission, "folder", tool, message)
        })
}

/// Opens a folder itself, to look at what is in it.
pub(super) fn folder(
    tool: &'static str,
    call: &CallInfo,
    path: &str,
) -> Result<OwnedFd, ToolError> {
    let root = granted(tool, call, path)?;
    let inner = Path::new(path).strip_prefix(&root);
    descend(&root, inner.unwrap_or(Path::new("")), false).map_err(|e| failed(tool, path, &e))
}

/// From a granted folder down, never through a link; with `create`, missing folders are made.
fn descend(root: &Path, inner: &Path, create: bool) -> io::Result<OwnedFd> {
    let mut folder: OwnedFd = File::open(root)?.into();
    for part in inner.components() {
        let part = Path::new(part.as_os_str());
        folder = match beneath(&folder, part) {
            Err(e) if create && e.kind() == io::ErrorKind::NotFound => {
                match rustix::fs::mkdirat(&folder, part, rustix::fs::Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                    Err(e) => return Err(e.into()),
                }
                beneath(&folder, part)?
            }
            other => other?,
        };
    }
    Ok(folder)
}

impl Place {
    /// Opens the folder of a path; with `create`, missing folders inside the granted one are made.
    pub(super) fn open(
        tool: &'static str,
        call: &CallInfo,
        path: &str,
        create: bool,
    ) -> Result<Self, ToolError> {
        let root = granted(tool, call, path)?;
        let path = PathBuf::from(path);
        // A grant of a file itself is one of its folder, for that name only.
        let root = if path == root {
            root.parent().unwrap_or(&root).to_owned()
        } else {
            root
        };
        let name = path.file_name().unwrap_or_default().to_owned();
        let parent = path.parent().unwrap_or(Path::new("/"));
        let inner = parent.strip_prefix(&root).unwrap_or(Path::new(""));
        let folder = descend(&root, inner, create)
            .map_err(|e| failed(tool, &path.display().to_string(), &e))?;
        Ok(Self { folder, name, path })
    }

    /// Opens the file itself, never through a link.
    pub(super) fn file(&self) -> io::Result<File> {
        let flags = rustix::fs::OFlags::RDONLY
            | rustix::fs::OFlags::NOFOLLOW
            | rustix::fs::OFlags::CLOEXEC
            | rustix::fs::OFlags::NONBLOCK;
        let fd = rustix::fs::openat(&self.folder, &self.name, flags, rustix::fs::Mode::empty())?;
        Ok(File::from(fd))
    }

    /// What is there, not following a link.
    pub(super) fn stat(&self) -> io::Result<rustix::fs::Stat> {
        Ok(rustix::fs::statat(
            &self.folder,
            &self.name,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    /// Puts content in its place whole: a new file beside it, on disk, then renamed over it.
    pub(super) fn replace(&self, content: &mut dyn io::Read) -> io::Result<()> {
        use rustix::fs::{AtFlags, Mode, OFlags};
        // Of the name's hash, as the name itself may have no room for more.
        let hash = blake3::hash(self.name.as_encoded_bytes()).to_hex();
        let temporary = format!(".deputy-{}-{}", std::process::id(), &hash[..16]);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut write = || -> io::Result<()> {
            let mut file = File::from(rustix::fs::openat(
                &self.folder,
                &temporary,
                flags,
                Mode::from_raw_mode(0o644),
            )?);
            io::copy(content, &mut file)?;
            file.sync_all()?;
            rustix::fs::renameat(&self.folder, &temporary, &self.folder, &self.name)?;
            self.sync_folder()
        };
        let written = write();
        if written.is_err() {
            // Half a file helps nobody; that it cannot be removed changes nothing.
            let _ = rustix::fs::unlinkat(&self.folder, &temporary, AtFlags::empty());
        }
        written
    }

    /// Has the folder's own change on disk.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.folder.as_fd())?)
    }
}

/// Opens a folder right beneath another.
#[cfg(target_os = "linux")]
pub(super) fn beneath(folder: &OwnedFd, part: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(folder, part, flags, Mode::empty(), resolve)?)
}

/// Opens a folder right beneath another: one component, never a link.
#[cfg(not(target_os = "linux"))]
pub(super) fn beneath(folder: &OwnedFd, part: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags, openat};
    Ok(openat(
        folder,
        part,
        OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}
