"""How much and how often: a body that is too long is refused before it is read, and nobody may ask without pause.

Buckets fill at a steady pace and empty with each request (token bucket). A client (an address) has one, an account has
another, and signing in has stricter ones, so that guessing passwords is slow from one address and from many.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from math import ceil

import anyio
import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samechild.errors import TooLarge, TooMany

LONGEST_BODY = 64 * 1024
"""Bytes of one request. Rooms that take files declare their own door."""

COLLECTION = "/api/collection/"
"""Where the addresses of the collection begin, but for that of the daily records."""

DAILY = "/children_social_care_data/"
"""Stands in the address of the daily records, wherever that is: its clients read errors as plain text."""

MOST_DROPPED = 128 * 1024 * 1024
"""Bytes of a refused body that are read and dropped: who still sends does not listen, and would never read why."""

SECONDS_DROPPED = 15
"""So long a refused body is read on."""


class Pace(msgspec.Struct, frozen=True):
    """``burst`` requests at once, then ``each_minute``."""

    burst: int
    each_minute: float


PACES = {
    "client": Pace(120, 240),
    "account": Pace(60, 120),
    "sign-in client": Pace(10, 10),
    "sign-in account": Pace(5, 3),
    "machine": Pace(600, 6000),
    "submission": Pace(120, 1200),
}
_KEPT = 20_000


class Buckets:
    """How much each client and account may still ask for; the longest idle are forgotten first."""

    def __init__(self, paces: dict[str, Pace] = PACES) -> None:
        self.paces = paces
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, kind: str, who: str, at: float) -> None:
        """Take one from the bucket of ``who``; ``at`` is a clock in seconds that never goes back.

        Raises:
            TooMany: when it is empty; ``args[1]`` is after how many seconds to try again.
        """
        pace = self.paces[kind]
        key = (kind, hashlib.sha256(who.encode()).hexdigest())
        with self._lock:
            left, since = self._left.pop(key, (float(pace.burst), at))
            left = min(float(pace.burst), left + max(0.0, at - since) * pace.each_minute / 60)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, at)
            while len(self._left) > _KEPT:
                self._left.popitem(last=False)
        if not allowed:
            raise too_many(ceil((1 - left) * 60 / pace.each_minute))


def too_many(seconds: int) -> TooMany:
    """Say after how long to try again."""
    error = TooMany(f"Too many requests in a short time. Try again in {seconds} seconds.")
    error.add_note(str(seconds))
    return error


def seconds_of(error: TooMany) -> int:
    """After how many seconds to try again, as :func:`too_many` said."""
    notes = getattr(error, "__notes__", [])
    return int(notes[0]) if notes else 60


LONGEST_DAILY = 4 * 1024 * 1024
"""Bytes of a hundred children: the fullest records known come to a tenth of it."""

LONGEST_LOAD = 64 * 1024 * 1024
"""Bytes of one request of a first load, as sent."""

LOADS = "/load"
"""How the address of a first load ends."""


def longest_at(path: str, usual: int = LONGEST_BODY) -> int:
    """How many bytes one request may bring to an address."""
    if path.startswith(COLLECTION) and path.endswith(LOADS):
        return LONGEST_LOAD
    return LONGEST_DAILY if DAILY in path or path.startswith(COLLECTION) else usual


class BodyLimit:
    """Refuses a body longer than ``longest`` bytes: by its declared length before reading, else while reading.

    The collection's doors take more, see :func:`longest_at`, and so do pages with a file (``with_files``: bytes by
    path). Where a council's client sends, a body that is too long is read on and dropped, up to a limit, so that the
    client gets to read the refusal.
    """

    def __init__(self, app: ASGIApp, longest: int = LONGEST_BODY, with_files: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.longest = longest
        self.with_files = with_files or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope.get("path", "")
        longest = self.with_files.get(path) or longest_at(path, self.longest)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > longest:
            if longest != self.longest:
                await dropped(receive)
            raise TooLarge(f"Send at most {longest} bytes at once.")
        so_far = 0

        async def counting() -> Message:
            nonlocal so_far
            message = await receive()
            so_far += len(message.get("body", b""))
            if so_far > longest:
                raise TooLarge(f"Send at most {longest} bytes at once.")
            return message

        await self.app(scope, counting, send)


async def dropped(receive: Receive) -> None:
    """Read a body on and drop it, up to a limit and for a while."""
    so_far = 0
    with anyio.move_on_after(SECONDS_DROPPED):
        while so_far < MOST_DROPPED:
            message = await receive()
            so_far += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                return
