"""What the gate's database keeps of erasures: each is one row, written before anything is destroyed.

From that row an interrupted erasure is finished at the next start. It holds opaque keys, codes and digests only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.sql.among import among
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})

erasures = sa.Table(
    "erasures",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, comment="organisation whose records are erased"),
    sa.Column("who", sa.Text, nullable=False, comment="opaque id of whoever decided"),
    sa.Column("why", sa.Text, nullable=False, comment="code of the reason"),
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("children", sa.Text, nullable=False, comment="JSON: record key to digest of what is destroyed"),
    sa.Column("entry", sa.BigInteger, comment="ledger entry that announced it"),
    sa.Column("destroyed_at", Moment, comment="when the keys were destroyed"),
    sa.Column("done_at", Moment, comment="when the last row and the last freed byte were gone"),
    info={"grants": {"gate": "SELECT, INSERT, UPDATE"}},
)


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One erasure, decided: whose records, which children (each with a digest of the keys destroyed), why, how far."""

    id: str
    owner: str
    who: str
    why: str
    asked_at: datetime
    children: dict[str, str]
    entry: int | None = None
    destroyed_at: datetime | None = None
    done_at: datetime | None = None


def keep_intent(connection: sa.Connection, wanted: Intent) -> Intent:
    """Write an erasure down before anything of it is done; one that was interrupted at its moment is taken up again."""
    known = intent(connection, wanted.id)
    if known is None:
        values = msgspec.structs.asdict(wanted) | {"children": msgspec.json.encode(wanted.children).decode()}
        connection.execute(erasures.insert().values(values))
    return known or wanted


def intent(connection: sa.Connection, erasure: str) -> Intent | None:
    """Find an erasure by its id."""
    row = connection.execute(sa.select(erasures).where(erasures.c.id == erasure)).first()
    return None if row is None else _intent(row)


def unfinished(connection: sa.Connection) -> list[Intent]:
    """Every erasure that is not done, oldest first."""
    rows = connection.execute(sa.select(erasures).where(erasures.c.done_at.is_(None)).order_by("asked_at", "id"))
    return [_intent(row) for row in rows]


def announced(connection: sa.Connection, erasure: str, entry: int) -> None:
    """Note which ledger entry announced an erasure."""
    connection.execute(erasures.update().where(erasures.c.id == erasure).values(entry=entry))


def destroyed(connection: sa.Connection, erasure: str, now: datetime) -> None:
    """Note, in the transaction that destroys the keys, that it did."""
    connection.execute(erasures.update().where(erasures.c.id == erasure).values(destroyed_at=now))


def done(connection: sa.Connection, erasure: str, now: datetime) -> None:
    """Note that an erasure is finished."""
    connection.execute(erasures.update().where(erasures.c.id == erasure).values(done_at=now))


def delete_rows(connection: sa.Connection, table: sa.Table, record_keys: Sequence[str]) -> int:
    """Delete every row of a table that belongs to these children; says how many."""
    return connection.execute(table.delete().where(among(table.c.record_key, record_keys))).rowcount


def count_rows(connection: sa.Connection, table: sa.Table, record_key: str) -> int:
    """How many rows of a table belong to a child."""
    return connection.scalar(sa.select(sa.func.count()).where(table.c.record_key == record_key)) or 0


def classes_held(
    connection: sa.Connection, table: sa.Table, owner: str, record_keys: Sequence[str]
) -> list[tuple[str, str]]:
    """Which of these children an organisation has rows of in a table, with the retention class of each row."""
    retention = table.c.retention if "retention" in table.c else sa.literal("")
    asked = sa.select(table.c.record_key, retention).where(table.c.owner == owner).distinct()
    rows = connection.execute(asked.where(among(table.c.record_key, record_keys)))
    return [(record_key, kind) for record_key, kind in rows]


def _intent(row: sa.Row[Any]) -> Intent:
    values = dict(row._mapping)
    return Intent(**values | {"children": msgspec.json.decode(values["children"], type=dict[str, str])})
