"""The tables of the collection in the identity vault: who the children are, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from samechild.collection.store import replace
from samechild.sql.among import among
from samechild.sql.columns import kept_columns

TABLES = sa.MetaData(info={"database": "identity"})

csc_identities = sa.Table(
    "csc_identities",
    TABLES,
    *kept_columns(),
    sa.Column("number", sa.BigInteger, nullable=False, comment="of the newest submission merged into it"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="who the child is and where"),
    sa.PrimaryKeyConstraint("record_key"),
    info={"owned": True},
)

csc_marks = sa.Table(
    "csc_marks",
    TABLES,
    *kept_columns(),
    sa.Column("kind", sa.Text, nullable=False, comment="upn, or name and birth"),
    sa.Column("token", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("record_key", "kind"),
    sa.Index("csc_marks_by_token", "owner", "token"),
    info={"owned": True},
)


def identities(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """Who some children are, sealed."""
    asked = sa.select(csc_identities).where(
        csc_identities.c.owner == owner, among(csc_identities.c.record_key, record_keys)
    )
    return {row.record_key: row for row in connection.execute(asked)}


def keep_identities(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep who children are, in the place of what was kept before."""
    replace(connection, csc_identities, rows)


def marks_of(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> dict[tuple[str, str], str]:
    """The marks of some children: token by record key and kind."""
    asked = sa.select(csc_marks).where(csc_marks.c.owner == owner, among(csc_marks.c.record_key, record_keys))
    return {(row.record_key, row.kind): row.token for row in connection.execute(asked)}


def keep_marks(connection: sa.Connection, record_keys: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Keep the marks of children, in the place of those kept before."""
    connection.execute(csc_marks.delete().where(among(csc_marks.c.record_key, record_keys)))
    if rows:
        connection.execute(csc_marks.insert(), list(rows))


def marked(connection: sa.Connection, owner: str, tokens: Iterable[str]) -> list[tuple[str, str]]:
    """Who carries these tokens: record key and token."""
    asked = sa.select(csc_marks.c.record_key, csc_marks.c.token).where(
        csc_marks.c.owner == owner, among(csc_marks.c.token, tokens)
    )
    return [(row.record_key, row.token) for row in connection.execute(asked)]


def shared(connection: sa.Connection, owner: str, tokens: Iterable[str]) -> set[str]:
    """Which of these tokens more than one child carries."""
    asked = sa.select(csc_marks.c.token).where(csc_marks.c.owner == owner, among(csc_marks.c.token, tokens))
    return set(connection.scalars(asked.group_by(csc_marks.c.token).having(sa.func.count() > 1)))
