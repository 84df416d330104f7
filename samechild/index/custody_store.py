"""The table of the custodian's queue and the queries on it: pairs that look like one child with two valid identities.

A row says nothing but that something waits for an organisation's custodian: which two records it is about, and why,
lies in sealed bytes. The row is called by a keyed token of the pair, so that the same pair is asked about once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "identity"})

index_custody = sa.Table(
    "index_custody",
    TABLES,
    sa.Column("question", sa.Text, primary_key=True, comment="opaque id: keyed token of space and pair"),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False, comment="whose custodian is asked"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="which two records, why, and what was answered"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False, comment="open, asked, unsure, answered or gone"),
    sa.Column("state_at", Moment, nullable=False),
    sa.Index("index_custody_waiting", "organisation", "state", "received_at"),
    info={"grants": {"identity": "", "index": "SELECT, INSERT, UPDATE"}},
)


def keep(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Keep a new question."""
    connection.execute(index_custody.insert().values(**row))


def known(connection: sa.Connection, questions: Sequence[str]) -> bool:
    """Whether a question stands under any of these ids, whatever became of it."""
    asked = sa.select(sa.func.count()).where(index_custody.c.question.in_(list(questions)))
    return bool(connection.scalar(asked))


def one(connection: sa.Connection, organisation: str, question: str) -> sa.Row[Any] | None:
    """One question of an organisation's."""
    mine = (index_custody.c.question == question) & (index_custody.c.organisation == organisation)
    return connection.execute(sa.select(index_custody).where(mine)).first()


def waiting(connection: sa.Connection, organisation: str, states: Sequence[str]) -> list[sa.Row[Any]]:
    """An organisation's questions in some states, the oldest first."""
    mine = (index_custody.c.organisation == organisation) & index_custody.c.state.in_(list(states))
    order = (index_custody.c.received_at, index_custody.c.question)
    return list(connection.execute(sa.select(index_custody).where(mine).order_by(*order)))


def move(connection: sa.Connection, question: str, state: str, sealed: bytes, now: datetime) -> None:
    """Let a question stand in another state, with what is sealed about it."""
    changed = index_custody.update().where(index_custody.c.question == question)
    connection.execute(changed.values(state=state, sealed=sealed, state_at=now))
