"""Writing events and what they add up to, in one transaction of the identity vault.

An event, the lines it changes and the space's digest are committed together or not at all; whoever follows learns of
them by their number. Nothing is ever changed in what happened: taking something back is an event as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Missing
from samechild.index import store as tables
from samechild.index.lifecycle import Planned, moved
from samechild.index.records import WHO, Event
from samechild.records.types import record_types
from samechild.storage.changes import note_change
from samechild.storage.databases import Database

RETENTION = record_types()[WHO[0]].retention


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to happen: the planned changes, who decided (empty: the engine) and why, in codes and weights."""

    planned: Planned
    by: str = ""
    why: dict[str, Any] = {}
    undoes: int = 0


class Owned(msgspec.Struct, frozen=True):
    """Whose a record is and on which basis it is held."""

    owner: str
    basis: str


def write(
    connection: sa.Connection, space: str, drafts: Sequence[Draft], owned: Mapping[str, Owned], now: datetime
) -> list[Event]:
    """Write what happens in a space, in the caller's transaction, which must hold the index (``store.hold``).

    ``owned`` says whose the records are that become members. Returns the events with their numbers.

    Raises:
        Missing: when there is no such space.
    """
    if not drafts:
        return []
    head = tables.head(connection, space)
    if head is None:
        raise Missing("There is no such index space: open it first.")
    number, state_hash = tables.newest(connection), head[0]
    events = []
    for draft in drafts:
        number += 1
        planned = draft.planned
        state_hash = moved(state_hash, planned.changes)
        events.append(
            Event(
                number=number,
                space=space,
                at=now,
                kind=planned.kind,
                by=draft.by,
                child=planned.child,
                other=planned.other,
                changes=planned.changes,
                undoes=draft.undoes,
                why=draft.why,
                state_hash=state_hash,
            )
        )
    tables.keep_events(connection, events)
    materialise(connection, space, events, owned, now)
    tables.move_head(connection, space, state_hash)
    note_change(connection, Database.IDENTITY, "index", space=space, subject=space, now=now, more={"event": number})
    return events


def materialise(
    connection: sa.Connection, space: str, events: Sequence[Event], owned: Mapping[str, Owned], now: datetime
) -> None:
    """Bring members, children and the other lines to where the events lead."""
    first: dict[tuple[str, str], str] = {}
    last: dict[tuple[str, str], str] = {}
    for event in events:
        for change in event.changes:
            first.setdefault((change.what, change.key), change.before)
            last[change.what, change.key] = change.after
    for what in dict.fromkeys(what for what, _ in last):
        lines = [(key, first[what, key], after) for (kind, key), after in last.items() if kind == what]
        if what == "member":
            tables.move_members(connection, space, [_member(line, owned, now) for line in lines])
        elif what == "child":
            tables.move_children(connection, space, lines)
        else:
            tables.move_lines(connection, space, what, lines)


def _member(line: tuple[str, str, str], owned: Mapping[str, Owned], now: datetime) -> tuple[str, str, dict[str, Any]]:
    record_key, before, after = line
    whose = owned.get(record_key)
    row = {
        "owner": whose.owner if whose else "",
        "record_key": record_key,
        "received_at": now,
        "basis": whose.basis if whose else "",
        "retention": RETENTION,
        "child": after,
    }
    return before, after, row
