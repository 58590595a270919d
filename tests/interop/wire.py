"""What a client says to a relay (link.md, "Messages", "A link begins", "Dialling", "Refusals")."""

import base64
import json
import struct
from hashlib import blake2s

from carriers import CARRIERS
from stream import StreamEnded

VERSIONS = [1]


def b64(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


class Refused(Exception):
    """`refused`, from the relay or from the agent."""

    def __init__(self, message):
        super().__init__(f"{message.get('code')}: {message.get('message')}")
        self.code = message.get("code")
        self.said = message


class LinkError(Exception):
    """The relay does not follow the specification."""


def encode(message):
    text = json.dumps(message, separators=(",", ":")).encode()
    return struct.pack(">H", len(text)) + text


async def read(stream, *expected):
    """The next message of one of these types. Types that are not known are ignored."""
    while True:
        message = json.loads(await stream.read_frame())
        kind = message.get("type")
        if kind == "refused" and "id" not in message:
            raise Refused(message)
        if kind in expected:
            return message


class Link:
    """A client's connection to a relay, after `welcome`."""

    def __init__(self, carrier, control, welcome):
        self._carrier, self._control, self.welcome = carrier, control, welcome

    @classmethod
    async def connect(cls, kind, address, certificate=None, **more):
        """Over the carrier of that name. `more` goes into the hello."""
        carrier = await CARRIERS[kind].connect(address, certificate)
        try:
            control = await carrier.open()
            hello = {"type": "hello", "versions": VERSIONS, "role": "client", "software": "interop/1"}
            await control.write(encode(hello | more))
            welcome = await read(control, "welcome")
            if welcome["version"] not in VERSIONS:
                raise LinkError(f"a version that was not offered: {welcome['version']}")
        except BaseException:
            await carrier.aclose()
            raise
        return cls(carrier, control, welcome)

    async def dial(self, route, early=b""):
        """The stream to the agent of a route. `early` is sent at once, before the answer."""
        stream = await self._carrier.open()
        await stream.write(encode({"type": "dial", "route": b64(route)}) + early)
        try:
            message = json.loads(await stream.read_frame())
        except StreamEnded as error:
            raise LinkError("the dial was not answered") from error
        # "the client reads exactly one message": what is not known here cannot be skipped.
        if message.get("type") == "refused":
            raise Refused(message)
        if message.get("type") != "connected":
            raise LinkError(f"a dial was answered with {message}")
        return stream

    async def aclose(self):
        await self._carrier.aclose()


# "Routes" and "Registering", for the test vectors.


def route(route_key, salt):
    return blake2s(b"deputy route 1" + route_key + salt).digest()[:24]


def proof(shared, challenge_key, route_key, nonce, channel, number, relay, salts):
    key = blake2s(b"deputy register key 1" + shared + challenge_key + route_key).digest()
    said = b"deputy register 1" + nonce + channel + struct.pack(">QI", number, len(relay)) + relay
    said += struct.pack(">I", len(salts)) + b"".join(salts)
    return blake2s(said, key=key).digest()
