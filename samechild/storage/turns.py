"""Work that only one process may be at: whoever comes second is told so at once and leaves it.

A process that is killed holds nothing any more: the lock belongs to its connection to PostgreSQL, or on SQLite to an
open file in the installation's folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256

import sqlalchemy as sa

from samechild.storage.databases import Login, Store, in_our_words

LOCK = 7261642
"""First number of the PostgreSQL advisory locks of this kind."""

_HELD_LONG = (
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL tcp_keepalives_idle = 30",
    "SET LOCAL tcp_keepalives_interval = 10",
    "SET LOCAL tcp_keepalives_count = 3",
)
"""Nothing is said on the connection while the work goes on, however long; a machine that is gone is noticed."""


@contextmanager
def turn(store: Store, login: Login, name: str) -> Iterator[bool]:
    """Take the turn of that name until the block ends; False when another process, or another part of this, has it."""
    engine = store.engines[login]
    if engine.dialect.name == "postgresql":
        with in_our_words(), engine.connect() as connection, connection.begin():
            for setting in _HELD_LONG:
                connection.exec_driver_sql(setting)
            taken = connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(LOCK, sa.func.hashtext(name))))
            yield bool(taken)
        return
    path = store.home / f"turn-{sha256(name.encode()).hexdigest()[:16]}.lock"
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            yield False
            return
        yield True
