"""What is held of pupils, in the same tables and under the same keys as children's social care.

The merged register of a pupil lies in two halves, one in each vault; what was received lies beside it, so that the
halves can always be made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from samechild.collection import store as tables
from samechild.collection import who_store
from samechild.collection.attendance.merge import Roll, joined, merge, parted, pupil_of
from samechild.collection.attendance.records import Mark
from samechild.collection.states import BASIS, Received, received
from samechild.errors import Refused
from samechild.policy.received import Both, both_keys, opened, sealed
from samechild.records.disclosure import Mode, Permit
from samechild.records.types import record_types
from samechild.storage import Login, Store

RECORD_TYPE = "education.attendance"
RETENTION = record_types()[RECORD_TYPE].retention


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of a pupil as of a place in the order of what was received."""

    record_key: str
    order: tuple[int, int]  # the submission's number, and the position in it
    roll: Roll


def states_of(store: Store, owner: str, record_keys: Sequence[str], keys: Mapping[str, Both]) -> dict[str, State]:
    """What is held of some pupils; for the rooms that work on it, never to be shown.

    Halves that do not belong together, after a kill between the two vaults, are made again from what was received.
    """
    with store.read(Login.IDENTITY, owner) as connection:
        who = who_store.identities(connection, owner, record_keys)
    with store.read(Login.CONTENT, owner) as connection:
        what = tables.states(connection, owner, record_keys)
    found: dict[str, State] = {}
    for key in sorted((who.keys() | what.keys()) & keys.keys()):
        one, other = who.get(key), what.get(key)
        if one is None or other is None or (one.number, one.position) != (other.number, other.position):
            again = replayed(key, received(store, owner, [key], keys))
            if again is not None:
                found[key] = again
            continue
        identity = opened(keys[key].identity, one.sealed, "csc_identities", "sealed", owner, key, key)
        content = opened(keys[key].content, other.sealed, "csc_states", "sealed", owner, key, key)
        roll = joined(msgspec.json.decode(identity), msgspec.json.decode(content))
        found[key] = State(record_key=key, order=(one.number, one.position), roll=roll)
    return found


def replayed(record_key: str, slices: Sequence[Received], before: State | None = None) -> State | None:
    """The state of a pupil after some slices, oldest first; those that are in the state before are left out."""
    state = before
    for each in slices:
        if state is not None and each.order <= state.order:
            continue
        roll = merge(state.roll if state else None, each.sent)
        state = None if roll is None else State(record_key=record_key, order=each.order, roll=roll)
    return state


Rows = list[dict[str, Any]]


def halves(owner: str, states: Mapping[str, State], keys: Mapping[str, Both], now: datetime) -> tuple[Rows, Rows]:
    """The rows of some states: who the pupils are, for the identity vault, and what is known, for the other."""
    whos, whats = [], []
    for key, state in states.items():
        identity, content = (msgspec.json.encode(half) for half in parted(state.roll))
        common = {"owner": owner, "record_key": key, "received_at": now, "basis": BASIS, "retention": RETENTION}
        common |= {"number": state.order[0], "position": state.order[1]}
        who = sealed(keys[key].identity, identity, "csc_identities", "sealed", owner, key, key)
        what = sealed(keys[key].content, content, "csc_states", "sealed", owner, key, key)
        whos.append({**common, "sealed": who})
        whats.append({**common, "sealed": what, "checked_on": now.date().isoformat()})
    return whos, whats


def open_marks(store: Store, permit: Permit, now: datetime) -> dict[str, tuple[Mark, ...]]:
    """The marks of the pupils that a permit names, by record key; who they are is not opened.

    Raises:
        Refused: when the permit has run out, is for existence only, or is not for attendance.
    """
    if permit.decision.expires is not None and now >= permit.decision.expires:
        raise Refused("Leave to read has run out: ask again.")
    if permit.decision.ask.mode is not Mode.CONTENT or permit.record_type != RECORD_TYPE:
        raise Refused("This permit is not for reading attendance: ask the gate for that.")
    keys = both_keys(store, permit.record_keys)
    with store.read(Login.CONTENT, permit.space) as connection:
        rows = tables.states(connection, permit.space, sorted(keys))
    found = {}
    for key, row in rows.items():
        content = opened(keys[key].content, row.sealed, "csc_states", "sealed", permit.space, key, key)
        held = Roll({"pupil_id": "0", **msgspec.json.decode(content)})
        found[key] = pupil_of(held).marks or ()
    return found
