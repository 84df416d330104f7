"""The table of the people connected with a child, and the queries on it.

A connected person is somebody else than the child: what is known of them is sealed under the key of the child's record
through which they are known, so that it goes when the record goes, and is deleted alone when they ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from samechild.sql.among import among
from samechild.sql.columns import kept_columns

TABLES = sa.MetaData(info={"database": "identity"})

index_connected = sa.Table(
    "index_connected",
    TABLES,
    sa.Column("row_id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("connection", sa.Text, nullable=False, comment="opaque id; the newest row of it counts"),
    sa.Column("person", sa.Text, nullable=False, comment="token of who they are, to know one parent of two children"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index("index_connected_of_child", "record_key"),
    sa.Index("index_connected_of_person", "person"),
    info={
        "owned": True,
        "everywhere": ["index"],
        "grants": {"identity": "SELECT, INSERT, DELETE", "index": "SELECT"},
    },
)


def keep_connected(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows about connected people."""
    if rows:
        connection.execute(index_connected.insert(), list(rows))


def connected_rows(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> list[sa.Row[Any]]:
    """The rows of an organisation about people connected with some records, oldest first."""
    asked = (
        sa.select(index_connected)
        .where(index_connected.c.owner == owner, among(index_connected.c.record_key, record_keys))
        .order_by(index_connected.c.received_at, index_connected.c.row_id)
    )
    return list(connection.execute(asked))


def same_people(connection: sa.Connection, record_keys: Sequence[str]) -> list[tuple[str, str]]:
    """Records, of whatever owner, connected with the same people as some records are: token of the person, and key."""
    asked = sa.select(index_connected.c.person).where(
        among(index_connected.c.record_key, record_keys), index_connected.c.person != ""
    )
    people = sorted(set(connection.execute(asked).scalars()))
    others = sa.select(index_connected.c.person, index_connected.c.record_key).where(
        among(index_connected.c.person, people)
    )
    return sorted({(row.person, row.record_key) for row in connection.execute(others)}) if people else []


def delete_connection(connection: sa.Connection, owner: str, record_key: str, identity: str) -> int:
    """Delete every row of one connection; how many there were."""
    gone = index_connected.delete().where(
        index_connected.c.owner == owner,
        index_connected.c.record_key == record_key,
        index_connected.c.connection == identity,
    )
    return connection.execute(gone).rowcount
