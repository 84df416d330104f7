"""Postcode: the few houses a child lives among, and the codes written when that is not known.

The form is that of the published pattern, which knows which letters Royal Mail uses in which place; whether a postcode
of the right form exists is a question for a directory. Codes beginning ZZ99 stand for *no fixed abode*, *not known* or
*abroad*: they fail the ordinary pattern, so they are recognised first, and two of them never count as agreement.

Source: Royal Mail postcode format as published in BS 7666 and the Government Data Standards Catalogue; NHS Organisation
Data Service for the pseudo postcodes.
"""

from __future__ import annotations

import re
from typing import NewType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.identifiers import text
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

Postcode = NewType("Postcode", str)

PSEUDO_MEANINGS: dict[str, str] = {
    "ZZ99 3VZ": "no fixed abode",
    "ZZ99 3WZ": "address not known",
    "ZZ99 3CZ": "address outside the UK, country not stated (England list)",
}
"""What the commonest pseudo postcodes mean; the others name a country outside the United Kingdom."""

FORM = Finding(
    Kind.IMPOSSIBLE, "postcode-form", "Not of the form of a UK postcode: ask the source for the postcode as posted."
)
OUTWARD_ONLY = Finding(
    Kind.IMPOSSIBLE,
    "postcode-first-half",
    "Only the first half of a postcode: ask the source for the whole; a district alone is too large to match on.",
)
PSEUDO = Finding(Kind.PSEUDO)
FINDINGS = (OK, MISSING, FORM, OUTWARD_ONLY, PSEUDO)

_OUTWARD = r"[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9](?:[0-9]|[ABEHMNPRV-Y])?|[0-9][A-HJKPS-UW])"
_WHOLE = re.compile(rf"(?:GIR0AA|{_OUTWARD}[0-9][ABD-HJLNP-UW-Z]{{2}})")
_FIRST_HALF = re.compile(_OUTWARD)
_PSEUDO = re.compile(r"ZZ99[0-9][A-Z]Z")


def normalise(value: str) -> str:
    """Take out spaces and hyphens, put letters in upper case, and one space before the last three characters."""
    cleaned = text.normalise(value)
    return f"{cleaned[:-3]} {cleaned[-3:]}" if len(cleaned) > 4 else cleaned


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if _PSEUDO.fullmatch(cleaned):
        return None, PSEUDO
    if _WHOLE.fullmatch(cleaned):
        return f"{cleaned[:-3]} {cleaned[-3:]}", OK
    return None, OUTWARD_ONLY if _FIRST_HALF.fullmatch(cleaned) else FORM


def _quickly(cleaned: pa.Array) -> text.Codes:
    return np.where(text.matches(cleaned, _WHOLE.pattern), FINDINGS.index(OK), text.UNDECIDED).astype(np.int8)


def _canonical(cleaned: pa.Array) -> pa.Array:
    outward = pc.utf8_slice_codeunits(cleaned, 0, -3)
    return pc.binary_join_element_wise(outward, pc.utf8_slice_codeunits(cleaned, -3), " ")


def check(value: str) -> Checked:
    """Say whether a value is a postcode that can be used, and if not, what is wrong and what to do.

    The canonical form is upper case with one space. A ZZ99 code is :attr:`Kind.PSEUDO`, with no value and no problem:
    :func:`pseudo_meaning` says what it stands for.
    """
    return checked(_judge(text.normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of postcodes: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS, _canonical)


def parse(value: str) -> Postcode:
    """Read one postcode, or raise :class:`samechild.errors.Invalid` saying what is wrong without repeating it."""
    return Postcode(accepted(_judge(text.normalise(value))))


def pseudo_meaning(value: str) -> str | None:
    """Say in words what a pseudo postcode stands for; None when the value is not one."""
    canonical = normalise(value)
    if not _PSEUDO.fullmatch(text.normalise(value)):
        return None
    return PSEUDO_MEANINGS.get(canonical, "a place outside the United Kingdom, or not known")


def sector(postcode: Postcode) -> str:
    """Give the postcode sector: the postcode without its last two letters, such as LS1 6."""
    return postcode[:-2]


def district(postcode: Postcode) -> str:
    """Give the postcode district: the first half, such as LS1."""
    return postcode[:-4]


def sectors(postcodes: pa.Array) -> pa.Array:
    """Give the sector of every canonical postcode of a pa.string array; null where there is none."""
    return pc.utf8_slice_codeunits(postcodes, 0, -2)


def districts(postcodes: pa.Array) -> pa.Array:
    """Give the district of every canonical postcode of a pa.string array; null where there is none."""
    return pc.utf8_slice_codeunits(postcodes, 0, -4)
