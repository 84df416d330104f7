"""What the rooms above read of the collection: who changed since a cursor, and tables as of a day and an index.

Hub, statistics and research keep copies, counts and links of their own. They follow :func:`follow`, which misses
nothing, and read :func:`tables_at`: content only, under opaque keys, in declared columns. The gate decides about every
child for whoever asks, each time; who may not be known of is not there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date
from secrets import token_hex

import msgspec
import pyarrow as pa
import sqlalchemy as sa

from samechild.collection import store as kept
from samechild.collection.extract import AT_ONCE, KINDS, schema, tables_of
from samechild.collection.feeds import feeds_of
from samechild.collection.records import Feed
from samechild.collection.tables import RECORD_KEY, tables
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.index.assigned import children_at
from samechild.policy import ledger
from samechild.policy.actions import ask_gate, permit, permits
from samechild.policy.retention.erasure import ERASED
from samechild.records.disclosure import Ask, Mode, Permit, Scope, Spread
from samechild.storage import Database, Login, Store
from samechild.storage.changes import Change, changes_after, newest

MOST = 50
"""So many lines of the feed make a page; a line tells of the children of some submissions."""

COLLECTED, PURGED = "collected", "purged"
THING = "csc thing"
"""What tokens are made for: a thing of a child's record, or a worker, by which its rows are joined."""

INDEX = "index"
"""The table that says which child of the index each record is of."""

_OF_CHILD = pa.schema([(RECORD_KEY.name, pa.string()), ("child", pa.string())])
_CURSOR = re.compile(r"(\d{1,15})(?:-([0-9a-f]{16}))?")


class Changed(msgspec.Struct, frozen=True):
    """Something about a child changed: ``collected`` (read it again), or ``purged`` (first drop what is kept of it).

    After a purge of a part, reading again gives what is left; of a child who is gone, nothing.
    """

    number: int
    kind: str
    record_key: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some changes in their order, the cursor to ask with next, and whether more is waiting already."""

    changes: tuple[Changed, ...]
    next: str
    more: bool


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Tables by name, as of a day (None: as it is now) and a version of the index."""

    tables: dict[str, pa.Table]
    index_version: int
    as_at: date | None = None


# --- what changed -----------------------------------------------------------------------------------------------------


def follow(store: Store, ask: Ask, after: str, limit: int = MOST) -> Page:
    """Whose records of a council changed after a cursor, oldest first; each child once on a page for each kind.

    Args:
        store: the open installation.
        ask: who asks which council for which purpose, on what grounds; about whom is put in here.
        after: ``0`` to begin with, then ``next`` of the page before. Keep it in the transaction of what was done with
            the page.
        limit: at most so many lines of the feed.

    Raises:
        Refused: when the gate gives this asker nothing of that council for that purpose.
        Missing: when that council sends nothing here. Invalid: when the cursor is none.
        Conflict: when the cursor is from before a backup was put back: begin again from 0.
    """
    number, check = _cursor(after)
    _feed(store, ask)
    _entitled(store, ask)
    with store.read(Login.CONTENT) as connection:
        _same_feed(connection, number, check)
        lines = changes_after(connection, Database.CONTENT, number, limit=min(max(limit, 1), MOST))
        upto = newest(connection, Database.CONTENT)
    told = [each for line in lines if line.space == ask.owner for each in _told(line)]
    seen = _may_be_told(store, ask, list(dict.fromkeys(each.record_key for each in told)))
    last = lines[-1] if lines else None
    once = dict.fromkeys((each.kind, each.record_key) for each in told if each.record_key in seen)
    first = {(each.kind, each.record_key): each for each in reversed(told)}
    return Page(
        changes=tuple(sorted((first[each] for each in once), key=lambda each: each.number)),
        next=_mark(last) if last else after,
        more=last is not None and last.number < upto,
    )


def _told(line: Change) -> Iterator[Changed]:
    if line.kind == COLLECTED:
        yield from (Changed(line.number, COLLECTED, key) for key in line.more.get("records", ()))
    elif line.kind in (PURGED, ERASED):
        yield Changed(line.number, PURGED, line.subject)


def _may_be_told(store: Store, ask: Ask, record_keys: Sequence[str]) -> set[str]:
    """Of some records those that the asker may know of; what they are told stands in the ledger before."""
    if not record_keys:
        return set()
    found: set[str] = set()
    for given in permits(store, _about(ask, KINDS[0], record_keys, f"changes-{token_hex(8)}")):
        ledger.outcome(store, given, given.record_keys, {"changes": len(given.record_keys)}, ask.now)
        found |= set(given.record_keys)
    return found


def _entitled(store: Store, ask: Ask) -> None:
    """Asking in vain is not written down, being told something is."""
    question = _about(ask, KINDS[0], (), "changes")
    decision = ask_gate(store, question)
    if not decision.allowed or decision.shadow:
        permit(store, question)
        raise Refused("No leave to follow changes.")


def _cursor(text: str) -> tuple[int, str]:
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise Invalid("That is no cursor: begin with 0, then send the `next` of the page before.")
    return int(match[1]), match[2] or ""


def _mark(line: Change) -> str:
    words = f"{line.number}\x1f{line.at.isoformat()}\x1f{line.space}\x1f{line.kind}\x1f{line.subject}"
    return f"{line.number}-{hashlib.sha256(words.encode()).hexdigest()[:16]}"


def _same_feed(connection: sa.Connection, number: int, check: str) -> None:
    """Notice a cursor from before a backup was put back."""
    if not number:
        return
    line = next(iter(changes_after(connection, Database.CONTENT, number - 1, limit=1)), None)
    if line is None or line.number != number or (check and _mark(line) != f"{number}-{check}"):
        raise Conflict("This cursor is not of the collection as it is now: a backup was put back. Begin again from 0.")


# --- what is known ----------------------------------------------------------------------------------------------------


def tables_at(store: Store, ask: Ask, *, as_at: date | None = None, index_version: int | None = None) -> Snapshot:
    """What somebody may read of a council's children, as tables, and which child of the index each record is of.

    Keys are opaque and the same each time, so that rows can be joined, followed and counted; they name nobody.

    Args:
        store: the open installation.
        ask: who asks which council for which purpose, on what grounds; for what and about whom is put in here.
        as_at: what was known at the end of this day; None: what is known now.
        index_version: number of the event of the index as of which children are told apart; None: the newest.

    Raises:
        Refused: when the gate says no to all of it. Missing: when that council sends nothing here.
        Invalid: when the index has no such version. Unavailable: when the ledger cannot be written.
    """
    feed = _feed(store, ask)
    batch = f"tables-{token_hex(8)}"
    permit(store, _about(ask, KINDS[0], (), batch))
    parts: dict[str, list[pa.Table]] = {table.name: [schema(table).empty_table()] for table in tables()}
    readable: list[str] = []
    for record_keys in _in_parts(store, ask.owner):
        asks = [_about(ask, kind, record_keys, batch) for kind in KINDS]
        given = [each for one in asks for each in permits(store, one)]
        if not given:
            continue
        for name, rows in tables_of(store, given, feed, lambda text: _key(store, text), as_at).items():
            parts[name].append(rows)
        readable += parts["children"][-1][RECORD_KEY.name].to_pylist()
        _shown(store, given, ask)
    version, children = children_at(store, ask.owner, readable, index_version)
    found = {name: pa.concat_tables(some) for name, some in parts.items()}
    of_child = [{RECORD_KEY.name: key, "child": children[key]} for key in sorted(children)]
    found[INDEX] = pa.Table.from_pylist(of_child, _OF_CHILD)
    return Snapshot(tables=found, index_version=version, as_at=as_at)


def _key(store: Store, text: str) -> str:
    """A record's key as it is; a thing or a worker, which the council named, only as a token."""
    return store.keys.token(THING, text) if "/" in text else text


def _shown(store: Store, given: Sequence[Permit], ask: Ask) -> None:
    for each in given:
        ledger.outcome(store, each, each.record_keys, {"records": len(each.record_keys)}, ask.now)


def _in_parts(store: Store, owner: str) -> Iterator[list[str]]:
    """The opaque keys of an owner's children, some at a time."""
    some = [""]
    while some:
        with store.read(Login.CONTENT, owner) as connection:
            some = kept.all_children(connection, owner, some[-1], AT_ONCE)
        if some:
            yield some


def _feed(store: Store, ask: Ask) -> Feed:
    found = feeds_of(store, [ask.owner])
    if not found:
        raise Missing("That organisation does not send children's social care records here.")
    return found[0]


def _about(ask: Ask, kind: str, record_keys: Sequence[str], batch: str) -> Ask:
    scope = Scope(Spread.BATCH, tuple(record_keys), batch=batch)
    return msgspec.structs.replace(ask, mode=Mode.CONTENT, record_type=kind, scope=scope)
