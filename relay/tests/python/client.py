"""A client of the link, written from docs/wire/link.md alone, with Python's standard library.

Usage: client.py PORT CERTIFICATE_SHA256_HEX ROUTE_KEY_HEX SALT_HEX
Dials over WebSocket, sends 300,000 bytes, ends its direction, and checks that all of it comes back
and that the other direction ends. Prints "ok".
"""

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import sys


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def route(key, salt):
    return hashlib.blake2s(b"deputy route 1" + key + salt).digest()[:24]


class WebSocket:
    """Just enough of RFC 6455: binary messages, pings, close."""

    def __init__(self, stream, host):
        self.stream = stream
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        stream.sendall(
            (
                f"GET /deputy/link HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.take(1)
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert head.startswith(b"HTTP/1.1 101"), head
        assert base64.b64encode(accept) in head, head

    def take(self, count):
        while len(self.buffer) < count:
            more = self.stream.recv(65536)
            assert more, "the relay hung up"
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, payload, opcode=2):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        size = len(payload)
        if size < 126:
            head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, size)
        self.stream.sendall(head + mask + masked)

    def receive(self):
        """The next binary message."""
        while True:
            first, second = self.take(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", self.take(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self.take(8))
            payload = self.take(size)
            opcode = first & 0x0F
            if opcode == 9:
                self.send(payload, 10)
            elif opcode == 2:
                assert first & 0x80 and size <= 65536
                return payload
            else:
                raise AssertionError(f"opcode {opcode}: {payload!r}")


class Link:
    """Messages on a stream of bytes, then the bytes themselves."""

    def __init__(self, socket):
        self.socket = socket
        self.buffer = b""

    def say(self, message):
        body = json.dumps(message).encode()
        self.socket.send(struct.pack(">H", len(body)) + body)

    def hear(self):
        (size,) = struct.unpack(">H", self.take(2))
        return json.loads(self.take(size))

    def take(self, count):
        while len(self.buffer) < count:
            more = self.socket.receive()
            assert more, "the direction ended early"
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken


def main():
    port, certificate, key, salt = sys.argv[1:]
    assert b64(route(b"\x07" * 32, b"\x09" * 32)) == "b484VA19Z2TEDkvxoSJK6kUhNHo4Vo1h"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    plain = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
    stream = context.wrap_socket(plain, server_hostname="localhost")
    seen = hashlib.sha256(stream.getpeercert(binary_form=True)).hexdigest()
    assert seen == certificate, seen

    link = Link(WebSocket(stream, "localhost"))
    link.say({"type": "hello", "versions": [9, 1], "role": "client", "mood": "fine"})
    welcome = link.hear()
    assert (welcome["type"], welcome["version"]) == ("welcome", 1), welcome
    wanted = route(bytes.fromhex(key), bytes.fromhex(salt))
    link.say({"type": "dial", "route": b64(wanted), "colour": "green"})
    answer = link.hear()
    assert answer["type"] == "connected", answer

    said = bytes(i * 31 % 256 for i in range(300_000))
    for start in range(0, len(said), 50_000):
        link.socket.send(said[start : start + 50_000])
    link.socket.send(b"")
    assert link.take(len(said)) == said
    assert link.buffer == b"" and link.socket.receive() == b""
    print("ok")


main()
