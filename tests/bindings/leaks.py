"""A thousand objects, opened and dropped: no thread, no socket, no memory and no listener stays."""

import asyncio
import ctypes
import gc
import os
import weakref

import deputy_ffi as core
from app import InMemory, Told, pair, settled, sockets, threads
from world import expect, within

MANY = 1000
AT_ONCE = 250
# A relay lets only so many dials of one route through, so not all of them ask.
ASKS = 20
# What the library has for good once it was needed.
WORKERS = 2
# Less than 9 KiB each, which no object with a buffer in it would fit into.
LEEWAY = 8 << 20


def memory():
    """What this process has, without what its allocator only has not given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def open_and_drop(device, number, traces):
    """One object, dropped on its way to the agent; some have asked before, and ask when they go."""
    told, keeper = Told(), InMemory()
    agent = core.Agent.open_with_keeper(device, keeper, told)
    traces.extend(map(weakref.ref, (agent, told, keeper)))
    if number % ASKS:
        return
    await within(agent.watch(core.Question.NEEDS(all=False)))
    expect((await within(agent.status())).version, "no version")
    asking = asyncio.create_task(agent.runs(None, None, 10))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])


async def many(devices, count, before):
    """So many, until nothing is left of them; traces of what Python has of them."""
    traces = []
    for begin in range(0, count, AT_ONCE):
        numbers = range(begin, begin + AT_ONCE)
        opened = (open_and_drop(devices[n % len(devices)], n, traces) for n in numbers)
        await asyncio.gather(*opened)
        gc.collect()
        await settled(lambda: threads() == WORKERS and sockets() == before)
    return traces


async def a_thousand_objects_leave_nothing(world):
    devices = [(await pair(world, name=f"phone {n}")).device for n in range(3)]
    await world.app.agent.let_go()
    gc.collect()
    await settled(lambda: threads() == WORKERS)
    before = sockets()
    # What the interpreter and the library learn at the beginning.
    await many(devices, AT_ONCE, before)
    had = memory()
    traces = await many(devices, MANY, before)
    grown = memory() - had
    alive = [trace() for trace in traces if trace() is not None]
    expect(len(traces) == 3 * MANY, f"{len(traces)} traces")
    expect(alive == [], f"{len(alive)} are alive, e.g. {alive[:1]}")
    print(f"   {MANY} objects: {grown / MANY:.0f} bytes each", flush=True)
    expect(grown < LEEWAY, f"{grown} bytes more than before")


CHECKS = [a_thousand_objects_leave_nothing]
