"""Working off what schools sent: merged, checked, identified; who was purged erased. All of it may be done again.

The same worker that works off children's social care does it, in the order in which a school's submissions were kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from samechild.collection import store as tables
from samechild.collection import who_store
from samechild.collection.attendance.check import check_pupil
from samechild.collection.attendance.merge import pupil_of
from samechild.collection.attendance.records import Pupil
from samechild.collection.attendance.states import RETENTION, State, halves, replayed, states_of
from samechild.collection.feeds import council_of, processor_of
from samechild.collection.problems import keep_problems
from samechild.collection.purging import purge_children
from samechild.collection.records import Feed
from samechild.collection.states import Received, slice_opened
from samechild.index.identifying import identify
from samechild.index.records import Arrival
from samechild.index.spaces import ready
from samechild.policy.received import both_keys
from samechild.policy.shown import organisation
from samechild.storage import Database, Login, Store
from samechild.storage.changes import note_change

SOURCE = "attendance register"
"""What the index calls the source of these records."""

PUPILS_AT_ONCE = 500


def work_off(store: Store, declared: Sequence[sa.MetaData], feed: Feed, names: Sequence[str], now: datetime) -> None:
    """Merge, check, identify and purge what some submissions brought; it may be interrupted anywhere and done again."""
    owner = feed.owner
    with store.read(Login.CONTENT, owner) as connection:
        rows = tables.slices_of_submissions(connection, names)
    record_keys = list(dict.fromkeys(row.record_key for row in rows))
    keys = both_keys(store, record_keys)
    before = states_of(store, owner, record_keys, keys)
    sent = [slice_opened(row, keys[row.record_key]) for row in rows if row.record_key in keys]
    gone = list(dict.fromkeys(each.record_key for each in sent if each.sent.get("purge") is True))
    of_pupil: dict[str, list[Received]] = {}
    for each in sent:
        of_pupil.setdefault(each.record_key, []).append(each)
    came = {key: replayed(key, its, before.get(key)) for key, its in of_pupil.items() if key not in gone}
    after = {key: state for key, state in came.items() if state is not None}
    _keep(store, feed, after, halves(owner, after, keys, now), now)
    _identify(store, feed, after, now)
    purge_children(store, declared, processor_of(feed), gone, now)
    with store.write(Login.CONTENT, owner) as connection:
        tables.submission_done(connection, names, now)


def look_again(store: Store, feed: Feed, now: datetime) -> int:
    """Apply the rules to every pupil of a school as of today, for some answers change with the day alone; how many."""
    school, after, done = _numbers(store, feed), "", 0
    while True:
        with store.read(Login.CONTENT, feed.owner) as connection:
            keys = tables.all_children(connection, feed.owner, after, PUPILS_AT_ONCE)
        if not keys:
            return done
        after = keys[-1]
        states = states_of(store, feed.owner, keys, both_keys(store, keys))
        found = {key: check_pupil(pupil_of(state.roll), now.date(), school) for key, state in states.items()}
        with store.write(Login.CONTENT, feed.owner) as connection:
            keep_problems(store, connection, feed.owner, found, {}, now, RETENTION)
        done += len(states)


def _keep(store: Store, feed: Feed, after: Mapping[str, State], rows: tuple[Any, Any], now: datetime) -> None:
    """Keep the new states in both vaults, and what the rules say of them."""
    school = _numbers(store, feed)
    found = {key: check_pupil(pupil_of(state.roll), now.date(), school) for key, state in after.items()}
    with store.write(Login.IDENTITY, feed.owner) as connection:
        who_store.keep_identities(connection, rows[0])
    with store.write(Login.CONTENT, feed.owner) as connection:
        tables.keep_states(connection, rows[1])
        keep_problems(store, connection, feed.owner, found, {}, now, RETENTION)
        if after:
            more = {"records": sorted(after)}
            note_change(connection, Database.CONTENT, "collected", space=feed.owner, subject="", now=now, more=more)


def _numbers(store: Store, feed: Feed) -> list[str]:
    """The numbers by which the sending school is known."""
    known = organisation(store, council_of(feed)).codes
    return [known[name] for name in ("urn", "laestab") if name in known]


def _identify(store: Store, feed: Feed, after: Mapping[str, State], now: datetime) -> None:
    """Let the index find each pupil a place among the school's own; no agreement joins them with another's here."""
    if feed.sandbox or not after or not ready(store, feed.owner):
        return
    identify(store, processor_of(feed), [_arrival(state, feed.owner) for state in after.values()], now)
    with store.write(Login.CONTENT, feed.owner) as connection:
        for number in {state.order[0] for state in after.values()}:
            tables.identified(connection, [key for key, state in after.items() if state.order[0] == number], number)


def _arrival(state: State, owner: str) -> Arrival:
    pupil: Pupil = pupil_of(state.roll)
    born = pupil.date_of_birth
    given = {
        "other_id": pupil.pupil_id,
        "forename": pupil.first_name,
        "surname": pupil.surname,
        "date_of_birth": born.isoformat() if born else None,
        "upn": pupil.unique_pupil_number,
    }
    return Arrival(
        owner=owner,
        source=SOURCE,
        record_id=pupil.pupil_id,
        given={name: value for name, value in given.items() if value},
        record_key=state.record_key,
    )
