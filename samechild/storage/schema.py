"""From declarations to a database: the tables of all rooms as they are declared now.

A room declares its tables once (``TABLES = sa.MetaData(info={"database": "gate"})``). Installations are made and
brought up to date by the migrations, which are written from the declarations; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from samechild.storage.databases import Database
from samechild.storage.guards import guard_of, protect


def metadata_in(database: Database, tables: Sequence[sa.MetaData]) -> list[sa.MetaData]:
    """The declarations for one database."""
    return [declared for declared in tables if declared.info.get("database") == database]


def tables_in(database: Database, tables: Sequence[sa.MetaData]) -> list[sa.Table]:
    """The tables that live in one database, parents before children."""
    return [table for declared in metadata_in(database, tables) for table in declared.sorted_tables]


def make_strict(tables: Sequence[sa.MetaData]) -> None:
    """Have SQLite hold every column to its type (STRICT), as PostgreSQL does."""
    for declared in tables:
        for table in declared.tables.values():
            table.kwargs["sqlite_strict"] = True


def create(connection: sa.Connection, database: Database, tables: Sequence[sa.MetaData]) -> None:
    """Create what is declared for one database, with its guards, in the transaction of ``connection``."""
    make_strict(tables)
    for table in tables_in(database, tables):
        table.create(connection)
        protect(connection, guard_of(database, table))
