"""Local authority child identifier: up to ten letters and digits by which *one* authority knows a child.

It is unique within its authority only, so the key is the pair of authority and identifier: :func:`local_id`. Leading
noughts are kept, although some exports drop them. A space inside is refused rather than closed up, for two identifiers
in one box look like that.

Source: DfE, Children in need census and Children looked after return guides, field *Child ID*.
"""

from __future__ import annotations

import re
from typing import NewType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samechild.errors import Invalid
from samechild.identifiers import text
from samechild.identifiers.check_digits import REPEATED_DIGIT, is_filler
from samechild.identifiers.kinds import MISSING, OK, Checked, CheckedMany, Finding, Judged, Kind, accepted, checked

LaChildId = NewType("LaChildId", str)
LocalId = NewType("LocalId", str)

FORM = Finding(
    Kind.IMPOSSIBLE,
    "la-child-id-form",
    "Not one to ten letters and digits without a space: ask the authority which identifier its returns carry.",
)
FILLER = Finding(
    Kind.SENTINEL, "la-child-id-filler", "Noughts alone, or one digit ten times, name nobody: leave it blank."
)
FINDINGS = (OK, MISSING, FORM, FILLER)

_FORM = re.compile("[A-Z0-9]{1,10}")


def normalise(value: str) -> str:
    """Take spaces off both ends of an identifier and put its letters in upper case; nothing else is changed."""
    return text.trim(value)


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
    """Say whether a value can be an authority's child identifier; there is no check digit to notice a wrong one."""
    return checked(_judge(normalise(value)))


def check_many(values: pa.Array | pa.ChunkedArray) -> CheckedMany:
    """Check a whole column of child identifiers: the same answers as :func:`check`, many times faster."""
    return text.check_column(values, text.trim_many, _quickly, _judge, FINDINGS)


def parse(value: str) -> LaChildId:
    """Read one child identifier, or raise :class:`samechild.errors.Invalid` without repeating it."""
    return LaChildId(accepted(_judge(normalise(value))))


def local_id(authority: str, child_id: LaChildId) -> LocalId:
    """Name a child across authorities: the authority's number or code, a colon, and its own identifier.

    Raises :class:`samechild.errors.Invalid` when the authority is blank, for an identifier alone names nobody.
    """
    issuer = normalise(authority)
    if not issuer:
        raise Invalid("A local authority's child identifier means nothing without the authority: name it.")
    return LocalId(f"{issuer}:{child_id}")


def local_ids(authorities: pa.Array, child_ids: pa.Array) -> pa.Array:
    """Give :func:`local_id` of every pair of two pa.string arrays; null where either is missing."""
    issuers = text.trim_many(authorities)
    issuers = pc.if_else(pc.equal(issuers, ""), pa.scalar(None, pa.string()), issuers)
    return pc.binary_join_element_wise(issuers, child_ids, ":")
