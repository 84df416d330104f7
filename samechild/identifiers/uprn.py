"""Unique Property Reference Number: up to twelve digits that name one address in Great Britain.

The digits mean nothing and carry no check digit. Leading noughts are padding and are taken off, so that 000123 and
123 agree. A UPRN *is* an address: a protected child's is withheld as the address would be.

Source: GeoPlace; Government Digital Service, Identifying property and street information (open standard since 2020).
"""

from __future__ import annotations

from typing import Any, NewType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.identifiers import text
from samechild.identifiers.check_digits import REPEATED_DIGIT, as_column, digits_of, is_filler
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

Uprn = NewType("Uprn", str)

FORM = Finding(
    Kind.IMPOSSIBLE, "uprn-form", "Not a number of one to twelve digits, so not a property reference: ask the source."
)
FILLER = Finding(
    Kind.SENTINEL,
    "uprn-filler",
    "Noughts alone, or one digit over and over, name no property: leave it blank.",
)
FINDINGS = (OK, MISSING, FORM, FILLER)

SYNTHETIC_COUNT = 10**9
"""How many property references :func:`from_serial` can make."""


def normalise(value: str) -> str:
    """Take spaces, hyphens and leading noughts off a typed property reference; nothing else is changed."""
    cleaned = text.normalise(value)
    return cleaned.lstrip("0") or cleaned[:1]


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    number = cleaned.lstrip("0")
    if not cleaned.isascii() or not cleaned.isdigit() or len(number) > 12:
        return None, FORM
    if is_filler(number):
        return None, FILLER
    return number, OK


def _quickly(cleaned: pa.Array) -> text.Codes:
    right = text.matches(cleaned, "0*[1-9][0-9]{0,11}") & ~text.matches(cleaned, f"0*(?:{REPEATED_DIGIT})")
    return np.where(right, FINDINGS.index(OK), text.UNDECIDED).astype(np.int8)


def _canonical(cleaned: pa.Array) -> pa.Array:
    return pc.utf8_ltrim(cleaned, "0")


def check(value: str) -> Checked:
    """Say whether a value is a property reference that can be used, and if not, what is wrong and what to do."""
    return checked(_judge(text.normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of property references: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS, _canonical)


def parse(value: str) -> Uprn:
    """Read one property reference, or raise :class:`samechild.errors.Invalid` without repeating it."""
    return Uprn(accepted(_judge(text.normalise(value))))


def synthetic_many(serials: Any) -> pa.Array:
    """Make property references for made-up addresses, a different one for each serial below ``SYNTHETIC_COUNT``.

    ``serials``: whole numbers (numpy array). Returns a pa.string array of twelve digits from 998000000000 upwards.
    No range is published as never issued; this one lies above the ranges that authorities were given, and :func:`check`
    treats its numbers as any other.
    """
    return as_column(digits_of(serials_within(serials, SYNTHETIC_COUNT) + 998 * 10**9, 12))


def from_serial(serial: int) -> Uprn:
    """Make one property reference for a made-up address; see :func:`synthetic_many`."""
    return Uprn(synthetic_many(np.array([serial]))[0].as_py())
