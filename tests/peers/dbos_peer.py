"""DBOS on SQLite, measured from inside its own process. Prints one line of JSON."""

import json
import statistics
import sys
import time

from dbos import DBOS, DBOSConfig

config: DBOSConfig = {"name": "peer", "system_database_url": "sqlite:///dbos.sqlite", "log_level": "ERROR"}
DBOS(config=config)


@DBOS.step()
def step(n: int) -> int:
    return n


@DBOS.workflow()
def ten() -> None:
    for n in range(10):
        step(n)


@DBOS.workflow()
def empty() -> None:
    return None


def median_ms(workflow, times: int) -> float:
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        workflow()
        spans.append((time.perf_counter() - began) * 1e3)
    return statistics.median(spans)


def per_second(workflow, at_once: int, rounds: int) -> float:
    began = time.perf_counter()
    for _ in range(rounds):
        handles = [DBOS.start_workflow(workflow) for _ in range(at_once)]
        for handle in handles:
            handle.get_result()
    return at_once * rounds / (time.perf_counter() - began)


DBOS.launch()
one_at_a_time, at_once = int(sys.argv[1]), int(sys.argv[2])
ten(), empty()
figures = {
    "ten_ms": median_ms(ten, one_at_a_time),
    "empty_ms": median_ms(empty, one_at_a_time),
    "steps_per_s": 10 * per_second(ten, at_once, 4),
    "empty_per_s": per_second(empty, at_once, 8),
}
print(json.dumps(figures), flush=True)
DBOS.destroy()
