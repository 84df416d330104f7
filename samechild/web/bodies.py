"""Reading what is sent, without letting anybody hold a worker: bodies read in time, lines taken apart as they come.

A body is awaited on the event loop, so that a sender who dribbles holds a connection for a while and nothing else. What
is sent as NDJSON is cut into lines piece by piece, unpacked too if it is gzip, and never held whole; how much it may
unpack to is limited. Sources: RFC 9110 sections 8.4 and 15.5.9; RFC 1952 (gzip).
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Iterator

import anyio
from starlette.requests import Request

from samechild.collection.structure import LONGEST_RECORD
from samechild.errors import Invalid, TooLarge
from samechild.web.faults import TooSlow
from samechild.web.limits import dropped

LONGEST_PAUSE = 15
"""Seconds a sender may be silent in the middle of a body."""

LONGEST_SENDING = 60
"""Seconds in which a body that is read whole must have come."""

MOST_UNPACKED = 512 * 1024 * 1024
"""Bytes that one request may unpack to."""

MOST_LINES = 100_000
"""Lines of one request that say something."""

MOST_BREAKS = 10 * MOST_LINES
"""Line breaks of one request."""

_STEP = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


async def whole(request: Request) -> bytes:
    """The body of a request.

    Raises:
        TooSlow: when it does not come in time. TooLarge: when there is more than this door takes.
    """
    parts = []
    try:
        with anyio.fail_after(LONGEST_SENDING):
            async for chunk in pieces(request):
                parts.append(chunk)
    except TimeoutError:
        raise too_slow() from None
    return b"".join(parts)


async def drained(request: Request) -> None:
    """Read what is left of the body of a refused request and drop it."""
    try:
        await dropped(request.receive)
    except TooLarge:
        return


async def pieces(request: Request) -> AsyncGenerator[bytes, None]:
    """The pieces of a body as they come.

    Raises:
        TooSlow: when the sender falls silent.
    """
    stream = request.stream().__aiter__()
    while True:
        try:
            with anyio.fail_after(LONGEST_PAUSE):
                chunk = await stream.__anext__()
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise too_slow() from None
        if chunk:
            yield chunk


def too_slow() -> TooSlow:
    """What somebody is told whose body does not come."""
    return TooSlow("The body did not come in time. Look at the connection, or at a proxy between, and send it again.")


class Lines:
    """Cuts what comes into lines; with ``gzip`` it is unpacked before. A line that is endless is cut short."""

    def __init__(self, *, gzip: bool = False) -> None:
        self._unpacker = zlib.decompressobj(_GZIP) if gzip else None
        self._begun = b""
        self._so_far = 0
        self._count = self._breaks = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that a piece completes, without empty ones.

        Raises:
            Invalid: when it is no gzip. TooLarge: when it unpacks to too much, or there are too many lines.
        """
        return [line for piece in self._unpacked(chunk) for line in self._cut(piece)]

    def rest(self) -> list[bytes]:
        """The last line, if no line break ended it.

        Raises:
            Invalid: when gzip breaks off.
        """
        if self._unpacker is not None and not self._unpacker.eof:
            raise Invalid("What was sent as gzip breaks off: send it again.")
        return self._cut(b"\n")

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        if self._unpacker is None:
            yield chunk
            return
        while chunk:
            if self._unpacker.eof:  # another member follows (RFC 1952 section 2.2)
                self._unpacker = zlib.decompressobj(_GZIP)
            try:
                found = self._unpacker.decompress(chunk, _STEP)
            except zlib.error:
                raise Invalid("What was sent is not gzip, though Content-Encoding says so.") from None
            chunk = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            self._so_far += len(found)
            if self._so_far > MOST_UNPACKED:
                raise TooLarge(f"It unpacks to more than {MOST_UNPACKED} bytes: send it in parts.")
            yield found

    def _cut(self, piece: bytes) -> list[bytes]:
        self._breaks += piece.count(b"\n")
        if self._breaks > MOST_BREAKS:
            raise TooLarge(f"Send at most {MOST_LINES} records in one request.")
        *ended, last = piece.split(b"\n")
        if not ended:
            self._begun = (self._begun + last)[: LONGEST_RECORD + 1]
            return []
        found = [self._begun + ended[0], *ended[1:]]
        self._begun = last[: LONGEST_RECORD + 1]
        lines = [line[: LONGEST_RECORD + 1] for line in found if line.strip(b" \t\r")]
        self._count += len(lines)
        if self._count > MOST_LINES:
            raise TooLarge(f"Send at most {MOST_LINES} records in one request.")
        return lines
