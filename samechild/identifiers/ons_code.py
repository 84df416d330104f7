"""ONS nine-character code: names an area for statistics, from a country down to a neighbourhood.

A country letter, two digits for the kind of area and six for the area itself. A code ends when its boundary changes,
so a code means something only together with a date; whether it exists is for the published register to say. Codes of
eight nines stand for *no area known* and carry no location.

Source: Office for National Statistics, Register of Geographic Codes and Code History Database.
"""

from __future__ import annotations

import re
from typing import NewType

import numpy as np
import pyarrow as pa

from samechild.identifiers import text
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

OnsCode = NewType("OnsCode", str)

LOCAL_AUTHORITIES = ("E06", "E07", "E08", "E09", "E10", "W06", "S12", "N09")
"""How the codes of local authorities begin: unitary, district, metropolitan, London and county; Wales; Scotland; NI."""

LOWER_LAYER_AREAS = ("E01", "W01", "S01")
"""How the codes of lower layer super output areas (Scotland: data zones) begin."""

FORM = Finding(
    Kind.IMPOSSIBLE, "ons-code-form", "Not a country letter and eight digits: look the area up in the ONS register."
)
PSEUDO = Finding(Kind.PSEUDO)
FINDINGS = (OK, MISSING, FORM, PSEUDO)

_FORM = re.compile("[EWSNKJLM][0-9]{8}")
_NO_AREA = "99999999"


def normalise(value: str) -> str:
    """Take spaces and hyphens out of a typed code and put its letter in upper case; nothing else is changed."""
    return text.normalise(value)


def _judge(cleaned: str) -> Judged:
    if not cleaned:
        return None, MISSING
    if not _FORM.fullmatch(cleaned):
        return None, FORM
    return (None, PSEUDO) if cleaned[1:] == _NO_AREA else (cleaned, OK)


def _quickly(cleaned: pa.Array) -> text.Codes:
    right = text.matches(cleaned, _FORM.pattern) & ~text.matches(cleaned, f".{_NO_AREA}")
    return np.where(right, FINDINGS.index(OK), text.UNDECIDED).astype(np.int8)


def check(value: str) -> Checked:
    """Say whether a value has the form of an ONS area code; a code for *no area known* is :attr:`Kind.PSEUDO`."""
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of area codes: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.normalise_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> OnsCode:
    """Read one area code, or raise :class:`samechild.errors.Invalid` saying what is wrong without repeating it."""
    return OnsCode(accepted(_judge(normalise(value))))


def is_local_authority(code: OnsCode) -> bool:
    """Say whether a code is of the kind given to local authorities."""
    return code.startswith(LOCAL_AUTHORITIES)
