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
from samechild.sql.among import among
from samechild.sql.columns import Moment, kept_columns

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


# --- what the events add up to ----------------------------------------------------------------------------------------


def move_members(connection: sa.Connection, space: str, lines: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Let records be of other children: each with its child before and after (empty: none) and the whole row."""
    new = [{**row, "space": space} for before, after, row in lines if after and not before]
    new.sort(key=lambda row: str(row["record_key"]))
    moved = [{"record": row["record_key"], "to": after} for before, after, row in lines if after and before]
    gone = [row["record_key"] for before, after, row in lines if before and not after]
    if new:
        connection.execute(index_members.insert(), new)
    if moved:
        its = (index_members.c.space == space) & (index_members.c.record_key == sa.bindparam("record"))
        connection.execute(index_members.update().where(its).values(child=sa.bindparam("to")), moved)
    if gone:
        here = index_members.c.space == space
        connection.execute(index_members.delete().where(here, among(index_members.c.record_key, gone)))


def move_children(connection: sa.Connection, space: str, lines: Sequence[tuple[str, str, str]]) -> None:
    """Let children be in other states: each with its state before and after."""
    _move(connection, index_children, {"space": space}, "child", "state", lines)


def move_lines(connection: sa.Connection, space: str, what: str, lines: Sequence[tuple[str, str, str]]) -> None:
    """Let rulings, numbers or seals stand otherwise: each with its key, and its value before and after."""
    _move(connection, index_lines, {"space": space, "what": what}, "key", "value", lines)


def _move(
    connection: sa.Connection,
    table: sa.Table,
    within: dict[str, str],
    key: str,
    value: str,
    lines: Sequence[tuple[str, str, str]],
) -> None:
    new = [{**within, key: its, value: after} for its, before, after in lines if after and not before]
    moved = [{"its": its, "to": after} for its, before, after in lines if after and before]
    gone = [its for its, before, after in lines if before and not after]
    here = sa.and_(*(table.c[name] == given for name, given in within.items()))
    if new:
        connection.execute(table.insert(), new)
    if moved:
        changing = table.update().where(here, table.c[key] == sa.bindparam("its"))
        connection.execute(changing.values({value: sa.bindparam("to")}), moved)
    if gone:
        connection.execute(table.delete().where(here, among(table.c[key], gone)))


def members_of(connection: sa.Connection, space: str, children: Sequence[str]) -> dict[str, str]:
    """The records of some children, each with its child."""
    asked = sa.select(index_members.c.record_key, index_members.c.child).where(
        index_members.c.space == space, among(index_members.c.child, children)
    )
    return {row.record_key: row.child for row in connection.execute(asked)}


def children_of(connection: sa.Connection, space: str, record_keys: Sequence[str]) -> dict[str, str]:
    """The child each of some records is of; a record that is not in the space is left out."""
    asked = sa.select(index_members.c.record_key, index_members.c.child).where(
        index_members.c.space == space, among(index_members.c.record_key, record_keys)
    )
    return {row.record_key: row.child for row in connection.execute(asked)}


def every_member(connection: sa.Connection, space: str) -> list[tuple[str, str, str, str]]:
    """Every record of a space: its key, its owner, its source and its child; in the order of the keys."""
    asked = (
        sa.select(index_members.c.record_key, index_members.c.owner, index_records.c.source, index_members.c.child)
        .join(index_records, index_records.c.record_key == index_members.c.record_key)
        .where(index_members.c.space == space)
        .order_by(index_members.c.record_key)
    )
    return [tuple(row) for row in connection.execute(asked)]


def states_of(connection: sa.Connection, space: str, children: Sequence[str]) -> dict[str, str]:
    """The state of each of some children; one that never was is left out."""
    asked = sa.select(index_children.c.child, index_children.c.state).where(
        index_children.c.space == space, among(index_children.c.child, children)
    )
    return {row.child: row.state for row in connection.execute(asked)}


def every_child(connection: sa.Connection, space: str) -> dict[str, str]:
    """The state of every child of a space."""
    asked = sa.select(index_children.c.child, index_children.c.state).where(index_children.c.space == space)
    return {row.child: row.state for row in connection.execute(asked)}


def every_line(connection: sa.Connection, space: str) -> dict[tuple[str, str], str]:
    """Every ruling, number and seal of a space."""
    asked = sa.select(index_lines).where(index_lines.c.space == space)
    return {(row.what, row.key): row.value for row in connection.execute(asked)}


# --- records ----------------------------------------------------------------------------------------------------------


def records_by_local(connection: sa.Connection, owner: str, locals_: Sequence[str]) -> dict[str, Any]:
    """The records of an organisation by the token of their own id, as far as they are known."""
    asked = sa.select(index_records).where(index_records.c.owner == owner, among(index_records.c.local, locals_))
    return {row.local: row for row in connection.execute(asked)}


def records_by_key(connection: sa.Connection, record_keys: Sequence[str]) -> dict[str, Any]:
    """Some records by their opaque keys."""
    asked = sa.select(index_records).where(among(index_records.c.record_key, record_keys))
    return {row.record_key: row for row in connection.execute(asked)}


def keep_records(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add records that were not known."""
    if rows:
        connection.execute(index_records.insert(), sorted(rows, key=lambda row: str(row["record_key"])))


def change_records(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Note what records say now: ``record``, and the new digest, changed_on and seen_at."""
    if rows:
        its = index_records.c.record_key == sa.bindparam("record")
        new: dict[str, Any] = {
            "digest": sa.bindparam("new_digest"),
            "changed_on": sa.bindparam("new_changed_on"),
            "seen_at": sa.bindparam("new_seen_at"),
        }
        connection.execute(index_records.update().where(its).values(new), list(rows))


# --- aliases ----------------------------------------------------------------------------------------------------------


def keep_aliases(connection: sa.Connection, space: str, aliases: Sequence[tuple[str, str]]) -> None:
    """Let the child ids of a run of linking lead to children; one that is known stays as it is."""
    asked = sa.select(index_aliases.c.alias).where(
        index_aliases.c.space == space, among(index_aliases.c.alias, [alias for alias, _ in aliases])
    )
    known = set(connection.execute(asked).scalars())
    rows = [{"space": space, "alias": alias, "child": child} for alias, child in aliases if alias not in known]
    if rows:
        connection.execute(index_aliases.insert(), rows)


def child_by_alias(connection: sa.Connection, space: str, aliases: Sequence[str]) -> str | None:
    """The child that a run's child id was given to, by any token of that id."""
    return connection.scalar(
        sa.select(index_aliases.c.child).where(index_aliases.c.space == space, index_aliases.c.alias.in_(aliases))
    )


def aliases_of(connection: sa.Connection, space: str) -> dict[str, str]:
    """Every alias token of a space and its child, for a record of everything."""
    asked = sa.select(index_aliases.c.alias, index_aliases.c.child).where(index_aliases.c.space == space)
    return {row.alias: row.child for row in connection.execute(asked)}


def lines_by_key(connection: sa.Connection, space: str, what: str, keys: Iterable[str]) -> dict[str, str]:
    """Some rulings, numbers or seals of a space by their keys."""
    asked = sa.select(index_lines.c.key, index_lines.c.value).where(
        index_lines.c.space == space, index_lines.c.what == what, among(index_lines.c.key, sorted(keys))
    )
    return {row.key: row.value for row in connection.execute(asked)}


def spaces_of_records(connection: sa.Connection, record_keys: Sequence[str]) -> list[tuple[str, str]]:
    """In which spaces some records are: (space, record key)."""
    asked = sa.select(index_members.c.space, index_members.c.record_key).where(
        among(index_members.c.record_key, record_keys)
    )
    return sorted((row.space, row.record_key) for row in connection.execute(asked))


def member_row(record: Any, child: str) -> dict[str, Any]:
    """The whole row of a member, from its record's row."""
    return {
        "owner": record.owner,
        "record_key": record.record_key,
        "received_at": record.received_at,
        "basis": record.basis,
        "retention": record.retention,
        "child": child,
    }


def see_records(connection: sa.Connection, record_keys: Sequence[str], now: Any) -> None:
    """Note that some records were received again, unchanged."""
    connection.execute(index_records.update().where(among(index_records.c.record_key, record_keys)).values(seen_at=now))


def events_of_kind(connection: sa.Connection, space: str, kind: Kind) -> list[Event]:
    """Every event of a kind in a space, oldest first."""
    asked = sa.select(index_events).where(index_events.c.space == space, index_events.c.kind == kind.value)
    return [_event(row) for row in connection.execute(asked.order_by(index_events.c.number))]


def last_child(connection: sa.Connection, space: str, record_key: str) -> str:
    """The child a record is of by the events alone, for a record whose row is gone; empty when it is of none."""
    asked = (
        sa.select(index_events.c.changes)
        .where(index_events.c.space == space, index_events.c.changes.contains(record_key, autoescape=True))
        .order_by(index_events.c.number.desc())
    )
    for row in connection.execute(asked):
        for change in reversed(_CHANGES.decode(row.changes)):
            if change.what == "member" and change.key == record_key:
                return change.after
    return ""


def every_of(connection: sa.Connection, space: str, what: str) -> dict[str, str]:
    """Every ruling, or every number, or every seal of a space, by key."""
    asked = sa.select(index_lines.c.key, index_lines.c.value).where(
        index_lines.c.space == space, index_lines.c.what == what
    )
    return {row.key: row.value for row in connection.execute(asked)}
