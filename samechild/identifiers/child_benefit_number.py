"""Child Benefit number: CHB, eight digits, two letters. It names a *claim*, so it must never be a person key.

A government report of 2016 says that each eligible child has a number of its own; the number quoted on awards is that
of a parent's or carer's claim, which brothers, sisters and twins share. Agreement on it says *same household* at best.
Families who opted out of payment hold none. No check digit is published.

Source: HMRC award notices; Department for Education, report on identifiers for children (2016).
"""

from __future__ import annotations

import re
from typing import NewType

import numpy as np
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

ChildBenefitNumber = NewType("ChildBenefitNumber", str)

FORM = Finding(
    Kind.IMPOSSIBLE,
    "child-benefit-number-form",
    "Not CHB, eight digits and two letters, so not a Child Benefit number: ask the source for it whole.",
)
FINDINGS = (OK, MISSING, FORM)

_FORM = re.compile("CHB[0-9]{8}[A-Z]{2}")


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed Child Benefit number and put its letters in upper case."""
    return text.normalise(value)


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    return (cleaned, OK) if _FORM.fullmatch(cleaned) else (None, FORM)


def _quickly(cleaned: pa.Array) -> text.Codes:
    return np.where(text.matches(cleaned, _FORM.pattern), FINDINGS.index(OK), text.UNDECIDED).astype(np.int8)


def check(value: str) -> Checked:
    """Say whether a value has the form of a Child Benefit number: the number of a claim, never of one child."""
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of Child Benefit numbers: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> ChildBenefitNumber:
    """Read one Child Benefit number, or raise :class:`samechild.errors.Invalid` without repeating it."""
    return ChildBenefitNumber(accepted(_judge(normalise(value))))


def display(number: ChildBenefitNumber) -> str:
    """Write a Child Benefit number as award notices do: CHB12345678 AB."""
    return f"{number[:-2]} {number[-2:]}"
