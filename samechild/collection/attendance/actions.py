"""What is done with a school's attendance register: received, worked off, and read with a permit.

The door is that of children's social care: a feed under an agreement in force, one decision in the ledger, each pupil's
slice sealed as it came, a receipt. What follows may be done again as often as needed. Reading is a question to the gate
like any other, about the record type ``education.attendance``.

Sources: School Attendance (Pupil Registration) (England) Regulations 2024; Education (Information About Individual
Pupils) (England) Regulations 2013, under which schools share attendance.
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
from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.attendance.states import (
    RECORD_TYPE,
    RETENTION,
    State,
    halves,
    open_marks,
    replayed,
    states_of,
)
from samechild.collection.feeds import council_of, feeds_of, processor_of
from samechild.collection.processing import AT_ONCE, keep_problems
from samechild.collection.purging import purge_children
from samechild.collection.receiving import Sending, let, take
from samechild.collection.records import Feed, Taken
from samechild.collection.states import Received, slice_opened
from samechild.errors import Invalid
from samechild.index.identifying import identify
from samechild.index.records import Arrival
from samechild.index.spaces import ready
from samechild.keys.seal import Random
from samechild.policy import ledger
from samechild.policy.actions import permits
from samechild.policy.received import both_keys
from samechild.policy.shown import organisation
from samechild.records.disclosure import Ask, Asker
from samechild.storage import Database, Login, Store
from samechild.storage.changes import note_change
from samechild.storage.turns import turn

SOURCE = "attendance register"
"""What the index calls the source of these records."""


def receive(store: Store, by: Asker, sending: Sending, now: datetime, random: Random) -> Taken:
    """Take what a school's system sends, or say why not; what has a receipt is kept.

    ``sending.authority`` is the school's URN, ``sending.body`` what :func:`.structure.read_register` read.

    Raises:
        Missing, Refused, Conflict, Unavailable: as :func:`samechild.collection.receiving.receive`.
    """
    leave = let(store, by, sending, now, attendance=True, retention=RETENTION)
    return take(store, by, leave, sending, sending.body.faults, sending.body.flags, now, random)


def process(store: Store, declared: Sequence[sa.MetaData], now: datetime) -> int:
    """Work off what schools sent and is waiting: merged, checked, identified, purged; returns how many submissions.

    It may be interrupted anywhere and done again; one process at a time works for a school.
    """
    done = 0
    for feed in (each for each in feeds_of(store) if each.attendance):
        with turn(store, Login.CONTENT, f"collection {feed.owner}") as mine:
            while mine:
                with store.read(Login.CONTENT, feed.owner) as connection:
                    waiting = tables.next_waiting(connection, feed.owner, AT_ONCE)
                if not waiting:
                    break
                _work_off(store, declared, feed, [row.submission for row in waiting], now)
                done += len(waiting)
    return done


def attendance_of(store: Store, ask: Ask) -> dict[str, tuple[Mark, ...]]:
    """The marks of the pupils that a question names and the gate lets somebody read, by record key.

    What is refused or hidden is left out, in a way that cannot be told from not being there. Each answer stands in the
    ledger before it leaves.

    Raises:
        Invalid: when the question is about another kind of record.
    """
    if ask.record_type != RECORD_TYPE:
        raise Invalid("Ask for attendance.")
    found: dict[str, tuple[Mark, ...]] = {}
    for permit in permits(store, ask):
        marks = open_marks(store, permit, ask.now)
        ledger.outcome(store, permit, sorted(marks), {"records": len(marks)}, ask.now)
        found |= marks
    return found


# --- working off ------------------------------------------------------------------------------------------------------


def _work_off(store: Store, declared: Sequence[sa.MetaData], feed: Feed, names: Sequence[str], now: datetime) -> None:
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
