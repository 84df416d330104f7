"""Health and Care number: the ten digits by which health and social care in Northern Ireland know one person.

It shares the arithmetic and often the column of the NHS number and is told apart by its range, 3200000010 to
3999999999. No range is promised unissued, so nothing is called synthetic.

Source: Health and Social Care Northern Ireland; ranges as in the NHS Data Model and Dictionary.
"""

from __future__ import annotations

from typing import NewType

import numpy as np
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.check_digits import is_digits, is_repeated, remainder_11, weigh_ten
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

HcNumber = NewType("HcNumber", str)

FIRST, LAST = 3200000010, 3999999999

FORM = Finding(
    Kind.IMPOSSIBLE, "hc-number-form", "Not ten digits, so not a Health and Care number: ask the source for it whole."
)
CHECK_DIGIT = Finding(
    Kind.IMPOSSIBLE,
    "hc-number-check-digit",
    "The check digit is wrong, so a digit was mistyped: ask the source to look again; it is never mended by guessing.",
)
RANGE = Finding(
    Kind.IMPOSSIBLE,
    "hc-number-range",
    "Not in the range of Health and Care numbers (Northern Ireland): see whether it belongs in another column.",
)
LIKE_NHS = Finding(
    Kind.ELSEWHERE,
    "hc-number-is-nhs-number",
    "In the range of NHS numbers, not of Health and Care numbers: move it to the NHS number's column.",
    "nhs_number",
)
REPEATED = Finding(
    Kind.SENTINEL, "hc-number-repeated-digit", "One digit repeated fills a box and names nobody: leave it blank."
)
FINDINGS = (OK, MISSING, FORM, CHECK_DIGIT, RANGE, LIKE_NHS, REPEATED)


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed Health and Care number; nothing else is changed."""
    return text.normalise(value)


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if not is_digits(cleaned, 10):
        return None, FORM
    if is_repeated(cleaned):
        return None, REPEATED
    if remainder_11(cleaned):
        return None, CHECK_DIGIT
    if FIRST <= int(cleaned) <= LAST:
        return cleaned, OK
    return None, LIKE_NHS if cleaned[0] in "4679" else RANGE


def _quickly(cleaned: pa.Array) -> text.Codes:
    codes = np.full(len(cleaned), text.UNDECIDED, dtype=np.int8)
    where, rows = text.matrix(cleaned, 10)
    remainders, numbers = weigh_ten(rows)
    right = (remainders == 0) & (numbers >= FIRST) & (numbers <= LAST) & (numbers != 3333333333)
    codes[where] = np.where(right, FINDINGS.index(OK), text.UNDECIDED)
    return codes


def check(value: str) -> Checked:
    """Say whether a value is a Health and Care number that can be used, and if not, what is wrong and what to do."""
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of Health and Care numbers: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> HcNumber:
    """Read one Health and Care number, or raise :class:`samechild.errors.Invalid` without repeating it."""
    return HcNumber(accepted(_judge(normalise(value))))
