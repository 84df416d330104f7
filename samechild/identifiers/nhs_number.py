"""NHS number: the ten digits by which health services in England, Wales and the Isle of Man know one person.

A right check digit is not enough. All ten repeated digits pass it, among them 0000000000 and 9999999999, which tracing
services return for *no match* and *many matches*; so do numbers of Scotland, Northern Ireland and Ireland, which share
the arithmetic and differ by range. A wrong number is refused and never mended, since the nearest right number may be
the other twin's. Numbers beginning with 9 are never issued to people: they are synthetic, and count in matching
exactly as issued ones do.

Source: NHS Data Model and Dictionary, NHS NUMBER and NHS NUMBER STATUS INDICATOR CODE; Children Act 2004 s. 16LC for
its use as a consistent identifier.
"""

from __future__ import annotations

from typing import Any, NewType

import numpy as np
import pyarrow as pa

from samechild.identifiers import chi_number, text
from samechild.identifiers.check_digits import as_column, is_digits, is_repeated, nth_of_eleven, remainder_11, weigh_ten
from samechild.identifiers.kinds import (
    MISSING,
    OK,
    SYNTHETIC,
    Checked,
    CheckedMany,
    Finding,
    Judged,
    Kind,
    accepted,
    checked,
    serials_within,
)

NhsNumber = NewType("NhsNumber", str)

FORM = Finding(
    Kind.IMPOSSIBLE, "nhs-number-form", "Not ten digits, so not an NHS number: ask the source for the whole number."
)
CHECK_DIGIT = Finding(
    Kind.IMPOSSIBLE,
    "nhs-number-check-digit",
    "The check digit is wrong, so a digit was mistyped: ask the source to look again; it is never mended by guessing.",
)
RANGE = Finding(
    Kind.IMPOSSIBLE,
    "nhs-number-range",
    "No NHS number has been issued in this range: ask the source where the number came from.",
)
NO_MATCH = Finding(
    Kind.SENTINEL,
    "nhs-number-no-match",
    "Reserved by tracing services to mean that no match was found: trace again, or leave it blank.",
)
MANY_MATCHES = Finding(
    Kind.SENTINEL,
    "nhs-number-many-matches",
    "Reserved by tracing services to mean several matches: trace again with more details, or leave it blank.",
)
REPEATED = Finding(
    Kind.SENTINEL, "nhs-number-repeated-digit", "One digit repeated fills a box and names nobody: leave it blank."
)
IS_CHI = Finding(
    Kind.ELSEWHERE,
    "nhs-number-is-chi",
    "A Community Health Index number (Scotland), not an NHS number: move it to its own column.",
    "chi_number",
)
IS_HC = Finding(
    Kind.ELSEWHERE,
    "nhs-number-is-hc",
    "A Health and Care number (Northern Ireland), not an NHS number: move it to its own column.",
    "hc_number",
)
IS_IRISH = Finding(
    Kind.ELSEWHERE,
    "nhs-number-is-irish",
    "In the range of Ireland's individual health identifier, not an NHS number: keep it with other identifiers.",
    "other_id",
)
LIKE_ULN = Finding(
    Kind.ELSEWHERE,
    "nhs-number-like-uln",
    "Not an NHS number, but its check digit is right for a Unique Learner Number: see whether columns were exchanged. "
    "One mistyped NHS number in about eleven looks like this too.",
    "uln",
)
FINDINGS: tuple[Finding, ...] = (OK, SYNTHETIC, MISSING, FORM, CHECK_DIGIT, RANGE, NO_MATCH, MANY_MATCHES, REPEATED)
FINDINGS += (IS_CHI, IS_HC, IS_IRISH, LIKE_ULN)

SYNTHETIC_COUNT = 9 * (10**7 - 1)
"""How many synthetic numbers :func:`from_serial` can make: nine of every ten prefixes from 9000000000 upwards."""

FIRST_FIXTURE_SERIAL = 9 * 99 * 10**5
"""The serial of the first number beginning with 999, the range for small fixtures."""

STATUS_MEANINGS: dict[str, str] = {
    "01": "present and verified",
    "02": "present but not traced",
    "03": "trace required",
    "04": "trace attempted, no match or multiple match",
    "05": "trace needs to be resolved (number or detail conflict)",
    "06": "trace in progress",
    "07": "not present and trace not required",
    "08": "trace postponed (baby under six weeks old)",
}
"""NHS number status indicator codes. Some data sets do not allow 08."""


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed NHS number; nothing else is changed."""
    return text.normalise(value)


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if not is_digits(cleaned, 10):
        return None, FORM
    if is_repeated(cleaned):
        return None, {"0": NO_MATCH, "9": MANY_MATCHES}.get(cleaned[0], REPEATED)
    if chi_number.is_chi(cleaned):
        return None, IS_CHI
    remainder = remainder_11(cleaned)
    if remainder:
        return None, LIKE_ULN if remainder == 10 and cleaned[0] != "0" else CHECK_DIGIT
    if cleaned[0] in "467":
        return cleaned, OK
    if cleaned[0] == "9":
        return cleaned, SYNTHETIC
    if "3200000010" <= cleaned <= "3999999999":
        return None, IS_HC
    return None, IS_IRISH if "80" <= cleaned[:2] <= "85" else RANGE


def _quickly(cleaned: pa.Array) -> text.Codes:
    codes = np.full(len(cleaned), text.UNDECIDED, dtype=np.int8)
    where, rows = text.matrix(cleaned, 10)
    remainders, numbers = weigh_ten(rows)
    first = numbers // 10**9
    by_first = np.full(10, text.UNDECIDED, dtype=np.int8)
    by_first[[4, 6, 7]], by_first[9] = FINDINGS.index(OK), FINDINGS.index(SYNTHETIC)
    wrong = np.where(remainders == 10, FINDINGS.index(LIKE_ULN), FINDINGS.index(CHECK_DIGIT))
    # Below 4 lie the numbers of Scotland and Northern Ireland, and what is not digits: left to the careful rule.
    plain = (first >= 4) & (numbers % 1111111111 != 0)
    codes[where] = np.where(plain, np.where(remainders == 0, by_first[first], wrong), text.UNDECIDED)
    return codes


def check(value: str) -> Checked:
    """Say whether a value is an NHS number that can be used, and if not, what is wrong and what to do.

    The canonical form is ten digits without spaces. Blank is :attr:`Kind.MISSING` and no problem. Numbers beginning
    4, 6 or 7 are issued, 9 synthetic; numbers of Scotland, Northern Ireland and Ireland, the two reserved values and
    repeated digits are refused although their arithmetic is right.
    """
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of NHS numbers: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> NhsNumber:
    """Read one NHS number, or raise :class:`samechild.errors.Invalid` saying what is wrong without repeating it."""
    return NhsNumber(accepted(_judge(normalise(value))))


def display(number: NhsNumber) -> str:
    """Write an NHS number as people read it, in groups of three, three and four digits."""
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def synthetic_many(serials: Any) -> pa.Array:
    """Make never-issued NHS numbers, a different one for each serial from 0 to ``SYNTHETIC_COUNT`` - 1.

    ``serials``: whole numbers (numpy array). Returns a pa.string array. Neighbouring serials give neighbouring
    numbers, as twins registered together have. Serials from ``FIRST_FIXTURE_SERIAL`` give numbers beginning 999.
    """
    return as_column(nth_of_eleven(serials_within(serials, SYNTHETIC_COUNT), 9000000000, 0))


def from_serial(serial: int) -> NhsNumber:
    """Make one never-issued NHS number; see :func:`synthetic_many`."""
    return NhsNumber(synthetic_many(np.array([serial]))[0].as_py())
