"""Backup and restore of all three databases as of one moment, in one sealed file that does not hold the root key.

Rows are copied as they are kept, sealed; tables are copied in a form that both SQLite and PostgreSQL read, so that an
installation may also move from one to the other. A restore reads and checks the whole file before it touches anything,
and a note in the home folder keeps the installation shut until a restore is finished.

Whoever was erased since the backup was made must be erased again after a restore, and a ledger older than its witness
must be accepted by an officer: ``samechild db restore`` sees to both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict, Invalid, Refused, Unavailable
from samechild.keys.seal import Random
from samechild.settings import Settings
from samechild.sql.columns import Moment
from samechild.storage import archive, migrate, postgres, schema
from samechild.storage.databases import Database, hold_still, in_our_words
from samechild.storage.opening import RESTORING, bring_up, owner_engines
from samechild.storage.replacing import is_empty, replace_all, start_afresh

FORMAT = 1
BATCH = 2_000
"""So many rows are read, written and held in memory at once."""

PATIENCE = 30
"""How often a moment without writers in all three databases is sought, two seconds each time."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How a backup begins: when it was made, at which migration step each database was, what the caller adds."""

    format: int
    made_at: datetime
    steps: dict[str, str]
    more: dict[str, Any] = {}


class Part(msgspec.Struct, frozen=True):
    """What was copied of one table: how many rows, and the SHA-256 over them as they stand in the backup."""

    database: str
    table: str
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """How a backup ends: everything that is in it."""

    head: Head
    parts: list[Part]


class _Rows(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of one table."""

    database: str
    table: str
    columns: list[str]
    rows: list[list[Any]]


class _Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object of the archive: exactly one of these."""

    head: Head | None = None
    rows: _Rows | None = None
    manifest: Manifest | None = None


Told = Callable[[str, int], None]
"""Is told the table that is being copied and how many rows of it are done."""


def back_up(
    settings: Settings,
    tables: Sequence[sa.MetaData],
    path: Path,
    *,
    root: bytes,
    random: Random,
    now: datetime,
    owner: str = "",
    more: dict[str, Any] | None = None,
    told: Told = lambda table, rows: None,
) -> Manifest:
    """Copy all three databases, as they stand at one moment, into one sealed file.

    Args:
        settings: which installation.
        tables: what the rooms declare; a table of theirs that is not there, or one more, is refused.
        path: the file to write; it must not exist.
        root: the root key, under which the file is sealed.
        random: where random bytes come from.
        now: the time.
        owner: on PostgreSQL, who signs in: the owner of the tables, because no other role sees all rows.
        more: what else the head of the backup should say.
        told: progress.

    Raises:
        Conflict: when the file exists.
        Unavailable: when a database is busy or away, not at this version's step, or there is no room.
    """
    with archive.writing(path, root, random) as writer, one_moment(settings, root, owner) as connections:
        for database, connection in connections.items():
            _must_be_current(connection, database, tables)
        steps = {database.value: migrate.step_of(connection) for database, connection in connections.items()}
        head = Head(format=FORMAT, made_at=now, steps=steps, more=more or {})
        writer.add(_Item(head=head))
        parts = [
            _copy_table(writer, database, connection, table, told)
            for database, connection in connections.items()
            for table in schema.tables_in(database, tables)
        ]
        manifest = Manifest(head=head, parts=parts)
        writer.add(_Item(manifest=manifest))
    return manifest


def check(path: Path, root: bytes) -> Manifest:
    """Read a whole backup and compare it with its manifest, without touching any database.

    Raises:
        Missing: when there is no such file.
        Invalid: when it was changed, is not whole, or is not of a form this version reads.
        Unavailable: when it needs another root key.
    """
    found: dict[tuple[str, str], tuple[int, Any]] = {}
    manifest = None
    for item in _items(path, root):
        if item.rows is not None:
            place = (item.rows.database, item.rows.table)
            rows, digest = found.get(place, (0, hashlib.sha256()))
            digest.update(msgspec.msgpack.encode(item.rows))
            found[place] = (rows + len(item.rows.rows), digest)
        manifest = item.manifest
    if manifest is None or manifest.head.format != FORMAT:
        raise Invalid(f"{path} does not end with the manifest this version reads: use another backup.")
    listed = {(part.database, part.table): (part.rows, part.sha256) for part in manifest.parts if part.rows}
    if listed != {place: (rows, digest.hexdigest()) for place, (rows, digest) in found.items()}:
        raise Invalid(f"{path} does not hold what its manifest says: use another backup.")
    return manifest


def restore(
    settings: Settings,
    tables: Sequence[sa.MetaData],
    path: Path,
    *,
    root: bytes,
    random: Random,
    owner: str = "",
    force: bool = False,
    told: Told = lambda table, rows: None,
) -> Manifest:
    """Put a backup in place of an empty installation, or (``force``) of whatever is there.

    Interrupted, the installation stays shut until the restore is run again. Afterwards erase again whoever was erased
    since, and have the ledger compared with its witness.

    Raises:
        Conflict: when the installation holds something already and ``force`` was not given.
        Refused: when the backup was made by a newer samechild.
        Missing, Invalid, Unavailable: as :func:`check`; nothing was touched then.
    """
    manifest = check(path, root)
    newer = [name for name, step in manifest.head.steps.items() if step > migrate.newest(Database(name))]
    if newer:
        raise Refused(f"{path} was made by a newer samechild ({newer[0]} database): install that version first.")
    interrupted = (settings.home / RESTORING).exists()
    if not force and not interrupted and not is_empty(settings, root, owner):
        raise Conflict(
            f"The installation in {settings.home} is not empty: restore into another home, or say --force to lose what "
            "is there."
        )

    def put_back(database: Database, engine: sa.Engine) -> None:
        with in_our_words(), engine.execution_options(samechild_write=True).begin() as connection:
            step = manifest.head.steps[database.value]
            start_afresh(connection, settings, database, tables, step=step)
            _fill(connection, database, path, root, told)
            bring_up(connection, settings, database, tables)

    replace_all(settings, root, put_back, owner=owner, random=random)
    return manifest


@contextmanager
def one_moment(settings: Settings, root: bytes, owner: str) -> Iterator[dict[Database, sa.Connection]]:
    """Open the three databases for reading as they all stood at one and the same moment.

    For an instant no transaction is under way in any of them; then writers go on while the moment is read.

    Raises:
        Unavailable: when there was no such instant within a minute.
    """
    with owner_engines(settings, root, owner) as engines, ExitStack() as readers:
        connections: dict[Database, sa.Connection] = {}
        with in_our_words():
            for database, engine in engines.items():
                reader = readers.enter_context(engine.connect())
                if engine.dialect.name == "postgresql":
                    reader = reader.execution_options(isolation_level="REPEATABLE READ")
                connections[database] = reader
        for last in range(PATIENCE - 1, -1, -1):
            try:
                with ExitStack() as stillness:
                    for engine in engines.values():
                        stillness.enter_context(hold_still(engine))
                    with in_our_words():
                        for connection in connections.values():
                            migrate.step_of(connection)  # the first read fixes what is seen
                break
            except Unavailable:
                for connection in connections.values():
                    connection.rollback()
                if not last:
                    raise
        with in_our_words():
            yield connections


def _must_be_current(connection: sa.Connection, database: Database, tables: Sequence[sa.MetaData]) -> None:
    if not migrate.is_current(connection, database):
        raise Unavailable(f"The {database.value} database is of an older version: run `samechild db migrate` first.")
    there = set(sa.inspect(connection).get_table_names()) - {postgres.VERSIONS}
    declared = {table.name for table in schema.tables_in(database, tables)}
    if there != declared:
        different = sorted(there ^ declared)[0]
        raise Unavailable(f"The {database.value} database is not as declared (table {different}): see `db verify`.")


def _copy_table(
    writer: archive.Writer, database: Database, connection: sa.Connection, table: sa.Table, told: Told
) -> Part:
    name = str(table.name)
    columns = [str(column.name) for column in table.columns]
    asked = sa.select(*[_as_kept(column) for column in table.columns]).order_by(*table.primary_key.columns)
    digest, count = hashlib.sha256(), 0
    found = connection.execution_options(yield_per=BATCH).execute(asked)
    for some in found.partitions(BATCH):
        rows = _Rows(database.value, name, columns, [list(row) for row in some])
        writer.add(_Item(rows=rows))
        digest.update(msgspec.msgpack.encode(rows))
        count += len(rows.rows)
        told(name, count)
    return Part(database.value, name, count, digest.hexdigest())


def _as_kept(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column as it stands in the database: text, bytes, numbers, yes or no."""
    return sa.type_coerce(column, sa.Text()) if isinstance(column.type, Moment) else column


def _items(path: Path, root: bytes) -> Iterator[_Item]:
    for packed in archive.reading(path, root):
        try:
            yield msgspec.msgpack.decode(packed, type=_Item)
        except msgspec.DecodeError:
            raise Invalid(f"{path} is not of a form this version reads: install the version that made it.") from None


def _fill(connection: sa.Connection, database: Database, path: Path, root: bytes, told: Told) -> None:
    """Put the rows of one database into its empty tables, as they were at the backup's step."""
    there = sa.MetaData()
    there.reflect(connection)
    done: dict[str, int] = {}
    for item in _items(path, root):
        some = item.rows
        if some is None or some.database != database:
            continue
        table = there.tables[some.table]
        connection.execute(table.insert(), [dict(zip(some.columns, row, strict=True)) for row in some.rows])
        done[some.table] = done.get(some.table, 0) + len(some.rows)
        told(some.table, done[some.table])
    if connection.dialect.name == "postgresql":
        for table in there.tables.values():
            _set_sequence(connection, table)


def _set_sequence(connection: sa.Connection, table: sa.Table) -> None:
    """Let a table's numbers go on after the largest that was restored."""
    for column in table.primary_key.columns:
        name = f'"{table.name}"'
        found = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(name, column.name)))
        if found:
            largest = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(found, largest, False)))
