"""Ages, working days and school age against plain counting."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.collection.rules.days import (
    age_on,
    bank_holidays,
    birthday,
    collection_year,
    is_school_age,
    is_working_day,
    last_31,
    window_start,
    working_days,
)
from samechild.collection.rules.spans import overlap, overlapping

DAYS = st.dates(date(2021, 1, 1), date(2028, 12, 31))


@given(DAYS, st.integers(-5, 400))
def test_working_days_are_those_one_counts(first: date, after: int) -> None:
    last = first + timedelta(days=after)
    counted = sum(is_working_day(first + timedelta(days=step)) for step in range(1, after + 1))
    assert working_days(first, last) == counted


def test_easter_is_no_working_time() -> None:
    assert working_days(date(2026, 4, 2), date(2026, 4, 7)) == 1
    assert not is_working_day(date(2026, 12, 28)), "Boxing Day is on a Saturday"
    assert all(day.weekday() < 5 for day in bank_holidays())


@given(st.dates(date(1996, 1, 1), date(2026, 1, 1)), st.integers(0, 30))
def test_an_age_is_reached_on_the_birthday(born: date, years: int) -> None:
    day = birthday(born, years)
    assert age_on(born, day) == years
    assert age_on(born, day - timedelta(days=1)) == years - 1


def test_born_on_29_february() -> None:
    born = date(2008, 2, 29)
    assert birthday(born, 18) == date(2026, 3, 1)
    assert age_on(born, date(2026, 2, 28)) == 17
    assert birthday(born, 16) == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("today", "starts"),
    [
        ("2026-03-31", "2023-04-01"),
        ("2026-04-01", "2024-04-01"),
        ("2026-12-31", "2024-04-01"),
        ("2027-01-01", "2024-04-01"),
    ],
)
def test_the_window_goes_24_months_back_and_then_to_1_april(today: str, starts: str) -> None:
    assert window_start(date.fromisoformat(today)) == date.fromisoformat(starts)


def test_a_longer_window() -> None:
    assert window_start(date(2026, 6, 10), 6) == date(2025, 4, 1)
    assert window_start(date(2026, 6, 10), 72) == date(2020, 4, 1)


def test_collection_years_begin_in_april() -> None:
    assert (collection_year(date(2026, 3, 31)), collection_year(date(2026, 4, 1))) == (2025, 2026)


def test_the_last_31_august() -> None:
    assert last_31(8, date(2026, 8, 30)) == date(2025, 8, 31)
    assert last_31(8, date(2026, 8, 31)) == date(2026, 8, 31)


@pytest.mark.parametrize(
    ("born", "first_day"),
    [
        ("2021-03-31", "2026-04-01"),
        ("2021-04-01", "2026-09-01"),
        ("2021-08-31", "2026-09-01"),
        ("2021-09-01", "2027-01-01"),
    ],
)
def test_compulsory_school_age_begins_after_the_prescribed_day(born: str, first_day: str) -> None:
    day = date.fromisoformat(first_day)
    assert is_school_age(date.fromisoformat(born), day)
    assert not is_school_age(date.fromisoformat(born), day - timedelta(days=1))


@pytest.mark.parametrize(("born", "last_day"), [("2010-08-31", "2026-06-26"), ("2010-09-01", "2027-06-25")])
def test_compulsory_school_age_ends_on_the_last_friday_of_june(born: str, last_day: str) -> None:
    day = date.fromisoformat(last_day)
    assert is_school_age(date.fromisoformat(born), day)
    assert not is_school_age(date.fromisoformat(born), day + timedelta(days=1))


SPANS = st.lists(
    st.tuples(st.dates(date(2026, 1, 1), date(2026, 2, 1)), st.none() | st.integers(0, 20)).map(
        lambda made: (made[0], None if made[1] is None else made[0] + timedelta(days=made[1]))
    ),
    max_size=6,
)


@given(SPANS)
def test_what_overlaps_shares_a_day(given_spans: list[tuple[date, date | None]]) -> None:
    spans = [(first, last, place) for place, (first, last) in enumerate(given_spans)]
    found = {frozenset(pair) for pair in overlapping(spans)}
    far = date(2030, 1, 1)
    days = [{first + timedelta(days=step) for step in range(((last or far) - first).days)} for first, last, _ in spans]
    for one in range(len(spans)):
        for other in range(one):
            # a period of no length shares no day, but falls within one that began before and goes on
            if days[one] and days[other]:
                assert (frozenset((one, other)) in found) == bool(days[one] & days[other])
                assert overlap(spans[one], spans[other]) == bool(days[one] & days[other])
