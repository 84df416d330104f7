"""Putting the facts of one question together from what was read: involvement, marks, approvals. Pure.

What is read is rows about opaque records; what comes out is :class:`samechild.policy.records.Facts`. Several records of
one child count as one child: a mark on any of them counts, and involvement with any of them is involvement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from samechild.policy.agreements import between
from samechild.policy.records import Consent, Involvement, OfChild
from samechild.records.disclosure import Ask
from samechild.sql.columns import moment

APPROVAL_HOLDS = timedelta(hours=24)
"""An approval is for this question, today."""

_CLOSENESS = list(Involvement)


class Row(Protocol):
    """One row of :func:`samechild.policy.store.about_children`."""

    what: str
    record_key: str
    name: str
    person: str
    organisation: str
    team: str
    extra: str
    since: str | None
    until: str | None


class Seen(msgspec.Struct, frozen=True):
    """What the rows say: the policy's version, the child's facts by record, who approved."""

    head: int
    of_record: dict[str, OfChild]
    approvals: tuple[str, ...]


def read_rows(rows: Iterable[Any], ask: Ask, teams: frozenset[str]) -> Seen:
    """Read the rows about some records as ``ask`` needs them; ``teams`` are those the asker is a member of."""
    head = 0
    found: dict[str, dict[str, Any]] = {key: {} for key in ask.scope.record_keys}
    approvals: list[str] = []
    for row in rows:
        if row.what == "head":
            head = int(row.extra)
        elif row.what == "approval":
            if ask.now - APPROVAL_HOLDS < moment(row.since) <= ask.now:
                approvals.append(row.person)
        elif row.what == "mark":
            if _now(row, ask.now):
                found[row.record_key][_MARKS[row.name]] = True
        else:
            _take_relationship(found[row.record_key], row, ask, teams)
    return Seen(head, {key: OfChild(**values) for key, values in found.items()}, tuple(approvals))


_MARKS = {"shielded": "shielded", "sealed-identity": "sealed_identity", "opted-out": "opted_out"}


def _now(row: Row, now: datetime) -> bool:
    return between(now, moment(row.since or ""), moment(row.until) if row.until else None)


def _take_relationship(values: dict[str, Any], row: Row, ask: Ask, teams: frozenset[str]) -> None:
    if row.name in ("own-family", "oneself"):
        if row.person == ask.who.user:
            values[row.name.replace("-", "_")] = True
        return
    theirs = row.person == ask.who.user or (bool(row.team) and row.team in teams)
    if row.organisation != ask.who.organisation:
        return
    if not _now(row, ask.now):
        past = theirs and moment(row.since or "") <= ask.now
        found = Involvement.PAST if past else Involvement.NONE
    else:
        found = Involvement.CURRENT if theirs else Involvement.ORGANISATION
    values["involvement"] = closer(values.get("involvement", Involvement.NONE), found)


def closer(one: Involvement, other: Involvement) -> Involvement:
    """The closer of two involvements."""
    return max(one, other, key=_CLOSENESS.index)


def together(records: Iterable[OfChild]) -> OfChild:
    """The facts of a child of whom several records are asked for: whatever protects counts from any of them.

    Consent is the exception that shows why: it must stand for every record, so the most cautious state is taken.
    """
    them = list(records)
    if len(them) == 1:
        return them[0]
    if not them:
        return OfChild()
    closest = Involvement.NONE
    for each in them:
        closest = closer(closest, each.involvement)
    return OfChild(
        involvement=closest,
        consent=min((each.consent for each in them), key=_CAUTION.index),
        notice=all(each.notice for each in them),
        override=all(each.override for each in them),
        harm_suspected=any(each.harm_suspected for each in them),
        oneself=any(each.oneself for each in them),
        own_family=any(each.own_family for each in them),
        shielded=any(each.shielded for each in them),
        sealed_identity=any(each.sealed_identity for each in them),
        opted_out=any(each.opted_out for each in them),
    )


_CAUTION = [
    Consent.REFUSED,
    Consent.WITHDRAWN,
    Consent.INVALIDATED,
    Consent.EXPIRED,
    Consent.NOT_ASKED,
    Consent.REASON_RECORDED,
    Consent.IMPLIED,
    Consent.GIVEN,
]
"""The states of consent, the most cautious first."""
