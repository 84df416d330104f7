"""The emergency numbers that organisations enter for the downtime card, and their queries."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from samechild.policy.governance.downtime import Number
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})

downtime_numbers = sa.Table(
    "downtime_numbers",
    TABLES,
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("entered_at", Moment, nullable=False),
    comment="telephone numbers for when the system is down",
)


def keep_number(connection: sa.Connection, number: Number) -> None:
    """Keep a number in place of the one of the same label."""
    remove_number(connection, number.organisation, number.label)
    connection.execute(downtime_numbers.insert().values(msgspec.structs.asdict(number)))


def remove_number(connection: sa.Connection, organisation: str, label: str) -> int:
    """Remove a number; how many there were."""
    table = downtime_numbers.c
    gone = downtime_numbers.delete().where(table.organisation == organisation, table.label == label)
    return connection.execute(gone).rowcount


def numbers_kept(connection: sa.Connection) -> list[Number]:
    """Every number, by organisation and label."""
    rows = connection.execute(sa.select(downtime_numbers).order_by("organisation", "label"))
    return [Number(**row._mapping) for row in rows]
