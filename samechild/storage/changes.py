"""What changed, in the order in which it became true: a feed that other rooms follow and never miss a line of.

Each database has a feed of its own, because a line is written in the transaction of the change it tells of. Lines are
numbered 1, 2, 3 without gaps in the order of commits: whoever notes a change holds the feed until its transaction ends,
so no smaller number can appear after a larger one was read. (A database sequence gives no such promise: numbers are
drawn in one order and committed in another.) Note a change last in a transaction: others wait from then on.

A follower keeps its place in its own database, in the transaction of what it did, so that each line counts once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.errors import Conflict
from samechild.sql.columns import Moment
from samechild.storage.databases import Database


class Change(msgspec.Struct, frozen=True):
    """One line: its number, when, what kind of change, in whose space, about which opaque key, and codes for more."""

    number: int
    at: datetime
    kind: str
    space: str
    subject: str
    more: dict[str, Any] = {}


def _feed(database: Database) -> tuple[sa.MetaData, sa.Table, sa.Table]:
    tables = sa.MetaData(info={"database": database.value})
    changes = sa.Table(
        f"{database.value}_changes",
        tables,
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("space", sa.Text, nullable=False, comment="organisation whose row changed, or empty"),
        sa.Column("subject", sa.Text, nullable=False, comment="opaque key of what changed"),
        sa.Column("more", sa.Text, nullable=False, comment="codes, as JSON; never a value of a child's record"),
        info={"append_only": True, "grants": {"index": "SELECT, INSERT"} if database is Database.IDENTITY else {}},
    )
    places = sa.Table(
        f"{database.value}_followers",
        tables,
        sa.Column("follower", sa.Text, primary_key=True),
        sa.Column("feed", sa.Text, primary_key=True, comment="the database whose feed is followed"),
        sa.Column("number", sa.BigInteger, nullable=False, comment="last line that was dealt with"),
        sa.Column("moved_at", Moment, nullable=False),
    )
    return tables, changes, places


_FEEDS = {database: _feed(database) for database in Database}
GATE_TABLES, IDENTITY_TABLES, CONTENT_TABLES = (_FEEDS[database][0] for database in Database)

_HOLD = 7261638
"""Number of the PostgreSQL advisory lock that orders the writers of one database's feed."""


def note_change(
    connection: sa.Connection,
    database: Database,
    kind: str,
    *,
    space: str,
    subject: str,
    now: datetime,
    more: dict[str, Any] | None = None,
) -> int:
    """Tell the rooms that follow that something changed, in the transaction of the change; returns its number.

    On SQLite ``connection`` must be one of ``Store.write``, which is alone anyhow.
    """
    changes = _FEEDS[database][1]
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_HOLD)))
    number = newest(connection, database) + 1
    connection.execute(
        changes.insert().values(
            number=number,
            at=now,
            kind=kind,
            space=space,
            subject=subject,
            more=msgspec.json.encode(more or {}, order="deterministic").decode(),
        )
    )
    return number


def newest(connection: sa.Connection, database: Database) -> int:
    """The number of the newest line; 0 when nothing has changed yet."""
    changes = _FEEDS[database][1]
    return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(changes.c.number), 0))) or 0)


def changes_after(
    connection: sa.Connection, database: Database, number: int, *, kinds: Collection[str] = (), limit: int = 500
) -> list[Change]:
    """Read what changed after a line, oldest first; ``kinds`` leaves out what a follower does not care for.

    A follower that leaves some out moves on to :func:`newest` as read before this, once the answer is empty.
    """
    changes = _FEEDS[database][1]
    asked = sa.select(changes).where(changes.c.number > number).order_by(changes.c.number).limit(limit)
    if kinds:
        asked = asked.where(changes.c.kind.in_(sorted(kinds)))
    return [
        Change(row.number, row.at, row.kind, row.space, row.subject, msgspec.json.decode(row.more))
        for row in connection.execute(asked)
    ]


def place_of(connection: sa.Connection, home: Database, follower: str, feed: Database) -> int:
    """How far a follower has got in a feed; ``home`` is the database where the follower keeps its own things."""
    places = _FEEDS[home][2]
    found = connection.scalar(sa.select(places.c.number).where(_whose(places, follower, feed)))
    return int(found or 0)


def move_place(
    connection: sa.Connection, home: Database, follower: str, feed: Database, *, was: int, to: int, now: datetime
) -> None:
    """Move a follower on, in the transaction of what it did with the lines up to ``to``.

    Raises:
        Conflict: when another process moved it meanwhile: undo, and read from where it is now.
    """
    places = _FEEDS[home][2]
    moved = connection.execute(
        places.update().where(_whose(places, follower, feed), places.c.number == was).values(number=to, moved_at=now)
    ).rowcount
    if moved:
        return
    if was or place_of(connection, home, follower, feed):
        raise Conflict(f"{follower} was moved on by another process: read again from its place.")
    # the first move: two processes that try it at once meet in the primary key, which is a Conflict too
    connection.execute(places.insert().values(follower=follower, feed=feed.value, number=to, moved_at=now))


def _whose(places: sa.Table, follower: str, feed: Database) -> sa.ColumnElement[bool]:
    return (places.c.follower == follower) & (places.c.feed == feed.value)
