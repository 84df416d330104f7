"""The tables of the index and the queries on them: records, the children they belong to, and every event.

They lie in the identity vault, because a link says who a child is. Only the events are the truth: members, children,
rulings and numbers stand beside them so that they can be asked for, and are what the events add up to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.index.records import Change, Event, Kind, Space
from samechild.storage.columns import Moment, kept_columns

TABLES = sa.MetaData(info={"database": "identity"})

_SHARED = {"owned": True, "everywhere": ["index"]}
_OWN = {"grants": {"identity": "", "index": "SELECT, INSERT, UPDATE, DELETE"}}
_READ = "SELECT"

index_records = sa.Table(
    "index_records",
    TABLES,
    *kept_columns(),
    sa.Column("source", sa.Text, nullable=False, comment="file or system the record came from"),
    sa.Column("local", sa.Text, nullable=False, comment="token of owner, source and the record's own id there"),
    sa.Column("digest", sa.Text, nullable=False, comment="token of what it says, to notice a change"),
    sa.Column("changed_on", sa.Text, nullable=False, comment="when the source last changed it, or empty"),
    sa.Column("seen_at", Moment, nullable=False, comment="when it was last received"),
    sa.PrimaryKeyConstraint("record_key"),
    sa.UniqueConstraint("owner", "local", name="index_records_once"),
    info={**_SHARED, "grants": {"identity": "SELECT, DELETE", "index": "SELECT, INSERT, UPDATE, DELETE"}},
)

index_members = sa.Table(
    "index_members",
    TABLES,
    *kept_columns(),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("child", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("space", "record_key"),
    sa.Index("index_members_of_child", "space", "child"),
    sa.Index("index_members_of_record", "record_key"),
    info={**_SHARED, "grants": {"identity": "SELECT, DELETE", "index": "SELECT, INSERT, UPDATE, DELETE"}},
)

index_children = sa.Table(
    "index_children",
    TABLES,
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("child", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, comment="live, unborn, erased or merged:CHILD"),
    sa.PrimaryKeyConstraint("space", "child"),
    info=_OWN,
)

index_lines = sa.Table(
    "index_lines",
    TABLES,
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False, comment="apart, number or sealed"),
    sa.Column("key", sa.Text, nullable=False, comment="token or opaque key"),
    sa.Column("value", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("space", "what", "key"),
    info=_OWN,
)

index_aliases = sa.Table(
    "index_aliases",
    TABLES,
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("alias", sa.Text, nullable=False, comment="token of the child id that a run of linking gave"),
    sa.Column("child", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("space", "alias"),
    info=_OWN,
)

index_events = sa.Table(
    "index_events",
    TABLES,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False, comment="who decided; empty: the engine"),
    sa.Column("child", sa.Text, nullable=False),
    sa.Column("other", sa.Text, nullable=False),
    sa.Column("changes", sa.Text, nullable=False, comment="lines before and after, as JSON"),
    sa.Column("undoes", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False, comment="codes and weights, as JSON; never a value of a record"),
    sa.Column("state_hash", sa.Text, nullable=False),
    sa.Index("index_events_of_child", "space", "child"),
    sa.Index("index_events_of_other", "space", "other"),
    info={"append_only": True, "grants": {"identity": "", "index": "SELECT, INSERT"}},
)

index_spaces = sa.Table(
    "index_spaces",
    TABLES,
    sa.Column("space", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("members", sa.Text, nullable=False, comment="organisations, as JSON"),
    sa.Column("agreement", sa.Text, nullable=False, comment="the agreement that names a joint space"),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("state_hash", sa.Text, nullable=False),
    sa.Column("model", sa.LargeBinary, nullable=False, comment="the linkage model in use, sealed; empty: none yet"),
    info=_OWN,
)

LOCK = 7261640
"""Number of the PostgreSQL advisory lock that puts the writers of the index one behind the other."""

_MEMBER = "member"
_CHILD = "child"


def hold(connection: sa.Connection) -> None:
    """Be the only writer of the index until this transaction ends (on SQLite a transaction that writes is, anyhow)."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


# --- spaces -----------------------------------------------------------------------------------------------------------


def keep_space(connection: sa.Connection, space: Space, opened_at: Any, state_hash: str) -> None:
    """Keep a new space."""
    connection.execute(
        index_spaces.insert().values(
            space=space.space,
            title=space.title,
            members=msgspec.json.encode(space.members).decode(),
            agreement=space.agreement,
            opened_at=opened_at,
            state_hash=state_hash,
            model=b"",
        )
    )


def spaces(connection: sa.Connection, names: Sequence[str] | None = None) -> list[Space]:
    """Every space, or those named."""
    asked = sa.select(index_spaces).order_by(index_spaces.c.space)
    if names is not None:
        asked = asked.where(index_spaces.c.space.in_(list(names)))
    return [
        Space(
            space=row.space,
            title=row.title,
            members=tuple(msgspec.json.decode(row.members)),
            agreement=row.agreement,
        )
        for row in connection.execute(asked)
    ]


def head(connection: sa.Connection, space: str) -> tuple[str, bytes] | None:
    """A space's state hash and its sealed model; None when there is no such space."""
    row = connection.execute(
        sa.select(index_spaces.c.state_hash, index_spaces.c.model).where(index_spaces.c.space == space)
    ).first()
    return None if row is None else (row.state_hash, bytes(row.model))


def move_head(connection: sa.Connection, space: str, state_hash: str) -> None:
    """Let a space stand at a new state."""
    connection.execute(index_spaces.update().where(index_spaces.c.space == space).values(state_hash=state_hash))


def keep_model(connection: sa.Connection, space: str, sealed: bytes) -> None:
    """Let a space use a linkage model from now on."""
    connection.execute(index_spaces.update().where(index_spaces.c.space == space).values(model=sealed))


# --- events -----------------------------------------------------------------------------------------------------------


def newest(connection: sa.Connection) -> int:
    """The number of the newest event; 0 before the first."""
    return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(index_events.c.number), 0))) or 0)


def keep_events(connection: sa.Connection, events: Sequence[Event]) -> None:
    """Add events, which must be numbered on from the newest."""
    if not events:
        return
    encode = msgspec.json.encode
    connection.execute(
        index_events.insert(),
        [
            {
                "number": each.number,
                "space": each.space,
                "at": each.at,
                "kind": each.kind.value,
                "by": each.by,
                "child": each.child,
                "other": each.other,
                "changes": encode(each.changes).decode(),
                "undoes": each.undoes,
                "why": encode(each.why, order="deterministic").decode(),
                "state_hash": each.state_hash,
            }
            for each in events
        ],
    )


def events_after(
    connection: sa.Connection, number: int, *, space: str = "", kinds: Iterable[Kind] = (), limit: int = 1000
) -> list[Event]:
    """Events after a number, oldest first; of one space, or of some kinds, where given."""
    asked = sa.select(index_events).where(index_events.c.number > number).order_by(index_events.c.number).limit(limit)
    if space:
        asked = asked.where(index_events.c.space == space)
    wanted = sorted(kind.value for kind in kinds)
    if wanted:
        asked = asked.where(index_events.c.kind.in_(wanted))
    return [_event(row) for row in connection.execute(asked)]


def events_of(connection: sa.Connection, space: str, child: str) -> list[Event]:
    """Every event that names a child, oldest first."""
    named = (index_events.c.child == child) | (index_events.c.other == child)
    asked = sa.select(index_events).where(index_events.c.space == space, named).order_by(index_events.c.number)
    return [_event(row) for row in connection.execute(asked)]


def event(connection: sa.Connection, number: int) -> Event | None:
    """One event."""
    row = connection.execute(sa.select(index_events).where(index_events.c.number == number)).first()
    return None if row is None else _event(row)


_CHANGES = msgspec.json.Decoder(tuple[Change, ...])


def _event(row: Any) -> Event:
    return Event(
        number=row.number,
        space=row.space,
        at=row.at,
        kind=Kind(row.kind),
        by=row.by,
        child=row.child,
        other=row.other,
        changes=_CHANGES.decode(row.changes),
        undoes=row.undoes,
        why=msgspec.json.decode(row.why),
        state_hash=row.state_hash,
    )
