"""Queries of what a council sees of its own collection, counted and listed; and the table of its teams.

Nothing is opened here: rows hold opaque keys, rule codes, days and counts. The list of workers and teams is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from samechild.collection.store import csc_children, csc_issues, csc_states, submissions
from samechild.sql.among import among
from samechild.sql.columns import Moment

TABLES = sa.MetaData(info={"database": "content"})

csc_teams = sa.Table(
    "csc_teams",
    TABLES,
    sa.Column("owner", sa.Text, primary_key=True, comment="organisation whose row this is"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="which worker is in which team, as the council said"),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False, comment="opaque id of the person"),
    info={"owned": True},
)

GRADES = ("error", "query", "info")
"""Worst first."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which problems are asked for; what is left empty does not matter.

    ``state`` is ``open``, ``new`` (found since ``since``), ``old`` (open, found before), ``fixed`` (gone since
    ``since``) or ``all`` (open, and gone since).
    """

    state: str = "open"
    rule: str = ""
    grade: str = ""
    workers: tuple[str, ...] | None = None  # tokens
    before: datetime | None = None  # found before
    record_keys: tuple[str, ...] | None = None
    since: datetime | None = None


def _conditions(owner: str, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    issues, open_now = csc_issues.c, csc_issues.c.until.is_(None)
    found: list[sa.ColumnElement[bool]] = [issues.owner == owner]
    if wanted.state == "fixed":
        found.append(issues.until >= wanted.since if wanted.since else issues.until.is_not(None))
    elif wanted.state == "all":
        found.append(sa.or_(open_now, issues.until >= wanted.since) if wanted.since else sa.true())
    else:
        found.append(open_now)
    if wanted.state == "new" and wanted.since:
        found.append(issues.since >= wanted.since)
    if wanted.state == "old" and wanted.since:
        found.append(issues.since < wanted.since)
    if wanted.rule:
        found.append(issues.rule == wanted.rule)
    if wanted.grade:
        found.append(issues.grade == wanted.grade)
    if wanted.workers is not None:
        found.append(issues.worker.in_(list(wanted.workers)))
    if wanted.before is not None:
        found.append(issues.since < wanted.before)
    if wanted.record_keys is not None:
        found.append(issues.record_key.in_(list(wanted.record_keys)))
    return found


_BY_GRADE = sa.case({grade: at for at, grade in enumerate(GRADES)}, value=csc_issues.c.grade, else_=len(GRADES))
_IN_ORDER = (_BY_GRADE, csc_issues.c.rule, csc_issues.c.since.desc(), csc_issues.c.record_key, csc_issues.c.place)


def problems(connection: sa.Connection, owner: str, wanted: Wanted, skip: int, many: int) -> list[sa.Row[Any]]:
    """Problems of a council's children: the worst first, then by rule, the newest first."""
    asked = sa.select(csc_issues).where(*_conditions(owner, wanted)).order_by(*_IN_ORDER)
    return list(connection.execute(asked.offset(skip).limit(many)))


def problems_after(connection: sa.Connection, owner: str, after: tuple[str, ...], many: int) -> list[sa.Row[Any]]:
    """Open problems in the order of their keys, after one of them (child, rule, place): for a machine that pages."""
    key = (csc_issues.c.record_key, csc_issues.c.rule, csc_issues.c.place)
    asked = sa.select(csc_issues).where(csc_issues.c.owner == owner, csc_issues.c.until.is_(None))
    if after:
        asked = asked.where(sa.tuple_(*key) > sa.tuple_(*(sa.literal(part) for part in after)))
    return list(connection.execute(asked.order_by(*key).limit(many)))


def how_many(connection: sa.Connection, owner: str, wanted: Wanted) -> tuple[int, int]:
    """How many problems, of how many children."""
    children = sa.func.count(sa.distinct(csc_issues.c.record_key))
    asked = sa.select(sa.func.count(), children).where(*_conditions(owner, wanted))
    row = connection.execute(asked).one()
    return int(row[0]), int(row[1])


def rules_found(connection: sa.Connection, owner: str) -> list[str]:
    """The codes of the rules that ever found something in what is held."""
    asked = sa.select(csc_issues.c.rule).where(csc_issues.c.owner == owner).distinct().order_by(csc_issues.c.rule)
    return list(connection.execute(asked).scalars())


def by_rule(connection: sa.Connection, owner: str, new: datetime, fixed: datetime) -> list[sa.Row[Any]]:
    """How many problems of each rule and grade are open, of how many children, are new, were fixed; the oldest one."""
    issues, open_now = csc_issues.c, csc_issues.c.until.is_(None)

    def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((condition, 1), else_=0))

    asked = (
        sa.select(
            issues.rule,
            issues.grade,
            count(open_now).label("open"),
            sa.func.count(sa.distinct(sa.case((open_now, issues.record_key)))).label("children"),
            count(sa.and_(open_now, issues.since >= new)).label("new"),
            count(issues.until >= fixed).label("fixed"),
            sa.func.min(sa.case((open_now, issues.since)), type_=Moment).label("oldest"),
        )
        .where(issues.owner == owner, sa.or_(open_now, issues.until >= fixed))
        .group_by(issues.rule, issues.grade)
    )
    return list(connection.execute(asked.order_by(_BY_GRADE, sa.desc("open"), issues.rule)))


def by_worker(connection: sa.Connection, owner: str) -> list[sa.Row[Any]]:
    """How many open problems stand with each worker (by token), of how many children, and one of these children."""
    return _grouped(connection, owner, csc_issues.c.worker)


def by_child(connection: sa.Connection, owner: str, skip: int, many: int) -> list[sa.Row[Any]]:
    """How many open problems each child has, those with most errors first."""
    return _grouped(connection, owner, csc_issues.c.record_key, skip, many)


def _grouped(
    connection: sa.Connection, owner: str, by: sa.Column[Any], skip: int = 0, many: int | None = None
) -> list[sa.Row[Any]]:
    issues = csc_issues.c
    errors = sa.func.sum(sa.case((issues.grade == "error", 1), else_=0)).label("errors")
    queries = sa.func.sum(sa.case((issues.grade == "query", 1), else_=0)).label("queries")
    asked = (
        sa.select(
            by.label("name"),
            errors,
            queries,
            sa.func.count(sa.distinct(issues.record_key)).label("children"),
            sa.func.min(issues.record_key).label("one"),
            sa.func.min(issues.since, type_=Moment).label("oldest"),
        )
        .where(issues.owner == owner, issues.until.is_(None))
        .group_by(by)
        .order_by(errors.desc(), queries.desc(), by)
    )
    return list(connection.execute(asked.offset(skip).limit(many) if many is not None else asked))


def opened_and_closed(connection: sa.Connection, owner: str, since: datetime) -> tuple[int, dict[str, tuple[int, int]]]:
    """Errors open before a moment, and how many were found and were gone on each day from then on."""
    issues = csc_issues.c
    mine = sa.and_(issues.owner == owner, issues.grade == "error")
    still_open = sa.or_(issues.until.is_(None), issues.until >= since)
    before = sa.select(sa.func.count()).where(mine, issues.since < since, still_open)
    days: dict[str, list[int]] = {}
    for at, column in enumerate((issues.since, issues.until)):
        asked = sa.select(_day_of(column), sa.func.count()).where(mine, column >= since).group_by("on_day")
        for name, number in connection.execute(asked):
            days.setdefault(name, [0, 0])[at] += number
    return int(connection.scalar(before) or 0), {day: (found, gone) for day, (found, gone) in sorted(days.items())}


def _day_of(moment: sa.Column[Any]) -> sa.Label[str]:
    """The day of a moment, as text."""
    return sa.func.substr(sa.type_coerce(moment, sa.Text), 1, 10).label("on_day")


# --- what was sent ----------------------------------------------------------------------------------------------------


def sent_by_day(connection: sa.Connection, owner: str, since: str) -> list[sa.Row[Any]]:
    """What came on each day: requests, records, how many said something new, how many were refused, and the last."""
    sent = submissions.c
    kept = sent.state != "refused"

    def total(column: sa.ColumnElement[Any], which: sa.ColumnElement[bool] = kept) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(sa.func.sum(sa.case((which, column), else_=0)), 0)

    asked = (
        sa.select(
            sent.received_on.label("day"),
            total(sa.literal(1)).label("requests"),
            total(sent.records - sent.refused).label("records"),
            total(sent.changed).label("changed"),
            total(sent.unchanged).label("unchanged"),
            total(sent.refused, sa.true()).label("refused"),
            total(sa.literal(1), sa.or_(sent.status >= 400, sent.refused > 0)).label("with_refusals"),
            sa.func.max(sent.received_at, type_=Moment).label("last"),
        )
        .where(sent.owner == owner, sent.received_on >= since)
        .group_by(sent.received_on)
    )
    return list(connection.execute(asked.order_by(sent.received_on)))


def with_refusals(connection: sa.Connection, owner: str, since: str, many: int) -> list[sa.Row[Any]]:
    """Requests of which something was not taken, the newest first."""
    sent = submissions.c
    refused = sa.or_(sent.refused > 0, sent.status >= 400)
    asked = sa.select(submissions).where(sent.owner == owner, sent.received_on >= since, refused)
    return list(connection.execute(asked.order_by(sent.number.desc()).limit(many)))


def of_request(connection: sa.Connection, owner: str, request: str) -> list[sa.Row[Any]]:
    """What came under one request id."""
    asked = sa.select(submissions).where(submissions.c.owner == owner, submissions.c.request == request)
    return list(connection.execute(asked.order_by(submissions.c.number)))


def last_sent(connection: sa.Connection, owner: str) -> datetime | None:
    """When something was last taken."""
    asked = sa.select(sa.func.max(submissions.c.received_at, type_=Moment)).where(
        submissions.c.owner == owner, submissions.c.state != "refused"
    )
    found: datetime | None = connection.scalar(asked)
    return found


def waiting(connection: sa.Connection, owner: str) -> int:
    """How many requests are not worked off yet."""
    asked = sa.select(sa.func.count()).where(submissions.c.owner == owner, submissions.c.state == "received")
    return int(connection.scalar(asked) or 0)


# --- whom we hold -----------------------------------------------------------------------------------------------------

_HELD = sa.not_(csc_children.c.token.startswith("purged:", autoescape=True))


def held(connection: sa.Connection, owner: str) -> int:
    """How many children are held."""
    asked = sa.select(sa.func.count()).where(csc_children.c.owner == owner, _HELD)
    return int(connection.scalar(asked) or 0)


def held_tokens(connection: sa.Connection, owner: str) -> dict[str, str]:
    """The children held: opaque key by token of the authority's own id."""
    asked = sa.select(csc_children.c.token, csc_children.c.record_key).where(csc_children.c.owner == owner, _HELD)
    return {row.token: row.record_key for row in connection.execute(asked)}


def held_before(connection: sa.Connection, owner: str, before: datetime) -> int:
    """How many of the children held had come before a moment."""
    mine = sa.and_(csc_children.c.owner == owner, _HELD)
    asked = sa.select(sa.func.count()).where(mine, csc_children.c.received_at < before)
    return int(connection.scalar(asked) or 0)


def not_seen_since(connection: sa.Connection, owner: str, since: datetime, skip: int, many: int) -> list[sa.Row[Any]]:
    """Children held who were last sent before a moment, those longest not sent first."""
    asked = sa.select(csc_children.c.record_key, csc_children.c.seen_at, csc_children.c.received_at)
    asked = asked.where(csc_children.c.owner == owner, _HELD, csc_children.c.seen_at < since)
    asked = asked.order_by(csc_children.c.seen_at, csc_children.c.record_key)
    return list(connection.execute(asked.offset(skip).limit(many)))


def last_seen(connection: sa.Connection, owner: str, since: datetime) -> list[tuple[str, int]]:
    """How many children who were last sent before a moment were last sent on which day."""
    asked = sa.select(_day_of(csc_children.c.seen_at), sa.func.count())
    asked = asked.where(csc_children.c.owner == owner, _HELD, csc_children.c.seen_at < since)
    return [(name, number) for name, number in connection.execute(asked.group_by("on_day").order_by("on_day"))]


def seen(connection: sa.Connection, owner: str, record_keys: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """When some children were first and last received, and last said something new."""
    asked = sa.select(csc_children).where(
        csc_children.c.owner == owner, among(csc_children.c.record_key, record_keys), _HELD
    )
    return {row.record_key: row for row in connection.execute(asked)}


def checked_on(connection: sa.Connection, owner: str, record_key: str) -> str:
    """The day on which the rules last looked at a child; empty when they have not."""
    asked = sa.select(csc_states.c.checked_on).where(csc_states.c.owner == owner, csc_states.c.record_key == record_key)
    return str(connection.scalar(asked) or "")


# --- teams ------------------------------------------------------------------------------------------------------------


def teams(connection: sa.Connection, owner: str) -> sa.Row[Any] | None:
    """The council's list of workers and teams, sealed."""
    return connection.execute(sa.select(csc_teams).where(csc_teams.c.owner == owner)).first()


def keep_teams(connection: sa.Connection, owner: str, sealed: bytes, by: str, now: datetime) -> None:
    """Keep a list of workers and teams in the place of the one before; an empty one is only dropped."""
    connection.execute(csc_teams.delete().where(csc_teams.c.owner == owner))
    if sealed:
        connection.execute(csc_teams.insert().values(owner=owner, sealed=sealed, changed_at=now, changed_by=by))
