"""A device: pairs, dials, asks, follows (session.md, "What is said", "Pairing", "Revocation")."""

import asyncio
import os

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pairing import Relay, phrase
from session import KNOWN, PAIRING, Handshake, Session, SessionError
from wire import Link, unb64

PATIENCE = 20


def within(awaitable):
    """No wait without an end."""
    return asyncio.wait_for(awaitable, PATIENCE)


def new_key():
    return X25519PrivateKey.generate().private_bytes_raw()


def new_id():
    return os.urandom(12).hex()


class Failed(Exception):
    """The agent answered with an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")


class Conversation:
    """A session with somebody who listens all the time."""

    def __init__(self, link, session):
        self.link, self.session = link, session
        self.events = asyncio.Queue()
        self.other = asyncio.Queue()
        self.ended = asyncio.get_running_loop().create_future()
        self._answers = {}
        self._listener = asyncio.create_task(self._listen())

    async def _listen(self):
        try:
            while True:
                said = await self.session.hear()
                if said["type"] == "answer":
                    waiting = self._answers.pop(said.get("id"), None)
                    if waiting and not waiting.done():
                        waiting.set_result(said)
                elif said["type"] == "event":
                    self.events.put_nowait(said["event"])
                else:
                    self.other.put_nowait(said)
        except Exception as error:  # noqa: BLE001 - whatever ended it is what is told
            self.ended.set_result(error)
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(error)

    async def answer(self, what, number=None, more=None, part=None):
        """The whole answer to a question. `more`: fields beside it."""
        number = number or new_id()
        waiting = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"type": "ask", "id": number, "what": what} | (more or {})
        await self.session.say(message, *([part] if part else []))
        return await within(waiting)

    async def ask(self, ask, number=None, **fields):
        """The `value` of an answer, or `Failed`."""
        said = await self.answer({"ask": ask} | fields, number)
        if "error" in said:
            raise Failed(said["error"])
        return said["ok"].get("value")

    async def follow(self, after):
        await self.session.say({"type": "follow", "after": after})

    async def event(self):
        """The next event, or what ended the session."""
        got = asyncio.ensure_future(self.events.get())
        done, _ = await asyncio.wait(
            [got, self.ended], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        if got in done:
            return got.result()
        got.cancel()
        raise self.ended.result() if done else TimeoutError("no event came")

    async def told(self, kind):
        """The next thing of this type beside answers and events."""
        got = asyncio.ensure_future(self.other.get())
        done, _ = await asyncio.wait(
            [got, self.ended], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        if got not in done:
            got.cancel()
            raise self.ended.result() if done else TimeoutError(f"no `{kind}` came")
        if got.result()["type"] != kind:
            raise SessionError(f"`{kind}` was due, and there came {got.result()}")
        return got.result()

    async def end(self):
        """What ended the session; waits for it."""
        return await within(asyncio.shield(self.ended))

    async def close(self):
        """Says goodbye, and waits until the agent has said so or ended the stream."""
        if not self.ended.done():
            await self.session.goodbye()
            await self.end()
        await self.drop()

    async def drop(self):
        """Without goodbye."""
        self._listener.cancel()
        await self.link.aclose()


class Device:
    """Somebody who may ask: a key of its own, the agent's, and the relays."""

    def __init__(self, key, agent, relays, name="interop"):
        self.key, self.agent, self.relays, self.name = key, agent, relays, name

    async def connect(self, carrier, early=True):
        """A session as a known device."""
        relay = self.relays[0]
        handshake = Handshake(KNOWN, self.key, self.agent, relay.route, payload=self.hello())
        return await self._converse(carrier, relay, handshake, early)

    async def pair(self, carrier, link, early=True):
        """The conversation and this side's phrase; `paired` is to follow."""
        relay = link.relays[0]
        handshake = Handshake(
            PAIRING, self.key, link.agent, relay.route, link.psk(), self.hello() | {"name": self.name}
        )
        conversation = await self._converse(carrier, relay, handshake, early)
        return conversation, phrase(conversation.session.sealed.handshake_hash)

    def hello(self):
        return {"software": "interop/1", "features": [], "of_a_newer_version": True}

    def paired(self, said):
        """Takes what `paired` says."""
        self.relays = [
            Relay(
                relay["address"],
                unb64(relay["route"]),
                bytes(relay["certificate"]) if relay.get("certificate") else None,
            )
            for relay in said["relays"]
        ]

    async def _converse(self, carrier, relay, handshake, early):
        link = await within(Link.connect(carrier, relay.address, relay.certificate))
        try:
            first = handshake.first()
            if early:
                stream = await within(link.dial(relay.route, first))
            else:
                stream = await within(link.dial(relay.route))
                await stream.write(first)
            session = await within(Session.begin(stream, handshake))
        except BaseException:
            await link.aclose()
            raise
        return Conversation(link, session)
