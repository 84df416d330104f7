"""The codes of schools, providers, authorities and practices, which say where a child is known rather than who it is.

A school has a LAESTAB (authority and establishment number), which changes when it becomes an academy or moves
authority, and a URN, which never changes hands. A provider of learning has a UKPRN, an authority a DfE number, an NHS
organisation an ODS code. None carries a check digit and all are looked up by date in their registers; here only the
form is judged. For a protected child the school and the practice are location and are withheld like an address.

Source: DfE, Get Information About Schools; UK Register of Learning Providers; NHS Organisation Data Service.
"""

from __future__ import annotations

import re
from enum import StrEnum

import numpy as np
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked


class Register(StrEnum):
    """Which register a code is from."""

    LAESTAB = "laestab"  # school: authority number and establishment number, seven digits, often 801/2000
    URN = "urn"  # school: unique reference number, six digits
    UKPRN = "ukprn"  # provider of learning: eight digits beginning with 1
    LA_NUMBER = "la-number"  # authority: three digits
    ODS = "ods-code"  # NHS organisation: three to ten letters and digits
    SCHOOL = "school"  # either of a school's own two: URN or LAESTAB


_FORMS: dict[Register, str] = {
    Register.LAESTAB: "[0-9]{7}",
    Register.URN: "[1-9][0-9]{5}",
    Register.UKPRN: "1[0-9]{7}",
    Register.LA_NUMBER: "[0-9]{3}",
    Register.ODS: "[A-Z0-9]{3,10}",
    Register.SCHOOL: "[0-9]{7}|[1-9][0-9]{5}",
}
_WORDS: dict[Register, str] = {
    Register.LAESTAB: "seven digits, the authority's three and the establishment's four",
    Register.URN: "six digits, the first above nought",
    Register.UKPRN: "eight digits beginning with 1",
    Register.LA_NUMBER: "the three digits of a DfE authority number",
    Register.ODS: "three to ten letters and digits",
    Register.SCHOOL: "a school's URN (six digits) or LAESTAB (seven)",
}
FINDINGS: dict[Register, tuple[Finding, ...]] = {
    register: (
        OK,
        MISSING,
        Finding(Kind.IMPOSSIBLE, f"{register}-form", f"Not {words}: look the code up in its register."),
        Finding(Kind.SENTINEL, f"{register}-filler", "Noughts alone fill a box and name no place: leave it blank."),
    )
    for register, words in _WORDS.items()
}
"""What a check of each register's codes can find."""


def normalise(value: str) -> str:
    """Take spaces, hyphens and the stroke of 801/2000 out of a typed code and put its letters in upper case."""
    return text.normalise(value, "/")


def _judge(cleaned: str, register: Register) -> Judged:
    _, _, form, filler = FINDINGS[register]
    if not cleaned:
        return None, MISSING
    if not re.fullmatch(_FORMS[register], cleaned):
        return None, form
    return (cleaned, OK) if cleaned.strip("0") else (None, filler)


def check(value: str, register: Register) -> Checked:
    """Say whether a value has the form of a register's codes; whether it exists is for the register to say."""
    return checked(_judge(normalise(value), register))


def check_many(values: pa.Array | pa.ChunkedArray, register: Register) -> CheckedMany:
    """Check a whole column of a register's codes: the same answers as :func:`check`, many times faster."""
    findings = FINDINGS[register]

    def quickly(cleaned: pa.Array) -> text.Codes:
        right = text.matches(cleaned, _FORMS[register]) & ~text.matches(cleaned, "0*")
        return np.where(right, findings.index(OK), text.UNDECIDED).astype(np.int8)

    def carefully(cleaned: str) -> Judged:
        return _judge(cleaned, register)

    return text.check_column(values, lambda given: text.normalise_many(given, "/"), quickly, carefully, findings)


def parse(value: str, register: Register) -> str:
    """Read one code of a register, or raise :class:`samechild.errors.Invalid` without repeating it."""
    return accepted(_judge(normalise(value), register))


def display_laestab(laestab: str) -> str:
    """Write a LAESTAB as people read it: 801/2000."""
    return f"{laestab[:3]}/{laestab[3:]}"
