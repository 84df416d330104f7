"""The clocks of the law: months, working days and hours, counted as the Information Commissioner counts them.

A month from a day ends on the same day of the next month, or on its last day when there is none; when that is a weekend
or a bank holiday, on the next working day. Days are days in the United Kingdom, whatever the server's clock says.

Sources: UK GDPR Articles 12(3), 12A and 33(1); ICO, *Time limits for responding to data protection rights requests*;
Banking and Financial Dealings Act 1971 Schedule 1 (bank holidays in England and Wales).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

SATURDAY = 5

PROCLAIMED = frozenset({date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)})
"""Bank holidays by proclamation, once only."""

MOVED = {date(2020, 5, 4): date(2020, 5, 8), date(2022, 5, 30): date(2022, 6, 2)}
"""Bank holidays that were held on another day in one year."""


def add_months(day: date, months: int) -> date:
    """The same day some months later, or the last day of that month when it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_limit(start: date, months: int = 1) -> date:
    """The last day to answer within some calendar months of a day: the next working day when it falls on none."""
    return working_day_from(add_months(start, months))


def is_working_day(day: date) -> bool:
    """Whether a day is neither at a weekend nor a bank holiday in England and Wales."""
    return day.weekday() < SATURDAY and day not in bank_holidays(day.year)


def working_day_from(day: date) -> date:
    """The day itself, or the next working day."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def add_working_days(day: date, count: int) -> date:
    """The working day that lies ``count`` working days after a day, which is itself not counted."""
    for _ in range(count):
        day = working_day_from(day + timedelta(days=1))
    return day


def end_of_day(day: date) -> datetime:
    """The moment at which a day is over in the United Kingdom, in UTC."""
    midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
    return midnight - timedelta(hours=1) if is_summer_time(midnight - timedelta(hours=1)) else midnight


def uk_day(moment: datetime) -> date:
    """Which day it is in the United Kingdom at a moment."""
    in_utc = moment.astimezone(UTC)
    return (in_utc + timedelta(hours=1)).date() if is_summer_time(in_utc) else in_utc.date()


def is_summer_time(moment: datetime) -> bool:
    """Whether British Summer Time holds: from the last Sunday of March, 01:00 UTC, to the last of October."""
    return _last_sunday(moment.year, 3) <= moment < _last_sunday(moment.year, 10)


def _last_sunday(year: int, month: int) -> datetime:
    last = date(year, month, 31)
    return datetime.combine(last - timedelta(days=(last.weekday() + 1) % 7), time(1), UTC)


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """Every bank holiday of a year in England and Wales."""
    easter = easter_sunday(year)
    first_of_may, last_of_may, last_of_august = date(year, 5, 1), date(year, 5, 31), date(year, 8, 31)
    usual = {
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        first_of_may + timedelta(days=-first_of_may.weekday() % 7),
        last_of_may - timedelta(days=last_of_may.weekday()),
        last_of_august - timedelta(days=last_of_august.weekday()),
    }
    held = {MOVED.get(day, day) for day in usual} | {day for day in PROCLAIMED if day.year == year}
    return frozenset(held | _instead(date(year, 1, 1)) | _christmas(year))


def easter_sunday(year: int) -> date:
    """Easter Sunday of a year (Gregorian calendar; Meeus, Jones and Butcher's reckoning)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def _instead(day: date) -> set[date]:
    """New Year's Day, or the Monday in its place."""
    return {day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= SATURDAY else 0)}


def _christmas(year: int) -> set[date]:
    """Christmas Day and Boxing Day; one at a weekend moves to the next day that is not the other's."""
    first = date(year, 12, 25)
    return {
        4: {first, first + timedelta(days=3)},  # Friday, and Monday for Saturday
        5: {first + timedelta(days=2), first + timedelta(days=3)},
        6: {first + timedelta(days=1), first + timedelta(days=2)},
    }.get(first.weekday(), {first, first + timedelta(days=1)})
