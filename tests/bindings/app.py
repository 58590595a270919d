"""What an app has: a listener that hands over to its own loop, a keeper, and a paired device."""

import asyncio
import os
import tempfile
from pathlib import Path

import deputy_ffi as core
from world import LONGEST, expect, within


class Told(core.Listener):
    """Remembers what it was told, in the loop's own thread."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.notices = []
        self.more = asyncio.Event()

    def told(self, notice):
        self.loop.call_soon_threadsafe(self.take, notice)

    def take(self, notice):
        self.notices.append(notice)
        self.more.set()

    async def until(self, condition):
        """What the condition gives once that is something; looked at after each notice."""
        while True:
            self.more.clear()
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await within(self.more.wait())

    def of(self, kind):
        return [notice for notice in self.notices if isinstance(notice, kind)]

    def events(self):
        return [notice.event for notice in self.of(core.Notice.HAPPENED)]

    def commands(self, number):
        """The states that a command went through."""
        changes = self.of(core.Notice.COMMAND_CHANGED)
        return [change.command.state for change in changes if change.command.id == number]

    def fates(self, number):
        """Their names."""
        return [type(state).__name__.split(".")[-1] for state in self.commands(number)]


class InMemory(core.Keeper):
    """Keeps in the app what would be in files."""

    def __init__(self):
        self.sealed = {}

    def keep(self, what, sealed):
        self.sealed[what] = sealed

    def kept(self, what):
        return self.sealed.get(what)


class App:
    """An app on a phone, with its own directory."""

    def __init__(self, device, directory=None):
        self.device = device
        self.directory = directory or tempfile.mkdtemp(prefix="deputy-app-")
        self.told = Told()
        self.agent = core.Agent.open(device, self.directory, self.told)

    def is_open(self):
        return self.agent.line().is_OPEN()

    async def opened(self):
        await self.told.until(self.is_open)
        return self

    async def applied(self, number):
        """Waits until a command was applied; what the agent answered."""

        async def settled():
            for command in await self.agent.commands():
                if command.id == number and command.state.is_APPLIED():
                    return command.state
                refused = command.state.is_REFUSED() or command.state.is_UNKNOWN()
                expect(command.id != number or not refused, f"not applied: {command}")

        return (await self.told.until(settled)).answer

    async def do(self, act):
        return await self.applied(await self.agent.command(act))


async def pair(world, rights="view,control,approve", name="phone"):
    """A device that was trusted at the agent, whose person saw the same phrase on both."""
    number, link = await world.begin_pairing(rights=rights)
    comparing = await within(core.pair(link, name))
    shown = await world.cli("pair", "--id", number, codes=(0, 4))
    expect(shown["state"] == "compare" and shown["device_name"] == name, f"it shows {shown}")
    expect(comparing.phrase() == shown["phrase"], f"{comparing.phrase()} and {shown['phrase']}")
    finish = asyncio.create_task(comparing.finish())
    await world.cli("pair", "--id", number, "--same")
    return await within(finish)


def threads():
    """How many threads of the library there are."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        try:
            names.append((task / "comm").read_text().strip())
        except FileNotFoundError:
            pass
    return names.count("deputy")


def sockets():
    """The sockets of this process."""
    links = set()
    for file in os.listdir("/proc/self/fd"):
        try:
            links.add(os.readlink(f"/proc/self/fd/{file}"))
        except FileNotFoundError:
            pass
    return {link for link in links if link.startswith("socket:")}


async def settled(condition):
    """Waits for what nobody tells."""
    async with asyncio.timeout(LONGEST):
        while not condition():
            await asyncio.sleep(0.05)
