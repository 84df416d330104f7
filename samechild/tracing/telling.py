"""Telling the index what became known of numbers: so that records meet by them, and a withdrawn one joins nobody.

A verified number is told as a new value of the same record where the record itself holds none, or holds the same; where
it holds another, nothing is written over it: the index learns that the one number was replaced by the other, and reads
either as both. What was told is noted afterwards, so that an interruption tells it again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from samechild.index import store as index_tables
from samechild.index.actions import renumber
from samechild.index.identifying import identify
from samechild.index.keeping import coming
from samechild.index.records import Arrival
from samechild.index.spaces import spaces_for
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from samechild.tracing import store as tables
from samechild.tracing.actions import TRACE
from samechild.tracing.records import NumberStatus
from samechild.tracing.settling import NUMBER_FIELD
from samechild.tracing.store import Number
from samechild.tracing.subjects import Known, known

STATUS_FIELD = "nhs_number_status"


class ToldIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What the index was told: numbers as new values, numbers replaced or withdrawn, and questions that this raised."""

    numbers: int = 0
    renumbered: int = 0
    questions: int = 0


def tell_index(store: Store, by: Asker, now: datetime, *, every: bool = False) -> ToldIndex:
    """Tell the index of the numbers that became known since the last time; ``every``: of all that count, once more.

    The second is for after a feed has brought records anew as their source has them, without the number.

    Raises:
        Refused: when the asker may not keep records of the same child together.
    """
    owner = by.organisation
    with store.read(Login.IDENTITY, owner) as identity:
        waiting = tables.untold(identity, owner, every=every)
    if not waiting:
        return ToldIndex()
    them = known(store, by, [each.record_key for each in waiting], now, batch=TRACE)
    spaces = [space.space for space in spaces_for(store, owner)]
    done = [each for each in waiting if each.record_key in them]
    renumbered = sum(_renumber(store, by, spaces, each, them[each.record_key], now) for each in done)
    arrivals = [made for each in done for made in [_arrival(store, each, them[each.record_key])] if made is not None]
    answers = []
    for space in spaces[:1]:
        answers += identify(store, by, arrivals, now, space=space)
    with store.write(Login.IDENTITY, owner) as identity:
        tables.note_told(identity, [each.number_id for each in done], now)
    return ToldIndex(
        numbers=len(answers),
        renumbered=renumbered,
        questions=sum(len(each.questions) for each in answers),
    )


def _renumber(store: Store, by: Asker, spaces: Sequence[str], number: Number, one: Known, now: datetime) -> int:
    """Tell every space of the organisation what became of the number that was held before."""
    if not number.previous:
        return 0
    held = {one.values.get(NUMBER_FIELD, ""), *(values.get(NUMBER_FIELD, "") for values in one.noted.values())} - {""}
    old = next((each for each in sorted(held) if number.previous in store.keys.tokens(NUMBER_FIELD, each)), "")
    verified = number.status is NumberStatus.VERIFIED
    new = one.noted.get(number.row_id, {}).get(NUMBER_FIELD, "") if verified else ""
    if not old or (verified and (not new or new == old)):
        return 0
    what = "superseded" if verified else "invalidated"
    events = [renumber(store, by, space, old, new, what, now) for space in spaces]
    return int(any(event is not None for event in events))


def _arrival(store: Store, number: Number, one: Known) -> Arrival | None:
    """The record with its verified number; None when it holds another, or holds it already as verified."""
    verified = one.noted.get(number.row_id, {}).get(NUMBER_FIELD, "")
    own = one.values.get(NUMBER_FIELD, "")
    source, record_id = one.values.get("source", ""), one.values.get("record_id", "")
    if number.status is not NumberStatus.VERIFIED or not verified or not (source and record_id):
        return None
    if own and store.keys.token(NUMBER_FIELD, own) != store.keys.token(NUMBER_FIELD, verified):
        return None
    if own and one.values.get(STATUS_FIELD) == NumberStatus.VERIFIED.value:
        return None
    if not _is_known_as(store, one, source, record_id):
        return None
    given: Mapping[str, str] = {
        **{name: value for name, value in one.values.items() if name not in ("source", "record_id")},
        NUMBER_FIELD: own or verified,
        STATUS_FIELD: NumberStatus.VERIFIED.value,
    }
    return Arrival(owner=one.owner, source=source, record_id=record_id, given=given, basis=one.basis)


def _is_known_as(store: Store, one: Known, source: str, record_id: str) -> bool:
    """Whether the index knows this very record by its source and own id: else it would be taken for a new one."""
    tokens = coming(store, one.owner, source, record_id, {}, one.basis).known
    with store.read(Login.INDEX) as connection:
        rows = index_tables.records_by_local(connection, one.owner, tokens)
    return any(row.record_key == one.record_key for row in rows.values())


def records_of(store: Store, owner: str) -> list[str]:
    """The keys of every record of an organisation that the index holds, for what is due and for counting."""
    with store.read(Login.INDEX) as connection:
        rows = index_tables.index_records
        return list(connection.execute(sa.select(rows.c.record_key).where(rows.c.owner == owner)).scalars())
