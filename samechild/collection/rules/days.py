"""Days as the rules count them: ages, birthdays, working days in England and the history window.

A person reaches an age at the beginning of the birthday (Family Law Reform Act 1969, section 9); somebody born on 29
February reaches it on 1 March in a year without that day. A working day is Monday to Friday except bank holidays in
England (``data/bank_holidays.csv``, 2022 to 2027; earlier and later years count weekdays only).
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from datetime import date, timedelta
from functools import cache
from importlib.resources import files


@cache
def bank_holidays() -> tuple[date, ...]:
    """The bank holidays in England, in order; all fall on weekdays."""
    text = (files("samechild.collection") / "data" / "bank_holidays.csv").read_text(encoding="utf-8")
    return tuple(sorted(date.fromisoformat(row["date"]) for row in csv.DictReader(text.splitlines())))


def is_working_day(day: date) -> bool:
    """Whether a day is a working day in England."""
    return day.weekday() < 5 and day not in bank_holidays()


def working_days(first: date, last: date) -> int:
    """How many working days lie after ``first``, up to and including ``last``; 0 when ``last`` is not later.

    The day something starts is day 0, as timeliness is counted in the children in need census.
    """
    if last <= first:
        return 0
    weeks, rest = divmod((last - first).days, 7)
    start = first.weekday()
    weekdays = weeks * 5 + sum(1 for step in range(1, rest + 1) if (start + step) % 7 < 5)
    holidays = bank_holidays()
    return weekdays - (bisect_right(holidays, last) - bisect_right(holidays, first))


def birthday(born: date, years: int) -> date:
    """The day somebody reaches an age; for ever, when the calendar does not know it."""
    if born.year + years > date.max.year:
        return date.max
    try:
        return born.replace(year=born.year + years)
    except ValueError:  # 29 February
        return date(born.year + years, 3, 1)


def age_on(born: date, day: date) -> int:
    """How old somebody is on a day, in whole years; negative before birth."""
    years = day.year - born.year
    return years - 1 if birthday(born, years) > day else years


def days_between(first: date, last: date) -> int:
    """Days from one to the other; negative when the second is the earlier."""
    return (last - first).days


def window_start(today: date, months: int = 24) -> date:
    """The first day of the history window: so many months back, then back to 1 April."""
    years, short = divmod(today.month - 1 - months, 12)
    year, month = today.year + years, short + 1
    return date(year if month >= 4 else year - 1, 4, 1)


def collection_year(day: date) -> int:
    """The collection year a day falls in, by the year in which it begins: 1 April 2026 to 31 March 2027 is 2026."""
    return day.year if day.month >= 4 else day.year - 1


def last_31(month: int, day: date) -> date:
    """The last 31st of a month (3: March, 8: August) on or before a day."""
    this_year = date(day.year, month, 31)
    return this_year if this_year <= day else date(day.year - 1, month, 31)


def is_school_age(born: date, day: date) -> bool:
    """Whether a child is of compulsory school age on a day (Education Act 1996, section 8).

    It begins with the term after the fifth birthday (prescribed days 31 August, 31 December and 31 March) and ends on
    the last Friday of June of the school year in which the child turns 16.
    """
    if born > day:
        return False
    fifth = birthday(born, 5)
    prescribed = (date(fifth.year, 3, 31), date(fifth.year, 8, 31), date(fifth.year, 12, 31))
    begins = next(each for each in prescribed if each >= fifth)
    sixteenth = birthday(born, 16)
    year = sixteenth.year if sixteenth.month < 9 else sixteenth.year + 1
    last_of_june = date(year, 6, 30)
    ends = last_of_june - timedelta(days=(last_of_june.weekday() - 4) % 7)
    return begins < day <= ends
