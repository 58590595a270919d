//! `cargo xtask bench`: figures, beside the floors and peers of the same machine.

use crate::tools::{Done, cargo, compiler, find, root, run};
use std::process::Command;

/// Runs the benchmarks of the agent (`agent`), of the relay (`relay`), or without a name of both. With
/// `--peers` those of others are measured in the same run: DBOS and Restate beside the agent,
/// installed into `target/`; iroh and its relay beside the relay.
pub(crate) fn bench(args: &[String]) -> Done {
    compiler()?;
    let (mut with_peers, mut named) = (false, None);
    for arg in args {
        match arg.as_str() {
            "--peers" => with_peers = true,
            "agent" | "relay" => named = Some(arg.as_str()),
            other => return Err(format!("no benchmark {other}; there are agent and relay")),
        }
    }
    if named != Some("relay") {
        agent(with_peers)?;
    }
    if named != Some("agent") {
        relay(with_peers)?;
    }
    Ok(())
}

fn agent(with_peers: bool) -> Done {
    for bench in ["runs", "idle"] {
        run(cargo(&["bench", "--package", "deputy-agent", "--bench"]).arg(bench))?;
    }
    if with_peers {
        let python = find("python3").ok_or("python3 is missing; the peers need it")?;
        run(Command::new(python).arg(root().join("tests/peers/compare.py")))?;
    }
    Ok(())
}

fn relay(with_peers: bool) -> Done {
    run(&mut cargo(&[
        "bench",
        "--package",
        "deputy-relay",
        "--bench",
        "relay",
    ]))?;
    if with_peers {
        let peers = root().join("target/peers/relay");
        let mut beside = cargo(&["run", "--release", "--locked", "--manifest-path"]);
        beside
            .arg(root().join("tests/peers/relay/Cargo.toml"))
            .arg("--target-dir")
            .arg(&peers)
            .args(["--", "--json"])
            .arg(peers.with_extension("json"));
        run(&mut beside)?;
    }
    Ok(())
}
