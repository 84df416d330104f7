"""What a database itself enforces on one table, whatever the code does: who may do what, whose rows, what stays.

A room declares it in ``info`` of its table:

- ``append_only``: no row is ever changed or deleted;
- ``owned``: a row belongs to an organisation's space (its ``owner``), and only there it is seen;
- ``everywhere``: roles that see the rows of every organisation although the table is owned;
- ``grants``: what a role may do, by role; the role of the table's own database may do everything (or only add, when
  append-only) unless something else is declared;
- ``row_rules``: SQL that a row must meet for a role to see it, by role;
- ``extractor_columns``: the columns that the extractor may read.

Roles and row-level security exist on PostgreSQL only; SQLite has the append-only triggers.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Invalid
from samechild.storage import postgres, sqlite
from samechild.storage.databases import Database

ALL = "SELECT, INSERT, UPDATE, DELETE"
ADD = "SELECT, INSERT"
_NEVER = {"UPDATE", "DELETE", "TRUNCATE"}


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """The guard of one table: ``sequence`` is the one its numbers come from, if any."""

    table: str
    grants: dict[str, str]
    append_only: bool = False
    owned: bool = False
    row_rules: dict[str, str] = {}
    sequence: str = ""
    everywhere: tuple[str, ...] = ()


def guard_of(database: Database, table: sa.Table) -> Guard:
    """Read the guard of a table from its declaration.

    Raises:
        Invalid: when an append-only table is declared to be changed by somebody.
    """
    declared: dict[Any, Any] = table.info
    append_only = bool(declared.get("append_only"))
    granted = {database.value: ADD if append_only else ALL, **declared.get("grants", {})}
    columns = declared.get("extractor_columns")
    if columns:
        granted["extractor"] = f"SELECT ({', '.join(postgres.q(name) for name in columns)})"
    for name, verbs in granted.items():
        if append_only and _NEVER & {verb.strip() for verb in verbs.split(",")}:
            raise Invalid(f"{table.name} is append-only: {name} cannot be granted {verbs}.")
    counted = table.autoincrement_column
    drawn = counted is not None and counted.identity is None and counted.autoincrement is not False
    return Guard(
        table=table.name,
        grants={name: verbs for name, verbs in granted.items() if verbs},
        append_only=append_only,
        owned=bool(declared.get("owned")),
        row_rules=dict(declared.get("row_rules", {})),
        everywhere=tuple(declared.get("everywhere", ())),
        sequence=f"{table.name}_{counted.name}_seq" if drawn and counted is not None else "",
    )


def protect(connection: sa.Connection, guard: Guard) -> None:
    """Put a table's guard in place, instead of whatever stood there before."""
    for statement in statements(connection.dialect.name, guard):
        connection.exec_driver_sql(statement)


def statements(dialect: str, guard: Guard) -> list[str]:
    """The SQL of a guard."""
    if dialect == "sqlite":
        return sqlite.append_only(guard.table, guard.append_only)
    granted = [*postgres.no_grants(guard.table), *postgres.grants(guard.table, guard.grants, guard.sequence)]
    return [
        *granted,
        *postgres.append_only(guard.table, guard.append_only),
        *postgres.row_level_security(
            guard.table, {name: guard.owned and name not in guard.everywhere for name in guard.grants}, guard.row_rules
        ),
    ]
