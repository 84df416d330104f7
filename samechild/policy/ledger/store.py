"""The ledger's own tables and queries: entries, the references that find them, subtree hashes, checkpoints.

All four are append-only for every role: on PostgreSQL by grants and a trigger, on SQLite by triggers. The exact bytes
of an entry are kept; the other columns repeat what they say so that pages can look for it, and are checked against
them by ``samechild ledger verify``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from samechild.policy.ledger.checkpoint import Checkpoint, read_checkpoint
from samechild.policy.ledger.entry import Entry, read_entry
from samechild.policy.ledger.tree import ARITY_BITS, Peak, Range, fold, pieces
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})

_GUARDS: dict[str, Any] = {"append_only": True, "grants": {"ledger": "SELECT, INSERT", "gate": "SELECT"}}

ledger_entries = sa.Table(
    "ledger_entries",
    TABLES,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False, comment="counts from 0"),
    sa.Column("leaf", sa.LargeBinary, nullable=False, comment="hash of the entry as a leaf of the tree"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False, comment="the exact bytes that were hashed"),
    sa.Index("ledger_entries_by_kind", "kind", "number"),
    info=_GUARDS,
)

ledger_references = sa.Table(
    "ledger_references",
    TABLES,
    sa.Column("reference", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    info=_GUARDS,
)

ledger_subtrees = sa.Table(
    "ledger_subtrees",
    TABLES,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False, comment="1: of 16 entries, 2: of 256"),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    info=_GUARDS,
)

ledger_checkpoints = sa.Table(
    "ledger_checkpoints",
    TABLES,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False, comment="entries it vouches for"),
    sa.Column("note", sa.Text, nullable=False, comment="the signed checkpoint"),
    sa.Column("public", sa.LargeBinary, nullable=False, comment="the key that signed it"),
    info=_GUARDS,
)

# Statements that every disclosure or proof needs, put together once

_LAST_NOTE = sa.select(ledger_checkpoints.c.note).order_by(ledger_checkpoints.c.size.desc()).limit(1)
_PLACES: sa.BindParameter[Any] = sa.bindparam("places", expanding=True)
_LEAVES = sa.select(ledger_entries.c.number, ledger_entries.c.leaf).where(ledger_entries.c.number.in_(_PLACES))
_SUBTREES = sa.select(ledger_subtrees.c.position, ledger_subtrees.c.hash).where(
    ledger_subtrees.c.level == sa.bindparam("of_level"), ledger_subtrees.c.position.in_(_PLACES)
)
_ADD_ENTRIES, _ADD_REFERENCES = ledger_entries.insert(), ledger_references.insert()
_ADD_SUBTREES, _ADD_CHECKPOINT = ledger_subtrees.insert(), ledger_checkpoints.insert()

_TURN = 0x5A11EDC3
"""The number of the advisory lock that keeps PostgreSQL's writers of the ledger in line."""

PAGE = 1_000


def take_turn(connection: sa.Connection) -> None:
    """Wait until no other process is appending; held to the end of the transaction (SQLite has one writer anyhow)."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("select pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def add(
    connection: sa.Connection,
    entries: Sequence[tuple[int, bytes, datetime, str, bytes]],
    references: Sequence[tuple[str, int]],
    subtrees: Sequence[tuple[int, int, bytes]],
) -> None:
    """Append rows in three statements at most: entries, the references that find them, subtrees now complete."""
    _insert(connection, _ADD_ENTRIES, ("number", "leaf", "at", "kind", "entry"), entries)
    _insert(connection, _ADD_REFERENCES, ("reference", "number"), references)
    _insert(connection, _ADD_SUBTREES, ("level", "position", "hash"), subtrees)


def _insert(
    connection: sa.Connection, added: sa.Insert, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    if rows:
        connection.execute(added, [dict(zip(names, row, strict=True)) for row in rows])


def add_checkpoint(connection: sa.Connection, made: Checkpoint, public: bytes) -> None:
    """Append the checkpoint that vouches for everything up to here."""
    connection.execute(_ADD_CHECKPOINT, {"size": made.size, "note": made.note, "public": public})


def last_note(connection: sa.Connection) -> str | None:
    """The exact text of the newest checkpoint; None for an empty ledger."""
    return connection.scalar(_LAST_NOTE)


def last_checkpoint(connection: sa.Connection) -> Checkpoint | None:
    """The newest checkpoint; None for an empty ledger."""
    note = last_note(connection)
    return None if note is None else read_checkpoint(note)


def checkpoints(connection: sa.Connection, after: int, up_to: int) -> list[tuple[Checkpoint, bytes]]:
    """A page of checkpoints over more than ``after`` and at most ``up_to`` entries, smallest first, with their keys."""
    table = ledger_checkpoints
    asked = sa.select(table).where(table.c.size > after, table.c.size <= up_to).order_by(table.c.size).limit(PAGE)
    return [(read_checkpoint(row.note), row.public) for row in connection.execute(asked)]


def notes(connection: sa.Connection) -> Iterator[tuple[int, str]]:
    """Every checkpoint's size and text as they are kept, smallest first, readable or not."""
    asked = sa.select(ledger_checkpoints.c.size, ledger_checkpoints.c.note).order_by(ledger_checkpoints.c.size)
    return ((row.size, row.note) for row in connection.execute(asked))


def public_keys(connection: sa.Connection, up_to: int) -> list[bytes]:
    """Every public key that signed a checkpoint over at most ``up_to`` entries, in the order they came into use."""
    table = ledger_checkpoints
    asked = sa.select(table.c.public).where(table.c.size <= up_to).group_by(table.c.public)
    return list(connection.scalars(asked.order_by(sa.func.min(table.c.size))))


def entry_at(connection: sa.Connection, number: int) -> bytes | None:
    """The exact bytes of one entry; None when there is none of that number."""
    return connection.scalar(sa.select(ledger_entries.c.entry).where(ledger_entries.c.number == number))


def has_entries_from(connection: sa.Connection, number: int) -> bool:
    """Whether there is any entry of this number or a greater one."""
    found = sa.select(ledger_entries.c.number).where(ledger_entries.c.number >= number).limit(1)
    return connection.scalar(found) is not None


def rows_from(connection: sa.Connection, start: int, end: int) -> Iterator[sa.Row[Any]]:
    """Every row of entries ``start`` to ``end`` (not included) in order, read in pages; ``at`` as the text it is."""
    table = ledger_entries
    columns = (table.c.number, table.c.leaf, sa.type_coerce(table.c.at, sa.Text).label("at"), table.c.kind)
    while start < end:
        asked = sa.select(*columns, table.c.entry).where(table.c.number >= start, table.c.number < end)
        rows = connection.execute(asked.order_by(table.c.number).limit(PAGE)).all()
        if not rows:
            return
        yield from rows
        start = rows[-1].number + 1


def entries(connection: sa.Connection, *, before: int | None = None, kind: str = "", limit: int = 50) -> list[Entry]:
    """A page of the ledger, newest entry first: those numbered below ``before``, of one kind or of all."""
    return _page(connection, sa.select(ledger_entries.c.entry), before, kind, limit)


def entries_about(
    connection: sa.Connection,
    references: Sequence[str],
    *,
    before: int | None = None,
    kind: str = "",
    limit: int = 50,
) -> list[Entry]:
    """A page of the entries that carry any of some keyed references, newest first.

    Give every reference the child may stand under (``store.keys.references``): one for each version of the key.
    """
    found = sa.select(ledger_references.c.number).where(ledger_references.c.reference.in_(list(references)))
    asked = sa.select(ledger_entries.c.entry).where(ledger_entries.c.number.in_(found))
    return _page(connection, asked, before, kind, limit)


def _page(connection: sa.Connection, asked: sa.Select[Any], before: int | None, kind: str, limit: int) -> list[Entry]:
    if before is not None:
        asked = asked.where(ledger_entries.c.number < before)
    if kind:
        asked = asked.where(ledger_entries.c.kind == kind)
    asked = asked.order_by(ledger_entries.c.number.desc()).limit(limit)
    return [read_entry(written) for written in connection.scalars(asked)]


def is_referred_to(connection: sa.Connection, reference: str) -> bool:
    """Whether any entry carries a reference."""
    carrying = sa.select(ledger_references.c.number).where(ledger_references.c.reference == reference).limit(1)
    return connection.scalar(carrying) is not None


def references_of(connection: sa.Connection, start: int, end: int) -> dict[int, list[str]]:
    """The references by which entries ``start`` to ``end`` (not included) are found, sorted."""
    table = ledger_references
    asked = sa.select(table).where(table.c.number >= start, table.c.number < end).order_by(table.c.reference)
    found: dict[int, list[str]] = {}
    for row in connection.execute(asked):
        found.setdefault(row.number, []).append(row.reference)
    return found


def subtrees(connection: sa.Connection) -> dict[tuple[int, int], bytes]:
    """Every kept subtree hash by level and position."""
    return {(row.level, row.position): row.hash for row in connection.execute(sa.select(ledger_subtrees))}


def hashes_of(connection: sa.Connection, ranges: Sequence[Range]) -> list[bytes | None]:
    """The hash of each range of entries, from a few rows: subtree hashes, and leaves where no subtree is complete.

    None where a row is missing, which only happens to a ledger that was tampered with.
    """
    wanted = [pieces(start, end) for start, end in ranges]
    positions: dict[int, list[int]] = {}
    for level, first, end in (piece for parts in wanted for piece in parts):
        positions.setdefault(level, []).extend(range(first, end))
    known = {
        (level, place): top for level, places in positions.items() for place, top in _kept(connection, level, places)
    }
    return [_folded(parts, known) for parts in wanted]


def _kept(connection: sa.Connection, level: int, places: list[int]) -> list[tuple[int, bytes]]:
    """Hashes of one level with their positions; level 0 are the leaves."""
    if level == 0:
        rows = connection.execute(_LEAVES, {"places": places})
    else:
        rows = connection.execute(_SUBTREES, {"of_level": level, "places": places})
    return [(row[0], row[1]) for row in rows]


def _folded(parts: Sequence[tuple[int, int, int]], known: dict[tuple[int, int], bytes]) -> bytes | None:
    places = [(level, position) for level, first, end in parts for position in range(first, end)]
    subtrees: list[Peak] = [(place[0] * ARITY_BITS, known[place]) for place in places if place in known]
    return fold(subtrees) if len(subtrees) == len(places) else None
