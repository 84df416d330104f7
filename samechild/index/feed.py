"""The change feed: how a system that keeps our identifiers learns that one of them changed, and never misses it.

A follower keeps a cursor and asks for what came after it. Events are numbered without gaps in the order of their
commits, so nothing can appear behind a cursor; a cursor from before a backup was put back is noticed. What is told to
whom stands in :mod:`samechild.index.telling`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from threading import BoundedSemaphore
from time import monotonic, sleep

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Refused
from samechild.index import store as tables
from samechild.index.records import Event, Kind
from samechild.index.spaces import ask_of, space_of
from samechild.index.telling import Changed, Sight, cursor, mark, records_named, ties_identities, told
from samechild.policy import ledger
from samechild.policy.actions import ask_gate, permit
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

MOST = 1000
"""So many events are looked at for one page."""

MOST_WAITING = 8
EVERY = 0.25
"""Seconds between two looks while a follower waits."""


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
        sight = sight_of(connection, by.organisation, space, events)
    found = tuple(each for each in (told(event, sight) for event in events) if each is not None)
    if found:
        given = permit(store, ask_of(by, by.organisation, now, batch="changes"))
        told_of = [move.record_key for change in found for move in change.moved]
        ledger.outcome(store, given, told_of, {"changes": len(found)}, now)
    last = mark(events[-1]) if events else after
    return Page(space=space, changes=found, next=last, more=len(events) == limit)


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a follower may be told of a child's past: its events, who decided each, and what it was called before."""

    child: str
    changes: tuple[tuple[Changed, str], ...]
    replaced: tuple[str, ...]


def past(store: Store, by: Asker, space: str, child: str, record_keys: Collection[str], now: datetime) -> Past:
    """The history of a child, and the identifiers that lead to it, as far as they were of these records of it.

    ``record_keys`` are the records that the asker was let see: an identifier under which none of them was known would
    tell of a record that they do not see.

    Raises:
        Missing, Refused: as :func:`changes`.
    """
    space = _entitled(store, by, space, now)
    with store.read(Login.INDEX) as connection:
        names, events, replaced = [child], dict[int, Event](), set[str]()
        while names:
            name = names.pop()
            for event in tables.events_of(connection, space, name):
                events[event.number] = event
                if event.kind is Kind.MERGE and event.child == name and _moved_some(event, record_keys):
                    state = tables.states_of(connection, space, [event.other]).get(event.other, "")
                    if state.startswith("merged:") and event.other not in replaced:
                        replaced.add(event.other)
                        names.append(event.other)
        shown = [events[number] for number in sorted(events) if not ties_identities(events[number])]
        sight = sight_of(connection, by.organisation, space, shown)
    found = [(told(event, sight), event.by) for event in shown]
    return Past(
        child=child,
        changes=tuple((change, who) for change, who in found if change is not None),
        replaced=tuple(sorted(replaced)),
    )


def _moved_some(event: Event, record_keys: Collection[str]) -> bool:
    return any(change.what == "member" and change.key in record_keys for change in event.changes)


def wait(
    store: Store,
    after: str,
    seconds: float,
    clock: Callable[[], float] = monotonic,
    pause: Callable[[float], None] = sleep,
) -> bool:
    """Wait until there is an event after a cursor, so long at most; False when none came.

    Only so many followers wait at once in one process; others are told at once that there is nothing yet.
    """
    turns = store.memory.setdefault("index.waiting", BoundedSemaphore(MOST_WAITING))
    if not turns.acquire(blocking=False):
        return False
    number, until = cursor(after)[0], clock() + seconds
    try:
        while clock() < until:
            with store.read(Login.INDEX) as connection:
                if tables.newest(connection) > number:
                    return True
            pause(min(EVERY, max(0.0, until - clock())))
    finally:
        turns.release()
    return False


def sight_of(connection: sa.Connection, organisation: str, space: str, events: Sequence[Event]) -> Sight:
    """What an organisation may be told of some events of a space."""
    keys = sorted({key for event in events for key in records_named(event)})
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
