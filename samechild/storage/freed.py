"""Nothing of what was deleted may stay in a database's file: freed bytes are overwritten, the write-ahead log emptied.

SQLite overwrites deleted bytes in the database itself (``secure_delete``), but the write-ahead log beside it holds
older pages until it is emptied. On PostgreSQL freed rows stay in the data files until its owner's ``VACUUM`` and in its
own log until that is recycled; they are wrapped keys only, and rotating the root key and destroying the old one ends
their use.
"""

from __future__ import annotations

import sqlalchemy as sa

from samechild.storage.databases import Login, Store, in_our_words


def overwrite_freed(store: Store) -> bool:
    """Empty the write-ahead log of each SQLite database; False when a reader prevents it now: try again later."""
    emptied = [_emptied(store.engines[login]) for login in (Login.GATE, Login.IDENTITY, Login.CONTENT)]
    return all(emptied)


def _emptied(engine: sa.Engine) -> bool:
    if engine.dialect.name != "sqlite":
        return True
    with in_our_words():
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
    return row is not None and row[0] == 0
