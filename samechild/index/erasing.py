"""Erasing a child's record from the index: the gate destroys the keys and the rows, the index notes that it is gone.

An erasure may come from anywhere (retention, a person's request, a backup put back); the index follows the
tombstones, so that none is missed and one that was interrupted is finished at the next start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from samechild.index import lifecycle
from samechild.index import store as tables
from samechild.index.lifecycle import State
from samechild.index.live import forget_all
from samechild.index.records import Kind
from samechild.index.writing import Draft, write
from samechild.keys.store import all_tombstones
from samechild.policy.retention.erasure import Erased, Tables, Why
from samechild.policy.retention.erasure import erase as erase_everywhere
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store


def erase(store: Store, declared: Tables, by: Asker, record_keys: Sequence[str], why: Why, now: datetime) -> Erased:
    """Erase an organisation's records of a child for good, and let the index know that they are gone.

    Raises:
        Missing, Refused, Unavailable: as :func:`samechild.policy.retention.erasure.erase`.
    """
    done = erase_everywhere(store, declared, record_keys, why, by, now)
    follow_erasures(store, now)
    return done


def follow_erasures(store: Store, now: datetime) -> int:
    """Note in every space which records were erased since; returns how many. Twice changes nothing."""
    with store.read(Login.GATE) as gate:
        erased = {stone.record_key for stone in all_tombstones(gate)}
    if not erased:
        return 0
    count = 0
    with store.read(Login.INDEX) as connection:
        names = [space.space for space in tables.spaces(connection)]
        open_in = {name: _still_members(connection, name, erased) for name in names}
    for name, keys in open_in.items():
        for key in keys:
            count += _note(store, name, key, now)
    if count:
        forget_all(store)
    return count


def _still_members(connection: sa.Connection, space: str, erased: set[str]) -> list[str]:
    """Of the erased records those that the space's events still count as a child's."""
    noted = {
        change.key
        for event in tables.events_of_kind(connection, space, Kind.ERASE)
        for change in event.changes
        if change.what == "member"
    }
    return sorted(key for key in erased - noted if tables.last_child(connection, space, key))


def _note(store: Store, space: str, record_key: str, now: datetime) -> int:
    with store.write(Login.INDEX) as connection:
        tables.hold(connection)
        child = tables.last_child(connection, space, record_key)
        if not child:
            return 0
        state: State = {("member", key): child for key in tables.members_of(connection, space, [child])}
        state["member", record_key] = child
        state["child", child] = tables.states_of(connection, space, [child]).get(child, "live")
        sealed = tables.lines_by_key(connection, space, "sealed", [record_key])
        state |= {("sealed", key): value for key, value in sealed.items()}
        write(connection, space, [Draft(planned=lifecycle.erase(state, record_key))], {}, now)
    return 1
