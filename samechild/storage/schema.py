"""From declarations to a database: the tables of all rooms, and what the database itself enforces on them.

A room declares its tables once (``TABLES = sa.MetaData(info={"database": "gate"})``) with, in ``info`` of a table,
who may do what: ``append_only``, ``owned`` (a row belongs to an organisation's space), ``grants`` by role,
``row_rules`` by role, ``extractor_columns``. Migrations, guards and the checks of both are derived from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from samechild.storage import postgres, sqlite
from samechild.storage.databases import Database


def tables_in(database: Database, tables: Sequence[sa.MetaData]) -> list[sa.Table]:
    """The tables that live in one database, parents before children."""
    return [
        table for declared in tables if declared.info.get("database") == database for table in declared.sorted_tables
    ]


def create(connection: sa.Connection, database: Database, tables: Sequence[sa.MetaData]) -> None:
    """Create what is declared for one database, with its guards, in the transaction of ``connection``."""
    for table in tables_in(database, tables):
        table.dialect_options["sqlite"]["strict"] = True
        table.create(connection)
    for statement in guards(database, tables_in(database, tables), connection.dialect.name):
        connection.exec_driver_sql(statement)


def guards(database: Database, tables: Iterable[sa.Table], dialect: str) -> list[str]:
    """The SQL that makes the database itself hold what the declarations promise."""
    found: list[str] = []
    for table in tables:
        info: dict[Any, Any] = table.info
        if dialect == "sqlite":
            found += sqlite.append_only(table.name) if info.get("append_only") else []
        else:
            found += postgres.guards(database, table)
    return found
