"""Asking what an organisation's records differ in: each owner is asked through the gate, as one batch in the ledger.

The children are taken some thousands at a time, so that a space of any size fits in memory; every part bears the name
of the same batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from samechild.index import store as tables
from samechild.index.drift import Drift, Drifts, batch_name, drift_of
from samechild.index.grounds import grounded
from samechild.index.records import WHO, Held
from samechild.index.spaces import ask_of, space_of
from samechild.policy.actions import permit
from samechild.policy.people.organisations import kinds
from samechild.policy.shown import organisations
from samechild.policy.vault_actions import read_what_may_be
from samechild.records.disclosure import Asker
from samechild.records.types import Sector
from samechild.storage import Login, Store

AT_ONCE = 2_000
"""So many children are compared at a time."""

Member = tuple[str, str, str, str]
Progress = Callable[[int, int], None]


def sectors_of(store: Store) -> dict[str, Sector]:
    """The sector of every organisation, by its id."""
    return {each.organisation: kinds()[each.kind].sector for each in organisations(store)}


def drifts(store: Store, by: Asker, space: str, now: datetime, *, progress: Progress = lambda done, of: None) -> Drifts:
    """Say what the asker's own organisation holds that differs from the other records of the same children.

    Args:
        store: the open installation.
        by: who asks, for the purpose of keeping records of the same child together.
        space: the index space.
        now: the time.
        progress: told how many children were compared, of how many.

    Raises:
        Missing: when the organisation is no member of the space.
        Refused: when the asker may not read the organisation's own records for this.
        Unavailable: when the ledger cannot be written: nothing is told.
    """
    here = space_of(store, space, by.organisation)
    batch = batch_name()
    permit(store, ask_of(by, by.organisation, now, batch=batch))
    with store.read(Login.INDEX) as connection:
        members = tables.every_member(connection, here.space)
    children: dict[str, list[Member]] = {}
    for member in members:
        children.setdefault(member[3], []).append(member)
    own = sum(member[1] == by.organisation for member in members)
    concerned = [them for _, them in sorted(children.items()) if any(each[1] == by.organisation for each in them)]
    sectors = sectors_of(store)
    lines: list[Drift] = []
    compared = 0
    for start in range(0, len(concerned), AT_ONCE):
        some = concerned[start : start + AT_ONCE]
        for records in _read(store, by, some, batch, now):
            mine = sum(held.owner == by.organisation for held in records)
            compared += mine if len(records) > 1 else 0
            lines += drift_of(by.organisation, records, sectors, now.date())
        progress(min(start + AT_ONCE, len(concerned)), len(concerned))
    return Drifts(organisation=by.organisation, lines=tuple(lines), records=own, compared=compared)


def _read(store: Store, by: Asker, children: list[list[Member]], batch: str, now: datetime) -> Iterator[list[Held]]:
    """The records of some children, as far as each owner lets the asker see them."""
    members = {each[0]: each for them in children for each in them}
    held: dict[str, Held] = {}
    for owner in sorted({each[1] for each in members.values()}):
        keys = sorted(key for key, each in members.items() if each[1] == owner)
        for record_type in WHO:
            question = msgspec.structs.replace(ask_of(by, owner, now, keys, batch), record_type=record_type)
            for given, rows in read_what_may_be(store, grounded(store, question)):
                for key, row in {row.heading.record_key: row for row in rows}.items():
                    if key not in members:
                        continue
                    was = held.get(key)
                    values = msgspec.json.decode(row.plain, type=dict[str, str])
                    held[key] = Held(
                        record_key=key,
                        owner=owner,
                        source=members[key][2],
                        received_at=row.heading.received_at if was is None else was.received_at,
                        values={**(was.values if was else {}), **values},
                        number=given.decision.number if was is None else was.number,
                    )
    for them in children:
        found = [held[each[0]] for each in them if each[0] in held]
        if found:
            yield found
