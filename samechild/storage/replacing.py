"""Putting other databases in the place of an installation's, so that an interruption never leaves half of each.

Files are made whole beside the old ones and exchanged at the end. On PostgreSQL each database is replaced in one
transaction. A note in the home folder keeps the installation shut from the first change to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from samechild.errors import Unavailable
from samechild.keys.seal import Random
from samechild.settings import Settings
from samechild.storage import cipher, postgres, sqlite
from samechild.storage.databases import Database, in_our_words
from samechild.storage.opening import (
    RESTORING,
    WHOLE,
    bring_up,
    file_of,
    on_server,
    owner_engines,
)
from samechild.storage.whole import put_in_place, write_whole

Fill = Callable[[Database, sa.Engine], None]


def is_empty(settings: Settings, root: bytes, owner: str = "") -> bool:
    """Whether an installation keeps nothing yet: no file, or no row in any table of its databases."""
    if not on_server(settings):
        return not any(file_of(settings.home, database).exists() for database in Database)
    with owner_engines(settings, root, owner) as engines:
        for engine in engines.values():
            with in_our_words(), engine.connect() as connection:
                for name in set(sa.inspect(connection).get_table_names()) - {postgres.VERSIONS}:
                    if connection.scalar(sa.select(sa.exists(sa.select(sa.table(name))))):
                        return False
    return True


def start_afresh(
    connection: sa.Connection, settings: Settings, database: Database, tables: Sequence[sa.MetaData], *, step: str
) -> None:
    """Make a database as it was at a step, empty; on PostgreSQL whatever was in it goes, when this is committed."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    bring_up(connection, settings, database, tables, step=step)


def replace_all(settings: Settings, root: bytes, fill: Fill, *, owner: str, random: Random) -> None:
    """Replace all three databases by what ``fill`` makes of empty ones.

    Raises:
        Unavailable: when a database cannot be reached or there is no room; run it again, nothing opens until then.
    """
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        raise Unavailable(f"The folder {home} cannot be made: choose another home, or make room.") from None
    if on_server(settings):
        with owner_engines(settings, root, owner) as engines:
            write_whole(home / RESTORING, b"")
            for database, engine in engines.items():
                fill(database, engine)
    else:
        made = _make_beside(settings, root, fill, random)
        write_whole(home / RESTORING, b"")
        for database, path in made.items():
            for old in sqlite.files_of(file_of(home, database)):
                old.unlink(missing_ok=True)
            put_in_place(path, file_of(home, database))
        write_whole(home / WHOLE, b'{"installation":"restored"}')
    (home / RESTORING).unlink()


def _make_beside(settings: Settings, root: bytes, fill: Fill, random: Random) -> dict[Database, Path]:
    key = cipher.database_key(settings.home, root, random) if settings.encrypted else None
    made = {database: file_of(settings.home, database).with_suffix(".restored") for database in Database}
    try:
        for database, path in made.items():
            for old in sqlite.files_of(path):
                old.unlink(missing_ok=True)
            sqlite.make_file(path)
            engine = sqlite.engine(path, cipher_key=key, read_only=False, synchronous="FULL")
            try:
                fill(database, engine)
            finally:
                engine.dispose()
            if sqlite.files_of(path)[1].exists():
                raise Unavailable(f"{path} could not be finished: make room, then run the restore again.")
    except BaseException:
        for path in made.values():
            for old in sqlite.files_of(path):
                old.unlink(missing_ok=True)
        raise
    return made
