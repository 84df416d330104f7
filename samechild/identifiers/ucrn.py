"""Unique Citizen Reference Number: the value by which public bodies in Scotland know a person.

It is meant to say nothing about the person, and no form or check digit is published, so any value of letters and
digits up to :data:`LONGEST` characters is taken as it is. A mistyped one cannot be noticed.

Source: National Records of Scotland, NHS Central Register.
"""

from __future__ import annotations

import re
from typing import NewType

import numpy as np
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.check_digits import REPEATED_DIGIT, is_filler
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

Ucrn = NewType("Ucrn", str)

LONGEST = 32
"""Most characters taken: our own bound against free text in the wrong column, not a published length."""

FORM = Finding(
    Kind.IMPOSSIBLE, "ucrn-form", f"Not one run of at most {LONGEST} letters and digits: ask the source for it whole."
)
FILLER = Finding(
    Kind.SENTINEL, "ucrn-repeated-digit", "One digit repeated fills a box and names nobody: leave it blank."
)
FINDINGS = (OK, MISSING, FORM, FILLER)

_FORM = re.compile(f"[A-Z0-9]{{1,{LONGEST}}}")


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed reference and put its letters in upper case; nothing else is changed."""
    return text.normalise(value)


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if not _FORM.fullmatch(cleaned):
        return None, FORM
    return (None, FILLER) if is_filler(cleaned) else (cleaned, OK)


def _quickly(cleaned: pa.Array) -> text.Codes:
    right = text.matches(cleaned, _FORM.pattern) & ~text.matches(cleaned, REPEATED_DIGIT)
    return np.where(right, FINDINGS.index(OK), text.UNDECIDED).astype(np.int8)


def check(value: str) -> Checked:
    """Say whether a value can be a Unique Citizen Reference Number; only its length and characters can be judged."""
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of references: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> Ucrn:
    """Read one reference, or raise :class:`samechild.errors.Invalid` saying what is wrong without repeating it."""
    return Ucrn(accepted(_judge(normalise(value))))
