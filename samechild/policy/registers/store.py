"""What the gate keeps of cases and their steps: two tables that are only added to, and their queries.

Two people who take the next step of a case at the same moment give it the same number, and the database refuses one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.policy.registers.cases import Case, Register, Step
from samechild.records.disclosure import Decision
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "gate"})
_GUARDS = {"append_only": True, "grants": {"gate": "SELECT, INSERT"}}

register_cases = sa.Table(
    "register_cases",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("register", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False, comment="whose case it is"),
    sa.Column(
        "asking", sa.Text, nullable=False, comment="organisation of who was refused or is reviewed; may be empty"
    ),
    sa.Column("started", Moment, nullable=False, comment="when its clock began"),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("record_key", sa.Text, nullable=False, comment="empty when about no one child"),
    sa.Column("about_user", sa.Text, nullable=False),
    sa.Column("about_entry", sa.Integer, comment="ledger entry it came from"),
    sa.Column("named", sa.Text, nullable=False, comment="the person asked to look at it"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False, comment="ledger entry of its opening"),
    sa.UniqueConstraint("register", "about_entry", name="register_cases_once"),
    sa.Index("register_cases_by_organisation", "organisation", "register"),
    sa.Index("register_cases_by_asking", "asking", "register"),
    info=_GUARDS,
    comment="incidents, people's requests, concerns, and what the gate sends for review",
)

register_steps = sa.Table(
    "register_steps",
    TABLES,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, comment="counts from 1"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False),
    info=_GUARDS,
    comment="what happened to a case, step by step",
)

register_collected = sa.Table(
    "register_collected",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, comment="newest ledger entry looked at"),
    comment="how far the ledger was searched for cases",
)

GATE = "gate"
"""Who opens a case when the gate itself does."""


class Kept(msgspec.Struct, frozen=True):
    """A case with its steps in order, as kept: words are still sealed."""

    case: Case
    steps: tuple[Step, ...]
    sealed: bytes
    step_sealed: tuple[bytes, ...]


def refused_case(connection: sa.Connection, decision: Decision, number: int, now: datetime) -> None:
    """Put a refused request about safeguarding into the queue; once, however often it is called for one entry."""
    ask = decision.ask
    put_once(
        connection,
        Case(
            id=f"refused-{number}",
            register=Register.REFUSED,
            organisation=ask.owner,
            asking=ask.who.organisation,
            started=now,
            opened_at=now,
            opened_by=GATE,
            kind=ask.purpose,
            about_user=ask.who.user,
            about_entry=number,
        ),
        number,
    )


def put_once(connection: sa.Connection, case: Case, entry: int) -> bool:
    """Keep a case that came from a ledger entry unless it is there already; whether it was new."""
    table = register_cases
    there = sa.select(table.c.id).where(
        table.c.register == case.register.value, table.c.about_entry == case.about_entry
    )
    if connection.scalar(there) is not None:
        return False
    keep_case(connection, case, b"", entry)
    return True


def keep_case(connection: sa.Connection, case: Case, sealed: bytes, entry: int) -> None:
    """Keep a new case."""
    values: dict[str, Any] = msgspec.structs.asdict(case) | {"register": case.register.value}
    del values["text"]
    connection.execute(register_cases.insert().values(**values, sealed=sealed, entry=entry))


def keep_step(connection: sa.Connection, step: Step, sealed: bytes, entry: int) -> None:
    """Keep the next step of a case; the database refuses a second one of the same number."""
    values: dict[str, Any] = msgspec.structs.asdict(step)
    values["case_id"] = values.pop("case")
    del values["note"]
    connection.execute(register_steps.insert().values(**values, sealed=sealed, entry=entry))


def case_of(connection: sa.Connection, identity: str) -> Kept | None:
    """Find one case with its steps; None when there is none."""
    return next(iter(_with_steps(connection, register_cases.c.id == identity)), None)


def cases_of(
    connection: sa.Connection, organisation: str, registers: Sequence[Register] = tuple(Register)
) -> list[Kept]:
    """Every case of an organisation in some registers, the oldest first: its own, and those about its own people."""
    table = register_cases
    theirs = sa.or_(table.c.organisation == organisation, table.c.asking == organisation)
    return _with_steps(connection, sa.and_(theirs, table.c.register.in_([each.value for each in registers])))


def every_case(connection: sa.Connection) -> list[Kept]:
    """Every case of the installation, the oldest first, for counting."""
    return _with_steps(connection, sa.true())


def collected(connection: sa.Connection) -> int:
    """The newest ledger entry that was looked at for cases; -1 before the first."""
    newest = connection.scalar(sa.select(sa.func.max(register_collected.c.number)))
    return -1 if newest is None else int(newest)


def keep_collected(connection: sa.Connection, number: int) -> None:
    """Remember up to which ledger entry cases were looked for."""
    connection.execute(register_collected.delete())
    connection.execute(register_collected.insert().values(number=number))


def _with_steps(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Kept]:
    """Cases and steps in one query, so that a step taken meanwhile is never half seen."""
    cases, steps = register_cases, register_steps
    asked = (
        sa.select(
            cases,
            steps.c.number,
            steps.c.at,
            steps.c.by,
            steps.c.action,
            steps.c.outcome,
            steps.c.sealed.label("step_sealed"),
        )
        .select_from(cases.outerjoin(steps, steps.c.case_id == cases.c.id))
        .where(which)
        .order_by(cases.c.started, cases.c.id, steps.c.number)
    )
    found: dict[str, list[sa.Row[Any]]] = {}
    for row in connection.execute(asked):
        found.setdefault(row.id, []).append(row)
    return [_kept(rows) for rows in found.values()]


def _kept(rows: list[sa.Row[Any]]) -> Kept:
    first, taken = rows[0], [row for row in rows if row.number is not None]
    case = Case(
        id=first.id,
        register=Register(first.register),
        organisation=first.organisation,
        asking=first.asking,
        started=first.started,
        opened_at=first.opened_at,
        opened_by=first.opened_by,
        kind=first.kind,
        record_key=first.record_key,
        about_user=first.about_user,
        about_entry=first.about_entry,
        named=first.named,
    )
    steps = tuple(
        Step(case=row.id, number=row.number, at=row.at, by=row.by, action=row.action, outcome=row.outcome)
        for row in taken
    )
    return Kept(case, steps, first.sealed, tuple(row.step_sealed for row in taken))
