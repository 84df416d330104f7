"""The tables of tracing and the queries on them: how each number stands, what was asked, and what a person must decide.

They lie in the identity vault. No value of a child stands in them: the numbers and what the national service says are
sealed rows of the vault, named here by their row; beside them stand codes, dates and opaque keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.sql.among import among
from samechild.sql.columns import Moment, kept_columns
from samechild.tracing.records import NumberStatus, Obtained, TraceOutcome

TABLES = sa.MetaData(info={"database": "identity"})

_OWN = {"owned": True, "everywhere": ["index"]}
_READ = {"index": "SELECT"}


class Side(StrEnum):
    """Whose word a number is. The two never overwrite each other."""

    LOCAL = "local"  # somebody here noted it
    NATIONAL = "national"  # a national service gave or confirmed it
    CANDIDATE = "candidate"  # somebody was found whom something speaks against


tracing_numbers = sa.Table(
    "tracing_numbers",
    TABLES,
    sa.Column("number_id", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("side", sa.Text, nullable=False, comment="local, national or candidate"),
    sa.Column("status", sa.Text, nullable=False, comment="NHS number status indicator, 01 to 08"),
    sa.Column("how", sa.Text, nullable=False, comment="how it was obtained; empty: there is no number"),
    sa.Column("by", sa.Text, nullable=False, comment="who noted it or asked for the trace"),
    sa.Column("trace", sa.Text, nullable=False, comment="the round it came from; empty: none"),
    sa.Column("row_id", sa.Text, nullable=False, comment="the sealed row of the vault; empty: no value is kept"),
    sa.Column("token", sa.Text, nullable=False, comment="token of the number, to find it again; empty: none"),
    sa.Column("previous", sa.Text, nullable=False, comment="token of the number it replaces"),
    sa.Column("current", sa.Boolean, nullable=False, comment="whether it counts now; earlier ones are history"),
    sa.Column("told_at", Moment, nullable=True, comment="when the index was told of it"),
    sa.Index("tracing_numbers_of_record", "record_key", "current"),
    sa.Index("tracing_numbers_by_owner", "owner", "current", "status"),
    info={**_OWN, "grants": _READ},
)

tracing_rounds = sa.Table(
    "tracing_rounds",
    TABLES,
    sa.Column("round", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, comment="organisation that asks"),
    sa.Column("route", sa.Text, nullable=False, comment="hand, mesh or pds"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("sent_at", Moment, nullable=True),
    sa.Column("received_at", Moment, nullable=True),
    sa.Column("read_at", Moment, nullable=True),
    sa.Column("message", sa.Text, nullable=False, comment="the message that carried the request; empty: none"),
    sa.Column("asked", sa.Integer, nullable=False, comment="how many children"),
    sa.Column("code", sa.Text, nullable=False, comment="why the service refused or lost it"),
    sa.Index("tracing_rounds_by_owner", "owner", "requested_at"),
    info={**_OWN, "grants": _READ},
)

tracing_asked = sa.Table(
    "tracing_asked",
    TABLES,
    sa.Column("reference", sa.Text, primary_key=True, comment="opaque, drawn for one file"),
    *kept_columns(),
    sa.Column("round", sa.Text, nullable=False),
    sa.Column("several", sa.Boolean, nullable=False, comment="another child of the name and birth date is known"),
    sa.Column("state", sa.Text, nullable=False, comment="open, answered or lost"),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reasons", sa.Text, nullable=False, comment="codes, as JSON"),
    sa.Column("queries", sa.Integer, nullable=False),
    sa.Column("people", sa.Integer, nullable=False, comment="whose records the service told of"),
    sa.Column("answered_at", Moment, nullable=True),
    sa.Index("tracing_asked_of_record", "record_key"),
    sa.Index("tracing_asked_of_round", "round", "state"),
    sa.Index("tracing_asked_open", "owner", "state"),
    info={**_OWN, "grants": _READ},
)

tracing_messages = sa.Table(
    "tracing_messages",
    TABLES,
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False, comment="id of a message, or SHA-256 of a file"),
    sa.Column("round", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, comment="answer, report or other"),
    sa.Column("at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("owner", "message"),
    info={**_OWN, "grants": _READ},
)

tracing_proposals = sa.Table(
    "tracing_proposals",
    TABLES,
    sa.Column("proposal", sa.Text, primary_key=True),
    *kept_columns(),
    sa.Column("field", sa.Text, nullable=False, comment="which field differs"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number_id", sa.Text, nullable=False, comment="the national row it compares with"),
    sa.Column("token", sa.Text, nullable=False, comment="token of the national value, to know it when it comes again"),
    sa.Column("state", sa.Text, nullable=False, comment="open, national, local or settled"),
    sa.Column("answered_by", sa.Text, nullable=False),
    sa.Column("answered_at", Moment, nullable=True),
    sa.Index("tracing_proposals_open", "owner", "state", "field"),
    sa.Index("tracing_proposals_of_record", "record_key"),
    info={**_OWN, "grants": _READ},
)


class RoundState(StrEnum):
    """How far a round is. Whatever is not over survives a restart, because it stands in a row."""

    REQUESTED = "requested"  # written: to be uploaded by a person, or sent
    SENT = "sent"
    READ = "read"
    PARTLY = "partly read"  # answered, but not for every child
    REFUSED = "refused"  # the service turned the file away
    LOST = "lost"  # no answer came in time: the children are asked about again


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One file of children asked about, or one run of single questions."""

    round: str
    owner: str
    route: str
    state: RoundState
    by: str
    requested_at: datetime
    sent_at: datetime | None = None
    received_at: datetime | None = None
    read_at: datetime | None = None
    message: str = ""
    asked: int = 0
    code: str = ""


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """How one number stands, without the number: status, how obtained, by whom, when, from which round."""

    number_id: str
    owner: str
    record_key: str
    received_at: datetime
    basis: str
    retention: str
    side: Side
    status: NumberStatus
    how: Obtained | None
    by: str
    trace: str = ""
    row_id: str = ""
    token: str = ""
    previous: str = ""
    current: bool = True
    told_at: datetime | None = None


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """One child asked about."""

    reference: str
    owner: str
    record_key: str
    received_at: datetime
    basis: str
    retention: str
    round: str
    several: bool = False
    state: str = "open"
    outcome: TraceOutcome | None = None
    reasons: tuple[str, ...] = ()
    queries: int = 0
    people: int = 0
    answered_at: datetime | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Something the national record says otherwise, put to a person."""

    proposal: str
    owner: str
    record_key: str
    received_at: datetime
    basis: str
    retention: str
    field: str
    kind: str
    number_id: str
    token: str = ""
    state: str = "open"
    answered_by: str = ""
    answered_at: datetime | None = None


# --- numbers ----------------------------------------------------------------------------------------------------------


def keep_number(connection: sa.Connection, number: Number) -> None:
    """Keep how a number stands from now on; what stood on its side before becomes history."""
    table = tracing_numbers
    connection.execute(
        table.update()
        .where(
            table.c.owner == number.owner,
            table.c.record_key == number.record_key,
            table.c.side == number.side.value,
            table.c.current,
        )
        .values(current=False)
    )
    values = msgspec.structs.asdict(number)
    values |= {"side": number.side.value, "status": number.status.value, "how": number.how.value if number.how else ""}
    connection.execute(table.insert().values(values))


def numbers_of(
    connection: sa.Connection, owner: str, record_keys: Sequence[str], *, history: bool = False
) -> list[Number]:
    """How the numbers of some records stand, oldest first; with ``history`` also how they stood."""
    table = tracing_numbers
    asked = sa.select(table).where(table.c.owner == owner, among(table.c.record_key, record_keys))
    asked = asked if history else asked.where(table.c.current)
    return [_number(row) for row in connection.execute(asked.order_by(table.c.received_at, table.c.number_id))]


def current_numbers(connection: sa.Connection, owner: str) -> list[Number]:
    """How every number of an organisation stands now."""
    table = tracing_numbers
    asked = sa.select(table).where(table.c.owner == owner, table.c.current)
    return [_number(row) for row in connection.execute(asked.order_by(table.c.record_key, table.c.side))]


def number(connection: sa.Connection, owner: str, number_id: str) -> Number | None:
    """One row about a number."""
    table = tracing_numbers
    asked = sa.select(table).where(table.c.owner == owner, table.c.number_id == number_id)
    row = connection.execute(asked).first()
    return None if row is None else _number(row)


def end_number(connection: sa.Connection, number_id: str, *, without_value: bool = False) -> None:
    """Let a row about a number count no longer; ``without_value`` also forgets where its value lies."""
    table = tracing_numbers
    values: dict[str, Any] = {"current": False}
    if without_value:
        values |= {"row_id": "", "token": "", "previous": ""}
    connection.execute(table.update().where(table.c.number_id == number_id).values(values))


def untold(connection: sa.Connection, owner: str, *, every: bool = False) -> list[Number]:
    """Numbers verified, replaced or withdrawn that the index was not told of yet (or ``every`` one), oldest first."""
    table = tracing_numbers
    asked = sa.select(table).where(
        table.c.owner == owner,
        table.c.current,
        table.c.side == Side.NATIONAL.value,
        (table.c.status == NumberStatus.VERIFIED.value) | (table.c.previous != ""),
    )
    asked = asked if every else asked.where(table.c.told_at.is_(None))
    return [_number(row) for row in connection.execute(asked.order_by(table.c.received_at, table.c.number_id))]


def note_told(connection: sa.Connection, number_ids: Sequence[str], now: datetime) -> None:
    """Note that the index knows of some numbers."""
    connection.execute(
        tracing_numbers.update().where(among(tracing_numbers.c.number_id, number_ids)).values(told_at=now)
    )


# --- rounds and what was asked ----------------------------------------------------------------------------------------


def keep_round(connection: sa.Connection, made: Round, asked: Sequence[Open]) -> None:
    """Keep a new round and the children it asks about."""
    connection.execute(tracing_rounds.insert().values({**msgspec.structs.asdict(made), "state": made.state.value}))
    rows = [
        {
            **msgspec.structs.asdict(each),
            "outcome": each.outcome.value if each.outcome else "",
            "reasons": msgspec.json.encode(each.reasons).decode(),
        }
        for each in asked
    ]
    for start in range(0, len(rows), 1000):
        connection.execute(tracing_asked.insert(), rows[start : start + 1000])


def move_round(
    connection: sa.Connection,
    name: str,
    state: RoundState,
    was: Iterable[RoundState] = tuple(RoundState),
    **values: Any,
) -> bool:
    """Let a round be further; False when somebody else moved it first (it was not in one of ``was``)."""
    table = tracing_rounds
    moving = table.update().where(table.c.round == name, table.c.state.in_([each.value for each in was]))
    return connection.execute(moving.values(state=state.value, **values)).rowcount == 1


def rounds(connection: sa.Connection, owner: str, states: Iterable[RoundState] = (), limit: int = 200) -> list[Round]:
    """An organisation's rounds, the newest first."""
    table = tracing_rounds
    asked = sa.select(table).where(table.c.owner == owner).order_by(table.c.requested_at.desc(), table.c.round)
    wanted = [each.value for each in states]
    asked = asked.where(table.c.state.in_(wanted)) if wanted else asked
    return [_round(row) for row in connection.execute(asked.limit(limit))]


def one_round(connection: sa.Connection, owner: str, name: str) -> Round | None:
    """One round by its name, or by the message that carried it."""
    table = tracing_rounds
    named = (table.c.round == name) | ((table.c.message == name) & (table.c.message != ""))
    row = connection.execute(sa.select(table).where(table.c.owner == owner, named)).first()
    return None if row is None else _round(row)


def open_now(connection: sa.Connection, owner: str, *, round: str = "") -> list[Open]:
    """The children asked about and not answered yet; of one round where given."""
    table = tracing_asked
    asked = sa.select(table).where(table.c.owner == owner, table.c.state == "open")
    asked = asked.where(table.c.round == round) if round else asked
    return [_open(row) for row in connection.execute(asked.order_by(table.c.reference))]


def last_asked(connection: sa.Connection, owner: str) -> dict[str, Open]:
    """The newest question about each record of an organisation."""
    table = tracing_asked
    asked = sa.select(table).where(table.c.owner == owner).order_by(table.c.received_at, table.c.reference)
    return {row.record_key: _open(row) for row in connection.execute(asked)}


def close_asked(connection: sa.Connection, reference: str, state: str, now: datetime, **values: Any) -> bool:
    """Note an answer, once: False when the reference is not open any more."""
    table = tracing_asked
    closing = table.update().where(table.c.reference == reference, table.c.state == "open")
    return connection.execute(closing.values(state=state, answered_at=now, **values)).rowcount == 1


def lose_asked(connection: sa.Connection, round: str, now: datetime) -> int:
    """Give up waiting for the answers a round still lacks; how many children that are."""
    table = tracing_asked
    losing = table.update().where(table.c.round == round, table.c.state == "open")
    return connection.execute(losing.values(state="lost", answered_at=now)).rowcount


def outcomes(connection: sa.Connection, round: str) -> dict[str, int]:
    """How many children of a round came to which outcome; those without an answer under their state."""
    table = tracing_asked
    asked = (
        sa.select(table.c.outcome, table.c.state, sa.func.count())
        .where(table.c.round == round)
        .group_by(table.c.outcome, table.c.state)
    )
    found: dict[str, int] = {}
    for outcome, state, count in connection.execute(asked):
        found[outcome or state] = found.get(outcome or state, 0) + int(count)
    return found


# --- messages ---------------------------------------------------------------------------------------------------------


def seen(connection: sa.Connection, owner: str, message: str) -> bool:
    """Whether a message, or a file of this digest, was dealt with before."""
    table = tracing_messages
    asked = sa.select(table.c.message).where(table.c.owner == owner, table.c.message == message)
    return connection.execute(asked).first() is not None


def note_seen(connection: sa.Connection, owner: str, message: str, kind: str, round: str, now: datetime) -> None:
    """Note that a message was dealt with, in the transaction that did it."""
    if not seen(connection, owner, message):
        connection.execute(
            tracing_messages.insert().values(owner=owner, message=message, kind=kind, round=round, at=now)
        )


# --- proposals --------------------------------------------------------------------------------------------------------


def keep_proposals(connection: sa.Connection, made: Sequence[Proposal]) -> None:
    """Put questions to a person."""
    if made:
        connection.execute(tracing_proposals.insert(), [msgspec.structs.asdict(each) for each in made])


def proposals(connection: sa.Connection, owner: str, *, state: str = "open", limit: int = 1000) -> list[Proposal]:
    """The questions of an organisation in one state, the oldest first."""
    table = tracing_proposals
    asked = sa.select(table).where(table.c.owner == owner, table.c.state == state)
    asked = asked.order_by(table.c.received_at, table.c.proposal).limit(limit)
    return [Proposal(**row._mapping) for row in connection.execute(asked)]


def proposals_of(connection: sa.Connection, owner: str, record_key: str) -> list[Proposal]:
    """Every question about one record, answered ones too, the oldest first."""
    table = tracing_proposals
    asked = sa.select(table).where(table.c.owner == owner, table.c.record_key == record_key)
    return [Proposal(**row._mapping) for row in connection.execute(asked.order_by(table.c.received_at))]


def one_proposal(connection: sa.Connection, owner: str, name: str) -> Proposal | None:
    """One question."""
    table = tracing_proposals
    asked = sa.select(table).where(table.c.owner == owner, table.c.proposal == name)
    row = connection.execute(asked).first()
    return None if row is None else Proposal(**row._mapping)


def close_proposal(connection: sa.Connection, name: str, state: str, by: str, now: datetime) -> bool:
    """Answer a question, once: False when somebody answered it before."""
    table = tracing_proposals
    closing = table.update().where(table.c.proposal == name, table.c.state == "open")
    return connection.execute(closing.values(state=state, answered_by=by, answered_at=now)).rowcount == 1


def open_by_field(connection: sa.Connection, owner: str) -> list[tuple[str, str, int, datetime]]:
    """How many questions are open by field and kind, and since when the oldest is."""
    table = tracing_proposals
    asked = (
        sa.select(table.c.field, table.c.kind, sa.func.count(), sa.func.min(table.c.received_at, type_=Moment))
        .where(table.c.owner == owner, table.c.state == "open")
        .group_by(table.c.field, table.c.kind)
        .order_by(table.c.field, table.c.kind)
    )
    return [(field, kind, int(count), oldest) for field, kind, count, oldest in connection.execute(asked)]


def _number(row: Any) -> Number:
    values: Mapping[str, Any] = row._mapping
    return Number(
        **{
            **values,
            "side": Side(row.side),
            "status": NumberStatus(row.status),
            "how": Obtained(row.how) if row.how else None,
        }
    )


def _round(row: Any) -> Round:
    return Round(**{**row._mapping, "state": RoundState(row.state)})


def _open(row: Any) -> Open:
    outcome = TraceOutcome(row.outcome) if row.outcome else None
    reasons = tuple(msgspec.json.decode(row.reasons, type=list[str]))
    return Open(**{**row._mapping, "outcome": outcome, "reasons": reasons})
