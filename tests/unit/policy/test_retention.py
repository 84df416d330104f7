"""Retention: what has run out, what a person must look at, and what nobody may destroy."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid
from samechild.policy.retention.periods import (
    Act,
    Because,
    Facts,
    Hold,
    HoldKind,
    Review,
    Trigger,
    anniversary,
    due,
    ends_on,
    read_schedule,
    schedule,
)
from samechild.records.types import record_types

T = Trigger


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def facts(retention: str, **dates: str | None) -> Facts:
    read = {Trigger(name.replace("_", "-")): day(text) for name, text in dates.items()}
    return Facts(owner="council", record_key="r1", retention=retention, dates=read)


def with_more(known: Facts, **more: Any) -> Facts:
    import msgspec

    return msgspec.structs.replace(known, **more)


def a_hold(**given: Any) -> Hold:
    usual = {"id": "h1", "owner": "council", "kind": HoldKind.INQUIRY, "reference": "INQ-1", "placed_by": "u1"}
    return Hold(**{**usual, "placed_at": at("2020-01-01"), **given})


def a_review(**given: Any) -> Review:
    usual = {"owner": "council", "record_key": "r1", "retention": "x", "reason": "still-open", "decided_by": "u1"}
    return Review(**{**usual, "decided_at": at("2020-01-01"), "dispose": False, **given})


def acts(known: Facts, now: str) -> list[tuple[Act, Because, date | None]]:
    return [(line.act, line.because, line.due_on) for line in due(schedule(), [known], at(now))]


def test_every_record_type_has_a_retention_class() -> None:
    assert {declared.retention for declared in record_types().values()} <= schedule().keys()


def test_every_class_names_its_source() -> None:
    for kept in schedule().values():
        assert len(kept.source) > 20
        assert kept.statutory == ("Regulations" in kept.source)
        assert kept.statutory or kept.disposal is Act.REVIEW, "a local choice is never carried out unseen"


ENDS = [
    # class, dates, when it has run out
    ("looked-after child", {"birth": "2000-05-10"}, "2075-05-10"),
    ("looked-after child", {"birth": "2000-02-29"}, "2075-03-01"),
    ("looked-after child", {"birth": "2000-05-10", "death": "2018-05-09"}, "2033-05-09"),
    ("looked-after child", {"birth": "2000-05-10", "death": "2018-05-10"}, "2075-05-10"),
    ("looked-after child", {"birth": "2000-02-29", "death": "2018-02-28"}, "2033-02-28"),
    ("looked-after child", {"birth": "2000-05-10", "death": "2016-02-29"}, "2031-03-01"),
    ("adoption", {"birth": "2000-05-10", "order": "2004-02-29"}, "2104-02-29"),
    ("adoption", {"birth": "1999-05-10", "order": "2000-02-29"}, "2100-03-01"),
    ("adoption", {"birth": "2000-05-10"}, None),
    ("approved foster carer", {"closed": "2010-01-31"}, "2020-01-31"),
    ("foster carer not approved", {"closed": "2010-01-31"}, "2013-01-31"),
    ("child protection", {"birth": "2000-01-01", "last_contact": "2010-01-31"}, "2045-01-31"),
    ("child in need", {"birth": "2000-05-10", "closed": "2010-01-31"}, "2021-05-10"),
    ("child in need", {"birth": "2000-05-10", "closed": "2018-01-31"}, "2024-01-31"),
    ("child in need", {"birth": "2000-05-10"}, None),
    ("education", {"birth": "2000-05-10"}, "2025-05-10"),
    ("health", {"birth": "2000-05-10", "closed": "2010-05-10"}, "2025-05-10"),
    ("health", {"birth": "2000-05-10", "closed": "2017-05-09"}, "2025-05-10"),
    ("health", {"birth": "2000-05-10", "closed": "2017-05-10"}, "2026-05-10"),
    ("health", {"birth": "2000-05-10", "closed": "2018-05-09"}, "2026-05-10"),
    ("health", {"birth": "2000-05-10", "closed": "2018-05-10"}, "2025-05-10"),
    ("health", {"birth": "2000-05-10"}, None),
    ("justice", {"birth": "2000-05-10", "closed": "2020-05-10"}, "2026-05-10"),
    ("housing", {"closed": "2020-02-29"}, "2026-03-01"),
    ("research", {"closed": "2020-02-29"}, "2020-02-29"),
    ("allegation against a person who works with children", {"birth": "1960-01-01"}, "2060-01-01"),
]


@pytest.mark.parametrize(("retention", "dates", "ends"), ENDS)
def test_periods_end_when_their_source_says(retention: str, dates: dict[str, str], ends: str | None) -> None:
    known = facts(retention, **dates)
    assert ends_on(schedule()[retention], known.dates) == day(ends)
    if ends is None:
        assert acts(known, "2190-01-01") == []
        return
    last_day = date.fromisoformat(ends) - timedelta(days=1)
    assert acts(known, last_day.isoformat()) == []
    assert acts(known, ends) == [(schedule()[retention].disposal, Because.PERIOD_ENDED, day(ends))]


@pytest.mark.parametrize(
    ("retention", "dates"),
    [
        ("looked-after child", {}),
        ("looked-after child", {"birth": None}),
        ("looked-after child", {"birth": "2000-01-01", "death": None}),
        ("looked-after child", {"birth": None, "death": "2010-01-01"}),
        ("looked-after child", {"death": "2010-01-01"}),
        ("adoption", {"order": None}),
        ("child in need", {"birth": "2000-01-01", "closed": None}),
        ("child in need", {"closed": "2001-01-01"}),
        ("health", {"birth": "2000-01-01", "closed": None}),
        ("health", {"closed": "2000-01-01"}),
        ("education", {"birth": "9990-01-01"}),
    ],
)
def test_what_is_not_known_is_reviewed_and_never_disposed_of(retention: str, dates: dict[str, str | None]) -> None:
    assert acts(facts(retention, **dates), "2200-01-01") == [(Act.REVIEW, Because.DATE_UNKNOWN, None)]


def test_an_unknown_class_is_reviewed() -> None:
    (line,) = due(schedule(), [facts("something new", birth="1900-01-01")], at("2026-01-01"))
    assert (line.act, line.because, line.source) == (Act.REVIEW, Because.CLASS_UNKNOWN, "")


def test_identity_is_never_disposed_of_alone() -> None:
    assert acts(facts("as the record it belongs to", birth="1900-01-01"), "2200-01-01") == []


@pytest.mark.parametrize(
    ("hold", "holds"),
    [
        (a_hold(), True),
        (a_hold(record_key="r1"), True),
        (a_hold(retention="looked-after child"), True),
        (a_hold(record_key="r1", retention="looked-after child"), True),
        (a_hold(record_key="r2"), False),
        (a_hold(retention="education"), False),
        (a_hold(owner="school"), False),
        (a_hold(lifted_by="u2", lifted_at=at("2021-01-01")), False),
    ],
)
def test_a_hold_suspends_disposal(hold: Hold, holds: bool) -> None:
    known = with_more(facts("looked-after child", birth="1920-01-01"), holds=(hold,))
    assert [act for act, *_ in acts(known, "2026-01-01")] == [Act.HELD if holds else Act.DISPOSE]


def test_a_hold_outranks_a_decision_to_destroy() -> None:
    known = with_more(facts("education", birth="1990-01-01"), review=a_review(dispose=True), holds=(a_hold(),))
    assert [act for act, *_ in acts(known, "2026-01-01")] == [Act.HELD]


def test_an_officers_decision_is_obeyed() -> None:
    known = facts("education", birth="1990-01-01")
    assert [act for act, *_ in acts(known, "2026-01-01")] == [Act.REVIEW]
    destroy = with_more(known, review=a_review(dispose=True))
    assert [act for act, *_ in acts(destroy, "2026-01-01")] == [Act.DISPOSE]
    keep = with_more(known, review=a_review(keep_until=date(2026, 6, 1)))
    assert acts(keep, "2026-05-31") == []
    assert [act for act, *_ in acts(keep, "2026-06-01")] == [Act.REVIEW]
    assert [act for act, *_ in acts(with_more(known, review=a_review()), "2026-01-01")] == [Act.REVIEW]


def test_a_decision_to_keep_delays_even_what_a_regulation_lets_go() -> None:
    known = with_more(facts("looked-after child", birth="1920-01-01"), review=a_review(keep_until=date(2030, 1, 1)))
    assert acts(known, "2026-01-01") == []


def test_a_decision_to_destroy_does_not_count_before_the_period_ends() -> None:
    known = with_more(facts("looked-after child", birth="2000-01-01"), review=a_review(dispose=True))
    assert acts(known, "2074-12-31") == []


def test_the_list_is_in_order() -> None:
    known = [
        with_more(facts("education", birth="1990-01-01"), record_key="b"),
        with_more(facts("education", birth="1980-01-01"), record_key="c"),
        with_more(facts("education", birth="1990-01-01"), record_key="a"),
        with_more(facts("education"), record_key="d"),
    ]
    assert [line.record_key for line in due(schedule(), known, at("2026-01-01"))] == ["d", "c", "a", "b"]


def test_times_elsewhere_are_read_in_utc() -> None:
    from datetime import timezone

    known = facts("education", birth="2000-05-10")
    early = datetime(2025, 5, 10, 1, tzinfo=timezone(timedelta(hours=2)))
    assert due(schedule(), [known], early) == []
    assert len(due(schedule(), [known], early + timedelta(hours=1))) == 1


@given(st.dates(), st.integers(0, 120))
def test_an_anniversary_is_never_early(start: date, years: int) -> None:
    if start.year + years > date.max.year:
        with pytest.raises(Invalid):
            anniversary(start, years)
        return
    on = anniversary(start, years)
    assert on.year == start.year + years
    assert (on.month, on.day) == (start.month, start.day) or (
        (start.month, start.day, on.month, on.day) == (2, 29, 3, 1) and on - timedelta(days=1) == date(on.year, 2, 28)
    )


DATES = st.dictionaries(st.sampled_from(Trigger), st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)))


@given(st.sampled_from(sorted(schedule())), DATES, st.datetimes(timezones=st.just(UTC)), st.data())
def test_knowing_less_never_destroys_more(
    retention: str, dates: dict[Trigger, date | None], now: datetime, data: st.DataObject
) -> None:
    known = Facts(owner="council", record_key="r1", retention=retention, dates=dates)
    forgotten = {name: data.draw(st.sampled_from([value, None])) for name, value in dates.items()}
    less = with_more(known, dates=forgotten)
    destroyed = [line for line in due(schedule(), [less], now) if line.act is Act.DISPOSE]
    if destroyed:
        assert due(schedule(), [known], now) == destroyed


GOOD = '[[class]]\nname = "x"\nsource = "s"\nstatutory = false\nafter = [{ from = "birth", years = 1 }]\n'


def test_an_organisation_may_have_a_schedule_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "schedule.toml"
    path.write_text(GOOD, encoding="utf-8")
    own = read_schedule(path)
    assert [line.due_on for line in due(own, [facts("x", birth="2000-01-01")], at("2002-01-01"))] == [date(2001, 1, 1)]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[[class]]",
        "nonsense",
        b"\xff\xfe",
        GOOD + GOOD,
        GOOD.replace("birth", "beginning"),
        GOOD.replace("years = 1", "years = -1"),
        GOOD.replace("years = 1", 'years = "1"'),
        GOOD.replace("years = 1", "years = 1, aged = 17"),
        GOOD.replace("years = 1", "years = 1, aged = -1"),
        GOOD.replace("years = 1", "yeras = 1"),
        GOOD + "follows = true\n",
        GOOD.replace("after", "#"),
        GOOD + 'disposal = "held"\n',
        GOOD + 'disposal = "burn"\n',
    ],
)
def test_a_schedule_that_cannot_be_obeyed_is_refused(tmp_path: Path, bad: str | bytes) -> None:
    path = tmp_path / "schedule.toml"
    path.write_bytes(bad.encode() if isinstance(bad, str) else bad)
    with pytest.raises(Invalid):
        read_schedule(path)


def test_a_schedule_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_schedule(tmp_path / "none.toml")
