"""A relay and an agent in directories of their own, and the agent's command line."""

import asyncio
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

LONGEST = 60


async def within(awaitable):
    """Everything here comes about or fails."""
    return await asyncio.wait_for(awaitable, LONGEST)


class Unexpected(Exception):
    """Something else happened than the interface promises."""


def expect(true, what):
    if not true:
        raise Unexpected(what)


class Process:
    """A program that runs until it is killed; what it prints is read, so that it never waits."""

    def __init__(self, process):
        self.process = process
        self.drain = None

    @classmethod
    async def start(cls, pattern, *words, **more):
        """Started, and so far that it has printed each pattern, whose group is given."""
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            **more,
        )
        this = cls(process)
        found = await within(this.first(pattern))
        this.drain = asyncio.create_task(this.rest())
        return this, found

    async def first(self, pattern):
        seen = ""
        while line := (await self.process.stdout.readline()).decode():
            seen += line
            if match := re.search(pattern, line):
                return match
        await self.process.wait()
        raise RuntimeError(f"a program ended before it was ready, and said: {seen or 'nothing'}")

    async def rest(self):
        while await self.process.stdout.readline():
            pass

    def stop(self):
        """It is there and does nothing until it goes on."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    async def kill9(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        if self.drain:
            await self.drain


class World:
    def __init__(self, binaries, directory):
        self.binaries = binaries
        self.directory = directory
        self.home = directory / "home"
        self.relay = None
        self.agent = None
        self.model = None
        self.port = 0

    async def openssl(self, *words):
        process = await asyncio.create_subprocess_exec(
            "openssl", *words, cwd=self.directory, stderr=asyncio.subprocess.DEVNULL
        )
        expect(await within(process.wait()) == 0, f"openssl {words} failed")

    async def start_relay(self):
        """On the port and with the certificate that it had before."""
        self.relay, found = await Process.start(
            r"listen=127\.0\.0\.1:(\d+)",
            self.binaries.relay,
            "--certificate", self.directory / "chain.pem",
            "--key", self.directory / "key.pem",
            "--name", "127.0.0.1", "--listen", f"127.0.0.1:{self.port}",
            # A thousand apps on one machine, twice.
            "--rate-per-address", "100000",
            "--connections-per-address", "100000",
            stderr=asyncio.subprocess.STDOUT,
        )
        self.port = int(found.group(1))

    async def start_agent(self):
        chain = (self.directory / "chain.pem").read_text()
        der = ssl.PEM_cert_to_DER_cert(chain)
        name = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
        with (self.directory / "agent.log").open("ab") as log:
            self.agent, _ = await Process.start(
                r'"state":\s*"running"',
                self.binaries.deputy, "up", "--json", "--no-open", "--listen", "127.0.0.1:0",
                "--relay", f"127.0.0.1:{self.port}#{name}",
                env=os.environ | {"DEPUTY_HOME": str(self.home)},
                stderr=log,
            )

    async def start_model(self, lines):
        """A provider that says these, and is the agent's from now on."""
        script = self.directory / "model.json"
        script.write_text(json.dumps(lines))
        self.model, found = await Process.start("http.*", self.binaries.model_server, script)
        url = ("--base-url", found.group(0).strip())
        model = ("--provider", "anthropic", "--model", "claude-sonnet-4-5", "--key-stdin")
        await self.cli("model", "set", *model, *url, words_in=b"sk-scripted-key\n")

    async def cli(self, *words, codes=(0,), words_in=b""):
        """What `deputy … --json` prints."""
        process = await asyncio.create_subprocess_exec(
            self.binaries.deputy, *words, "--json",
            env=os.environ | {"DEPUTY_HOME": str(self.home)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await within(process.communicate(words_in))
        if process.returncode not in codes:
            said = (out + err).decode()
            raise RuntimeError(f"`deputy {' '.join(words)}` exits with {process.returncode}: {said}")
        return json.loads(out) if out.strip() else None

    async def install(self, name, contract, script):
        """The id of an automation that is started by hand."""
        whole = {"contract": 1, "purpose": name, "timezone": "UTC", "triggers": [{"manual": True}]}
        bundle = {"bundle": 1, "name": name, "contract": whole | contract, "script": script}
        file = self.directory / f"{name}.json"
        file.write_text(json.dumps(bundle))
        return (await self.cli("install", str(file), "--yes"))["automation"]

    async def begin_pairing(self, *words, rights="view,control,approve"):
        """The pairing's id, and its link."""
        begun = await self.cli("pair", "--rights", rights, *words, codes=(4,))
        return begun["id"], begun["link"]

    async def runs(self, automation):
        return await self.cli("runs", "--automation", automation)


@asynccontextmanager
async def world(binaries):
    """Everything runs; at the end nothing does, and nothing is left on the disk."""
    directory = Path(tempfile.mkdtemp(prefix="deputy-bindings-"))
    this = World(binaries, directory)
    try:
        await this.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "10",
            "-keyout", "key.pem", "-out", "chain.pem",
        )
        await this.start_relay()
        await this.start_agent()
        yield this
    finally:
        for process in (this.agent, this.relay, this.model):
            if process:
                await process.kill9()
        shutil.rmtree(directory, ignore_errors=True)
