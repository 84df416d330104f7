"""A fresh installation for a test: SQLite, SQLCipher or a real PostgreSQL, with every room's tables and new keys.

A database is made once for each run and copied for each test. PostgreSQL is the one that ``TEST_DATABASE_URL`` names
(its user must be a superuser), else a temporary cluster of the server binaries found here, one for each run of the
tests, on a unix socket, started as user ``postgres`` when the tests run as root.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import msgspec
import sqlalchemy as sa

from samechild.cli.tables import all_tables
from samechild.settings import Settings
from samechild.storage import Store, open_store

KINDS = ("sqlite", "sqlcipher", "postgres")


@contextmanager
def a_store(
    kind: str = "sqlite", *, durable: bool = False, tables: Sequence[sa.MetaData] | None = None
) -> Iterator[Store]:
    """Open a fresh installation of one kind, and throw it away afterwards.

    ``durable`` waits for the disk as a real installation does; ``tables`` are others than those of the rooms.
    """
    with an_installation(kind, tables=tables) as settings:
        store = reopen(settings, durable=durable, tables=tables)
        try:
            yield store
        finally:
            store.close()


def reopen(settings: Settings, *, durable: bool = False, tables: Sequence[sa.MetaData] | None = None) -> Store:
    """Open an installation that is there already, as a second process would."""
    declared = all_tables() if tables is None else tables
    return open_store(settings, declared, synchronous="FULL" if durable else "OFF")


@contextmanager
def an_installation(kind: str = "sqlite", *, tables: Sequence[sa.MetaData] | None = None) -> Iterator[Settings]:
    """Make a fresh installation of one kind, not opened, and throw it away afterwards."""
    with tempfile.TemporaryDirectory(prefix="samechild-") as folder:
        settings = Settings(home=Path(folder) / "home", encrypted=kind == "sqlcipher")
        if kind == "postgres":
            import postgres_server

            with postgres_server.databases(all_tables() if tables is None else tables) as urls:
                yield msgspec.structs.replace(settings, **urls)
        else:
            if tables is None:
                shutil.copytree(_made(settings.encrypted), settings.home)
            yield settings


@cache
def _made(encrypted: bool) -> Path:
    """An installation to copy, made once for each process."""
    folder = Path(tempfile.mkdtemp(prefix="samechild-made-"))
    _clear_up(folder)
    home = folder / "home"
    open_store(Settings(home=home, encrypted=encrypted), all_tables(), synchronous="OFF").close()
    return home


def _clear_up(folder: Path) -> None:
    import atexit

    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
