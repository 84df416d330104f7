"""Opening an installation: its three databases, checked to be there and whole before anything is read, and its keys.

With no settings at all the databases are SQLite files in the home folder, made at first use. On servers they are
PostgreSQL databases which ``samechild db migrate`` prepares as their owner; the application itself owns nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Invalid, Unavailable
from samechild.keys.actions import open_keyring
from samechild.keys.register import Keyring, WrappedKey
from samechild.keys.root import root_key
from samechild.keys.seal import Random
from samechild.keys.store import wrapped_keys
from samechild.settings import Settings
from samechild.storage import cipher, migrate, postgres, schema, sqlite
from samechild.storage.databases import Database, Login, Store, in_our_words
from samechild.storage.guards import guard_of
from samechild.storage.whole import write_whole

WHOLE = "installation.json"
"""Written last when an installation is made: from then on a missing database is a loss, not a beginning."""

RESTORING = "restore.unfinished"
"""There while a restore is under way: nothing is opened until it is finished."""

READERS = frozenset({Login.INDEXER, Login.EXTRACTOR})


def open_store(
    settings: Settings,
    tables: Sequence[sa.MetaData],
    random: Random = os.urandom,
    *,
    now: datetime | None = None,
    synchronous: str = "FULL",
) -> Store:
    """Open the installation that the settings name, or make it at first use (SQLite only).

    Args:
        settings: where everything is.
        tables: what the rooms declare, from ``samechild.cli.tables.all_tables``.
        random: where random bytes come from.
        now: when the first keys are drawn, if they are; the clock's time when left out.
        synchronous: ``OFF`` only in tests: a power cut then loses what was committed.

    Raises:
        Unavailable: when a database cannot be reached or is missing, or the root key is not the right one.
        Missing: when the root key is not where the settings say.
        Invalid: when a setting cannot be used.
    """
    if (settings.home / RESTORING).exists():
        raise Unavailable(
            f"A restore into {settings.home} was interrupted: run `samechild db restore` again. Nothing was opened."
        )
    if on_server(settings):
        return _open(settings, tables, _root_on_server(settings, random), random, now, synchronous)
    _make_home(settings.home)
    if first_use(settings.home):
        with sqlite.alone(settings.home / "first-use.lock"):
            if first_use(settings.home):  # nobody else was quicker
                _make_files(settings, tables, random, synchronous)
    root = root_key(settings.root_key, settings.home)
    return _open(settings, tables, root, random, now, synchronous)


def _root_on_server(settings: Settings, random: Random) -> bytes:
    """Fetch the root key; draw one only while the key register is still empty, so that a lost one is noticed."""
    engine = postgres.engine(address_of(settings, Database.GATE), Login.GATE)
    try:
        with in_our_words(), engine.connect() as connection:
            new = not wrapped_keys(connection)
    finally:
        engine.dispose()
    return root_key(settings.root_key, settings.home, random if new else None)


def _make_files(settings: Settings, tables: Sequence[sa.MetaData], random: Random, synchronous: str) -> None:
    """Make the databases of a new installation, or finish what was interrupted; nothing that is there is touched."""
    new = not any(_holds_something(file_of(settings.home, database)) for database in Database)
    root = root_key(settings.root_key, settings.home, random if new else None)
    for database in Database:
        sqlite.make_file(file_of(settings.home, database))
        made = sqlite_engine(settings, database, root, random=random if new else None, synchronous=synchronous)
        try:
            with in_our_words(), made.execution_options(samechild_write=True).begin() as connection:
                bring_up(connection, settings, database, tables)
        finally:
            made.dispose()
    write_whole(settings.home / WHOLE, msgspec.json.encode({"installation": random(16).hex()}))


def bring_up(
    connection: sa.Connection,
    settings: Settings,
    database: Database,
    tables: Sequence[sa.MetaData],
    step: str = "",
) -> None:
    """Bring a database to the newest step, or to ``step``; on PostgreSQL also its roles, as the tables' owner."""
    server = connection.dialect.name == "postgresql"
    if server:
        name = str(connection.scalar(sa.text("SELECT current_database()")))
        user = postgres.url(address_of(settings, database)).username or ""
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7261637)")
        for statement in postgres.foundations(name, user):
            connection.exec_driver_sql(statement)
    migrate.bring_up_to_date(connection, database, step)
    if server:
        roles = {role for table in schema.tables_in(database, tables) for role in guard_of(database, table).grants}
        for statement in postgres.doors(name, roles | {database.value}):
            connection.exec_driver_sql(statement)


@contextmanager
def owner_engines(settings: Settings, root: bytes, owner: str = "") -> Iterator[dict[Database, sa.Engine]]:
    """Open the three databases as their owner, who sees every row: for migrations, backups, restores and checks only.

    ``owner`` signs in to PostgreSQL instead of the user in the addresses, with a password from ``PGPASSWORD`` or
    ``.pgpass`` if it needs one.
    """
    engines = {
        database: postgres.owner_engine(address_of(settings, database), owner)
        if on_server(settings)
        else sqlite_engine(settings, database, root)
        for database in Database
    }
    try:
        yield engines
    finally:
        for engine in engines.values():
            engine.dispose()


def migrate_all(settings: Settings, tables: Sequence[sa.MetaData], root: bytes, owner: str = "") -> dict[str, str]:
    """Bring all three databases to the newest step; returns the step each was at before.

    Raises:
        Unavailable: when one cannot be reached, or was made by a newer samechild.
        Refused: when this user may not change it.
    """
    before = {}
    with owner_engines(settings, root, owner) as engines:
        for database, engine in engines.items():
            with in_our_words(), engine.execution_options(samechild_write=True).begin() as connection:
                before[database.value] = migrate.step_of(connection)
                bring_up(connection, settings, database, tables)
    return before


def on_server(settings: Settings) -> bool:
    """Whether the three databases are PostgreSQL ones.

    Raises:
        Invalid: when some are and some are not.
    """
    given = {bool(address_of(settings, database)) for database in Database}
    if len(given) > 1:
        raise Invalid("Name all three databases in the settings (gate_url, identity_url, content_url), or none.")
    return given.pop()


def address_of(settings: Settings, database: Database) -> str:
    """The address the settings give for a database; empty for a file in the home folder."""
    return {
        Database.GATE: settings.gate_url,
        Database.IDENTITY: settings.identity_url,
        Database.CONTENT: settings.content_url,
    }[database]


def file_of(home: Path, database: Database) -> Path:
    """The file of a database that lies in the home folder."""
    return home / f"{database}.db"


def first_use(home: Path) -> bool:
    """Whether the installation in this folder is still to be made, or making it was interrupted.

    Raises:
        Unavailable: when it was made and a database of it is gone.
    """
    if not (home / WHOLE).exists():
        return True
    gone = [file_of(home, database) for database in Database if not file_of(home, database).exists()]
    if gone:
        raise Unavailable(
            f"{gone[0]} is missing while others of the installation are there: restore a backup. Nothing was opened."
        )
    return False


def _holds_something(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        raise Unavailable(f"The folder {home} cannot be made: choose another home, or make room.") from None


def sqlite_engine(
    settings: Settings,
    database: Database,
    root: bytes,
    *,
    random: Random | None = None,
    read_only: bool = False,
    synchronous: str = "FULL",
) -> sa.Engine:
    """Open one database file of an installation; ``random`` only at first use."""
    key = None
    if settings.encrypted:
        sqlite.sqlcipher()
        key = cipher.database_key(settings.home, root, random)
    return sqlite.engine(file_of(settings.home, database), cipher_key=key, read_only=read_only, synchronous=synchronous)


def _open(
    settings: Settings,
    tables: Sequence[sa.MetaData],
    root: bytes,
    random: Random,
    now: datetime | None,
    synchronous: str,
) -> Store:
    engines = {}
    for login in Login:
        if on_server(settings):
            engines[login] = postgres.engine(address_of(settings, login.database), login)
        else:
            engines[login] = sqlite_engine(
                settings, login.database, root, read_only=login in READERS, synchronous=synchronous
            )
    try:
        if on_server(settings):
            for login, engine in engines.items():
                _check_step(engine, login.database)
        else:
            _finish_steps(settings, tables, engines)
        keys = _keyring(engines[Login.GATE], root, random, now or datetime.now(UTC))
        keys.follow(partial(_register, engines[Login.GATE]))
    except BaseException:
        for engine in engines.values():
            engine.dispose()
        raise
    return Store(settings.home, engines, keys, settings.witness_folder, settings.postcodes_file)


def steps(settings: Settings, root: bytes) -> dict[str, str]:
    """At which migration step each database file is now."""
    found = {}
    with owner_engines(settings, root) as engines:
        for database, engine in engines.items():
            with in_our_words(), engine.connect() as connection:
                found[database.value] = migrate.step_of(connection)
    return found


def _finish_steps(settings: Settings, tables: Sequence[sa.MetaData], engines: dict[Login, sa.Engine]) -> None:
    """Bring files made by an earlier version up to date."""
    for login in (Login.IDENTITY, Login.CONTENT, Login.GATE):
        with in_our_words():
            with engines[login].connect() as connection:
                current = migrate.is_current(connection, login.database)
            if not current:
                with engines[login].execution_options(samechild_write=True).begin() as connection:
                    bring_up(connection, settings, login.database, tables)


def _check_step(engine: sa.Engine, database: Database) -> None:
    """At the first connection to a PostgreSQL database make sure it has the form this version needs."""
    checked: list[bool] = []

    def check(connection: Any, record: Any) -> None:
        if not checked:
            with connection.cursor() as cursor:
                row = cursor.execute(f"SELECT max(version_num) FROM {postgres.VERSIONS}").fetchone()
            connection.rollback()
            step = row[0] or ""
            if step != migrate.newest(database):
                raise Unavailable(
                    f"The {database.value} database is at step {step or 'none'}, not {migrate.newest(database)}, which "
                    "this samechild needs: run `samechild db migrate` as its owner, or install the right version."
                )
            checked.append(True)

    sa.event.listen(engine, "connect", check)


def _keyring(gate: sa.Engine, root: bytes, random: Random, now: datetime) -> Keyring:
    """Open the key register; draw the first keys when there are none."""
    with in_our_words(), gate.execution_options(samechild_write=True).begin() as connection:
        return open_keyring(connection, root, random, now)


def _register(gate: sa.Engine) -> list[WrappedKey]:
    """Read the key register again, for a program that runs while another rotates keys."""
    with in_our_words(), gate.connect() as connection, connection.begin():
        return wrapped_keys(connection)
