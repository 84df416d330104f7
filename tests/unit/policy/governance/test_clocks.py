"""Months, working days and hours as the law counts them, at the ends of months and years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.policy.clocks import (
    add_months,
    add_working_days,
    bank_holidays,
    easter_sunday,
    end_of_day,
    is_working_day,
    month_limit,
    uk_day,
    working_day_from,
)

DAYS = st.dates(date(2018, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-03-31", 1, "2026-04-30"),
        ("2026-02-28", 1, "2026-03-28"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-10-15", 14, "2027-12-15"),
        ("2026-03-31", -1, "2026-02-28"),
    ],
)
def test_months(start: str, months: int, end: str) -> None:
    assert add_months(date.fromisoformat(start), months) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("start", "limit"),
    [
        ("2026-09-03", "2026-10-05"),  # 3 October 2026 is a Saturday
        ("2026-11-25", "2026-12-29"),  # Christmas Day, then Boxing Day's Monday
        ("2026-03-03", "2026-04-07"),  # Good Friday to Easter Monday
        ("2027-11-30", "2027-12-30"),
        ("2026-12-01", "2027-01-04"),  # New Year's Day, then a weekend
    ],
)
def test_the_limit_of_a_month_falls_on_a_working_day(start: str, limit: str) -> None:
    assert month_limit(date.fromisoformat(start)) == date.fromisoformat(limit)


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"),
        (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
        (2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"),
        (2023, "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"),
        (2024, "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"),
        (2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
    ],
)
def test_bank_holidays_of_known_years(year: int, days: str) -> None:
    assert sorted(bank_holidays(year)) == [date.fromisoformat(f"{year}-{day}") for day in days.split()]


@given(DAYS, st.integers(0, 20))
def test_working_days_are_counted_one_by_one(day: date, count: int) -> None:
    end = add_working_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(is_working_day(each) for each in between) == count
    assert count == 0 or is_working_day(end)


@given(DAYS)
def test_the_next_working_day_is_near_and_is_one(day: date) -> None:
    found = working_day_from(day)
    assert is_working_day(found)
    assert day <= found <= day + timedelta(days=6)


@given(DAYS)
def test_there_are_eight_bank_holidays_on_working_weekdays(day: date) -> None:
    assert len(bank_holidays(day.year)) >= 8
    assert all(holiday.weekday() < 5 for holiday in bank_holidays(day.year))


@given(DAYS)
def test_a_day_ends_where_the_next_begins(day: date) -> None:
    end = end_of_day(day)
    assert uk_day(end) == day + timedelta(days=1)
    assert uk_day(end - timedelta(microseconds=1)) == day


def test_summer_time_is_told_by_its_last_sundays() -> None:
    assert uk_day(datetime(2026, 3, 28, 23, 30, tzinfo=UTC)) == date(2026, 3, 28)
    assert uk_day(datetime(2026, 3, 29, 23, 30, tzinfo=UTC)) == date(2026, 3, 30)
    assert uk_day(datetime(2026, 10, 24, 23, 30, tzinfo=UTC)) == date(2026, 10, 25)
    assert uk_day(datetime(2026, 10, 25, 23, 30, tzinfo=UTC)) == date(2026, 10, 25)


def test_easter() -> None:
    assert [easter_sunday(year) for year in (1961, 2000, 2024, 2025, 2038)] == [
        date(1961, 4, 2),
        date(2000, 4, 23),
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2038, 4, 25),
    ]
