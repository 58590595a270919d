//! `cargo xtask fuzz`: looks for bytes that break a promise, with libFuzzer. What it has found worth
//! keeping is played with every run of the tests, without any of what is needed here.

use crate::tools::{Done, cargo, find, root, run};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// How long each target is run when nobody says, in minutes.
const MINUTES: u64 = 15;

/// Inputs that are longer say nothing new, in bytes.
const LONGEST: u32 = 4_096;

/// Runs one target or all of them, one after the other. With `--keep` what reaches more of the code
/// than the inputs in `fuzz/corpus` is put there.
pub(crate) fn fuzz(args: &[String]) -> Done {
    let (mut named, mut minutes, mut keep) = (None, MINUTES, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--minutes" => {
                let given = args.next().and_then(|n| n.parse().ok());
                minutes = given.ok_or("--minutes needs a number")?;
            }
            "--keep" => keep = true,
            name => named = Some(name.to_owned()),
        }
    }
    let known = targets()?;
    let targets = match named {
        Some(name) if known.contains(&name) => vec![name],
        Some(name) => return Err(format!("no target {name}; there are {}", known.join(", "))),
        None => known,
    };
    compilers()?;
    let path = with_cargo_fuzz()?;
    for target in &targets {
        let found = root().join("target/fuzz").join(target);
        std::fs::create_dir_all(&found).map_err(|e| format!("{}: {e}", found.display()))?;
        let kept = root().join("fuzz/corpus").join(target);
        let libfuzzer = |folders: [&PathBuf; 2], options: &[String]| {
            let mut command = Command::new("cargo");
            // Nothing here is unsafe, so what a sanitizer looks for is not looked for.
            command
                .args(["+nightly", "fuzz", "run", "--sanitizer", "none"])
                .args(["--features", "agent", target])
                .args(folders)
                .arg("--")
                .args(options)
                .env("PATH", &path)
                .current_dir(root());
            run(&mut command)
        };
        let limits = [
            format!("-max_len={LONGEST}"),
            "-timeout=60".to_owned(),
            "-print_final_stats=1".to_owned(),
        ];
        let time = format!("-max_total_time={}", minutes.saturating_mul(60));
        libfuzzer([&found, &kept], &[&limits[..], &[time]].concat())?;
        if keep {
            let merge = "-merge=1".to_owned();
            libfuzzer([&kept, &found], &[&limits[..], &[merge]].concat())?;
        }
    }
    Ok(())
}

fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let files = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn compilers() -> Done {
    if !["c++", "g++", "clang++"]
        .iter()
        .any(|name| find(name).is_some())
    {
        return Err(
            "a C++ compiler is missing, which libFuzzer is built with: apt install g++".to_owned(),
        );
    }
    let nightly = Command::new("cargo")
        .args(["+nightly", "--version"])
        .output();
    if nightly.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    Err(
        "libFuzzer needs a nightly compiler: rustup toolchain install nightly --profile minimal"
            .to_owned(),
    )
}

/// The PATH on which `cargo fuzz` is; built into `target/` where it is nowhere.
fn with_cargo_fuzz() -> Result<OsString, String> {
    let tools = root().join("target/tools");
    let bin = tools.join("bin");
    if find("cargo-fuzz").is_none() && !bin.join("cargo-fuzz").is_file() {
        run(cargo(&["install", "--quiet", "--locked", "cargo-fuzz", "--root"]).arg(&tools))?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|e| format!("PATH: {e}"))
}
