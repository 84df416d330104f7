"""A child's records looked at together: how they hang together, what happened to them, and taking some of them out.

Before anything is taken apart, a person sees what would move and who would learn of it. Taking apart rules the two
sides apart as well, so that they are not put together again by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from samechild.errors import Invalid
from samechild.index import actions
from samechild.index import review_store as questions
from samechild.index.evidence import weights
from samechild.index.live import live
from samechild.index.reading import history, read_child
from samechild.index.records import ChildRead, Event
from samechild.index.review_queue import check_reviewer
from samechild.index.spaces import ask_of
from samechild.index.weak_links import Held, how_held
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A child as a reviewer may see it: its records, how they hang together, and its history, newest first.

    ``held`` is None when the space has no linkage model to weigh them by.
    """

    read: ChildRead
    held: Held | None
    events: tuple[Event, ...]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What taking records out of a child would do, before anything is done.

    ``told`` names the organisations that hold a record of the child and learn of it from the feed of changes;
    ``lead_here`` counts earlier identifiers that keep leading to those who stay; ``open_questions`` those about the
    records that leave.
    """

    child: str
    stay: tuple[str, ...]
    leave: tuple[str, ...]
    told: tuple[str, ...]
    lead_here: int
    open_questions: int


def open_cluster(store: Store, by: Asker, space: str, child: str, now: datetime) -> Cluster:
    """Read a child's records through the gate, and see how they hang together by what may be seen of them.

    Raises:
        Missing: when there is no such child, or nothing the asker may know of.
        Refused: when the asker is no reviewer.
    """
    check_reviewer(store, by, space, now)
    read = read_child(store, by, space, child, ask_of(by, by.organisation, now))
    records = {each.record_key: each.values for each in read.records}
    try:
        held = how_held(list(records), weights(live(store, space, now), records, now.date()))
    except Invalid:
        held = None
    events = history(store, by, space, child, now)
    return Cluster(read=read, held=held, events=tuple(reversed(events)))


def preview_split(store: Store, by: Asker, space: str, child: str, leave: Sequence[str], now: datetime) -> Preview:
    """Say what taking some records out of a child would do.

    Raises:
        Invalid: when no record would leave, none would stay, or one is not the child's.
        Missing, Refused: as :func:`open_cluster`.
    """
    check_reviewer(store, by, space, now)
    read = read_child(store, by, space, child, ask_of(by, by.organisation, now))
    there = {each.record_key: each.owner for each in read.records}
    leaving = tuple(dict.fromkeys(leave))
    if not leaving or not set(leaving) < set(there):
        raise Invalid("Pick at least one record to leave, and leave at least one to stay.")
    with store.read(Login.INDEX) as index:
        lead_here = questions.leading_to(index, space, read.child)
        about = questions.naming(index, space, leaving)
    return Preview(
        child=read.child,
        stay=tuple(key for key in there if key not in leaving),
        leave=leaving,
        told=tuple(sorted(set(there.values()))),
        lead_here=lead_here,
        open_questions=len(about),
    )


def split_cluster(
    store: Store, by: Asker, space: str, child: str, leave: Sequence[str], note: str, now: datetime
) -> Event:
    """Take some records out of a child, as a child of their own.

    Raises:
        Invalid, Missing, Refused: as :func:`preview_split`.
        Conflict: when the child has changed since.
    """
    preview = preview_split(store, by, space, child, leave, now)
    if len(preview.leave) == 1:
        return actions.unlink(store, by, space, preview.leave[0], note, now)
    return actions.split(store, by, space, preview.child, preview.leave, note, now)


def undo_event(store: Store, by: Asker, space: str, number: int, note: str, now: datetime) -> Event:
    """Take back what happened to a child, exactly.

    Raises:
        Conflict: when later events rest on it; the message names those to take back first.
        Missing, Refused: as :func:`open_cluster`.
    """
    check_reviewer(store, by, space, now)
    return actions.undo(store, by, space, number, note, now)
