//! `cargo xtask web`: the client core as WebAssembly, and the page that it stands behind.
//!
//! Rust's WebAssembly target comes from `rustup`, or where that has no network, from Debian's own
//! packages, unpacked into `target/`. Nothing is installed outside the checkout.

use crate::node;
use crate::tools::{Done, cargo, find, root, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a page is built, in its folder, until it is known whether it is another.
const NEW: &str = "dist.new";

const TARGET: &str = "wasm32-unknown-unknown";

/// The page, as the agent takes it in when it is built after this.
pub(crate) fn web() -> Done {
    core()?;
    let folder = root().join("ui-web");
    node::install(&folder)?;
    // Beside the last one, which stays when it is the same: a page that was only written anew would
    // have the agent built anew, too.
    let build = ["run", "build", "--", "--outDir", NEW, "--emptyOutDir"];
    node::npm(&folder, &build)?;
    let (new, last) = (folder.join(NEW), folder.join("dist"));
    let failed = |error: std::io::Error| format!("{}: {error}", last.display());
    if last.is_dir() {
        if content(&new).map_err(failed)? == content(&last).map_err(failed)? {
            return std::fs::remove_dir_all(&new).map_err(failed);
        }
        std::fs::remove_dir_all(&last).map_err(failed)?;
    }
    std::fs::rename(&new, &last).map_err(failed)
}

/// The files of a folder, with what is in them.
fn content(folder: &Path) -> std::io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(name) = path.strip_prefix(folder) {
                found.insert(name.to_owned(), std::fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// The core, as `ui-web/core/core.js` with its types and its module.
pub(crate) fn core() -> Done {
    let target = root().join("target/web");
    let mut build = cargo(&["build", "--package", "deputy-web-core"]);
    build
        .args(["--profile", "web", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target)
        // Which of its ways to random numbers the crate `getrandom` takes.
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "--cfg getrandom_backend=\"wasm_js\"",
        );
    if !is_installed() && !add_with_rustup() {
        with_debian(&mut build)?;
    }
    run(&mut build)?;
    let module = target.join(TARGET).join("web/deputy_web_core.wasm");
    run(
        cargo(&["run", "--quiet", "--package", "xtask-bindgen", "--"])
            .arg(module)
            .arg(root().join("ui-web/core")),
    )
}

fn rustc() -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(root());
    command
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn is_installed() -> bool {
    let folder = said(rustc().args(["--print", "target-libdir", "--target", TARGET]));
    folder.is_some_and(|folder| Path::new(&folder).is_dir())
}

fn add_with_rustup() -> bool {
    if find("rustup").is_none() {
        return false;
    }
    let added = run(Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(root()));
    added.is_ok() && is_installed()
}

/// The packages, by the names that they have whatever the version is; the others follow from them.
const DEBIAN: &[&str] = &["rustc-web", "rust-web-src", "libstd-rust-web-dev"];

/// Builds with Debian's compiler and standard library sources, which know every target.
fn with_debian(build: &mut Command) -> Done {
    let prefix = root().join("target/tools/rust-web");
    if !prefix.join("usr/bin/rustc").is_file() {
        unpack(&prefix)?;
    }
    let linker = said(rustc().args(["--print", "sysroot"]))
        .map(|sysroot| find_file(Path::new(&sysroot), "rust-lld"))
        .and_then(|found| found)
        .ok_or("rust-lld, the linker for WebAssembly, is not in Rust's own folder")?;
    let library = prefix.join("usr/lib");
    let libraries = [library.clone(), library.join("x86_64-linux-gnu")];
    let path = std::env::join_paths(libraries).map_err(|e| e.to_string())?;
    build
        .env("RUSTC", prefix.join("usr/bin/rustc"))
        .env("LD_LIBRARY_PATH", path)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
        .arg("-Zbuild-std=std,panic_abort");
    Ok(())
}

fn unpack(prefix: &Path) -> Done {
    let help = "Rust's WebAssembly target is missing: rustup target add wasm32-unknown-unknown";
    if find("apt-get").is_none() || find("dpkg").is_none() {
        return Err(help.to_owned());
    }
    let folder = root().join("target/tools/rust-web-packages");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut packages: Vec<String> = DEBIAN.iter().map(|name| (*name).to_owned()).collect();
    packages.extend(versioned()?);
    run(Command::new("apt-get")
        .arg("download")
        .args(&packages)
        .current_dir(&folder))
    .map_err(|e| format!("{help} ({e})"))?;
    let entries = std::fs::read_dir(&folder).map_err(|e| e.to_string())?;
    for entry in entries.filter_map(Result::ok) {
        run(Command::new("dpkg").arg("-x").arg(entry.path()).arg(prefix))?;
    }
    Ok(())
}

/// The shared libraries that Debian's compiler needs, whose names carry a version.
fn versioned() -> Result<Vec<String>, String> {
    let shown =
        said(Command::new("apt-cache").args(["depends", "rustc-web", "libstd-rust-web-dev"]))
            .ok_or("apt-cache does not know rustc-web")?;
    let mut found: Vec<String> = shown
        .split_whitespace()
        .filter(|word| word.starts_with("libstd-rust-web-1"))
        .map(str::to_owned)
        .collect();
    let of_std = found.first().cloned().unwrap_or_default();
    let shown = said(Command::new("apt-cache").args(["depends", &of_std])).unwrap_or_default();
    found.extend(
        { shown.split_whitespace() }
            .filter(|word| word.starts_with("libllvm"))
            .map(str::to_owned),
    );
    found.sort();
    found.dedup();
    Ok(found)
}

fn find_file(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut folders = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            folders.push(path);
        } else if entry.file_name() == name {
            return Some(path);
        }
    }
    folders.iter().find_map(|folder| find_file(folder, name))
}
