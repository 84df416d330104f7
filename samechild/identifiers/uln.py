"""Unique Learner Number: ten digits that follow a learner from 14 upwards in England, Wales and Northern Ireland.

It uses the weights of the NHS number and asks for another remainder (10 where the NHS number has 0), so that no value
is ever both. 9999999999 is written for a learner who has none yet.

No range is published as never issued, so a made-up number may by chance belong to somebody: use :func:`from_serial`
only beside made-up people, and nothing is called synthetic.

Source: Learning Records Service; HESA student record, field ULN (worked example of the check digit).
"""

from __future__ import annotations

from typing import Any, NewType

import numpy as np
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.check_digits import as_column, is_digits, is_repeated, nth_of_eleven, remainder_11, weigh_ten
from samechild.identifiers.kinds import (
    MISSING,
    OK,
    Checked,
    CheckedMany,
    Finding,
    Judged,
    Kind,
    accepted,
    checked,
    serials_within,
)

Uln = NewType("Uln", str)

FORM = Finding(
    Kind.IMPOSSIBLE, "uln-form", "Not ten digits with the first above nought, so not a learner number: ask the source."
)
CHECK_DIGIT = Finding(
    Kind.IMPOSSIBLE,
    "uln-check-digit",
    "The check digit is wrong, so a digit was mistyped: ask the source to look again; it is never mended by guessing.",
)
NOT_YET = Finding(
    Kind.SENTINEL, "uln-not-yet", "Reserved to mean that no learner number has been allocated yet: leave it blank."
)
REPEATED = Finding(
    Kind.SENTINEL, "uln-repeated-digit", "One digit repeated fills a box and names nobody: leave it blank."
)
LIKE_NHS = Finding(
    Kind.ELSEWHERE,
    "uln-like-nhs-number",
    "Not a learner number, but its check digit is right for an NHS number: see whether columns were exchanged. "
    "One mistyped learner number in about eleven looks like this too.",
    "nhs_number",
)
FINDINGS = (OK, MISSING, FORM, CHECK_DIGIT, NOT_YET, REPEATED, LIKE_NHS)

SYNTHETIC_COUNT = 9 * (10**7 - 1)
"""How many numbers :func:`from_serial` can make, all beginning with 9."""


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed learner number; nothing else is changed."""
    return text.normalise(value)


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if is_digits(cleaned, 10) and is_repeated(cleaned):
        return None, NOT_YET if cleaned[0] == "9" else REPEATED
    if not is_digits(cleaned, 10) or cleaned[0] == "0":
        return None, FORM
    remainder = remainder_11(cleaned)
    if remainder == 10:
        return cleaned, OK
    return None, LIKE_NHS if remainder == 0 and cleaned[0] in "4679" else CHECK_DIGIT


def _quickly(cleaned: pa.Array) -> text.Codes:
    codes = np.full(len(cleaned), text.UNDECIDED, dtype=np.int8)
    where, rows = text.matrix(cleaned, 10)
    remainders, numbers = weigh_ten(rows)
    health = (remainders == 0) & np.isin(numbers // 10**9, (4, 6, 7, 9))
    wrong = np.where(health, FINDINGS.index(LIKE_NHS), FINDINGS.index(CHECK_DIGIT))
    plain = (numbers >= 10**9) & (numbers % 1111111111 != 0)
    codes[where] = np.where(plain, np.where(remainders == 10, FINDINGS.index(OK), wrong), text.UNDECIDED)
    return codes


def check(value: str) -> Checked:
    """Say whether a value is a Unique Learner Number that can be used, and if not, what is wrong and what to do."""
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of learner numbers: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> Uln:
    """Read one learner number, or raise :class:`samechild.errors.Invalid` saying what is wrong without repeating it."""
    return Uln(accepted(_judge(normalise(value))))


def synthetic_many(serials: Any) -> pa.Array:
    """Make learner numbers for made-up people, a different one for each serial from 0 to ``SYNTHETIC_COUNT`` - 1.

    ``serials``: whole numbers (numpy array). Returns a pa.string array.
    """
    return as_column(nth_of_eleven(serials_within(serials, SYNTHETIC_COUNT), 9000000000, 10))


def from_serial(serial: int) -> Uln:
    """Make one learner number for a made-up person; see :func:`synthetic_many`."""
    return Uln(synthetic_many(np.array([serial]))[0].as_py())
