//! `cargo xtask test`: everything that must be green before a change lands.

use crate::tools::{Done, cargo, cargo_deny, compiler, find, python_packages, root, run};
use crate::{bindings, node};
use std::path::Path;
use std::process::Command;

/// Programs that the tests use as real counterparts, with the Debian package that brings each.
const COUNTERPARTS: &[(&str, &str)] = &[
    ("postfix", "postfix"),
    ("dovecot", "dovecot-core"),
    ("faketime", "faketime"),
    ("nats-server", "nats-server"),
    ("chromium", "chromium"),
    ("openssl", "openssl"),
    ("firefox-esr", "firefox-esr"),
    ("pebble", "pebble"),
    ("radicale", "radicale"),
];

/// Test builds of the agent: they can be killed at every write, and made to run hostile code.
const TEST_FEATURES: &str = "fault-points,hostile-worker";

/// What a relay is built without unless it is asked for.
const RELAY_FEATURES: &str = "acme,cluster,push";

/// What the relay that is handed out has of them.
const RELAY_RELEASED: &str = "acme";

/// Checks and tests everything.
pub(crate) fn test() -> Done {
    compiler()?;
    counterparts()?;
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    clippy(&[])?;
    clippy(&["--package", "deputy-agent", "--features", TEST_FEATURES])?;
    clippy(&["--package", "deputy-relay", "--features", RELAY_FEATURES])?;
    dependencies()?;
    page()?;
    fault_build()?;
    relay_build()?;
    run(&mut cargo(&[
        "build",
        "--package",
        "deputy-agent",
        "--bin",
        "deputy",
    ]))?;
    node::install(&root().join("tests/oidc"))?;
    // Some of them sign in at a provider that runs on Node.
    run(cargo(&["test", "--workspace"]).env("PATH", node::path()?))?;
    run(&mut cargo(&[
        "test",
        "--package",
        "deputy-agent",
        "--features",
        TEST_FEATURES,
        "--test",
        "sandbox_native",
    ]))?;
    run(&mut cargo(&[
        "test",
        "--package",
        "deputy-relay",
        "--features",
        RELAY_FEATURES,
        "--lib",
        "--test",
        "acme",
        "--test",
        "acme_cluster",
        "--test",
        "cluster",
        "--test",
        "push",
        "--test",
        "phone",
    ]))?;
    binaries()?;
    interop()?;
    foreign()?;
    node::npm(&root().join("ui-web"), &["run", "e2e"])
}

/// The page, which the agent that is tested takes in: built, its types, its lint, its own tests.
fn page() -> Done {
    crate::web::web()?;
    let folder = root().join("ui-web");
    node::npm(&folder, &["run", "check"])?;
    node::npm(&folder, &["run", "test"])
}

/// The agent and the relay as users get them.
fn binaries() -> Done {
    run(&mut cargo(&[
        "build",
        "--package",
        "deputy-agent",
        "--bin",
        "deputy",
    ]))?;
    run(&mut cargo(&[
        "build",
        "--package",
        "deputy-relay",
        "--bin",
        "deputy-relay",
        "--features",
        RELAY_RELEASED,
    ]))
}

/// A device in Python, written from the specification alone, against the built agent and relay.
fn interop() -> Done {
    let requirements = root().join("tests/interop/requirements.txt");
    let packages = python_packages("interop", &requirements)?;
    run(&mut python("interop", &packages)?)
}

/// The phones' core through its foreign interface, in Python, against the same two.
fn foreign() -> Done {
    let folder = bindings::folder();
    bindings::make(&folder)?;
    run(&mut cargo(&["build", "--package", "deputy-model-server"]))?;
    let mut python = python("bindings", &folder.join("python"))?;
    run(python
        .arg("--model-server")
        .arg(root().join("target/debug/deputy-model-server")))
}

/// `run.py` of a folder of the tests, with modules from elsewhere.
fn python(name: &str, modules: &Path) -> Result<Command, String> {
    let debug = root().join("target/debug");
    let mut python = Command::new(find("python3").ok_or("python3 is missing")?);
    python
        .arg(root().join("tests").join(name).join("run.py"))
        .arg("--deputy")
        .arg(debug.join("deputy"))
        .arg("--relay")
        .arg(debug.join("deputy-relay"))
        .env("PYTHONPATH", modules)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(python)
}

fn counterparts() -> Done {
    let missing: Vec<&str> = COUNTERPARTS
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the tests talk to real programs that are missing here: apt install {}",
        missing.join(" ")
    ))
}

fn clippy(which: &[&str]) -> Done {
    let scope: &[&str] = if which.is_empty() {
        &["--workspace"]
    } else {
        which
    };
    run(cargo(&["clippy", "--all-targets"])
        .args(scope)
        .args(["--", "--deny", "warnings"]))
}

/// Licences, bans and sources. Advisories need a database from the network and are looked at apart.
fn dependencies() -> Done {
    let deny = cargo_deny()?;
    run(Command::new(deny)
        .args([
            "--log-level",
            "error",
            "check",
            "licenses",
            "bans",
            "sources",
        ])
        .current_dir(root()))
}

/// The build that tests kill, beside the plain one.
fn fault_build() -> Done {
    built_beside("deputy-agent", "deputy", TEST_FEATURES, "deputy-faults")
}

/// The relay with everything in it, beside the plain one: several of them are one name's in tests.
fn relay_build() -> Done {
    built_beside(
        "deputy-relay",
        "deputy-relay",
        RELAY_FEATURES,
        "deputy-relay-cluster",
    )
}

/// Builds a program with features. Cargo keeps one binary of a name, so it is copied.
fn built_beside(package: &str, program: &str, features: &str, copy: &str) -> Done {
    run(&mut cargo(&[
        "build",
        "--package",
        package,
        "--bin",
        program,
        "--features",
        features,
    ]))?;
    let debug = root().join("target/debug");
    std::fs::copy(debug.join(program), debug.join(copy))
        .map(|_| ())
        .map_err(|e| format!("the test build cannot be copied: {e}"))
}
