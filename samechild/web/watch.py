"""What is noted of every request: a reference, the route, the status, how long it took; never the address asked for.

The reference (``x-request-id``) is drawn here and shown to people when something went wrong on our side, so that the
line in the log can be found. A mistake of ours is answered without any detail.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "x-request-id"


class Counts:
    """Counts and timings for whoever watches the server, by route and status."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "samechild_requests", "Requests answered", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram("samechild_request_seconds", "Time to answer", ["route"], registry=self.registry)

    def text(self) -> bytes:
        """All counts in the form Prometheus reads."""
        return generate_latest(self.registry)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What watching needs: a log, counts, and how to answer a mistake of ours."""

    log: Any
    counts: Counts
    random: Callable[[int], bytes]
    answer: Callable[[Request, Exception], Response]


class Watch:
    """Notes every request, and turns whatever the application did not catch into an answer."""

    def __init__(self, app: ASGIApp, watched: Watched) -> None:
        self.app = app
        self.watched = watched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reference = letters(self.watched.random(12))
        scope.setdefault("state", {})["reference"] = reference
        started, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID.encode(), reference.encode())]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:
            pass  # nobody is left to answer
        except Exception as error:
            if status:  # the answer has begun: nothing else can be said
                self._note_bug(error, reference)
                raise ConnectionAbortedError from None
            answer = self.watched.answer(Request(scope), error)
            if answer.status_code == 500:
                self._note_bug(error, reference)
            await answer(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - started, reference)

    def _note_bug(self, error: Exception, reference: str) -> None:
        """Log the kind of a mistake and the places it came through, never what it says."""
        places = [
            f"{Path(frame.filename).stem}:{frame.name}:{frame.lineno}"
            for frame in traceback.extract_tb(error.__traceback__)
            if "samechild" in Path(frame.filename).parts
        ]
        self.watched.log.error("our mistake", kind=type(error).__name__, places=places[-12:], reference=reference)

    def _note(self, scope: Scope, status: int, seconds: float, reference: str) -> None:
        route = getattr(scope.get("route"), "path", "") or "none"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.watched.counts.requests.labels(route, method, str(status)).inc()
        self.watched.counts.seconds.labels(route).observe(seconds)
        self.watched.log.info(
            "answered", route=route, method=method, status=status, ms=round(seconds * 1000, 1), reference=reference
        )


def letters(random: bytes) -> str:
    """Write random bytes as letters that are easily read out and look like nobody's number."""
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in random)


_LETTERS = "bcdfghjkmnpqrstvwxyz"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
