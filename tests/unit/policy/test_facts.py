"""The facts of one question, from rows: who is involved now, which marks hold, who approved today."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from asking import DAY, NOW, an_ask
from samechild.policy.facts import Seen, read_rows, together
from samechild.policy.records import Consent, Involvement, OfChild
from samechild.records.disclosure import Scope, Spread
from samechild.sql.columns import moment_text


class ARow(msgspec.Struct, kw_only=True):
    """A row as the query gives it."""

    what: str
    record_key: str = ""
    name: str = ""
    person: str = ""
    organisation: str = ""
    team: str = ""
    extra: str = ""
    since: str | None = None
    until: str | None = None


def a_row(what: str, since: datetime = NOW - DAY, until: datetime | None = None, **given: Any) -> ARow:
    """A row about record r1."""
    ends = None if until is None else moment_text(until)
    return ARow(**{"what": what, "record_key": "r1", "since": moment_text(since), "until": ends, **given})


def seen(*rows: ARow, teams: frozenset[str] = frozenset()) -> Seen:
    """What the rows say of the usual question."""
    return read_rows(rows, an_ask(), teams)


MINE: dict[str, Any] = {"name": "involved", "person": "u1", "organisation": "school"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Involvement.NONE),
        ([a_row("relationship", **MINE)], Involvement.CURRENT),
        ([a_row("relationship", until=NOW, **MINE)], Involvement.PAST),
        ([a_row("relationship", since=NOW + DAY, **MINE)], Involvement.NONE),
        ([a_row("relationship", **{**MINE, "person": "u2"})], Involvement.ORGANISATION),
        ([a_row("relationship", until=NOW, **{**MINE, "person": "u2"})], Involvement.NONE),
        ([a_row("relationship", **{**MINE, "organisation": "council"})], Involvement.NONE),
        ([a_row("relationship", **{**MINE, "person": "", "team": "t1"})], Involvement.CURRENT),
        ([a_row("relationship", **{**MINE, "person": "", "team": "t2"})], Involvement.ORGANISATION),
        ([a_row("relationship", until=NOW, **MINE), a_row("relationship", **MINE)], Involvement.CURRENT),
    ],
)
def test_involvement(rows: list[ARow], expected: Involvement) -> None:
    assert seen(*rows, teams=frozenset({"t1"})).of_record["r1"].involvement is expected


def test_family_counts_only_for_the_one_who_asks() -> None:
    own = a_row("relationship", **{**MINE, "name": "own-family"})
    other = a_row("relationship", **{**MINE, "name": "oneself", "person": "u2"})
    child = seen(own, other).of_record["r1"]
    assert (child.own_family, child.oneself, child.involvement) == (True, False, Involvement.NONE)


def test_marks_hold_between_their_dates() -> None:
    rows = [a_row("mark", name="shielded"), a_row("mark", name="opted-out", until=NOW),
            a_row("mark", name="sealed-identity", since=NOW)]  # fmt: skip
    child = seen(*rows).of_record["r1"]
    assert (child.shielded, child.opted_out, child.sealed_identity) == (True, False, True)


def test_an_approval_holds_for_a_day_and_not_before_it_was_given() -> None:
    fresh = a_row("approval", since=NOW - timedelta(hours=23), person="a")
    stale = a_row("approval", since=NOW - timedelta(hours=24), person="b")
    future = a_row("approval", since=NOW + timedelta(hours=1), person="c")
    assert seen(fresh, stale, future).approvals == ("a",)


def test_the_version_in_force_is_read_with_the_facts() -> None:
    assert seen(ARow(what="head", extra="7")).head == 7
    assert seen().head == 0


def test_of_several_records_whatever_protects_counts() -> None:
    one = OfChild(involvement=Involvement.CURRENT, consent=Consent.GIVEN, notice=True, override=True)
    two = OfChild(consent=Consent.WITHDRAWN, shielded=True, own_family=True, harm_suspected=True)
    both = together([one, two])
    assert both.involvement is Involvement.CURRENT
    assert both.consent is Consent.WITHDRAWN
    assert (both.notice, both.override) == (False, False)
    assert (both.shielded, both.own_family, both.harm_suspected) == (True, True, True)
    assert together([one]) == one
    assert together([]) == OfChild()


def test_every_record_asked_about_has_facts() -> None:
    asked = an_ask(scope=Scope(Spread.BATCH, ("r1", "r2")))
    assert set(read_rows([], asked, frozenset()).of_record) == {"r1", "r2"}
