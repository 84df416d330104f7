"""What the gate's database keeps of retention: holds that forbid destroying, and officers' decisions.

Both outlast the children's records: that something was held, or that somebody decided to destroy it, must stay provable
after it is gone. They hold opaque keys, codes and dates only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.policy.retention.periods import Hold, HoldKind, Review
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})

retention_holds = sa.Table(
    "retention_holds",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False, comment="number of the file or inquiry"),
    sa.Column("placed_by", sa.Text, nullable=False),
    sa.Column("placed_at", Moment, nullable=False),
    sa.Column("record_key", sa.Text, nullable=False, comment="empty: not one child's alone"),
    sa.Column("retention", sa.Text, nullable=False, comment="empty: not one class alone"),
    sa.Column("lifted_by", sa.Text, nullable=False),
    sa.Column("lifted_at", Moment),
    sa.Index("retention_holds_standing", "owner", "lifted_at"),
    info={"grants": {"gate": "SELECT, INSERT, UPDATE"}, "outlives": "that it was held must stay provable"},
)

retention_reviews = sa.Table(
    "retention_reviews",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("record_key", sa.Text, nullable=False),
    sa.Column("retention", sa.Text, nullable=False),
    sa.Column("dispose", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, comment="code"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("decided_at", Moment, nullable=False),
    sa.Column("keep_until", sa.Text, comment="YYYY-MM-DD"),
    sa.Index("retention_reviews_of_child", "owner", "record_key", "retention"),
    info={"append_only": True},
)


def keep_hold(connection: sa.Connection, hold: Hold) -> None:
    """Keep a hold."""
    connection.execute(retention_holds.insert().values(msgspec.structs.asdict(hold) | {"kind": hold.kind.value}))


def standing_holds(connection: sa.Connection, owner: str) -> list[Hold]:
    """Every hold of an organisation that was not lifted, oldest first."""
    table = retention_holds
    rows = connection.execute(
        sa.select(table).where(table.c.owner == owner, table.c.lifted_at.is_(None)).order_by("placed_at", "id")
    )
    return [_hold(row) for row in rows]


def lift(connection: sa.Connection, owner: str, hold: str, who: str, now: datetime) -> bool:
    """Lift a hold of an organisation; False when there is none such that stands."""
    table = retention_holds
    standing = (table.c.id == hold) & (table.c.owner == owner) & table.c.lifted_at.is_(None)
    return connection.execute(table.update().where(standing).values(lifted_by=who, lifted_at=now)).rowcount == 1


def keep_review(connection: sa.Connection, review: Review) -> None:
    """Keep an officer's decision; a later one about the same records counts in its place."""
    values = msgspec.structs.asdict(review)
    values["keep_until"] = review.keep_until.isoformat() if review.keep_until else None
    connection.execute(retention_reviews.insert().values(values))


def latest_reviews(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> dict[tuple[str, str], Review]:
    """The newest decision for each of these children and retention class."""
    table = retention_reviews
    rows = connection.execute(
        sa.select(table).where(table.c.owner == owner, table.c.record_key.in_(record_keys)).order_by(table.c.number)
    )
    return {(row.record_key, row.retention): _review(row) for row in rows}


def _hold(row: sa.Row[Any]) -> Hold:
    return Hold(**dict(row._mapping) | {"kind": HoldKind(row.kind)})


def _review(row: sa.Row[Any]) -> Review:
    values = dict(row._mapping) | {"keep_until": date.fromisoformat(row.keep_until) if row.keep_until else None}
    del values["number"]
    return Review(**values)
