//! Takes the built page (`ui-web/dist`, made by `cargo xtask web`) into the agent. Without it the
//! agent says in its place how to make it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let page = here.join("../ui-web/dist");
    // A folder that is not there yet is looked for again at each build.
    println!("cargo::rerun-if-changed={}", page.display());
    let mut files = Vec::new();
    collect(&page, &page, &mut files);
    files.sort();
    let mut text = String::from("pub(super) const FILES: &[(&str, &[u8])] = &[\n");
    for (path, file) in files {
        // Writing to a string does not fail.
        let _ = writeln!(text, "    ({path:?}, include_bytes!({file:?})),");
    }
    text += "];\n";
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = std::fs::write(out.join("page_files.rs"), text) {
        println!("cargo::error=the page cannot be taken in: {error}");
    }
}

/// The files of a folder, by the paths under which they are served.
fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(relative) = path.strip_prefix(root) {
            let served = relative.to_string_lossy().replace('\\', "/");
            files.push((format!("/{served}"), path.canonicalize().unwrap_or(path)));
        }
    }
}
