"""SQLite, the default: one file for each database, opened so that what was committed stays and what was erased is gone.

Write-ahead log, ``synchronous=FULL`` (a commit survives a power cut), foreign keys on, deleted bytes overwritten
(``secure_delete``), one writer at a time (``BEGIN IMMEDIATE``), STRICT tables. With SQLCipher the whole file is
encrypted as a second layer; its key never stands in an address, an error or a log.

SQLite knows no roles: readers are opened so that nothing can be written, and triggers keep append-only tables so.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool

from samechild.errors import Invalid, Unavailable

BUSY_SECONDS = 10.0
"""How long a writer waits for another before it is told to try again."""

CACHE_KIB = 65_536
"""Of each connection at the most. With SQLite's two megabytes every new row of a large index costs a visit to the disk,
for opaque keys are spread over the whole of it."""
CHECKPOINT_PAGES = 10_000
"""The journal is written back into the database from so many pages (of 4 KiB) on."""
SYNCHRONOUS = ("FULL", "NORMAL", "OFF")


@compiles(sa.Boolean, "sqlite")
@compiles(sa.BigInteger, "sqlite")
def _integer(kind: Any, compiler: Any, **options: Any) -> str:
    """STRICT tables know INTEGER, REAL, TEXT, BLOB and nothing else."""
    return "INTEGER"


@compiles(sa.String, "sqlite")
def _text(kind: Any, compiler: Any, **options: Any) -> str:
    return "TEXT"


@compiles(sa.Float, "sqlite")
def _real(kind: Any, compiler: Any, **options: Any) -> str:
    return "REAL"


def engine(path: Path, *, cipher_key: bytes | None, read_only: bool, synchronous: str) -> sa.Engine:
    """Open one SQLite file, plain or (with the 32 bytes of ``cipher_key``) SQLCipher.

    Raises:
        Unavailable: when the ``encrypted`` extra is not installed.
    """
    module: ModuleType = sqlite3 if cipher_key is None else sqlcipher()
    made = sa.create_engine(
        "sqlite+pysqlite://",
        module=module,
        creator=_opener(module, path, cipher_key, read_only, synchronous),
        poolclass=QueuePool,
        pool_size=5,
        max_overflow=20,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
    )
    sa.event.listen(made, "begin", _begin)
    return made


def _opener(
    module: ModuleType, path: Path, cipher_key: bytes | None, read_only: bool, synchronous: str
) -> Callable[[], Any]:
    if synchronous not in SYNCHRONOUS:
        raise Invalid("How carefully SQLite keeps what is committed is FULL, NORMAL or OFF.")

    def opened() -> Any:
        connection = module.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
            uri=True,
        )
        try:
            if cipher_key is not None:
                connection.execute(f"PRAGMA key = \"x'{cipher_key.hex()}'\"")
            connection.execute("PRAGMA journal_mode = WAL")
            for pragma in (
                f"synchronous = {synchronous}",
                "foreign_keys = ON",
                "secure_delete = ON",
                "trusted_schema = OFF",
                f"cache_size = {-CACHE_KIB}",
                f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
                f"query_only = {'ON' if read_only else 'OFF'}",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    return opened


def _begin(connection: sa.Connection) -> None:
    """Start a transaction: a writer takes its turn at once, so that it never fails half-way for want of it."""
    writing = connection.get_execution_options().get("samechild_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def sqlcipher() -> ModuleType:
    """Find SQLCipher.

    Raises:
        Unavailable: when the ``encrypted`` extra is not installed.
    """
    try:
        from sqlcipher3 import dbapi2  # type: ignore[import-untyped]
    except ImportError:
        raise Unavailable(
            "Encrypted databases need one more part: install samechild[encrypted], or set encrypted = false."
        ) from None
    module: ModuleType = dbapi2
    return module


def make_file(path: Path) -> bool:
    """Make an empty database file that only its owner may read; False when it is there already."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return False
    except OSError:
        raise Unavailable(f"{path} cannot be made: is the folder writable, and is there room?") from None
    return True


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Do something in a folder that only one process may do at a time; a killed process leaves no lock behind.

    Raises:
        Unavailable: when another process is at it for longer than a minute.
    """
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            raise Unavailable(f"Another process holds {path}: try again when it is done.") from None
        yield


def append_only(table: str, wanted: bool) -> list[str]:
    """SQL that refuses every change and deletion of a table's rows; or ends that."""
    found = []
    for verb in ("UPDATE", "DELETE"):
        trigger = f'"{table}_no_{verb.lower()}"'
        found.append(f"DROP TRIGGER IF EXISTS {trigger}")
        if wanted:
            found.append(
                f"CREATE TRIGGER {trigger} BEFORE {verb} ON \"{table}\" BEGIN SELECT RAISE(ABORT, 'append-only'); END"
            )
    return found


def files_of(path: Path) -> list[Path]:
    """A database's file and the two that may lie beside it: its write-ahead log and that one's index."""
    return [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]
