"""The pairing link and its phrase (session.md, "Pairing")."""

import struct
from dataclasses import dataclass, field
from hashlib import blake2s
from pathlib import Path

from wire import b64, unb64

WORDS = Path(__file__).parents[2] / "protocol/src/pairing/words.txt"
VERSION = 1
MOST_RELAYS = 8


class BadLink(Exception):
    """It is not a pairing link, or not a whole one."""


@dataclass
class Relay:
    address: str
    route: bytes
    certificate: bytes | None = None


@dataclass
class PairingLink:
    agent: bytes
    secret: bytes
    expiry_ms: int
    relays: list = field(default_factory=list)
    host: str = "deputy.invalid"

    def psk(self):
        return blake2s(b"deputy pairing key 1" + self.secret).digest()

    def encode(self):
        x = bytes([VERSION]) + self.agent + self.secret
        x += struct.pack(">QB", self.expiry_ms, len(self.relays))
        for relay in self.relays:
            address = relay.address.encode()
            x += bytes([len(address)]) + address + relay.route
            x += b"\x01" + relay.certificate if relay.certificate else b"\x00"
        return f"https://{self.host}/#{b64(x + check(x))}"

    @classmethod
    def parse(cls, text):
        host, mark, fragment = text.removeprefix("https://").partition("/#")
        if not mark:
            raise BadLink("there is no `/#` in it")
        try:
            x = unb64(fragment)
        except ValueError as error:
            raise BadLink("what is behind `#` is not base64url") from error
        if not x:
            raise BadLink("nothing is behind `#`")
        if x[0] != VERSION:
            raise BadLink(f"it is of version {x[0]}")
        if check(x[:-4]) != x[-4:]:
            raise BadLink("its check is wrong: it was not copied as a whole")
        reader = Reader(x[1:-4])
        link = cls(reader.take(32), reader.take(32), int.from_bytes(reader.take(8), "big"), host=host)
        count = reader.byte()
        if count > MOST_RELAYS:
            raise BadLink(f"{count} relays")
        for _ in range(count):
            address = reader.take(reader.byte()).decode()
            relay = Relay(address, reader.take(24))
            mark = reader.byte()
            if mark > 1:
                raise BadLink(f"a certificate's mark of {mark}")
            relay.certificate = reader.take(32) if mark else None
            link.relays.append(relay)
        if reader.rest():
            raise BadLink("there is more than a link in it")
        return link


class Reader:
    def __init__(self, data):
        self._data, self._at = data, 0

    def take(self, count):
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise BadLink("it ends too early")
        self._at += count
        return taken

    def byte(self):
        return self.take(1)[0]

    def rest(self):
        return self._data[self._at :]


def check(data):
    return blake2s(b"deputy pairing link 1" + data).digest()[:4]


def phrase(handshake_hash):
    """The four words, with a space between them."""
    words = WORDS.read_text().split()
    digest = blake2s(b"deputy pairing phrase 1" + handshake_hash).digest()
    return " ".join(words[number] for number in digest[:4])
