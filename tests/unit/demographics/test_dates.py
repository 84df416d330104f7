"""How one date is read, and how a column's way of writing is found."""

from __future__ import annotations

from datetime import date

import pytest

from samechild.demographics.dates import DateReading, how_written, latest_birth, read_date, swapped

TODAY = date(2026, 11, 22)
READING = DateReading(TODAY)

THIRD_OF_JANUARY = [
    "2010-01-03", "03/01/2010", "3/1/2010", "3.1.2010", "03 01 2010", "3-1-10", "3 Jan 2010", "3rd January 2010",
    "03-JAN-10",
    "January 3, 2010", "Sunday 3 January 2010", "2010/01/03", "2010 Jan 3", "20100103", "03012010", "201001031205",
    "40181", "40181.0",
    "2010-01-03T00:00:00", "2010-01-03 00:00:00.000", "03/01/2010 12:30", "2010-01-03T00:00:00Z", "'2010-01-03'",
    " 2010-01-03 ", "03JAN2010",
    "03/01/2010 00:00:00 AM", "EDD 03/01/2010", "3/Jan/2010",
]  # fmt: skip


@pytest.mark.parametrize("written", THIRD_OF_JANUARY)
def test_one_day_however_it_is_written(written: str) -> None:
    read = read_date(written, READING)
    assert (read.date, read.swapped, read.month, read.year, read.problem) == (
        "2010-01-03",
        "2010-03-01",
        "2010-01",
        "2010",
        None,
    )


@pytest.mark.parametrize(
    ("written", "month", "year", "problem"),
    [("2010", None, "2010", "date-partial"), ("Jan 2010", "2010-01", "2010", "date-partial"), ("2010-01", "2010-01",
        "2010", "date-partial"),
     ("01/2010", "2010-01", "2010", "date-partial"), ("??/05/2010", "2010-05", "2010", "date-partial"), ("00/05/2010",
         "2010-05", "2010", "date-partial"),
     ("XX/XX/2010", None, "2010", "date-partial"), ("2010-05-00", "2010-05", "2010", "date-partial"), ("2010-00-00",
         None, "2010", "date-partial"),
     ("/05/2010", "2010-05", "2010", "date-partial"), ("203213", None, None, "date-impossible"), ("20100500",
         "2010-05", "2010", "date-partial"),
     ("31/02/2010", "2010-02", "2010", "date-impossible"), ("45/45/2010", None, "2010", "date-impossible"),
         ("32132010", None, None, "date-impossible"),
     ("201001", None, None, "date-ambiguous"), ("1900-01-01", None, None, "date-default"), ("9999-12-31", None, None,
         "date-default"),
     ("01/01/1970", None, None, "date-default"), ("1900", None, None, "date-default"), ("0", None, None,
         "date-unreadable"),
     ("2027-09-01", None, None, "date-future"), ("2040", None, None, "date-future"), ("soon", None, None,
         "date-unreadable"),
     ("1/2/3/4", None, None, "date-unreadable"), ("12:30", None, None, "date-unreadable"), ("0045-01-02", None, None,
         "date-impossible"),
     ("Unknown", None, None, None), ("", None, None, None), ("13/2010", None, None, "date-impossible"), ("x/2010",
         None, "2010", "date-partial"),
     ("foo/2010", None, None, "date-unreadable"), ("203210", None, None, "date-impossible"), ("1234567", None, None,
         "date-impossible")],
)  # fmt: skip
def test_parts_of_dates_and_no_dates(written: str, month: str | None, year: str | None, problem: str | None) -> None:
    read = read_date(written, READING)
    assert (read.date, read.month, read.year, read.problem) == (None, month, year, problem)


def test_two_digit_years_make_children_not_old_people() -> None:
    assert read_date("1/2/26", READING).date == "2026-02-01"
    assert read_date("1/2/27", READING).date == "2027-02-01"  # expected within nine months
    assert read_date("1/9/27", READING).date == "1927-09-01"
    assert read_date("1/2/99", READING).date == "1999-02-01"
    assert read_date("Jan 99", READING).month == "1999-01"


def test_expected_dates_of_birth_are_dates() -> None:
    assert latest_birth(TODAY) == date(2027, 8, 22)
    assert latest_birth(date(2026, 5, 31)) == date(2027, 2, 28)
    assert read_date("2027-08-22", READING).date == "2027-08-22"
    assert read_date("2027-08-23", READING).problem == "date-future"


def test_defaults_of_software_are_dates_of_birth_in_a_historical_file() -> None:
    old = DateReading(TODAY, historical=True)
    assert read_date("1800-01-01", old).date == "1800-01-01"
    assert read_date("1630-08-01", READING).date == "1630-08-01"
    assert read_date("2010-01-01", READING).problem is None
    assert read_date("9999-12-31", old).problem == "date-default"


def test_month_first() -> None:
    american = DateReading(TODAY, month_first=True)
    assert read_date("01/03/2010", american).date == "2010-01-03"
    assert read_date("3 Jan 2010", american).date == "2010-01-03"
    assert read_date("2010-01-03", american).date == "2010-01-03"
    other = read_date("25/03/2010", american)
    assert (other.date, other.problem) == ("2010-03-25", "date-other-order")
    assert read_date("03/25/2010", READING).problem == "date-other-order"
    assert read_date("2010-25-03", READING).date == "2010-03-25"


def test_a_column_shows_how_it_is_written() -> None:
    assert not how_written(["3/4/2010", "25/4/2010"], TODAY).month_first
    assert how_written(["3/4/2010", "4/25/2010"], TODAY).month_first
    assert not how_written(["25/4/2010", "4/25/2010"], TODAY).month_first
    assert not how_written(["3/4/2010"], TODAY).month_first
    assert not how_written([], TODAY).historical
    assert how_written(["1800-01-01", "1850-06-01"], TODAY).historical
    assert not how_written(["1900-01-01", "2010-06-01"], TODAY).historical


def test_swapped() -> None:
    assert swapped("2010-01-03") == "2010-03-01"
    assert swapped("2010-03-03") is None
    assert swapped("2010-03-13") is None
