"""A stream of bytes with two directions that end one by one (link.md, "A joined stream").

Both carriers feed one of these; everything above reads and writes it without knowing which it is.
"""

import asyncio

# link.md, "Close codes"
DONE, PROTOCOL, TOO_SLOW, NOTHING_MOVED, REVOKED, STOPPING, REFUSED, GONE, DISPLACED = range(9)


class StreamReset(Exception):
    """The other side, or the relay, reset the stream."""

    def __init__(self, code):
        super().__init__(f"the stream was reset with code {code}")
        self.code = code


class StreamEnded(Exception):
    """The other side's direction ended in order, in the middle of what was to be read."""


class Stream:
    """What a carrier must do is in `write`, `finish` and `reset`; it calls the `feed`s."""

    def __init__(self):
        self._buffer = bytearray()
        self._ended = False
        self._reset = None
        self._moved = asyncio.Event()

    # What the carrier tells.

    def feed(self, data):
        self._buffer += data
        self._moved.set()

    def feed_end(self):
        self._ended = True
        self._moved.set()

    def feed_reset(self, code):
        if self._reset is None and not self._ended:
            self._reset = code
        self._moved.set()

    # What the user does.

    async def read_exactly(self, count):
        """`count` bytes. What came before an end or a reset can still be read."""
        while len(self._buffer) < count:
            if self._reset is not None:
                raise StreamReset(self._reset)
            if self._ended:
                raise StreamEnded(f"{len(self._buffer)} of {count} bytes came")
            self._moved.clear()
            await self._moved.wait()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def read_frame(self):
        """`u16(length) ‖ bytes`: so are messages to the relay and Noise messages framed."""
        length = int.from_bytes(await self.read_exactly(2), "big")
        return await self.read_exactly(length)

    async def write_frame(self, data):
        if len(data) > 65535:
            raise ValueError(f"{len(data)} bytes do not fit into a frame")
        await self.write(len(data).to_bytes(2, "big") + data)

    async def write(self, data):
        raise NotImplementedError

    async def finish(self):
        """Ends this side's direction."""
        raise NotImplementedError

    async def reset(self, code):
        """Ends both directions."""
        raise NotImplementedError
