"""A session, seen by the device (session.md, "The opening" to "Messages").

`Handshake` and `Sealed` touch no stream; `Session` is the two over one.
"""

import json
import time

from cryptography.exceptions import InvalidTag
from noise.connection import Keypair, NoiseConnection

from stream import StreamEnded

VERSION = 1
KNOWN, PAIRING = 1, 2
NAMES = {
    KNOWN: b"Noise_IK_25519_ChaChaPoly_BLAKE2s",
    PAIRING: b"Noise_IKpsk1_25519_ChaChaPoly_BLAKE2s",
}
LARGEST_HANDSHAKE = 4352
LARGEST_BODY = 16 << 20
LARGEST_PART = 65518
MORE, LAST, REKEY, GOODBYE = range(4)
REKEY_MESSAGES, REKEY_SECONDS = 65536, 3600
MOST_UNDER_ONE_KEY = 131072


class SessionError(Exception):
    """The agent does not follow the specification, or what came was changed on its way."""


class OtherVersion(Exception):
    """The agent speaks other versions of sessions."""

    def __init__(self, versions):
        super().__init__(f"the agent speaks {versions}")
        self.versions = versions


class Goodbye(Exception):
    """The agent said goodbye."""


def opening(kind, version=VERSION):
    return b"DPS" + bytes([version, kind])


def prologue(kind, route):
    return b"deputy session" + opening(kind) + route


class Handshake:
    """The device's side of the handshake, without a stream."""

    def __init__(self, kind, key, agent, route, psk=None, payload=None, ephemeral=None):
        self.kind = kind
        self._payload = json.dumps(payload or {}, separators=(",", ":")).encode()
        self._noise = noise = NoiseConnection.from_name(NAMES[kind])
        noise.set_as_initiator()
        noise.set_prologue(prologue(kind, route))
        noise.set_keypair_from_private_bytes(Keypair.STATIC, key)
        noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, agent)
        if psk:
            noise.set_psks(psk)
        if ephemeral:
            noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, ephemeral)
        noise.start_handshake()

    def first(self):
        """The opening and the first handshake message, as they go on the stream."""
        message = bytes(self._noise.write_message(self._payload))
        return opening(self.kind) + len(message).to_bytes(2, "big") + message

    def second(self, message):
        """Reads the agent's message; gives its payload."""
        if len(message) > LARGEST_HANDSHAKE:
            raise SessionError(f"a handshake message of {len(message)} bytes")
        try:
            payload = json.loads(bytes(self._noise.read_message(message)) or b"{}")
        except InvalidTag as error:
            raise SessionError("the handshake's answer cannot be opened") from error
        if not isinstance(payload, dict):
            raise SessionError("the handshake's payload is no object")
        return payload

    def sealed(self):
        return Sealed(self._noise)


class Sealed:
    """The two directions after the handshake, without a stream."""

    def __init__(self, noise):
        self._noise = noise
        self.handshake_hash = noise.get_handshake_hash()
        self._sent, self._since = 0, time.monotonic()
        self._heard = 0
        self._parts = None
        self.changes = [0, 0]  # of this side's key, and of the agent's

    def seal(self, mark, content=b""):
        """One Noise message."""
        self._sent += 1
        message = self._noise.encrypt(bytes([mark]) + content)
        if mark == REKEY:
            self._noise.rekey_outbound_cipher()
            self._sent, self._since = 0, time.monotonic()
            self.changes[0] += 1
        return message

    def seal_body(self, body, part=LARGEST_PART):
        """The Noise messages of one body, with a change of the key before it when it is due."""
        if len(body) > LARGEST_BODY:
            raise ValueError(f"a body of {len(body)} bytes")
        if self._sent >= REKEY_MESSAGES or time.monotonic() - self._since >= REKEY_SECONDS:
            yield self.seal(REKEY)
        at = 0
        while len(body) - at > part:
            yield self.seal(MORE, body[at : at + part])
            at += part
        yield self.seal(LAST, body[at:])

    def open(self, message):
        """A whole body, or `None` while there is none. Raises `Goodbye` for one."""
        self._heard += 1
        if self._heard > MOST_UNDER_ONE_KEY:
            raise SessionError("the agent does not change its key")
        try:
            plain = self._noise.noise_protocol.cipher_state_decrypt.decrypt_with_ad(b"", message)
        except InvalidTag as error:
            raise SessionError("a message cannot be opened") from error
        if not plain or plain[0] > GOODBYE:
            raise SessionError("a message of an unknown kind")
        mark, content = plain[0], plain[1:]
        if mark in (REKEY, GOODBYE):
            if content or self._parts is not None:
                raise SessionError("content, or half a body, with a rekey or a goodbye")
            if mark == GOODBYE:
                raise Goodbye()
            self._noise.rekey_inbound_cipher()
            self._heard = 0
            self.changes[1] += 1
            return None
        self._parts = (self._parts or bytearray()) + content
        if len(self._parts) > LARGEST_BODY:
            raise SessionError("a body that is too long")
        if mark == MORE:
            return None
        body, self._parts = bytes(self._parts), None
        return body


class Session:
    """A session over a stream."""

    def __init__(self, stream, sealed, agent):
        self.stream, self.sealed, self.agent = stream, sealed, agent
        self.parts_heard = 0

    @classmethod
    async def begin(cls, stream, handshake):
        """After `handshake.first()` was sent."""
        answer = (await stream.read_exactly(1))[0]
        if answer == 1:
            count = (await stream.read_exactly(1))[0]
            raise OtherVersion(list(await stream.read_exactly(count)))
        if answer != 0:
            raise SessionError(f"the opening was answered with {answer}")
        agent = handshake.second(await stream.read_frame())
        return cls(stream, handshake.sealed(), agent)

    async def say(self, message, part=LARGEST_PART):
        """Gives the number of parts."""
        body = json.dumps(message, separators=(",", ":")).encode()
        frames = [len(m).to_bytes(2, "big") + m for m in self.sealed.seal_body(body, part)]
        await self.stream.write(b"".join(frames))
        return len(frames)

    async def hear(self):
        """The next thing that the agent says, as an object."""
        while True:
            try:
                body = self.sealed.open(await self.stream.read_frame())
            except StreamEnded as error:
                raise SessionError("the stream ended without goodbye") from error
            self.parts_heard += 1
            if body is not None:
                said = json.loads(body)
                if not isinstance(said, dict) or not isinstance(said.get("type"), str):
                    raise SessionError("a body without a type")
                return said

    async def rekey(self):
        await self.stream.write_frame(self.sealed.seal(REKEY))

    async def goodbye(self):
        await self.stream.write_frame(self.sealed.seal(GOODBYE))
        await self.stream.finish()
