"""Community Health Index number: the ten digits by which health services in Scotland know one person.

It begins with a date of birth (day, month, two-digit year), so it is refused when no such day exists. Modulus 11
numbers are running out for some dates; since 2026 a number may carry a modulus 10 check digit instead, and either is
accepted. The date and the sex shown by the ninth digit are what was believed at allocation: a difference from the
record is a question about data quality, never proof of a wrong person. Bodies outside health hold it only as a second
identifier when dealing with a health body. No range is promised unissued, so nothing is called synthetic.

Source: Public Health Scotland, CHI number in the SMR data dictionary, and ``phsmethods`` for the modulus 10 scheme.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import NewType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.check_digits import is_digits, is_repeated, remainder_11, weigh_ten
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

ChiNumber = NewType("ChiNumber", str)

FORM = Finding(Kind.IMPOSSIBLE, "chi-number-form", "Not ten digits, so not a CHI number: ask the source for it whole.")
DATE = Finding(
    Kind.IMPOSSIBLE, "chi-number-date", "Its first six digits are no date, so it is not a CHI number: ask the source."
)
CHECK_DIGIT = Finding(
    Kind.IMPOSSIBLE,
    "chi-number-check-digit",
    "The check digit is wrong, so a digit was mistyped: ask the source to look again; it is never mended by guessing.",
)
REPEATED = Finding(
    Kind.SENTINEL, "chi-number-repeated-digit", "One digit repeated fills a box and names nobody: leave it blank."
)
ELEVENS = Finding(
    Kind.REVIEW,
    "chi-number-elevens",
    "Nearly always keyboard filler, though it could be a CHI number of 11 November: a person must look; not used here.",
)
LOST_ZERO = Finding(
    Kind.REVIEW,
    "chi-number-lost-zero",
    "Nine digits that would be right with a nought in front, which spreadsheets drop: confirm it; not used here.",
)
FINDINGS = (OK, MISSING, FORM, DATE, CHECK_DIGIT, REPEATED, ELEVENS, LOST_ZERO)

_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], dtype=np.int64)  # twice a digit, its own digits added


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed CHI number; nothing else is changed."""
    return text.normalise(value)


def _is_date(digits: str) -> bool:
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    for century in (1900, 2000):
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False


def _passes_modulus_10(digits: str) -> bool:
    doubled = (2 * int(digit) if place % 2 == 0 else int(digit) for place, digit in enumerate(digits))
    return sum(part - 9 if part > 9 else part for part in doubled) % 10 == 0


def is_chi(digits: str) -> bool:
    """Say whether ten digits make a CHI number: a real date in front and a check digit right by either scheme."""
    return _is_date(digits) and (remainder_11(digits) == 0 or _passes_modulus_10(digits))


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if is_digits(cleaned, 9) and is_chi("0" + cleaned):
        return None, LOST_ZERO
    if not is_digits(cleaned, 10):
        return None, FORM
    if is_repeated(cleaned):
        return None, ELEVENS if cleaned[0] == "1" else REPEATED
    if not _is_date(cleaned):
        return None, DATE
    return (cleaned, OK) if is_chi(cleaned) else (None, CHECK_DIGIT)


@cache
def _days() -> npt.NDArray[np.bool_]:
    """Table of the six-digit numbers that are a day of 1900 to 2099 written DDMMYY."""
    day = np.arange("1900-01-01", "2100-01-01", dtype="datetime64[D]")
    month = day.astype("datetime64[M]")
    of_month = (day - month.astype("datetime64[D]")).astype(np.int64) + 1
    of_year = month.astype(np.int64) % 12 + 1
    year = (month.astype("datetime64[Y]").astype(np.int64) + 1970) % 100  # numpy counts years from 1970
    table = np.zeros(10**6, dtype=np.bool_)
    table[of_month * 10000 + of_year * 100 + year] = True
    return table


def _quickly(cleaned: pa.Array) -> text.Codes:
    codes = np.full(len(cleaned), text.UNDECIDED, dtype=np.int8)
    where, rows = text.matrix(cleaned, 10)
    remainders, numbers = weigh_ten(rows)
    dated = _days()[np.maximum(numbers, 0) // 10000]
    digits = np.minimum(rows - np.uint8(48), 9)
    modulus_10 = (_DOUBLED[digits[:, 0::2]].sum(axis=1) + digits[:, 1::2].sum(axis=1)) % 10 == 0
    right = (remainders == 0) | modulus_10
    found = np.where(right, FINDINGS.index(OK), FINDINGS.index(CHECK_DIGIT))
    found = np.where(dated, found, FINDINGS.index(DATE))
    codes[where] = np.where((numbers >= 0) & (numbers % 1111111111 != 0), found, text.UNDECIDED)
    return codes


def check(value: str) -> Checked:
    """Say whether a value is a CHI number that can be used, and if not, what is wrong and what to do.

    1111111111 and a number that lost its leading nought are :attr:`Kind.REVIEW`: not used, shown to a person.
    """
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of CHI numbers: the same answers as :func:`check`."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> ChiNumber:
    """Read one CHI number, or raise :class:`samechild.errors.Invalid` saying what is wrong without repeating it."""
    return ChiNumber(accepted(_judge(normalise(value))))
