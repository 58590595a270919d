"""The two carriers of a client (link.md, "Carriers"): QUIC v1 and WebSocket, TLS 1.3.

A relay with a certificate's hash (session.md, "Pairing") is known by that hash and nothing else;
any other by the authorities that this machine trusts.
"""

import asyncio
import hashlib
import socket
import ssl

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography.hazmat.primitives.serialization import Encoding
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from stream import DONE, GONE, PROTOCOL, Stream, StreamReset

LARGEST_WS_MESSAGE = 65536
KEEP_ALIVE_SECONDS = 20


class WrongCertificate(Exception):
    """The relay showed another certificate than the one in the link."""


def split_address(address):
    """`host:port`, an IPv6 host in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class QuicStream(Stream):
    """One bidirectional QUIC stream."""

    def __init__(self, carrier, stream_id):
        super().__init__()
        self._carrier, self._id = carrier, stream_id

    async def write(self, data):
        self._carrier._quic.send_stream_data(self._id, data)
        self._carrier.transmit()

    async def finish(self):
        self._carrier._quic.send_stream_data(self._id, b"", end_stream=True)
        self._carrier.transmit()

    async def reset(self, code):
        self._carrier._quic.reset_stream(self._id, code)
        self._carrier._quic.stop_stream(self._id, code)
        self._carrier.transmit()


class QuicCarrier(QuicConnectionProtocol):
    """A QUIC connection to a relay, ALPN `deputy/1`; each `open` is a stream of its own."""

    name = "quic"
    many_streams = True

    @classmethod
    async def connect(cls, address, certificate=None):
        host, port = split_address(address)
        loop = asyncio.get_running_loop()
        family, _, _, _, peer = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=["deputy/1"],
            server_name=host,
            verify_mode=ssl.CERT_NONE if certificate else ssl.CERT_REQUIRED,
        )
        here = ("::", 0) if family == socket.AF_INET6 else ("0.0.0.0", 0)
        transport, self = await loop.create_datagram_endpoint(
            lambda: cls(QuicConnection(configuration=configuration), certificate),
            local_addr=here,
            family=family,
        )
        self._socket = transport
        QuicConnectionProtocol.connect(self, peer)
        try:
            await self.greeted
        except BaseException:
            await self.aclose()
            raise
        self._alive = asyncio.create_task(self._keep_alive())
        return self

    def __init__(self, quic, certificate):
        super().__init__(quic)
        self._certificate = certificate
        self._streams = {}
        self._alive = None
        self.greeted = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, events.HandshakeCompleted):
            shown = self._quic.tls._peer_certificate.public_bytes(Encoding.DER)
            if self._certificate and hashlib.sha256(shown).digest() != self._certificate:
                self._fail(WrongCertificate())
            elif not self.greeted.done():
                self.greeted.set_result(None)
        elif isinstance(event, events.StreamDataReceived):
            stream = self._streams.get(event.stream_id)
            if stream:
                stream.feed(event.data)
                if event.end_stream:
                    stream.feed_end()
        elif isinstance(event, (events.StreamReset, events.StopSendingReceived)):
            # "Whoever stops reading with code 0 may still write": that alone is no reset.
            stopped = isinstance(event, events.StopSendingReceived)
            stream = self._streams.get(event.stream_id)
            if stream and not (stopped and event.error_code == DONE):
                stream.feed_reset(event.error_code)
        elif isinstance(event, events.ConnectionTerminated):
            self._fail(ConnectionError(f"code {event.error_code}: {event.reason_phrase}"))
            for stream in self._streams.values():
                stream.feed_reset(event.error_code)

    def _fail(self, error):
        if not self.greeted.done():
            self.greeted.set_exception(error)

    async def open(self):
        stream_id = self._quic.get_next_available_stream_id()
        # Nothing is sent yet; this takes the number.
        self._quic.send_stream_data(stream_id, b"")
        stream = self._streams[stream_id] = QuicStream(self, stream_id)
        return stream

    async def _keep_alive(self):
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            await self.ping()

    async def aclose(self):
        if self._alive:
            self._alive.cancel()
        QuicConnectionProtocol.close(self)
        try:
            await asyncio.wait_for(self.wait_closed(), 5)
        except TimeoutError:
            pass
        self._socket.close()


class WsStream(Stream):
    """A WebSocket as a stream (link.md, "Bytes on a WebSocket")."""

    def __init__(self, socket):
        super().__init__()
        self._socket = socket
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        try:
            async for message in self._socket:
                if isinstance(message, str):
                    await self.reset(PROTOCOL)
                    self.feed_reset(PROTOCOL)
                    return
                self.feed(message) if message else self.feed_end()
        except ConnectionClosed:
            pass
        closed = self._socket.close_code or 0
        self.feed_reset(closed - 4000 if 4000 <= closed < 5000 else GONE)

    async def write(self, data):
        try:
            for at in range(0, len(data), LARGEST_WS_MESSAGE):
                await self._socket.send(data[at : at + LARGEST_WS_MESSAGE])
        except ConnectionClosed:
            await self._reader
            raise StreamReset(self._reset if self._reset is not None else GONE) from None

    async def finish(self):
        try:
            await self._socket.send(b"")
        except ConnectionClosed:
            await self._reader

    async def reset(self, code):
        await self._socket.close(4000 + code)


class WsCarrier:
    """A WebSocket to a relay, ALPN `http/1.1`, GET `/deputy/link`: one stream, one dial."""

    name = "websocket"
    many_streams = False

    @classmethod
    async def connect(cls, address, certificate=None):
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["http/1.1"])
        if certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE

        class Pinned(ClientConnection):
            wrong = False

            def connection_made(self, transport):
                shown = transport.get_extra_info("ssl_object").getpeercert(True)
                if certificate and hashlib.sha256(shown).digest() != certificate:
                    Pinned.wrong = True
                    transport.abort()
                super().connection_made(transport)

        self = cls()
        try:
            self._socket = await connect(
                f"wss://{address}/deputy/link",
                ssl=context,
                create_connection=Pinned,
                compression=None,
                max_size=LARGEST_WS_MESSAGE,
                proxy=None,
            )
        except Exception:
            if Pinned.wrong:
                raise WrongCertificate() from None
            raise
        self._stream = WsStream(self._socket)
        return self

    async def open(self):
        return self._stream

    async def aclose(self):
        await self._socket.close(4000 + DONE)
        await self._stream._reader


CARRIERS = {carrier.name: carrier for carrier in (QuicCarrier, WsCarrier)}
