"""Loading all of an authority's records at once: one child on each line, taken a hundred at a time as they come.

Nothing but a hundred lines is held at once, and a line that cannot be taken leaves the others alone. What has been
taken stays taken: when something stops the rest, the answer says so and tells of every line before. The answer is given
at the end, because most clients listen only when they have said everything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from samechild.collection.feeds import takes_long_ids
from samechild.collection.receiving import receive
from samechild.collection.records import MOST_CHILDREN, Fault, Taken
from samechild.collection.structure import read_lines
from samechild.errors import SamechildError
from samechild.web.bodies import Lines, pieces
from samechild.web.collection_sending import feed_named, sending_of
from samechild.web.collection_shapes import FaultTold, LineTold, Summary
from samechild.web.index_operations import asker_of
from samechild.web.operations import JSON, Call

NDJSON = "application/x-ndjson"


class _Answer:
    """What is told of the lines so far."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.kept = self.refused = self.unchanged = self.seen = 0

    def add(self, taken: Taken, count: int) -> None:
        """Tell of a batch of so many lines."""
        for at in range(count):
            receipt = taken.receipts[at] if taken.receipts else ""
            errors, flags = _at(taken.faults, at), _at(taken.flags, at)
            told = LineTold(line=self.seen + at + 1, receipt=receipt, errors=errors, flags=flags)
            self.lines.append(msgspec.json.encode(told))
            self.kept += bool(receipt)
            self.refused += bool(errors)
        self.unchanged += taken.unchanged
        self.seen += count

    def response(self, accept: str, stopped: str) -> Response:
        """The answer: a line for each line and the summary, or all of it in one object."""
        summary = Summary(
            lines=self.seen, kept=self.kept, refused=self.refused, unchanged=self.unchanged, stopped=stopped
        )
        if JSON in accept.lower() and NDJSON not in accept.lower():
            raw = [msgspec.Raw(line) for line in self.lines]
            return Response(msgspec.json.encode({"lines": raw, "summary": summary}), media_type=JSON)
        last = msgspec.json.encode({"summary": summary})
        return Response(b"\n".join([*self.lines, last, b""]), media_type=NDJSON)


def _at(faults: Sequence[Fault], position: int) -> list[FaultTold]:
    return [
        FaultTold(position=0, pointer=each.place, rule=each.rule, detail=each.words)
        for each in faults
        if each.position == position
    ]


async def load(call: Call, request: Request) -> Response:
    """Take the lines of a first load as they come, and tell of each.

    Raises:
        SamechildError: when nothing of it could be taken at all.
    """
    answer, stopped, number = _Answer(), "", 0
    try:
        async for lines in _batches(request):
            number += 1
            taken = await run_in_threadpool(_take, call, lines, number)
            answer.add(taken, len(lines))
    except SamechildError as error:
        if not answer.seen:
            raise
        stopped = str(error)
    return answer.response(call.headers.get("accept", ""), stopped)


async def _batches(request: Request) -> AsyncIterator[list[bytes]]:
    """The lines of a body, a hundred at a time."""
    lines = Lines(gzip=request.headers.get("content-encoding", "").strip().lower() == "gzip")
    waiting: list[bytes] = []
    async for piece in pieces(request):
        waiting += await run_in_threadpool(lines.feed, piece)
        while len(waiting) >= MOST_CHILDREN:
            yield waiting[:MOST_CHILDREN]
            waiting = waiting[MOST_CHILDREN:]
    waiting += lines.rest()
    while waiting:
        yield waiting[:MOST_CHILDREN]
        waiting = waiting[MOST_CHILDREN:]


def _take(call: Call, lines: Sequence[bytes], number: int) -> Taken:
    """Keep a hundred lines."""
    shell, raw = call.shell, b"\n".join(lines)
    long_ids = takes_long_ids(shell.store, *feed_named(call))
    sending = sending_of(msgspec.structs.replace(call, raw=raw), read_lines(lines, long_ids=long_ids))
    key = f"{sha256(sending.idempotency_key.encode()).hexdigest()}.{number}" if sending.idempotency_key else ""
    sending = msgspec.structs.replace(sending, partial=True, idempotency_key=key, began=0.0)
    return receive(shell.store, asker_of(call), sending, shell.now(), shell.random)
