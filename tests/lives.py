"""A space of the index written step by step in memory, for tests of what may happen to children and their records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from samechild.index import lifecycle
from samechild.index.planned import Planned
from samechild.index.records import Event
from samechild.index.state import State

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def pair(a: str, b: str) -> str:
    """The token of two records, readable."""
    return "+".join(sorted((a, b)))


class Space:
    """A space written step by step: ``does`` takes a step, ``undoes`` takes an event back."""

    def __init__(self, **children: str) -> None:
        self.state: State = {}
        self.events: list[Event] = []
        for child, records in children.items():
            self.does(lifecycle.found(self.state, child, records.split(), pair=pair))

    def does(self, planned: Planned, undoes: int = 0) -> int:
        lifecycle.apply(self.state, planned.changes)
        number = len(self.events) + 1
        self.events.append(
            Event(
                number=number, space="s", at=NOW, kind=planned.kind, child=planned.child, other=planned.other,
                changes=planned.changes, undoes=undoes, state_hash=lifecycle.hash_of(self.state),
            )
        )  # fmt: skip
        return number

    def undoes(self, number: int, **given: Any) -> int:
        planned = lifecycle.undo(self.state, self.events[number - 1], self.events[number:], pair, **given)
        return self.does(planned, number)

    def hash_after(self, number: int) -> str:
        return self.events[number - 1].state_hash

    def merge(self, into: str, gone: str) -> int:
        return self.does(lifecycle.merge(self.state, into, gone, pair))

    def unlink(self, record: str, fresh: str) -> int:
        return self.does(lifecycle.unlink(self.state, record, fresh, pair))
