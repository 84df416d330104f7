"""Unique Pupil Number: thirteen characters by which schools and authorities in England (and Wales) know one pupil.

A check letter, the three-digit number of the authority that *issued* it (never proof of where the child is now), a
four-digit establishment, a two-digit year and a serial: three digits when permanent, two digits and a letter when
temporary. A temporary number lasts only until the real one is found and is weak evidence. Where there is no number,
statutory returns carry a code UN1 to UN10 saying why: the absence of an identifier, which never takes part in
matching. A former UPN has the same form.

A pupil who is adopted or whose identity is protected may be given a new number with no link to the old one: nothing
here ever relates two numbers.

The check letter catches every wrong digit and every exchange of neighbours, save one: in the last place the letters A
to K weigh the same as the digits 0 to 9, so a permanent number can turn into a temporary one unseen.

Source: DfE, Unique Pupil Numbers: a guide for schools and local authorities; Common Basic Data Set, code set CS051 for
the reasons there is none (paraphrased; the list a return allows is in its own specification).
"""

from __future__ import annotations

import re
from typing import Any, NewType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.check_digits import as_column, digits_of, is_digits, is_repeated
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

Upn = NewType("Upn", str)

ALPHABET = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""The 23 letters used; I, O and S would be mistaken for digits."""

SYNTHETIC_LA = "000"
"""Authority number of made-up UPNs. Authorities are numbered from 201 and pseudo-authorities from 001, so no school
can have issued them."""

UNKNOWN_CODES: dict[str, str] = {
    "UN1": "under school age and no UPN assigned yet",
    "UN2": "never attended a maintained school in England, none assigned",
    "UN3": "educated outside England, none assigned",
    "UN4": "newly in need or newly looked after, not yet known",
    "UN5": "sources disagree on name or date of birth, or the UPN is duplicated, so no reliable match",
    "UN6": "not looked after and the authority cannot obtain the UPN",
    "UN7": "referral that ended in no further action",
    "UN8": "special educational needs return: new to the authority, UPN or ULN not yet known",
    "UN9": "special educational needs return: never in a maintained school or further education setting in England",
    "UN10": "special educational needs return: request for assessment ended before UPN or ULN was known",
}
"""Why a return holds no UPN, by code."""

FORM = Finding(
    Kind.IMPOSSIBLE,
    "upn-form",
    "Not a letter, eleven digits and a digit or letter (I, O and S are never used): ask the school for the UPN whole.",
)
CHECK_LETTER = Finding(
    Kind.IMPOSSIBLE,
    "upn-check-letter",
    "The check letter is wrong, so a character was mistyped: ask the school to look again; it is never mended.",
)
REPEATED = Finding(
    Kind.SENTINEL, "upn-repeated-digit", "One digit repeated fills a box and names nobody: leave it blank."
)
UNKNOWN = Finding(Kind.UNKNOWN_CODE)
FINDINGS = (OK, SYNTHETIC, MISSING, FORM, CHECK_LETTER, REPEATED, UNKNOWN)

SYNTHETIC_COUNT = 10**9 - 1
"""How many made-up permanent UPNs :func:`from_serial` can make (the serial of nine noughts is left out)."""

TEMPORARY_COUNT = 23 * 10**8 - 1
"""How many made-up temporary UPNs :func:`synthetic_many` can make."""

_FORM = re.compile(rf"[{ALPHABET}][0-9]{{11}}[0-9{ALPHABET}]")
_LETTERS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
_VALUE = np.full(256, 255, dtype=np.uint8)  # what a character weighs; 255 for one that is never used
_VALUE[_LETTERS] = np.arange(23)
_VALUE[48:58] = np.arange(10)


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed UPN and put its letters in upper case; nothing else is changed."""
    return text.normalise(value)


def _check_letter(rest: str) -> str:
    total = sum(place * int(_VALUE[ord(character)]) for place, character in enumerate(rest, 2))
    return ALPHABET[total % 23]


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if cleaned in UNKNOWN_CODES:
        return None, UNKNOWN
    if not _FORM.fullmatch(cleaned):
        return None, REPEATED if is_digits(cleaned, len(cleaned)) and is_repeated(cleaned) else FORM
    if is_repeated(cleaned[1:]):
        return None, REPEATED
    if cleaned[0] != _check_letter(cleaned[1:]):
        return None, CHECK_LETTER
    return cleaned, SYNTHETIC if cleaned[1:4] == SYNTHETIC_LA else OK


def _letters_for(rows: text.Bytes) -> text.Bytes:
    """The right check letter for each row of twelve characters."""
    total = np.zeros(len(rows), dtype=np.int32)
    for place, weight in enumerate(range(2, 14)):
        total += _VALUE[rows[:, place]] * np.int32(weight)
    return _LETTERS[total % 23]


def _quickly(cleaned: pa.Array) -> text.Codes:
    codes = np.full(len(cleaned), text.UNDECIDED, dtype=np.int8)
    where, rows = text.matrix(cleaned, 13)
    middle = rows[:, 1:12] - np.uint8(48)
    formed = (middle.max(axis=1, initial=0) <= 9) & (_VALUE[rows[:, 12]] != 255) & np.isin(rows[:, 0], _LETTERS)
    formed &= (rows[:, 2:] != rows[:, 1:2]).any(axis=1)
    made_up = (middle[:, :3] == 0).all(axis=1)
    found = np.where(made_up, FINDINGS.index(SYNTHETIC), FINDINGS.index(OK))
    found = np.where(rows[:, 0] == _letters_for(rows[:, 1:]), found, FINDINGS.index(CHECK_LETTER))
    codes[where] = np.where(formed, found, text.UNDECIDED)
    return codes


def check(value: str) -> Checked:
    """Say whether a value is a UPN that can be used, and if not, what is wrong and what to do.

    Permanent and temporary numbers are both accepted: :func:`is_temporary` tells them apart. A code UN1 to UN10 is
    :attr:`Kind.UNKNOWN_CODE`, with no value and no problem: :func:`unknown_reason` says what it means.
    """
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of UPNs: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> Upn:
    """Read one UPN, or raise :class:`samechild.errors.Invalid` saying what is wrong without repeating it."""
    return Upn(accepted(_judge(normalise(value))))


def unknown_reason(value: str) -> str | None:
    """Say in words why there is no UPN, when the value is a code UN1 to UN10; else None."""
    return UNKNOWN_CODES.get(normalise(value))


def is_temporary(upn: Upn) -> bool:
    """Say whether a UPN is temporary: its last character is a letter."""
    return upn[-1] in ALPHABET


def temporary_many(upns: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Say for each canonical UPN of a column whether it is temporary; False where there is none."""
    canonical = text.as_strings(upns)
    temporary = np.zeros(len(canonical), dtype=np.bool_)
    where, rows = text.matrix(canonical, 13)
    temporary[where] = rows[:, 12] > ord("9")
    return temporary


def issuer(upn: Upn) -> str:
    """Give the number of the authority that issued a UPN, which says nothing about where the child is now."""
    return upn[1:4]


def synthetic_many(serials: Any, *, temporary: bool = False) -> pa.Array:
    """Make UPNs that no authority issued, a different one for each serial from 0 to ``SYNTHETIC_COUNT`` - 1.

    ``serials``: whole numbers (numpy array). Returns a pa.string array. Temporary ones end in a letter and run to
    ``TEMPORARY_COUNT``. Neighbouring serials give neighbouring numbers, as twins admitted together have.
    """
    numbers = serials_within(serials, TEMPORARY_COUNT if temporary else SYNTHETIC_COUNT) + 1
    if temporary:
        last = _LETTERS[numbers % 23][:, None]
        rest = np.concatenate([digits_of(numbers // 23, 11), last], axis=1)
    else:
        rest = digits_of(numbers, 12)
    return as_column(np.concatenate([_letters_for(rest)[:, None], rest], axis=1))


def from_serial(serial: int, *, temporary: bool = False) -> Upn:
    """Make one UPN that no authority issued; see :func:`synthetic_many`."""
    return Upn(synthetic_many(np.array([serial]), temporary=temporary)[0].as_py())
