"""What a council says its route costs it, in the gate's database; and counts of what came, in the content vault.

Counts only: nothing here says anything of a child. Every function is one query.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from samechild.collection.store import csc_children, csc_issues, submissions
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})

burden_entries = sa.Table(
    "burden_entries",
    TABLES,
    sa.Column("entry", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, comment="the council that says so"),
    sa.Column("feed", sa.Text, nullable=False, index=True),
    sa.Column("month", sa.Text, nullable=False, comment="such as 2026-11; empty: of the beginning as a whole"),
    sa.Column("what", sa.Text, nullable=False, comment="code: first hours, hours, pounds"),
    sa.Column("amount", sa.Integer, nullable=False),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("entered_at", Moment, nullable=False),
    info={"append_only": True, "grants": {"gate": "SELECT, INSERT"}},
    comment="what councils say that sending costs them; the newest entry of a month counts",
)


def keep_entries(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what a council says."""
    if rows:
        connection.execute(burden_entries.insert(), list(rows))


def entries_of(connection: sa.Connection, feeds: Sequence[str]) -> list[sa.Row[Any]]:
    """What was said of some feeds, the oldest first."""
    asked = sa.select(burden_entries).where(burden_entries.c.feed.in_(list(feeds)))
    return list(connection.execute(asked.order_by(burden_entries.c.entered_at, burden_entries.c.entry)))


def sent_by_client(
    connection: sa.Connection, owner: str, since: str, until: str, client: str = ""
) -> list[sa.Row[Any]]:
    """What each system sent for an owner on the days from ``since`` to ``until``; of one system only, if named.

    ``again`` is how many requests repeated, on the same day, what had been sent before.
    """
    sent = submissions.c
    said_something = sa.case((sent.records > 0, sent.received_on + sent.digest))
    asked = (
        sa.select(
            sent.client,
            sa.func.count().label("posts"),
            sa.func.sum(sent.records).label("records"),
            sa.func.sum(sent.changed).label("changed"),
            sa.func.sum(sent.unchanged).label("unchanged"),
            sa.func.sum(sent.refused).label("refused"),
            sa.func.sum(sent.bytes).label("bytes"),
            sa.func.sum(sent.milliseconds).label("milliseconds"),
            sa.func.sum(sa.case((sent.status >= 400, 1), else_=0)).label("failures"),
            (sa.func.count(said_something) - sa.func.count(said_something.distinct())).label("again"),
            sa.func.max(sent.received_at, type_=Moment).label("last"),
        )
        .where(sent.owner == owner, sent.received_on >= since, sent.received_on <= until)
        .group_by(sent.client)
    )
    if client:
        asked = asked.where(sent.client == client)
    return list(connection.execute(asked))


def first_kept(connection: sa.Connection, owner: str) -> datetime | None:
    """When the first record of an owner was kept."""
    asked = sa.select(sa.func.min(submissions.c.received_at, type_=Moment)).where(
        submissions.c.owner == owner, submissions.c.changed > 0
    )
    found: datetime | None = connection.scalar(asked)
    return found


def quality(connection: sa.Connection, owner: str, since: datetime) -> tuple[int, int, int]:
    """How many children an owner's records are of, how many errors stand, and how many were put right since."""
    held = sa.select(sa.func.count()).where(
        csc_children.c.owner == owner, sa.not_(csc_children.c.token.startswith("purged:", autoescape=True))
    )
    errors = sa.select(sa.func.count()).where(csc_issues.c.owner == owner, csc_issues.c.grade == "error")
    standing, mended = csc_issues.c.until.is_(None), csc_issues.c.until >= since
    found = (connection.scalar(asked) for asked in (held, errors.where(standing), errors.where(mended)))
    one, two, three = (int(each or 0) for each in found)
    return one, two, three
