"""Dates of birth in any of the ways agencies write them, because one character read wrongly makes two children of one.

Read here: ISO, day/month/year with any separator, months in words, spreadsheet serial numbers (1900 system), compact
digits, two-digit years, and parts of a date. Whether a column writes the month first is decided by its own evidence.
Nothing is too old to be a date of birth; a date more than nine months ahead is not one (an expected date of delivery
is). Dates are ISO 8601 text, in the proleptic Gregorian calendar.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

import msgspec

from samechild.demographics.letters import words_of

MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "JAN JANUARY",
            "FEB FEBRUARY",
            "MAR MARCH",
            "APR APRIL",
            "MAY",
            "JUN JUNE",
            "JUL JULY",
            "AUG AUGUST",
            "SEP SEPT SEPTEMBER",
            "OCT OCTOBER",
            "NOV NOVEMBER",
            "DEC DECEMBER",
        ],
        start=1,
    )
    for name in names.split()
}
_TIME = re.compile(
    r"(?<=\d)[T ]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:AM|PM)?\s*(?:Z|UTC|GMT|BST|[+-]\d{2}:?\d{2})?$"
)
_WORD = re.compile(r"\b(?:MON|TUES?|WED(?:NES)?|THU(?:RS?)?|FRI|SAT(?:UR)?|SUN)(?:DAY)?\b|\b(?:EDD|DUE|DOB|BORN|OF)\b")
_ORDINAL = re.compile(r"(?<=\d)(?:ST|ND|RD|TH)\b")
_SPLIT = re.compile(r"[\s/.\-,_:\\–—]+")
_UNKNOWN_PART = re.compile(r"^(?:\?+|X+|-+|0+|NK|UNK|D+|M+)$")
_SERIAL = re.compile(r"^(\d{5})(?:\.\d+)?$")
_BLANK = words_of("UNKNOWN NK N/K N/A NA NONE NULL NAN NAT TBC TBA ? - .") | {
    "NOT KNOWN", "NOT STATED", "NOT RECORDED", "NOT GIVEN", "DATE UNKNOWN",
}  # fmt: skip

ALWAYS_SENTINEL = frozenset(("9999-12-31", "9999-01-01", "9999-09-09", "2099-12-31", "1899-12-30", "1899-12-31"))
"""Dates that software writes when it has none, whatever the column."""
USUALLY_SENTINEL = frozenset(
    ("1753-01-01", "1900-01-01", "1800-01-01", "1801-01-01", "1901-01-01", "1970-01-01", "1900-12-31")
)
"""Dates that are defaults in a file about people alive today, and dates of birth in a historical one."""

_SERIAL_START = date(1899, 12, 30)
_LIFETIME = 115


class DateReading(msgspec.Struct, frozen=True):
    """How the dates of one source are to be read: decided once from the whole column by :func:`reading_from`."""

    today: date
    month_first: bool = False
    historical: bool = False


class DateRead(msgspec.Struct, frozen=True):
    """What one date field says: ISO ``date`` when whole, else what is known of ``month`` (YYYY-MM) and ``year``."""

    date: str | None = None
    swapped: str | None = None
    month: str | None = None
    year: str | None = None
    problem: str | None = None


NOTHING = DateRead()


def read_date(value: str, reading: DateReading) -> DateRead:
    """Read one date of birth: "3/1/2010", "2010-01-03T00:00:00", "3 Jan 2010", "40181" and "20100103" are all 3
    January 2010.

    A part of a date ("2010", "Jan 2010", "??/05/2010") gives ``month`` or ``year`` only, and so does a day that the
    calendar has not (31 February 2010 is in 2010-02). ``problem`` is one of
    date-unreadable, date-impossible, date-ambiguous, date-future, date-default, date-partial, date-other-order.
    Day before month unless ``reading.month_first``; a value that is only a date the other way round is read that way,
    with date-other-order. Two-digit years are the latest that is not more than nine months ahead.
    """
    text = _TIME.sub("", value.strip().strip("'\"=").upper())
    if not text or text in _BLANK:
        return NOTHING
    if text.isdigit() or _SERIAL.match(text):
        return _from_digits(text, reading)
    parts = _SPLIT.split(_ORDINAL.sub("", _WORD.sub(" ", text)).strip(" ,./-"))
    if text[0] in "/-.":
        parts = ["?", *parts] if len(parts) < 3 else parts
    parts = [part for part in parts if part]
    if len(parts) == 2:
        return _from_two(parts, reading)
    if len(parts) == 3:
        return _from_three(parts, reading)
    if len(parts) == 1:
        if parts[0].isdigit():
            return _from_digits(parts[0], reading)
        return _from_glued(parts[0], reading)
    return DateRead(problem="date-unreadable")


def _from_glued(text: str, reading: DateReading) -> DateRead:
    """03JAN2010 and the like."""
    found = re.fullmatch(r"(\d{1,2})([A-Z]{3,9})(\d{2}|\d{4})", text)
    return _from_three(list(found.groups()), reading) if found else DateRead(problem="date-unreadable")


def _from_digits(text: str, reading: DateReading) -> DateRead:
    """Digits alone: a year, a spreadsheet serial number, or a compact date (a time after it is left out)."""
    if len(text) == 4:
        return _partial(text, None, reading)
    serial = _SERIAL.match(text)
    if serial:
        return _whole(_SERIAL_START + timedelta(days=int(serial[1])), reading)
    if len(text) in (12, 14):
        text = text[:8]
    if len(text) == 8:
        year_first = _make(text[:4], text[4:6], text[6:])
        day_first = _make(text[4:], text[2:4], text[:2]) or _make(text[4:], text[:2], text[2:4])
        if year_first and int(text[:4]) >= 1800:
            return _whole(year_first, reading)
        if text[4:6] == "00" or text[6:] == "00":
            return _partial(text[:4], text[4:6], reading)
        return _whole(day_first, reading) if day_first else DateRead(problem="date-impossible")
    if len(text) == 6:
        month = text[4:] if 1 <= int(text[4:]) <= 12 and 1900 <= int(text[:4]) <= reading.today.year + 1 else None
        day_first = _make(_century(text[4:], text[2:4], text[:2], reading), text[2:4], text[:2])
        if month and day_first:
            return DateRead(problem="date-ambiguous")
        if month:
            return _partial(text[:4], month, reading)
        return _whole(day_first, reading) if day_first else DateRead(problem="date-impossible")
    return DateRead(problem="date-unreadable" if len(text) < 5 else "date-impossible")


def _from_two(parts: list[str], reading: DateReading) -> DateRead:
    """A month and a year in either order: 2010-01, 01/2010, Jan 2010."""
    first, second = parts
    if len(second) == 4 and second.isdigit():
        return _partial(second, first, reading)
    if len(first) == 4 and first.isdigit():
        return _partial(first, second, reading)
    if first in MONTHS and second.isdigit() and len(second) == 2:
        return _partial(_century(second, str(MONTHS[first]), "1", reading), first, reading)
    return DateRead(problem="date-unreadable")


def _from_three(parts: list[str], reading: DateReading) -> DateRead:
    first, second, third = parts
    if first in MONTHS:  # January 3, 2010
        first, second = second, first
    if len(first) == 4 and (first.isdigit() or third in MONTHS):
        year, month, day = first, second, third
        named = month in MONTHS
        if month.isdigit() and day in MONTHS:
            month, day, named = day, month, True
    else:
        day, month, year = first, second, third
        named = month in MONTHS
        if reading.month_first and not named:
            day, month = month, day
    if not year.isdigit() or len(year) not in (2, 4):
        return DateRead(problem="date-unreadable")
    if _UNKNOWN_PART.match(day) or _UNKNOWN_PART.match(month):
        return _partial(_full_year(year, month, "1", reading), None if _UNKNOWN_PART.match(month) else month, reading)
    if not day.isdigit() or not (named or month.isdigit()):
        return DateRead(problem="date-unreadable")
    if named:
        month = str(MONTHS[month])
    made = _make(_full_year(year, month, day, reading), month, day)
    if made:
        return _whole(made, reading)
    other = None if named else _make(_full_year(year, day, month, reading), day, month)
    if other:
        read = _whole(other, reading)
        return read if read.problem else msgspec.structs.replace(read, problem="date-other-order")
    known = _partial(_full_year(year, "1", "1", reading), month if _make("2000", month, "1") else None, reading)
    return msgspec.structs.replace(known, problem="date-impossible")


def _full_year(year: str, month: str, day: str, reading: DateReading) -> str:
    return _century(year, month, day, reading) if len(year) == 2 else year


def _century(year: str, month: str, day: str, reading: DateReading) -> str:
    """The four digits of a two-digit year: the latest that is not more than nine months ahead of today."""
    near = reading.today.year - reading.today.year % 100 + int(year)
    made = _make(str(near), MONTHS.get(month, month), day) or _make(str(near), "1", "1")
    if made and made > latest_birth(reading.today):
        near -= 100
    elif near + 100 <= latest_birth(reading.today).year:
        near += 100
    return str(near)


def _make(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@lru_cache(maxsize=64)
def latest_birth(today: date) -> date:
    """The last day on which a child now expected may be born: nine months after ``today``."""
    month = today.month + 9
    year, month = today.year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(today.day, 28))


def _whole(made: date | None, reading: DateReading) -> DateRead:
    if made is None:
        return DateRead(problem="date-impossible")
    text = made.isoformat()
    if text in ALWAYS_SENTINEL or (text in USUALLY_SENTINEL and not reading.historical):
        return DateRead(problem="date-default")
    if made > latest_birth(reading.today):
        return DateRead(problem="date-future")
    if made.year < 100:
        return DateRead(problem="date-impossible")
    return DateRead(date=text, swapped=swapped(text), month=text[:7], year=text[:4])


def _partial(year: str, month: str | None, reading: DateReading) -> DateRead:
    """What is known of a date without its day."""
    number = int(year)
    if number == 0 or number == 9999 or (number in (1800, 1900) and not reading.historical):
        return DateRead(problem="date-default")
    if number < 100:
        return DateRead(problem="date-impossible")
    if number > latest_birth(reading.today).year:
        return DateRead(problem="date-future")
    if month is None or _UNKNOWN_PART.match(month):
        return DateRead(year=year, problem="date-partial")
    name = MONTHS.get(month) or (int(month) if month.isdigit() else 0)
    if not 1 <= name <= 12:
        return DateRead(problem="date-impossible" if month.isdigit() else "date-unreadable")
    return DateRead(month=f"{year}-{name:02d}", year=year, problem="date-partial")


def swapped(iso: str) -> str | None:
    """The ISO date with day and month exchanged, when that is another date: 2010-01-03 is 2010-03-01."""
    year, month, day = iso[:4], iso[5:7], iso[8:10]
    return f"{year}-{day}-{month}" if day <= "12" and day != month else None


_NUMERIC = re.compile(r"^\s*(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4}|\d{2})\b")
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")


def signs(value: str, today: date) -> tuple[int, int, int, int]:
    """What one value tells about its column, each 0 or 1: first part over 12; second over 12; an old year; any year."""
    found = _NUMERIC.match(value)
    year = _YEAR.search(value)
    dated = year is not None and year[1] not in ("1900", "1800", "9999", "1899", "1753", "1901", "1801", "0000", "0001")
    old = dated and year is not None and int(year[1]) < today.year - _LIFETIME
    return int(bool(found and int(found[1]) > 12)), int(bool(found and int(found[2]) > 12)), int(old), int(dated)


def reading_from(over_first: int, over_second: int, old: int, dated: int, *, today: date) -> DateReading:
    """Decide how a source writes its dates, from the number of its rows that have each of the :func:`signs`.

    Month first when second parts over 12 occur and first parts over 12 are at most one in twenty of them; historical
    when more than one in fifty of the years are longer ago than a lifetime.
    """
    return DateReading(today, over_second > 0 and over_first * 20 <= over_second, old * 50 > dated)


def how_written(values: list[str], today: date) -> DateReading:
    """Decide from all the values of one source's column how its dates are written."""
    told = [signs(value, today) for value in values]
    return reading_from(*(sum(column) for column in zip(*told, strict=True)) if told else (0, 0, 0, 0), today=today)
