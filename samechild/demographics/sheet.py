"""What every part of standardising starts from: the given columns as codes, and how each source writes things."""

from __future__ import annotations

import msgspec

from samechild.demographics.columns import Coded
from samechild.demographics.conventions import Convention
from samechild.demographics.problems import Found


class Sheet(msgspec.Struct, frozen=True):
    """Given columns by field (blanks missing), which source each row is of, and each source's convention."""

    source: Coded
    given: dict[str, Coded]
    conventions: tuple[Convention, ...]


Made = tuple[dict[str, Coded], list[Found]]
"""Standardised columns by field, and the problems met on the way."""
