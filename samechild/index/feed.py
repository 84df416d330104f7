"""The change feed: how a system that keeps our identifiers learns that one of them changed, and never misses it.

A follower keeps a cursor and asks for what came after it. Events are numbered without gaps in the order of their
commits, so nothing can appear behind a cursor; a cursor from before a backup was put back is noticed. What is told to
whom stands in :mod:`samechild.index.telling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Refused
from samechild.index import store as tables
from samechild.index.reading import ask_of, space_of
from samechild.index.records import Event
from samechild.index.telling import Changed, Sight, cursor, mark, told
from samechild.policy import ledger
from samechild.policy.actions import ask_gate, permit
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

MOST = 1000
"""So many events are looked at for one page."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some changes in their order, the cursor to ask with next, and whether more is waiting already."""

    space: str
    changes: tuple[Changed, ...]
    next: str
    more: bool


def changes(store: Store, by: Asker, space: str, after: str, now: datetime, limit: int = MOST) -> Page:
    """What happened in a space after a cursor, oldest first; an empty page when nothing did.

    Args:
        store: the open installation.
        by: who follows: a person or a system that keeps records of the same child together.
        space: the organisation's own space (also when empty), or a joint one it is a member of.
        after: ``0`` to begin with, then ``next`` of the page before.
        now: the time.
        limit: at most so many events are looked at.

    Raises:
        Missing: when there is no such space, as far as the follower may know.
        Refused: when the follower does not hold, now, a role that works on the quality of links.
        Invalid: when the cursor cannot be read.
        Conflict: when the cursor is not of this index: it was put back from a backup. Begin again from 0.
    """
    number, check = cursor(after)
    space = _entitled(store, by, space, now)
    with store.read(Login.INDEX) as connection:
        _same_index(connection, number, check)
        events = tables.events_after(connection, number, space=space, limit=min(max(limit, 1), MOST))
        sight = _sight(connection, by.organisation, space, events)
    found = tuple(each for each in (told(event, sight) for event in events) if each is not None)
    if found:
        given = permit(store, ask_of(by, by.organisation, now, batch="changes"))
        told_of = [move.record_key for change in found for move in change.moved]
        ledger.outcome(store, given, told_of, {"changes": len(found)}, now)
    last = mark(events[-1]) if events else after
    return Page(space=space, changes=found, next=last, more=len(events) == limit)


def _sight(connection: sa.Connection, organisation: str, space: str, events: Sequence[Event]) -> Sight:
    keys = sorted({change.key for event in events for change in event.changes if change.what == "member"})
    records = tables.records_by_key(connection, keys)
    whole = space == organisation
    return Sight(
        whole=whole,
        own={key for key, row in records.items() if row.owner == organisation},
        erased=set(keys) - set(records),
        sealed=set(tables.lines_by_key(connection, space, "sealed", keys)),
        children=() if whole else _own_children(connection, organisation, space, events),
    )


def _own_children(connection: sa.Connection, organisation: str, space: str, events: Sequence[Event]) -> set[str]:
    """Of the children in events that moved no record, those that an organisation has a record of now."""
    quiet = [event for event in events if all(change.what != "member" for change in event.changes)]
    named = sorted({child for event in quiet for child in (event.child, event.other) if child})
    members = tables.members_of(connection, space, named)
    owners = tables.records_by_key(connection, sorted(members))
    return {child for key, child in members.items() if key in owners and owners[key].owner == organisation}


def _same_index(connection: sa.Connection, number: int, check: str) -> None:
    """Notice a cursor from before a backup was put back."""
    ahead = number > tables.newest(connection)
    found = tables.event(connection, number) if check and not ahead else None
    if ahead or (check and (found is None or mark(found) != f"{number}-{check}")):
        raise Conflict(
            "This cursor is not of the index as it is now: it was put back from a backup. Begin again from 0."
        )


def _entitled(store: Store, by: Asker, space: str, now: datetime) -> str:
    """The space, when this asker may follow it; asking in vain is not written down, being told something is."""
    found = space_of(store, space or by.organisation, by.organisation).space
    decision = ask_gate(store, ask_of(by, by.organisation, now, batch="changes"))
    if not decision.allowed or decision.shadow:
        permit(store, ask_of(by, by.organisation, now, batch="changes"))
        raise Refused("No leave to follow changes.")
    return found
