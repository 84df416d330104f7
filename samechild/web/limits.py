"""How much and how often: a body that is too long is refused before it is read, and nobody may ask without pause.

Buckets fill at a steady pace and empty with each request (token bucket). A client (an address) has one, an account has
another, and signing in has stricter ones, so that guessing passwords is slow from one address and from many.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from math import ceil

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samechild.errors import TooLarge, TooMany

LONGEST_BODY = 64 * 1024
"""Bytes of one request. Rooms that take files declare their own door."""


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


class BodyLimit:
    """Refuses a body longer than ``longest`` bytes: by its declared length before reading, else while reading."""

    def __init__(self, app: ASGIApp, longest: int = LONGEST_BODY) -> None:
        self.app = app
        self.longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.longest:
            raise TooLarge(f"Send at most {self.longest} bytes at once.")
        so_far = 0

        async def counting() -> Message:
            nonlocal so_far
            message = await receive()
            so_far += len(message.get("body", b""))
            if so_far > self.longest:
                raise TooLarge(f"Send at most {self.longest} bytes at once.")
            return message

        await self.app(scope, counting, send)
