#!/usr/bin/env python3
"""Deputy beside DBOS (Python, SQLite) and Restate (single node), in one run on one machine.

Each is asked for the same: a workflow of ten durable steps and an empty one, one at a time and 50
at a time. The peers are installed from their registries into `target/peers`; nothing else is
changed on the machine. All of them write to the disk that the build is on.

    python3 tests/peers/compare.py            # everything
    python3 tests/peers/compare.py dbos       # one of: deputy, dbos, restate
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PEERS = ROOT / "target" / "peers"
ONE_AT_A_TIME = 100
AT_ONCE = 50


def deputy() -> dict[str, float]:
    """Medians of the project's own benchmark: milliseconds a run, steps and runs a second."""
    command = ["cargo", "bench", "--package", "deputy-agent", "--bench", "runs"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    units = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}
    medians = {}
    for name, rest in re.findall(r"[├╰]─ (\w+) +(.*)", shown):
        value, unit = rest.split("│")[2].split()[:2]
        medians[name] = float(value) * units[unit]
    return {
        "ten_ms": medians["ten_effect_steps_one_at_a_time"],
        "empty_ms": medians["an_empty_run_one_at_a_time"],
        "steps_per_s": 10_000 / medians["ten_effect_steps_of_fifty_automations"] * 1e3,
        "empty_per_s": 3_000 / medians["empty_runs_of_fifty_automations"] * 1e3,
    }


def dbos() -> dict[str, float]:
    """A process of its own, so that its interpreter starts clean."""
    venv = PEERS / "dbos"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "dbos"], check=True)
    for old in PEERS.glob("dbos.sqlite*"):
        old.unlink()
    shown = subprocess.run(
        [python, HERE / "dbos_peer.py", str(ONE_AT_A_TIME), str(AT_ONCE)],
        cwd=PEERS, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    return json.loads(shown.strip().splitlines()[-1])


def call(url: str, body: object, timeout: float = 60) -> bytes:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.read()


def await_answer(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def restate() -> dict[str, float]:
    """The server and a service in Node, asked over HTTP."""
    folder = PEERS / "restate"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules").exists():
        packages = ["@restatedev/restate-server", "@restatedev/restate-sdk"]
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *packages], cwd=folder, check=True)
    (folder / "peer.mjs").write_text((HERE / "restate_peer.mjs").read_text())
    subprocess.run(["rm", "-rf", "restate-data"], cwd=folder, check=True)
    environment = {**os.environ, "RESTATE_LOG_FILTER": "error", "RUST_LOG": "error"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "env": environment}
    service = subprocess.Popen(["node", "peer.mjs"], **quiet)
    server = subprocess.Popen([folder / "node_modules" / ".bin" / "restate-server"], **quiet)
    try:
        await_answer("http://127.0.0.1:9070/health")
        call("http://127.0.0.1:9070/deployments", {"uri": "http://127.0.0.1:9080"})
        shown = subprocess.run(
            ["node", HERE / "restate_load.mjs", str(ONE_AT_A_TIME), str(AT_ONCE)],
            check=True, capture_output=True, text=True,
        ).stdout
        return json.loads(shown)
    finally:
        for process in (server, service):
            process.terminate()
            process.wait()


ROWS = [
    ("ten steps, one at a time (ms, median)", "ten_ms"),
    ("empty, one at a time (ms, median)", "empty_ms"),
    ("ten steps, 50 at a time (steps/s)", "steps_per_s"),
    ("empty, 50 at a time (runs/s)", "empty_per_s"),
]


def main() -> None:
    systems = {"deputy": deputy, "dbos": dbos, "restate": restate}
    wanted = sys.argv[1:] or list(systems)
    PEERS.mkdir(parents=True, exist_ok=True)
    figures = {}
    for name in wanted:
        print(f"measuring {name} …", file=sys.stderr)
        figures[name] = systems[name]()
    print("| what | " + " | ".join(figures) + " |")
    print("| --- |" + " ---: |" * len(figures))
    for title, key in ROWS:
        cells = [f"{figures[name][key]:,.1f}" if key in figures[name] else "–" for name in figures]
        print(f"| {title} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
