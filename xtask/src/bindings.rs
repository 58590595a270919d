//! `cargo xtask bindings`: the phones' core, and Swift, Kotlin and Python in front of it.

use crate::tools::{Done, cargo, root, run};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};

/// Into `target/bindings`, or where `--out` says.
pub(crate) fn bindings(args: &[String]) -> Done {
    let folder = match args {
        [] => folder(),
        [out, folder] if out == "--out" => {
            std::path::absolute(folder).map_err(|e| format!("{folder}: {e}"))?
        }
        _ => return Err("cargo xtask bindings [--out DIR]".to_owned()),
    };
    make(&folder)?;
    println!("\nSwift, Kotlin and Python are in {}", folder.display());
    Ok(())
}

/// Where they are when nothing else is said.
pub(crate) fn folder() -> PathBuf {
    root().join("target/bindings")
}

/// A folder for each language. The generator is of the version that the library is built with; what
/// it makes is the same for every platform.
pub(crate) fn make(folder: &Path) -> Done {
    run(&mut cargo(&["build", "--package", "deputy-ffi"]))?;
    let name = format!("{DLL_PREFIX}deputy_ffi{DLL_SUFFIX}");
    let library = root().join("target/debug").join(&name);
    run(
        cargo(&["run", "--quiet", "--package", "xtask-uniffi", "--"])
            .arg(&library)
            .arg(folder),
    )?;
    // Python looks for the library beside its own file.
    std::fs::copy(&library, folder.join("python").join(&name))
        .map(|_| ())
        .map_err(|e| format!("the library cannot be copied: {e}"))
}
