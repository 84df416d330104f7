"""Connections on which nobody says what they want: let go in time, so that they cannot keep everybody else out.

Who opens a connection and sends the head of a request a byte at a time, goes on with a body after the answer, or never
reads the answer, holds one of the few connections there are without having said who they are ("slow loris"). Uvicorn
waits for them without end. Here each connection has a while in which a request must have come, and when all are taken
the one that has waited longest makes room. How long a body may take is told in :mod:`samechild.web.bodies`.

Sources: RFC 9110 section 15.5.9; CWE-400, uncontrolled resource consumption.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

LONGEST_HEAD = 15.0
"""Seconds in which the whole head of a request must have come, and in which what follows an answer must end."""

LONGEST_STANDSTILL = 60.0
"""Seconds in which somebody must have read some more of a long answer."""


class Prompt(H11Protocol):
    """A connection of uvicorn's that is closed when nothing is asked on it, or nothing is read, for too long."""

    _deadline: asyncio.TimerHandle | None = None
    _standstill: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; if all connections are taken, the one that has waited longest is closed."""
        super().connection_made(transport)
        self._watch()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            others = (each for each in self.connections if isinstance(each, Prompt) and each is not self)
            waiting = {each: each._deadline.when() for each in others if each._deadline is not None}
            if waiting:
                min(waiting, key=waiting.__getitem__)._let_go()

    def handle_events(self) -> None:
        """Take what came."""
        super().handle_events()
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait until what was answered so far is read."""
        super().pause_writing()
        self._standstill = self.loop.call_later(LONGEST_STANDSTILL, self.transport.abort)

    def resume_writing(self) -> None:
        """Answer on."""
        super().resume_writing()
        self._moves()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._asked()
        self._moves()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Wait while no request is being answered; what comes meanwhile gives no more time."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._asked()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(LONGEST_HEAD, self._let_go)

    def _asked(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _moves(self) -> None:
        if self._standstill is not None:
            self._standstill.cancel()
            self._standstill = None

    def _let_go(self) -> None:
        """Close it; what was answered and is still not read is dropped after a while."""
        self._asked()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(LONGEST_HEAD, self.transport.abort)
        self.transport.close()
