"""Identifiers as they arrive in files: wrapped by a spreadsheet, or standing in the wrong column.

The checks themselves are in :mod:`samechild.identifiers`; a value that they refuse is looked at again here. A wrapping
that lost nothing is taken off ("9.990000018E+09" with all its digits, ="9990000018", a trailing .0). A right number of
another register in this column (a learner number among NHS numbers) is refused here, told, and used where it belongs
if that field is empty. Digits are never mended.
"""

from __future__ import annotations

import re
from decimal import Decimal
from types import ModuleType

import msgspec

from samechild.identifiers import (
    chi_number,
    child_benefit_number,
    hc_number,
    la_child_id,
    nhs_number,
    nino,
    scn,
    text,
    ucrn,
    uln,
    upn,
    uprn,
)
from samechild.identifiers.kinds import Kind

CHECKS: dict[str, ModuleType] = {
    "nhs_number": nhs_number, "chi_number": chi_number, "hc_number": hc_number, "ucrn": ucrn, "scn": scn, "upn": upn,
    "former_upn": upn, "uln": uln, "nino": nino, "child_benefit_number": child_benefit_number,
    "la_child_id": la_child_id,
    "uprn": uprn,
}  # fmt: skip
"""The module that checks each identifier field."""

TELLING = ("nhs_number", "hc_number", "chi_number", "uln", "upn", "nino")
"""Identifiers whose form and check digit tell them from the others, so that a misplaced one is recognised."""

BY_CHANCE = tuple((field, "uln") for field in ("nhs_number", "hc_number", "chi_number")) + tuple(
    ("uln", field) for field in ("nhs_number", "hc_number", "chi_number")
)
"""Pairs of fields where one mistyped number in eleven passes the other's check: a single case proves nothing."""

NUMERIC = frozenset({"nhs_number", "chi_number", "hc_number", "scn", "uln", "uprn"})
SILENT = frozenset({Kind.MISSING, Kind.UNKNOWN_CODE, Kind.PSEUDO})

_WRAPPED = re.compile(r"^\s*(?:=\s*\"(.*)\"|\"(.*)\"|'(.*?)'?)\s*$", re.DOTALL)
_WHOLE_FLOAT = re.compile(r"^\s*(\d+)[.,]0+\s*$")
_SCIENTIFIC = re.compile(r"^\s*(\d)(?:[.,](\d+))?E\+?(\d{1,2})\s*$", re.IGNORECASE)
_COULD_BE_ANY = re.compile(r"[0-9]{10}|[A-Z][0-9]{11}[0-9A-Z]|[A-Z]{2}[0-9]{6}[A-Z]")
_NOT_THERE = frozenset(
    [
        "NA",
        "NONE",
        "NULL",
        "NAN",
        "NK",
        "UNKNOWN",
        "NOTKNOWN",
        "N/A",
        "TBC",
        "TBA",
        "PENDING",
        "NOTAVAILABLE",
        "NOTRECORDED",
        "NOTGIVEN",
        "?",
        ".",
        "X",
        "XX",
        "XXX",
    ]
)


class NumberRead(msgspec.Struct, frozen=True):
    """What one identifier field says: its own ``value``, or a number of the field ``belongs_to``, or a problem."""

    value: str | None = None
    belongs_to: str | None = None
    moved: str | None = None
    problem: str | None = None


NOTHING = NumberRead()


def unwrap(value: str, numeric: bool) -> str | None:
    """Take off what a spreadsheet put round a number; None when it lost digits (9.99E+09 stands for many numbers)."""
    found = _WRAPPED.match(value)
    if found:
        value = next(group for group in found.groups() if group is not None)
    if not numeric:
        return value
    whole = _WHOLE_FLOAT.match(value)
    if whole:
        return whole[1]
    found = _SCIENTIFIC.match(value)
    if found:
        digits = 1 + len(found[2] or "")
        exponent = int(found[3])
        return str(int(Decimal(value.strip().replace(",", ".")))) if digits == exponent + 1 else None
    return value


def read_number(field: str, value: str, distrusted: frozenset[str] = frozenset()) -> NumberRead:
    """Read one identifier of a field of :class:`~samechild.records.Record`, such as "nhs_number".

    ``problem`` is the check's own rule, number-lost-digits, or <field>-misplaced with ``belongs_to`` and ``moved``.
    Numbers of the fields in ``distrusted`` are not looked for: they would be mistyped numbers that pass by chance.
    A National Insurance number is the eight characters that tell people apart.
    """
    check = CHECKS[field].check
    checked = check(value)
    if checked.value is not None:
        return NumberRead(value=_kept(field, checked.value))
    if checked.kind in SILENT or text.normalise(value) in _NOT_THERE:
        return NOTHING
    bare = unwrap(value, field in NUMERIC)
    if bare is None:
        return NumberRead(problem="number-lost-digits")
    if bare != value:
        checked = check(bare)
        if checked.value is not None:
            return NumberRead(value=_kept(field, checked.value))
        if checked.kind in SILENT:
            return NOTHING
    if field == "nino" and checked.kind is Kind.REVIEW:
        whole = check(bare.strip() + "A").value
        return NumberRead(value=_kept(field, whole) if whole else None, problem=checked.problem)
    if field == "la_child_id" and checked.problem == "la-child-id-form":
        plain = bare.strip().upper()
        return NumberRead(value=plain) if plain and not re.search(r"\s", plain) else NumberRead(problem=checked.problem)
    could_be_another = field in TELLING and _COULD_BE_ANY.fullmatch(text.normalise(bare)) is not None
    for other in TELLING if could_be_another else ():
        if CHECKS[other] is not CHECKS[field] and other not in distrusted:
            found = CHECKS[other].check(bare).value
            if found is not None:
                return NumberRead(
                    belongs_to=other, moved=_kept(other, found), problem=f"{other.replace('_', '-')}-misplaced"
                )
    return NumberRead(problem=checked.problem)


def _kept(field: str, value: str) -> str:
    return nino.person_part(nino.Nino(value)) if field == "nino" else value


def read_other_id(value: str) -> str | None:
    """An identifier of no known kind: capitals without spaces or hyphens; None for a filler (one digit repeated)."""
    bare = text.normalise(unwrap(value, numeric=False) or "")
    if not bare or bare in _NOT_THERE or (len(set(bare)) == 1 and (len(bare) > 2 or not bare.isalnum())):
        return None
    return bare


def read_status(value: str) -> tuple[str | None, str | None]:
    """An NHS number status indicator, 01 to 08, and the problem if it is none."""
    bare = text.normalise(unwrap(value, numeric=True) or "")
    if not bare:
        return None, None
    code = bare.zfill(2)
    return (code, None) if re.fullmatch("0[1-8]", code) else (None, "nhs-number-status-unknown")
