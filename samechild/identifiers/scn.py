"""Scottish Candidate Number: nine digits that Scottish schools hold for a pupil from the first year of primary school.

The first two digits are the year of issue, the next six are arbitrary, the last is a check digit: weights 3, 2, 7, 6,
5, 4, 3, 2 and modulus 11, a result of 10 never being used. This rule is the one the Higher Education Statistics Agency
publishes for universities that collect the number; no statement of it by the issuer, the Scottish Qualifications
Authority, was found. Were a school's numbers refused in bulk, doubt the rule before the school. Numbers of 2000 to
2009 begin with a nought that spreadsheets drop. No range is published as never issued.

Source: HESA student record (collection 07051 and later), field SCN.
"""

from __future__ import annotations

from typing import NewType

import numpy as np
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.check_digits import is_digits, is_repeated
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

Scn = NewType("Scn", str)

WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2, 1)

FORM = Finding(
    Kind.IMPOSSIBLE, "scn-form", "Not nine digits, so not a Scottish Candidate Number: ask the school for it whole."
)
CHECK_DIGIT = Finding(
    Kind.IMPOSSIBLE,
    "scn-check-digit",
    "The check digit is wrong, so a digit was mistyped: ask the school to look again; it is never mended by guessing.",
)
REPEATED = Finding(
    Kind.SENTINEL, "scn-repeated-digit", "One digit repeated fills a box and names nobody: leave it blank."
)
LOST_ZERO = Finding(
    Kind.REVIEW,
    "scn-lost-zero",
    "Eight digits that would be right with a nought in front, which spreadsheets drop: confirm it; not used here.",
)
FINDINGS = (OK, MISSING, FORM, CHECK_DIGIT, REPEATED, LOST_ZERO)


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed Scottish Candidate Number; nothing else is changed."""
    return text.normalise(value)


def _is_right(digits: str) -> bool:
    return sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits, strict=True)) % 11 == 0


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if is_digits(cleaned, 8) and not is_repeated(cleaned) and _is_right("0" + cleaned):
        return None, LOST_ZERO
    if not is_digits(cleaned, 9):
        return None, FORM
    if is_repeated(cleaned):
        return None, REPEATED
    return (cleaned, OK) if _is_right(cleaned) else (None, CHECK_DIGIT)


def _quickly(cleaned: pa.Array) -> text.Codes:
    codes = np.full(len(cleaned), text.UNDECIDED, dtype=np.int8)
    where, rows = text.matrix(cleaned, 9)
    digits = rows - np.uint8(48)
    right = (digits.max(axis=1, initial=0) <= 9) & (digits.astype(np.int64) @ np.array(WEIGHTS) % 11 == 0)
    right &= (digits[:, 1:] != digits[:, :1]).any(axis=1)
    codes[where] = np.where(right, FINDINGS.index(OK), text.UNDECIDED)
    return codes


def check(value: str) -> Checked:
    """Say whether a value is a Scottish Candidate Number that can be used, and if not, what is wrong and what to do.

    A number that lost its leading nought is :attr:`Kind.REVIEW`: not used, shown to a person.
    """
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of Scottish Candidate Numbers: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> Scn:
    """Read one Scottish Candidate Number, or raise :class:`samechild.errors.Invalid` without repeating it."""
    return Scn(accepted(_judge(normalise(value))))
