"""National Insurance number: two letters, six digits and a letter, allocated at about sixteen.

On a younger child's record it usually belongs to a parent or to a trust fund account. There is no check digit, so a
mistyped number is not noticed; only prefixes that are never used can be refused. The last letter says nothing about the
person: two numbers are compared by :func:`person_part`, the first eight characters.

Source: HMRC, National Insurance Manual NIM39110.
"""

from __future__ import annotations

import re
from typing import NewType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.identifiers import text
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

Nino = NewType("Nino", str)

FORM = Finding(
    Kind.IMPOSSIBLE,
    "nino-form",
    "Not two letters, six digits and a letter A to D, so not a National Insurance number: ask the source for it whole.",
)
PREFIX = Finding(
    Kind.IMPOSSIBLE,
    "nino-prefix",
    "Its first two letters are never used for people, so it is not a National Insurance number: ask the source.",
)
TEMPORARY = Finding(
    Kind.IMPOSSIBLE,
    "nino-temporary",
    "A temporary reference, not a National Insurance number: ask the source whether a number has come since.",
)
NO_SUFFIX = Finding(
    Kind.REVIEW, "nino-no-suffix", "Right but for its missing last letter: ask the source for it whole; not used here."
)
FINDINGS = (OK, MISSING, FORM, PREFIX, TEMPORARY, NO_SUFFIX)

_PREFIX = "[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]"
_NEVER_USED = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
_TEMPORARY = re.compile(r"TN[0-9]{6}[MF]|[0-9]{2}[A-Z][0-9]{5}")


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed National Insurance number and put its letters in upper case."""
    return text.normalise(value)


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if _TEMPORARY.fullmatch(cleaned):
        return None, TEMPORARY
    if not re.fullmatch("[A-Z]{2}[0-9]{6}[A-D]?", cleaned):
        return None, FORM
    if cleaned[:2] in _NEVER_USED or not re.fullmatch(_PREFIX, cleaned[:2]):
        return None, PREFIX
    return (cleaned, OK) if len(cleaned) == 9 else (None, NO_SUFFIX)


def _quickly(cleaned: pa.Array) -> text.Codes:
    right = text.matches(cleaned, f"{_PREFIX}[0-9]{{6}}[A-D]")
    right &= ~text.matches(cleaned, f"(?:{'|'.join(_NEVER_USED)}).*")
    return np.where(right, FINDINGS.index(OK), text.UNDECIDED).astype(np.int8)


def check(value: str) -> Checked:
    """Say whether a value is a National Insurance number that can be used, and if not, what is wrong and what to do."""
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of National Insurance numbers: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> Nino:
    """Read one National Insurance number, or raise :class:`samechild.errors.Invalid` without repeating it."""
    return Nino(accepted(_judge(normalise(value))))


def person_part(nino: Nino) -> str:
    """Give the eight characters that tell people apart: all but the last letter."""
    return nino[:8]


def person_parts(ninos: pa.Array) -> pa.Array:
    """Give the person part of every canonical number of a pa.string array; null where there is none."""
    return pc.utf8_slice_codeunits(ninos, 0, 8)


def display(nino: Nino) -> str:
    """Write a National Insurance number as people read it: AA 99 99 99 A."""
    return f"{nino[:2]} {nino[2:4]} {nino[4:6]} {nino[6:8]} {nino[8:]}"
