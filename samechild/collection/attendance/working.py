"""Working off what schools sent: merged, checked, identified; who was purged erased. All of it may be done again.

The same worker that works off children's social care does it, in the order in which a school's submissions were kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from samechild.collection import store as tables
from samechild.collection import who_store
from samechild.collection.attendance.check import check_pupil, check_session
from samechild.collection.attendance.merge import pupil_of
from samechild.collection.attendance.records import Pupil
from samechild.collection.attendance.rules import SchoolDay, session_counts
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
SESSIONS_OF = timedelta(weeks=4)
"""The sessions of so many weeks are looked at as those of a whole school."""


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


def look_again(store: Store, feed: Feed, now: datetime) -> Counter[str]:
    """Apply the rules to every pupil of a school as of today, for some answers change with the day alone.

    Returns in how many of the school's sessions of the last weeks each rule about a whole session speaks, by its code.
    """
    school, after = _numbers(store, feed), ""
    sessions: dict[tuple[date, str], Counter[str]] = {}
    while True:
        with store.read(Login.CONTENT, feed.owner) as connection:
            keys = tables.all_children(connection, feed.owner, after, PUPILS_AT_ONCE)
        if not keys:
            return _spoken(sessions)
        after = keys[-1]
        states = states_of(store, feed.owner, keys, both_keys(store, keys))
        pupils = {key: pupil_of(state.roll) for key, state in states.items()}
        found = {key: check_pupil(pupil, now.date(), school) for key, pupil in pupils.items()}
        for each in session_counts(pupils.values(), now.date() - SESSIONS_OF):
            sessions.setdefault((each.day, each.session), Counter()).update(each.counts)
        with store.write(Login.CONTENT, feed.owner) as connection:
            keep_problems(store, connection, feed.owner, found, {}, now, RETENTION)


def _spoken(sessions: Mapping[tuple[date, str], Counter[str]]) -> Counter[str]:
    days = (SchoolDay(day=day, session=half, counts=dict(counts)) for (day, half), counts in sessions.items())
    return Counter(problem.rule for day in days for problem in check_session(day))


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
            keys = [key for key, state in after.items() if state.order[0] == number]
            tables.identified(connection, feed.owner, keys, number)


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
