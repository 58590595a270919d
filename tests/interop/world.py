"""A relay and an agent in directories of their own, and the agent's command line."""

import asyncio
import json
import os
import re
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

from client import Device, new_key, within
from pairing import PairingLink

STARTING = 60


class World:
    def __init__(self, deputy):
        self.deputy = deputy
        self.home = None
        self.automation = None

    async def cli(self, *words, codes=(0,)):
        """What `deputy … --json` prints."""
        process = await asyncio.create_subprocess_exec(
            self.deputy, *words, "--json",
            env=os.environ | {"DEPUTY_HOME": str(self.home)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await within(process.communicate())
        except BaseException:
            if process.returncode is None:
                process.kill()
            raise
        if process.returncode not in codes:
            said = (out + err).decode()
            raise RuntimeError(f"`deputy {' '.join(words)}` exits with {process.returncode}: {said}")
        return json.loads(out)

    async def begin_pairing(self, rights="view,control,approve"):
        """The pairing's id, and its link, parsed."""
        begun = await self.cli("pair", "--rights", rights, codes=(0, 4))
        return begun["id"], PairingLink.parse(begun["link"])

    async def pair(self, carrier="quic", rights="view,control,approve"):
        """A device that was trusted, and its conversation."""
        number, link = await self.begin_pairing(rights)
        device = Device(new_key(), link.agent, link.relays)
        talk, phrase = await device.pair(carrier, link)
        assert (await talk.told("compare"))["phrase"] == phrase
        await self.cli("pair", "--id", number, codes=(0, 4))
        await self.cli("pair", "--id", number, "--same")
        said = await talk.told("paired")
        device.paired(said)
        device.id = said["device"]
        return device, talk


async def first_line(process, pattern):
    """The first match in what a process prints."""
    seen = ""
    while True:
        line = (await asyncio.wait_for(process.stdout.readline(), STARTING)).decode()
        if not line:
            raise RuntimeError(f"a process ended before it was ready, and said: {seen or 'nothing'}")
        seen += line
        match = re.search(pattern, line)
        if match:
            return match


@asynccontextmanager
async def world(deputy, relay):
    """Everything runs; at the end nothing does, and nothing is left on the disk."""
    running, drains = [], []
    directory = Path(tempfile.mkdtemp(prefix="deputy-interop-"))

    async def start(*words, **more):
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, **more
        )
        running.append(process)
        return process

    async def drain(process):
        while await process.stdout.readline():
            pass

    try:
        joiner = await start(
            relay, "--self-signed", "--listen", "127.0.0.1:0", stderr=asyncio.subprocess.STDOUT
        )
        port = (await first_line(joiner, r"listen=127\.0\.0\.1:(\d+)")).group(1)
        printed = (await first_line(joiner, r'sha256="?([\w-]+)')).group(1)
        this = World(deputy)
        this.home = directory / "home"
        with (directory / "agent.log").open("wb") as log:
            agent = await start(
                deputy, "up", "--json", "--no-open", "--listen", "127.0.0.1:0",
                "--relay", f"127.0.0.1:{port}#{printed}",
                env=os.environ | {"DEPUTY_HOME": str(this.home)}, stderr=log,
            )
        await first_line(agent, r'"state":\s*"running"')
        drains = [asyncio.create_task(drain(process)) for process in running]
        proposal = await this.cli(
            "delegate", "remind me every weekday at 9 to stand up", codes=(0, 4)
        )
        this.automation = (await this.cli("proposal", "accept", proposal["id"]))["automation"]
        yield this
    finally:
        for process in reversed(running):
            if process.returncode is None:
                process.kill()
            await process.wait()
        await asyncio.gather(*drains, return_exceptions=True)
        shutil.rmtree(directory, ignore_errors=True)
